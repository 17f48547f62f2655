//! From keys to files.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use wherry_store::{ErrorKind, ObjectInfo, ObjectStore};

use super::listing::Asker;
use super::upload::Decided;
use super::{Choices, Conflict, Note, NoteKind, OnConflict, Watch, folder};
use crate::error::{Blocked, PlanError};
use crate::names::{self, NameComparison, Platform, local_name};

#[derive(Debug, Clone)]
pub struct DownloadRequest {
    pub bucket: String,
    pub sources: Vec<DownloadSource>,
    /// Must exist.
    pub folder: PathBuf,
    /// Look what is in the folder already. Without it, everything is overwritten unseen.
    pub look_there: bool,
}

#[derive(Debug, Clone)]
pub enum DownloadSource {
    /// One object, under its own last name or another.
    Object {
        key: String,
        save_as: Option<String>,
    },
    /// All below a prefix, in a folder of its last name.
    Folder { prefix: String },
    /// All below a prefix, directly in the folder.
    Contents { prefix: String },
}

/// One object. Compact, as there may be hundreds of thousands.
#[derive(Debug, Clone)]
pub struct DownloadItem {
    pub key: Box<str>,
    /// Relative to the folder, with `/`.
    pub path: Box<str>,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: Option<i64>,
    pub etag: Option<Box<str>>,
}

#[derive(Debug, Clone)]
pub struct DownloadPlan {
    pub bucket: String,
    pub folder: PathBuf,
    pub items: Vec<DownloadItem>,
    /// Folders to make though no object is in them: folder markers.
    pub folders: Vec<String>,
    pub conflicts: Vec<Conflict>,
    pub notes: Vec<Note>,
    /// Objects asked for by name that are not there.
    pub missing: Vec<String>,
    /// Of all items.
    pub bytes: u64,
    pub blocked: Option<Blocked>,
    comparison: NameComparison,
}

impl DownloadPlan {
    /// One that was decided in an earlier session; its items are put in one by one.
    pub(crate) fn restored(bucket: String, folder: PathBuf, bytes: u64) -> Self {
        Self {
            bucket,
            folder,
            items: Vec::new(),
            folders: Vec::new(),
            conflicts: Vec::new(),
            notes: Vec::new(),
            missing: Vec::new(),
            bytes,
            blocked: None,
            comparison: NameComparison::default(),
        }
    }

    pub async fn make(
        store: &Arc<dyn ObjectStore>,
        request: DownloadRequest,
        watch: &Watch,
    ) -> Result<Self, PlanError> {
        let mut plan = Self::empty(&request.bucket, &request.folder).await?;
        plan.collect(store, request.sources, watch).await?;
        plan.settle_paths();
        plan.bytes = plan.items.iter().map(|i| i.size).sum();
        if request.look_there {
            plan.look_there(watch).await?;
        }
        plan.check_space().await;
        Ok(plan)
    }

    /// With nothing in it yet, for a folder that was tried out.
    pub(super) async fn empty(bucket: &str, folder: &Path) -> Result<Self, PlanError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let usable = try_folder(&folder).await?;
        let mut plan = Self::restored(bucket.to_owned(), folder.clone(), 0);
        match usable {
            Ok(comparison) => plan.comparison = comparison,
            Err(reason) => {
                plan.blocked = Some(Blocked::NotWritable {
                    folder,
                    reason: Arc::new(reason),
                });
            }
        }
        Ok(plan)
    }

    /// How the folder's file system compares names.
    pub(super) fn comparison(&self) -> NameComparison {
        self.comparison
    }

    /// After items were put in by hand: paths of their own, and whether there is room for them.
    pub(super) async fn settle(&mut self) {
        self.settle_paths();
        self.weigh().await;
    }

    /// After items were taken out.
    pub(super) async fn weigh(&mut self) {
        self.bytes = self.items.iter().map(|i| i.size).sum();
        if matches!(self.blocked, Some(Blocked::NotEnoughSpace { .. })) {
            self.blocked = None;
        }
        self.check_space().await;
    }

    pub fn key(&self, item: u32) -> &str {
        self.items.get(item as usize).map_or("", |i| &i.key)
    }

    /// Below the folder: what a list of files shows.
    pub fn name(&self, item: u32) -> &str {
        self.items.get(item as usize).map_or("", |i| &i.path)
    }

    async fn collect(
        &mut self,
        store: &Arc<dyn ObjectStore>,
        sources: Vec<DownloadSource>,
        watch: &Watch,
    ) -> Result<(), PlanError> {
        let asker = Asker::new(store, &self.bucket, watch);
        let mut single: Vec<(String, Option<String>)> = Vec::new();
        for source in sources {
            let (prefix, above) = match source {
                DownloadSource::Object { key, save_as } => {
                    single.push((key, save_as));
                    continue;
                }
                DownloadSource::Folder { prefix } => {
                    let above = prefix
                        .trim_end_matches('/')
                        .rfind('/')
                        .map_or(0, |at| at + 1);
                    (prefix, above)
                }
                DownloadSource::Contents { prefix } => {
                    let above = prefix.rfind('/').map_or(0, |at| at + 1);
                    (prefix, above)
                }
            };
            let (mut seen, mut bytes) = (self.items.len() as u64, 0);
            asker
                .each(&prefix, |objects| {
                    seen += objects.len() as u64;
                    bytes += objects.iter().map(|o| o.size).sum::<u64>();
                    for object in objects {
                        self.take(object, above, None);
                    }
                    watch.saw(seen, bytes);
                })
                .await?;
        }
        single.sort_unstable();
        single.dedup_by(|a, b| a.0 == b.0);
        let (keys, names): (Vec<String>, Vec<Option<String>>) = single.into_iter().unzip();
        let mut found: Vec<Option<ObjectInfo>> = vec![None; keys.len()];
        match asker
            .find(&keys, |at, object| found[at] = Some(object))
            .await
        {
            Ok(()) => {}
            // One may be allowed to fetch an object whose bucket one may not list.
            Err(PlanError::Store(e)) if e.kind == ErrorKind::Denied => {
                for (key, found) in keys.iter().zip(&mut found) {
                    *found = head(store, &self.bucket, key).await?;
                }
            }
            Err(e) => return Err(e),
        }
        for ((key, name), found) in keys.into_iter().zip(names).zip(found) {
            match found {
                Some(object) => {
                    let above = key.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
                    self.take(object, above, name.as_deref());
                }
                None => self.missing.push(key),
            }
        }
        Ok(())
    }

    fn take(&mut self, object: ObjectInfo, above: usize, save_as: Option<&str>) {
        let below = object.key.get(above..).unwrap_or(&object.key);
        // The marker of the very folder whose contents are wanted.
        if below.is_empty() && object.size == 0 {
            return;
        }
        let name = local_name(save_as.unwrap_or(below), Platform::current());
        if let (Some(folder), 0) = (&name.folder, object.size) {
            self.folders.push(folder.clone());
            return;
        }
        if save_as.is_none() && name.changed {
            let to = name.path.clone();
            let kind = if name.shortened {
                NoteKind::Shortened { to }
            } else {
                NoteKind::Renamed { to }
            };
            self.notes.push(Note {
                name: object.key.clone(),
                kind,
            });
        }
        self.items.push(DownloadItem {
            key: object.key.into_boxed_str(),
            path: name.path.into_boxed_str(),
            size: object.size,
            modified: object.modified.map(|m| m.timestamp_millis()),
            etag: object.etag.map(String::into_boxed_str),
        });
    }

    /// Gives every item a path of its own: in the eyes of this file system, no two files of the
    /// transfer are the same, and no file is where a folder must be.
    fn settle_paths(&mut self) {
        let comparison = self.comparison;
        let mut folders: HashSet<String> = HashSet::new();
        let paths = self.items.iter().map(|i| &*i.path);
        for path in paths.chain(self.folders.iter().map(String::as_str)) {
            for (at, _) in path.match_indices('/') {
                if !folders.contains(&path[..at]) {
                    folders.insert(comparison.fold(&path[..at]));
                }
            }
        }
        folders.extend(self.folders.iter().map(|f| comparison.fold(f)));
        let mut files: HashSet<String> = HashSet::with_capacity(self.items.len());
        let mut clashes = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let folded = comparison.fold(&item.path);
            if folders.contains(&folded) || !files.insert(folded) {
                clashes.push(at);
            }
        }
        for at in clashes {
            let free = (2..=u32::MAX)
                .map(|n| names::numbered(&self.items[at].path, n))
                .find(|name| {
                    let folded = comparison.fold(name);
                    !folders.contains(&folded) && files.insert(folded)
                });
            let Some(free) = free else { continue };
            let name = self.items[at].key.to_string();
            self.notes.push(Note {
                name,
                kind: NoteKind::Clash { to: free.clone() },
            });
            self.items[at].path = free.into_boxed_str();
        }
    }

    async fn look_there(&mut self, watch: &Watch) -> Result<(), PlanError> {
        let folder = self.folder.clone();
        let items: Vec<(Box<str>, u64, Option<i64>)> = self
            .items
            .iter()
            .map(|i| (i.path.clone(), i.size, i.modified))
            .collect();
        let cancel = watch.cancel.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let mut conflicts = Vec::new();
            for (at, (path, size, modified)) in items.iter().enumerate() {
                if cancel.is_cancelled() {
                    return Err(PlanError::Cancelled);
                }
                let Some((there, time, is_file)) = folder::existing(&folder, path) else {
                    continue;
                };
                // Downloads get the object's time; file systems keep it to two seconds or better.
                let same =
                    is_file && there == *size && modified.is_some_and(|m| (m - time).abs() <= 2000);
                conflicts.push(Conflict {
                    item: at as u32,
                    same,
                    size: there,
                    modified: DateTime::<Utc>::from_timestamp_millis(time),
                });
            }
            Ok(conflicts)
        });
        self.conflicts = looked.await.unwrap_or(Err(PlanError::Cancelled))?;
        Ok(())
    }

    async fn check_space(&mut self) {
        if self.blocked.is_some() {
            return;
        }
        let same: HashSet<u32> = self
            .conflicts
            .iter()
            .filter(|c| c.same)
            .map(|c| c.item)
            .collect();
        let skipped: u64 = same.iter().map(|i| self.items[*i as usize].size).sum();
        let (needed, folder) = (self.bytes - skipped, self.folder.clone());
        let at = folder.clone();
        if let Ok(Ok(free)) = tokio::task::spawn_blocking(move || fs4::available_space(&at)).await
            && free < needed
        {
            self.blocked = Some(Blocked::NotEnoughSpace {
                folder,
                needed,
                free,
            });
        }
    }

    /// What each item becomes, given the answers. Blocks, looking for free names to keep both.
    pub(crate) fn decide(&mut self, choices: &Choices) -> Decided {
        let mut decided = Decided::default();
        let keeps_both = |c: &Conflict| choices.for_item(c) == Some(OnConflict::KeepBoth);
        let mut taken: HashSet<String> = HashSet::new();
        if self.conflicts.iter().any(keeps_both) {
            taken = self
                .items
                .iter()
                .map(|i| self.comparison.fold(&i.path))
                .collect();
        }
        let mut other: HashMap<u32, String> = HashMap::new();
        for conflict in &self.conflicts {
            match choices.for_item(conflict) {
                None | Some(OnConflict::Skip) => decided.skip.push(conflict.item),
                Some(OnConflict::Overwrite) => {
                    decided.overwrite.insert(conflict.item);
                }
                Some(OnConflict::KeepBoth) => {
                    let path = &self.items[conflict.item as usize].path;
                    let free = (2..=u32::MAX)
                        .map(|n| names::numbered(path, n))
                        .find(|name| {
                            !taken.contains(&self.comparison.fold(name))
                                && folder::existing(&self.folder, name).is_none()
                        });
                    if let Some(free) = free {
                        taken.insert(self.comparison.fold(&free));
                        other.insert(conflict.item, free);
                    }
                }
            }
        }
        for (item, path) in other {
            self.items[item as usize].path = path.into_boxed_str();
        }
        decided.overwrite_any = choices.on_conflict == OnConflict::Overwrite;
        decided
    }
}

async fn try_folder(folder: &Path) -> Result<io::Result<NameComparison>, PlanError> {
    let at = folder.to_owned();
    let tried = tokio::task::spawn_blocking(move || {
        if !std::fs::metadata(&at)?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        Ok(folder::try_out(&at))
    });
    let unusable = |reason| PlanError::Folder {
        folder: folder.to_owned(),
        reason: Arc::new(reason),
    };
    tried
        .await
        .map_err(|e| unusable(io::Error::other(e)))?
        .map_err(unusable)
}

async fn head(
    store: &Arc<dyn ObjectStore>,
    bucket: &str,
    key: &str,
) -> Result<Option<ObjectInfo>, PlanError> {
    match store.head(bucket, key).await {
        Ok(head) => Ok(Some(ObjectInfo {
            key: key.to_owned(),
            size: head.size,
            modified: head.modified,
            etag: head.etag,
            storage_class: head.storage_class,
        })),
        Err(e) if e.kind == ErrorKind::NoSuchKey => Ok(None),
        Err(e) => Err(e.into()),
    }
}
