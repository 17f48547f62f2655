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

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PickSave {
    pub title: String,
    /// The name it is offered under.
    pub name: String,
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
    pub issuer: super::KeySource,
    /// The portal, as typed.
    pub url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum KnownFolder {
    Logs,
    Practice,
}
