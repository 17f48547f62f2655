//! A whole object in one request.

use super::{etag, md5_header};
use crate::api::{PutOutcome, PutRequest};
use crate::body;
use crate::error::StoreError;
use crate::refusal::About;
use crate::sign::Extras;
use crate::store::{S3Store, send};

impl S3Store {
    pub(crate) async fn put_once(&self, request: &PutRequest) -> Result<PutOutcome, StoreError> {
        let doing = "upload the object";
        let about = if request.if_absent {
            About::NewObject
        } else {
            About::Object
        };
        let sha256 = self
            .payload_hash(&request.body, request.check, doing)
            .await?;
        let operation = self
            .client()
            .put_object()
            .bucket(&request.bucket)
            .key(&request.key)
            .content_length(request.body.len() as i64)
            .set_content_md5(md5_header(request.check.md5))
            .set_content_type(request.content_type.clone())
            .set_metadata(
                (!request.metadata.is_empty())
                    .then(|| request.metadata.clone().into_iter().collect()),
            )
            .set_if_none_match(request.if_absent.then(|| "*".to_owned()))
            .body(body::stream(&request.body));
        let answer = send!(
            self,
            doing,
            about,
            operation,
            Extras {
                sha256,
                ..Extras::default()
            }
        )?;
        Ok(PutOutcome {
            etag: etag(answer.e_tag()),
            version_id: answer.version_id().map(str::to_owned),
            crc64nvme: answer.checksum_crc64_nvme().map(str::to_owned),
        })
    }
}
