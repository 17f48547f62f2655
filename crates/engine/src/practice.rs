//! The practice store as an account.
//!
//! The server lives in this process and starts when its account is first used. Its port stays the
//! same from start to start as long as nobody else has taken it.

use wherry_account::{Account, AccountId, Addressing, KeyFacts, Signing};
use wherry_practice::{Practice, PracticeKey};
use wherry_store::Credentials;
use wherry_vault::Secret;

use crate::contract::Problem;
use crate::engine::{AccountFacts, Engine};

/// The server of this process and the key it honours.
pub(crate) struct Running {
    pub server: Practice,
    key: PracticeKey,
}

impl Running {
    fn as_it_is(&self, mut account: Account) -> Account {
        account.endpoint = self.server.endpoint().clone();
        account.key.access_key_id = Some(self.key.access_key_id.clone());
        account
    }
}

impl Engine {
    /// The practice account, made at the first time, with its server running.
    pub(crate) async fn practice_account(&self) -> Result<Account, Problem> {
        let existing = self
            .inner
            .accounts
            .list()?
            .into_iter()
            .find(AccountFacts::is_practice);
        let account = match existing {
            Some(account) => account,
            None => {
                let account = self.new_practice_account()?;
                self.inner.accounts.add(account.clone())?;
                account
            }
        };
        self.wake_practice(account).await
    }

    fn new_practice_account(&self) -> Result<Account, Problem> {
        let names: Vec<String> = self
            .inner
            .accounts
            .list()?
            .into_iter()
            .map(|a| a.name)
            .collect();
        let name = (1..)
            .map(|n| {
                if n == 1 {
                    "Practice".to_owned()
                } else {
                    format!("Practice {n}")
                }
            })
            .find(|name| !names.contains(name))
            .unwrap_or_else(|| "Practice".to_owned());
        let endpoint = "http://127.0.0.1:9"
            .parse()
            .map_err(|e| Problem::fault("The practice store has no address.", e))?;
        Ok(Account {
            id: AccountId::random(),
            name,
            provider: "practice".into(),
            endpoint,
            region: "us-east-1".into(),
            addressing: Addressing::Path,
            signing: Signing::V4,
            key: KeyFacts::default(),
            ca_file: None,
            proxy: None,
            issuer: None,
            opened_buckets: Vec::new(),
            added: self.now(),
        })
    }

    /// Makes sure the server behind this account runs; returns the account with the address and
    /// key it has now.
    pub(crate) async fn wake_practice(&self, account: Account) -> Result<Account, Problem> {
        let mut running = self.inner.practice.lock().await;
        if let Some(running) = &*running {
            return Ok(running.as_it_is(account));
        }
        let kept = self.kept_practice_key(&account).await;
        let fresh = kept.is_none();
        let key = kept.unwrap_or_else(PracticeKey::generate);
        let used_before = account.key.access_key_id.is_some();
        let port = account.endpoint.port().filter(|_| used_before);
        let server = Practice::start(&self.inner.home.practice(), &key, port)
            .await
            .map_err(|e| {
                Problem::new(
                    "practice.start",
                    format!("The practice store could not be started: {e}."),
                    "Make sure the disk has room and its folder is yours, and try again.",
                )
                .retryable()
                .context("folder", self.inner.home.practice().display())
            })?;
        let now = self.now();
        let account = self.inner.accounts.update(&account.id, |a| {
            // Another Wherry may have the port just now; the account's own stays what it was.
            if !used_before {
                a.endpoint = server.endpoint().clone();
            }
            if a.key.access_key_id.as_deref() != Some(&key.access_key_id) {
                a.key = KeyFacts {
                    access_key_id: Some(key.access_key_id.clone()),
                    created: Some(now),
                    ..KeyFacts::default()
                };
            }
        })?;
        let started = Running { server, key };
        let (account, secret) = (
            started.as_it_is(account),
            Secret::new(started.key.secret.clone()),
        );
        *running = Some(started);
        drop(running);
        // Only this process's server honours the key, so that a vault that cannot keep it costs
        // nothing: the next start makes another.
        if fresh && let Err(problem) = self.keep_secret(&account, &secret).await {
            tracing::info!(code = problem.code, "the practice key is not kept");
        }
        Ok(account)
    }

    /// The key of the running server, whether a vault keeps it or not.
    pub(crate) async fn practice_credentials(&self) -> Option<Credentials> {
        let running = self.inner.practice.lock().await;
        running.as_ref().map(|running| Credentials {
            access_key_id: running.key.access_key_id.clone(),
            secret: running.key.secret.clone(),
            session_token: None,
        })
    }

    async fn kept_practice_key(&self, account: &Account) -> Option<PracticeKey> {
        let access_key_id = account.key.access_key_id.clone()?;
        let secret = self
            .vault_in_use()
            .load(account.secret_name())
            .await
            .ok()??;
        Some(PracticeKey {
            access_key_id,
            secret: secret.access_key().clone(),
        })
    }
}
