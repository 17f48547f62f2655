//! The vault the rest of Wherry sees, whichever way secrets are kept.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use wherry_account::{Account, AccountId, Home};

use crate::error::{VaultError, VaultStatus};
use crate::file::FileVault;
use crate::keychain::Keychain;
use crate::secret::Secret;

/// Where secrets are kept: the user's choice, never Wherry's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VaultKind {
    /// The operating system's keychain.
    #[default]
    Keychain,
    /// A file encrypted with a passphrase.
    File,
    /// In memory only: the user is asked in each session.
    Session,
}

impl VaultKind {
    /// As `WHERRY_VAULT` and the settings file spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for VaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a place for secrets: choose keychain, file or session")]
pub struct UnknownVaultKind(String);

impl FromStr for VaultKind {
    type Err = UnknownVaultKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Keychain, Self::File, Self::Session]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownVaultKind(text.to_owned()))
    }
}

/// Keeps one [`Secret`] per account. Clones share everything.
///
/// No operation blocks the async threads: keychains may put up a dialogue and wait for a person.
#[derive(Clone)]
pub struct Vault {
    kept: Kept,
}

#[derive(Clone)]
enum Kept {
    Keychain(Arc<Keychain>),
    File(Arc<FileVault>),
    Session(Arc<Mutex<HashMap<AccountId, Secret>>>),
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.kind())
    }
}

impl Vault {
    /// Opens nothing yet: the first operation, or [`Vault::status`], finds out what is there.
    pub fn open(kind: VaultKind, home: &Home) -> Self {
        let kept = match kind {
            VaultKind::Keychain => Kept::Keychain(Arc::default()),
            VaultKind::File => Kept::File(Arc::new(FileVault::at(home.vault_file()))),
            VaultKind::Session => Kept::Session(Arc::default()),
        };
        Self { kept }
    }

    pub fn kind(&self) -> VaultKind {
        match self.kept {
            Kept::Keychain(_) => VaultKind::Keychain,
            Kept::File(_) => VaultKind::File,
            Kept::Session(_) => VaultKind::Session,
        }
    }

    /// How things stand, without asking the person anything.
    ///
    /// [`VaultStatus::Locked`] stops nothing: [`Vault::store`] and [`Vault::load`] have the system
    /// ask for the keychain's password.
    pub async fn status(&self) -> VaultStatus {
        match &self.kept {
            Kept::Keychain(keychain) => blocking(keychain, |_| Ok(Keychain::status()))
                .await
                .unwrap_or_else(unavailable),
            Kept::File(file) => file.status(),
            Kept::Session(_) => VaultStatus::Ready,
        }
    }

    /// Forgets an earlier failure and looks again. A locked keychain is asked to unlock itself,
    /// for which the system may put up a dialogue.
    pub async fn retry(&self) -> VaultStatus {
        match &self.kept {
            Kept::Keychain(keychain) => blocking(keychain, |k| Ok(k.retry()))
                .await
                .unwrap_or_else(unavailable),
            Kept::File(_) | Kept::Session(_) => self.status().await,
        }
    }

    /// Gives the encrypted file its passphrase, for as long as this vault lives; where there is no
    /// file yet it is made. The other kinds have no use for a passphrase and ignore it.
    pub async fn unlock(&self, passphrase: SecretString) -> Result<(), VaultError> {
        match &self.kept {
            Kept::File(file) => blocking(file, move |f| f.unlock(passphrase)).await,
            Kept::Keychain(_) | Kept::Session(_) => Ok(()),
        }
    }

    /// Keeps the secret of this account, in place of an earlier one. The account's name and access
    /// key id become the entry's label, so that a person recognises it in the keychain program.
    pub async fn store(&self, account: &Account, secret: &Secret) -> Result<(), VaultError> {
        let (id, label, secret) = (
            account.secret_name().clone(),
            label(account),
            secret.clone(),
        );
        match &self.kept {
            Kept::Keychain(keychain) => {
                blocking(keychain, move |k| k.store(&id, &label, &secret)).await
            }
            Kept::File(file) => blocking(file, move |f| f.store(&id, &label, &secret)).await,
            Kept::Session(held) => {
                held.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(id, secret);
                Ok(())
            }
        }
    }

    /// The secret kept under [`Account::secret_name`]; `None` when there is none.
    pub async fn load(&self, account: &AccountId) -> Result<Option<Secret>, VaultError> {
        let id = account.clone();
        match &self.kept {
            Kept::Keychain(keychain) => blocking(keychain, move |k| k.load(&id)).await,
            Kept::File(file) => blocking(file, move |f| f.load(&id)).await,
            Kept::Session(held) => Ok(held
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&id)
                .cloned()),
        }
    }

    /// Removes the secret kept under this name; that there was none is no error.
    pub async fn delete(&self, account: &AccountId) -> Result<(), VaultError> {
        let id = account.clone();
        match &self.kept {
            Kept::Keychain(keychain) => blocking(keychain, move |k| k.delete(&id)).await,
            Kept::File(file) => blocking(file, move |f| f.delete(&id)).await,
            Kept::Session(held) => {
                held.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&id);
                Ok(())
            }
        }
    }
}

/// `Wherry: Lab data (AKIA…)`.
fn label(account: &Account) -> String {
    match &account.key.access_key_id {
        Some(access_key_id) => format!("Wherry: {} ({access_key_id})", account.name),
        None => format!("Wherry: {}", account.name),
    }
}

fn unavailable(error: VaultError) -> VaultStatus {
    match error {
        VaultError::Unavailable(status) => status,
        other => VaultStatus::Other(other.to_string()),
    }
}

async fn blocking<K: Send + Sync + 'static, T: Send + 'static>(
    keeper: &Arc<K>,
    work: impl FnOnce(&K) -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let keeper = Arc::clone(keeper);
    tokio::task::spawn_blocking(move || work(&keeper))
        .await
        .unwrap_or_else(|_| {
            Err(VaultError::Unavailable(VaultStatus::Other(
                "the keychain's own code failed".into(),
            )))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spelt_as_the_environment_spells_them() {
        for kind in [VaultKind::Keychain, VaultKind::File, VaultKind::Session] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let unknown = "keyring".parse::<VaultKind>().expect_err("is refused");
        assert!(
            unknown.to_string().contains("keychain, file or session"),
            "{unknown}"
        );
    }
}
