//! Making one side like the other, and running it on another computer.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{JobState, Location, Millis};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum SyncEnd {
    /// On this computer.
    Folder {
        path: String,
    },
    Place {
        location: Location,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    #[default]
    SizeAndTime,
    Size,
    /// Reads the files whose size is the same.
    Checksum,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SyncSpec {
    pub from: SyncEnd,
    pub to: SyncEnd,
    pub compare: Compare,
    /// Delete what is only at the destination.
    pub delete: bool,
    /// Patterns such as `*.nc`; only what one of them fits is looked at. Empty for all.
    pub include: Vec<String>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// Take `.DS_Store` and its like too.
    pub with_litter: bool,
}

/// What happens to a row of the plan of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SyncChange {
    /// Only at the source: copied.
    New,
    /// Different at the destination: replaced there.
    Changed,
    /// Only at the destination: deleted there.
    Deleted,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SyncRowsRequest {
    pub plan: String,
    pub change: SyncChange,
    pub from: usize,
    /// At most 500.
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SyncRows {
    pub total: usize,
    pub rows: Vec<SyncRow>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SyncRow {
    /// Names it in [`LeftOut`].
    pub item: u32,
    /// Below the top of the sync: hostile text.
    pub name: String,
    /// At the source.
    pub here: Option<SyncSide>,
    /// At the destination, where that is known.
    pub there: Option<SyncSide>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SyncSide {
    pub size: u64,
    pub modified: Option<Millis>,
}

/// Rows of the plan of a sync that are not to happen.
#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// What would be copied.
    pub copies: Vec<u32>,
    /// What would be deleted.
    pub deletions: Vec<u32>,
    pub all_deletions: bool,
}

/// A sync that was given a name, to be run again.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SavedSync {
    pub id: String,
    pub name: String,
    pub sync: SyncSpec,
    pub last_run: Option<Millis>,
    pub last_state: Option<JobState>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SaveSync {
    /// Of the one to change; a new one when absent.
    pub id: Option<String>,
    pub name: String,
    pub sync: SyncSpec,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ElsewhereTool {
    Rclone,
    S5cmd,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ElsewhereRequest {
    pub plan: String,
    pub tool: ElsewhereTool,
}

/// The same work for another computer. No secret is in it.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ElsewhereView {
    /// For a shell.
    pub command: String,
    /// A Slurm batch script around it.
    pub script: String,
    /// What must be there first: where the secret goes, what the script expects.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ElsewhereText {
    Command,
    Script,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SaveElsewhere {
    pub plan: String,
    pub tool: ElsewhereTool,
    pub what: ElsewhereText,
    /// Where the user chose to save it; what is there already is replaced, as they were asked.
    pub path: String,
}
