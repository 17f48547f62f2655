//! What the simulated store holds, and what each request does to it. No faults here: this is a store
//! that is right, and as strict as real ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use wherry_account::PartLimits;
use wherry_store::*;

/// Bucket and key.
pub type Name = (String, String);

#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    pub bytes: Bytes,
    pub etag: String,
    pub modified: DateTime<Utc>,
    /// Bytes of its first part, when it came in parts.
    pub first_part: Option<u64>,
}

pub struct Begun {
    pub name: Name,
    pub started: DateTime<Utc>,
    pub parts: BTreeMap<u32, (Bytes, String)>,
}

/// What this store is like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ways {
    /// ETags are no hashes, as with managed encryption.
    pub opaque: bool,
    /// Those of objects made of parts.
    pub opaque_parts: bool,
    pub knows_if_absent: bool,
    pub knows_if_match: bool,
    /// Says the ETag of a finished multipart upload at once; Ceph does not.
    pub says_etag: bool,
    /// Says what an object was made of, when it is asked.
    pub tells_parts: bool,
    /// Copies what is larger in parts.
    pub copies_whole_up_to: u64,
}

/// An object that a request has deleted.
pub struct Deleted {
    pub at: u64,
    pub name: Name,
    pub bytes: Bytes,
}

#[derive(Default)]
pub struct Shelves {
    pub ways: Ways,
    pub limits: PartLimits,
    pub objects: BTreeMap<Name, Stored>,
    pub uploads: BTreeMap<String, Begun>,
    /// Every content an object ever had, by its ETag.
    pub versions: BTreeMap<String, Bytes>,
    /// What each name ever held, and since when; nothing when it was deleted.
    pub history: BTreeMap<Name, Vec<(u64, Option<Bytes>)>>,
    pub deleted: Vec<Deleted>,
    /// Moments, counted; those of two stores in one world are the same.
    pub moments: Arc<AtomicU64>,
    /// Names that a request has written or deleted.
    pub touched: BTreeSet<Name>,
    pub made: u64,
}

type Answer<T> = Result<T, StoreError>;

pub fn error(kind: ErrorKind) -> StoreError {
    StoreError::new(kind, "test", format!("{kind:?} as the seed wants it"))
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Shelves {
    fn etag(&mut self, hash: String, in_parts: bool) -> String {
        if !(self.ways.opaque || in_parts && self.ways.opaque_parts) {
            return hash;
        }
        self.made += 1;
        let end = hash.split_once('-').map(|(_, count)| count);
        let other = hex(&Md5::digest(format!("{} {hash}", self.made)));
        end.map_or(other.clone(), |count| format!("{other}-{count}"))
    }

    fn remember(&mut self, name: Name, bytes: Option<Bytes>) -> u64 {
        let at = self.moments.fetch_add(1, Relaxed);
        self.history.entry(name).or_default().push((at, bytes));
        at
    }

    /// Everything that ever had this name.
    pub fn contents_of(&self, name: &Name) -> impl Iterator<Item = &Bytes> {
        let all = self.history.get(name).into_iter().flatten();
        all.filter_map(|(_, bytes)| bytes.as_ref())
    }

    /// What had this name at a moment.
    pub fn content_at(&self, name: &Name, moment: u64) -> Option<&Bytes> {
        let all = self.history.get(name)?;
        let before = all.iter().rev().find(|(at, _)| *at < moment);
        before?.1.as_ref()
    }

    /// `parts`: what it was uploaded in, if it was.
    fn set_down(
        &mut self,
        name: Name,
        (bytes, parts): (Bytes, &[Bytes]),
        etag: String,
        now: DateTime<Utc>,
    ) {
        self.versions.insert(etag.clone(), bytes.clone());
        self.remember(name.clone(), Some(bytes.clone()));
        let modified = now;
        let stored = Stored {
            bytes,
            etag,
            modified,
            first_part: parts.first().map(|part| part.len() as u64),
        };
        self.objects.insert(name, stored);
    }

    /// Puts an object there as somebody else would.
    pub fn insert(&mut self, name: Name, bytes: Bytes, now: DateTime<Utc>) {
        let etag = self.etag(hex(&Md5::digest(&bytes)), false);
        self.set_down(name, (bytes, &[]), etag, now);
    }

    /// As somebody else's client uploads it.
    pub fn insert_in_parts(&mut self, name: Name, bytes: Bytes, part: usize, now: DateTime<Utc>) {
        let parts: Vec<Bytes> = bytes.chunks(part).map(Bytes::copy_from_slice).collect();
        let etag = self.etag(etag_of(parts.iter()), true);
        self.set_down(name, (bytes, &parts), etag, now);
    }

    pub fn put(
        &mut self,
        request: &PutRequest,
        sent: &Bytes,
        now: DateTime<Utc>,
    ) -> Answer<PutOutcome> {
        let name = (request.bucket.clone(), request.key.clone());
        if request.if_absent && !self.ways.knows_if_absent {
            return Err(error(ErrorKind::Unsupported));
        }
        if request.if_absent && self.objects.contains_key(&name) {
            return Err(error(ErrorKind::Exists));
        }
        check(sent, &request.check)?;
        if sent.len() as u64 > self.limits.max_size {
            return Err(error(ErrorKind::Other));
        }
        self.touched.insert(name.clone());
        let etag = self.etag(hex(&Md5::digest(sent)), false);
        self.set_down(name, (sent.clone(), &[]), etag.clone(), now);
        Ok(PutOutcome {
            etag: Some(etag),
            version_id: None,
            crc64nvme: None,
        })
    }

    pub fn copy(&mut self, request: &CopyRequest, now: DateTime<Utc>) -> Answer<PutOutcome> {
        let from = (request.from_bucket.clone(), request.from_key.clone());
        let to = (request.to_bucket.clone(), request.to_key.clone());
        let stored = self
            .objects
            .get(&from)
            .ok_or_else(|| error(ErrorKind::NoSuchKey))?
            .clone();
        self.touched.insert(to.clone());
        let etag = self.etag(hex(&Md5::digest(&stored.bytes)), false);
        self.set_down(to, (stored.bytes, &[]), etag.clone(), now);
        Ok(PutOutcome {
            etag: Some(etag),
            version_id: None,
            crc64nvme: None,
        })
    }

    /// As a request asks for it.
    pub fn delete(&mut self, name: Name) {
        if let Some(stored) = self.take(&name) {
            let bytes = stored.bytes;
            let at = self.moments.fetch_add(1, Relaxed);
            let name = name.clone();
            self.deleted.push(Deleted { at, name, bytes });
        }
        self.touched.insert(name);
    }

    /// As somebody else does it.
    pub fn take(&mut self, name: &Name) -> Option<Stored> {
        let stored = self.objects.remove(name)?;
        self.remember(name.clone(), None);
        Some(stored)
    }

    /// A part of an upload that is a piece of another object, as long as that is the one that is meant.
    /// `turned`: the bit that is another one in what is stored.
    pub fn copy_part(
        &mut self,
        request: &CopyPartRequest,
        turned: Option<u64>,
    ) -> Answer<CompletedPart> {
        let CopyPartRequest { copy, range, .. } = request;
        let from = (copy.from_bucket.clone(), copy.from_key.clone());
        let stored = self
            .objects
            .get(&from)
            .ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        let other = request.if_match.as_ref().is_some_and(|e| *e != stored.etag);
        if other && self.ways.knows_if_match {
            return Err(error(ErrorKind::Changed));
        }
        if range.end > stored.bytes.len() as u64 {
            return Err(error(ErrorKind::Other));
        }
        let mut piece = stored.bytes.slice(range.start as usize..range.end as usize);
        if let Some(bit) = turned {
            let mut bytes = piece.to_vec();
            let at = bit as usize / 8 % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
            piece = bytes.into();
        }
        let part = UploadPartRequest {
            bucket: copy.to_bucket.clone(),
            key: copy.to_key.clone(),
            upload: request.upload.clone(),
            number: request.number,
            body: Body::Bytes(piece.clone()),
            check: ContentCheck::default(),
        };
        self.part(&part, &piece)
    }

    pub fn begin(&mut self, name: Name, now: DateTime<Utc>) -> UploadId {
        self.made += 1;
        let id = format!("upload-{}", self.made);
        let begun = Begun {
            name,
            started: now,
            parts: BTreeMap::new(),
        };
        self.uploads.insert(id.clone(), begun);
        UploadId(id)
    }

    fn begun(&mut self, name: &Name, upload: &UploadId) -> Answer<&mut Begun> {
        self.uploads
            .get_mut(&upload.0)
            .filter(|begun| begun.name == *name)
            .ok_or_else(|| error(ErrorKind::NoSuchUpload))
    }

    pub fn part(&mut self, request: &UploadPartRequest, sent: &Bytes) -> Answer<CompletedPart> {
        let name = (request.bucket.clone(), request.key.clone());
        let limits = self.limits;
        self.begun(&name, &request.upload)?;
        check(sent, &request.check)?;
        if request.number == 0
            || request.number > limits.max_parts
            || sent.len() as u64 > limits.max_size
        {
            return Err(error(ErrorKind::Other));
        }
        let etag = self.etag(hex(&Md5::digest(sent)), false);
        let begun = self.begun(&name, &request.upload)?;
        begun
            .parts
            .insert(request.number, (sent.clone(), etag.clone()));
        Ok(CompletedPart {
            number: request.number,
            etag,
            size: sent.len() as u64,
        })
    }

    pub fn complete(
        &mut self,
        name: &Name,
        upload: &UploadId,
        parts: &[CompletedPart],
        now: DateTime<Utc>,
    ) -> Answer<PutOutcome> {
        let smallest = self.limits.min_size;
        let begun = self.begun(name, upload)?;
        let in_order = parts.windows(2).all(|two| two[0].number < two[1].number);
        let mut pieces = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let (bytes, etag) = begun
                .parts
                .get(&part.number)
                .ok_or_else(|| error(ErrorKind::Other))?;
            let too_small = at + 1 < parts.len() && (bytes.len() as u64) < smallest;
            if *etag != part.etag || too_small {
                return Err(error(ErrorKind::Other));
            }
            pieces.push(bytes.clone());
        }
        if !in_order || pieces.is_empty() {
            return Err(error(ErrorKind::Other));
        }
        self.uploads.remove(&upload.0);
        let etag = self.etag(etag_of(pieces.iter()), true);
        self.touched.insert(name.clone());
        let whole = pieces.concat().into();
        self.set_down(name.clone(), (whole, &pieces), etag.clone(), now);
        Ok(PutOutcome {
            etag: self.ways.says_etag.then_some(etag),
            version_id: None,
            crc64nvme: None,
        })
    }

    pub fn abort(&mut self, name: &Name, upload: &UploadId) -> Answer<()> {
        self.begun(name, upload)?;
        self.uploads.remove(&upload.0);
        Ok(())
    }

    pub fn list(&self, request: &ListRequest) -> ListPage {
        let most = request.max_keys.unwrap_or(1000).clamp(1, 1000) as usize;
        let after = request
            .continuation
            .as_ref()
            .or(request.start_after.as_ref());
        let mut page = ListPage::default();
        let mut last = None;
        for ((bucket, key), stored) in &self.objects {
            let passed = after.is_some_and(|after| {
                key <= after || after.ends_with('/') && page_end(request, key) == Some(after)
            });
            if *bucket != request.bucket || !key.starts_with(&request.prefix) || passed {
                continue;
            }
            if let Some(prefix) = page_end(request, key) {
                if page.prefixes.last().is_some_and(|p| p == prefix) {
                    continue;
                }
                if page.objects.len() + page.prefixes.len() == most {
                    page.next = last;
                    break;
                }
                page.prefixes.push(prefix.to_owned());
                last = Some(prefix.to_owned());
                continue;
            }
            if page.objects.len() + page.prefixes.len() == most {
                page.next = last;
                break;
            }
            last = Some(key.clone());
            page.objects.push(ObjectInfo {
                key: key.clone(),
                size: stored.bytes.len() as u64,
                modified: Some(stored.modified),
                etag: Some(stored.etag.clone()),
                storage_class: None,
            });
        }
        page
    }

    pub fn makeup(&self, name: &Name) -> Answer<Makeup> {
        let stored = self.objects.get(name);
        let stored = stored.ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        Ok(Makeup {
            first_part: stored.first_part.filter(|_| self.ways.tells_parts),
            encrypted: false,
        })
    }

    pub fn head(&self, name: &Name) -> Answer<ObjectHead> {
        self.objects
            .get(name)
            .map(head_of)
            .ok_or_else(|| error(ErrorKind::NoSuchKey))
    }

    pub fn parts(&mut self, name: &Name, upload: &UploadId) -> Answer<Vec<CompletedPart>> {
        let begun = self.begun(name, upload)?;
        let part = |(number, (bytes, etag)): (&u32, &(Bytes, String))| CompletedPart {
            number: *number,
            etag: etag.clone(),
            size: bytes.len() as u64,
        };
        Ok(begun.parts.iter().map(part).collect())
    }

    pub fn unfinished(&self, bucket: &str, prefix: &str) -> Vec<UploadInfo> {
        let here = |(_, begun): &(&String, &Begun)| {
            begun.name.0 == bucket && begun.name.1.starts_with(prefix)
        };
        self.uploads
            .iter()
            .filter(here)
            .map(|(id, begun)| UploadInfo {
                key: begun.name.1.clone(),
                upload: UploadId(id.clone()),
                started: Some(begun.started),
                owner: None,
            })
            .collect()
    }
}

/// The prefix that a key is grouped under.
fn page_end<'a>(request: &ListRequest, key: &'a str) -> Option<&'a str> {
    let delimiter = request.delimiter.as_ref()?;
    let rest = key.get(request.prefix.len()..)?;
    let at = rest.find(delimiter.as_str())?;
    Some(&key[..request.prefix.len() + at + delimiter.len()])
}

pub fn head_of(stored: &Stored) -> ObjectHead {
    ObjectHead {
        size: stored.bytes.len() as u64,
        modified: Some(stored.modified),
        etag: Some(stored.etag.clone()),
        ..ObjectHead::default()
    }
}

/// Of one content.
pub fn md5_of(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

fn etag_of<'a>(parts: impl ExactSizeIterator<Item = &'a Bytes>) -> String {
    let count = parts.len();
    let sums: Vec<u8> = parts.flat_map(|part| Md5::digest(part).to_vec()).collect();
    format!("{}-{count}", hex(&Md5::digest(sums)))
}

fn check(sent: &Bytes, check: &ContentCheck) -> Answer<()> {
    match check.md5 {
        Some(sum) if sum[..] != Md5::digest(sent)[..] => Err(error(ErrorKind::Damaged)),
        _ => Ok(()),
    }
}
