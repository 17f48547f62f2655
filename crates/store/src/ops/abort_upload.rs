//! Giving an upload up, so that its parts no longer take space.

use std::time::Duration;

use crate::api::UploadId;
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

/// A part that is just arriving when the abort comes may stay behind.
const ABORTS: u32 = 4;

impl S3Store {
    pub(crate) async fn abort_until_gone(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<(), StoreError> {
        for round in 1..=ABORTS {
            match self
                .patiently(|| self.abort_once(bucket, key, upload))
                .await
            {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::NoSuchUpload => return Ok(()),
                Err(error) => return Err(error),
            }
            match self.list_all_parts(bucket, key, upload).await {
                Err(error) if error.kind == ErrorKind::NoSuchUpload => return Ok(()),
                // Some stores forget the upload's existence before its name; nothing is stored for it.
                Ok(parts) if parts.is_empty() => return Ok(()),
                Ok(_) => {}
                // The abort was accepted; that the result cannot be looked at is no failure of it.
                Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Unsupported) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(200) * round).await;
        }
        let message = "the store keeps parts of the upload although it was told to drop them; try again later";
        Err(StoreError::new(
            ErrorKind::Other,
            "give up the upload",
            message,
        ))
    }

    async fn abort_once(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<(), StoreError> {
        let operation = self
            .client()
            .abort_multipart_upload()
            .bucket(bucket)
            .key(key)
            .upload_id(&upload.0);
        send!(self, "give up the upload", About::Upload, operation).map(|_| ())
    }
}
