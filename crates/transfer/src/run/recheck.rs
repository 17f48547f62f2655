//! Looking again whether what a receipt says is still there, byte for byte.
//!
//! At the store, an ETag that was found to be a hash of the bytes is proof enough; where it is none,
//! or is another one now, the object is read. On a computer the file is read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use wherry_store::{ErrorKind, GetRequest, ObjectStore, StoreError};

use super::each::Each;
use super::job::Stopped;
use super::{Shared, Tally};
use crate::error::FileError;
use crate::receipt::{Entry, Found, Proof, Sums, Verdict};

/// Which side is looked at.
#[derive(Clone)]
pub enum Side {
    /// The objects; stores by the endpoint that the receipt names.
    Store(HashMap<String, Arc<dyn ObjectStore>>),
    /// The files. The first path that fits is replaced by the second: the data may have moved.
    Computer(Option<(PathBuf, PathBuf)>),
}

pub(super) struct Rechecks {
    pub entries: Vec<Entry>,
    pub side: Side,
}

#[async_trait]
impl Each for Rechecks {
    fn rows(&self) -> usize {
        self.entries.len()
    }

    fn name(&self, row: u32) -> String {
        let Some(entry) = self.entries.get(row as usize) else {
            return String::new();
        };
        match &self.side {
            Side::Store(_) => entry
                .object()
                .map(|(_, bucket, key)| format!("{bucket}/{key}")),
            Side::Computer(_) => entry.file().map(|path| path.display().to_string()),
        }
        .unwrap_or_default()
    }

    fn size(&self, row: u32) -> u64 {
        self.entries.get(row as usize).map_or(0, |entry| entry.size)
    }

    async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let Some(entry) = self.entries.get(row as usize) else {
            return Ok(());
        };
        let look = async {
            match &self.side {
                Side::Store(stores) => object(entry, row, stores, shared).await,
                Side::Computer(moved) => file(entry, row, moved.as_ref(), shared).await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            looked = look => Ok(looked?),
        }
    }
}

async fn object(
    entry: &Entry,
    row: u32,
    stores: &HashMap<String, Arc<dyn ObjectStore>>,
    shared: &Arc<Shared>,
) -> Result<(), FileError> {
    let Some((endpoint, bucket, key)) = entry.object() else {
        return Ok(());
    };
    let store = stores.get(endpoint).unwrap_or(&shared.store);
    let _permit = shared.request().await;
    let head = shared.patience.with(|| store.head(bucket, key)).await?;
    let differs = |expected: String, found: String| FileError::Differs {
        name: format!("{bucket}/{key}"),
        expected,
        found,
    };
    if head.size != entry.size {
        return Err(differs(bytes(entry.size), bytes(head.size)));
    }
    let same_etag = head.etag.is_some() && head.etag == entry.etag;
    // A hash that the store computed, or a version that was never replaced since each of its parts
    // was checked.
    if same_etag && matches!(entry.proof, Proof::Etag | Proof::PartMd5) {
        shared.board.moved(row, entry.size);
        return Ok(());
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
    judge(entry, &found, &format!("{bucket}/{key}"), same_etag)
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
) -> Result<(), FileError> {
    let Some(path) = entry.file() else {
        return Ok(());
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
    let (found, name) = hash_file(entry, &path, |bytes| shared.board.moved(row, bytes)).await?;
    judge(entry, &found, &name, false)
}

/// Reads a file once for everything that can be compared with the receipt.
async fn hash_file(
    entry: &Entry,
    path: &Path,
    read: impl Fn(u64),
) -> Result<(Found, String), FileError> {
    let name = path.display().to_string();
    let differs = |found: u64| FileError::Differs {
        name: name.clone(),
        expected: bytes(entry.size),
        found: bytes(found),
    };
    let (pieces, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (at, mut sums, size) = (path.to_owned(), Sums::for_entry(entry), entry.size);
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

/// The MD5 of the whole of a file that arrived in parts, when the file's bytes are still those.
///
/// # Errors
/// When the file cannot be read or is another one now.
pub async fn md5_of_file(entry: &Entry, path: &Path) -> Result<Option<String>, FileError> {
    let (found, _) = hash_file(entry, path, |_| {}).await?;
    Ok((found.against(entry) == Verdict::Same).then_some(found.md5))
}

/// The same, of the object as it is at the store.
///
/// # Errors
/// As the store's; `Changed` when it is another one now.
pub async fn md5_of_object(
    entry: &Entry,
    store: &Arc<dyn ObjectStore>,
) -> Result<Option<String>, StoreError> {
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
    let mut sums = Sums::for_entry(entry);
    while let Some(piece) = answer.body.next().await {
        sums.update(&piece?);
    }
    let unchanged = answer.head.etag.is_some() && answer.head.etag == entry.etag;
    let found = sums.finish();
    Ok(match found.against(entry) {
        Verdict::Same => Some(found.md5),
        Verdict::Unknown if unchanged && found.size == entry.size => Some(found.md5),
        _ => None,
    })
}

fn judge(entry: &Entry, found: &Found, name: &str, same_etag: bool) -> Result<(), FileError> {
    match found.against(entry) {
        Verdict::Same => Ok(()),
        // Of the same version of an object nothing is known but its size, then as now.
        Verdict::Unknown if same_etag => Ok(()),
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
    match (&entry.sha256, &entry.md5, &entry.etag) {
        (Some(sha256), ..) => format!("SHA-256 {sha256}"),
        (None, Some(md5), _) => format!("MD5 {md5}"),
        (None, None, Some(etag)) => format!("ETag {etag}"),
        (None, None, None) => bytes(entry.size),
    }
}

fn found_words(entry: &Entry, found: &Found) -> String {
    if found.size != entry.size {
        return bytes(found.size);
    }
    match (&found.sha256, found.etags.first()) {
        (Some(sha256), _) => format!("SHA-256 {sha256}"),
        (None, Some(etag)) if entry.md5.is_none() => format!("ETag {etag}"),
        _ => format!("MD5 {}", found.md5),
    }
}

fn bytes(count: u64) -> String {
    format!("{count} bytes")
}
