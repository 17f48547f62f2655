//! Secret Service over D-Bus: GNOME Keyring, KWallet, KeePassXC.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as ServiceError};
use zbus_secret_service_keyring_store::{Store, cred::Specifier};

use crate::error::VaultStatus;

/// A new entry gets the label at once.
pub fn modifiers(label: Option<&str>) -> HashMap<&str, &str> {
    label.map(|label| ("label", label)).into_iter().collect()
}

pub fn connect() -> Result<Arc<CredentialStore>, Error> {
    Ok(Store::new()?)
}

/// Looks without causing a dialogue.
pub fn status() -> VaultStatus {
    let looked = SecretService::connect(EncryptionType::Dh)
        .and_then(|service| service.get_default_collection()?.is_locked());
    match looked {
        Ok(false) => VaultStatus::Ready,
        Ok(true) => VaultStatus::Locked,
        Err(error) => of(&error),
    }
}

/// Asks the service to unlock its default keyring, or to make one where there is none, as
/// libsecret does; either way the service asks the person.
pub fn unlock() {
    let asked = SecretService::connect(EncryptionType::Dh).and_then(|service| {
        match service.get_default_collection() {
            Ok(keyring) => keyring.unlock(),
            Err(ServiceError::NoResult) => service
                .create_collection("Default keyring", "default")
                .map(drop),
            Err(other) => Err(other),
        }
    });
    if let Err(error) = asked {
        tracing::warn!(%error, "the keychain stays locked");
    }
}

/// An entry that existed keeps its old label until told otherwise.
pub fn name(entry: &Entry, label: &str) {
    if let Some(specifier) = entry.as_any().downcast_ref::<Specifier>()
        && let Err(error) = specifier.set_label(label)
    {
        tracing::debug!(%error, "the keychain entry keeps its old label");
    }
}

pub fn failure(cause: &(dyn StdError + Send + Sync + 'static)) -> VaultStatus {
    match cause.downcast_ref::<ServiceError>() {
        Some(error) => of(error),
        None => VaultStatus::Other(cause.to_string()),
    }
}

fn of(error: &ServiceError) -> VaultStatus {
    match error {
        ServiceError::Unavailable => VaultStatus::NoBus,
        ServiceError::Locked | ServiceError::NoResult | ServiceError::Prompt => VaultStatus::Locked,
        ServiceError::Zbus(error) => of_bus(error),
        ServiceError::ZbusFdo(error) => of_standard(error),
        other => VaultStatus::Other(other.to_string()),
    }
}

fn of_bus(error: &zbus::Error) -> VaultStatus {
    match error {
        zbus::Error::Address(_)
        | zbus::Error::Connection(..)
        | zbus::Error::InputOutput(_)
        | zbus::Error::Handshake(_) => VaultStatus::NoBus,
        zbus::Error::FDO(error) => of_standard(error),
        zbus::Error::MethodError(name, detail, _) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.UnknownObject" => VaultStatus::NoService,
            spawn if spawn.starts_with("org.freedesktop.DBus.Error.Spawn.") => {
                VaultStatus::NoService
            }
            "org.freedesktop.Secret.Error.IsLocked" => VaultStatus::Locked,
            other => VaultStatus::Other(detail.clone().unwrap_or_else(|| other.to_owned())),
        },
        other => VaultStatus::Other(other.to_string()),
    }
}

fn of_standard(error: &zbus::fdo::Error) -> VaultStatus {
    use zbus::fdo::Error as Fdo;
    match error {
        Fdo::ServiceUnknown(_)
        | Fdo::NameHasNoOwner(_)
        | Fdo::UnknownObject(_)
        | Fdo::SpawnExecFailed(_)
        | Fdo::SpawnForkFailed(_)
        | Fdo::SpawnChildExited(_)
        | Fdo::SpawnChildSignaled(_)
        | Fdo::SpawnFailed(_)
        | Fdo::SpawnServiceNotFound(_) => VaultStatus::NoService,
        Fdo::ZBus(error) => of_bus(error),
        other => VaultStatus::Other(other.to_string()),
    }
}
