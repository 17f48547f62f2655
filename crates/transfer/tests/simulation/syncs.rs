//! Making one side like the other: what is on both sides before, what a plan saw, and whether in the
//! end both are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use wherry_transfer::run::SyncStores;
use wherry_transfer::{Clock, Job, Removals, Settings, SyncEnd, SyncOptions, SyncPlan, Watch};

use crate::platter::seconds;
use crate::world::{BUCKET, End, Moves, World};

/// What plans saw at the destination, and meant to do about it.
#[derive(Default)]
pub struct Seen {
    /// Of others, and to go or to be replaced: with what was in it then.
    doomed: BTreeSet<(End, Bytes)>,
    /// Names of rows that are deletions.
    going: BTreeSet<String>,
    /// What each plan moves, from which moment on.
    moves: Vec<(u64, Vec<End>)>,
    /// The last one withheld its deletions.
    withheld: bool,
}

impl Seen {
    pub fn may_go(&self, end: &End, bytes: &[u8]) -> bool {
        let known = (end.clone(), Bytes::copy_from_slice(bytes));
        self.doomed.contains(&known)
    }

    pub fn is_deletion(&self, row: &str) -> bool {
        self.going.contains(row)
    }

    /// What the plan that was in force then moves.
    pub fn moves_at(&self, moment: u64) -> &[End] {
        let plan = self.moves.iter().rev().find(|(from, _)| *from <= moment);
        plan.map_or(&[], |(_, moves)| moves)
    }
}

/// Marks what is only at the destination.
const EXTRA: &str = "extra-";

impl World {
    /// What is at the destination before: the same, something older or shorter, or something that is
    /// not at the source.
    pub fn fill_the_other_side(&self) {
        for at in 0..self.sources.len() {
            if self.fate.chance(0.5) {
                self.put_a_counterpart(at);
            }
        }
        for n in 0..self.fate.between(0, 4) {
            let folder = self.fate.one_of(&["", "in/", "gone/"]);
            let bytes = self.fate.bytes(self.fate.one_of(&[0, 10, 9000]));
            self.put_there(&format!("{folder}{EXTRA}{n}.dat"), bytes, 1_650_000_000);
        }
    }

    fn put_a_counterpart(&self, at: usize) {
        let source = &self.sources[at];
        let original = self.original(&source.name);
        let kind = self.fate.between(0, 3);
        let bytes = match kind {
            0 => original.to_vec(),
            1 => self.fate.bytes(source.size + 7),
            _ => self.fate.bytes(source.size),
        };
        // As new as what it is like, or older.
        let time = if kind == 0 {
            self.time_of_the_same()
        } else {
            1_500_000_000
        };
        self.put_there(&source.name, bytes, time);
    }

    /// A file that was downloaded has its object's time; an object is newer than its file.
    fn time_of_the_same(&self) -> u64 {
        self.fate.now().timestamp() as u64
    }

    fn original(&self, name: &str) -> Bytes {
        if self.moves.reads_disk() {
            let platter = self.disk.lock();
            let node = platter.at(&self.source_path(name));
            return node
                .map(|n| Bytes::from(n.bytes.clone()))
                .unwrap_or_default();
        }
        let stored = self.object(&self.source_name(name));
        stored.map(|s| s.bytes).unwrap_or_default()
    }

    fn put_there(&self, name: &str, bytes: Vec<u8>, time: u64) {
        if self.moves.writes_disk() {
            let path = self.source_path(name);
            let mut platter = self.disk.lock();
            let above = path.ancestors().skip(1).map(std::path::Path::to_owned);
            platter.folders.extend(above);
            platter.write(&path, bytes.clone(), seconds(time));
            platter.users.insert(path, bytes);
            return;
        }
        let time = DateTime::from_timestamp(time as i64, 0).expect("a time");
        self.put_at((BUCKET.to_owned(), format!("to/{name}")), bytes, time);
    }

    /// Somebody else writes to one that is only there, or puts another there.
    pub fn disturb_the_other_side(&self) {
        let extras: Vec<End> = self.there().into_keys().collect();
        let mut extras = extras.iter().filter(|end| is_extra(end));
        let Some(end) = extras.nth(self.fate.between(0, 3) as usize) else {
            return;
        };
        self.fate.note("an extra changes");
        let bytes = self.fate.bytes(11);
        match end {
            End::Object(name) => self.put(name.clone(), bytes),
            End::File(path) => {
                let mut platter = self.disk.lock();
                let time = self.fate.between(1_660_000_000, 1_690_000_000);
                platter.write(path, bytes.clone(), seconds(time));
                platter.users.insert(path.clone(), bytes);
            }
        }
    }

    fn ends(&self) -> (SyncEnd, SyncEnd) {
        let folder = || SyncEnd::Folder(self.folder().to_owned());
        let from = || SyncEnd::Objects {
            store: self.source_handle(),
            host: if self.has_two_stores() { "far" } else { "near" }.to_owned(),
            bucket: self.source_bucket().to_owned(),
            prefix: "from/".to_owned(),
        };
        let to = || SyncEnd::Objects {
            store: self.handle(),
            host: "near".to_owned(),
            bucket: BUCKET.to_owned(),
            prefix: "to/".to_owned(),
        };
        match self.moves {
            Moves::SyncUp => (folder(), to()),
            Moves::SyncDown => (from(), folder()),
            _ => (from(), to()),
        }
    }

    pub async fn sync_plan(&self) -> Result<SyncPlan, String> {
        let (from, to) = self.ends();
        let options = SyncOptions {
            delete: self.deletes,
            ..SyncOptions::default()
        };
        let plan = SyncPlan::make(from, to, options, &Watch::default()).await;
        let plan = plan.map_err(|e| e.to_string())?;
        self.saw(&plan);
        Ok(plan)
    }

    pub async fn sync(&self, settings: Settings) -> Result<Job, String> {
        let plan = self.sync_plan().await?;
        if !self.left_alone.load(Relaxed) && self.fate.chance(0.1) {
            self.disturb_the_other_side();
        }
        let (up, down) = (self.moves.reads_disk(), self.moves.writes_disk());
        let stores = SyncStores {
            from: (!up).then(|| self.source_handle()),
            to: (!down).then(|| self.handle()),
            one_account: !self.has_two_stores(),
            one_server: false,
        };
        let job = Job::sync(plan, stores, settings).await;
        job.map_err(|e| e.to_string())
    }

    /// Remembers what a plan means to do, and to whom.
    fn saw(&self, plan: &SyncPlan) {
        let there = self.there();
        let mut seen = self.seen();
        let mut doomed = Vec::new();
        for at in 0..plan.removals.len() {
            let name = plan.removals.name(at);
            seen.going.insert(name.to_owned());
            doomed.push(match &plan.removals {
                Removals::Objects(plan) => End::Object((plan.bucket.clone(), name.to_owned())),
                _ => End::File(self.source_path(name)),
            });
        }
        let moves: Vec<End> = match &plan.moves {
            wherry_transfer::Moves::Upload(plan) => {
                let items = plan.items.iter().map(|item| &item.relative);
                items
                    .map(|name| End::Object((BUCKET.into(), format!("to/{name}"))))
                    .collect()
            }
            wherry_transfer::Moves::Download(plan) => {
                let items = plan.items.iter();
                items
                    .map(|item| End::File(self.source_path(&item.path)))
                    .collect()
            }
            wherry_transfer::Moves::Copy(plan) => {
                let items = plan.items.iter();
                items
                    .map(|item| End::Object((BUCKET.into(), item.to.to_string())))
                    .collect()
            }
        };
        let conflicts = plan.moves.conflicts().iter();
        doomed.extend(conflicts.map(|conflict| moves[conflict.item as usize].clone()));
        let known = doomed.into_iter().filter_map(|end| {
            let bytes = there.get(&end)?.clone();
            Some((end, bytes))
        });
        seen.doomed.extend(known);
        seen.withheld = plan.withheld.is_some();
        let store = self.store.lock();
        seen.moves
            .push((store.shelves.moments.load(Relaxed), moves));
    }

    /// All that is at the destination.
    fn there(&self) -> BTreeMap<End, Bytes> {
        if self.moves.writes_disk() {
            let platter = self.disk.lock();
            let all = platter.names.keys();
            return all
                .filter_map(|path| {
                    let bytes = Bytes::from(platter.at(path)?.bytes.clone());
                    Some((End::File(path.clone()), bytes))
                })
                .collect();
        }
        let store = self.store.lock();
        let all = store.shelves.objects.iter();
        all.filter(|(name, _)| name.0 == BUCKET && name.1.starts_with("to/"))
            .map(|(name, stored)| (End::Object(name.clone()), stored.bytes.clone()))
            .collect()
    }

    /// All that is at the source, under the names it has at the destination.
    fn here(&self) -> BTreeMap<End, Bytes> {
        if self.moves.reads_disk() {
            let platter = self.disk.lock();
            let all = platter.names.keys();
            return all
                .filter_map(|path| {
                    let name = path.strip_prefix(self.folder()).ok()?;
                    let name = format!("to/{}", name.to_string_lossy());
                    let bytes = Bytes::from(platter.at(path)?.bytes.clone());
                    Some((End::Object((BUCKET.to_owned(), name)), bytes))
                })
                .collect();
        }
        let store = self.source.lock();
        let all = store.shelves.objects.iter();
        all.filter_map(|((bucket, key), stored)| {
            let name = key.strip_prefix("from/")?;
            let end = if self.moves.writes_disk() {
                End::File(self.source_path(name))
            } else {
                End::Object((BUCKET.to_owned(), format!("to/{name}")))
            };
            (bucket == self.source_bucket()).then(|| (end, stored.bytes.clone()))
        })
        .collect()
    }

    /// After enough syncs without faults both sides are the same.
    pub fn both_sides_are_the_same(&self) -> Result<(), String> {
        let (here, there) = (self.here(), self.there());
        for (end, bytes) in &here {
            if there.get(end) != Some(bytes) {
                return Err(format!("{end:?} is not what it is at the source"));
            }
        }
        let withheld = self.seen().withheld;
        let more = there.keys().find(|end| !here.contains_key(end));
        match more {
            Some(end) if self.deletes && !withheld => Err(format!("{end:?} is still there")),
            _ => Ok(()),
        }
    }

    /// A moment later than anything that has that time.
    pub fn soon(&self) -> std::time::SystemTime {
        (self.fate.now() + TimeDelta::seconds(1)).into()
    }
}

fn is_extra(end: &End) -> bool {
    match end {
        End::Object((_, key)) => key.contains(EXTRA),
        End::File(path) => path.to_string_lossy().contains(EXTRA),
    }
}
