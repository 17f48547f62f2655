//! Accounts handed to other tools, and taken from them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AddressingView, SigningView, Typed};

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExportToolView {
    /// `s3cmd`, for [`ExportRequest`].
    pub id: String,
    pub name: String,
    /// What one does with it, in a few words.
    pub about: String,
    /// The tool's own file, if Wherry can add an account to it: `~/.s3cfg`.
    pub merges_into: Option<String>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExportRequest {
    pub account: String,
    pub tool: String,
    /// The secret is left out unless this is set; it comes from the vault.
    pub with_secret: bool,
    /// What the account is called there; a name made from the account's when absent.
    #[serde(default)]
    #[ts(optional)]
    pub entry: Option<String>,
}

/// An account in the words of a tool. The only answer but [`super::Revealed`] that may hold a secret,
/// and only when it was asked for.
#[derive(Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExportView {
    pub tool: String,
    pub entry: String,
    pub files: Vec<ExportedFileView>,
    /// What is different there and what is lost, in words.
    pub notes: Vec<String>,
    pub contains_secret: bool,
    /// Whether the text would hold the secret if it were asked for; some tools keep secrets elsewhere.
    pub can_hold_secret: bool,
}

#[derive(Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExportedFileView {
    /// Where the tool looks for it: `~/.aws/credentials`.
    pub place: Option<String>,
    /// A name to save it under.
    pub save_as: String,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum MergeChange {
    Creates,
    Adds,
    Replaces,
    /// It says so already.
    Same,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MergeChangeView {
    pub file: String,
    pub entry: String,
    pub change: MergeChange,
    /// “adds [lab] to ~/.aws/credentials”.
    pub words: String,
}

/// What adding an account to a tool's own files would change.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MergePlanView {
    pub changes: Vec<MergeChangeView>,
    /// Something that is there would be replaced: it is only with `replace`.
    pub replaces: bool,
    pub nothing_to_do: bool,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MergeRequest {
    pub export: ExportRequest,
    /// An entry of the same name is replaced only with this.
    pub replace: bool,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MergedView {
    pub changes: Vec<MergeChangeView>,
    /// The files as they were before.
    pub backups: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SaveExport {
    pub export: ExportRequest,
    /// Which of the export's files.
    pub file: usize,
    /// Where to; what is there already is replaced, as the user was asked in the dialog.
    pub path: String,
}

/// The accounts in another tool's file, without their secrets.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct KeysImportView {
    /// For [`AddImported`].
    pub import: String,
    pub file: String,
    /// Whose file it is: “rclone”.
    pub tool: String,
    pub keys: Vec<ImportedKeyView>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImportedKeyView {
    pub name: String,
    /// An account here has this name already.
    pub taken: bool,
    /// Absent where the file does not say it.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// The place it is at: a preset's id and name.
    pub provider: String,
    pub provider_name: String,
    pub signing: Option<SigningView>,
    pub addressing: Option<AddressingView>,
    pub access_key_id: Option<String>,
    pub has_secret: bool,
    pub temporary: bool,
    /// What Wherry did not take from the file, in words.
    pub notes: Vec<String>,
    /// Set when it cannot be an account here, with the reason.
    pub unusable: Option<String>,
}

/// Makes an account of what a file has.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AddImported {
    pub import: String,
    /// Its place in the list.
    pub key: usize,
    pub name: String,
    /// Where the file does not say it, or for another one.
    #[serde(default)]
    #[ts(optional)]
    pub endpoint: Option<String>,
    /// Where the file has none.
    #[serde(default)]
    #[ts(optional)]
    pub secret: Option<Typed>,
    /// Replaces the preset that the address belongs to.
    #[serde(default)]
    #[ts(optional)]
    pub provider: Option<String>,
}
