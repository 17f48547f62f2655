//! The engine: one per process, shared by everything that gives commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use wherry_account::{Account, AccountId, Accounts, Home, Signing};
use wherry_store::{Credentials, ErrorKind, KeySource, S3Config, S3Store, StoreError};
use wherry_vault::{Secret, Vault, VaultKind};

use crate::contract::{Event, Problem, Remedy};
use crate::events::Events;
use crate::hand_over::KeyImports;
use crate::jobs::{JobPatience, Jobs};
use crate::keys::{Hosted, Imports, OidcSignIns, Reveals, Sessions};
use crate::lent::Lenders;
use crate::listing::Listing;
use crate::practice::Running;
use crate::problem::{About, from_store};
use crate::settings::SettingsFile;

#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What time it is.
type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

pub(crate) struct Inner {
    pub home: Home,
    pub accounts: Accounts,
    pub settings: SettingsFile,
    pub vault: Mutex<Vault>,
    pub events: Events,
    pub stores: Mutex<HashMap<AccountId, Opened>>,
    /// What the stores and the vault said of each account's key in this session.
    pub verdicts: Mutex<HashMap<AccountId, Verdict>>,
    pub practice: tokio::sync::Mutex<Option<Running>>,
    pub listings: Mutex<HashMap<String, Arc<Listing>>>,
    pub sessions: Sessions,
    pub imports: Imports,
    pub key_imports: KeyImports,
    pub oidc: OidcSignIns,
    pub hosted: Hosted,
    pub reveals: Reveals,
    pub jobs: Jobs,
    pub lenders: Lenders,
    clock: Clock,
}

/// A store that is ready to be asked, for as long as its account stays as it was.
#[derive(Clone)]
pub(crate) struct Opened {
    pub account: Account,
    pub store: S3Store,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Refused,
    SecretMissing,
}

/// Locks that are never held across an await and whose holders cannot leave them half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// `vault` overrides the user's choice: `WHERRY_VAULT`, and tests.
    pub fn new(home: Home, vault: Option<VaultKind>) -> Self {
        Self::with_clock(home, vault, Utc::now)
    }

    /// With another clock than the computer's.
    pub fn with_clock(
        home: Home,
        vault: Option<VaultKind>,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Self {
        let settings = SettingsFile::at(home.settings_file());
        let kind = vault
            .or_else(|| settings.read().vault.map(Into::into))
            .unwrap_or_default();
        Self {
            inner: Arc::new(Inner {
                accounts: Accounts::at(home.accounts_file()),
                settings,
                vault: Mutex::new(Vault::open(kind, &home)),
                events: Events::new(),
                stores: Mutex::default(),
                verdicts: Mutex::default(),
                practice: tokio::sync::Mutex::default(),
                listings: Mutex::default(),
                sessions: Sessions::default(),
                imports: Imports::default(),
                key_imports: KeyImports::default(),
                oidc: OidcSignIns::default(),
                hosted: Hosted::default(),
                reveals: Reveals::default(),
                jobs: Jobs::new(JobPatience::default()),
                lenders: Lenders::default(),
                clock: Box::new(clock),
                home,
            }),
        }
    }

    /// With another patience of transfers than people have: for tests. Before anything is done.
    #[must_use]
    pub fn with_patience(mut self, patience: JobPatience) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.jobs = Jobs::new(patience);
        }
        self
    }

    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    pub fn events(&self) -> &Events {
        &self.inner.events
    }

    pub fn accounts_file(&self) -> &Accounts {
        &self.inner.accounts
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.inner.clock)()
    }

    pub(crate) fn settings_now(&self) -> crate::contract::Settings {
        self.inner.settings.read()
    }

    pub(crate) fn vault_in_use(&self) -> Vault {
        lock(&self.inner.vault).clone()
    }

    pub(crate) fn account(&self, id: &str) -> Result<Account, Problem> {
        Ok(self.inner.accounts.get(&AccountId::from(id.to_owned()))?)
    }

    /// Gives the encrypted file its passphrase; the other vaults have no use for one.
    pub async fn unlock_vault(&self, passphrase: secrecy::SecretString) -> Result<(), Problem> {
        Ok(self.vault_in_use().unlock(passphrase).await?)
    }

    /// The store of an account, for whoever works on it directly.
    pub async fn store(&self, account: &str) -> Result<S3Store, Problem> {
        Ok(self.open(account).await?.store)
    }

    /// A store's refusal in words, remembered when it is about the account's key.
    pub fn store_problem(
        &self,
        account: &str,
        bucket: Option<&str>,
        key: Option<&str>,
        error: &StoreError,
    ) -> Problem {
        match self.account(account) {
            Ok(account) => self.refused(&account, bucket, key, error),
            Err(problem) => problem,
        }
    }

    /// The store of an account, opened at the first use and again when the account has changed.
    pub(crate) async fn open(&self, id: &str) -> Result<Opened, Problem> {
        let mut account = self.account(id)?;
        if account.is_practice() {
            account = self.wake_practice(account).await?;
        }
        if let Some(opened) = lock(&self.inner.stores).get(&account.id)
            && unmarked(&opened.account) == unmarked(&account)
        {
            return Ok(opened.clone());
        }
        let key = if self.is_lent(&account) {
            Some(self.lent_keys(&account))
        } else {
            self.credentials(&account).await?.map(KeySource::Fixed)
        };
        let store = S3Config::for_account(&account, key)
            .and_then(S3Store::new)
            .map_err(|e| from_store(&e, &self.about(&account)))?;
        let opened = Opened { account, store };
        lock(&self.inner.stores).insert(opened.account.id.clone(), opened.clone());
        Ok(opened)
    }

    pub(crate) async fn credentials(
        &self,
        account: &Account,
    ) -> Result<Option<Credentials>, Problem> {
        if account.signing == Signing::Anonymous {
            return Ok(None);
        }
        if account.is_practice() {
            return Ok(self.practice_credentials().await);
        }
        if self.is_lent(account) {
            return Ok(Some(self.lent_key(account).await?.credentials));
        }
        let Some(access_key_id) = account.key.access_key_id.clone() else {
            return Ok(None);
        };
        let vault = self.vault_in_use();
        let Some(secret) = vault.load(account.secret_name()).await? else {
            self.judge(&account.id, Some(Verdict::SecretMissing));
            return Err(self.secret_missing(account, vault.kind()));
        };
        Ok(Some(Credentials {
            access_key_id,
            secret: secret.access_key().clone(),
            session_token: secret.session_token().cloned(),
        }))
    }

    fn secret_missing(&self, account: &Account, kept: VaultKind) -> Problem {
        let id = account.id.to_string();
        let what = match kept {
            VaultKind::Session => {
                format!("The secret of “{}” is asked for each time.", account.name)
            }
            VaultKind::Keychain => format!("The keychain has no secret for “{}”.", account.name),
            VaultKind::File => format!("The encrypted file has no secret for “{}”.", account.name),
        };
        let problem = Problem::new(
            "account.secret-missing",
            what,
            "Enter the secret of its access key, or make a new key.",
        )
        .maybe("access key id", account.key.access_key_id.clone())
        .remedy(Remedy::GiveSecret {
            account: id.clone(),
        });
        if account.makes_keys() {
            problem.remedy(Remedy::NewKey { account: id })
        } else {
            problem
        }
    }

    /// Keeps the secret of an account and forgets what was concluded from an earlier one.
    pub(crate) async fn keep_secret(
        &self,
        account: &Account,
        secret: &Secret,
    ) -> Result<(), Problem> {
        self.vault_in_use().store(account, secret).await?;
        self.forget_store(&account.id);
        Ok(())
    }

    /// The next use opens the store anew.
    pub(crate) fn forget_store(&self, id: &AccountId) {
        lock(&self.inner.stores).remove(id);
        lock(&self.inner.verdicts).remove(id);
        self.inner.lenders.wake(id);
        self.inner.events.tell(Event::Accounts {});
        self.jobs_may_go_on();
    }

    pub(crate) fn verdict(&self, id: &AccountId) -> Option<Verdict> {
        lock(&self.inner.verdicts).get(id).copied()
    }

    pub(crate) fn judge(&self, id: &AccountId, verdict: Option<Verdict>) {
        let changed = match verdict {
            Some(verdict) => {
                lock(&self.inner.verdicts).insert(id.clone(), verdict) != Some(verdict)
            }
            None => lock(&self.inner.verdicts).remove(id).is_some(),
        };
        if changed {
            self.inner.events.tell(Event::Accounts {});
        }
    }

    /// The store has accepted the account's key.
    pub(crate) fn accepted(&self, account: &Account) {
        self.judge(&account.id, None);
        let now = self.now();
        // To the hour: nobody needs it closer, and the file is not written for every folder.
        let hour = chrono::TimeDelta::hours(1);
        let noted = self.inner.accounts.get(&account.id);
        if noted.is_ok_and(|a| a.key.last_used.is_none_or(|last| now - last > hour))
            && let Err(error) = self
                .inner
                .accounts
                .update(&account.id, |a| a.key.last_used = Some(now))
        {
            tracing::info!(%error, "the use of a key cannot be noted");
        }
    }

    /// What an error at this account's store is about.
    pub fn about(&self, account: &Account) -> About {
        About {
            account: Some(account.id.to_string()),
            account_name: Some(account.name.clone()),
            host: host(&account.endpoint),
            https: account.endpoint.scheme() == "https",
            bucket: None,
            key: None,
            can_make_key: account.makes_keys(),
            key_deleted: account.key.deleted.is_some(),
            // A lent key is replaced in time, so its end explains nothing.
            key_expired: !self.is_lent(account)
                && account.key.expires.is_some_and(|t| t <= self.now()),
        }
    }

    /// Turns a store's refusal into words, and remembers when it is about the account's key.
    pub(crate) fn refused(
        &self,
        account: &Account,
        bucket: Option<&str>,
        key: Option<&str>,
        error: &StoreError,
    ) -> Problem {
        // The account as it is now: its key may have been deleted since the store was opened.
        let account = self
            .inner
            .accounts
            .get(&account.id)
            .unwrap_or_else(|_| account.clone());
        if let Some(problem) = self.lent_trouble(&account.id, error) {
            return problem;
        }
        let mut about = self.about(&account);
        about.bucket = bucket.map(str::to_owned);
        about.key = key.map(str::to_owned);
        let key_is_dead = about.key_deleted || about.key_expired;
        match error.kind {
            ErrorKind::KeyUnknown | ErrorKind::KeyExpired | ErrorKind::SecretWrong => {
                self.judge(&account.id, Some(Verdict::Refused));
            }
            ErrorKind::Denied if key_is_dead => self.judge(&account.id, Some(Verdict::Refused)),
            _ => {}
        }
        from_store(error, &about)
    }

    /// Clears up what an earlier run left behind. For the one process that owns the window: a
    /// second one might take away what the first is using.
    pub fn tidy(&self) {
        crate::jobs::clear_staging(self);
    }

    /// Stops what must not outlive the process: jobs are left as they are, to be gone on with, and the
    /// practice store closes.
    pub async fn shut_down(&self) {
        self.close_jobs().await;
        if let Some(practice) = self.inner.practice.lock().await.take() {
            practice.server.stop().await;
        }
    }
}

/// Without what changes while its store stays the same.
fn unmarked(account: &Account) -> Account {
    let mut account = account.clone();
    account.key.last_used = None;
    account.key.told_days_left = None;
    account
}

/// Host and port, as people name a store.
pub(crate) fn host(url: &url::Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

pub(crate) trait AccountFacts {
    fn is_practice(&self) -> bool;
    /// Whether Wherry can make another key for it.
    fn makes_keys(&self) -> bool;
}

impl AccountFacts for Account {
    fn is_practice(&self) -> bool {
        self.provider == "practice"
    }

    fn makes_keys(&self) -> bool {
        crate::keys::issuer(self).is_ok()
    }
}
