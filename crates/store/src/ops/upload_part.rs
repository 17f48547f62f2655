//! One part of an upload in parts.

use super::{etag, md5_header};
use crate::api::{Body, CompletedPart, ContentCheck, ObjectStore, UploadPartRequest};
use crate::body;
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::sign::Extras;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn upload_part_once(
        &self,
        request: &UploadPartRequest,
    ) -> Result<CompletedPart, StoreError> {
        let doing = "upload a part";
        let sha256 = self
            .payload_hash(&request.body, request.check, doing)
            .await?;
        let size = request.body.len();
        let operation = self
            .client()
            .upload_part()
            .bucket(&request.bucket)
            .key(&request.key)
            .upload_id(&request.upload.0)
            .part_number(request.number as i32)
            .content_length(size as i64)
            .set_content_md5(md5_header(request.check.md5))
            .body(body::stream(&request.body));
        let answer = send!(
            self,
            doing,
            About::Upload,
            operation,
            Extras {
                sha256,
                ..Extras::default()
            }
        )?;
        match etag(answer.e_tag()) {
            Some(etag) => Ok(CompletedPart {
                number: request.number,
                etag,
                size,
            }),
            None => Err(StoreError::new(
                ErrorKind::Other,
                doing,
                "the store did not confirm the part with an ETag",
            )),
        }
    }

    /// The hash that stands for the body in the signature. Only a Version 4 signature over plain
    /// HTTP needs it, and the SDK makes its own of a body in memory.
    pub(crate) async fn payload_hash(
        &self,
        body: &Body,
        check: ContentCheck,
        doing: &'static str,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        if !self.signs_bodies() {
            return Ok(None);
        }
        body::sha256(body, check)
            .await
            .map_err(|failure| self.refusals(doing, About::Object).failed(&failure))
    }
}
