//! Buckets, folders and objects.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Millis, Problem};

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BucketsView {
    pub buckets: Vec<BucketView>,
    /// Set when this key may not list buckets; those opened by name are still in `buckets`.
    pub denied: Option<Problem>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BucketView {
    pub name: String,
    pub created: Option<Millis>,
    /// Opened by name, not listed by the store.
    pub by_name: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    pub account: String,
    pub bucket: String,
    /// Empty, or ending in `/` (a typed prefix need not).
    pub prefix: String,
}

/// A folder being listed. Its rows stay in Rust; ask for the ones that can be seen.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListingView {
    pub id: String,
    pub location: Location,
    pub folders: u64,
    pub objects: u64,
    /// Of the objects directly here.
    pub bytes: u64,
    pub complete: bool,
    /// Grows with every change; rows of an older one are stale.
    pub generation: u64,
    /// Why the listing stopped early.
    pub problem: Option<Problem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS, Default)]
#[serde(rename_all = "kebab-case")]
pub enum SortBy {
    #[default]
    Name,
    Size,
    Modified,
    StorageClass,
}

/// How a listing is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct LookAt {
    pub sort: SortBy,
    pub descending: bool,
    /// Rows whose name contains this, case ignored.
    pub filter: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RowsRequest {
    pub listing: String,
    pub look: LookAt,
    pub from: usize,
    /// At most 500.
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Rows {
    /// Rows in all that pass the filter.
    pub total: usize,
    pub from: usize,
    pub rows: Vec<Row>,
    pub generation: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    Folder,
    Object,
    /// A zero-byte object whose key ends in `/`: it makes an empty folder visible.
    Marker,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub kind: RowKind,
    /// Key or prefix in full: what an action is given. Unique in the listing.
    pub key: String,
    /// The part after the folder. Hostile text.
    pub name: String,
    pub size: Option<u64>,
    pub modified: Option<Millis>,
    pub storage_class: Option<String>,
}

/// What an action is about. `keys` are `Row::key`s; those of folders mean all below them.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    pub location: Location,
    pub keys: Vec<SelectedKey>,
    /// Every row of this listing that passes this filter, `keys` being ignored.
    pub all_of: Option<AllOf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SelectedKey {
    pub kind: RowKind,
    pub key: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AllOf {
    pub listing: String,
    pub look: LookAt,
}

/// Rows `from..to` of a look, for a range selected with Shift.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RangeRequest {
    pub listing: String,
    pub look: LookAt,
    pub from: usize,
    pub to: usize,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FindRequest {
    pub listing: String,
    pub look: LookAt,
    /// The first row at or after `from`, going round, whose name begins with this, case ignored.
    pub starts_with: Option<String>,
    /// Or the row with this key.
    pub key: Option<String>,
    pub from: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDetails {
    pub key: String,
    pub size: u64,
    pub modified: Option<Millis>,
    pub etag: Option<String>,
    pub content_type: Option<String>,
    pub storage_class: Option<String>,
    pub version_id: Option<String>,
    pub metadata: Vec<(String, String)>,
    /// `s3://bucket/key`
    pub path: String,
    /// Unsigned.
    pub url: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    pub account: String,
    pub bucket: String,
    pub key: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BucketRef {
    pub account: String,
    pub bucket: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NewFolder {
    pub location: Location,
    pub name: String,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LinkRequest {
    pub object: ObjectRef,
    /// How long the presigned URL works, in seconds, at most 7 days.
    pub seconds: u32,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    pub url: String,
    pub expires: Millis,
}

/// A path as a person types it: `bucket/folder/`, `s3://bucket/folder/` or the address in full.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TypedPath {
    pub account: String,
    pub text: String,
}
