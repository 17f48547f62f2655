//! The login keychain. It shows an entry by its service and has no label of its own to set.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::{CredentialStore, Entry, Error};

use crate::error::VaultStatus;

pub fn modifiers(_: Option<&str>) -> HashMap<&str, &str> {
    HashMap::new()
}

pub fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(Store::new()?)
}

/// The login keychain is there whenever a user is; the system itself asks when it is locked.
pub fn status() -> VaultStatus {
    match connect() {
        Ok(_) => VaultStatus::Ready,
        Err(Error::NoStorageAccess(_)) => VaultStatus::Locked,
        Err(other) => VaultStatus::Other(other.to_string()),
    }
}

pub fn unlock() {}

pub fn name(_: &Entry, _: &str) {}

pub fn failure(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultStatus {
    VaultStatus::Other(cause.to_string())
}
