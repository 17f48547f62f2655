//! Making one side like the other: found out first, like everything.
//!
//! A folder and a prefix, or two prefixes, are gone through side by side in the order of their names.
//! No file costs a request: 20,000 files that are the same cost twenty pages of a listing. What comes
//! out are plans of the usual kinds, for what has to move and for what has to go.

mod build;
mod hash;
mod listing;
mod merge;
mod side;
mod tree;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wherry_account::MultipartEtag;
use wherry_store::ObjectStore;

use self::listing::Listing;
use self::merge::{Comparison, Found, Merge, Way};
use self::side::{AHEAD, Batches, Report, Side, Trouble};
use self::tree::Tree;
use super::erase::ErasePlan;
use super::filter::Filter;
use super::{
    Choices, Conflict, CopyPlan, DeletePlan, DownloadPlan, Note, OnConflict, UploadPlan, Watch,
};
use crate::error::PlanError;

/// One side.
#[derive(Clone)]
pub enum SyncEnd {
    Folder(PathBuf),
    Objects {
        store: Arc<dyn ObjectStore>,
        /// Names the store: two ends of one store may not lie inside one another.
        host: String,
        bucket: String,
        /// Empty or ending in `/`.
        prefix: String,
    },
}

/// What makes two of one name the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// As long, and stored after the last change.
    #[default]
    Time,
    /// As long.
    Size,
    /// The same bytes, as far as the store's ETags are hashes.
    Checksum,
}

#[derive(Clone, Default)]
pub struct SyncOptions {
    pub compare: Compare,
    /// Delete what is only at the destination, once all the rest has arrived.
    pub delete: bool,
    /// Delete although the source is empty or could not be read completely.
    pub insist: bool,
    pub filter: Filter,
    /// Take `.DS_Store` and its like too, where one side is a folder.
    pub with_litter: bool,
    /// Make folder markers for empty folders.
    pub empty_folders: bool,
}

/// Files, not folders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SyncCounts {
    #[serde(rename = "new")]
    pub fresh: u64,
    pub changed: u64,
    pub same: u64,
    /// Only at the destination, and to be deleted.
    pub deleted: u64,
    /// Only at the destination, and left there.
    pub kept: u64,
    /// Links, what cannot be read, what is too large or too old for the filter.
    pub left_out: u64,
    pub litter: u64,
    /// To be compared by checksum, but only size and time could be: their ETags are no hashes.
    pub unproven: u64,
    /// To be moved.
    pub bytes: u64,
}

/// Why nothing is deleted although it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// Part of the source could not be read: what seems to be gone may be there.
    SourceIncomplete,
    /// There is nothing at the source, as when a disk is not mounted or a name is mistyped.
    SourceEmpty,
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceIncomplete => {
                "nothing will be deleted: part of the source could not be read, and what seems to be missing may be there"
            }
            Self::SourceEmpty => {
                "nothing will be deleted: the source is empty, and deleting all of the destination is rarely meant"
            }
        })
    }
}

/// What has to move.
#[derive(Debug, Clone)]
pub enum Moves {
    Upload(UploadPlan),
    Download(DownloadPlan),
    Copy(CopyPlan),
}

/// What has to go afterwards.
#[derive(Debug, Clone)]
pub enum Removals {
    None,
    Objects(DeletePlan),
    Files(ErasePlan),
}

/// Rows of a plan that are not to happen, by their numbers in `moves` and in `removals`.
#[derive(Debug, Clone, Default)]
pub struct LeftOut {
    pub moves: HashSet<u32>,
    pub removals: HashSet<u32>,
    pub all_removals: bool,
}

#[derive(Debug, Clone)]
pub struct SyncPlan {
    pub moves: Moves,
    pub removals: Removals,
    pub counts: SyncCounts,
    /// Prefix of the destination in a store; empty for a folder.
    pub top: String,
    pub withheld: Option<Withheld>,
}

impl Moves {
    pub fn notes(&self) -> &[Note] {
        match self {
            Self::Upload(plan) => &plan.notes,
            Self::Download(plan) => &plan.notes,
            Self::Copy(plan) => &plan.notes,
        }
    }

    /// In the order of their items.
    pub fn conflicts(&self) -> &[Conflict] {
        match self {
            Self::Upload(plan) => &plan.conflicts,
            Self::Download(plan) => &plan.conflicts,
            Self::Copy(plan) => &plan.conflicts,
        }
    }

    /// Files.
    pub fn len(&self) -> usize {
        match self {
            Self::Upload(plan) => plan.items.len(),
            Self::Download(plan) => plan.items.len(),
            Self::Copy(plan) => plan.items.len(),
        }
    }

    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Upload(plan) => plan.items.is_empty(),
            Self::Download(plan) => plan.items.is_empty() && plan.folders.is_empty(),
            Self::Copy(plan) => plan.items.is_empty(),
        }
    }
}

impl Removals {
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Objects(plan) => plan.keys.len(),
            Self::Files(plan) => plan.items.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A key, or a path below the folder.
    pub fn name(&self, item: usize) -> &str {
        match self {
            Self::None => "",
            Self::Objects(plan) => plan.keys.get(item).map_or("", |k| k),
            Self::Files(plan) => plan.items.get(item).map_or("", |i| &i.path),
        }
    }
}

impl SyncPlan {
    pub async fn make(
        from: SyncEnd,
        to: SyncEnd,
        options: SyncOptions,
        watch: &Watch,
    ) -> Result<Self, PlanError> {
        check_ends(&from, &to)?;
        // A disk that is not there must not look like a folder without files.
        if let SyncEnd::Folder(folder) = &from {
            check_source(folder).await?;
        }
        let mut asked = Asked {
            from,
            to,
            options,
            watch: watch.clone(),
            download: None,
        };
        if let (SyncEnd::Objects { bucket, .. }, SyncEnd::Folder(folder)) = (&asked.from, &asked.to)
        {
            asked.download = Some(DownloadPlan::empty(bucket, folder).await?);
        }
        let compared = match asked.compare(false).await {
            Err(Trouble::Unsorted) => asked.compare(true).await,
            compared => compared,
        };
        match compared {
            Ok((found, from, to)) => asked.plan(found, from, to).await,
            Err(Trouble::Plan(error)) => Err(error),
            // Not after it has been sorted.
            Err(Trouble::Unsorted) => Err(PlanError::Cancelled),
        }
    }

    /// Replaces what the plan said it would, and nothing else that turns up.
    pub fn choices(&self) -> Choices {
        Choices {
            on_conflict: OnConflict::Skip,
            include_same: false,
            each: self
                .moves
                .conflicts()
                .iter()
                .map(|c| (c.item, OnConflict::Overwrite))
                .collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.removals.is_empty()
    }

    /// A key at the destination as seen from there.
    pub fn below<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&self.top).unwrap_or(key)
    }

    /// Takes rows out of the plan before it runs: then they stay as they are on both sides.
    pub fn leave_out(&mut self, rows: &LeftOut) {
        let moved = |item: usize| !rows.moves.contains(&(item as u32));
        if !rows.moves.is_empty() {
            match &mut self.moves {
                Moves::Upload(plan) => {
                    plan.retain(|item, _| moved(item));
                    plan.bytes = plan.items.iter().map(|i| i.size).sum();
                }
                Moves::Download(plan) => {
                    plan.retain(|item, _| moved(item));
                    plan.bytes = plan.items.iter().map(|i| i.size).sum();
                }
                Moves::Copy(plan) => {
                    plan.retain(|item, _| moved(item));
                    plan.bytes = plan.items.iter().map(|i| i.size).sum();
                }
            }
        }
        if rows.all_removals {
            self.removals = Removals::None;
        }
        let mut at = 0..;
        let mut removed = || at.next().is_none_or(|item| !rows.removals.contains(&item));
        match &mut self.removals {
            Removals::None => {}
            Removals::Objects(plan) => plan.retain(|_| removed()),
            Removals::Files(plan) => plan.retain(|_| removed()),
        }
        if self.removals.is_empty() {
            self.removals = Removals::None;
        }
    }
}

struct Asked {
    from: SyncEnd,
    to: SyncEnd,
    options: SyncOptions,
    watch: Watch,
    download: Option<DownloadPlan>,
}

impl Asked {
    fn way(&self) -> Way {
        match (&self.from, &self.to) {
            (SyncEnd::Folder(_), _) => Way::Up,
            (_, SyncEnd::Folder(_)) => Way::Down,
            _ => Way::Across,
        }
    }

    async fn compare(&self, whole: bool) -> Result<(Found, Report, Report), Trouble> {
        let (from, from_report) = self.open(&self.from, whole);
        let (to, to_report) = self.open(&self.to, whole);
        let (from, to) = (Side::open(from).await?, Side::open(to).await?);
        let found = Merge::new(self.comparison()).all(from, to).await?;
        let (from, to) = (
            from_report.await.unwrap_or_else(|e| unread(&e)),
            to_report.await.unwrap_or_else(|e| unread(&e)),
        );
        Ok((found, from, to))
    }

    fn comparison(&self) -> Comparison {
        let folder = match (&self.from, &self.to) {
            (SyncEnd::Folder(folder), _) | (_, SyncEnd::Folder(folder)) => folder.clone(),
            _ => PathBuf::new(),
        };
        let quirks = match (&self.from, &self.to) {
            (_, SyncEnd::Objects { store, .. }) | (SyncEnd::Objects { store, .. }, _) => {
                Some(store.quirks())
            }
            _ => None,
        };
        Comparison {
            way: self.way(),
            by: self.options.compare,
            folder,
            etags: quirks.map_or(MultipartEtag::Opaque, |q| q.multipart_etag),
            limits: quirks.map(|q| q.parts).unwrap_or_default(),
            watch: self.watch.clone(),
        }
    }

    fn open(&self, end: &SyncEnd, whole: bool) -> (Batches, JoinHandle<Report>) {
        let (to, batches) = mpsc::channel(AHEAD);
        let watch = self.watch.clone();
        let with_litter = self.options.with_litter;
        let report = match end {
            SyncEnd::Folder(folder) => {
                let (folder, filter) = (folder.clone(), self.options.filter.clone());
                tokio::task::spawn_blocking(move || {
                    let tree = Tree {
                        top: &folder,
                        filter: &filter,
                        with_litter,
                        watch: &watch,
                    };
                    tree.walk(to)
                })
            }
            SyncEnd::Objects {
                store,
                bucket,
                prefix,
                ..
            } => {
                let listing = Listing {
                    store: Arc::clone(store),
                    bucket: bucket.clone(),
                    prefix: prefix.clone(),
                    filter: Arc::new(self.options.filter.clone()),
                    with_litter: with_litter || self.way() == Way::Across,
                    names_here: self.download.as_ref().map(DownloadPlan::comparison),
                    whole,
                    watch,
                };
                tokio::spawn(listing.list(to))
            }
        };
        (batches, report)
    }
}

/// A side whose reading ended in a panic was not read.
fn unread(error: &tokio::task::JoinError) -> Report {
    tracing::error!(%error, "reading a side of a sync panicked");
    Report {
        incomplete: true,
        ..Report::default()
    }
}

fn check_ends(from: &SyncEnd, to: &SyncEnd) -> Result<(), PlanError> {
    let refuse = |name: &str, reason| {
        Err(PlanError::Name {
            name: name.to_owned(),
            reason,
        })
    };
    match (from, to) {
        (SyncEnd::Folder(from), SyncEnd::Folder(_)) => refuse(
            &from.to_string_lossy(),
            "both sides of the sync are folders on this computer",
        ),
        (
            SyncEnd::Objects {
                host: from_host,
                bucket: from_bucket,
                prefix: from,
                ..
            },
            SyncEnd::Objects {
                host,
                bucket,
                prefix: to,
                ..
            },
        ) if (from_host, from_bucket) == (host, bucket) => {
            if to.starts_with(from) || from.starts_with(to) {
                return refuse(to, "one side of the sync lies inside the other");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn check_source(folder: &Path) -> Result<(), PlanError> {
    let at = folder.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read_dir(at).map(drop)).await;
    read.map_err(std::io::Error::other)
        .and_then(|result| result)
        .map_err(|e| PlanError::Folder {
            folder: folder.to_owned(),
            reason: Arc::new(e),
        })
}
