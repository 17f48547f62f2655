//! What is half done: uploads that the store has begun, and drafts on the disk.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use wherry_store::{CompletedPart, UploadId};

use super::jobs::time;
use super::{Journal, JournalError, Kind};
use crate::crc::Crc;
use crate::run::disk::Identity;
use crate::verify::{Md5Sum, Sum};

/// A multipart upload that was begun, or was about to be.
#[derive(Debug, Clone)]
pub struct HalfUpload {
    /// Of the job, and the file's row in it.
    pub job: String,
    pub row: u32,
    pub bucket: String,
    pub key: String,
    /// `None` when the store's answer never came: there may be one.
    pub upload: Option<UploadId>,
    pub part_size: u64,
    /// Of the file when the upload was begun.
    pub file: Identity,
    /// Shortly before the store was asked for it.
    pub intended: DateTime<Utc>,
}

/// A large download that was begun.
#[derive(Debug, Clone)]
pub struct HalfDraft {
    pub job: String,
    pub row: u32,
    /// Its name beside the file that it is to become.
    pub temporary: String,
    /// Of the object.
    pub etag: Option<String>,
    pub size: u64,
    pub range_size: u64,
}

/// A job that has ended and left something behind, for want of a key or of an answer.
#[derive(Debug, Clone)]
pub struct LeftOver {
    pub job: String,
    /// As [`super::NewJob`] said it.
    pub place: String,
    pub kind: Kind,
    pub uploads: u64,
}

/// Part number → its ETag and the sums of its bytes.
pub type Parts = BTreeMap<u32, (String, Sum)>;

/// Where a range begins → the MD5 of its bytes.
pub type Ranges = BTreeMap<u64, Md5Sum>;

pub fn nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

fn from_nanos(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    if nanos < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

fn sum(bytes: Vec<u8>) -> Md5Sum {
    // What is not 16 bytes long matches nothing.
    bytes.try_into().unwrap_or_default()
}

fn upload(row: &Row<'_>) -> rusqlite::Result<HalfUpload> {
    let inode = row
        .get::<_, Option<i64>>(8)?
        .zip(row.get::<_, Option<i64>>(7)?)
        .map(|(inode, device)| (device as u64, inode as u64));
    Ok(HalfUpload {
        row: row.get(0)?,
        bucket: row.get(1)?,
        key: row.get(2)?,
        upload: row.get::<_, Option<String>>(3)?.map(UploadId),
        part_size: row.get::<_, i64>(4)? as u64,
        file: Identity {
            size: row.get::<_, i64>(5)? as u64,
            modified: row.get::<_, Option<i64>>(6)?.map(from_nanos),
            inode,
        },
        intended: time(row.get(9)?),
        job: row.get(10)?,
    })
}

const UPLOADS: &str = "SELECT row, bucket, key, upload_id, part_size, size, modified_ns, device,
     inode, intended, (SELECT id FROM jobs WHERE n = job) FROM uploads";

fn uploads(
    connection: &Connection,
    tail: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<Vec<HalfUpload>> {
    let mut query = connection.prepare_cached(&format!("{UPLOADS} {tail}"))?;
    query.query_map(parameters, upload)?.collect()
}

impl Journal {
    /// Uploads of a bucket that this computer began and has not finished: not to be cleaned up by
    /// somebody who only sees them at the store.
    pub fn half_uploads(&self, bucket: &str) -> Result<Vec<HalfUpload>, JournalError> {
        self.read(|c| uploads(c, "WHERE bucket = ?1 ORDER BY key, job, row", [bucket]))
    }

    /// Of one job.
    pub fn half_uploads_of(&self, id: &str) -> Result<Vec<HalfUpload>, JournalError> {
        let n = self.job(id)?.n;
        self.read(|c| uploads(c, "WHERE job = ?1 ORDER BY row", [n]))
    }

    pub(crate) fn half_uploads_of_key(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Vec<HalfUpload>, JournalError> {
        self.read(|c| uploads(c, "WHERE bucket = ?1 AND key = ?2", [bucket, key]))
    }

    pub fn half_drafts_of(&self, id: &str) -> Result<Vec<HalfDraft>, JournalError> {
        let n = self.job(id)?.n;
        self.read(|c| {
            let mut query = c.prepare_cached(
                "SELECT row, temporary, etag, size, range_size FROM drafts WHERE job = ?1",
            )?;
            let rows = query.query_map([n], |row| {
                Ok(HalfDraft {
                    job: id.to_owned(),
                    row: row.get(0)?,
                    temporary: row.get(1)?,
                    etag: row.get(2)?,
                    size: row.get::<_, i64>(3)? as u64,
                    range_size: row.get::<_, i64>(4)? as u64,
                })
            })?;
            rows.collect()
        })
    }

    pub(super) fn begun_to(&self, n: i64) -> Result<u32, JournalError> {
        self.read(|c| c.query_row("SELECT begun_to FROM jobs WHERE n = ?1", [n], |r| r.get(0)))
    }

    pub(super) fn copy_of(&self, n: i64, row: u32) -> Result<Option<String>, JournalError> {
        self.read(|c| {
            let sql = "SELECT etag FROM copies WHERE job = ?1 AND row = ?2";
            let mut query = c.prepare_cached(sql)?;
            let etag = query.query_row(params![n, row], |row| row.get(0));
            etag.optional().map(Option::flatten)
        })
    }

    /// Parts that the store has copied by itself.
    pub(super) fn copied_parts(
        &self,
        n: i64,
        row: u32,
        part_size: u64,
        size: u64,
    ) -> Result<Vec<CompletedPart>, JournalError> {
        self.read(|c| {
            let sql = "SELECT number, etag FROM parts WHERE job = ?1 AND row = ?2 ORDER BY number";
            let mut query = c.prepare_cached(sql)?;
            let parts = query.query_map(params![n, row], |row| {
                let number: u32 = row.get(0)?;
                let before = u64::from(number.saturating_sub(1)).saturating_mul(part_size);
                Ok(CompletedPart {
                    number,
                    etag: row.get(1)?,
                    size: part_size.min(size.saturating_sub(before)),
                })
            })?;
            parts.collect()
        })
    }

    pub(crate) fn parts_of(&self, n: i64, row: u32) -> Result<Parts, JournalError> {
        self.read(|c| {
            // Without a CRC, of an earlier Wherry or copied by the store, they are sent again.
            let sql = "SELECT number, etag, md5, crc FROM parts
                       WHERE job = ?1 AND row = ?2 AND crc IS NOT NULL";
            let mut query = c.prepare_cached(sql)?;
            let parts = query.query_map(params![n, row], |row| {
                let md5 = sum(row.get(2)?);
                let crc = Crc::from_bytes(row.get(3)?);
                Ok((row.get(0)?, (row.get(1)?, Sum { md5, crc })))
            })?;
            parts.collect()
        })
    }

    pub(crate) fn ranges_of(&self, n: i64, row: u32) -> Result<Ranges, JournalError> {
        self.read(|c| {
            let sql = "SELECT start, md5 FROM ranges WHERE job = ?1 AND row = ?2";
            let mut query = c.prepare_cached(sql)?;
            let ranges = query.query_map(params![n, row], |row| {
                Ok((row.get::<_, i64>(0)? as u64, sum(row.get(1)?)))
            })?;
            ranges.collect()
        })
    }

    /// How much of a job's files has been moved that are not finished, in whole parts: each row and its bytes.
    pub(super) fn half_bytes(&self, n: i64) -> Result<Vec<(u32, u64)>, JournalError> {
        self.read(|c| {
            let mut query = c.prepare_cached(
                "SELECT u.row, min(u.size, u.part_size * count(*)) FROM uploads u
                 JOIN parts p ON p.job = u.job AND p.row = u.row WHERE u.job = ?1 GROUP BY u.row
                 UNION ALL
                 SELECT d.row, min(d.size, d.range_size * count(*)) FROM drafts d
                 JOIN ranges r ON r.job = d.job AND r.row = d.row WHERE d.job = ?1 GROUP BY d.row",
            )?;
            let rows =
                query.query_map([n], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
            rows.collect()
        })
    }

    /// How many ranges of a job's downloads have arrived of files that have not.
    pub fn range_count(&self, id: &str) -> Result<usize, JournalError> {
        let n = self.job(id)?.n;
        self.read(|c| {
            c.query_row("SELECT count(*) FROM ranges WHERE job = ?1", [n], |row| {
                row.get::<_, i64>(0)
            })
        })
        .map(|count| count as usize)
    }

    /// Jobs that will not go on and have left something behind: for [`super::recover::clear`], once
    /// there is a key that works.
    pub fn left_over(&self) -> Result<Vec<LeftOver>, JournalError> {
        let found = self.read(|c| {
            let mut query = c.prepare_cached(
                "SELECT id, place, kind, (SELECT count(*) FROM uploads WHERE job = n) AS uploads
                 FROM jobs WHERE state IN ('done', 'cancelled', 'removed')
                 AND (uploads > 0 OR begun_to > 0 OR EXISTS (SELECT 1 FROM drafts WHERE job = n))",
            )?;
            let rows = query.query_map([], |row| {
                let kind: String = row.get(2)?;
                Ok(LeftOver {
                    job: row.get(0)?,
                    place: row.get(1)?,
                    kind: Kind::named(&kind),
                    uploads: row.get::<_, i64>(3)? as u64,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(found.into_iter().filter(|l| self.is_free(&l.job)).collect())
    }
}
