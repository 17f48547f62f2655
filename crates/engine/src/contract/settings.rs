//! The app itself: what it is, where it keeps secrets, how it looks.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Problem, Typed};

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    pub version: String,
    /// `linux`, `macos`, `windows`: the keyboard shortcuts differ.
    pub platform: String,
    pub config_folder: String,
    pub practice_folder: String,
    pub log_folder: String,
    pub vault: VaultView,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum VaultChoice {
    Keychain,
    /// A file encrypted with a passphrase.
    File,
    /// "Ask me each time": kept in memory only.
    Session,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum VaultState {
    Ready,
    /// The keychain cannot be used now; `problem` says why.
    Unavailable,
    /// The encrypted file wants its passphrase.
    Locked,
    /// The encrypted file does not exist yet: a passphrase must be chosen.
    New,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VaultView {
    pub choice: VaultChoice,
    pub state: VaultState,
    /// "GNOME Keyring / Secret Service", "Keychain", "Credential Manager", …
    pub name: String,
    pub problem: Option<Problem>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VaultChange {
    pub choice: VaultChoice,
    /// For the encrypted file: the passphrase that opens it or, when it is new, shall open it.
    pub passphrase: Option<Typed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// Kept in `settings.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    pub theme: Theme,
    /// 1.0 is 13 px; up to 2.0.
    pub text_scale: f64,
    /// Where "Download" suggests to save; the last folder used.
    pub download_folder: Option<String>,
    /// Chosen by the user when there is no keychain.
    pub vault: Option<VaultChoice>,
    /// Where the user was: restored at the next start.
    pub place: Option<Place>,
    pub sidebar_width: f64,
    pub show_inspector: bool,
    pub show_transfers: bool,
    pub transfers: TransferSettings,
}

/// How transfers behave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct TransferSettings {
    /// Bytes per second over all transfers; none for as fast as it goes.
    pub upload_limit: Option<u64>,
    pub download_limit: Option<u64>,
    /// Other limits at some times of the day; the first one that fits counts.
    pub schedule: Vec<LimitSlot>,
    /// Files of one transfer at once; none to let Wherry find out what the line takes.
    pub parallel_files: Option<u32>,
    /// Transfers at once; the others wait.
    pub jobs_at_once: u32,
    /// Keep the computer awake while something is transferred.
    pub keep_awake: bool,
    /// A notification of the desktop when a long transfer has ended.
    pub notify: bool,
    /// Go on with what was cut off when the app starts.
    pub go_on_at_start: bool,
    /// Receipts have the SHA-256, too: what arrived is read once more for it.
    pub receipt_sha256: bool,
}

/// Every day from one time to another, in minutes since midnight, local time; over midnight when
/// `until` is smaller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LimitSlot {
    pub from: u16,
    pub until: u16,
    pub upload_limit: Option<u64>,
    pub download_limit: Option<u64>,
}

impl Default for TransferSettings {
    fn default() -> Self {
        Self {
            upload_limit: None,
            download_limit: None,
            schedule: Vec::new(),
            parallel_files: None,
            jobs_at_once: 2,
            keep_awake: true,
            notify: true,
            go_on_at_start: true,
            receipt_sha256: false,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            text_scale: 1.0,
            download_folder: None,
            vault: None,
            place: None,
            sidebar_width: 240.0,
            show_inspector: false,
            show_transfers: false,
            transfers: TransferSettings::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub account: String,
    pub bucket: Option<String>,
    pub prefix: String,
}
