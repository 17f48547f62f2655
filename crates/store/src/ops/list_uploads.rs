//! Uploads in parts that were begun and neither completed nor given up. They take space.

use aws_sdk_s3::types::EncodingType;

use super::{decoded, time};
use crate::api::{UploadId, UploadInfo};
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    /// Asks for plain keys first: unlike other listings, Ceph encodes this one without saying so,
    /// and an encoded `%` cannot be told from a plain one. Only keys that XML cannot carry need it.
    pub(crate) async fn list_all_uploads(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<UploadInfo>, StoreError> {
        match self.list_uploads_in(bucket, prefix, None).await {
            Err(error) if error.kind == ErrorKind::NotS3 => {
                self.list_uploads_in(bucket, prefix, Some(EncodingType::Url))
                    .await
            }
            done => done,
        }
    }

    async fn list_uploads_in(
        &self,
        bucket: &str,
        prefix: &str,
        encoding: Option<EncodingType>,
    ) -> Result<Vec<UploadInfo>, StoreError> {
        let plain = |text: &str| decoded(text, encoding.is_some());
        let mut uploads = Vec::new();
        let mut markers: (Option<String>, Option<String>) = (None, None);
        loop {
            let answer = self
                .patiently(|| {
                    let operation = self
                        .client()
                        .list_multipart_uploads()
                        .bucket(bucket)
                        .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                        .set_key_marker(markers.0.clone())
                        .set_upload_id_marker(markers.1.clone())
                        .set_encoding_type(encoding.clone());
                    async move {
                        send!(
                            self,
                            "list the unfinished uploads",
                            About::Bucket,
                            operation
                        )
                    }
                })
                .await?;
            uploads.extend(answer.uploads().iter().filter_map(|upload| {
                let owner = upload
                    .initiator()
                    .and_then(|by| by.display_name().or(by.id()));
                Some(UploadInfo {
                    key: plain(upload.key()?),
                    upload: UploadId(upload.upload_id()?.to_owned()),
                    started: upload.initiated().and_then(time),
                    owner: owner.filter(|name| !name.is_empty()).map(str::to_owned),
                })
            }));
            let next = (
                answer.next_key_marker().map(plain),
                answer.next_upload_id_marker().map(str::to_owned),
            );
            if answer.is_truncated() != Some(true) || next.0.is_none() || next == markers {
                return Ok(uploads);
            }
            markers = next;
        }
    }
}
