//! A world from a seed: one store or two, a disk, what is on them, what is to be moved, what will go
//! wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use wherry_account::{MultipartEtag, PartLimits, Quirks};
use wherry_store::ObjectStore;
use wherry_transfer::run::disk::is_temporary;
use wherry_transfer::*;

use crate::disk::{self, SimDisk};
use crate::events::Event;
use crate::fate::Fate;
use crate::platter::seconds;
use crate::shelves::{Name, Shelves, Stored, Ways};
use crate::store::{self, SimStore};
use crate::syncs::Seen;
use crate::weather::Weather;

/// Of the store that things go to, or of the only one.
pub const BUCKET: &str = "bucket";
/// Of another store, where they come from.
pub const FAR: &str = "far";

/// Everything is a thousand times smaller than in life, so that thousands of seeds are quick.
const SIZES: [u64; 12] = [
    0, 1, 100, 1000, 5000, 8192, 8193, 12_000, 16_384, 20_000, 40_000, 100_000,
];
pub const LARGEST_PART: u64 = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    Upload,
    Download,
    /// Inside one store.
    Copy,
    Rename,
    /// From one store into another.
    Relay,
    /// The same, and the originals go.
    Emigrate,
    SyncUp,
    SyncDown,
    /// Inside one store, or from one into another.
    SyncAcross,
}

impl Moves {
    pub fn writes_disk(self) -> bool {
        matches!(self, Self::Download | Self::SyncDown)
    }

    pub fn reads_disk(self) -> bool {
        matches!(self, Self::Upload | Self::SyncUp)
    }

    pub fn copies(self) -> bool {
        !self.writes_disk() && !self.reads_disk()
    }

    pub fn syncs(self) -> bool {
        matches!(self, Self::SyncUp | Self::SyncDown | Self::SyncAcross)
    }

    pub fn removes_originals(self) -> bool {
        matches!(self, Self::Rename | Self::Emigrate)
    }

    fn between_stores(self) -> bool {
        matches!(self, Self::Relay | Self::Emigrate)
    }
}

pub struct World {
    pub fate: Arc<Fate>,
    /// Where things go, or the only one.
    pub store: Arc<SimStore>,
    /// Where they come from; perhaps the same.
    pub source: Arc<SimStore>,
    pub disk: Arc<SimDisk>,
    pub moves: Moves,
    pub weather: Weather,
    /// When, and to which row.
    pub events: Vec<(Duration, u32, Event)>,
    pub choices: Choices,
    pub sources: Vec<Source>,
    /// Plans are made on a real folder, which shows the files' names and sizes.
    pub shown: tempfile::TempDir,
    /// What others had at the stores when it began, or have put there since.
    others: Mutex<BTreeMap<Name, Stored>>,
    /// What has arrived and was taken away or replaced by somebody else since the last plan.
    pub tampered: Mutex<BTreeSet<End>>,
    pub ever_tampered: Mutex<BTreeSet<End>>,
    /// What a sync finds at the destination only, it deletes.
    pub deletes: bool,
    seen: Mutex<Seen>,
    /// Nobody does anything to what is only there any more.
    pub left_alone: AtomicBool,
    /// By the user, at some time.
    pub cancelled: AtomicBool,
    pub receipts: Arc<Mutex<Vec<Receipt>>>,
    settings: Settings,
}

/// Where something is: an object or a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    Object(Name),
    File(PathBuf),
}

impl From<&wherry_transfer::End> for End {
    fn from(end: &wherry_transfer::End) -> Self {
        match end {
            wherry_transfer::End::File(path) => Self::File(path.clone()),
            wherry_transfer::End::Object { bucket, key } => {
                Self::Object((bucket.clone(), key.clone()))
            }
        }
    }
}

pub struct Source {
    pub name: String,
    pub size: u64,
}

fn a_store(fate: &Arc<Fate>, disk: &Arc<SimDisk>, moments: &Arc<AtomicU64>) -> Arc<SimStore> {
    let ways = Ways {
        opaque: fate.chance(0.2),
        opaque_parts: fate.chance(0.2),
        knows_if_absent: fate.chance(0.7),
        knows_if_match: fate.chance(0.8),
        says_etag: fate.chance(0.5),
        tells_parts: fate.chance(0.5),
        copies_whole_up_to: fate.one_of(&[LARGEST_PART, 16_384, 1 << 20]),
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
        moments: Arc::clone(moments),
        ..Shelves::default()
    };
    Arc::new(SimStore::new(
        Arc::clone(fate),
        Arc::clone(disk),
        quirks,
        shelves,
    ))
}

impl World {
    pub fn of(seed: u64, aloud: bool) -> Self {
        let fate = Arc::new(Fate::new(seed, aloud));
        let moments = Arc::default();
        let disk = SimDisk::new(Arc::clone(&fate), Arc::clone(&moments));
        let moves = fate.one_of(&[
            Moves::Upload,
            Moves::Upload,
            Moves::Download,
            Moves::Download,
            Moves::Copy,
            Moves::Rename,
            Moves::Relay,
            Moves::Emigrate,
            Moves::SyncUp,
            Moves::SyncDown,
            Moves::SyncAcross,
        ]);
        let store = a_store(&fate, &disk, &moments);
        let two = moves.between_stores() || moves == Moves::SyncAcross && fate.chance(0.5);
        let source = if two {
            a_store(&fate, &disk, &moments)
        } else {
            Arc::clone(&store)
        };
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
            source,
            disk,
            moves,
            weather,
            events: Vec::new(),
            choices: Choices::all(on_conflict),
            sources,
            shown: tempfile::tempdir_in(in_memory()).expect("a folder"),
            others: Mutex::default(),
            tampered: Mutex::default(),
            ever_tampered: Mutex::default(),
            deletes: fate.chance(0.6),
            seen: Mutex::default(),
            left_alone: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            receipts,
            settings,
            fate,
        };
        world.fill();
        world.foresee();
        world
    }

    /// What there is to say of it before it goes off.
    pub fn describe(&self) -> String {
        let ways = self.store.lock().shelves.ways;
        let mut text = format!(
            "{:?} {} {:?} {:?} {ways:?}",
            self.moves, self.deletes, self.choices.on_conflict, self.weather
        );
        if self.has_two_stores() {
            text += &format!(" from {:?}", self.source.lock().shelves.ways);
        }
        text
    }

    pub fn folder(&self) -> &Path {
        self.shown.path()
    }

    pub fn has_two_stores(&self) -> bool {
        !Arc::ptr_eq(&self.store, &self.source)
    }

    pub fn stores(&self) -> Vec<&Arc<SimStore>> {
        let mut all = vec![&self.store];
        all.extend(self.has_two_stores().then_some(&self.source));
        all
    }

    /// The store that has a bucket.
    pub fn store_of(&self, name: &Name) -> &Arc<SimStore> {
        if name.0 == FAR {
            &self.source
        } else {
            &self.store
        }
    }

    pub fn object(&self, name: &Name) -> Option<Stored> {
        let store = self.store_of(name).lock();
        store.shelves.objects.get(name).cloned()
    }

    pub fn source_bucket(&self) -> &'static str {
        if self.has_two_stores() { FAR } else { BUCKET }
    }

    pub fn handle(&self) -> Arc<dyn ObjectStore> {
        Arc::new(store::Handle(Arc::clone(&self.store)))
    }

    pub fn source_handle(&self) -> Arc<dyn ObjectStore> {
        Arc::new(store::Handle(Arc::clone(&self.source)))
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

    pub fn source_name(&self, name: &str) -> Name {
        (self.source_bucket().to_owned(), format!("from/{name}"))
    }

    /// Puts things on the disk and into the store.
    fn fill(&mut self) {
        for at in 0..self.sources.len() {
            let Source { name, size } = &self.sources[at];
            let (name, size) = (name.clone(), *size);
            let bytes = self.fate.bytes(size);
            if self.moves.reads_disk() {
                let path = self.source_path(&name);
                let mut platter = self.disk.lock();
                platter.write(&path, bytes.clone(), seconds(1_600_000_000));
                platter.versions.insert(path.clone(), vec![bytes]);
                drop(platter);
                show(&path, size, seconds(1_600_000_000));
            } else {
                self.put(self.source_name(&name), bytes);
            }
            if !self.moves.syncs() && self.fate.chance(0.15) {
                self.put_in_the_way(&name, size);
            }
        }
        if self.moves.syncs() {
            self.fill_the_other_side();
            self.show_all();
        }
        for name in [BUCKET, self.source_bucket()] {
            let bytes = self.fate.bytes(300);
            self.put((name.to_owned(), "from-elsewhere".to_owned()), bytes);
        }
    }

    /// What others have, and nobody here may touch.
    pub fn others(&self) -> MutexGuard<'_, BTreeMap<Name, Stored>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tampered(&self) -> MutexGuard<'_, BTreeSet<End>> {
        self.tampered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As others put something into a store.
    pub fn put(&self, name: Name, bytes: Vec<u8>) {
        self.put_at(name, bytes, self.fate.now());
    }

    pub fn put_at(&self, name: Name, bytes: Vec<u8>, now: DateTime<Utc>) {
        let in_parts = bytes.len() > 5000 && self.fate.chance(0.5);
        let part = self.fate.one_of(&[5000, 8192]);
        let mut store = self.store_of(&name).lock();
        let shelves = &mut store.shelves;
        if in_parts {
            shelves.insert_in_parts(name.clone(), bytes.into(), part, now);
        } else {
            shelves.insert(name.clone(), bytes.into(), now);
        }
        let stored = shelves.objects[&name].clone();
        drop(store);
        self.others().insert(name, stored);
    }

    /// As others delete something.
    pub fn take(&self, name: &Name) {
        self.store_of(name).lock().shelves.take(name);
        self.others().remove(name);
    }

    /// Something else where a row wants to go.
    fn put_in_the_way(&self, name: &str, size: u64) {
        let size = if self.fate.chance(0.5) { size } else { 77 };
        let bytes = self.fate.bytes(size);
        if self.moves.writes_disk() {
            let path = self.source_path(name);
            show(&path, size, seconds(1_600_000_000));
            let mut platter = self.disk.lock();
            platter.write(&path, bytes.clone(), seconds(1_600_000_000));
            platter.users.insert(path, bytes);
        } else {
            self.put((BUCKET.to_owned(), format!("to/{name}")), bytes);
        }
    }

    /// What is on its way arrives, before anybody looks.
    pub fn catch_up(&self) {
        for store in self.stores() {
            store.catch_up(true);
        }
    }

    /// The weather is the same everywhere.
    pub fn break_weather(&self, weather: &Weather) {
        let mut platter = self.disk.lock();
        platter.room = weather.room;
        platter.unreadable = weather.unreadable;
        drop(platter);
        for store in self.stores() {
            store.lock().weather = weather.clone();
        }
    }

    /// By anybody, at any time.
    pub fn was_tampered(&self, end: &End) -> bool {
        let all = self.ever_tampered.lock();
        all.unwrap_or_else(PoisonError::into_inner).contains(end)
    }

    pub fn was_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    pub fn lock_out(&self, locked: bool) {
        for store in self.stores() {
            store.lock().locked = locked;
        }
    }

    /// Uploads that the store has begun and not ended.
    pub fn unfinished(&self) -> Vec<(String, Name)> {
        let store = self.store.lock();
        let all = store.shelves.uploads.iter();
        all.map(|(id, begun)| (id.clone(), begun.name.clone()))
            .collect()
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

/// Where files cost least.
pub fn in_memory() -> &'static Path {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() {
        shared
    } else {
        Path::new("/tmp")
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
