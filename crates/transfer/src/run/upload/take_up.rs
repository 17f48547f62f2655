//! How an upload in parts begins: with what an earlier run has left of it, or anew. Either way it is
//! known before there is one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use chrono::{DateTime, Utc};
use wherry_store::{CompletedPart, ErrorKind, PutOutcome, StoreError, UploadId};

use super::Sending;
use crate::error::FileError;
use crate::journal::recover::{TakenUp, known_uploads, perhaps_lost, take_up};
use crate::verify::Sum;

pub(super) enum Begun {
    /// With the parts that are there already.
    Upload(UploadId, Vec<(CompletedPart, Sum)>),
    /// An earlier run had come to its end; with the sums of the file's parts.
    Completed(PutOutcome, Vec<Sum>),
}

impl Sending<'_> {
    /// `asked` is set from where the store may have begun one.
    pub(super) async fn begin(&self, part: u64, asked: &AtomicBool) -> Result<Begun, FileError> {
        if let Some(begun) = self.left_over(part).await? {
            return Ok(begun);
        }
        let (shared, intended) = (self.shared, self.shared.clock.now());
        if let Some(record) = &shared.record {
            let file = self.source.identity();
            record
                .intend_upload(self.row, self.bucket, &self.key, part, file, intended)
                .await?;
        }
        asked.store(true, Relaxed);
        let (metadata, tried) = (BTreeMap::new(), AtomicU32::new(0));
        let created = shared.patience.with(|| {
            tried.fetch_add(1, Relaxed);
            shared
                .store
                .create_upload(self.bucket, &self.key, self.content_type, &metadata)
        });
        let created = created.await;
        // Each try but the last has failed in a way that may be no more than a lost answer.
        let last_may_be = created.as_ref().is_err_and(|e| e.kind.is_transient());
        let uncertain = tried.into_inner() > 1 || last_may_be;
        if uncertain {
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
        Ok(Begun::Upload(created?, Vec::new()))
    }

    /// What an earlier run has left of this file's upload. What is of no use is aborted.
    async fn left_over(&self, part: u64) -> Result<Option<Begun>, FileError> {
        let (shared, Some(record)) = (self.shared, &self.shared.record) else {
            return Ok(None);
        };
        let Some((half, known)) = record.half_upload(self.row)? else {
            return Ok(None);
        };
        let taken = shared
            .patience
            .with(|| take_up(&half, &known, part, &*self.source, &shared.store));
        match taken.await? {
            TakenUp::Parts(upload, parts) => Ok(Some(Begun::Upload(upload, parts))),
            TakenUp::Completed(head, sums) => {
                let outcome = PutOutcome {
                    etag: head.etag,
                    version_id: head.version_id,
                };
                Ok(Some(Begun::Completed(outcome, sums)))
            }
            TakenUp::Anew(useless) => {
                if let Some(upload) = useless {
                    let abort = shared
                        .patience
                        .with(|| shared.store.abort_upload(&half.bucket, &half.key, &upload));
                    match abort.await {
                        Err(e) if e.kind != ErrorKind::NoSuchUpload => {
                            return Err(e.into());
                        }
                        _ => {}
                    }
                } else if half.upload.is_none() {
                    self.abort_lost(half.intended, None).await?;
                }
                Ok(None)
            }
        }
    }

    /// Aborts uploads of this key that were begun since and whose id reached nobody.
    async fn abort_lost(
        &self,
        since: DateTime<Utc>,
        ours: Option<&UploadId>,
    ) -> Result<(), StoreError> {
        let shared = self.shared;
        let mut known = match &shared.record {
            Some(record) => {
                known_uploads(record.journal(), self.bucket, &self.key).unwrap_or_default()
            }
            None => std::collections::HashSet::new(),
        };
        known.extend(ours.map(|id| id.0.clone()));
        let (store, patience) = (&shared.store, &shared.patience);
        let listed = patience
            .with(|| store.list_uploads(self.bucket, &self.key))
            .await;
        let listed = match listed {
            // Then there is no finding out.
            Err(e) if e.kind == ErrorKind::Unsupported => return Ok(()),
            listed => listed?,
        };
        for upload in perhaps_lost(listed, &self.key, since, &known) {
            let parts = patience.with(|| store.list_parts(self.bucket, &self.key, &upload));
            match parts.await {
                Ok(parts) if parts.is_empty() => {
                    let abort = || store.abort_upload(self.bucket, &self.key, &upload);
                    match patience.with(abort).await {
                        Err(e) if e.kind != ErrorKind::NoSuchUpload => return Err(e),
                        _ => {}
                    }
                }
                Err(e) if e.kind != ErrorKind::NoSuchUpload => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}
