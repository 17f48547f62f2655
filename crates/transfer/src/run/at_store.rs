//! Whether the object that is at the store is what was sent there, from a file or from another store.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use wherry_account::MultipartEtag;
use wherry_store::{ObjectHead, PutOutcome, StoreError};

use super::Shared;
use super::read_back::{Wanted, etag_by_bytes};
use crate::crc::Crc;
use crate::error::FileError;
use crate::receipt::Proof;
use crate::verify::{EtagForm, form_of};

/// Whether this store's ETags are what they look like, learnt once per job by reading back the
/// first object whose ETag is not the expected one. Stores that encrypt with a managed key, for
/// instance, have ETags that only look like MD5s; others have such for what came in parts, and right
/// ones for all else.
#[derive(Default)]
pub struct EtagHabit {
    whole: AtomicU8,
    parts: AtomicU8,
}

impl EtagHabit {
    const HASHES: u8 = 1;
    const OTHER: u8 = 2;

    fn of(&self, in_parts: bool) -> &AtomicU8 {
        if in_parts { &self.parts } else { &self.whole }
    }

    pub fn learn(&self, in_parts: bool, hashes: bool) {
        let habit = if hashes { Self::HASHES } else { Self::OTHER };
        self.of(in_parts).store(habit, Relaxed);
        if !hashes {
            // Where even those of the plainest objects are none, no others are.
            self.parts.store(habit, Relaxed);
        }
    }

    /// `None` while not known.
    pub fn are_hashes(&self, in_parts: bool) -> Option<bool> {
        match self.of(in_parts).load(Relaxed) {
            Self::HASHES => Some(true),
            Self::OTHER => Some(false),
            _ => None,
        }
    }
}

/// The place of an object that is being sent, and what is known of it. What is expected of it is the ETag
/// that it has where ETags are hashes; `part_size` is `None` of one that went whole.
#[derive(Clone, Copy)]
pub(super) struct AtStore<'a> {
    pub shared: &'a Shared,
    pub bucket: &'a str,
    pub key: &'a str,
    /// Bytes.
    pub size: u64,
}

impl AtStore<'_> {
    pub async fn head(self) -> Result<ObjectHead, StoreError> {
        let store = &self.shared.store;
        let head = || store.head(self.bucket, self.key);
        self.shared.patience.with(head).await
    }

    /// Whether the object is what was sent. `crc`: of all that was, where it passed here.
    pub async fn verify(
        self,
        outcome: &PutOutcome,
        expected: &str,
        part_size: Option<u64>,
        crc: Option<Crc>,
    ) -> Result<(Proof, Option<String>), FileError> {
        let shared = self.shared;
        // What the store has computed counts whatever its ETags are.
        let told = outcome.crc64nvme.as_deref();
        let told: Option<Crc> = told.and_then(|told| told.parse().ok());
        if let (Some(sent), Some(told)) = (crc, told)
            && sent != told
        {
            if let Some(etag) = &outcome.etag {
                self.remove_damaged(etag).await;
            }
            let words = |crc: Crc| format!("CRC-64/NVME {crc}");
            return Err(self.mismatch(words(sent), words(told)));
        }
        let mut found = outcome.etag.clone().filter(|etag| !etag.is_empty());
        if found.is_none() {
            let head = self.head().await?;
            if head.size != self.size {
                let (expected, found) = (self.size, head.size);
                return Err(self.mismatch(format!("{expected} bytes"), format!("{found} bytes")));
            }
            found = head.etag;
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
        if habit.are_hashes(in_parts).is_none() && self.read_back(part_size).await? == expected {
            habit.learn(in_parts, false);
            return Ok((Proof::PartMd5, Some(etag)));
        }
        self.remove_damaged(&etag).await;
        Err(self.mismatch(expected.to_owned(), etag))
    }

    /// The same of one whose ETag does not say: every byte is read.
    pub async fn verify_bytes(
        self,
        etag: Option<&str>,
        expected: &str,
        part_size: u64,
    ) -> Result<(), FileError> {
        let found = self.read_back(Some(part_size)).await?;
        if found == expected {
            self.shared.etags.learn(true, false);
            return Ok(());
        }
        if let Some(etag) = etag {
            self.remove_damaged(etag).await;
        }
        Err(self.mismatch(expected.to_owned(), found))
    }

    /// Whether the object that is there is what is being sent: then an attempt has made it whose
    /// answer was lost on the way.
    pub async fn sent_before(
        self,
        expected: &str,
        part_size: Option<u64>,
    ) -> Result<Option<PutOutcome>, FileError> {
        let head = match self.head().await {
            Ok(head) if head.size == self.size => head,
            Err(e) if e.kind.is_transient() => return Err(e.into()),
            _ => return Ok(None),
        };
        let in_parts = part_size.is_some();
        let same = head.etag.as_deref() == Some(expected)
            // An ETag that is no hash says nothing; the bytes do.
            || self.shared.etags.are_hashes(in_parts) != Some(true)
                && self.read_back(part_size).await? == expected;
        Ok(same.then(|| head.into()))
    }

    /// A damaged object is worse than none. Only as long as it is the one that was sent.
    async fn remove_damaged(self, etag: &str) {
        if !matches!(self.head().await, Ok(head) if head.etag.as_deref() == Some(etag)) {
            return;
        }
        let keys = vec![self.key.to_owned()];
        for outcome in self.shared.store.delete(self.bucket, keys).await {
            if let Err(e) = outcome.result {
                tracing::warn!(%e, "a damaged object could not be removed again");
            }
        }
    }

    fn mismatch(self, expected: String, found: String) -> FileError {
        FileError::Mismatch {
            name: self.key.to_owned(),
            expected,
            found,
        }
    }

    /// The ETag that the object's bytes ought to have.
    async fn read_back(self, part_size: Option<u64>) -> Result<String, FileError> {
        let wanted = Wanted {
            store: &self.shared.store,
            bucket: self.bucket,
            key: self.key,
            size: self.size,
            if_match: None,
        };
        etag_by_bytes(self.shared, &wanted, part_size).await
    }
}
