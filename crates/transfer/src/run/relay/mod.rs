//! One object from one store into another, through memory: fetched in ranges, checked, and sent as
//! parts. Nothing of it touches the disk, and what is held of it comes out of the job's budget.

mod begin;
mod check;
mod parts;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use wherry_account::PartLimits;
use wherry_store::{
    Body, ContentCheck, ErrorKind, GetRequest, ObjectHead, ObjectStore, PutOutcome, PutRequest,
    StoreError,
};

use super::aside::aside;
use super::at_store::{AtStore, EtagHabit};
use super::job::Stopped;
use super::resume::clear_left;
use super::{Shared, Tally};
use crate::crc::Crc;
use crate::error::FileError;
use crate::journal::HalfUpload;
use crate::parts::{Cut, cut};
use crate::receipt::Proof;
use crate::verify::{EtagForm, Md5Sum, Sum, form_of, hex, likely_part_sizes};

const DOING: &str = "copy the object to the other store";

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
    /// What an earlier run has left of it at the destination.
    pub left: Option<Left>,
}

/// Bytes that are hashed in less time than it takes to wake another thread.
const FEW: u64 = 32 << 10;

/// Hashes so many bytes where it holds up nobody.
async fn hashing<T: Send + 'static>(
    bytes: u64,
    hash: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FileError> {
    if bytes <= FEW {
        return Ok(hash());
    }
    let hashed = aside(hash).await;
    hashed.map_err(|e| StoreError::new(ErrorKind::Other, DOING, e.to_string()).into())
}

/// An upload that was begun, and its parts as they were written down.
pub(super) type Left = Arc<(HalfUpload, BTreeMap<u32, (String, Sum)>)>;

/// What arrived, and how that is known.
pub(super) struct Relayed {
    pub outcome: PutOutcome,
    pub md5: Option<Md5Sum>,
    /// In hex, where it was asked for and the bytes came by in their order.
    pub sha256: Option<String>,
    /// Of the whole, unless the store copied it by itself.
    pub crc: Option<Crc>,
    pub part_size: Option<u64>,
    pub proof: Proof,
}

impl Relayed {
    /// The store copied it by itself.
    pub fn by_store(head: ObjectHead, proof: Proof) -> Self {
        Self {
            outcome: head.into(),
            md5: None,
            sha256: None,
            crc: None,
            part_size: None,
            proof,
        }
    }
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
            // Its size was another when it went in parts.
            clear_left(self.row, &self.shared).await?;
            let _held = self.shared.memory.wait(self.size).await;
            let _permit = self.shared.request().await;
            let (bytes, sum, head) = self.fetch(0..self.size).await?;
            self.check_source(&hex(&sum.md5), || self.read_source_again())
                .await?;
            let sha256 = self.sha256_of(&bytes).await?;
            let outcome = self.put(bytes, sum.md5, &head).await?;
            let (proof, etag) = self
                .at_store()
                .verify(&outcome, &hex(&sum.md5), None, Some(sum.crc))
                .await?;
            Ok::<_, FileError>(Relayed {
                outcome: PutOutcome { etag, ..outcome },
                md5: Some(sum.md5),
                sha256,
                crc: Some(sum.crc),
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

    /// A range with its sums, as it was planned or not at all.
    async fn fetch(&self, range: Range<u64>) -> Result<(Bytes, Sum, ObjectHead), FileError> {
        let (bytes, head) = self
            .shared
            .patience
            .with(|| self.fetch_once(range.clone()))
            .await?;
        let held = bytes.clone();
        let length = range.end - range.start;
        let sum = hashing(length, move || Sum::of(&held)).await?;
        Ok((bytes, sum, head))
    }

    async fn sha256_of(&self, bytes: &Bytes) -> Result<Option<String>, FileError> {
        if !self.shared.sha256 {
            return Ok(None);
        }
        let held = bytes.clone();
        let sum = hashing(bytes.len() as u64, move || hex(&Sha256::digest(&held))).await?;
        Ok(Some(sum))
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
                match self.what_is_there().await? {
                    Some(_) => self.put_before(sum, length).await,
                    None => Ok(put(false).await?),
                }
            }
            Err(e) if e.kind == ErrorKind::Exists => self.put_before(sum, length).await,
            other => Ok(other?),
        }
    }

    /// Something is there already: perhaps from an attempt of ours whose answer was lost on the way.
    async fn put_before(&self, sum: Md5Sum, length: u64) -> Result<PutOutcome, FileError> {
        let sent = self.at_store().sent_before(&hex(&sum), None).await?;
        let outcome = sent.ok_or_else(|| self.in_the_way())?;
        self.shared.board.moved(self.row, length);
        Ok(outcome)
    }

    fn at_store(&self) -> AtStore<'_> {
        AtStore {
            shared: &self.shared,
            bucket: &self.to_bucket,
            key: &self.to_key,
            size: self.size,
        }
    }

    async fn check_absent(&self) -> Result<(), FileError> {
        match self.what_is_there().await? {
            Some(_) => Err(self.in_the_way()),
            None => Ok(()),
        }
    }

    async fn what_is_there(&self) -> Result<Option<ObjectHead>, FileError> {
        match self.at_store().head().await {
            Ok(head) => Ok(Some(head)),
            // May write there, may not look there.
            Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn in_the_way(&self) -> FileError {
        FileError::InTheWay {
            path: format!("{}/{}", self.to_bucket, self.to_key).into(),
        }
    }
}
