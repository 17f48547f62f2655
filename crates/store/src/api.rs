//! The operations every store has, and the values they take and give.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use crate::error::StoreError;
use crate::pieces::Pieces;

/// A bucket as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketInfo {
    pub name: String,
    pub created: Option<DateTime<Utc>>,
}

/// A row of a listing. The key is hostile text: any Unicode, control characters included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    pub key: String,
    /// Bytes.
    pub size: u64,
    pub modified: Option<DateTime<Utc>>,
    /// Without its quotation marks.
    pub etag: Option<String>,
    pub storage_class: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    pub bucket: String,
    pub prefix: String,
    /// `Some("/")` groups what lies deeper into [`ListPage::prefixes`].
    pub delimiter: Option<String>,
    /// [`ListPage::next`] of the page before.
    pub continuation: Option<String>,
    /// List only keys after this one.
    pub start_after: Option<String>,
    /// At most 1,000, which is also what absence means.
    pub max_keys: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    pub objects: Vec<ObjectInfo>,
    /// Whole prefixes, ending in the delimiter.
    pub prefixes: Vec<String>,
    /// Present while there is more.
    pub next: Option<String>,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectHead {
    pub size: u64,
    pub modified: Option<DateTime<Utc>>,
    pub etag: Option<String>,
    pub content_type: Option<String>,
    pub storage_class: Option<String>,
    pub version_id: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// How an object was made, as far as the store tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Makeup {
    /// Bytes of the first of the parts that it was uploaded in. Ceph 16 does not tell.
    pub first_part: Option<u64>,
    /// With a key that is not the store's own affair: its ETag is no hash of its bytes.
    pub encrypted: bool,
}

#[derive(Debug, Clone, Default)]
pub struct GetRequest {
    pub bucket: String,
    pub key: String,
    /// Half open, in bytes.
    pub range: Option<Range<u64>>,
    /// Refuse (`ErrorKind::Changed`) when the object is no longer this one.
    pub if_match: Option<String>,
}

pub struct GetResponse {
    /// Of the whole object, also when a range was asked for.
    pub head: ObjectHead,
    /// Bytes that `body` will yield when nothing goes wrong; the stream errors when it is cut short.
    pub length: u64,
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// Bytes to send. Any of them can be sent again on a retry.
#[derive(Debug, Clone)]
pub enum Body {
    Bytes(Bytes),
    /// A range of a file, streamed, for parts too large to hold in memory.
    File {
        path: PathBuf,
        offset: u64,
        length: u64,
    },
    /// A range of a file that is in memory, for as little time as it takes.
    Pieces(Pieces),
}

impl Body {
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
            Self::Pieces(pieces) => pieces.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Hashes of a body that make the store refuse it when damaged on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentCheck {
    /// Sent as `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// Sent as the signed payload hash where [`ObjectStore::signs_bodies`]. It is computed where it is
    /// not known.
    pub sha256: Option<[u8; 32]>,
}

#[derive(Debug, Clone)]
pub struct PutRequest {
    pub bucket: String,
    pub key: String,
    pub body: Body,
    pub check: ContentCheck,
    pub content_type: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Refuse (`ErrorKind::Exists`) to replace an object, where the store knows `If-None-Match`.
    pub if_absent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PutOutcome {
    pub etag: Option<String>,
    pub version_id: Option<String>,
    /// The CRC-64/NVME of the whole as the store computed it, in Base64; few say it.
    pub crc64nvme: Option<String>,
}

/// As an object that is there already could have been answered with.
impl From<ObjectHead> for PutOutcome {
    fn from(head: ObjectHead) -> Self {
        Self {
            etag: head.etag,
            version_id: head.version_id,
            crc64nvme: None,
        }
    }
}

/// Names a multipart upload together with its bucket and key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(pub String);

#[derive(Debug, Clone)]
pub struct UploadPartRequest {
    pub bucket: String,
    pub key: String,
    pub upload: UploadId,
    /// 1 to 10,000.
    pub number: u32,
    pub body: Body,
    pub check: ContentCheck,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedPart {
    pub number: u32,
    pub etag: String,
    pub size: u64,
}

/// A multipart upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadInfo {
    pub key: String,
    pub upload: UploadId,
    pub started: Option<DateTime<Utc>>,
    pub owner: Option<String>,
}

/// A copy inside one store.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    pub from_bucket: String,
    pub from_key: String,
    pub to_bucket: String,
    pub to_key: String,
}

/// A piece of an object as a part of an upload in the same store.
#[derive(Debug, Clone)]
pub struct CopyPartRequest {
    pub copy: CopyRequest,
    pub upload: UploadId,
    /// 1 to 10,000.
    pub number: u32,
    /// Of the source; half open, in bytes.
    pub range: Range<u64>,
    /// Refuse (`ErrorKind::Changed`) when the source is no longer this one: parts of two objects must
    /// never be spliced.
    pub if_match: Option<String>,
}

#[derive(Debug)]
pub struct DeleteOutcome {
    pub key: String,
    pub result: Result<(), StoreError>,
}

#[async_trait]
pub trait ObjectStore: Send + Sync + 'static {
    async fn list_buckets(&self) -> Result<Vec<BucketInfo>, StoreError>;
    /// Whether the bucket exists and this key may look at it.
    async fn head_bucket(&self, bucket: &str) -> Result<(), StoreError>;
    async fn create_bucket(&self, bucket: &str) -> Result<(), StoreError>;
    /// Only an empty bucket can go.
    async fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError>;

    async fn list(&self, request: ListRequest) -> Result<ListPage, StoreError>;
    async fn head(&self, bucket: &str, key: &str) -> Result<ObjectHead, StoreError>;
    /// The same, with the CRC-64/NVME of the whole as the store has it, in Base64, where it has one.
    /// May take more rights than [`Self::head`] does.
    async fn head_with_checksum(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(ObjectHead, Option<String>), StoreError> {
        Ok((self.head(bucket, key).await?, None))
    }
    async fn makeup(&self, _bucket: &str, _key: &str) -> Result<Makeup, StoreError> {
        Ok(Makeup::default())
    }
    async fn get(&self, request: GetRequest) -> Result<GetResponse, StoreError>;
    async fn put(&self, request: PutRequest) -> Result<PutOutcome, StoreError>;
    /// In one request: of objects up to [`Self::copies_whole_up_to`].
    async fn copy(&self, request: CopyRequest) -> Result<PutOutcome, StoreError>;
    /// Bytes of the largest object that can be copied in one request. A larger one is copied in parts.
    fn copies_whole_up_to(&self) -> u64 {
        5 << 30
    }
    /// Bytes of a part of a copy, where the object does not need larger ones.
    fn copy_part_size(&self) -> u64 {
        512 << 20
    }
    /// Begins an upload that is to become a copy, with all that belongs to the source beside its bytes.
    async fn create_copy_upload(&self, request: &CopyRequest) -> Result<UploadId, StoreError>;
    async fn copy_part(&self, request: CopyPartRequest) -> Result<CompletedPart, StoreError>;
    /// Deletes any number of keys, in batches or singly as the store likes it; one outcome per key.
    async fn delete(&self, bucket: &str, keys: Vec<String>) -> Vec<DeleteOutcome>;

    async fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        content_type: Option<&str>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<UploadId, StoreError>;
    async fn upload_part(&self, request: UploadPartRequest) -> Result<CompletedPart, StoreError>;
    /// The ETag may be absent: Ceph answers with an empty one, and `head` has the right one.
    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError>;
    /// Aborts, then looks whether parts are left and aborts again: one abort may not be enough.
    async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<(), StoreError>;
    async fn list_parts(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<Vec<CompletedPart>, StoreError>;
    async fn list_uploads(&self, bucket: &str, prefix: &str)
    -> Result<Vec<UploadInfo>, StoreError>;

    /// Whether the SHA-256 of a body is signed with its request: whoever reads the body had better
    /// compute it as well.
    fn signs_bodies(&self) -> bool {
        false
    }

    /// Part limits, delete mode and the rest of what this store is like.
    fn quirks(&self) -> &wherry_account::Quirks;
}
