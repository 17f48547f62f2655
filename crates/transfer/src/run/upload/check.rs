//! Whether the object is what was sent.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use wherry_account::MultipartEtag;

use super::{Sending, Sent};
use crate::error::FileError;
use crate::receipt::Proof;
use crate::run::read_back::{Wanted, etag_by_bytes};
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
        let wanted = Wanted {
            store: &self.shared.store,
            bucket: self.bucket,
            key: &self.key,
            size: self.source.size(),
            if_match: None,
        };
        etag_by_bytes(self.shared, &wanted, part_size).await
    }
}
