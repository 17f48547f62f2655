//! What happened to files and need not be waited for: noted here by whoever runs a job, and written a
//! little later with what others have noted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::files::proof_number;
use super::writer::Message;
use super::{Inside, Journal, errors};
use crate::crc::Crc;
use crate::error::FileError;
use crate::receipt::{Proof, Receipt};
use crate::verify::{Md5Sum, Sum};

/// What became of a file.
pub(super) enum Outcome {
    /// A folder has nothing to prove.
    Done(Option<Arrived>),
    Failed(FileError),
}

/// What proves that a file arrived, beside its plan.
pub(super) struct Arrived {
    pub size: u64,
    pub md5: Option<Md5Sum>,
    pub sha256: Option<Vec<u8>>,
    pub crc: Option<Crc>,
    pub etag: Option<String>,
    pub part_size: Option<u64>,
    pub version_id: Option<String>,
    pub proof: Proof,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
}

pub(super) enum What {
    File {
        outcome: Outcome,
        size: u64,
        /// It has rows of what was half done.
        half: bool,
    },
    Part {
        number: u32,
        etag: String,
        sum: Option<Sum>,
    },
    Range {
        start: u64,
        md5: Md5Sum,
    },
    UploadOver,
    DraftOver,
}

struct Note {
    n: i64,
    row: u32,
    what: What,
}

/// Notes of all jobs, in order.
#[derive(Default)]
pub(super) struct Notes {
    waiting: Vec<Note>,
    /// The writer has been told to fetch them.
    posted: bool,
}

pub(super) fn post_notes(inside: &Arc<Inside>) {
    if !lock(&inside.notes).waiting.is_empty() {
        let message = fetch(Arc::clone(inside));
        inside.writer.send(message);
    }
}

fn fetch(inside: Arc<Inside>) -> Message {
    let taken: Arc<Mutex<Vec<Note>>> = Arc::default();
    let (fetched, home) = (Arc::clone(&taken), Arc::clone(&inside));
    Message::posted(
        move |c| {
            let notes = {
                let mut notes = lock(&inside.notes);
                notes.posted = false;
                std::mem::take(&mut notes.waiting)
            };
            let written = write(c, &notes);
            *lock(&fetched) = notes;
            written
        },
        move |committed| {
            if committed.is_err() {
                // The disk is full, perhaps: they go with what is written next.
                let mut notes = lock(&home.notes);
                let mut back = std::mem::take(&mut *lock(&taken));
                back.append(&mut notes.waiting);
                notes.waiting = back;
            }
        },
    )
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(c: &Connection, notes: &[Note]) -> rusqlite::Result<()> {
    let mut totals: HashMap<i64, (i64, i64, i64)> = HashMap::new();
    for Note { n, row, what } in notes {
        match what {
            What::File {
                outcome,
                size,
                half,
            } => {
                let total = totals.entry(*n).or_default();
                let (state, error) = match outcome {
                    Outcome::Done(_) => {
                        total.0 += 1;
                        total.2 += *size as i64;
                        (2, None)
                    }
                    Outcome::Failed(error) => {
                        total.1 += 1;
                        (4, Some(errors::write(error)))
                    }
                };
                c.prepare_cached(
                    "UPDATE files SET state = ?3, error = ?4 WHERE job = ?1 AND row = ?2",
                )?
                .execute(params![n, row, state, error])?;
                if let Outcome::Done(arrived) = outcome {
                    if let Some(arrived) = arrived {
                        proof(c, *n, *row, arrived)?;
                    }
                    if *half {
                        forget(c, *n, *row, ["uploads", "parts"])?;
                        forget(c, *n, *row, ["drafts", "ranges"])?;
                        forget(c, *n, *row, ["copies"])?;
                    }
                }
            }
            What::Part { number, etag, sum } => {
                c.prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                    .execute(params![
                        n,
                        row,
                        number,
                        etag,
                        sum.map(|sum| sum.md5),
                        sum.map(|sum| sum.crc.to_bytes())
                    ])?;
            }
            What::Range { start, md5 } => {
                c.prepare_cached("INSERT OR REPLACE INTO ranges VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![n, row, *start as i64, &md5[..]])?;
            }
            What::UploadOver => forget(c, *n, *row, ["uploads", "parts"])?,
            What::DraftOver => forget(c, *n, *row, ["drafts", "ranges"])?,
        }
    }
    for (n, (done, failed, bytes)) in totals {
        c.prepare_cached(
            "UPDATE jobs SET files_done = files_done + ?2, files_failed = files_failed + ?3,
             bytes_done = bytes_done + ?4 WHERE n = ?1",
        )?
        .execute(params![n, done, failed, bytes])?;
    }
    Ok(())
}

impl Arrived {
    pub fn by(receipt: &Receipt) -> Self {
        Self {
            size: receipt.size,
            md5: receipt.md5.as_deref().and_then(unhex),
            sha256: receipt
                .sha256
                .as_deref()
                .and_then(unhex::<32>)
                .map(Vec::from),
            crc: receipt.crc,
            etag: receipt.etag.clone(),
            part_size: receipt.part_size,
            version_id: receipt.version_id.clone(),
            proof: receipt.proof,
            started: receipt.started,
            finished: receipt.finished,
        }
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut sum = [0; N];
    for (at, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(sum)
}

fn proof(c: &Connection, n: i64, row: u32, arrived: &Arrived) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO receipts (job, row, size, md5, sha256, crc, etag, part_size,
         version_id, proof, started, finished)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        n,
        row,
        arrived.size as i64,
        arrived.md5.as_ref().map(|sum| &sum[..]),
        arrived.sha256,
        arrived.crc.map(|crc| crc.to_string()),
        arrived.etag,
        arrived.part_size.map(|size| size as i64),
        arrived.version_id,
        proof_number(arrived.proof),
        arrived.started.timestamp_millis(),
        arrived.finished.timestamp_millis(),
    ])
    .map(drop)
}

pub(super) fn forget<const N: usize>(
    c: &Connection,
    n: i64,
    row: u32,
    tables: [&str; N],
) -> rusqlite::Result<()> {
    for table in tables {
        c.prepare_cached(&format!("DELETE FROM {table} WHERE job = ?1 AND row = ?2"))?
            .execute(params![n, row])?;
    }
    Ok(())
}

impl Journal {
    pub(super) fn note(&self, n: i64, row: u32, what: What) {
        let inside = &self.0;
        let note = Note { n, row, what };
        if inside.writer.is_in_step() {
            // Each can be lost by itself.
            let message = Message::posted(move |c| write(c, &[note]), drop);
            return inside.writer.send(message);
        }
        let post = {
            let mut notes = lock(&inside.notes);
            notes.waiting.push(note);
            !std::mem::replace(&mut notes.posted, true)
        };
        if post {
            inside.writer.send(fetch(Arc::clone(inside)));
        }
    }
}
