//! S3's operations on the shelf, one room per subject.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::listing::{Page, Query, Row};
use crate::receive::{Received, copy_range, receive};
use crate::shelf::{Attributes, Object as Stored, Shelf, hex};
use crate::uploads::{self, Assembly};

/// Small reads make a ranged download crawl.
const READ: usize = 256 << 10;
const PAGE: i32 = 1000;

/// `encoding-type=url`, in which `/` stays.
const URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub struct Protocol {
    shelf: Arc<Shelf>,
}

impl Protocol {
    pub fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf }
    }

    /// Runs what blocks where it may.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> io::Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let shelf = Arc::clone(&self.shelf);
        match tokio::task::spawn_blocking(move || work(&shelf)).await {
            Ok(result) => result.map_err(refusal),
            Err(e) => Err(S3Error::internal_error(e)),
        }
    }

    async fn need_bucket(&self, bucket: &str) -> S3Result<()> {
        let bucket = bucket.to_owned();
        if self
            .on_disk(move |shelf| Ok(shelf.has_bucket(&bucket)))
            .await?
        {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket, "The bucket does not exist."))
        }
    }

    async fn object(&self, bucket: &str, key: &str) -> S3Result<Stored> {
        let (owned_bucket, key) = (bucket.to_owned(), key.to_owned());
        if let Some(object) = self
            .on_disk(move |shelf| shelf.get(&owned_bucket, &key))
            .await?
        {
            Ok(object)
        } else {
            self.need_bucket(bucket).await?;
            Err(s3_error!(NoSuchKey, "The object does not exist."))
        }
    }

    async fn place(
        &self,
        bucket: String,
        key: String,
        received: Received,
        etag: String,
        attributes: Attributes,
        if_absent: bool,
    ) -> S3Result<Stored> {
        let placed = self
            .on_disk(move |shelf| {
                shelf.put(&bucket, &key, received.path(), etag, attributes, if_absent)
            })
            .await?;
        placed.ok_or_else(|| {
            s3_error!(
                PreconditionFailed,
                "There is an object of that name already."
            )
        })
    }

    async fn upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> S3Result<(std::path::PathBuf, uploads::Upload)> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), id.to_owned());
        let found = self
            .on_disk(move |shelf| Ok(shelf.upload(&bucket, &key, &id)))
            .await?;
        found.ok_or_else(|| {
            s3_error!(
                NoSuchUpload,
                "The upload was completed, aborted, or never begun."
            )
        })
    }

    async fn page(
        &self,
        bucket: &str,
        prefix: Option<&str>,
        delimiter: Option<&str>,
        after: &str,
        max_keys: Option<i32>,
    ) -> S3Result<Page> {
        self.need_bucket(bucket).await?;
        let limit = max_keys.unwrap_or(PAGE);
        let Ok(limit) = usize::try_from(limit.min(PAGE)) else {
            return Err(s3_error!(InvalidArgument, "max-keys is negative."));
        };
        let (bucket, after) = (bucket.to_owned(), after.to_owned());
        let (prefix, delimiter) = (
            prefix.unwrap_or_default().to_owned(),
            delimiter.unwrap_or_default().to_owned(),
        );
        self.on_disk(move |shelf| {
            if limit == 0 {
                return Ok(Page {
                    rows: Vec::new(),
                    truncated: false,
                });
            }
            shelf.list(&Query {
                bucket: &bucket,
                prefix: &prefix,
                delimiter: &delimiter,
                after: &after,
                limit,
            })
        })
        .await
    }
}

/// A full disk is the one failure of the disk that a client treats by itself.
pub fn refusal(error: io::Error) -> S3Error {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        let mut refusal = S3Error::with_message(
            S3ErrorCode::Custom("QuotaExceeded".into()),
            "The disk of the practice store is full.",
        );
        refusal.set_status_code(http::StatusCode::FORBIDDEN);
        refusal
    } else {
        S3Error::internal_error(error)
    }
}

fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

fn met(condition: &ETagCondition, current: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == current,
    }
}

/// `If-Match` and `If-None-Match` of a read.
fn check_read(
    object: &Stored,
    if_match: Option<&IfMatch>,
    if_none_match: Option<&IfNoneMatch>,
) -> S3Result<()> {
    if if_match.is_some_and(|c| !met(c, &object.etag)) {
        return Err(s3_error!(
            PreconditionFailed,
            "The object is no longer the one that was asked for."
        ));
    }
    if if_none_match.is_some_and(|c| met(c, &object.etag)) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn source(copy: &CopySource) -> S3Result<(&str, &str)> {
    match copy {
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => Ok((bucket, key)),
        _ => Err(s3_error!(
            NotImplemented,
            "The practice store copies plain objects only."
        )),
    }
}

/// `bytes=FIRST-LAST` of a part copy; both are needed, and must be inside.
fn copy_bytes_of(range: &str, size: u64) -> Option<std::ops::Range<u64>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    (first <= last && last < size).then_some(first..last + 1)
}

/// As wanted by the request's `encoding-type`.
struct Spelling(bool);

impl Spelling {
    fn of(encoding: Option<&EncodingType>) -> Self {
        Self(encoding.is_some_and(|e| e.as_str() == EncodingType::URL))
    }

    fn spell(&self, text: &str) -> String {
        if self.0 {
            utf8_percent_encode(text, URL).to_string()
        } else {
            text.to_owned()
        }
    }

    fn rows(&self, page: Page) -> (Vec<Object>, Vec<CommonPrefix>) {
        let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
        for row in page.rows {
            match row {
                Row::Object(key, object) => objects.push(Object {
                    key: Some(self.spell(&key)),
                    size: Some(object.size as i64),
                    last_modified: Some(object.modified.into()),
                    e_tag: Some(etag(&object.etag)),
                    storage_class: Some(ObjectStorageClass::from_static(
                        ObjectStorageClass::STANDARD,
                    )),
                    ..Default::default()
                }),
                Row::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(self.spell(&prefix)),
                }),
            }
        }
        (objects, prefixes)
    }
}

macro_rules! attributes {
    ($input:expr) => {
        Attributes {
            content_type: $input.content_type.clone(),
            content_encoding: $input.content_encoding.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_language: $input.content_language.clone(),
            cache_control: $input.cache_control.clone(),
            metadata: $input
                .metadata
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        }
    };
}

macro_rules! described {
    ($output:ident, $object:expr) => {
        $output {
            accept_ranges: Some("bytes".to_owned()),
            content_type: $object.attributes.content_type.clone(),
            content_encoding: $object.attributes.content_encoding.clone(),
            content_disposition: $object.attributes.content_disposition.clone(),
            content_language: $object.attributes.content_language.clone(),
            cache_control: $object.attributes.cache_control.clone(),
            metadata: Some($object.attributes.metadata.clone().into_iter().collect()),
            last_modified: Some($object.modified.into()),
            e_tag: Some(etag(&$object.etag)),
            ..Default::default()
        }
    };
}

mod buckets;
mod listings;
mod multipart;
mod objects;

macro_rules! operations {
    ($($operation:ident($input:ident) -> $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Protocol {
            $(
                async fn $operation(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    // The method of the same name in one of the rooms below.
                    Protocol::$operation(self, req.input).await.map(S3Response::new)
                }
            )*
        }
    };
}

operations! {
    list_buckets(ListBucketsInput) -> ListBucketsOutput;
    head_bucket(HeadBucketInput) -> HeadBucketOutput;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
    create_bucket(CreateBucketInput) -> CreateBucketOutput;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput;
    list_objects(ListObjectsInput) -> ListObjectsOutput;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    head_object(HeadObjectInput) -> HeadObjectOutput;
    get_object(GetObjectInput) -> GetObjectOutput;
    put_object(PutObjectInput) -> PutObjectOutput;
    copy_object(CopyObjectInput) -> CopyObjectOutput;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    upload_part(UploadPartInput) -> UploadPartOutput;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    list_parts(ListPartsInput) -> ListPartsOutput;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
}
