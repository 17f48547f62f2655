//! The states a vault can be in and what can go wrong, each with words and a way on.

use std::io;
use std::path::PathBuf;

/// Whether secrets can be kept and fetched now, and if not, why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultStatus {
    Ready,
    /// Linux: no session bus, as on a server reached by SSH.
    NoBus,
    /// Linux: a session bus, and no program on it that keeps secrets.
    NoService,
    /// The keychain is locked, or was never set up, and nobody unlocked it when asked.
    Locked,
    /// The encrypted file is there; its passphrase is wanted.
    NeedsPassphrase,
    /// There is no encrypted file yet; a passphrase for it is to be chosen.
    NewPassphrase,
    /// The system's own reason.
    Other(String),
}

impl VaultStatus {
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// Stable, for tests, scripts and the window.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NoBus => "no-bus",
            Self::NoService => "no-service",
            Self::Locked => "locked",
            Self::NeedsPassphrase => "needs-passphrase",
            Self::NewPassphrase => "new-passphrase",
            Self::Other(_) => "other",
        }
    }

    /// What is the matter, as a sentence.
    pub fn what(&self) -> String {
        match self {
            Self::Ready => "Secrets can be kept.".into(),
            Self::NoBus => {
                "Wherry cannot reach this computer's keychain: there is no desktop session here."
                    .into()
            }
            Self::NoService => "No program that keeps secrets is running on this computer.".into(),
            Self::Locked => {
                "This computer's keychain is locked, or has not been set up yet.".into()
            }
            Self::NeedsPassphrase => {
                "Your secrets are in a file that is encrypted with your passphrase.".into()
            }
            Self::NewPassphrase => {
                "The encrypted file for your secrets has not been made yet.".into()
            }
            Self::Other(reason) => format!("This computer's keychain refused: {reason}."),
        }
    }

    /// What the person can do about it; empty when there is nothing to do.
    pub fn way_on(&self) -> &'static str {
        match self {
            Self::Ready => "",
            Self::NoBus => {
                "Start Wherry from your desktop, or choose to keep secrets in a file encrypted with a passphrase, \
                 or to be asked for the secret each time."
            }
            Self::NoService => {
                "Install and start one, such as GNOME Keyring, KWallet or KeePassXC, and try again. Or choose to keep \
                 secrets in a file encrypted with a passphrase, or to be asked for the secret each time."
            }
            Self::Locked => {
                "Unlock it and try again; your system may ask for its password. Or choose to keep secrets in a file \
                 encrypted with a passphrase, or to be asked for the secret each time."
            }
            Self::NeedsPassphrase => "Enter the passphrase.",
            Self::NewPassphrase => {
                "Choose a passphrase. It cannot be recovered, so keep it somewhere safe."
            }
            Self::Other(_) => {
                "Try again. Or choose to keep secrets in a file encrypted with a passphrase, or to be asked for the \
                 secret each time."
            }
        }
    }
}

/// Why a secret could not be kept, fetched or removed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault cannot be used now; the status says why and what to do.
    #[error("{}", .0.what())]
    Unavailable(VaultStatus),
    #[error("that is not the passphrase of {}", path.display())]
    WrongPassphrase { path: PathBuf },
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// Nothing is ever written over a file in this state.
    #[error("the file {} does not hold Wherry's secrets, or is damaged: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("the file {} cannot be {doing}: {source}", path.display())]
    File {
        path: PathBuf,
        doing: &'static str,
        source: io::Error,
    },
    /// What the keychain holds for this account is not a secret of Wherry's.
    #[error("what the keychain holds for this account cannot be used: {0}")]
    Unusable(String),
}

impl VaultError {
    /// Stable, for tests, scripts and the window.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(status) => status.code(),
            Self::WrongPassphrase { .. } => "wrong-passphrase",
            Self::EmptyPassphrase => "empty-passphrase",
            Self::Damaged { .. } => "vault-damaged",
            Self::File { .. } => "vault-file",
            Self::Unusable(_) => "unusable-entry",
        }
    }

    /// What the person can do about it.
    pub fn way_on(&self) -> &'static str {
        match self {
            Self::Unavailable(status) => status.way_on(),
            Self::WrongPassphrase { .. } => "Enter it again; capital and small letters differ.",
            Self::EmptyPassphrase => "Choose a passphrase of several words.",
            Self::Damaged { .. } => {
                "Wherry leaves it as it is. Put a backup in its place, or move it away and enter your keys again."
            }
            Self::File { .. } => {
                "Make sure that the disk has room and that the folder is yours, and try again."
            }
            Self::Unusable(_) => {
                "Delete the entry in your system's keychain program and enter the key again."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Every state's and error's words, to be read as one text.
    #[test]
    fn the_words() {
        let path = || PathBuf::from("/home/u/.config/wherry/vault.age");
        let states = [
            VaultStatus::Ready,
            VaultStatus::NoBus,
            VaultStatus::NoService,
            VaultStatus::Locked,
            VaultStatus::NeedsPassphrase,
            VaultStatus::NewPassphrase,
            VaultStatus::Other("it is on holiday".into()),
        ];
        let errors = [
            VaultError::WrongPassphrase { path: path() },
            VaultError::EmptyPassphrase,
            VaultError::Damaged {
                path: path(),
                why: "its contents were changed or cut short".into(),
            },
            VaultError::File {
                path: path(),
                doing: "written",
                source: io::Error::other("no space left on device"),
            },
            VaultError::Unusable("it is not text".into()),
        ];
        let mut text = String::new();
        for error in states
            .into_iter()
            .map(VaultError::Unavailable)
            .chain(errors)
        {
            writeln!(text, "{}: {error}\n    {}", error.code(), error.way_on())
                .expect("a string takes it");
        }
        insta::assert_snapshot!(text);
    }
}
