//! Copies inside one store: in one request up to 5 GiB, in parts above.

use std::time::Duration;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use futures::{StreamExt, TryStreamExt};

use super::{etag, quoted};
use crate::address::encode_path;
use crate::api::{CompletedPart, CopyRequest, PutOutcome, UploadId};
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

const DOING: &str = "copy the object";
/// Parts under way at once; the store does the work.
const ABREAST: usize = 4;

impl S3Store {
    pub(crate) async fn copy_any_size(
        &self,
        request: &CopyRequest,
    ) -> Result<PutOutcome, StoreError> {
        if request.size <= self.0.config.copy_whole_up_to {
            self.once(|| self.copy_whole(request)).await
        } else {
            self.copy_in_parts(request).await
        }
    }

    async fn copy_whole(&self, request: &CopyRequest) -> Result<PutOutcome, StoreError> {
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
        })
    }

    async fn copy_in_parts(&self, request: &CopyRequest) -> Result<PutOutcome, StoreError> {
        let head = self
            .patiently(|| self.head_whole(&request.from_bucket, &request.from_key, None))
            .await?;
        let size = head
            .content_length()
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(request.size);
        let upload = self
            .once(|| self.create_copy_upload(request, &head))
            .await?;
        let (bucket, key) = (&request.to_bucket, &request.to_key);
        let copied = async {
            let parts = self.copy_parts(request, &head, &upload, size).await?;
            self.complete_copy(request, &upload, &parts).await
        };
        match copied.await {
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                if let Err(left) = self.abort_until_gone(bucket, key, &upload).await {
                    tracing::warn!(kind = ?left.kind, "a copy that failed left parts behind");
                }
                Err(StoreError {
                    doing: DOING,
                    ..error
                })
            }
        }
    }

    /// One busy moment must not cost a copy that has taken hours.
    async fn complete_copy(
        &self,
        request: &CopyRequest,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError> {
        let (bucket, key) = (&request.to_bucket, &request.to_key);
        let (mut doubtful, mut tries) = (None, 0);
        loop {
            let completed = self
                .once(|| self.complete_upload_once(bucket, key, upload, parts))
                .await;
            match (completed, doubtful.take()) {
                (Err(error), _) if error.kind.is_transient() && tries < 3 => {
                    tries += 1;
                    doubtful = Some(error);
                    tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                }
                // Perhaps it was completed, and only the answer was lost: that may pass.
                (Err(error), Some(earlier)) if error.kind == ErrorKind::NoSuchUpload => {
                    return Err(earlier);
                }
                (completed, _) => return completed,
            }
        }
    }

    /// What a copy in one request keeps by itself has to be said here: type, headers, metadata, tags.
    async fn create_copy_upload(
        &self,
        request: &CopyRequest,
        head: &HeadObjectOutput,
    ) -> Result<UploadId, StoreError> {
        let tags = self.tags_of(request).await;
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

    async fn copy_parts(
        &self,
        request: &CopyRequest,
        head: &HeadObjectOutput,
        upload: &UploadId,
        size: u64,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        let limits = self.quirk_limits();
        let part = self
            .0
            .config
            .copy_part_size
            .max(size.div_ceil(u64::from(limits)))
            .max(1);
        let plan = (0..size.div_ceil(part)).map(|index| {
            (
                index as u32 + 1,
                index * part,
                ((index + 1) * part).min(size),
            )
        });
        futures::stream::iter(plan)
            .map(|(number, from, to)| async move {
                let mut tries = 0;
                loop {
                    match self
                        .once(|| self.copy_part(request, head, upload, number, from, to))
                        .await
                    {
                        // One busy moment must not cost the parts that are done.
                        Err(error) if error.kind.is_transient() && tries < 3 => {
                            tries += 1;
                            tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                        }
                        done => return done,
                    }
                }
            })
            .buffer_unordered(ABREAST)
            .try_collect()
            .await
    }

    fn quirk_limits(&self) -> u32 {
        self.0.config.quirks.parts.max_parts.max(1)
    }

    async fn copy_part(
        &self,
        request: &CopyRequest,
        head: &HeadObjectOutput,
        upload: &UploadId,
        number: u32,
        from: u64,
        to: u64,
    ) -> Result<CompletedPart, StoreError> {
        let operation = self
            .client()
            .upload_part_copy()
            .bucket(&request.to_bucket)
            .key(&request.to_key)
            .upload_id(&upload.0)
            .part_number(number as i32)
            .copy_source(source(request))
            // Parts of two different objects must never be spliced.
            .set_copy_source_if_match(etag(head.e_tag()).as_deref().map(quoted))
            .copy_source_range(format!("bytes={from}-{}", to - 1));
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
            number,
            etag,
            size: to - from,
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
