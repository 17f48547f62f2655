//! What only a window can do: dialogs, the clipboard, other programs.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Pick {
    pub title: String,
    /// Where to begin looking.
    pub folder: Option<String>,
}

#[derive(Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CopyText {
    pub text: String,
    /// Cleared from the clipboard after 60 seconds, if it is still there.
    pub secret: bool,
}

/// A sign-in on a portal's own pages.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HostedRequest {
    /// The portal, as typed.
    pub url: String,
    pub title: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KnownFolder {
    Logs,
    Practice,
}
