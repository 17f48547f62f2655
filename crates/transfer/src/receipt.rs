//! Proof that one file arrived: what was moved, where, and how that is known; saved for others, and
//! looked at again.

mod bagit;
mod document;
mod sums;
mod table;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::crc::Crc;

pub use bagit::BagitWriter;
pub use document::{Entry, FORMAT, Head, JsonWriter, Place, ReadError, VERSION, read_json};
pub use sums::{Found, Sums, Verdict};
pub use table::CsvWriter;

/// One end of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    File(PathBuf),
    Object { bucket: String, key: String },
}

/// What the arrival was checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The store's ETag is the MD5 of the bytes, or the MD5 of its parts' MD5s.
    Etag,
    /// The store checked the MD5 of every part when it took it; its ETag says nothing.
    PartMd5,
    /// Only the number of bytes: the store keeps no hash that Wherry could compare.
    Size,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub from: End,
    pub to: End,
    /// Bytes.
    pub size: u64,
    /// Of the whole, in hex, where it was computed on the way.
    pub md5: Option<String>,
    /// Of the whole, in hex, where it was asked for.
    pub sha256: Option<String>,
    /// Of the whole, unless the bytes were never here.
    pub crc: Option<Crc>,
    pub etag: Option<String>,
    /// Of a multipart upload.
    pub part_size: Option<u64>,
    pub version_id: Option<String>,
    pub proof: Proof,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
}
