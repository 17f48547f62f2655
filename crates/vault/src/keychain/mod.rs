//! The operating system's keychain, through the `keyring` family of crates.
//!
//! The crates' own process-wide default store is not used: it is initialised once, so that "try
//! again" after an early failure could never work. Everything here blocks, perhaps for as long as a
//! person takes to answer a dialogue.
//!
//! An account has one entry with the bare secret access key, so that a person who looks it up in
//! their keychain program finds just that, a second one while there is a session token, and a third
//! while there is something to have the next key lent for.

use std::sync::{Arc, Mutex, PoisonError};

use keyring_core::{CredentialStore, Entry, Error};
use secrecy::{ExposeSecret, SecretString};
use wherry_account::AccountId;
use zeroize::Zeroize;

use crate::error::{VaultError, VaultStatus};
use crate::secret::Secret;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos", windows)),
    path = "none.rs"
)]
mod system;

/// The `service` attribute of every entry.
const SERVICE: &str = "Wherry";

#[derive(Default)]
pub struct Keychain {
    /// Connected on first use, dropped when it fails.
    store: Mutex<Option<Arc<CredentialStore>>>,
}

#[derive(Clone, Copy)]
enum Slot {
    AccessKey,
    SessionToken,
    Renewal,
}

impl Slot {
    /// The `username` attribute.
    fn user(self, account: &AccountId) -> String {
        match self {
            Self::AccessKey => account.to_string(),
            Self::SessionToken => format!("{account}:session-token"),
            Self::Renewal => format!("{account}:renewal"),
        }
    }

    fn label(self, label: &str) -> String {
        match self {
            Self::AccessKey => label.to_owned(),
            Self::SessionToken => format!("{label}, session token"),
            Self::Renewal => format!("{label}, renewal"),
        }
    }
}

impl Keychain {
    pub fn status() -> VaultStatus {
        system::status()
    }

    pub fn retry(&self) -> VaultStatus {
        self.disconnect();
        system::unlock();
        system::status()
    }

    pub fn store(
        &self,
        account: &AccountId,
        label: &str,
        secret: &Secret,
    ) -> Result<(), VaultError> {
        // What was used to renew is spent by now, so its successor comes before all else. Then the
        // token: a new secret beside an old token would sign with a mixture.
        for (slot, part) in [
            (Slot::Renewal, secret.renewal()),
            (Slot::SessionToken, secret.session_token()),
        ] {
            match part {
                Some(part) => self.write(account, slot, label, part)?,
                None => self.remove(account, slot)?,
            }
        }
        self.write(account, Slot::AccessKey, label, secret.access_key())
    }

    pub fn load(&self, account: &AccountId) -> Result<Option<Secret>, VaultError> {
        let Some(access_key) = self.read(account, Slot::AccessKey)? else {
            return Ok(None);
        };
        let token = self.read(account, Slot::SessionToken)?;
        let renewal = self.read(account, Slot::Renewal)?;
        Ok(Some(
            Secret::new(access_key)
                .with_session_token(token)
                .with_renewal(renewal),
        ))
    }

    pub fn delete(&self, account: &AccountId) -> Result<(), VaultError> {
        self.remove(account, Slot::AccessKey)?;
        self.remove(account, Slot::SessionToken)?;
        self.remove(account, Slot::Renewal)
    }

    fn write(
        &self,
        account: &AccountId,
        slot: Slot,
        label: &str,
        secret: &SecretString,
    ) -> Result<(), VaultError> {
        let label = slot.label(label);
        self.with(account, slot, Some(&label), |entry| {
            match entry.set_secret(secret.expose_secret().as_bytes()) {
                Err(Error::Ambiguous(twins)) => {
                    for twin in twins {
                        twin.delete_credential()?;
                    }
                    entry.set_secret(secret.expose_secret().as_bytes())?;
                }
                other => other?,
            }
            system::name(entry, &label);
            Ok(())
        })
    }

    fn read(&self, account: &AccountId, slot: Slot) -> Result<Option<SecretString>, VaultError> {
        let bytes = self.with(account, slot, None, |entry| match entry.get_secret() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NoEntry) => Ok(None),
            // Two entries for one account, as after a restored backup: any is worth a try.
            Err(Error::Ambiguous(twins)) => twins.first().map(Entry::get_secret).transpose(),
            Err(other) => Err(other),
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.into())),
            Err(odd) => {
                odd.into_bytes().zeroize();
                Err(VaultError::Unusable("it is not text".into()))
            }
        }
    }

    fn remove(&self, account: &AccountId, slot: Slot) -> Result<(), VaultError> {
        self.with(account, slot, None, |entry| {
            match entry.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(Error::Ambiguous(twins)) => twins.iter().try_for_each(Entry::delete_credential),
                Err(other) => Err(other),
            }
        })
    }

    /// Does something with an entry; once more over a new connection when the old one has died,
    /// as it has when the keychain program was restarted.
    fn with<T>(
        &self,
        account: &AccountId,
        slot: Slot,
        label: Option<&str>,
        work: impl Fn(&Entry) -> Result<T, Error>,
    ) -> Result<T, VaultError> {
        let (store, fresh) = self.connect()?;
        let user = slot.user(account);
        let attempt = |store: &Arc<CredentialStore>| {
            work(&store.build(SERVICE, &user, Some(&system::modifiers(label)))?)
        };
        let result = match attempt(&store) {
            Err(Error::PlatformFailure(_)) if !fresh => {
                self.disconnect();
                attempt(&self.connect()?.0)
            }
            other => other,
        };
        result.map_err(|error| {
            tracing::warn!(%error, "the keychain refused");
            self.disconnect();
            explain(error)
        })
    }

    fn connect(&self) -> Result<(Arc<CredentialStore>, bool), VaultError> {
        let mut held = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*held {
            return Ok((Arc::clone(store), false));
        }
        let store = system::connect().map_err(explain)?;
        *held = Some(Arc::clone(&store));
        Ok((store, true))
    }

    fn disconnect(&self) {
        self.store
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

/// The connection says goodbye to the bus and waits for that, which it may not do on an async thread.
impl Drop for Keychain {
    fn drop(&mut self) {
        if let Some(store) = self
            .store
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            std::thread::spawn(move || drop(store));
        }
    }
}

fn explain(error: Error) -> VaultError {
    let status = match error {
        Error::NoStorageAccess(_) => VaultStatus::Locked,
        Error::PlatformFailure(cause) => system::failure(cause.as_ref()),
        Error::TooLong(_, most) => {
            return VaultError::Unusable(format!(
                "it takes no secret longer than {most} characters"
            ));
        }
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            return VaultError::Unusable("it is not text".into());
        }
        other => VaultStatus::Other(other.to_string()),
    };
    VaultError::Unavailable(status)
}
