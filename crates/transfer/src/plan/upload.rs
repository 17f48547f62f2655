//! From files and folders to keys.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wherry_store::{ErrorKind, ObjectStore, StoreError};

use super::listing::Asker;
use super::walk::{Walk, WalkOptions, Walked};
use super::{Choices, Conflict, LONGEST_KEY, Note, NoteKind, OnConflict, Watch};
use crate::error::PlanError;
use crate::names;
use crate::parts::{Cut, cut};

/// Keys looked for at a time.
const LOOKED_FOR: usize = 50_000;

#[derive(Debug, Clone)]
pub struct UploadRequest {
    pub bucket: String,
    /// Empty or ending in `/`.
    pub prefix: String,
    pub sources: Vec<UploadSource>,
    /// Take `.DS_Store` and its like too.
    pub with_litter: bool,
    /// Make a folder marker for each empty folder, so that it is there too.
    pub empty_folders: bool,
    /// Look what is at the destination. Without it, everything is overwritten unseen.
    pub look_there: bool,
}

#[derive(Debug, Clone)]
pub struct UploadSource {
    pub path: PathBuf,
    /// The name below the prefix, slashes allowed; that of the path when absent.
    pub name: Option<String>,
    /// Of a folder: what is in it, without the folder itself.
    pub contents: bool,
}

impl From<PathBuf> for UploadSource {
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            name: None,
            contents: false,
        }
    }
}

/// One file. Compact, as there may be hundreds of thousands.
#[derive(Debug, Clone)]
pub struct UploadItem {
    /// Below its root, with `/`; empty for a root that is a file.
    pub relative: Box<str>,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: i64,
    pub(crate) root: u32,
    /// An empty folder, to become a folder marker.
    pub folder: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub path: PathBuf,
    /// What comes before an item's relative name in its key.
    pub key: String,
}

#[derive(Debug, Clone)]
pub struct UploadPlan {
    pub bucket: String,
    pub prefix: String,
    pub items: Vec<UploadItem>,
    pub conflicts: Vec<Conflict>,
    pub notes: Vec<Note>,
    /// Files and folders left out as litter.
    pub litter: u64,
    /// Folders looked through.
    pub folders: u64,
    /// Of all items.
    pub bytes: u64,
    /// Why the destination could not be looked at: this key may write there but not list.
    pub unseen: Option<StoreError>,
    pub(crate) roots: Vec<Root>,
    /// Keys of items that do not have the one their path says.
    pub(crate) other_keys: HashMap<u32, String>,
}

impl UploadPlan {
    /// One that was decided in an earlier session; its items are put in one by one.
    pub(crate) fn restored(bucket: String, prefix: String, roots: Vec<Root>, bytes: u64) -> Self {
        Self {
            bucket,
            prefix,
            items: Vec::new(),
            conflicts: Vec::new(),
            notes: Vec::new(),
            litter: 0,
            folders: 0,
            bytes,
            unseen: None,
            roots,
            other_keys: HashMap::new(),
        }
    }

    pub async fn make(
        store: &Arc<dyn ObjectStore>,
        request: UploadRequest,
        watch: &Watch,
    ) -> Result<Self, PlanError> {
        let options = WalkOptions {
            with_litter: request.with_litter,
            empty_folders: request.empty_folders,
        };
        let (prefix, sources, watching) = (request.prefix.clone(), request.sources, watch.clone());
        let walked =
            tokio::task::spawn_blocking(move || walk(&prefix, sources, options, &watching)).await;
        let (roots, walked) = walked.unwrap_or_default();
        if watch.cancel.is_cancelled() {
            return Err(PlanError::Cancelled);
        }
        let mut plan = Self {
            bucket: request.bucket,
            prefix: request.prefix,
            items: walked.items,
            conflicts: Vec::new(),
            notes: walked.notes,
            litter: walked.litter,
            folders: walked.folders,
            bytes: 0,
            unseen: None,
            roots,
            other_keys: HashMap::new(),
        };
        plan.leave_out_what_does_not_fit(store);
        let order = plan.settle_keys();
        plan.bytes = plan.items.iter().map(|i| i.size).sum();
        if request.look_there {
            plan.look_there(store, &order, watch).await?;
        }
        Ok(plan)
    }

    /// Files of one folder that are known already.
    pub(super) fn below(
        folder: &Path,
        bucket: String,
        prefix: String,
        items: Vec<UploadItem>,
    ) -> Self {
        let root = Root {
            path: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            key: prefix.clone(),
        };
        Self {
            items,
            ..Self::restored(bucket, prefix, vec![root], 0)
        }
    }

    /// The key an item will have. Hostile text, as file names are.
    pub fn key(&self, item: u32) -> String {
        match (self.other_keys.get(&item), self.items.get(item as usize)) {
            (Some(key), _) => key.clone(),
            (None, Some(item)) => {
                format!("{}{}", self.roots[item.root as usize].key, item.relative)
            }
            (None, None) => String::new(),
        }
    }

    pub fn path(&self, item: u32) -> PathBuf {
        match self.items.get(item as usize) {
            Some(item) if item.relative.is_empty() => self.roots[item.root as usize].path.clone(),
            Some(item) => self.roots[item.root as usize]
                .path
                .join(names::native(&item.relative)),
            None => PathBuf::new(),
        }
    }

    /// Below the destination: what a list of files shows.
    pub fn name(&self, item: u32) -> String {
        let key = self.key(item);
        key.strip_prefix(&self.prefix)
            .map_or_else(|| key.clone(), str::to_owned)
    }

    pub(super) fn leave_out_what_does_not_fit(&mut self, store: &Arc<dyn ObjectStore>) {
        let limits = store.quirks().parts;
        let mut left_out = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let key = self.key(at as u32);
            if key.len() > LONGEST_KEY {
                left_out.push((at, NoteKind::KeyTooLong { bytes: key.len() }));
            } else if let Cut::TooLarge { limit } = cut(item.size, &limits) {
                left_out.push((
                    at,
                    NoteKind::TooLarge {
                        size: item.size,
                        limit,
                    },
                ));
            }
        }
        let gone: HashSet<usize> = left_out.iter().map(|(at, _)| *at).collect();
        for (at, kind) in left_out {
            self.notes.push(Note {
                name: self.path(at as u32).to_string_lossy().into_owned(),
                kind,
            });
        }
        if !gone.is_empty() {
            self.retain(|at, _| !gone.contains(&at));
        }
    }

    /// As their keys are sorted, those of one key in the order of the plan. Compared where they are:
    /// a million keys in one place would be more than all the rest of a plan.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        let (x, y) = (&self.items[a as usize], &self.items[b as usize]);
        let by_key = match (self.other_keys.get(&a), self.other_keys.get(&b)) {
            (None, None) if x.root == y.root => x.relative.cmp(&y.relative),
            (None, None) => {
                let key = |root: u32| self.roots[root as usize].key.bytes();
                let whole = key(x.root).chain(x.relative.bytes());
                whole.cmp(key(y.root).chain(y.relative.bytes()))
            }
            _ => self.key(a).cmp(&self.key(b)),
        };
        by_key.then(a.cmp(&b))
    }

    fn in_order_of_keys(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.items.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.compare(*a, *b));
        order
    }

    /// Gives every item a key of its own and returns the items, sorted by them. Files of one name can
    /// come from different places.
    fn settle_keys(&mut self) -> Vec<u32> {
        let order = self.in_order_of_keys();
        let doubles: Vec<u32> = order
            .windows(2)
            .filter(|w| {
                let (a, b) = (&self.items[w[0] as usize], &self.items[w[1] as usize]);
                if a.root == b.root {
                    a.relative == b.relative
                } else {
                    self.key(w[0]) == self.key(w[1])
                }
            })
            .map(|w| w[1])
            .collect();
        if doubles.is_empty() {
            return order;
        }
        let mut taken: HashSet<String> = order.iter().map(|item| self.key(*item)).collect();
        for item in doubles {
            let key = self.key(item);
            let free = (2..=u32::MAX)
                .map(|n| names::numbered(&key, n))
                .find(|name| !taken.contains(name));
            let Some(free) = free else { continue };
            taken.insert(free.clone());
            self.notes.push(Note {
                name: self.path(item).to_string_lossy().into_owned(),
                kind: NoteKind::Clash { to: free.clone() },
            });
            self.other_keys.insert(item, free);
        }
        self.in_order_of_keys()
    }

    async fn look_there(
        &mut self,
        store: &Arc<dyn ObjectStore>,
        order: &[u32],
        watch: &Watch,
    ) -> Result<(), PlanError> {
        let asker = Asker::new(store, &self.bucket, watch);
        let mut conflicts = HashMap::new();
        for items in order.chunks(LOOKED_FOR) {
            match self.look_for(items, &asker, &mut conflicts).await {
                Ok(()) => {}
                Err(PlanError::Store(e)) if e.kind == ErrorKind::Denied => {
                    self.unseen = Some(e);
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        self.conflicts = conflicts.into_values().collect();
        self.conflicts.sort_unstable_by_key(|c| c.item);
        Ok(())
    }

    async fn look_for(
        &self,
        items: &[u32],
        asker: &Asker,
        conflicts: &mut HashMap<u32, Conflict>,
    ) -> Result<(), PlanError> {
        let keys: Vec<String> = items.iter().map(|item| self.key(*item)).collect();
        let looked = asker.find(&keys, |at, there| {
            let item = items[at];
            let here = &self.items[item as usize];
            // Uploaded after the file was last changed, and as long: taken for the same.
            let newer = there
                .modified
                .is_some_and(|m| m.timestamp_millis() >= here.modified);
            let same = here.size == there.size && (newer || here.folder);
            conflicts.insert(
                item,
                Conflict {
                    item,
                    same,
                    size: there.size,
                    modified: there.modified,
                },
            );
        });
        looked.await
    }

    /// What each item becomes, given the answers. Asks the store for free names to keep both.
    pub(crate) async fn decide(
        &mut self,
        store: &Arc<dyn ObjectStore>,
        choices: &Choices,
    ) -> Result<Decided, StoreError> {
        let mut decided = Decided::default();
        let keeps_both = |c: &Conflict| choices.for_item(c) == Some(OnConflict::KeepBoth);
        let mut taken: HashSet<String> = HashSet::new();
        if self.conflicts.iter().any(keeps_both) {
            taken = (0..self.items.len() as u32)
                .map(|item| self.key(item))
                .collect();
        }
        for conflict in &self.conflicts {
            match choices.for_item(conflict) {
                None | Some(OnConflict::Skip) => decided.skip.push(conflict.item),
                Some(OnConflict::Overwrite) => {
                    decided.overwrite.insert(conflict.item);
                }
                Some(OnConflict::KeepBoth) => {
                    let key = self.key(conflict.item);
                    let free =
                        super::numbered_key(store, &self.bucket, &key, |name| taken.contains(name))
                            .await?;
                    taken.insert(free.clone());
                    self.other_keys.insert(conflict.item, free);
                }
            }
        }
        // Not looked at: then everything may be there.
        decided.overwrite_any = choices.on_conflict == OnConflict::Overwrite;
        Ok(decided)
    }
}

/// What the answers mean for the items of a plan.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub skip: Vec<u32>,
    pub overwrite: HashSet<u32>,
    /// What turns up unseen may be replaced.
    pub overwrite_any: bool,
}

fn walk(
    prefix: &str,
    sources: Vec<UploadSource>,
    options: WalkOptions,
    watch: &Watch,
) -> (Vec<Root>, Walked) {
    let mut walk = Walk::new(options, watch);
    let mut roots: Vec<Root> = Vec::new();
    let mut unnamed = Vec::new();
    for source in sources {
        let path = std::path::absolute(&source.path).unwrap_or(source.path);
        let Some(name) = source.name.or_else(|| own_name(&path)) else {
            unnamed.push(Note {
                name: path.to_string_lossy().into_owned(),
                kind: NoteKind::NotUnicode,
            });
            continue;
        };
        let root = roots.len() as u32;
        if Walk::is_folder(&path) {
            let key = if source.contents {
                prefix.to_owned()
            } else {
                format!("{prefix}{name}/")
            };
            walk.folder(root, &path);
            roots.push(Root { path, key });
        } else {
            walk.file(root, &path);
            roots.push(Root {
                path,
                key: format!("{prefix}{name}"),
            });
        }
    }
    let mut walked = walk.done();
    walked.notes.extend(unnamed);
    (roots, walked)
}

/// The last part of a path; `..` and the like are resolved first. A whole disk has none.
fn own_name(path: &Path) -> Option<String> {
    if let Some(name) = path.file_name() {
        return name.to_str().map(str::to_owned);
    }
    let resolved = path.canonicalize().ok()?;
    resolved
        .file_name()
        .map_or(Some(String::new()), |name| name.to_str().map(str::to_owned))
}
