//! The end of an upload in parts: the store puts them together.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart as SdkPart};

use super::{etag, quoted};
use crate::api::{CompletedPart, PutOutcome, UploadId};
use crate::error::StoreError;
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    /// A store may answer 200 at once and report an error in the body after minutes of work; the
    /// SDK looks for that.
    pub(crate) async fn complete_upload_once(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError> {
        let mut sorted: Vec<&CompletedPart> = parts.iter().collect();
        sorted.sort_by_key(|part| part.number);
        let list = sorted
            .into_iter()
            .map(|part| {
                SdkPart::builder()
                    .part_number(part.number as i32)
                    .e_tag(quoted(&part.etag))
                    .build()
            })
            .collect();
        let operation = self
            .client()
            .complete_multipart_upload()
            .bucket(bucket)
            .key(key)
            .upload_id(&upload.0)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(list))
                    .build(),
            );
        let answer = send!(self, "complete the upload", About::Upload, operation)?;
        Ok(PutOutcome {
            etag: etag(answer.e_tag()),
            version_id: answer.version_id().map(str::to_owned),
            crc64nvme: answer.checksum_crc64_nvme().map(str::to_owned),
        })
    }
}
