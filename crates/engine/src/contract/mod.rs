//! The typed contract with the user interface: every value that crosses, and nothing else.
//!
//! TypeScript for these types and for every command is generated from here into
//! `ui/src/lib/backend/contract.ts`; `tests/contract.rs` fails when that file is not current.
//! Sizes are bytes, times are milliseconds since 1970 (UTC), keys are the store's own text.
//! No type here may hold a secret but [`Revealed`] (the one-time reveal), [`ExportView`] (for another
//! tool, when that is asked for) and the inputs in which a person types one; those never travel back.

mod accounts;
mod browse;
mod hand_over;
mod keys;
mod problem;
mod settings;
mod shell;
mod steering;
mod sync;
mod transfers;

pub use accounts::*;
pub use browse::*;
pub use hand_over::*;
pub use keys::*;
pub use problem::*;
pub use settings::*;
pub use shell::*;
pub use steering::*;
pub use sync::*;
pub use transfers::*;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// A word typed by a person that must not be printed: deserialised only.
#[derive(Clone, serde::Deserialize, ts_rs::TS)]
#[ts(type = "string")]
pub struct Typed(secrecy::SecretString);

impl Typed {
    pub fn into_secret(self) -> secrecy::SecretString {
        self.0
    }

    pub fn is_empty(&self) -> bool {
        secrecy::ExposeSecret::expose_secret(&self.0).is_empty()
    }
}

impl From<secrecy::SecretString> for Typed {
    fn from(secret: secrecy::SecretString) -> Self {
        Self(secret)
    }
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed(…)")
    }
}
