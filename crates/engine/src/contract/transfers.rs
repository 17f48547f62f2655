//! Plans, and the jobs they become.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{LeftOut, ListingView, Location, Millis, Problem, Selection, SyncSpec};

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlanRequest {
    /// Chosen by the interface: names this planning in `Event::Planning` and `cancel_planning`.
    pub ticket: String,
    pub what: PlanWhat,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum PlanWhat {
    /// Files and folders on this computer into a folder of a bucket.
    Upload {
        to: Location,
        paths: Vec<String>,
    },
    Download {
        selection: Selection,
        folder: String,
    },
    Delete {
        selection: Selection,
    },
    /// The new name comes without the folder.
    Rename {
        location: Location,
        item: super::SelectedKey,
        name: String,
    },
    /// Fetch to the staging folder, so that it can be dragged out of the window.
    Stage {
        selection: Selection,
    },
    /// Objects and folders into a folder of any bucket of any account.
    Copy {
        selection: Selection,
        to: Location,
        /// Delete the originals once their copies are there and checked.
        remove_originals: bool,
    },
    /// Make one side like the other.
    Sync {
        sync: SyncSpec,
    },
    /// The same, as it was saved under a name.
    SavedSync {
        id: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    Upload,
    Download,
    Delete,
    Rename,
    /// Fetching so that it can be dragged out.
    Stage,
    Copy,
    Move,
    Sync,
    /// Checking what arrived against its receipt.
    Verify,
}

/// What will happen, before anything does.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    pub id: String,
    pub kind: JobKind,
    /// "Upload 12 files to thesis/data/"
    pub title: String,
    pub files: u64,
    pub bytes: u64,
    pub folders: u64,
    /// Exists at the destination with the same content, as far as can be told without reading it.
    pub same: u64,
    /// Exists at the destination and differs: needs a choice. Of a sync, where it is the task to
    /// replace them: what will be replaced.
    pub conflicts: u64,
    /// The first hundred.
    pub conflict_examples: Vec<ConflictView>,
    /// Will be left out or renamed, each with the reason; the first hundred.
    pub notes: Vec<PlanNote>,
    pub notes_total: u64,
    /// A few names of what is in it.
    pub examples: Vec<String>,
    /// Of a sync: what is only at the destination and will be deleted there.
    pub deletes: u64,
    /// Of a sync: what is only at the destination and stays there.
    pub kept: u64,
    pub delete_examples: Vec<String>,
    /// What the store or the disk has room for, as far as it says so.
    pub room: Option<RoomView>,
    /// It can be turned into a command for another computer: see `elsewhere`.
    pub elsewhere: bool,
    /// Why it cannot run at all.
    pub blocked: Option<Problem>,
    /// Small, no conflicts, no notes: may run without being shown.
    pub clean: bool,
}

/// Room at the destination, in bytes.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoomView {
    pub free: u64,
    /// "the disk of /home/me", "the quota of thesis"
    pub of: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictsRequest {
    pub plan: String,
    pub from: usize,
    /// At most 500.
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Conflicts {
    pub total: usize,
    pub conflicts: Vec<ConflictView>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    /// Names it in [`RunRequest::each`].
    pub item: u32,
    pub name: String,
    pub here_size: u64,
    pub here_modified: Option<Millis>,
    pub there_size: u64,
    pub there_modified: Option<Millis>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlanNote {
    pub name: String,
    /// "left out: a symbolic link that points out of the folder", "saved as “con_”"
    pub words: String,
    pub left_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    Overwrite,
    Skip,
    KeepBoth,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RunRequest {
    pub plan: String,
    pub on_conflict: OnConflict,
    /// Send or fetch also what is there and looks the same.
    pub include_same: bool,
    /// Answers for single conflicts, where they differ from `on_conflict`.
    #[serde(default)]
    pub each: Vec<ItemChoice>,
    /// Of a sync: what is not to happen of its plan.
    #[serde(default)]
    pub left_out: LeftOut,
}

#[derive(Debug, Clone, Copy, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ItemChoice {
    pub item: u32,
    pub choice: OnConflict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// In the queue; runs when its turn comes.
    Waiting,
    Running,
    /// By the user; what is half done is kept, also over a restart.
    Paused,
    Done,
    /// Finished, but some files failed.
    Partial,
    Failed,
    Cancelled,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    pub id: String,
    pub kind: JobKind,
    pub title: String,
    pub account: String,
    /// Where the objects are.
    pub location: Location,
    /// Where they go, for copies from bucket to bucket.
    pub to: Option<Location>,
    /// The folder on this computer, for downloads.
    pub folder: Option<String>,
    pub state: JobState,
    /// It was cut off by the end of the app or of the computer, and was taken up again.
    pub taken_up: bool,
    /// What it made can be taken away again: see `undo_job`.
    pub undo: bool,
    /// It has receipts of what arrived.
    pub receipts: bool,
    pub files_total: u64,
    pub files_done: u64,
    pub files_failed: u64,
    pub files_skipped: u64,
    pub bytes_total: u64,
    pub bytes_done: u64,
    /// Bytes per second over the last few seconds.
    pub rate: f64,
    /// Seconds.
    pub time_left: Option<f64>,
    /// What is being moved now.
    pub current: Option<String>,
    /// How a verification knows of what is as it was: "3 files: every byte was read again."
    pub proven: Option<String>,
    /// What stopped the job as a whole; while it runs, what it waits for the user to do.
    pub problem: Option<Problem>,
    pub started: Millis,
    pub ended: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    Waiting,
    Running,
    Done,
    Skipped,
    Failed,
    Cancelled,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FilesRequest {
    pub job: String,
    pub from: usize,
    /// At most 500.
    pub count: usize,
    pub only_failed: bool,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    pub total: usize,
    pub files: Vec<FileView>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    /// Below the job's source: hostile text.
    pub name: String,
    pub state: FileState,
    pub bytes_total: u64,
    pub bytes_done: u64,
    pub problem: Option<Problem>,
}

/// What Rust tells the interface without being asked, on one channel.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// At most ten a second while any job runs; only jobs that changed.
    Jobs { jobs: Vec<JobView> },
    /// The queue has another order, or jobs came or went: ask again.
    Queue {},
    /// A listing grew, finished or failed; at most ten a second each.
    Listing { listing: ListingView },
    /// Accounts, their keys' state or their buckets changed: ask again.
    Accounts {},
    /// A job changed this folder: a listing of it is stale.
    Changed { location: Location },
    /// A plan being made has looked at this much so far.
    Planning {
        ticket: String,
        files: u64,
        bytes: u64,
    },
    /// The vault's state changed.
    Vault {},
    /// Something is wrong that nobody had asked about.
    Trouble { problem: Problem },
    /// The user asked outside the window to see the keys of this account.
    ShowKeys { account: String },
    /// Transfers wait until the user has signed in to the portal of this account.
    SignInNeeded { account: String },
}
