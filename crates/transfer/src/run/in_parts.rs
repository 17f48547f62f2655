//! An upload in parts from the moment before the store is asked for it until it is completed or
//! aborted, whatever its bytes are: those of a file, of another store, or of an object that the store
//! copies by itself. The journal knows of it before there is one, and as long as there may be one.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use chrono::{DateTime, Utc};
use tokio::time::timeout;
use wherry_store::{ErrorKind, StoreError, UploadId};

use super::disk::Identity;
use super::job::Stopped;
use super::{CLEAN_UP, Shared};
use crate::error::FileError;
use crate::journal::recover::{known_uploads, perhaps_lost};

/// What is to become of a file, and where.
#[derive(Clone, Copy)]
pub(super) struct InParts<'a> {
    pub shared: &'a Shared,
    pub row: u32,
    pub bucket: &'a str,
    pub key: &'a str,
}

/// Waits for the beginning of an upload in parts, unless the job stops. `asked` says whether the store
/// has been asked for it yet.
pub(super) async fn begun<T>(
    shared: &Shared,
    asked: &AtomicBool,
    begin: impl Future<Output = Result<T, FileError>>,
) -> Result<T, Stopped> {
    let mut begin = pin!(begin);
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => {}
        begun = &mut begin => return Ok(begun?),
    }
    // An upload that the store is beginning just now would be nobody's: it is waited for.
    if asked.load(Relaxed)
        && let Ok(begun) = timeout(CLEAN_UP, begin).await
    {
        return Ok(begun?);
    }
    Err(Stopped::Cancelled)
}

impl InParts<'_> {
    /// `asked` is set from where the store may have begun one, which `create` asks it to.
    pub async fn begin<F>(
        self,
        part: u64,
        source: &Identity,
        asked: &AtomicBool,
        mut create: impl FnMut() -> F,
    ) -> Result<UploadId, FileError>
    where
        F: Future<Output = Result<UploadId, StoreError>>,
    {
        let (shared, intended) = (self.shared, self.shared.clock.now());
        if let Some(record) = &shared.record {
            record
                .intend_upload(self.row, self.bucket, self.key, part, source, intended)
                .await?;
        }
        asked.store(true, Relaxed);
        let tried = AtomicU32::new(0);
        let created = shared.patience.with(|| {
            tried.fetch_add(1, Relaxed);
            create()
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
        Ok(created?)
    }

    /// Aborts uploads of this key that were begun since and whose id reached nobody.
    pub async fn abort_lost(
        self,
        since: DateTime<Utc>,
        ours: Option<&UploadId>,
    ) -> Result<(), StoreError> {
        let (store, patience) = (&self.shared.store, &self.shared.patience);
        let (bucket, key) = (self.bucket, self.key);
        let mut known = match &self.shared.record {
            Some(record) => known_uploads(record.journal(), bucket, key).unwrap_or_default(),
            None => HashSet::new(),
        };
        known.extend(ours.map(|id| id.0.clone()));
        let listed = match patience.with(|| store.list_uploads(bucket, key)).await {
            // Then there is no finding out.
            Err(e) if e.kind == ErrorKind::Unsupported => return Ok(()),
            listed => listed?,
        };
        for upload in perhaps_lost(listed, key, since, &known) {
            match patience
                .with(|| store.list_parts(bucket, key, &upload))
                .await
            {
                Ok(parts) if parts.is_empty() => self.abort_known(&upload).await?,
                Err(e) if e.kind != ErrorKind::NoSuchUpload => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    /// One that is of no use, before another is begun: what is not certain to be gone is an error.
    pub async fn abort_known(self, upload: &UploadId) -> Result<(), StoreError> {
        let store = &self.shared.store;
        let abort = || store.abort_upload(self.bucket, self.key, upload);
        match self.shared.patience.with(abort).await {
            Err(e) if e.kind != ErrorKind::NoSuchUpload => Err(e),
            _ => Ok(()),
        }
    }

    /// Parts that stay behind cost the user quota, so this is tried also when the user cancels.
    /// Whether it is certain that nothing is left.
    pub async fn abort(self, upload: &UploadId) -> bool {
        match timeout(CLEAN_UP, self.abort_known(upload)).await {
            Ok(Ok(())) => true,
            Ok(Err(e)) => {
                tracing::warn!(%e, "an unfinished upload could not be cleaned up");
                false
            }
            Err(_) => {
                tracing::warn!("cleaning up an unfinished upload took too long");
                false
            }
        }
    }

    /// After it came to nothing: aborted, unless it is to be gone on with.
    pub async fn stopped(self, upload: &UploadId, why: &Stopped) {
        if !self.shared.keeps(why)
            && self.abort(upload).await
            && let Some(record) = &self.shared.record
        {
            record.upload_over(self.row);
        }
    }
}
