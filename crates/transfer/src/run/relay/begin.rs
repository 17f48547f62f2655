//! How a copy in parts begins: with what an earlier run has left of it, or anew. Either way it is known
//! before there is one.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use chrono::{DateTime, Utc};
use wherry_store::{CompletedPart, ErrorKind, PutOutcome, StoreError, UploadId};

use super::Relaying;
use crate::error::FileError;
use crate::journal::recover::{known_uploads, lost_uploads};
use crate::run::disk::Identity;
use crate::verify::{Sum, etag_of_sums};

/// Parts that are there already, by number.
pub(super) type Have = BTreeMap<u32, (CompletedPart, Sum)>;

pub(super) enum Begun {
    Upload(UploadId, Have),
    /// An earlier run had come to its end; with the sums of its parts.
    Completed(PutOutcome, Vec<Sum>),
}

impl Relaying {
    /// `asked` is set from where the store may have begun one.
    pub(super) async fn begin(&self, part: u64, asked: &AtomicBool) -> Result<Begun, FileError> {
        if let Some(begun) = self.left_over(part).await? {
            return Ok(begun);
        }
        if self.if_absent {
            self.check_absent().await?;
        }
        let shared = &self.shared;
        // What a copy inside a store keeps by itself has to be said here.
        let head = shared
            .patience
            .with(|| self.from.head(&self.from_bucket, &self.from_key))
            .await?;
        let intended = shared.clock.now();
        if let Some(record) = &shared.record {
            // The object's ETag is in the plan; there is no more to know it by.
            let object = Identity {
                size: self.size,
                modified: None,
                inode: None,
            };
            let (bucket, key) = (&self.to_bucket, &self.to_key);
            record
                .intend_upload(self.row, bucket, key, part, &object, intended)
                .await?;
        }
        asked.store(true, Relaxed);
        let tried = AtomicU32::new(0);
        let created = shared.patience.with(|| {
            tried.fetch_add(1, Relaxed);
            let kind = head.content_type.as_deref();
            shared
                .store
                .create_upload(&self.to_bucket, &self.to_key, kind, &head.metadata)
        });
        let created = created.await;
        // Each try but the last has failed in a way that may be no more than a lost answer.
        let last_may_be = created.as_ref().is_err_and(|e| e.kind.is_transient());
        if tried.into_inner() > 1 || last_may_be {
            // An answer was lost, and perhaps an upload was begun that nobody will end. Until it is
            // known that there is none, the journal keeps the intent, which says that there may be.
            let cleared = self.abort_lost(intended, created.as_ref().ok()).await;
            if let (Err(e), Some(_)) = (&cleared, &shared.record) {
                tracing::warn!(%e, "whether an upload was begun could not be found out");
                if let Ok(upload) = &created {
                    self.abort(upload).await;
                }
                cleared?;
            }
        }
        match (&created, &shared.record) {
            (Ok(upload), Some(record)) => record.upload_begun(self.row, upload).await?,
            (Err(_), Some(record)) => record.upload_over(self.row),
            (_, None) => {}
        }
        Ok(Begun::Upload(created?, Have::new()))
    }

    /// What an earlier run has left of this copy. What is of no use is aborted.
    async fn left_over(&self, part: u64) -> Result<Option<Begun>, FileError> {
        let (shared, Some(left)) = (&self.shared, &self.left) else {
            return Ok(None);
        };
        let (half, known) = &**left;
        let Some(upload) = half.upload.clone() else {
            self.abort_lost(half.intended, None).await?;
            return Ok(None);
        };
        let (bucket, key) = (&half.bucket, &half.key);
        // Without an ETag nothing says that the original is still the same.
        let same = half.part_size == part
            && half.file.size == self.size
            && self.etag.is_some()
            && (bucket, key) == (&self.to_bucket, &self.to_key);
        let listed = if same {
            let list = || shared.store.list_parts(bucket, key, &upload);
            match shared.patience.with(list).await {
                Ok(listed) => Some(listed),
                // Completed, aborted by somebody, or forgotten.
                Err(e) if e.kind == ErrorKind::NoSuchUpload => {
                    return self.completed(part, known).await;
                }
                Err(e) if e.kind == ErrorKind::Unsupported => None,
                Err(e) => return Err(e.into()),
            }
        } else {
            None
        };
        let Some(listed) = listed else {
            let abort = || shared.store.abort_upload(bucket, key, &upload);
            return match shared.patience.with(abort).await {
                Err(e) if e.kind != ErrorKind::NoSuchUpload => Err(e.into()),
                _ => Ok(None),
            };
        };
        let mut have = Have::new();
        for there in listed {
            let Some((etag, sum)) = known.get(&there.number) else {
                continue;
            };
            let begin = u64::from(there.number.saturating_sub(1)).saturating_mul(part);
            let right = there.number > 0
                && begin < self.size
                && there.size == part.min(self.size - begin)
                && there.etag == *etag;
            if right {
                have.insert(there.number, (there, *sum));
            }
        }
        Ok(Some(Begun::Upload(upload, have)))
    }

    /// Whether the object is the one that all these parts make.
    async fn completed(
        &self,
        part: u64,
        known: &BTreeMap<u32, (String, Sum)>,
    ) -> Result<Option<Begun>, FileError> {
        if known.len() as u64 != self.size.div_ceil(part) {
            return Ok(None);
        }
        let sums: Vec<Sum> = known.values().map(|(_, sum)| *sum).collect();
        let expected = etag_of_sums(&sums);
        match self.there().await {
            Ok(head) if head.size == self.size && head.etag.as_deref() == Some(&expected) => {
                let outcome = PutOutcome {
                    etag: head.etag,
                    version_id: head.version_id,
                };
                Ok(Some(Begun::Completed(outcome, sums)))
            }
            Err(e) if e.kind.is_transient() => Err(e.into()),
            _ => Ok(None),
        }
    }

    /// Aborts uploads of this key that were begun since and whose id reached nobody.
    async fn abort_lost(
        &self,
        since: DateTime<Utc>,
        ours: Option<&UploadId>,
    ) -> Result<(), StoreError> {
        let (shared, bucket, key) = (&self.shared, &self.to_bucket, &self.to_key);
        let mut known = match &shared.record {
            Some(record) => known_uploads(record.journal(), bucket, key).unwrap_or_default(),
            None => HashSet::new(),
        };
        known.extend(ours.map(|id| id.0.clone()));
        let look = || lost_uploads(&shared.store, bucket, key, since, &known, false);
        for upload in shared.patience.with(look).await? {
            let abort = || shared.store.abort_upload(bucket, key, &upload);
            match shared.patience.with(abort).await {
                Err(e) if e.kind != ErrorKind::NoSuchUpload => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}
