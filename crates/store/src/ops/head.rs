//! What is known of an object without its bytes.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};

use crate::api::{Makeup, ObjectHead};
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn head_once(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<ObjectHead, StoreError> {
        let answer = self.head_whole(bucket, key, None).await?;
        Ok(of_answer(&answer))
    }

    pub(crate) async fn head_with_checksum_once(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(ObjectHead, Option<String>), StoreError> {
        let asked = self
            .head_whole(bucket, key, Some(ChecksumMode::Enabled))
            .await;
        match asked {
            Ok(answer) => {
                let crc = answer.checksum_crc64_nvme().map(str::to_owned);
                Ok((of_answer(&answer), crc))
            }
            // Of what is encrypted with a managed key, the checksum is for those who may decrypt it;
            // and a store may know nothing of the question.
            Err(e) if matches!(e.kind, ErrorKind::Denied | ErrorKind::Unsupported) => {
                Ok((self.head_once(bucket, key).await?, None))
            }
            Err(e) => Err(e),
        }
    }

    /// A store may know nothing of the question, and answers as it likes.
    pub(crate) async fn makeup_once(&self, bucket: &str, key: &str) -> Result<Makeup, StoreError> {
        let ask = self.client().head_object().bucket(bucket).key(key);
        let ask = ask.part_number(1);
        match send!(self, "look at the object", About::Object, ask) {
            Ok(answer) => {
                let size = answer.content_length().and_then(|n| u64::try_from(n).ok());
                // Without their number it is the size of the whole.
                let in_parts = answer.parts_count().is_some_and(|count| count > 0);
                let by_user = answer.sse_customer_algorithm().is_some();
                let managed = answer.server_side_encryption();
                Ok(Makeup {
                    first_part: size.filter(|size| in_parts && *size > 0),
                    encrypted: by_user
                        || managed.is_some_and(|kind| *kind != ServerSideEncryption::Aes256),
                })
            }
            Err(e) if e.kind.is_transient() => Err(e),
            Err(_) => Ok(Makeup::default()),
        }
    }

    pub(crate) async fn head_whole(
        &self,
        bucket: &str,
        key: &str,
        checksum: Option<ChecksumMode>,
    ) -> Result<HeadObjectOutput, StoreError> {
        let doing = "look at the object";
        let answer = send!(
            self,
            doing,
            About::Object,
            self.client()
                .head_object()
                .bucket(bucket)
                .key(key)
                .set_checksum_mode(checksum)
        )?;
        if answer.e_tag().is_none() && answer.last_modified().is_none() {
            return Err(self.refusals(doing, About::Object).foreign(b""));
        }
        Ok(answer)
    }
}

/// The SDK's answers to HEAD and GET have these in common, but no type that says so.
macro_rules! object_head {
    ($answer:expr, $size:expr) => {
        $crate::api::ObjectHead {
            size: $size,
            modified: $answer.last_modified().and_then($crate::ops::time),
            etag: $crate::ops::etag($answer.e_tag()),
            content_type: $answer.content_type().map(str::to_owned),
            storage_class: $answer
                .storage_class()
                .map(|class| class.as_str().to_owned()),
            version_id: $answer.version_id().map(str::to_owned),
            metadata: $crate::ops::head::metadata($answer.metadata()),
        }
    };
}
pub(super) use object_head;

fn of_answer(answer: &HeadObjectOutput) -> ObjectHead {
    let size = answer
        .content_length()
        .and_then(|size| u64::try_from(size).ok())
        .unwrap_or_default();
    object_head!(answer, size)
}

pub(crate) fn metadata(pairs: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
