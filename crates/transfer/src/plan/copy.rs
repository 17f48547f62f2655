//! Copying, renaming and moving inside one store. S3 knows no renaming: it is a copy, checked, and
//! then a deletion of the original.

use std::collections::HashSet;
use std::sync::Arc;

use wherry_store::{ErrorKind, ObjectStore, StoreError};

use super::listing::Asker;
use super::upload::Decided;
use super::{Choices, Conflict, LONGEST_KEY, Note, NoteKind, OnConflict, Watch};
use crate::error::PlanError;

#[derive(Debug, Clone)]
pub struct CopyRequest {
    pub from_bucket: String,
    /// A key, or a prefix ending in `/` for all that is below it.
    pub from: String,
    pub to_bucket: String,
    pub to: String,
    /// Delete the originals once their copies are there and checked.
    pub remove_originals: bool,
}

#[derive(Debug, Clone)]
pub struct CopyItem {
    pub from: Box<str>,
    pub to: Box<str>,
    pub size: u64,
    pub etag: Option<Box<str>>,
}

#[derive(Debug, Clone)]
pub struct CopyPlan {
    pub from_bucket: String,
    pub to_bucket: String,
    pub remove_originals: bool,
    pub items: Vec<CopyItem>,
    pub conflicts: Vec<Conflict>,
    pub notes: Vec<Note>,
    pub bytes: u64,
    pub unseen: Option<StoreError>,
}

impl CopyPlan {
    /// One that was decided in an earlier session; its items are put in one by one.
    pub(crate) fn restored(
        from_bucket: String,
        to_bucket: String,
        remove_originals: bool,
        bytes: u64,
    ) -> Self {
        Self {
            from_bucket,
            to_bucket,
            remove_originals,
            items: Vec::new(),
            conflicts: Vec::new(),
            notes: Vec::new(),
            bytes,
            unseen: None,
        }
    }

    /// Inside one store.
    pub async fn make(
        store: &Arc<dyn ObjectStore>,
        request: CopyRequest,
        watch: &Watch,
    ) -> Result<Self, PlanError> {
        check_names(&request)?;
        Self::between(store, store, request, watch).await
    }

    /// From one store into another; equal names are no trouble then.
    pub async fn between(
        from: &Arc<dyn ObjectStore>,
        to: &Arc<dyn ObjectStore>,
        request: CopyRequest,
        watch: &Watch,
    ) -> Result<Self, PlanError> {
        check_lengths(&request)?;
        let mut plan = Self {
            from_bucket: request.from_bucket.clone(),
            to_bucket: request.to_bucket.clone(),
            remove_originals: request.remove_originals,
            items: Vec::new(),
            conflicts: Vec::new(),
            notes: Vec::new(),
            bytes: 0,
            unseen: None,
        };
        let asker = Asker::new(from, &request.from_bucket, watch);
        if request.from.ends_with('/') || request.from.is_empty() {
            asker
                .each(&request.from, |objects| {
                    for object in objects {
                        let below = object.key.strip_prefix(&request.from).unwrap_or_default();
                        let to = format!("{}{below}", request.to);
                        plan.take(object.key, to, object.size, object.etag);
                    }
                    watch.saw(plan.items.len() as u64, plan.bytes);
                })
                .await?;
        } else {
            let head = from.head(&request.from_bucket, &request.from).await?;
            plan.take(
                request.from.clone(),
                request.to.clone(),
                head.size,
                head.etag,
            );
        }
        plan.look_there(to, watch).await?;
        Ok(plan)
    }

    /// Leaves out what would have a name too long for a key.
    pub(super) fn leave_out_long_names(&mut self) {
        for item in self.items.iter().filter(|i| i.to.len() > LONGEST_KEY) {
            self.notes.push(Note {
                name: item.from.to_string(),
                kind: NoteKind::KeyTooLong {
                    bytes: item.to.len(),
                },
            });
        }
        self.retain(|_, item| item.to.len() <= LONGEST_KEY);
    }

    fn take(&mut self, from: String, to: String, size: u64, etag: Option<String>) {
        if to.len() > LONGEST_KEY {
            self.notes.push(Note {
                name: from,
                kind: NoteKind::KeyTooLong { bytes: to.len() },
            });
            return;
        }
        self.bytes += size;
        let (from, to) = (from.into_boxed_str(), to.into_boxed_str());
        self.items.push(CopyItem {
            from,
            to,
            size,
            etag: etag.map(String::into_boxed_str),
        });
    }

    async fn look_there(
        &mut self,
        store: &Arc<dyn ObjectStore>,
        watch: &Watch,
    ) -> Result<(), PlanError> {
        let mut keys: Vec<(String, u32)> = self
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| (item.to.to_string(), at as u32))
            .collect();
        keys.sort_unstable();
        let (keys, items): (Vec<String>, Vec<u32>) = keys.into_iter().unzip();
        let asker = Asker::new(store, &self.to_bucket, watch);
        let mut conflicts = Vec::new();
        let looked = asker.find(&keys, |at, there| {
            let item = &self.items[items[at] as usize];
            let same = item.size == there.size
                && item.etag.is_some()
                && item.etag.as_deref() == there.etag.as_deref();
            conflicts.push(Conflict {
                item: items[at],
                same,
                size: there.size,
                modified: there.modified,
            });
        });
        match looked.await {
            Ok(()) => {}
            Err(PlanError::Store(e)) if e.kind == ErrorKind::Denied => self.unseen = Some(e),
            Err(e) => return Err(e),
        }
        conflicts.sort_unstable_by_key(|c| c.item);
        conflicts.dedup_by_key(|c| c.item);
        self.conflicts = conflicts;
        Ok(())
    }

    pub(crate) async fn decide(
        &mut self,
        store: &Arc<dyn ObjectStore>,
        choices: &Choices,
    ) -> Result<Decided, StoreError> {
        let mut decided = Decided::default();
        let mut taken: HashSet<String> = HashSet::new();
        for conflict in &self.conflicts {
            match choices.for_item(conflict) {
                None | Some(OnConflict::Skip) => decided.skip.push(conflict.item),
                Some(OnConflict::Overwrite) => {
                    decided.overwrite.insert(conflict.item);
                }
                Some(OnConflict::KeepBoth) => {
                    if taken.is_empty() {
                        taken = self.items.iter().map(|i| i.to.to_string()).collect();
                    }
                    let to = self.items[conflict.item as usize].to.clone();
                    let free =
                        super::numbered_key(store, &self.to_bucket, &to, |k| taken.contains(k))
                            .await?;
                    taken.insert(free.clone());
                    self.items[conflict.item as usize].to = free.into_boxed_str();
                }
            }
        }
        decided.overwrite_any = choices.on_conflict == OnConflict::Overwrite;
        Ok(decided)
    }
}

fn refuse(request: &CopyRequest, reason: &'static str) -> Result<(), PlanError> {
    Err(PlanError::Name {
        name: request.to.clone(),
        reason,
    })
}

fn is_folder(request: &CopyRequest) -> bool {
    request.from.ends_with('/') || request.from.is_empty()
}

fn check_lengths(request: &CopyRequest) -> Result<(), PlanError> {
    let refuse = |reason| refuse(request, reason);
    let folder = is_folder(request);
    if request.to.is_empty() && !folder {
        return refuse("it is empty");
    }
    if folder && !request.to.is_empty() && !request.to.ends_with('/') {
        return refuse("a folder's name ends in a slash");
    }
    if request.to.len() > LONGEST_KEY {
        return refuse("it is longer than 1,024 bytes");
    }
    Ok(())
}

fn check_names(request: &CopyRequest) -> Result<(), PlanError> {
    let refuse = |reason| refuse(request, reason);
    if request.from_bucket == request.to_bucket {
        if request.from == request.to {
            return refuse("it is the same name");
        }
        if is_folder(request) && request.to.starts_with(&request.from) {
            return refuse("a folder cannot go into itself");
        }
    }
    Ok(())
}
