//! One object from one store into another, through memory: fetched in ranges, checked, and sent as
//! parts. Nothing of it touches the disk, and what is held of it comes out of the job's budget.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt;
use md5::{Digest, Md5};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wherry_account::{MultipartEtag, PartLimits};
use wherry_store::{
    Body, CompletedPart, ContentCheck, ErrorKind, GetRequest, ObjectHead, ObjectStore, PutOutcome,
    PutRequest, StoreError, UploadId, UploadPartRequest,
};

use super::disk::Identity;
use super::job::Stopped;
use super::upload::EtagHabit;
use super::{CLEAN_UP, Shared, Tally};
use crate::error::FileError;
use crate::parts::{Cut, cut};
use crate::receipt::Proof;
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex, likely_part_sizes, md5_of};

const DOING: &str = "copy the object to the other store";

/// Parts of one object under way at once.
const AT_ONCE: usize = 4;

/// Parts are held while they pass; larger ones only where 10,000 of these would not do.
const PART: u64 = 16 << 20;

/// One object under way.
#[derive(Clone)]
pub(super) struct Relaying {
    pub shared: Arc<Shared>,
    pub from: Arc<dyn ObjectStore>,
    pub from_bucket: String,
    pub from_key: String,
    pub to_bucket: String,
    pub to_key: String,
    pub row: u32,
    /// As the plan saw it.
    pub size: u64,
    pub etag: Option<String>,
    /// Refuse to replace what the plan did not see.
    pub if_absent: bool,
    /// Whether the other store's ETags are what they look like.
    pub source_etags: Arc<EtagHabit>,
}

/// What arrived, and how that is known.
pub(super) struct Relayed {
    pub outcome: PutOutcome,
    pub md5: Option<Md5Sum>,
    pub part_size: Option<u64>,
    pub proof: Proof,
}

impl Relayed {
    /// The store copied it by itself.
    pub fn by_store(head: ObjectHead, proof: Proof) -> Self {
        Self {
            outcome: PutOutcome {
                etag: head.etag,
                version_id: head.version_id,
            },
            md5: None,
            part_size: None,
            proof,
        }
    }
}

/// The MD5 of a whole object whose parts come in any order: each waits for its turn.
struct Whole {
    hash: Mutex<Md5>,
    hashed: watch::Sender<u32>,
}

impl Relaying {
    pub async fn run(&self) -> Result<Relayed, Stopped> {
        let limits = self.shared.store.quirks().parts;
        match cut(self.size, &limits) {
            Cut::Whole => self.whole().await,
            Cut::Parts { .. } => {
                let part = self.part_size(&limits);
                self.parts(part, self.size.div_ceil(part) as u32).await
            }
            Cut::TooLarge { limit } => {
                let size = self.size;
                Err(FileError::TooLarge { size, limit }.into())
            }
        }
    }

    /// As the source has it where that can be told, so that both ends have the same ETag.
    fn part_size(&self, limits: &PartLimits) -> u64 {
        let needed = self.size.div_ceil(u64::from(limits.max_parts.max(1)));
        let ours = limits
            .preferred_size
            .clamp(limits.min_size, PART.max(limits.min_size))
            .max(needed)
            .div_ceil(1 << 20)
            << 20;
        let theirs = match self.etag.as_deref().map(form_of) {
            Some(EtagForm::Parts(count)) => likely_part_sizes(self.size, count),
            _ => Vec::new(),
        };
        theirs
            .into_iter()
            .find(|part| (limits.min_size.max(needed)..=PART.max(needed)).contains(part))
            .unwrap_or(ours)
            .min(limits.max_size)
    }

    async fn whole(&self) -> Result<Relayed, Stopped> {
        let relay = async {
            let _held = self.shared.memory(self.size).await;
            let _permit = self.shared.request().await;
            let (bytes, sum, head) = self.fetch(0..self.size).await?;
            self.check_source(&hex(&sum), || self.read_source_again())
                .await?;
            let outcome = self.put(bytes, sum, &head).await?;
            let (proof, etag) = self.verify(&outcome, &hex(&sum), None).await?;
            Ok::<_, FileError>(Relayed {
                outcome: PutOutcome { etag, ..outcome },
                md5: Some(sum),
                part_size: None,
                proof,
            })
        };
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => Err(Stopped::Cancelled),
            relayed = relay => Ok(relayed?),
        }
    }

    /// A range with its MD5, as it was planned or not at all.
    async fn fetch(&self, range: Range<u64>) -> Result<(Bytes, Md5Sum, ObjectHead), FileError> {
        let (bytes, head) = self
            .shared
            .patience
            .with(|| self.fetch_once(range.clone()))
            .await?;
        let held = bytes.clone();
        let hashed = tokio::task::spawn_blocking(move || md5_of(&held)).await;
        let sum = hashed.map_err(|e| StoreError::new(ErrorKind::Other, DOING, e.to_string()))?;
        Ok((bytes, sum, head))
    }

    async fn fetch_once(&self, range: Range<u64>) -> Result<(Bytes, ObjectHead), FileError> {
        let changed = || FileError::ChangedThere {
            key: self.from_key.clone(),
        };
        let length = range.end - range.start;
        let request = GetRequest {
            bucket: self.from_bucket.clone(),
            key: self.from_key.clone(),
            range: (length < self.size).then_some(range),
            if_match: self.etag.clone(),
        };
        let response = match self.from.get(request).await {
            Err(e) if e.kind == ErrorKind::Changed => return Err(changed()),
            response => response?,
        };
        // Stores that do not know the condition still say what they send.
        let same_etag = match (&self.etag, &response.head.etag) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        if response.head.size != self.size || !same_etag {
            return Err(changed());
        }
        let mut buffer = self.shared.buffers.take(length as usize);
        let (mut body, mut at) = (response.body, 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            let Some(room) = buffer.get_mut(at..at + chunk.len()) else {
                let words = "more bytes arrived than the object has";
                return Err(StoreError::new(ErrorKind::Damaged, DOING, words).into());
            };
            room.copy_from_slice(&chunk);
            at += chunk.len();
        }
        if at as u64 != length {
            let words = format!("only {at} of {length} bytes arrived");
            return Err(StoreError::new(ErrorKind::Interrupted, DOING, words).into());
        }
        Ok((self.shared.buffers.share(buffer), response.head))
    }

    async fn put(
        &self,
        bytes: Bytes,
        sum: Md5Sum,
        head: &ObjectHead,
    ) -> Result<PutOutcome, FileError> {
        let (shared, length) = (&self.shared, bytes.len() as u64);
        let put = async |if_absent| {
            let request = PutRequest {
                bucket: self.to_bucket.clone(),
                key: self.to_key.clone(),
                body: Body::Bytes(bytes.clone()),
                check: ContentCheck {
                    md5: Some(sum),
                    sha256: None,
                },
                content_type: head.content_type.clone(),
                metadata: head.metadata.clone(),
                if_absent,
            };
            let send = || {
                let sent = shared.store.put(request.clone());
                Tally::new(shared, self.row).sending(length, sent)
            };
            shared.patience.with(send).await
        };
        match put(self.if_absent).await {
            // A store that does not know the condition: a look has to do.
            Err(e) if self.if_absent && e.kind == ErrorKind::Unsupported => {
                self.check_absent().await?;
                Ok(put(false).await?)
            }
            // There already: perhaps from an attempt of ours whose answer was lost on the way.
            Err(e) if e.kind == ErrorKind::Exists => match self.there().await {
                Ok(there) if there.size == length && there.etag.as_deref() == Some(&hex(&sum)) => {
                    shared.board.moved(self.row, length);
                    Ok(PutOutcome {
                        etag: there.etag,
                        version_id: there.version_id,
                    })
                }
                _ => Err(self.in_the_way()),
            },
            other => Ok(other?),
        }
    }

    async fn parts(&self, part: u64, count: u32) -> Result<Relayed, Stopped> {
        let shared = &self.shared;
        let create = async {
            if self.if_absent {
                self.check_absent().await?;
            }
            // What an upload by another client keeps by itself has to be said here.
            let head = shared
                .patience
                .with(|| self.from.head(&self.from_bucket, &self.from_key))
                .await?;
            let kind = head.content_type.as_deref();
            let metadata: &BTreeMap<String, String> = &head.metadata;
            if let Some(record) = &shared.record {
                let file = Identity {
                    size: self.size,
                    modified: None,
                    inode: None,
                };
                let (bucket, now) = (&self.to_bucket, shared.clock.now());
                record
                    .intend_upload(self.row, bucket, &self.to_key, part, &file, now)
                    .await?;
            }
            let upload = shared
                .patience
                .with(|| {
                    shared
                        .store
                        .create_upload(&self.to_bucket, &self.to_key, kind, metadata)
                })
                .await?;
            if let Some(record) = &shared.record {
                record.upload_begun(self.row, &upload).await?;
            }
            Ok::<_, FileError>(upload)
        };
        let upload = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
            upload = create => upload?,
        };
        let sent = tokio::select! {
            biased;
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            sent = self.send_parts(&upload, part, count) => sent.map_err(Stopped::Failed),
        };
        let completed = match sent {
            Ok((parts, sums)) => self
                .complete(&upload, &parts, &etag_of_parts(&sums))
                .await
                .map_err(Stopped::Failed)
                .map(|outcome| (outcome, etag_of_parts(&sums))),
            Err(stopped) => Err(stopped),
        };
        match completed {
            Ok((outcome, expected)) => {
                let (proof, etag) = self.verify(&outcome, &expected, Some(part)).await?;
                Ok(Relayed {
                    outcome: PutOutcome { etag, ..outcome },
                    md5: None,
                    part_size: Some(part),
                    proof,
                })
            }
            Err(stopped) => {
                if self.abort(&upload).await
                    && let Some(record) = &shared.record
                {
                    record.upload_over(self.row);
                }
                Err(stopped)
            }
        }
    }

    async fn send_parts(
        &self,
        upload: &UploadId,
        part: u64,
        count: u32,
    ) -> Result<(Vec<CompletedPart>, Vec<Md5Sum>), FileError> {
        // An ETag of the whole can only be compared with all bytes in their order.
        let hashes_whole = self.etag.as_deref().map(form_of) == Some(EtagForm::Whole)
            && self.source_etags.are_hashes(false) != Some(false);
        let whole = Arc::new(Whole {
            hash: Mutex::new(Md5::new()),
            hashed: watch::channel(0).0,
        });
        let mut under_way = JoinSet::new();
        let mut done: Vec<(CompletedPart, Md5Sum)> = Vec::with_capacity(count as usize);
        for number in 1..=count {
            if under_way.len() >= AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                done.push(part_ended(ended)?);
            }
            let start = u64::from(number - 1) * part;
            let range = start..(start + part).min(self.size);
            // Memory first, then the request: everybody in this order, so nobody waits in a ring.
            let held = self.shared.memory(range.end - range.start).await;
            let permit = self.shared.request().await;
            while let Some(ended) = under_way.try_join_next() {
                done.push(part_ended(ended)?);
            }
            let (relaying, upload) = (self.clone(), upload.clone());
            let whole = hashes_whole.then(|| Arc::clone(&whole));
            under_way.spawn(async move {
                let _held = (held, permit);
                relaying.part(&upload, number, range, whole).await
            });
        }
        while let Some(ended) = under_way.join_next().await {
            done.push(part_ended(ended)?);
        }
        done.sort_unstable_by_key(|(part, _)| part.number);
        if hashes_whole {
            let sum: Md5Sum = whole.lock().clone().finalize().into();
            self.check_source(&hex(&sum), || self.read_source_again())
                .await?;
        }
        Ok(done.into_iter().unzip())
    }

    async fn part(
        &self,
        upload: &UploadId,
        number: u32,
        range: Range<u64>,
        whole: Option<Arc<Whole>>,
    ) -> Result<(CompletedPart, Md5Sum), FileError> {
        let length = range.end - range.start;
        let (bytes, sum, _) = self.fetch(range).await?;
        if let Some(whole) = whole {
            whole.add(number, bytes.clone()).await?;
        }
        let request = UploadPartRequest {
            bucket: self.to_bucket.clone(),
            key: self.to_key.clone(),
            upload: upload.clone(),
            number,
            body: Body::Bytes(bytes),
            check: ContentCheck {
                md5: Some(sum),
                sha256: None,
            },
        };
        let send = || {
            let sent = self.shared.store.upload_part(request.clone());
            Tally::new(&self.shared, self.row).sending(length, sent)
        };
        Ok((self.shared.patience.with(send).await?, sum))
    }

    async fn complete(
        &self,
        upload: &UploadId,
        parts: &[CompletedPart],
        expected: &str,
    ) -> Result<PutOutcome, FileError> {
        if self.if_absent {
            self.check_absent().await?;
        }
        let shared = &self.shared;
        let complete = || {
            shared
                .store
                .complete_upload(&self.to_bucket, &self.to_key, upload, parts)
        };
        match shared.patience.with(complete).await {
            Ok(outcome) => Ok(outcome),
            // Its first answer may have been lost on the way: then the object is there.
            Err(e) if e.kind == ErrorKind::NoSuchUpload => match self.there().await {
                Ok(head) if head.etag.as_deref() == Some(expected) => Ok(PutOutcome {
                    etag: head.etag,
                    version_id: head.version_id,
                }),
                _ => Err(e.into()),
            },
            Err(e) => Err(e.into()),
        }
    }

    /// Whether what was read is what the source's ETag speaks of. Where they differ, and nothing is
    /// known of that store's ETags yet, a second reading tells damage from an ETag that is no hash.
    async fn check_source<F>(&self, found: &str, again: impl FnOnce() -> F) -> Result<(), FileError>
    where
        F: Future<Output = Result<String, FileError>>,
    {
        let etag = self.etag.as_deref().unwrap_or_default();
        let habit = &self.source_etags;
        if form_of(etag) != EtagForm::Whole || habit.are_hashes(false) == Some(false) {
            return Ok(());
        }
        if etag == found {
            habit.learn(false, true);
            return Ok(());
        }
        if habit.are_hashes(false).is_none() && again().await? == found {
            habit.learn(false, false);
            return Ok(());
        }
        Err(FileError::Mismatch {
            name: self.from_key.clone(),
            expected: etag.to_owned(),
            found: found.to_owned(),
        })
    }

    async fn read_source_again(&self) -> Result<String, FileError> {
        let sums = self
            .sums(&self.from, &self.from_bucket, &self.from_key, None)
            .await?;
        Ok(sums.first().map(|sum| hex(sum)).unwrap_or_default())
    }

    /// Whether the object is what was sent.
    async fn verify(
        &self,
        outcome: &PutOutcome,
        expected: &str,
        part_size: Option<u64>,
    ) -> Result<(Proof, Option<String>), FileError> {
        let shared = &self.shared;
        let mut found = outcome.etag.clone().filter(|etag| !etag.is_empty());
        if found.is_none() {
            let there = self.there().await?;
            if there.size != self.size {
                let (expected, found) = (self.size, there.size);
                return Err(self.mismatch(format!("{expected} bytes"), format!("{found} bytes")));
            }
            found = there.etag;
        }
        let Some(etag) = found else {
            return Ok((Proof::PartMd5, None));
        };
        let (habit, in_parts) = (&shared.etags, part_size.is_some());
        if etag == expected {
            habit.learn(in_parts, true);
            return Ok((Proof::Etag, Some(etag)));
        }
        let opaque = in_parts && shared.store.quirks().multipart_etag == MultipartEtag::Opaque;
        if opaque || form_of(&etag) == EtagForm::Other || habit.are_hashes(in_parts) == Some(false)
        {
            return Ok((Proof::PartMd5, Some(etag)));
        }
        if habit.are_hashes(in_parts).is_none() {
            let sums = self
                .sums(&shared.store, &self.to_bucket, &self.to_key, part_size)
                .await?;
            let read = match (part_size, sums.first()) {
                (None, Some(sum)) => hex(sum),
                _ => etag_of_parts(&sums),
            };
            if read == expected {
                habit.learn(in_parts, false);
                return Ok((Proof::PartMd5, Some(etag)));
            }
        }
        self.remove_damaged(&etag).await;
        Err(self.mismatch(expected.to_owned(), etag))
    }

    /// The MD5s of an object's parts, read back.
    async fn sums(
        &self,
        store: &Arc<dyn ObjectStore>,
        bucket: &str,
        key: &str,
        part_size: Option<u64>,
    ) -> Result<Vec<Md5Sum>, FileError> {
        let request = GetRequest {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            ..GetRequest::default()
        };
        let size = part_size.unwrap_or(u64::MAX);
        let read = self.shared.patience.with(|| async {
            let mut body = store.get(request.clone()).await?.body;
            let (mut hash, mut sums, mut left) = (Md5::new(), Vec::new(), size);
            while let Some(chunk) = body.next().await {
                let mut chunk = chunk?;
                while chunk.len() as u64 >= left {
                    hash.update(chunk.split_to(left as usize));
                    sums.push(hash.finalize_reset().into());
                    left = size;
                }
                left -= chunk.len() as u64;
                hash.update(&chunk);
            }
            if left < size || sums.is_empty() {
                sums.push(hash.finalize_reset().into());
            }
            Ok::<_, StoreError>(sums)
        });
        Ok(read.await?)
    }

    /// A damaged object is worse than none. Only as long as it is the one that was sent.
    async fn remove_damaged(&self, etag: &str) {
        if !matches!(self.there().await, Ok(head) if head.etag.as_deref() == Some(etag)) {
            return;
        }
        let keys = vec![self.to_key.clone()];
        for outcome in self.shared.store.delete(&self.to_bucket, keys).await {
            if let Err(e) = outcome.result {
                tracing::warn!(%e, "a damaged object could not be removed again");
            }
        }
    }

    /// Parts that stay behind cost the user quota, so this is tried also when the user cancels.
    /// Whether it is certain that nothing is left.
    async fn abort(&self, upload: &UploadId) -> bool {
        let shared = &self.shared;
        let abort = shared.patience.with(|| {
            shared
                .store
                .abort_upload(&self.to_bucket, &self.to_key, upload)
        });
        match tokio::time::timeout(CLEAN_UP, abort).await {
            Ok(Ok(())) => true,
            Ok(Err(e)) if e.kind == ErrorKind::NoSuchUpload => true,
            Ok(Err(e)) => {
                tracing::warn!(%e, "an unfinished copy could not be cleaned up");
                false
            }
            Err(_) => {
                tracing::warn!("cleaning up an unfinished copy took too long");
                false
            }
        }
    }

    async fn there(&self) -> Result<ObjectHead, StoreError> {
        let store = &self.shared.store;
        self.shared
            .patience
            .with(|| store.head(&self.to_bucket, &self.to_key))
            .await
    }

    async fn check_absent(&self) -> Result<(), FileError> {
        match self.there().await {
            Ok(_) => Err(self.in_the_way()),
            // May write there, may not look there.
            Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn in_the_way(&self) -> FileError {
        FileError::InTheWay {
            path: format!("{}/{}", self.to_bucket, self.to_key).into(),
        }
    }

    fn mismatch(&self, expected: String, found: String) -> FileError {
        FileError::Mismatch {
            name: self.to_key.clone(),
            expected,
            found,
        }
    }
}

impl Whole {
    fn lock(&self) -> std::sync::MutexGuard<'_, Md5> {
        self.hash.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the parts before it. Those have been begun before, and each adds its bytes before it
    /// asks for anything more, so the wait ends.
    async fn add(self: &Arc<Self>, number: u32, bytes: Bytes) -> Result<(), FileError> {
        let mut turns = self.hashed.subscribe();
        // The sender lives as long as this.
        let _ = turns.wait_for(|done| *done == number - 1).await;
        let whole = Arc::clone(self);
        let hashed = tokio::task::spawn_blocking(move || {
            whole.lock().update(&bytes);
            whole.hashed.send_replace(number);
        });
        hashed
            .await
            .map_err(|e| StoreError::new(ErrorKind::Other, DOING, e.to_string()).into())
    }
}

type PartEnded = Result<Result<(CompletedPart, Md5Sum), FileError>, tokio::task::JoinError>;

fn part_ended(ended: PartEnded) -> Result<(CompletedPart, Md5Sum), FileError> {
    match ended {
        Ok(result) => result,
        Err(e) => Err(StoreError::new(ErrorKind::Other, DOING, e.to_string()).into()),
    }
}
