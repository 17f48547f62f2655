//! Systems without a keychain that Wherry knows.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};

use crate::error::VaultStatus;

pub fn modifiers(_: Option<&str>) -> HashMap<&str, &str> {
    HashMap::new()
}

pub fn connect() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NotSupportedByStore(
        "Wherry knows no keychain on this system".into(),
    ))
}

pub fn status() -> VaultStatus {
    VaultStatus::Other("Wherry knows no keychain on this system".into())
}

pub fn unlock() {}

pub fn name(_: &Entry, _: &str) {}

pub fn failure(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultStatus {
    VaultStatus::Other(cause.to_string())
}
