//! The Windows Credential Manager. It shows an entry by its target, made of user and service.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use windows_native_keyring_store::Store;

use crate::error::VaultStatus;

/// On this computer only: by default an entry would roam with a domain user's profile.
pub fn modifiers(_: Option<&str>) -> HashMap<&str, &str> {
    HashMap::from([("persistence", "Local")])
}

pub fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(Store::new()?)
}

pub fn status() -> VaultStatus {
    match connect() {
        Ok(_) => VaultStatus::Ready,
        Err(other) => VaultStatus::Other(other.to_string()),
    }
}

pub fn unlock() {}

/// The comment is what the Credential Manager lets a person read beside the target.
pub fn name(entry: &Entry, label: &str) {
    let comment = HashMap::from([("comment", label)]);
    if let Err(error) = entry.update_attributes(&comment) {
        tracing::debug!(%error, "the keychain entry stays without its label");
    }
}

pub fn failure(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultStatus {
    VaultStatus::Other(cause.to_string())
}
