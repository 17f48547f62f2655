//! Looking again whether what a receipt says is still there, byte for byte.
//!
//! At the store, what it says without sending the object comes first: its checksum of the whole, else
//! an ETag that was found to speak of the bytes. Where neither does, or when every byte is to be read,
//! the object is fetched. On a computer the file is read.
//!
//! These are not the same proof, so it is counted which one each file has: see [`Proven`].

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use serde::Serialize;
use wherry_store::{ErrorKind, GetRequest, ObjectStore, StoreError};

use super::each::Each;
use super::job::Stopped;
use super::{Shared, Tally};
use crate::crc::Crc;
use crate::error::FileError;
use crate::receipt::{Entry, Found, Proof as Arrival, Sums, Verdict};

/// Which side is looked at.
#[derive(Clone)]
pub enum Side {
    /// The objects; stores by the endpoint that the receipt names.
    Store(HashMap<String, Arc<dyn ObjectStore>>),
    /// The files. The first path that fits is replaced by the second: the data may have moved.
    Computer(Option<(PathBuf, PathBuf)>),
}

/// What is to be looked at again, and how closely.
pub struct Recheck {
    pub entries: Vec<Entry>,
    pub side: Side,
    /// Objects are fetched and read, whatever the store says of them.
    pub read: bool,
}

/// How many files are as they were, by how that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Proven {
    /// Every byte was read.
    pub read: u64,
    /// The store has the CRC-64/NVME of the whole.
    pub checksum: u64,
    /// The store has the same ETag and size.
    pub unchanged: u64,
}

impl Proven {
    pub fn files(&self) -> u64 {
        self.read + self.checksum + self.unchanged
    }
}

/// For people.
impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            (self.read, "every byte was read again"),
            (
                self.checksum,
                "the store's own checksum of the whole is that of the receipt; the bytes were not read",
            ),
            (
                self.unchanged,
                "the store still has the same ETag and size; the bytes were not read",
            ),
        ];
        let mut first = true;
        for (files, words) in kinds.into_iter().filter(|(files, _)| *files > 0) {
            if !std::mem::take(&mut first) {
                f.write_str(" ")?;
            }
            let s = if files == 1 { "" } else { "s" };
            write!(f, "{files} file{s}: {words}.")?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Proof {
    Read,
    Checksum,
    Unchanged,
}

pub(super) struct Rechecks {
    what: Recheck,
    proven: Mutex<Proven>,
}

impl Rechecks {
    pub fn new(what: Recheck) -> Self {
        Self {
            what,
            proven: Mutex::default(),
        }
    }

    fn entry(&self, row: u32) -> Option<&Entry> {
        self.what.entries.get(row as usize)
    }

    fn lock(&self) -> MutexGuard<'_, Proven> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Each for Rechecks {
    fn rows(&self) -> usize {
        self.what.entries.len()
    }

    fn name(&self, row: u32) -> String {
        let Some(entry) = self.entry(row) else {
            return String::new();
        };
        match &self.what.side {
            Side::Store(_) => entry
                .object()
                .map(|(_, bucket, key)| format!("{bucket}/{key}")),
            Side::Computer(_) => entry.file().map(|path| path.display().to_string()),
        }
        .unwrap_or_default()
    }

    fn size(&self, row: u32) -> u64 {
        self.entry(row).map_or(0, |entry| entry.size)
    }

    fn proven(&self) -> Option<Proven> {
        Some(*self.lock())
    }

    async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let Some(entry) = self.entry(row) else {
            return Ok(());
        };
        let look = async {
            match &self.what.side {
                Side::Store(stores) => object(entry, row, stores, self.what.read, shared).await,
                Side::Computer(moved) => file(entry, row, moved.as_ref(), shared).await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            looked = look => {
                let mut proven = self.lock();
                match looked? {
                    Some(Proof::Read) => proven.read += 1,
                    Some(Proof::Checksum) => proven.checksum += 1,
                    Some(Proof::Unchanged) => proven.unchanged += 1,
                    None => {}
                }
                Ok(())
            }
        }
    }
}

async fn object(
    entry: &Entry,
    row: u32,
    stores: &HashMap<String, Arc<dyn ObjectStore>>,
    read: bool,
    shared: &Arc<Shared>,
) -> Result<Option<Proof>, FileError> {
    let Some((endpoint, bucket, key)) = entry.object() else {
        return Ok(None);
    };
    let store = stores.get(endpoint).unwrap_or(&shared.store);
    let _permit = shared.request().await;
    let looked = shared
        .patience
        .with(|| store.head_with_checksum(bucket, key));
    let (head, crc) = looked.await?;
    let differs = |expected: String, found: String| FileError::Differs {
        name: format!("{bucket}/{key}"),
        expected,
        found,
    };
    if head.size != entry.size {
        return Err(differs(bytes(entry.size), bytes(head.size)));
    }
    let same_etag = head.etag.is_some() && head.etag == entry.etag;
    if !read {
        let crc: Option<Crc> = crc.and_then(|crc| crc.parse().ok());
        let told = match (entry.crc64nvme, crc) {
            (Some(expected), Some(found)) if expected == found => Some(Proof::Checksum),
            (Some(expected), Some(found)) => {
                let words = |crc: Crc| format!("CRC-64/NVME {crc}");
                return Err(differs(words(expected), words(found)));
            }
            // A hash that the store computed, or a version that was never replaced since each of its
            // parts was checked.
            _ => (same_etag && entry.proof != Arrival::Size).then_some(Proof::Unchanged),
        };
        if told.is_some() {
            shared.board.moved(row, entry.size);
            return Ok(told);
        }
    }
    let request = GetRequest {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        range: None,
        if_match: head.etag.clone(),
    };
    let found = shared
        .patience
        .with(|| read_back(store, &request, entry, row, shared))
        .await?;
    judge(entry, &found, &format!("{bucket}/{key}"), same_etag).map(Some)
}

async fn read_back(
    store: &Arc<dyn ObjectStore>,
    request: &GetRequest,
    entry: &Entry,
    row: u32,
    shared: &Arc<Shared>,
) -> Result<Found, FileError> {
    let mut answer = store.get(request.clone()).await?;
    let (mut tally, mut sums) = (Tally::new(shared, row), Sums::for_entry(entry));
    while let Some(piece) = answer.body.next().await {
        let piece = piece?;
        tally.moved(piece.len() as u64);
        sums.update(&piece);
    }
    if tally.bytes != answer.length {
        let words = format!("only {} of {} bytes arrived", tally.bytes, answer.length);
        return Err(StoreError::new(ErrorKind::Interrupted, "download the object", words).into());
    }
    tally.keep();
    Ok(sums.finish())
}

async fn file(
    entry: &Entry,
    row: u32,
    moved: Option<&(PathBuf, PathBuf)>,
    shared: &Arc<Shared>,
) -> Result<Option<Proof>, FileError> {
    let Some(path) = entry.file() else {
        return Ok(None);
    };
    let path = match moved {
        Some((from, to)) => path.strip_prefix(from).map_or_else(
            |_| path.to_owned(),
            |below| {
                if below.as_os_str().is_empty() {
                    to.clone()
                } else {
                    to.join(below)
                }
            },
        ),
        None => path.to_owned(),
    };
    let _permit = shared.request().await;
    let sums = Sums::for_entry(entry);
    let (found, name) =
        hash_file(entry, &path, sums, |bytes| shared.board.moved(row, bytes)).await?;
    judge(entry, &found, &name, false).map(Some)
}

/// Reads a file once for everything that can be compared with the receipt.
async fn hash_file(
    entry: &Entry,
    path: &Path,
    mut sums: Sums,
    read: impl Fn(u64),
) -> Result<(Found, String), FileError> {
    let name = path.display().to_string();
    let differs = |found: u64| FileError::Differs {
        name: name.clone(),
        expected: bytes(entry.size),
        found: bytes(found),
    };
    let (pieces, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (at, size) = (path.to_owned(), entry.size);
    let hashing = tokio::task::spawn_blocking(move || {
        use std::io::Read;
        let facts = std::fs::metadata(&at)?;
        if !facts.is_file() {
            return Err(std::io::Error::other("it is no file"));
        }
        if facts.len() != size {
            return Ok(Err(facts.len()));
        }
        let mut file = std::fs::File::open(&at)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(Ok(sums.finish()));
            }
            sums.update(&buffer[..count]);
            // Nobody listens: the user has stopped it.
            if pieces.send(count as u64).is_err() {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
        }
    });
    while let Some(count) = told.recv().await {
        read(count);
    }
    let hashed = hashing.await.map_err(std::io::Error::other);
    match hashed.and_then(|done| done) {
        Ok(Ok(found)) => Ok((found, name)),
        Ok(Err(size)) => Err(differs(size)),
        Err(e) => Err(FileError::reading(path, e)),
    }
}

/// All hashes of a file that arrived, when its bytes are still those.
///
/// # Errors
/// When the file cannot be read or is another one now.
pub async fn sums_of_file(entry: &Entry, path: &Path) -> Result<Option<Found>, FileError> {
    let sums = Sums::for_entry(entry).with_sha256();
    let (found, _) = hash_file(entry, path, sums, |_| {}).await?;
    Ok((found.against(entry) == Verdict::Same).then_some(found))
}

/// The same, of the object as it is at the store.
///
/// # Errors
/// As the store's; `Changed` when it is another one now.
pub async fn sums_of_object(
    entry: &Entry,
    store: &Arc<dyn ObjectStore>,
) -> Result<Option<Found>, StoreError> {
    let Some((_, bucket, key)) = entry.object() else {
        return Ok(None);
    };
    let request = GetRequest {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        range: None,
        if_match: entry.etag.clone(),
    };
    let mut answer = store.get(request).await?;
    let mut sums = Sums::for_entry(entry).with_sha256();
    while let Some(piece) = answer.body.next().await {
        sums.update(&piece?);
    }
    let unchanged = answer.head.etag.is_some() && answer.head.etag == entry.etag;
    let found = sums.finish();
    Ok(match found.against(entry) {
        Verdict::Same => Some(found),
        Verdict::Unknown if unchanged && found.size == entry.size => Some(found),
        _ => None,
    })
}

fn judge(entry: &Entry, found: &Found, name: &str, same_etag: bool) -> Result<Proof, FileError> {
    match found.against(entry) {
        Verdict::Same => Ok(Proof::Read),
        // Of the same version of an object nothing is known but its size, then as now.
        Verdict::Unknown if same_etag => Ok(Proof::Unchanged),
        Verdict::Unknown => Err(FileError::Unproven {
            name: name.to_owned(),
        }),
        Verdict::Different => Err(FileError::Differs {
            name: name.to_owned(),
            expected: expected(entry),
            found: found_words(entry, found),
        }),
    }
}

fn expected(entry: &Entry) -> String {
    match (&entry.sha256, &entry.md5, entry.crc64nvme, &entry.etag) {
        (Some(sha256), ..) => format!("SHA-256 {sha256}"),
        (None, Some(md5), ..) => format!("MD5 {md5}"),
        (None, None, Some(crc), _) => format!("CRC-64/NVME {crc}"),
        (None, None, None, Some(etag)) => format!("ETag {etag}"),
        (None, None, None, None) => bytes(entry.size),
    }
}

fn found_words(entry: &Entry, found: &Found) -> String {
    if found.size != entry.size {
        return bytes(found.size);
    }
    match (&found.sha256, found.etags.first()) {
        (Some(sha256), _) if entry.sha256.is_some() => format!("SHA-256 {sha256}"),
        _ if entry.md5.is_some() => format!("MD5 {}", found.md5),
        _ if entry.crc64nvme.is_some() => format!("CRC-64/NVME {}", found.crc),
        (_, Some(etag)) => format!("ETag {etag}"),
        _ => format!("MD5 {}", found.md5),
    }
}

fn bytes(count: u64) -> String {
    format!("{count} bytes")
}
