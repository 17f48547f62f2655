//! S3's operations on the shelf.

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

#[async_trait::async_trait]
impl S3 for Protocol {
    async fn list_buckets(
        &self,
        _: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self.on_disk(Shelf::buckets).await?;
        let buckets = buckets.into_iter().map(|(name, created)| Bucket {
            name: Some(name),
            creation_date: Some(created.into()),
            bucket_region: None,
        });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            ..Default::default()
        }))
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.need_bucket(&req.input.bucket).await?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.need_bucket(&req.input.bucket).await?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let bucket = req.input.bucket;
        let location = format!("/{bucket}");
        if self
            .on_disk(move |shelf| shelf.create_bucket(&bucket))
            .await?
        {
            Ok(S3Response::new(CreateBucketOutput {
                location: Some(location),
            }))
        } else {
            Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "The bucket exists already."
            ))
        }
    }

    async fn delete_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.need_bucket(&req.input.bucket).await?;
        let bucket = req.input.bucket;
        if self
            .on_disk(move |shelf| shelf.delete_bucket(&bucket))
            .await?
        {
            Ok(S3Response::new(DeleteBucketOutput {}))
        } else {
            Err(s3_error!(
                BucketNotEmpty,
                "The bucket still has objects in it."
            ))
        }
    }

    async fn list_objects(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        let after = input.marker.clone().unwrap_or_default();
        let page = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            &after,
            input.max_keys,
        );
        let page = page.await?;
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let truncated = page.truncated;
        let next = page
            .rows
            .last()
            .filter(|_| truncated)
            .map(|row| spelling.spell(row.name()));
        let (contents, common_prefixes) = spelling.rows(page);
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.spell(&input.prefix.unwrap_or_default())),
            marker: Some(spelling.spell(&after)),
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            is_truncated: Some(truncated),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: input.delimiter.map(|d| spelling.spell(&d)),
            next_marker: next,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        // Tokens are opaque: hex keeps any key out of the XML and of the query string.
        let after = match &input.continuation_token {
            Some(token) => uploads::from_hex(token)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| {
                    s3_error!(
                        InvalidArgument,
                        "The continuation token is not one of this store's."
                    )
                })?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let page = self.page(
            &input.bucket,
            input.prefix.as_deref(),
            input.delimiter.as_deref(),
            &after,
            input.max_keys,
        );
        let page = page.await?;
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let truncated = page.truncated;
        let next = page
            .rows
            .last()
            .filter(|_| truncated)
            .map(|row| hex(row.name().as_bytes()));
        let count = page.rows.len();
        let (contents, common_prefixes) = spelling.rows(page);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(spelling.spell(&input.prefix.unwrap_or_default())),
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(truncated),
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            delimiter: input.delimiter.map(|d| spelling.spell(&d)),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            start_after: input.start_after.map(|s| spelling.spell(&s)),
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let object = self.object(&input.bucket, &input.key).await?;
        check_read(
            &object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        let mut output = described!(HeadObjectOutput, object);
        output.content_length = Some(object.size as i64);
        Ok(S3Response::new(output))
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let object = self.object(&input.bucket, &input.key).await?;
        check_read(
            &object,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        let range = match input.range {
            Some(range) => range.check(object.size)?,
            None => 0..object.size,
        };
        let length = range.end - range.start;
        // An object replaced meanwhile is another file; this handle stays with the one described.
        let gone = |e| s3_error!(e, NoSuchKey, "The object was deleted just now.");
        let mut file = tokio::fs::File::open(&object.path).await.map_err(gone)?;
        file.set_max_buf_size(READ);
        if range.start > 0 {
            file.seek(io::SeekFrom::Start(range.start))
                .await
                .map_err(refusal)?;
        }
        let mut output = described!(GetObjectOutput, object);
        output.content_length = Some(length as i64);
        if input.range.is_some() {
            output.content_range = Some(format!(
                "bytes {}-{}/{}",
                range.start,
                range.end.saturating_sub(1),
                object.size
            ));
        }
        output.body = Some(StreamingBlob::wrap(ReaderStream::with_capacity(
            file.take(length),
            READ,
        )));
        Ok(S3Response::new(output))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = req.input;
        self.need_bucket(&input.bucket).await?;
        let attributes = attributes!(input);
        let if_absent = input
            .if_none_match
            .as_ref()
            .is_some_and(ETagCondition::is_any);
        if let Some(condition) = &input.if_match {
            let current = self.object(&input.bucket, &input.key).await?;
            if !met(condition, &current.etag) {
                return Err(s3_error!(
                    PreconditionFailed,
                    "The object is no longer the one to be replaced."
                ));
            }
        }
        let received = receive(
            input.body.take(),
            self.shelf.incoming(),
            input.content_md5.as_deref(),
        )
        .await?;
        let md5 = received.etag();
        self.place(
            input.bucket,
            input.key,
            received,
            md5.clone(),
            attributes,
            if_absent,
        )
        .await?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(etag(&md5)),
            ..Default::default()
        }))
    }

    async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = req.input;
        let (from_bucket, from_key) = source(&input.copy_source)?;
        let from = self.object(from_bucket, from_key).await?;
        if input
            .copy_source_if_match
            .as_ref()
            .is_some_and(|c| !met(c, &from.etag))
        {
            return Err(s3_error!(
                PreconditionFailed,
                "The object is no longer the one to be copied."
            ));
        }
        self.need_bucket(&input.bucket).await?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
        if !replace && (from_bucket, from_key) == (&*input.bucket, &*input.key) {
            return Err(s3_error!(
                InvalidRequest,
                "An object cannot be copied onto itself unchanged."
            ));
        }
        let attributes = if replace {
            attributes!(input)
        } else {
            from.attributes.clone()
        };
        let path = from.path.clone();
        let copied = self.on_disk(move |shelf| {
            let received = Received::at(shelf.incoming());
            std::fs::copy(path, received.path())?;
            // A copy is a new object with a time of its own.
            let file = std::fs::File::options().write(true).open(received.path())?;
            file.set_modified(std::time::SystemTime::now())?;
            Ok(received)
        });
        let copied = copied.await?;
        let placed = self
            .place(
                input.bucket,
                input.key,
                copied,
                from.etag,
                attributes,
                false,
            )
            .await?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(etag(&placed.etag)),
                last_modified: Some(placed.modified.into()),
                ..Default::default()
            }),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        self.need_bucket(&input.bucket).await?;
        self.on_disk(move |shelf| shelf.delete(&input.bucket, &input.key))
            .await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = req.input;
        self.need_bucket(&input.bucket).await?;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(
                MalformedXML,
                "At most 1,000 keys can be deleted at once."
            ));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let outcomes = self.on_disk(move |shelf| {
            let delete = |object: ObjectIdentifier| {
                let outcome = shelf.delete(&input.bucket, &object.key);
                (object.key, outcome)
            };
            Ok(input
                .delete
                .objects
                .into_iter()
                .map(delete)
                .collect::<Vec<_>>())
        });
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for (key, outcome) in outcomes.await? {
            match outcome {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(key),
                    ..Default::default()
                }),
                Err(e) => errors.push(Error {
                    key: Some(key),
                    code: Some("InternalError".to_owned()),
                    message: Some(e.to_string()),
                    ..Default::default()
                }),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        self.need_bucket(&input.bucket).await?;
        let attributes = attributes!(input);
        let (bucket, key) = (input.bucket.clone(), input.key.clone());
        let id = self
            .on_disk(move |shelf| shelf.begin_upload(&bucket, &key, attributes))
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        }))
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let mut input = req.input;
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let number = part_number(input.part_number)?;
        let received = receive(
            input.body.take(),
            self.shelf.incoming(),
            input.content_md5.as_deref(),
        )
        .await?;
        let md5 = received.etag();
        self.keep_part(&folder, number, received).await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(etag(&md5)),
            ..Default::default()
        }))
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = req.input;
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let number = part_number(input.part_number)?;
        let (from_bucket, from_key) = source(&input.copy_source)?;
        let from = self.object(from_bucket, from_key).await?;
        if input
            .copy_source_if_match
            .as_ref()
            .is_some_and(|c| !met(c, &from.etag))
        {
            return Err(s3_error!(
                PreconditionFailed,
                "The object is no longer the one to be copied."
            ));
        }
        let range = match &input.copy_source_range {
            Some(range) => copy_bytes_of(range, from.size)
                .ok_or_else(|| s3_error!(InvalidRange, "The range is not inside the object."))?,
            None => 0..from.size,
        };
        let received = self
            .on_disk(move |shelf| copy_range(&from.path, range, shelf.incoming()))
            .await?;
        let md5 = received.etag();
        self.keep_part(&folder, number, received).await?;
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(CopyPartResult {
                e_tag: Some(etag(&md5)),
                ..Default::default()
            }),
            ..Default::default()
        }))
    }

    async fn list_parts(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let marker = input.part_number_marker.unwrap_or(0);
        let mut parts = self.on_disk(move |_| uploads::parts(&folder)).await?;
        parts.retain(|p| p.number > marker);
        let limit = usize::try_from(input.max_parts.unwrap_or(PAGE).clamp(1, PAGE)).unwrap_or(1);
        let truncated = parts.len() > limit;
        parts.truncate(limit);
        let next = parts.last().filter(|_| truncated).map(|p| p.number);
        let parts = parts.into_iter().map(|part| Part {
            part_number: Some(part.number),
            size: Some(part.size as i64),
            e_tag: Some(etag(&part.etag)),
            last_modified: Some(part.modified.into()),
            ..Default::default()
        });
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            parts: Some(parts.collect()),
            is_truncated: Some(truncated),
            part_number_marker: Some(marker),
            next_part_number_marker: next,
            max_parts: i32::try_from(limit).ok(),
            ..Default::default()
        }))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        self.need_bucket(&input.bucket).await?;
        let (bucket, prefix) = (
            input.bucket.clone(),
            input.prefix.clone().unwrap_or_default(),
        );
        let mut uploads = self
            .on_disk(move |shelf| shelf.uploads(&bucket, &prefix))
            .await?;
        if let Some(key) = &input.key_marker {
            let id = input.upload_id_marker.as_deref();
            uploads.retain(|u| {
                u.key > *key || (u.key == *key && id.is_some_and(|id| u.id.as_str() > id))
            });
        }
        let limit = usize::try_from(input.max_uploads.unwrap_or(PAGE).clamp(1, PAGE)).unwrap_or(1);
        let truncated = uploads.len() > limit;
        uploads.truncate(limit);
        let spelling = Spelling::of(input.encoding_type.as_ref());
        let last = uploads.last().filter(|_| truncated);
        let (next_key_marker, next_upload_id_marker) = (
            last.map(|u| spelling.spell(&u.key)),
            last.map(|u| u.id.clone()),
        );
        let uploads = uploads.into_iter().map(|upload| MultipartUpload {
            key: Some(spelling.spell(&upload.key)),
            upload_id: Some(upload.id),
            initiated: Some(upload.started.into()),
            ..Default::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix.map(|p| spelling.spell(&p)),
            uploads: Some(uploads.collect()),
            is_truncated: Some(truncated),
            next_key_marker,
            next_upload_id_marker,
            encoding_type: input.encoding_type,
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let (folder, upload) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        let if_absent = input
            .if_none_match
            .as_ref()
            .is_some_and(ETagCondition::is_any);
        let named = input
            .multipart_upload
            .and_then(|u| u.parts)
            .unwrap_or_default();
        let wanted: Option<Vec<(i32, String)>> = named
            .into_iter()
            .map(|p| Some((p.part_number?, p.e_tag?.into_value())))
            .collect();
        let no_part = || {
            s3_error!(
                InvalidPart,
                "A part named there was not uploaded, or is another one."
            )
        };
        let wanted = wanted.ok_or_else(no_part)?;
        let parts = folder.clone();
        let assembly = self
            .on_disk(move |shelf| uploads::assemble(shelf, &parts, &wanted))
            .await?;
        let (whole, md5) = match assembly {
            Assembly::Done { path, etag } => (Received::at(path), etag),
            Assembly::NoSuchPart => return Err(no_part()),
            Assembly::OutOfOrder => {
                return Err(s3_error!(InvalidPartOrder, "The parts are not in order."));
            }
            Assembly::TooSmall => {
                return Err(s3_error!(
                    EntityTooSmall,
                    "A part other than the last is smaller than 5 MiB."
                ));
            }
        };
        self.place(
            upload.bucket,
            upload.key,
            whole,
            md5.clone(),
            upload.attributes,
            if_absent,
        )
        .await?;
        self.on_disk(move |_| std::fs::remove_dir_all(folder))
            .await?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            location: Some(format!(
                "/{}/{}",
                input.bucket,
                utf8_percent_encode(&input.key, URL)
            )),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(etag(&md5)),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = req.input;
        let (folder, _) = self
            .upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        self.on_disk(move |_| std::fs::remove_dir_all(folder))
            .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

impl Protocol {
    async fn keep_part(&self, folder: &Path, number: i32, received: Received) -> S3Result<()> {
        let (folder, md5) = (folder.to_owned(), received.etag());
        // The folder is gone when the upload was aborted meanwhile.
        let kept = self.on_disk(move |_| {
            match uploads::keep_part(&folder, number, received.path(), &md5) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
                other => other.map(|()| true),
            }
        });
        if kept.await? {
            Ok(())
        } else {
            Err(s3_error!(NoSuchUpload, "The upload was aborted meanwhile."))
        }
    }
}

fn part_number(number: i32) -> S3Result<i32> {
    if (1..=10_000).contains(&number) {
        Ok(number)
    } else {
        Err(s3_error!(
            InvalidArgument,
            "Part numbers go from 1 to 10,000."
        ))
    }
}
