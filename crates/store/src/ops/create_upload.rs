//! The beginning of an upload in parts.

use std::collections::BTreeMap;

use crate::api::UploadId;
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn create_upload_once(
        &self,
        bucket: &str,
        key: &str,
        content_type: Option<&str>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<UploadId, StoreError> {
        let doing = "begin the upload";
        let operation = self
            .client()
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .set_content_type(content_type.map(str::to_owned))
            .set_metadata((!metadata.is_empty()).then(|| metadata.clone().into_iter().collect()));
        let answer = send!(self, doing, About::Object, operation)?;
        match answer.upload_id() {
            Some(id) if !id.is_empty() => Ok(UploadId(id.to_owned())),
            _ => Err(StoreError::new(
                ErrorKind::Other,
                doing,
                "the store did not name the upload it began",
            )),
        }
    }
}
