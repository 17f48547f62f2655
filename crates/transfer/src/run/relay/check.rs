//! Whether what was read is the original, and whether the copy is what was read.

use std::sync::Arc;

use futures::StreamExt;
use md5::{Digest, Md5};
use wherry_account::MultipartEtag;
use wherry_store::{GetRequest, ObjectStore, PutOutcome, StoreError};

use super::Relaying;
use crate::error::FileError;
use crate::receipt::Proof;
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex};

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
        let sums = self
            .sums(&self.from, &self.from_bucket, &self.from_key, None)
            .await?;
        Ok(sums.first().map(|sum| hex(sum)).unwrap_or_default())
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
}
