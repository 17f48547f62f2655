//! Making one side like the other: found out first, like everything.
//!
//! A folder and a prefix, or two prefixes, are gone through side by side in the order of their names.
//! No file costs a request: 20,000 files that are the same cost twenty pages of a listing. What comes
//! out are plans of the usual kinds, for what has to move and for what has to go.

mod hash;
mod listing;
mod merge;
mod side;
mod tree;

use std::collections::HashMap;
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
use self::side::{AHEAD, Aside, Batches, Entry, Kind, Report, Side, Trouble};
use self::tree::Tree;
use super::erase::{EraseItem, ErasePlan};
use super::filter::{Filter, keep};
use super::{
    Choices, Conflict, CopyItem, CopyPlan, DeletePlan, DownloadItem, DownloadPlan, Note,
    OnConflict, UploadItem, UploadPlan, Watch,
};
use crate::error::PlanError;
use crate::names::NameComparison;

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

#[derive(Debug, Clone)]
pub struct SyncPlan {
    pub moves: Moves,
    pub removals: Removals,
    pub counts: SyncCounts,
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

    fn conflicts(&self) -> &[Conflict] {
        match self {
            Self::Upload(plan) => &plan.conflicts,
            Self::Download(plan) => &plan.conflicts,
            Self::Copy(plan) => &plan.conflicts,
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

    async fn plan(self, found: Found, from: Report, to: Report) -> Result<SyncPlan, PlanError> {
        let mut keys = HashMap::new();
        let found = match &self.download {
            Some(plan) => {
                let names = plan.comparison();
                self.look_again(found, &from.aside, names, &mut keys).await
            }
            None => found,
        };
        let mut counts = found.counts;
        counts.litter = from.litter
            + if self.way() == Way::Down {
                to.litter
            } else {
                0
            };
        let withheld =
            (self.options.delete && !self.options.insist && !found.only_there.is_empty())
                .then_some(match (from.incomplete, found.source) {
                    (true, _) => Some(Withheld::SourceIncomplete),
                    (false, 0) => Some(Withheld::SourceEmpty),
                    _ => None,
                })
                .flatten();
        let removals = if self.options.delete && withheld.is_none() {
            counts.deleted = found.only_there.len() as u64;
            self.removals(&found.only_there)
        } else {
            counts.kept = found.only_there.len() as u64;
            Removals::None
        };
        let moves = self.moves(found, from, to, &keys).await?;
        Ok(SyncPlan {
            moves,
            removals,
            counts,
            withheld,
        })
    }

    /// Objects whose files have other names, and names that this file system takes for the same.
    async fn look_again(
        &self,
        mut found: Found,
        aside: &[Aside],
        names: NameComparison,
        keys: &mut HashMap<Box<str>, Box<str>>,
    ) -> Found {
        let folds = names.ignores_case || names.ignores_unicode_form;
        if aside.is_empty() && !folds {
            return found;
        }
        let mut there: HashMap<String, Entry> = std::mem::take(&mut found.only_there)
            .into_iter()
            .map(|entry| (names.fold(&entry.name), entry))
            .collect();
        let sent: Vec<&str> = aside
            .iter()
            .filter(|a| a.sent)
            .map(|a| &*a.entry.name)
            .collect();
        let mut again = Vec::new();
        found.fresh.retain(|entry| {
            let file = entry.kind == Kind::File;
            let gone = file && sent.contains(&&*entry.name);
            let twin = file && folds && there.contains_key(&names.fold(&entry.name));
            if gone || twin {
                found.counts.fresh -= 1;
                found.counts.bytes -= entry.size;
            }
            if twin && !gone {
                again.push(entry.clone());
            }
            !gone && !twin
        });
        found.changed.retain(|(entry, _)| {
            let gone = sent.contains(&&*entry.name);
            if gone {
                found.counts.changed -= 1;
                found.counts.bytes -= entry.size;
            }
            !gone
        });
        for aside in aside {
            keys.insert(aside.path.clone(), aside.entry.name.clone());
            found.source += u64::from(!aside.sent);
            again.push(Entry {
                name: aside.path.clone(),
                ..aside.entry.clone()
            });
        }
        let mut merge = Merge::resume(self.comparison(), found);
        for entry in again {
            let stands = there.remove(&names.fold(&entry.name));
            match (entry.kind, stands) {
                (Kind::File, Some(stands)) if stands.kind != Kind::LeftOut => {
                    merge.pair(entry, &stands).await;
                }
                (Kind::File, None) => merge.add_fresh(entry),
                _ => {}
            }
        }
        let mut found = merge.settle().await;
        found.only_there = there.into_values().collect();
        found
            .only_there
            .sort_unstable_by(|a, b| a.name.cmp(&b.name));
        found
    }

    fn removals(&self, only_there: &[Entry]) -> Removals {
        let bytes = only_there.iter().map(|entry| entry.size).sum();
        match &self.to {
            SyncEnd::Objects { bucket, prefix, .. } => Removals::Objects(DeletePlan {
                bucket: bucket.clone(),
                keys: only_there
                    .iter()
                    .map(|entry| format!("{prefix}{}", entry.name).into_boxed_str())
                    .collect(),
                bytes,
                missing: Vec::new(),
            }),
            SyncEnd::Folder(folder) => Removals::Files(ErasePlan {
                folder: folder.clone(),
                items: only_there
                    .iter()
                    .map(|entry| EraseItem {
                        path: entry.name.clone(),
                        size: entry.size,
                        modified: entry.modified,
                    })
                    .collect(),
                bytes,
            }),
        }
    }

    async fn moves(
        self,
        found: Found,
        from: Report,
        to: Report,
        keys: &HashMap<Box<str>, Box<str>>,
    ) -> Result<Moves, PlanError> {
        let (entries, conflicts) = in_order(found);
        let mut notes = from.notes;
        notes.extend(to.notes);
        match (self.from, self.to) {
            (
                SyncEnd::Folder(folder),
                SyncEnd::Objects {
                    store,
                    bucket,
                    prefix,
                    ..
                },
            ) => {
                let items = entries.into_iter().map(|entry| UploadItem {
                    relative: entry.name,
                    size: entry.size,
                    modified: entry.modified.unwrap_or_default(),
                    root: 0,
                    folder: entry.kind == Kind::Folder,
                });
                let empty = self.options.empty_folders;
                let mut plan = UploadPlan::below(&folder, bucket, prefix, items.collect());
                plan.litter = from.litter;
                plan.folders = from.folders;
                plan.notes = notes;
                plan.conflicts = conflicts;
                plan.retain(|_, item| empty || !item.folder);
                plan.leave_out_what_does_not_fit(&store);
                plan.bytes = plan.items.iter().map(|i| i.size).sum();
                Ok(Moves::Upload(plan))
            }
            (SyncEnd::Objects { prefix, .. }, SyncEnd::Folder(_)) => {
                let mut plan = self.download.ok_or(PlanError::Cancelled)?;
                plan.folders = from.markers;
                let folder = |entry: &Entry| entry.kind == Kind::Folder;
                plan.folders.extend(
                    entries
                        .iter()
                        .filter(|entry| folder(entry))
                        .map(|entry| entry.name.trim_end_matches('/').to_owned()),
                );
                let (entries, conflicts) = keep(entries, conflicts, |_, entry| !folder(entry));
                plan.conflicts = conflicts;
                plan.notes = notes;
                plan.items = entries
                    .into_iter()
                    .map(|entry| {
                        let name = keys.get(&entry.name).unwrap_or(&entry.name);
                        DownloadItem {
                            key: format!("{prefix}{name}").into_boxed_str(),
                            path: entry.name,
                            size: entry.size,
                            modified: entry.modified,
                            etag: entry.etag,
                        }
                    })
                    .collect();
                plan.settle().await;
                Ok(Moves::Download(plan))
            }
            (
                SyncEnd::Objects {
                    bucket: from_bucket,
                    prefix: from_prefix,
                    ..
                },
                SyncEnd::Objects { bucket, prefix, .. },
            ) => {
                let items = entries.into_iter().map(|entry| CopyItem {
                    from: format!("{from_prefix}{}", entry.name).into_boxed_str(),
                    to: format!("{prefix}{}", entry.name).into_boxed_str(),
                    size: entry.size,
                    etag: entry.etag,
                });
                let mut plan = CopyPlan::restored(from_bucket, bucket, false, 0);
                plan.notes = notes;
                (plan.items, plan.conflicts) = (items.collect(), conflicts);
                plan.leave_out_long_names();
                plan.bytes = plan.items.iter().map(|i| i.size).sum();
                Ok(Moves::Copy(plan))
            }
            // Refused before.
            (SyncEnd::Folder(_), SyncEnd::Folder(_)) => Err(PlanError::Cancelled),
        }
    }
}

/// All that moves, in the order of its names, and which of it replaces something.
fn in_order(found: Found) -> (Vec<Entry>, Vec<Conflict>) {
    let mut all: Vec<(Entry, Option<merge::There>)> = found
        .fresh
        .into_iter()
        .map(|entry| (entry, None))
        .chain(found.changed.into_iter().map(|(e, there)| (e, Some(there))))
        .collect();
    all.sort_unstable_by(|a, b| a.0.name.cmp(&b.0.name));
    let conflicts = all
        .iter()
        .enumerate()
        .filter_map(|(at, (_, there))| {
            there.map(|there| Conflict {
                item: at as u32,
                same: false,
                size: there.size,
                modified: there
                    .modified
                    .and_then(chrono::DateTime::from_timestamp_millis),
            })
        })
        .collect();
    (all.into_iter().map(|(entry, _)| entry).collect(), conflicts)
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
