//! Uploads in parts that were begun and neither completed nor given up. They take space.

use aws_sdk_s3::types::EncodingType;

use super::{decoded, time};
use crate::api::{UploadId, UploadInfo};
use crate::error::StoreError;
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn list_all_uploads(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<UploadInfo>, StoreError> {
        let encoding = self
            .0
            .config
            .quirks
            .list_url_encoding
            .unwrap_or(true)
            .then_some(EncodingType::Url);
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
            let encoded = answer.encoding_type() == Some(&EncodingType::Url);
            uploads.extend(answer.uploads().iter().filter_map(|upload| {
                let owner = upload
                    .initiator()
                    .and_then(|by| by.display_name().or(by.id()));
                Some(UploadInfo {
                    key: decoded(upload.key()?, encoded),
                    upload: UploadId(upload.upload_id()?.to_owned()),
                    started: upload.initiated().and_then(time),
                    owner: owner.filter(|name| !name.is_empty()).map(str::to_owned),
                })
            }));
            let next = (
                answer
                    .next_key_marker()
                    .map(|marker| decoded(marker, encoded)),
                answer.next_upload_id_marker().map(str::to_owned),
            );
            if answer.is_truncated() != Some(true) || next.0.is_none() || next == markers {
                return Ok(uploads);
            }
            markers = next;
        }
    }
}
