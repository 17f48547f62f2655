//! Copies inside one store: in one request up to 5 GiB, in parts above. Each request is an operation
//! of its own: who copies in parts knows the upload, and ends it.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;

use super::{etag, quoted};
use crate::address::encode_path;
use crate::api::{CompletedPart, CopyPartRequest, CopyRequest, PutOutcome, UploadId};
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

const DOING: &str = "copy the object";

impl S3Store {
    pub(crate) async fn copy_once(&self, request: &CopyRequest) -> Result<PutOutcome, StoreError> {
        let operation = self
            .client()
            .copy_object()
            .bucket(&request.to_bucket)
            .key(&request.to_key)
            .copy_source(source(request));
        let answer = send!(self, DOING, About::Object, operation)?;
        Ok(PutOutcome {
            etag: etag(
                answer
                    .copy_object_result()
                    .and_then(|result| result.e_tag()),
            ),
            version_id: answer.version_id().map(str::to_owned),
            crc64nvme: None,
        })
    }

    /// What a copy in one request keeps by itself has to be said here: type, headers, metadata, tags.
    pub(crate) async fn begin_copy(&self, request: &CopyRequest) -> Result<UploadId, StoreError> {
        let (bucket, key) = (&request.from_bucket, &request.from_key);
        let head = self.patiently(|| self.head_whole(bucket, key, None)).await;
        let head = head.map_err(|e| StoreError { doing: DOING, ..e })?;
        let tags = self.tags_of(request).await;
        self.once(|| self.create_like(request, &head, tags.clone()))
            .await
    }

    async fn create_like(
        &self,
        request: &CopyRequest,
        head: &HeadObjectOutput,
        tags: Option<String>,
    ) -> Result<UploadId, StoreError> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let operation = self
            .client()
            .create_multipart_upload()
            .bucket(&request.to_bucket)
            .key(&request.to_key)
            .set_content_type(owned(head.content_type()))
            .set_content_encoding(owned(head.content_encoding()))
            .set_content_language(owned(head.content_language()))
            .set_content_disposition(owned(head.content_disposition()))
            .set_cache_control(owned(head.cache_control()))
            .set_metadata(head.metadata().filter(|pairs| !pairs.is_empty()).cloned())
            .set_tagging(tags);
        let answer = send!(self, DOING, About::Object, operation)?;
        match answer.upload_id() {
            Some(id) if !id.is_empty() => Ok(UploadId(id.to_owned())),
            _ => Err(StoreError::new(
                ErrorKind::Other,
                DOING,
                "the store did not name the upload it began",
            )),
        }
    }

    /// The source's tags as a header. A store without tags, or a key that may not see them, has none to keep.
    async fn tags_of(&self, request: &CopyRequest) -> Option<String> {
        let operation = self
            .client()
            .get_object_tagging()
            .bucket(&request.from_bucket)
            .key(&request.from_key);
        let answer = send!(self, DOING, About::Object, operation).ok()?;
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for tag in answer.tag_set() {
            text.append_pair(tag.key(), tag.value());
        }
        Some(text.finish()).filter(|text| !text.is_empty())
    }

    pub(crate) async fn copy_part_once(
        &self,
        request: &CopyPartRequest,
    ) -> Result<CompletedPart, StoreError> {
        let (copy, range) = (&request.copy, &request.range);
        let operation = self
            .client()
            .upload_part_copy()
            .bucket(&copy.to_bucket)
            .key(&copy.to_key)
            .upload_id(&request.upload.0)
            .part_number(request.number as i32)
            .copy_source(source(copy))
            .set_copy_source_if_match(request.if_match.as_deref().map(quoted))
            .copy_source_range(format!(
                "bytes={}-{}",
                range.start,
                range.end.saturating_sub(1)
            ));
        // Of a missing source it says so as of an object; of the upload, by its code.
        let answer = send!(self, DOING, About::Object, operation)?;
        let found = etag(answer.copy_part_result().and_then(|result| result.e_tag()));
        let etag = found.ok_or_else(|| {
            StoreError::new(
                ErrorKind::Other,
                DOING,
                "the store did not confirm a copied part with an ETag",
            )
        })?;
        Ok(CompletedPart {
            number: request.number,
            etag,
            size: range.end - range.start,
        })
    }
}

fn source(request: &CopyRequest) -> String {
    format!(
        "{}/{}",
        encode_path(&request.from_bucket),
        encode_path(&request.from_key)
    )
}
