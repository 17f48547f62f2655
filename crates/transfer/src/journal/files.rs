//! The files of jobs: pages of one job's, a search through all, and the receipts.

use std::ops::Range;

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::jobs::{anywhere, time};
use super::spec::{REMOVAL, Row, Spec};
use super::{Journal, JournalError, errors};
use crate::receipt::{End, Proof, Receipt};
use crate::run::{FileRow, FileState};
use crate::verify::hex;

/// A file of some job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    pub job: String,
    pub row: u32,
    pub from: End,
    /// Nowhere, for one that was deleted.
    pub to: Option<End>,
    pub size: u64,
    pub state: FileState,
    pub finished: Option<DateTime<Utc>>,
}

/// Where a page ends: the journal's numbers of a job and a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCursor {
    job: i64,
    row: u32,
}

impl std::fmt::Display for FileCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.job, self.row)
    }
}

impl std::str::FromStr for FileCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (job, row) = text.split_once('.').ok_or(())?;
        Ok(Self {
            job: job.parse().map_err(drop)?,
            row: row.parse().map_err(drop)?,
        })
    }
}

#[derive(Debug, Clone)]
pub struct FilePage {
    pub files: Vec<FileRecord>,
    pub next: Option<FileCursor>,
}

pub(super) fn proof_number(proof: Proof) -> i64 {
    match proof {
        Proof::Etag => 0,
        Proof::PartMd5 => 1,
        Proof::Size => 2,
    }
}

fn proof_of(number: i64) -> Proof {
    match number {
        0 => Proof::Etag,
        1 => Proof::PartMd5,
        _ => Proof::Size,
    }
}

/// Columns `name, other, root, size, modified, etag, flags, state`, from the `at`th on.
pub(super) fn plan_row(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Row> {
    Ok(Row {
        name: row.get(at)?,
        other: row.get(at + 1)?,
        root: row.get(at + 2)?,
        size: row.get::<_, i64>(at + 3)? as u64,
        modified: row.get(at + 4)?,
        etag: row.get(at + 5)?,
        flags: row.get(at + 6)?,
        state: FileState::of(row.get(at + 7)?),
    })
}

pub(super) const PLAN_COLUMNS: &str = "files.name, files.other, files.root, files.size, files.modified, files.etag, files.flags, files.state";

pub(super) fn spec_of(connection: &Connection, n: i64) -> rusqlite::Result<Spec> {
    let text: String = connection
        .prepare_cached("SELECT spec FROM jobs WHERE n = ?1")?
        .query_row([n], |row| row.get(0))?;
    serde_json::from_str(&text).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e))
    })
}

impl Journal {
    /// Files of one job in the plan's order, as [`crate::Job::files`] gives them while it runs.
    pub fn files(
        &self,
        id: &str,
        range: Range<usize>,
        only_failed: bool,
    ) -> Result<Vec<FileRow>, JournalError> {
        let n = self.job(id)?.n;
        let count = range.len() as i64;
        // Rows are numbered from nought without gaps.
        let (which, from) = if only_failed {
            (
                "AND state IN (4, 5) ORDER BY row LIMIT ?2 OFFSET ?3",
                range.start,
            )
        } else {
            ("AND row >= ?3 ORDER BY row LIMIT ?2", range.start)
        };
        self.read(|c| {
            let sql =
                format!("SELECT row, name, CASE WHEN flags & {REMOVAL} THEN 0 ELSE size END, state, error FROM files WHERE job = ?1 {which}");
            let mut query = c.prepare_cached(&sql)?;
            let rows = query.query_map(params![n, count, from as i64], |row| {
                let state = FileState::of(row.get(3)?);
                let size = row.get::<_, i64>(2)? as u64;
                let error: Option<String> = row.get(4)?;
                let arrived = matches!(state, FileState::Done | FileState::Skipped);
                Ok(FileRow {
                    index: row.get(0)?,
                    name: row.get(1)?,
                    state,
                    bytes_total: size,
                    bytes_done: if arrived { size } else { 0 },
                    error: error.as_deref().and_then(errors::read),
                })
            })?;
            rows.collect()
        })
    }

    /// How many rows [`Journal::files`] has.
    pub fn file_count(&self, id: &str, only_failed: bool) -> Result<usize, JournalError> {
        let job = self.job(id)?;
        if !only_failed {
            return Ok(job.files_total as usize);
        }
        self.read(|c| {
            c.query_row(
                "SELECT count(*) FROM files WHERE job = ?1 AND state IN (4, 5)",
                [job.n],
                |row| row.get::<_, i64>(0),
            )
        })
        .map(|count| count as usize)
    }

    /// Files of all jobs with this in their name, here or there; the newest jobs' first. Empty
    /// finds all.
    pub fn find_files(
        &self,
        search: &str,
        after: Option<FileCursor>,
        count: usize,
    ) -> Result<FilePage, JournalError> {
        let (mut tail, mut values) = (String::new(), Vec::<Value>::new());
        if let Some(after) = after {
            tail.push_str(" AND (files.job, files.row) < (?, ?)");
            values.extend([after.job.into(), i64::from(after.row).into()]);
        }
        if !search.is_empty() {
            let pattern = anywhere(search);
            tail.push_str(" AND (name LIKE ? ESCAPE '\\' OR other LIKE ? ESCAPE '\\')");
            values.extend([pattern.clone().into(), pattern.into()]);
        }
        values.push((count as i64 + 1).into());
        let sql = format!(
            "SELECT files.job, files.row, {PLAN_COLUMNS}, receipts.finished
             FROM files LEFT JOIN receipts ON receipts.job = files.job AND receipts.row = files.row
             WHERE (SELECT state FROM jobs WHERE n = files.job) NOT IN ('removed', 'entering') {tail}
             ORDER BY files.job DESC, files.row DESC LIMIT ?"
        );
        self.read(|c| {
            let mut query = c.prepare_cached(&sql)?;
            let found = query.query_map(params_from_iter(values), |row| {
                let finished: Option<i64> = row.get(10)?;
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, u32>(1)?,
                    plan_row(row, 2)?,
                    finished,
                ))
            })?;
            let mut found = found.collect::<rusqlite::Result<Vec<_>>>()?;
            let more = found.len() > count;
            found.truncate(count);
            let next = found
                .last()
                .filter(|_| more)
                .map(|(job, row, ..)| FileCursor {
                    job: *job,
                    row: *row,
                });
            let mut job: Option<(i64, String, Spec)> = None;
            let mut files = Vec::with_capacity(found.len());
            for (n, row, plan, finished) in found {
                if job.as_ref().is_none_or(|(other, ..)| *other != n) {
                    let id = c.query_row("SELECT id FROM jobs WHERE n = ?1", [n], |r| r.get(0))?;
                    job = Some((n, id, spec_of(c, n)?));
                }
                let Some((_, id, spec)) = &job else { continue };
                let (from, to) = spec.ends(&plan);
                files.push(FileRecord {
                    job: id.clone(),
                    row,
                    from,
                    to,
                    size: plan.size,
                    state: plan.state,
                    finished: finished.map(time),
                });
            }
            Ok(FilePage { files, next })
        })
    }

    pub fn receipt_count(&self, id: &str) -> Result<usize, JournalError> {
        let n = self.job(id)?.n;
        self.read(|c| {
            c.query_row("SELECT count(*) FROM receipts WHERE job = ?1", [n], |row| {
                row.get::<_, i64>(0)
            })
        })
        .map(|count| count as usize)
    }

    /// A page of a job's receipts, in the plan's order.
    pub fn receipts(
        &self,
        id: &str,
        from: usize,
        count: usize,
    ) -> Result<Vec<Receipt>, JournalError> {
        let n = self.job(id)?.n;
        let tail = "ORDER BY receipts.row LIMIT ?2 OFFSET ?3";
        let found = self.read(|c| receipts(c, n, tail, count as i64, from as i64))?;
        Ok(found.into_iter().map(|(_, receipt)| receipt).collect())
    }

    /// All of a job's receipts, one after the other, holding few.
    pub fn each_receipt<E: From<JournalError>>(
        &self,
        id: &str,
        mut each: impl FnMut(Receipt) -> Result<(), E>,
    ) -> Result<(), E> {
        let n = self.job(id)?.n;
        let tail = "AND receipts.row > ?3 ORDER BY receipts.row LIMIT ?2";
        let mut last = -1;
        loop {
            let page = self.read(|c| receipts(c, n, tail, 1000, last))?;
            let Some((row, _)) = page.last() else {
                return Ok(());
            };
            last = i64::from(*row);
            for (_, receipt) in page {
                each(receipt)?;
            }
        }
    }

    /// Where a job's files stand.
    pub(crate) fn states(&self, n: i64) -> Result<super::RowStates, JournalError> {
        self.read(|c| {
            let mut query = c.prepare_cached(
                "SELECT row, state, error FROM files WHERE job = ?1 AND state <> 0 ORDER BY row",
            )?;
            let rows = query.query_map([n], |row| {
                let error: Option<String> = row.get(2)?;
                let error = error.as_deref().and_then(errors::read);
                Ok((row.get(0)?, FileState::of(row.get(1)?), error.map(Box::new)))
            })?;
            rows.collect()
        })
    }

    /// A job's plan and where its files stand.
    pub(crate) fn restore(&self, n: i64) -> Result<super::Restored, JournalError> {
        let read = self.read(|c| {
            let spec = spec_of(c, n)?;
            let mut query = c.prepare_cached(&format!(
                "SELECT {PLAN_COLUMNS}, files.error FROM files WHERE job = ?1 ORDER BY row"
            ))?;
            let mut rows = query.query([n])?;
            let (mut plan, mut states) = (Vec::new(), Vec::new());
            while let Some(row) = rows.next()? {
                let at = plan.len() as u32;
                let planned = plan_row(row, 0)?;
                if planned.state != FileState::Waiting {
                    let error: Option<String> = row.get(8)?;
                    let error = error.as_deref().and_then(errors::read);
                    states.push((at, planned.state, error.map(Box::new)));
                }
                plan.push(planned);
            }
            Ok((spec, plan, states))
        });
        let (spec, plan, states) = read?;
        let (work, removals) = spec.restore(plan);
        Ok(super::Restored {
            work,
            removals,
            states,
        })
    }
}

fn receipts(
    c: &Connection,
    n: i64,
    tail: &str,
    count: i64,
    at: i64,
) -> rusqlite::Result<Vec<(u32, Receipt)>> {
    let spec = spec_of(c, n)?;
    let mut query = c.prepare_cached(&format!(
        "SELECT receipts.row, {PLAN_COLUMNS}, receipts.size, receipts.md5, receipts.sha256,
         receipts.crc, receipts.etag, receipts.part_size, receipts.version_id, receipts.proof, receipts.started,
         receipts.finished
         FROM receipts JOIN files ON files.job = receipts.job AND files.row = receipts.row
         WHERE receipts.job = ?1 {tail}"
    ))?;
    let rows = query.query_map(params![n, count, at], |row| {
        let (from, to) = spec.ends(&plan_row(row, 1)?);
        let sum =
            |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<Vec<u8>>>(at)?.as_deref().map(hex));
        let crc: Option<String> = row.get(12)?;
        let receipt = Receipt {
            to: to.unwrap_or_else(|| from.clone()),
            from,
            size: row.get::<_, i64>(9)? as u64,
            md5: sum(10)?,
            sha256: sum(11)?,
            crc: crc.and_then(|crc| crc.parse().ok()),
            etag: row.get(13)?,
            part_size: row.get::<_, Option<i64>>(14)?.map(|n| n as u64),
            version_id: row.get(15)?,
            proof: proof_of(row.get(16)?),
            started: time(row.get(17)?),
            finished: time(row.get(18)?),
        };
        Ok((row.get(0)?, receipt))
    })?;
    rows.collect()
}
