//! Where the secrets of accounts are kept, and the only type that may hold one.
//!
//! The computer's own keychain is the place. Where there is none the user chooses: a file encrypted
//! with a passphrase, or being asked each time. A secret is never written in plain text, and never
//! anywhere without that choice having been made. Which account a secret belongs to is in
//! `wherry-account`; nothing here knows stores or portals.

mod error;
mod file;
mod keychain;
mod secret;
mod vault;

pub use error::{VaultError, VaultStatus};
pub use secret::Secret;
pub use vault::{UnknownVaultKind, Vault, VaultKind};
