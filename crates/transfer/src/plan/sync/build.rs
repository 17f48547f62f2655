//! From what was found to plans of the usual kinds: what moves, and what goes afterwards.

use std::collections::HashMap;

use super::merge::{Found, Merge, There, Way};
use super::side::{Aside, Entry, Kind, Report};
use super::{Asked, Moves, Removals, SyncEnd, SyncPlan, Withheld};
use crate::error::PlanError;
use crate::names::NameComparison;
use crate::plan::erase::{EraseItem, ErasePlan};
use crate::plan::filter::keep;
use crate::plan::{
    Conflict, CopyItem, CopyPlan, DeletePlan, DownloadItem, Seen, UploadItem, UploadPlan,
};

impl Asked {
    pub(super) async fn plan(
        self,
        found: Found,
        from: Report,
        to: Report,
    ) -> Result<SyncPlan, PlanError> {
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
        let top = match &self.to {
            SyncEnd::Objects { prefix, .. } => prefix.clone(),
            SyncEnd::Folder(_) => String::new(),
        };
        let moves = self.moves(found, from, to, &keys).await?;
        Ok(SyncPlan {
            moves,
            removals,
            counts,
            top,
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
                seen: only_there
                    .iter()
                    .map(|entry| Some(Seen::of(entry.size, entry.modified, entry.etag.as_deref())))
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
    let mut all: Vec<(Entry, Option<There>)> = found
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
