//! Accounts: made from a form, tried, saved, shown.

mod places;
mod state;
mod typed;

use chrono::{TimeZone, Utc};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wherry_account::{Account, AccountId, Addressing, KeyFacts, Signing, provider};
use wherry_store::{Credentials, KeyVerdict, Probe, S3Config, S3Store};
use wherry_vault::{Secret, VaultKind};

use crate::contract::{
    AccountEdit, AccountForm, AccountTest, AccountView, AddressingView, Event, GivenSecret,
    IssuerView, KeyView, Problem, SigningView,
};
use crate::engine::{AccountFacts, Engine, host};
use crate::problem::{About, from_store};

pub(crate) use places::provider_views;
pub(crate) use state::kept_words;
use state::{key_state, source};
use typed::endpoint;
pub(crate) use typed::{ca_file, parse_endpoint, proxy};

impl Engine {
    pub(crate) fn account_views(&self) -> Result<Vec<AccountView>, Problem> {
        let accounts = self.inner.accounts.list()?;
        Ok(accounts.iter().map(|a| self.account_view(a)).collect())
    }

    pub(crate) fn account_view(&self, account: &Account) -> AccountView {
        let preset = provider(&account.provider);
        AccountView {
            id: account.id.to_string(),
            name: account.name.clone(),
            provider: account.provider.clone(),
            provider_name: preset.map_or_else(|| account.provider.clone(), |p| p.name.clone()),
            endpoint: account.endpoint.to_string(),
            region: account.region.clone(),
            signing: account.signing.into(),
            addressing: account.addressing.into(),
            ca_file: account.ca_file.as_ref().map(|p| p.display().to_string()),
            proxy: account.proxy.as_ref().map(Url::to_string),
            key: self.key_view(account),
            issuer: account.issuer.as_ref().map(|issuer| IssuerView {
                kind: issuer.kind.into(),
                url: issuer.url.to_string(),
                user: issuer.user.clone(),
                domain: issuer.domain.clone(),
                scope_id: issuer.scope_id.clone(),
                scope_name: issuer.scope_name.clone(),
                region: issuer.region.clone(),
                options: (&issuer.options).into(),
                signed_in: self.inner.sessions.of_account(&account.id).is_some(),
            }),
            opened_buckets: account.opened_buckets.clone(),
        }
    }

    pub(crate) fn key_view(&self, account: &Account) -> KeyView {
        let lent = self.is_lent(account);
        let (state, words) = match self.verdict(&account.id) {
            None if lent => self.lent_state(account),
            verdict => key_state(&account.key, verdict, self.now()),
        };
        KeyView {
            access_key_id: account.key.access_key_id.clone(),
            created: account.key.created.map(|t| t.timestamp_millis()),
            expires: account.key.expires.map(|t| t.timestamp_millis()),
            days_left: account.key.expires.map(|t| (t - self.now()).num_days()),
            state,
            words,
            source: source(account),
            last_used: account.key.last_used.map(|t| t.timestamp_millis()),
            lent,
            renewed_alone: crate::keys::capabilities(account).is_some_and(|can| can.renewed_alone),
        }
    }

    /// What the form says, as an account; nothing is saved.
    fn resolve(&self, form: &AccountForm, existing: Option<&Account>) -> Result<Account, Problem> {
        let name = form.name.trim();
        Account::check_name(name)?;
        let preset = provider(&form.provider).ok_or_else(|| {
            Problem::new(
                "accounts.provider",
                "Wherry does not know that place.",
                "Choose another.",
            )
        })?;
        let (endpoint, region) = endpoint(preset, form)?;
        let key_id = form.access_key_id.trim();
        let signing = form.signing.map_or(preset.quirks.signing, Into::into);
        if key_id.is_empty() && signing != Signing::Anonymous {
            return Err(Problem::new(
                "accounts.key-id",
                "The access key id is missing.",
                "Enter it, or choose “anonymous” signing for public buckets.",
            )
            .context("field", "accessKeyId"));
        }
        let key_id = (signing != Signing::Anonymous).then(|| key_id.to_owned());
        let same_key = existing.is_some_and(|a| a.key.access_key_id == key_id);
        let mut key = match existing {
            Some(account) if same_key => account.key.clone(),
            _ => KeyFacts {
                access_key_id: key_id,
                ..KeyFacts::default()
            },
        };
        if let Some(expires) = form.expires {
            key.expires = Utc.timestamp_millis_opt(expires).single();
        }
        Ok(Account {
            id: existing.map_or_else(AccountId::random, |a| a.id.clone()),
            name: name.to_owned(),
            provider: preset.id.clone(),
            endpoint,
            region,
            addressing: form.addressing.map_or(preset.quirks.addressing, Into::into),
            signing,
            key,
            ca_file: ca_file(form.ca_file.as_deref())?,
            proxy: proxy(form.proxy.as_deref())?,
            issuer: existing.and_then(|a| a.issuer.clone()),
            opened_buckets: existing
                .map(|a| a.opened_buckets.clone())
                .unwrap_or_default(),
            added: existing.map_or_else(|| self.now(), |a| a.added),
        })
    }

    pub(crate) async fn try_form(
        &self,
        form: AccountForm,
        existing: Option<&Account>,
    ) -> Result<AccountTest, Problem> {
        let account = self.resolve(&form, existing)?;
        let secret = match typed_secret(form)? {
            Some(secret) => Some(secret),
            None => match existing {
                Some(account) => self.vault_in_use().load(account.secret_name()).await?,
                None => None,
            },
        };
        if secret.is_none() && account.signing != Signing::Anonymous {
            return Err(secret_missing());
        }
        Ok(self.try_account(&account, secret.as_ref()).await)
    }

    /// Asks the store; the answer is words, never an error.
    pub(crate) async fn try_account(
        &self,
        account: &Account,
        secret: Option<&Secret>,
    ) -> AccountTest {
        let mut test = AccountTest {
            ok: false,
            problem: None,
            endpoint: account.endpoint.to_string(),
            buckets: None,
            clock_offset: None,
        };
        // Remedies name accounts, and this one is not saved.
        let about = About {
            host: host(&account.endpoint),
            https: account.endpoint.scheme() == "https",
            can_make_key: account.makes_keys(),
            ..About::default()
        };
        let credentials =
            account
                .key
                .access_key_id
                .clone()
                .zip(secret)
                .map(|(access_key_id, secret)| Credentials {
                    access_key_id,
                    secret: secret.access_key().clone(),
                    session_token: secret.session_token().cloned(),
                });
        let store = match S3Config::for_account(account, credentials).and_then(S3Store::new) {
            Ok(store) => store,
            Err(error) => {
                test.problem = Some(from_store(&error, &about));
                return test;
            }
        };
        match store.probe().await {
            Ok(probe) => {
                test.ok = true;
                let offset = probe.clock_offset;
                test.clock_offset = (offset.abs() >= 60).then_some(offset);
                test.problem = remark(&probe);
                test.buckets = probe
                    .buckets
                    .map(|all| all.into_iter().map(|b| b.name).collect());
            }
            Err(error) => test.problem = Some(from_store(&error, &about)),
        }
        test
    }

    pub(crate) async fn save_account(&self, form: AccountForm) -> Result<AccountView, Problem> {
        let account = self.resolve(&form, None)?;
        let secret = typed_secret(form)?;
        self.add_with_secret(&account, secret).await?;
        Ok(self.account_view(&account))
    }

    /// The secret first: an account whose secret cannot be kept is not made.
    pub(crate) async fn add_with_secret(
        &self,
        account: &Account,
        secret: Option<Secret>,
    ) -> Result<(), Problem> {
        // Fails early on a taken name, before the keychain is touched.
        if self.inner.accounts.by_name(&account.name).is_ok() {
            return Err(wherry_account::NameProblem::Taken(account.name.clone()).into());
        }
        match secret {
            Some(secret) => self.keep_secret(account, &secret).await?,
            None if account.signing == Signing::Anonymous => {}
            None => return Err(secret_missing()),
        }
        if let Err(error) = self.inner.accounts.add(account.clone()) {
            let _ = self.vault_in_use().delete(account.secret_name()).await;
            return Err(error.into());
        }
        self.inner.events.tell(Event::Accounts {});
        Ok(())
    }

    pub(crate) async fn change_account(&self, edit: AccountEdit) -> Result<AccountView, Problem> {
        let existing = self.account(&edit.account)?;
        let changed = self.resolve(&edit.form, Some(&existing))?;
        let secret = typed_secret(edit.form)?;
        let other_key = changed.key.access_key_id != existing.key.access_key_id;
        if other_key && secret.is_none() && changed.signing != Signing::Anonymous {
            return Err(secret_missing());
        }
        let kept = self
            .vault_in_use()
            .load(existing.secret_name())
            .await
            .ok()
            .flatten();
        if let Some(secret) = &secret {
            self.keep_secret(&changed, secret).await?;
        }
        let saved = self.inner.accounts.update(&existing.id, |a| *a = changed);
        let saved = match saved {
            Ok(saved) => saved,
            Err(error) => {
                // The account file is as it was, so the secret must be too.
                if let (Some(_), Some(old)) = (&secret, kept) {
                    let _ = self.keep_secret(&existing, &old).await;
                }
                return Err(error.into());
            }
        };
        if saved.secret_name() != existing.secret_name() {
            let _ = self.vault_in_use().delete(existing.secret_name()).await;
        }
        self.forget_store(&saved.id);
        Ok(self.account_view(&saved))
    }

    pub(crate) async fn forget_account(&self, id: &str) -> Result<(), Problem> {
        let account = self.account(id)?;
        // The file first: a secret without an account is found by its label; an account without
        // its secret would look broken.
        self.inner.accounts.remove(&account.id)?;
        self.forget_store(&account.id);
        self.inner.sessions.forget_account(&account.id);
        self.vault_in_use().delete(account.secret_name()).await?;
        Ok(())
    }

    pub(crate) async fn take_secret(&self, given: GivenSecret) -> Result<AccountView, Problem> {
        let account = self.account(&given.account)?;
        let token = given
            .session_token
            .filter(|t| !t.is_empty())
            .map(crate::contract::Typed::into_secret);
        let secret = Secret::new(trimmed(&given.secret.into_secret())).with_session_token(token);
        if secret.access_key().expose_secret().is_empty() {
            return Err(secret_missing());
        }
        let test = self.try_account(&account, Some(&secret)).await;
        match test.problem {
            Some(problem) if !test.ok => Err(problem),
            _ => {
                self.keep_secret(&account, &secret).await?;
                Ok(self.account_view(&account))
            }
        }
    }
}

/// What is odd about a store that answers.
fn remark(probe: &Probe) -> Option<Problem> {
    let p = Problem::new;
    if !probe.denied_listing {
        return None;
    }
    Some(match probe.key {
        KeyVerdict::Unconfirmed => p(
            "store.key-unconfirmed",
            "The store answers, but it does not let this key list its buckets, and it would say the same to a wrong key.",
            "Check the access key id and the secret once more. If they are right, save, and open your bucket by its name.",
        ),
        KeyVerdict::Accepted => p(
            "store.buckets-denied",
            "The store accepts this key, but does not let it list its buckets.",
            "That is common and fine: save, and open your bucket by its name.",
        ),
        KeyVerdict::Anonymous => p(
            "store.buckets-denied",
            "The store answers. Without a key it does not list its buckets.",
            "That is as it should be: save, and open a public bucket by its name.",
        ),
    })
}

/// Secrets are pasted, often with a line break or a space at an end; none of S3's has one.
fn trimmed(secret: &SecretString) -> SecretString {
    secret.expose_secret().trim().to_owned().into()
}

fn typed_secret(form: AccountForm) -> Result<Option<Secret>, Problem> {
    let Some(secret) = form.secret.filter(|s| !s.is_empty()) else {
        return Ok(None);
    };
    let token = form
        .session_token
        .filter(|t| !t.is_empty())
        .map(|t| trimmed(&t.into_secret()));
    let secret = trimmed(&secret.into_secret());
    if secret.expose_secret().is_empty() {
        return Err(secret_missing());
    }
    Ok(Some(Secret::new(secret).with_session_token(token)))
}

fn secret_missing() -> Problem {
    Problem::new(
        "accounts.secret",
        "The secret is missing.",
        "Enter the secret that belongs to the access key id.",
    )
    .context("field", "secret")
}

macro_rules! same_names {
    ($($here:ty => $there:ty { $($variant:ident),* }),* $(,)?) => { $(
        impl From<$here> for $there {
            fn from(value: $here) -> Self { match value { $(<$here>::$variant => Self::$variant),* } }
        }
        impl From<$there> for $here {
            fn from(value: $there) -> Self { match value { $(<$there>::$variant => Self::$variant),* } }
        }
    )* };
}

same_names! {
    Signing => SigningView { V4, V2, Anonymous },
    Addressing => AddressingView { Path, VirtualHost },
    VaultKind => crate::contract::VaultChoice { Keychain, File, Session },
}
