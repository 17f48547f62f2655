//! The keychain and its stand-ins, for people.

use wherry_vault::{VaultError, VaultStatus};

use crate::contract::{Problem, Remedy};

/// `None` when secrets can be kept.
pub fn from_status(status: &VaultStatus) -> Option<Problem> {
    let problem = Problem::new(
        &format!("vault.{}", status.code()),
        status.what(),
        status.way_on(),
    );
    match status {
        VaultStatus::Ready => None,
        VaultStatus::NeedsPassphrase | VaultStatus::NewPassphrase => {
            Some(problem.remedy(Remedy::UnlockVault))
        }
        VaultStatus::NoBus
        | VaultStatus::NoService
        | VaultStatus::Locked
        | VaultStatus::Other(_) => Some(problem.retryable().remedy(Remedy::ChooseVault)),
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        if let VaultError::Unavailable(status) = &error
            && let Some(problem) = from_status(status)
        {
            return problem;
        }
        let code = format!("vault.{}", error.code());
        Self::new(&code, super::sentence(&error), error.way_on())
    }
}
