//! A world from a seed: a store, a disk, what is on them, what is to be moved, what will go wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use wherry_account::{MultipartEtag, PartLimits, Quirks};
use wherry_store::ObjectStore;
use wherry_transfer::run::disk::is_temporary;
use wherry_transfer::*;

use crate::disk::{self, SimDisk, seconds};
use crate::fate::Fate;
use crate::shelves::{Name, Shelves, Stored, Ways};
use crate::store::{self, SimStore};
use crate::weather::Weather;

pub const BUCKET: &str = "bucket";

/// Everything is a thousand times smaller than in life, so that thousands of seeds are quick.
const SIZES: [u64; 12] = [
    0, 1, 100, 1000, 5000, 8192, 8193, 12_000, 16_384, 20_000, 40_000, 100_000,
];
const LARGEST_PART: u64 = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    Upload,
    Download,
    Copy,
    Rename,
}

/// What somebody else does meanwhile, to the file or object of a row.
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

pub struct World {
    pub fate: Arc<Fate>,
    pub store: Arc<SimStore>,
    pub disk: Arc<SimDisk>,
    pub moves: Moves,
    pub weather: Weather,
    /// When, and to which row.
    pub events: Vec<(Duration, u32, Event)>,
    pub choices: Choices,
    pub sources: Vec<Source>,
    /// Plans are made on a real folder, which shows the files' names and sizes.
    pub shown: tempfile::TempDir,
    /// What others had at the store when it began, or have put there since.
    pub others: Mutex<BTreeMap<Name, Stored>>,
    pub receipts: Arc<Mutex<Vec<Receipt>>>,
    settings: Settings,
}

pub struct Source {
    pub name: String,
    pub size: u64,
}

impl World {
    pub fn of(seed: u64, aloud: bool) -> Self {
        let fate = Arc::new(Fate::new(seed, aloud));
        let disk = SimDisk::new(Arc::clone(&fate));
        let ways = Ways {
            opaque: fate.chance(0.2),
            opaque_parts: fate.chance(0.2),
            knows_if_absent: fate.chance(0.7),
            knows_if_match: fate.chance(0.8),
            says_etag: fate.chance(0.5),
        };
        let limits = PartLimits {
            min_size: 1024,
            max_size: LARGEST_PART,
            preferred_size: LARGEST_PART,
            ..PartLimits::default()
        };
        let mut quirks = Quirks {
            parts: limits,
            ..Quirks::default()
        };
        if ways.opaque_parts && fate.chance(0.5) {
            quirks.multipart_etag = MultipartEtag::Opaque;
        }
        let shelves = Shelves {
            ways,
            limits,
            ..Shelves::default()
        };
        let store = Arc::new(SimStore::new(
            Arc::clone(&fate),
            Arc::clone(&disk),
            quirks,
            shelves,
        ));
        let moves = fate.one_of(&[
            Moves::Upload,
            Moves::Upload,
            Moves::Download,
            Moves::Download,
            Moves::Copy,
            Moves::Rename,
        ]);
        let count = if fate.chance(0.1) {
            fate.between(20, 60)
        } else {
            fate.between(1, 7)
        };
        let sources: Vec<Source> = (0..count)
            .map(|n| Source {
                name: fate
                    .one_of(&["{}", "in/{}", "in/deep/{}"])
                    .replace("{}", &format!("{n}.dat")),
                size: fate.one_of(&SIZES),
            })
            .collect();
        let receipts = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&receipts);
        let settings = Settings {
            memory: fate.one_of(&[16 << 10, 4 << 20, 64 << 20]),
            requests: fate.one_of(&[1, 3, 32]) as usize,
            fetch_whole: fate.one_of(&[4096, 16_384]),
            fetch_range: fate.one_of(&[4096, 8192]),
            seed: Some(fate.between(0, u64::MAX)),
            clock: Arc::clone(&fate) as Arc<dyn Clock>,
            disk: Arc::new(disk::Handle(Arc::clone(&disk))),
            receipts: Some(Arc::new(move |receipt| {
                sink.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(receipt);
            })),
            ..Settings::default()
        };
        let weather = Weather::of(&fate);
        let on_conflict = fate.one_of(&[
            OnConflict::Skip,
            OnConflict::Overwrite,
            OnConflict::KeepBoth,
        ]);
        let mut world = Self {
            store,
            disk,
            moves,
            weather,
            events: Vec::new(),
            choices: Choices::all(on_conflict),
            sources,
            shown: tempfile::tempdir().expect("a folder"),
            others: Mutex::default(),
            receipts,
            settings,
            fate,
        };
        world.fill();
        world.foresee();
        world
    }

    pub fn folder(&self) -> &Path {
        self.shown.path()
    }

    pub fn handle(&self) -> Arc<dyn ObjectStore> {
        Arc::new(store::Handle(Arc::clone(&self.store)))
    }

    /// Another life has other chances.
    pub fn settings(&self) -> Settings {
        Settings {
            seed: Some(self.fate.between(0, u64::MAX)),
            ..self.settings.clone()
        }
    }

    pub fn source_path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Puts things on the disk and into the store.
    fn fill(&mut self) {
        for at in 0..self.sources.len() {
            let Source { name, size } = &self.sources[at];
            let (name, size) = (name.clone(), *size);
            let bytes = self.fate.bytes(size);
            match self.moves {
                Moves::Upload => {
                    let path = self.source_path(&name);
                    self.disk
                        .lock()
                        .write(&path, bytes.clone(), seconds(1_600_000_000));
                    self.disk.lock().versions.insert(path.clone(), vec![bytes]);
                    show(&path, size, seconds(1_600_000_000));
                }
                Moves::Download | Moves::Copy | Moves::Rename => {
                    let name = (BUCKET.to_owned(), format!("from/{name}"));
                    self.put(name, bytes);
                }
            }
            if self.fate.chance(0.15) {
                self.put_in_the_way(&name, size);
            }
        }
        let bytes = self.fate.bytes(300);
        self.put((BUCKET.to_owned(), "from-elsewhere".to_owned()), bytes);
        let there = self.store.lock().shelves.objects.clone();
        *self.others() = there;
    }

    pub fn others(&self) -> std::sync::MutexGuard<'_, BTreeMap<Name, Stored>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, name: Name, bytes: Vec<u8>) {
        let in_parts = bytes.len() > 5000 && self.fate.chance(0.5);
        let part = self.fate.one_of(&[5000, 8192]);
        let now = self.fate.now();
        let shelves = &mut self.store.lock().shelves;
        if in_parts {
            shelves.insert_in_parts(name, bytes.into(), part, now);
        } else {
            shelves.insert(name, bytes.into(), now);
        }
    }

    /// Something else where a row wants to go.
    fn put_in_the_way(&self, name: &str, size: u64) {
        let size = if self.fate.chance(0.5) { size } else { 77 };
        let bytes = self.fate.bytes(size);
        match self.moves {
            Moves::Download => {
                let path = self.source_path(name);
                show(&path, size, seconds(1_600_000_000));
                let mut platter = self.disk.lock();
                platter.write(&path, bytes.clone(), seconds(1_600_000_000));
                platter.users.insert(path, bytes);
            }
            _ => self.put((BUCKET.to_owned(), format!("to/{name}")), bytes),
        }
    }

    /// What others will do while it runs.
    fn foresee(&mut self) {
        if !self.fate.chance(0.4) {
            return;
        }
        let kinds: &[Event] = match self.moves {
            Moves::Upload => &[
                Event::Changed,
                Event::Shortened,
                Event::Gone,
                Event::Replaced,
                Event::NameTaken,
                Event::Cancel,
                Event::Locked,
            ],
            Moves::Download => &[
                Event::Gone,
                Event::Replaced,
                Event::NameTaken,
                Event::Detour,
                Event::Cancel,
                Event::Locked,
            ],
            // An original that is replaced between a look and its deletion is lost at every store:
            // S3 knows no deletion of this content only.
            Moves::Copy => &[Event::Gone, Event::Replaced, Event::Cancel, Event::Locked],
            Moves::Rename => &[Event::Gone, Event::Cancel, Event::Locked],
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
        let now = self.disk.now();
        let path = self.source_path(&source.name);
        let from = (BUCKET.to_owned(), format!("from/{}", source.name));
        match (self.moves, event) {
            (_, Event::Cancel) => return true,
            (_, Event::Locked) => self.store.lock().locked = true,
            (Moves::Upload, Event::Changed) => {
                let bytes = self.fate.bytes(source.size);
                self.disk.lock().change(&path, bytes, now);
            }
            (Moves::Upload, Event::Shortened) => {
                let bytes = self.fate.bytes(source.size / 2);
                self.disk.lock().change(&path, bytes, now);
            }
            (Moves::Upload, Event::Gone) => self.disk.lock().remove(&path),
            (Moves::Upload, Event::Replaced) => {
                let bytes = self.fate.bytes(source.size);
                let mut platter = self.disk.lock();
                // As editors do that take care: the time may even be the same.
                platter.write(&path, bytes.clone(), seconds(1_600_000_000));
                platter.versions.entry(path).or_default().push(bytes);
            }
            (Moves::Upload, Event::NameTaken) => {
                let name = (BUCKET.to_owned(), format!("to/{}", source.name));
                // Between the last look and the end of an upload, most stores cannot tell.
                let told =
                    source.size <= LARGEST_PART && self.store.lock().shelves.ways.knows_if_absent;
                let looked_after = source.size > LARGEST_PART && self.at_once(row);
                if told || looked_after {
                    self.take_name(name);
                }
            }
            (Moves::Download, Event::NameTaken) => {
                let bytes = self.fate.bytes(55);
                let mut platter = self.disk.lock();
                if platter.at(&path).is_none() && !platter.links.contains(&path) {
                    platter.write(&path, bytes.clone(), now);
                    platter.users.insert(path, bytes);
                }
            }
            (Moves::Download, Event::Detour) => {
                let mut platter = self.disk.lock();
                let folder = self.source_path("in");
                let empty = !platter.names.keys().any(|name| name.starts_with(&folder));
                if empty && !platter.folders.contains(&folder) {
                    platter.links.insert(folder);
                }
            }
            (_, Event::Gone) => {
                self.store.lock().shelves.delete(from.clone());
                self.others().remove(&from);
            }
            (_, Event::Replaced) => {
                let bytes = self.fate.bytes(source.size + self.fate.between(0, 2));
                self.put(from.clone(), bytes);
                let stored = self.store.lock().shelves.objects[&from].clone();
                self.others().insert(from, stored);
            }
            _ => {}
        }
        false
    }

    /// Whether what happens to this row happens before the job has asked for anything.
    fn at_once(&self, row: u32) -> bool {
        let mut its = self.events.iter().filter(|(_, other, _)| *other == row);
        its.all(|(after, _, _)| after.is_zero())
    }

    fn take_name(&self, name: Name) {
        if self.store.lock().shelves.objects.contains_key(&name) {
            return;
        }
        let bytes = self.fate.bytes(66);
        self.put(name.clone(), bytes);
        let stored = self.store.lock().shelves.objects[&name].clone();
        self.others().insert(name, stored);
    }
}

impl World {
    /// Shows plans what is on the disk by now.
    pub fn show_all(&self) {
        let platter = self.disk.lock();
        let folder = self.folder();
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                std::fs::remove_dir_all(path).expect("to be gone");
            } else {
                std::fs::remove_file(path).expect("to be gone");
            }
        }
        for path in platter.names.keys().filter(|path| path.starts_with(folder)) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(node) = platter.at(path)
                && !is_temporary(&name)
            {
                show(path, node.bytes.len() as u64, node.modified);
            }
        }
    }
}

/// Makes the real file that stands for a simulated one in a plan.
fn show(path: &Path, size: u64, modified: SystemTime) {
    if let Some(above) = path.parent() {
        std::fs::create_dir_all(above).expect("a folder");
    }
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(size).expect("its size");
    file.set_modified(modified).expect("its time");
}
