//! Errors as values for people.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something went wrong: what, what to do about it, and what a support desk would ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable, for tests and for the interface to act on: `store.key-unknown`.
    pub code: String,
    /// One sentence: what happened.
    pub what: String,
    /// One or two sentences: what to do.
    pub todo: String,
    /// What to do as a button, where there is one.
    pub remedies: Vec<Remedy>,
    /// Whether the same thing may work when tried again.
    pub retry: bool,
    /// Label and value: HTTP status, S3 code, request id, key or path.
    pub context: Vec<(String, String)>,
}

/// A remedy the interface can offer as a button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum Remedy {
    Retry,
    /// Sign in to the portal of this account again.
    SignIn {
        account: String,
    },
    /// Make a new key for this account.
    NewKey {
        account: String,
    },
    /// Type this account's secret ("ask me each time").
    GiveSecret {
        account: String,
    },
    /// Delete a key that was made and can be used by nobody.
    DeleteOrphan {
        /// The sign-in that made it.
        session: String,
        access_key_id: String,
    },
    EditAccount {
        account: String,
    },
    /// Open a bucket by its name, where listing them is denied.
    OpenByName {
        account: String,
    },
    /// Choose where secrets are kept, as there is no usable keychain.
    ChooseVault,
    UnlockVault,
    ChooseFolder,
    ShowLog,
}
