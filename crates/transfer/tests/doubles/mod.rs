//! A store in memory, and one that misbehaves on command.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test code; each file uses its own part of it"
)]

pub mod abyss;
mod answers;
mod faults;
pub mod moving;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use wherry_account::Quirks;
use wherry_store::*;

pub use faults::*;

#[derive(Clone)]
pub struct Stored {
    pub bytes: Bytes,
    pub etag: String,
    pub modified: DateTime<Utc>,
    /// Bytes of its first part, when it came in parts.
    pub first_part: Option<u64>,
}

type Parts = BTreeMap<u32, (Bytes, String)>;

#[derive(Default)]
pub struct Inside {
    objects: BTreeMap<String, Stored>,
    uploads: BTreeMap<String, Parts>,
    /// Key and time of each of them.
    begun: BTreeMap<String, (String, DateTime<Utc>)>,
    next_upload: u32,
}

impl Inside {
    pub fn etag_of(&self, key: &str) -> String {
        self.objects[key].etag.clone()
    }

    fn take_part(
        &mut self,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<CompletedPart, StoreError> {
        let (etag, size) = (hex(&Md5::digest(&bytes)), bytes.len() as u64);
        let upload = self.uploads.get_mut(&upload.0);
        let upload = upload.ok_or_else(|| error(ErrorKind::NoSuchUpload))?;
        upload.insert(number, (bytes, etag.clone()));
        Ok(CompletedPart { number, etag, size })
    }
}

/// One bucket, any name.
pub struct Memory {
    pub inside: Mutex<Inside>,
    pub rule: Mutex<Option<Rule>>,
    pub counts: Mutex<BTreeMap<&'static str, u64>>,
    pub same: Mutex<BTreeMap<(&'static str, String, u64), u64>>,
    /// Bytes of bodies held by requests now, and at most.
    pub holding: AtomicU64,
    pub held_most: AtomicU64,
    pub quirks: Quirks,
    /// Every ETag looks like an MD5 and is none, as with managed encryption.
    pub opaque_etags: bool,
    /// It has the CRC-64/NVME of what it stores, as Amazon's does.
    pub has_checksums: bool,
    pub knows_start_after: bool,
    /// What is larger is copied in parts, of this size.
    pub copies_whole_up_to: u64,
    pub copy_part_size: u64,
    /// Says what an object was made of, when it is asked.
    pub tells_parts: bool,
    /// Bodies are held until so many of them are.
    pub together: Option<tokio::sync::Barrier>,
}

impl Memory {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::plain())
    }

    pub fn plain() -> Self {
        Self {
            inside: Mutex::default(),
            rule: Mutex::default(),
            counts: Mutex::default(),
            same: Mutex::default(),
            holding: AtomicU64::new(0),
            held_most: AtomicU64::new(0),
            quirks: Quirks::default(),
            opaque_etags: false,
            has_checksums: false,
            knows_start_after: true,
            copies_whole_up_to: 5 << 30,
            copy_part_size: 512 << 20,
            tells_parts: false,
            together: None,
        }
    }

    pub fn insert(&self, key: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let etag = self.etag(hex(&Md5::digest(&bytes)));
        let stored = Stored {
            bytes,
            etag,
            modified: Utc::now(),
            first_part: None,
        };
        self.inside
            .lock()
            .unwrap()
            .objects
            .insert(key.into(), stored);
    }

    /// One byte is another one on the store's disk, and the store has not noticed.
    pub fn rot(&self, key: &str, at: usize) {
        let mut inside = self.inside.lock().unwrap();
        let object = inside.objects.get_mut(key).unwrap();
        let mut bytes = object.bytes.to_vec();
        bytes[at] ^= 1;
        object.bytes = bytes.into();
    }

    /// As a multipart upload with parts of this size leaves it.
    pub fn insert_in_parts(&self, key: &str, bytes: Vec<u8>, part: usize) {
        let sums: Vec<u8> = bytes
            .chunks(part)
            .flat_map(|c| Md5::digest(c).to_vec())
            .collect();
        let etag = format!(
            "{}-{}",
            hex(&Md5::digest(&sums)),
            bytes.len().div_ceil(part)
        );
        let stored = Stored {
            bytes: bytes.into(),
            etag,
            modified: Utc::now(),
            first_part: Some(part as u64),
        };
        self.inside
            .lock()
            .unwrap()
            .objects
            .insert(key.into(), stored);
    }

    pub fn remove(&self, key: &str) {
        self.inside.lock().unwrap().objects.remove(key);
    }

    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.inside
            .lock()
            .unwrap()
            .objects
            .get(key)
            .map(|o| o.bytes.clone())
    }

    fn crc_of(&self, key: &str) -> Option<String> {
        let bytes = self.get(key).filter(|_| self.has_checksums)?;
        Some(wherry_transfer::Crc::of(&bytes).to_string())
    }

    pub fn keys(&self) -> Vec<String> {
        self.inside
            .lock()
            .unwrap()
            .objects
            .keys()
            .cloned()
            .collect()
    }

    /// As somebody else's client may have begun it.
    pub fn begin_upload(&self, key: &str, at: DateTime<Utc>) -> UploadId {
        let mut inside = self.inside.lock().unwrap();
        inside.next_upload += 1;
        let id = format!("upload-{}", inside.next_upload);
        inside.uploads.insert(id.clone(), Parts::new());
        inside.begun.insert(id.clone(), (key.to_owned(), at));
        UploadId(id)
    }

    /// Replaces what is stored of a part.
    pub fn replace_part(&self, number: u32, bytes: &[u8]) {
        let etag = hex(&Md5::digest(bytes));
        for parts in self.inside.lock().unwrap().uploads.values_mut() {
            if let Some(part) = parts.get_mut(&number) {
                *part = (Bytes::copy_from_slice(bytes), etag.clone());
            }
        }
    }

    pub fn forget_uploads(&self) {
        self.inside.lock().unwrap().uploads.clear();
    }

    pub fn upload_ids(&self) -> Vec<String> {
        let inside = self.inside.lock().unwrap();
        inside.uploads.keys().cloned().collect()
    }

    pub fn parts(&self) -> Vec<u32> {
        let inside = self.inside.lock().unwrap();
        let parts = inside.uploads.values().flat_map(|parts| parts.keys());
        parts.copied().collect()
    }

    pub fn unfinished(&self) -> usize {
        self.inside.lock().unwrap().uploads.len()
    }

    pub fn misbehave(&self, rule: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) {
        self.same.lock().unwrap().clear();
        *self.rule.lock().unwrap() = Some(Box::new(rule));
    }

    pub fn behave(&self) {
        *self.rule.lock().unwrap() = None;
    }

    pub fn count(&self, op: Op) -> u64 {
        self.counts
            .lock()
            .unwrap()
            .get(name(op))
            .copied()
            .unwrap_or(0)
    }

    pub fn as_store(self: &Arc<Self>) -> Arc<dyn ObjectStore> {
        Arc::clone(self) as Arc<dyn ObjectStore>
    }

    fn etag(&self, etag: String) -> String {
        if self.opaque_etags {
            hex(&Md5::digest(format!("salt {etag}")))
        } else {
            etag
        }
    }

    fn call(&self, op: Op, key: &str, at: u64) -> Option<Fault> {
        let before = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(name(op)).or_default();
            *count += 1;
            *count - 1
        };
        let again = {
            let mut same = self.same.lock().unwrap();
            let count = same.entry((name(op), key.into(), at)).or_default();
            *count += 1;
            *count - 1
        };
        let call = Call {
            op,
            key: key.into(),
            at,
            before,
            again,
        };
        self.rule
            .lock()
            .unwrap()
            .as_ref()
            .and_then(|rule| rule(&call))
    }

    /// Waits or fails as told; what else is to happen is handed back.
    async fn begin(&self, op: Op, key: &str, at: u64) -> Result<Option<Fault>, StoreError> {
        match self.call(op, key, at) {
            Some(Fault::Fail(kind)) => Err(error(kind)),
            Some(Fault::Wait(time)) => {
                tokio::time::sleep(time).await;
                Ok(None)
            }
            other => Ok(other),
        }
    }

    async fn take(
        &self,
        body: &Body,
        check: &ContentCheck,
        fault: Option<&Fault>,
    ) -> Result<Bytes, StoreError> {
        // Let go of when all of it has arrived.
        let held = match body {
            Body::Pieces(pieces) => pieces.take(),
            _ => None,
        };
        let body = match (body, &held) {
            (_, Some(held)) => Body::Bytes(held.concat().into()),
            (Body::Pieces(pieces), None) => pieces.in_file(),
            (other, None) => other.clone(),
        };
        let mut bytes = match &body {
            Body::Bytes(bytes) => {
                let now = self.holding.fetch_add(bytes.len() as u64, SeqCst) + bytes.len() as u64;
                self.held_most.fetch_max(now, SeqCst);
                match &self.together {
                    Some(all) => {
                        all.wait().await;
                    }
                    None => tokio::task::yield_now().await,
                }
                self.holding.fetch_sub(bytes.len() as u64, SeqCst);
                bytes.to_vec()
            }
            Body::File {
                path,
                offset,
                length,
            } => {
                let whole = std::fs::read(path).map_err(|_| error(ErrorKind::LocalFile))?;
                let range = *offset as usize..(*offset + *length) as usize;
                let there = whole
                    .get(range)
                    .ok_or_else(|| error(ErrorKind::LocalFile))?;
                there.to_vec()
            }
            Body::Pieces(_) => unreachable!("they were taken"),
        };
        assert!(check.md5.is_some(), "every body travels with its hash");
        if check
            .md5
            .is_some_and(|sum| sum != <[u8; 16]>::from(Md5::digest(&bytes)))
        {
            return Err(error(ErrorKind::Damaged));
        }
        if matches!(fault, Some(Fault::TurnBit)) {
            // After the check: the store's own fault.
            bytes[0] ^= 1;
        }
        Ok(bytes.into())
    }
}

pub fn error(kind: ErrorKind) -> StoreError {
    StoreError::new(kind, "do this", format!("{kind:?}"))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// Bytes that differ from place to place, the same for the same seed.
pub fn pattern(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Every file below a folder: relative path and bytes. Links are named, not followed.
pub fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut waiting) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                waiting.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                files.insert(name, std::fs::read(path).unwrap_or_default());
            }
        }
    }
    files
}
