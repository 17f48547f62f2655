//! What somebody else does meanwhile, and what the user wants all of a sudden.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use wherry_transfer::Receipt;

use crate::platter::seconds;
use crate::world::{BUCKET, End, LARGEST_PART, Moves, World};

/// To the file or object of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Written to, and as long as before.
    Changed,
    Shortened,
    Gone,
    /// Another one took the name.
    Replaced,
    /// Something appears where it wants to go.
    NameTaken,
    /// A folder on its way becomes a link.
    Detour,
    /// The user stops it.
    Cancel,
    /// The key is no longer good.
    Locked,
}

impl World {
    /// What others will do while it runs.
    pub fn foresee(&mut self) {
        if !self.fate.chance(0.4) {
            return;
        }
        let kinds: &[Event] = match self.moves {
            Moves::Upload | Moves::SyncUp => &[
                Event::Changed,
                Event::Shortened,
                Event::Gone,
                Event::Replaced,
                Event::NameTaken,
                Event::Cancel,
                Event::Locked,
            ],
            Moves::Download | Moves::SyncDown => &[
                Event::Gone,
                Event::Replaced,
                Event::NameTaken,
                Event::Detour,
                Event::Cancel,
                Event::Locked,
            ],
            Moves::Copy | Moves::Relay | Moves::SyncAcross => &[
                Event::Gone,
                Event::Replaced,
                Event::NameTaken,
                Event::Cancel,
                Event::Locked,
            ],
            // An original that is replaced between a look and its deletion is lost at every store:
            // S3 knows no deletion of this content only.
            Moves::Rename | Moves::Emigrate => {
                &[Event::Gone, Event::NameTaken, Event::Cancel, Event::Locked]
            }
        };
        for _ in 0..self.fate.between(1, 4) {
            let after = Duration::from_millis(self.fate.one_of(&[0, 1, 30, 300, 2000]));
            let row = self.fate.between(0, self.sources.len() as u64) as u32;
            self.events.push((after, row, self.fate.one_of(kinds)));
        }
        self.events.sort_by_key(|(after, _, _)| *after);
    }

    /// Does what somebody else does. Says whether the user wants it all stopped.
    pub fn happen(&self, row: u32, event: Event) -> bool {
        let source = &self.sources[row as usize];
        self.fate.note(&format!("{event:?} {}", source.name));
        // A sync goes by times.
        let now = if self.moves.syncs() {
            self.soon()
        } else {
            self.disk.now()
        };
        let path = self.source_path(&source.name);
        let from = self.source_name(&source.name);
        match (self.moves, event) {
            (_, Event::Cancel) => {
                self.cancelled.store(true, Relaxed);
                return true;
            }
            (_, Event::Locked) => self.lock_out(true),
            (Moves::Upload | Moves::SyncUp, Event::Changed) => {
                let bytes = self.fate.bytes(source.size);
                self.disk.lock().change(&path, bytes, now);
            }
            (Moves::Upload | Moves::SyncUp, Event::Shortened) => {
                let bytes = self.fate.bytes(source.size / 2);
                self.disk.lock().change(&path, bytes, now);
            }
            (Moves::Upload | Moves::SyncUp, Event::Gone) => self.disk.lock().take(&path),
            (Moves::Upload | Moves::SyncUp, Event::Replaced) => {
                let bytes = self.fate.bytes(source.size);
                let mut platter = self.disk.lock();
                // As editors do that take care: the time may even be the same.
                let time = if self.moves.syncs() {
                    now
                } else {
                    seconds(1_600_000_000)
                };
                platter.write(&path, bytes.clone(), time);
                platter.versions.entry(path).or_default().push(bytes);
            }
            (Moves::Download | Moves::SyncDown, Event::NameTaken) => {
                let bytes = self.fate.bytes(55);
                let mut platter = self.disk.lock();
                if platter.at(&path).is_none() && !platter.links.contains(&path) {
                    platter.write(&path, bytes.clone(), now);
                    platter.users.insert(path, bytes);
                }
            }
            (Moves::Download | Moves::SyncDown, Event::Detour) => {
                let mut platter = self.disk.lock();
                let folder = self.source_path("in");
                let empty = !platter.names.keys().any(|name| name.starts_with(&folder));
                if empty && !platter.folders.contains(&folder) {
                    platter.links.insert(folder);
                }
            }
            (_, Event::NameTaken) => self.take_name(row),
            (_, Event::Gone) => self.take(&from),
            (_, Event::Replaced) => {
                // Of one size and one time, two objects are the same to a sync.
                let least = u64::from(self.moves == Moves::SyncAcross);
                let bytes = self.fate.bytes(source.size + self.fate.between(least, 2));
                self.put(from, bytes);
            }
            _ => {}
        }
        false
    }

    fn take_name(&self, row: u32) {
        let source = &self.sources[row as usize];
        let name = (BUCKET.to_owned(), format!("to/{}", source.name));
        // Between the last look and the end of an upload, or of a copy, most stores cannot tell.
        let by_put = self.moves.reads_disk() || self.has_two_stores();
        let told =
            by_put && source.size <= LARGEST_PART && self.store.lock().shelves.ways.knows_if_absent;
        let looked_after = (source.size > LARGEST_PART || !by_put) && self.at_once(row);
        if (told || looked_after) && self.object(&name).is_none() {
            let bytes = self.fate.bytes(66);
            self.put(name, bytes);
        }
    }

    /// Whether what happens to this row happens before the job has asked for anything.
    fn at_once(&self, row: u32) -> bool {
        let mut its = self.events.iter().filter(|(_, other, _)| *other == row);
        its.all(|(after, _, _)| after.is_zero())
    }

    /// Somebody takes away, or replaces, something that has arrived.
    pub fn tamper(&self, receipts: &[Receipt]) {
        if self.moves.syncs() && self.fate.chance(0.5) {
            self.disturb_the_other_side();
            return;
        }
        if receipts.is_empty() {
            return;
        }
        let receipt = &receipts[self.fate.between(0, receipts.len() as u64) as usize];
        let end = End::from(&receipt.to);
        // Of one size, a sync would not notice it: not of that of an original that was replaced, either, which is
        // one byte longer.
        let kinds = if self.moves.syncs() { 2 } else { 3 };
        let kind = self.fate.between(0, kinds);
        self.fate
            .note(&format!("tampered with {kind}: {}", last(&end)));
        let bytes = (kind > 0).then(|| {
            let longer = 2 * u64::from(kind == 1);
            self.fate.bytes(receipt.size + longer)
        });
        match (&end, bytes) {
            (End::Object(name), None) => self.take(name),
            (End::Object(name), Some(bytes)) => self.put(name.clone(), bytes),
            (End::File(path), None) => {
                let mut platter = self.disk.lock();
                platter.take(path);
                platter.users.remove(path);
            }
            (End::File(path), Some(bytes)) => {
                let mut platter = self.disk.lock();
                platter.write(path, bytes.clone(), seconds(1_650_000_000));
                platter.users.insert(path.clone(), bytes);
            }
        }
        let ever = self.ever_tampered.lock();
        ever.unwrap_or_else(PoisonError::into_inner)
            .insert(end.clone());
        self.tampered().insert(end);
    }
}

fn last(end: &End) -> String {
    match end {
        End::Object(name) => name.1.clone(),
        End::File(path) => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    }
}
