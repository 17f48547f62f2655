//! Whether the object is what was sent.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use futures::StreamExt;
use md5::{Digest, Md5};
use wherry_account::MultipartEtag;
use wherry_store::{ErrorKind, GetRequest, StoreError};

use super::{Sending, Sent};
use crate::error::FileError;
use crate::receipt::Proof;
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex};

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

impl Sending<'_> {
    /// Whether the object is what was sent.
    pub(super) async fn verify(&self, sent: &Sent) -> Result<(Proof, Option<String>), FileError> {
        let in_parts = sent.part_size.is_some();
        let mut found = sent.outcome.etag.clone().filter(|etag| !etag.is_empty());
        if found.is_none() {
            let head = self.head().await?;
            if head.size != self.source.size() {
                let (expected, found) = (self.source.size(), head.size);
                return Err(self.mismatch(format!("{expected} bytes"), format!("{found} bytes")));
            }
            found = head.etag;
        }
        let Some(etag) = found else {
            return Ok((Proof::PartMd5, None));
        };
        let habit = &self.shared.etags;
        if etag == sent.expected {
            habit.learn(in_parts, true);
            return Ok((Proof::Etag, Some(etag)));
        }
        let opaque = in_parts && self.shared.store.quirks().multipart_etag == MultipartEtag::Opaque;
        if opaque || form_of(&etag) == EtagForm::Other || habit.are_hashes(in_parts) == Some(false)
        {
            return Ok((Proof::PartMd5, Some(etag)));
        }
        if habit.are_hashes(in_parts).is_none()
            && self.read_back(sent.part_size).await? == sent.expected
        {
            habit.learn(in_parts, false);
            return Ok((Proof::PartMd5, Some(etag)));
        }
        self.remove_damaged(&etag).await;
        Err(self.mismatch(sent.expected.clone(), etag))
    }

    /// A damaged object is worse than none. Only as long as it is the one that was sent.
    pub(super) async fn remove_damaged(&self, etag: &str) {
        if !matches!(self.head().await, Ok(head) if head.etag.as_deref() == Some(etag)) {
            return;
        }
        for outcome in self
            .shared
            .store
            .delete(self.bucket, vec![self.key.clone()])
            .await
        {
            if let Err(e) = outcome.result {
                tracing::warn!(%e, "a damaged object could not be removed again");
            }
        }
    }

    pub(super) fn mismatch(&self, expected: String, found: String) -> FileError {
        FileError::Mismatch {
            name: self.key.clone(),
            expected,
            found,
        }
    }

    /// The ETag that the object's bytes ought to have.
    pub(super) async fn read_back(&self, part_size: Option<u64>) -> Result<String, FileError> {
        let request = GetRequest {
            bucket: self.bucket.to_owned(),
            key: self.key.clone(),
            ..GetRequest::default()
        };
        // A body that ends early or goes on too long says nothing about the object.
        let broken = || {
            let words = "the object did not come back in its length";
            StoreError::new(ErrorKind::Interrupted, "read the object back", words)
        };
        let read = self.shared.patience.with(|| async {
            let mut body = self.shared.store.get(request.clone()).await?.body;
            let (mut hash, mut sums, mut left) =
                (Md5::new(), Vec::new(), part_size.unwrap_or(u64::MAX));
            let mut missing = self.source.size();
            while let Some(chunk) = body.next().await {
                let mut chunk = chunk?;
                missing = missing.checked_sub(chunk.len() as u64).ok_or_else(broken)?;
                while chunk.len() as u64 >= left {
                    hash.update(chunk.split_to(left as usize));
                    sums.push(hash.finalize_reset().into());
                    left = part_size.unwrap_or(u64::MAX);
                }
                left -= chunk.len() as u64;
                hash.update(&chunk);
            }
            if missing > 0 {
                return Err(broken());
            }
            if part_size.is_none_or(|size| left < size) {
                sums.push(hash.finalize_reset().into());
            }
            Ok::<_, StoreError>(sums)
        });
        let sums: Vec<Md5Sum> = read.await?;
        Ok(match (part_size, sums.first()) {
            (None, Some(sum)) => hex(sum),
            _ => etag_of_parts(&sums),
        })
    }
}
