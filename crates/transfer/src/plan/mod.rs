//! What will happen, found out and shown before any of it does.
//!
//! A plan is a value: what is to be moved, what stands in the way, what is left out and why.
//! Making one only reads. Running one needs the answers to its conflicts, see [`Choices`].

mod copy;
mod delete;
mod download;
mod erase;
pub mod filter;
mod folder;
mod listing;
mod sync;
mod upload;
mod walk;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

pub use copy::{CopyItem, CopyPlan, CopyRequest};
pub use delete::{DeletePlan, Seen};
pub use download::{DownloadItem, DownloadPlan, DownloadRequest, DownloadSource};
pub use erase::{EraseItem, ErasePlan};
pub use filter::{Filter, FilterSpec, PatternError};
pub use sync::{
    Compare, LeftOut, Moves, Removals, SyncCounts, SyncEnd, SyncOptions, SyncPlan, Withheld,
};
pub(crate) use upload::{Decided, Root as UploadRoot};
pub use upload::{UploadItem, UploadPlan, UploadRequest, UploadSource};

pub(crate) use listing::{Asker, common_prefix, leap, numbered_key};

/// How far a planning has come: files and bytes seen.
type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Lets the user watch a planning, and stop it.
#[derive(Clone, Default)]
pub struct Watch {
    pub cancel: CancellationToken,
    progress: Option<Progress>,
}

impl Watch {
    /// `progress` is called often, from any thread: it must be quick.
    pub fn new(
        cancel: CancellationToken,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Self {
        Self {
            cancel,
            progress: Some(Arc::new(progress)),
        }
    }

    /// One that nobody stops.
    pub fn telling(progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self::new(CancellationToken::new(), progress)
    }

    fn saw(&self, files: u64, bytes: u64) {
        if let Some(progress) = &self.progress {
            progress(files, bytes);
        }
    }
}

/// What to do where something different exists at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    Overwrite,
    #[default]
    Skip,
    /// Under a numbered name: `photo (2).jpg`.
    KeepBoth,
}

/// The answers to a plan's conflicts.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub on_conflict: OnConflict,
    /// Move also what is there and looks the same.
    pub include_same: bool,
    /// Answers for single items, by their index.
    pub each: HashMap<u32, OnConflict>,
}

impl Choices {
    pub fn all(on_conflict: OnConflict) -> Self {
        Self {
            on_conflict,
            ..Self::default()
        }
    }

    /// What to do with an item; `None` when it is to be skipped as the same.
    pub(crate) fn for_item(&self, conflict: &Conflict) -> Option<OnConflict> {
        match self.each.get(&conflict.item) {
            Some(choice) => Some(*choice),
            None if conflict.same => self.include_same.then_some(OnConflict::Overwrite),
            None => Some(self.on_conflict),
        }
    }
}

/// Something is there already where an item wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Index into the plan's items.
    pub item: u32,
    /// As far as size and time tell, it is the same.
    pub same: bool,
    pub size: u64,
    pub modified: Option<DateTime<Utc>>,
}

/// Something about a plan that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A path or a key; hostile text.
    pub name: String,
    pub kind: NoteKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKind {
    // Left out
    /// A symbolic link inside a dropped folder is not followed.
    Link,
    /// A socket, a pipe, a device.
    Special,
    Unreadable(String),
    Vanished,
    /// The file's name is not valid Unicode, which S3 keys are.
    NotUnicode,
    KeyTooLong {
        bytes: usize,
    },
    TooLarge {
        size: u64,
        limit: u64,
    },
    // Arrives, under another name
    /// The name cannot be a file's on this system.
    Renamed {
        to: String,
    },
    /// The name is too long for this system.
    Shortened {
        to: String,
    },
    /// Two names of this transfer would be the same file, or one's folder is another's file.
    Clash {
        to: String,
    },
}

impl NoteKind {
    pub fn left_out(&self) -> bool {
        !matches!(
            self,
            Self::Renamed { .. } | Self::Shortened { .. } | Self::Clash { .. }
        )
    }
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => write!(f, "left out: a symbolic link, which is not followed"),
            Self::Special => write!(f, "left out: not a file (a socket, pipe or device)"),
            Self::Unreadable(reason) => write!(f, "left out: cannot be read: {reason}"),
            Self::Vanished => write!(f, "left out: it disappeared while the plan was made"),
            Self::NotUnicode => write!(
                f,
                "left out: its name is not valid Unicode, and S3 keys are"
            ),
            Self::KeyTooLong { bytes } => {
                write!(
                    f,
                    "left out: its key would have {bytes} bytes, and S3 allows 1,024"
                )
            }
            Self::TooLarge { size, limit } => write!(
                f,
                "left out: {size} bytes are more than the {limit} that this store takes in one object"
            ),
            Self::Renamed { to } => {
                write!(f, "saved as “{to}”: this system allows no such name")
            }
            Self::Shortened { to } => {
                write!(f, "saved as “{to}”: the name is too long for this system")
            }
            Self::Clash { to } => write!(
                f,
                "saved as “{to}”: another one of this transfer has that name"
            ),
        }
    }
}

/// S3's limit, in bytes of UTF-8.
pub(crate) const LONGEST_KEY: usize = 1024;

/// Compact form of a time for plans with very many items: milliseconds since 1970.
pub(crate) fn millis(time: SystemTime) -> i64 {
    DateTime::<Utc>::from(time).timestamp_millis()
}
