//! The queue, what has ended, and the proof of what arrived.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{FileState, JobView, Millis, Problem};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum QueuePlace {
    /// It runs now; another one waits for it if need be.
    Now,
    Up,
    Down,
    Last,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MoveJob {
    pub job: String,
    pub to: QueuePlace,
}

/// Transfers that have ended, of this and earlier sessions, newest first.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryRequest {
    /// In the title; empty for all.
    pub search: String,
    /// [`HistoryPage::next`] of the page before.
    pub after: Option<String>,
    /// At most 200.
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    pub jobs: Vec<JobView>,
    /// Present while there is more.
    pub next: Option<String>,
}

/// Files of all transfers, newest first.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryFilesRequest {
    /// In the name, here or there.
    pub search: String,
    pub after: Option<String>,
    /// At most 200.
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryFiles {
    pub files: Vec<HistoryFile>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HistoryFile {
    pub job: String,
    /// Path or `bucket/key`: hostile text.
    pub from: String,
    /// None for one that was deleted: it went nowhere, and there is no receipt of it.
    pub to: Option<String>,
    pub size: u64,
    pub state: FileState,
    pub finished: Option<Millis>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptsRequest {
    pub job: String,
    pub from: usize,
    /// At most 500.
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Receipts {
    pub total: usize,
    pub receipts: Vec<ReceiptView>,
}

/// What arrived, and how that is known.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    pub from: String,
    pub to: String,
    pub size: u64,
    /// In hex, of the whole, where it was computed.
    pub md5: Option<String>,
    pub sha256: Option<String>,
    /// CRC-64/NVME of the whole, in Base64; absent where the bytes never came by.
    pub crc64nvme: Option<String>,
    pub etag: Option<String>,
    pub part_size: Option<u64>,
    pub version_id: Option<String>,
    /// "the store's ETag is the hash of the bytes"
    pub proof: String,
    pub started: Millis,
    pub finished: Millis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptFormat {
    Json,
    Csv,
    /// `manifest-md5.txt` of a BagIt bag.
    Bagit,
    /// `manifest-sha256.txt`. Files of which no SHA-256 is known are read for it.
    BagitSha256,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SaveReceipts {
    pub job: String,
    pub format: ReceiptFormat,
    /// Where the user chose to save it.
    pub path: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SavedReceipts {
    pub files: u64,
    /// Files that are not in a BagIt manifest, as no hash of them is known or can be had.
    pub left_out: u64,
}

/// Which side is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum VerifySide {
    /// What the store says; where that proves nothing, the objects are read.
    Store,
    /// The objects, every byte of them.
    StoreRead,
    Computer,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(
    rename_all = "kebab-case",
    tag = "kind",
    rename_all_fields = "camelCase"
)]
pub enum VerifyWhat {
    Job {
        job: String,
        side: VerifySide,
    },
    /// A receipt saved as JSON, perhaps on another computer; objects are looked for with this account.
    File {
        path: String,
        account: String,
        side: VerifySide,
    },
}

/// Multipart uploads of a bucket that were begun and never finished: they cost quota.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Unfinished {
    pub uploads: Vec<UnfinishedView>,
    /// Of all, as far as known.
    pub bytes: u64,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UnfinishedView {
    pub key: String,
    pub upload: String,
    pub started: Option<Millis>,
    /// None where the store does not say.
    pub bytes: Option<u64>,
    pub owner: Option<String>,
    /// The transfer of this computer that is still using it: not to be cleaned up.
    pub job: Option<String>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CleanUploads {
    pub account: String,
    pub bucket: String,
    pub uploads: Vec<UploadRef>,
}

#[derive(Debug, Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct UploadRef {
    pub key: String,
    pub upload: String,
}

#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    pub uploads: u64,
    /// Key and reason of those that could not be cleaned up.
    pub problems: Vec<(String, Problem)>,
}
