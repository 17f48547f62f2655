//! The parts that a store has of an unfinished upload.

use super::etag;
use crate::api::{CompletedPart, UploadId};
use crate::error::StoreError;
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn list_all_parts(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        let mut parts = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let answer = self
                .patiently(|| {
                    let operation = self
                        .client()
                        .list_parts()
                        .bucket(bucket)
                        .key(key)
                        .upload_id(&upload.0)
                        .set_part_number_marker(marker.clone());
                    async move {
                        send!(
                            self,
                            "list the parts of the upload",
                            About::Upload,
                            operation
                        )
                    }
                })
                .await?;
            parts.extend(answer.parts().iter().filter_map(|part| {
                Some(CompletedPart {
                    number: u32::try_from(part.part_number()?).ok()?,
                    etag: etag(part.e_tag())?,
                    size: u64::try_from(part.size()?).ok()?,
                })
            }));
            let next = answer.next_part_number_marker().map(str::to_owned);
            if answer.is_truncated() != Some(true) || next.is_none() || next == marker {
                return Ok(parts);
            }
            marker = next;
        }
    }
}
