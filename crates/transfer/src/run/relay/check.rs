//! Whether what was read is the original, and whether the copy is what was read.

use wherry_account::MultipartEtag;
use wherry_store::PutOutcome;

use super::Relaying;
use crate::error::FileError;
use crate::receipt::Proof;
use crate::run::read_back::{Wanted, etag_by_bytes};
use crate::verify::{EtagForm, form_of};

impl Relaying {
    /// Whether what was read is what the source's ETag speaks of. Where they differ, and nothing is
    /// known of that store's ETags yet, a second reading tells damage from an ETag that is no hash.
    pub(super) async fn check_source<F>(
        &self,
        found: &str,
        again: impl FnOnce() -> F,
    ) -> Result<(), FileError>
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

    pub(super) async fn read_source_again(&self) -> Result<String, FileError> {
        let wanted = Wanted {
            store: &self.from,
            bucket: &self.from_bucket,
            key: &self.from_key,
            size: self.size,
            if_match: self.etag.as_deref(),
        };
        etag_by_bytes(&self.shared, &wanted, None).await
    }

    /// Whether the object is what was sent.
    pub(super) async fn verify(
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
        if habit.are_hashes(in_parts).is_none() && self.read_back(part_size).await? == expected {
            habit.learn(in_parts, false);
            return Ok((Proof::PartMd5, Some(etag)));
        }
        self.remove_damaged(&etag).await;
        Err(self.mismatch(expected.to_owned(), etag))
    }

    /// The ETag that the copy's bytes ought to have.
    async fn read_back(&self, part_size: Option<u64>) -> Result<String, FileError> {
        let wanted = Wanted {
            store: &self.shared.store,
            bucket: &self.to_bucket,
            key: &self.to_key,
            size: self.size,
            if_match: None,
        };
        etag_by_bytes(&self.shared, &wanted, part_size).await
    }

    /// Whether the object that is there is what was read: then an attempt has made it whose answer was
    /// lost on the way.
    pub(super) async fn sent_before(
        &self,
        expected: &str,
        part_size: Option<u64>,
    ) -> Result<Option<PutOutcome>, FileError> {
        let head = match self.there().await {
            Ok(head) if head.size == self.size => head,
            Err(e) if e.kind.is_transient() => return Err(e.into()),
            _ => return Ok(None),
        };
        let in_parts = part_size.is_some();
        let same = head.etag.as_deref() == Some(expected)
            // An ETag that is no hash says nothing; the bytes do.
            || self.shared.etags.are_hashes(in_parts) != Some(true)
                && self.read_back(part_size).await? == expected;
        Ok(same.then_some(PutOutcome {
            etag: head.etag,
            version_id: head.version_id,
        }))
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
}
