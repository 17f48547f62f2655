//! A running job's hold on the journal: what must be written before the fact is waited for, the
//! rest is noted and written soon.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use wherry_store::{CompletedPart, UploadId};

use super::enter::Entered;
use super::files::proof_number;
use super::halves::{Parts, Ranges, nanos};
use super::spec::draft_name;
use super::writer::Message;
use super::{Claim, HalfDraft, HalfUpload, Inside, Journal, JournalError, State, errors};
use crate::error::FileError;
use crate::receipt::{Proof, Receipt};
use crate::run::disk::Identity;
use crate::verify::Md5Sum;

/// Rows that may be begun are announced so many at a time.
const AHEAD: u32 = 512;

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
    pub etag: Option<String>,
    pub part_size: Option<u64>,
    pub version_id: Option<String>,
    pub proof: Proof,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
}

enum What {
    File {
        outcome: Outcome,
        size: u64,
        /// It has rows of what was half done.
        half: bool,
    },
    Part {
        number: u32,
        etag: String,
        md5: Md5Sum,
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
                    }
                }
            }
            What::Part { number, etag, md5 } => {
                c.prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![n, row, number, etag, &md5[..]])?;
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

fn unhex(text: &str) -> Option<Md5Sum> {
    let mut sum = Md5Sum::default();
    for (at, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(sum)
}

fn proof(c: &Connection, n: i64, row: u32, arrived: &Arrived) -> rusqlite::Result<()> {
    c.prepare_cached(
        "INSERT OR REPLACE INTO receipts (job, row, size, md5, etag, part_size, version_id, proof,
         started, finished) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        n,
        row,
        arrived.size as i64,
        arrived.md5.as_ref().map(|sum| &sum[..]),
        arrived.etag,
        arrived.part_size.map(|size| size as i64),
        arrived.version_id,
        proof_number(arrived.proof),
        arrived.started.timestamp_millis(),
        arrived.finished.timestamp_millis(),
    ])
    .map(drop)
}

pub(super) fn forget(c: &Connection, n: i64, row: u32, tables: [&str; 2]) -> rusqlite::Result<()> {
    for table in tables {
        c.prepare_cached(&format!("DELETE FROM {table} WHERE job = ?1 AND row = ?2"))?
            .execute(params![n, row])?;
    }
    Ok(())
}

/// What is in the way of a file when the journal cannot be written: nothing is begun that could
/// not be found again.
pub(crate) fn unwritten(journal: &Journal, error: JournalError) -> FileError {
    let kind = match error {
        JournalError::Full => std::io::ErrorKind::StorageFull,
        _ => std::io::ErrorKind::Other,
    };
    FileError::writing(
        journal.folder(),
        super::FILE.as_ref(),
        std::io::Error::new(kind, error),
    )
}

/// One job's, while it runs.
pub(crate) struct Record {
    journal: Journal,
    n: i64,
    id: String,
    claim: Mutex<Option<Claim>>,
    begun_to: tokio::sync::Mutex<u32>,
    /// Rows below may have been begun by an earlier run.
    begun_before: AtomicU32,
    halves: Mutex<Halves>,
    /// Jobs that this one took over from: to be cleaned up behind.
    adopted: Mutex<Vec<String>>,
    /// Just entered, as running.
    fresh: AtomicBool,
}

/// What was found half done when the job was taken up, until its file's turn comes.
#[derive(Default)]
struct Halves {
    uploads: HashMap<u32, HalfUpload>,
    drafts: HashMap<u32, HalfDraft>,
    /// All that have been half done at some time.
    rows: HashSet<u32>,
}

impl Record {
    /// Of a job that was just entered as running.
    pub fn entered(journal: Journal, entered: Entered) -> Result<Self, JournalError> {
        let Entered {
            n,
            id,
            claim,
            adopted,
        } = entered;
        let record = Self::new(journal, n, id, claim)?;
        *lock(&record.adopted) = adopted;
        record.fresh.store(true, Relaxed);
        Ok(record)
    }

    pub fn new(journal: Journal, n: i64, id: String, claim: Claim) -> Result<Self, JournalError> {
        let record = Self {
            journal,
            n,
            id,
            claim: Mutex::new(Some(claim)),
            begun_to: tokio::sync::Mutex::new(0),
            begun_before: AtomicU32::new(0),
            halves: Mutex::default(),
            adopted: Mutex::default(),
            fresh: AtomicBool::new(false),
        };
        record.look()?;
        Ok(record)
    }

    /// What is half done, as it is written.
    fn look(&self) -> Result<(), JournalError> {
        let uploads = self.journal.half_uploads_of(&self.id)?;
        let drafts = self.journal.half_drafts_of(&self.id)?;
        self.begun_before
            .store(self.journal.begun_to(self.n)?, Relaxed);
        let mut halves = lock(&self.halves);
        halves.uploads = uploads.into_iter().map(|u| (u.row, u)).collect();
        halves.drafts = drafts.into_iter().map(|d| (d.row, d)).collect();
        let halves = &mut *halves;
        let rows = halves.uploads.keys().chain(halves.drafts.keys());
        halves.rows.extend(rows.copied());
        Ok(())
    }

    pub fn is_fresh(&self) -> bool {
        self.fresh.load(Relaxed)
    }

    pub async fn flush(&self) -> Result<(), JournalError> {
        self.journal.flush().await
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Before the job's files move, again or for the first time: what failed before is to be tried.
    pub async fn begin(&self, again: &[u32], now: DateTime<Utc>) -> Result<(), JournalError> {
        if self.fresh.swap(false, Relaxed) {
            return Ok(());
        }
        self.journal.flush().await?;
        if lock(&self.claim).is_none() {
            let claim = self.journal.claim(&self.id)?;
            *lock(&self.claim) = Some(claim);
        }
        self.look()?;
        let (n, again) = (self.n, again.to_vec());
        let written = self.journal.written(true, move |c| {
            c.execute(
                "UPDATE jobs SET state = 'running', started = coalesce(started, ?2), ended = NULL,
                 problem = NULL WHERE n = ?1",
                params![n, now.timestamp_millis()],
            )?;
            let mut waiting =
                c.prepare("UPDATE files SET state = 0, error = NULL WHERE job = ?1 AND row = ?2")?;
            for row in again {
                waiting.execute(params![n, row])?;
            }
            c.execute(
                "UPDATE jobs SET files_failed =
                 (SELECT count(*) FROM files WHERE job = ?1 AND state = 4) WHERE n = ?1",
                [n],
            )
            .map(drop)
        });
        written.await
    }

    /// After the last file: how the job ended, or that it did not. `None`: cut off, as a crash would.
    pub async fn end(
        &self,
        state: Option<State>,
        problem: Option<&FileError>,
        now: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        self.journal.flush().await?;
        let Some(state) = state else {
            lock(&self.claim).take();
            return Ok(());
        };
        let (n, problem) = (self.n, problem.map(errors::write));
        let ended = state.has_ended();
        // Nothing of it can be left on the disk: every file is done, or has been cleaned up.
        let clean = matches!(state, State::Done | State::Cancelled);
        let written = self.journal.written(true, move |c| {
            c.execute(
                "UPDATE jobs SET state = ?2, ended = ?3, problem = ?4,
                 begun_to = CASE WHEN ?5 THEN 0 ELSE begun_to END WHERE n = ?1",
                params![
                    n,
                    state.name(),
                    ended.then(|| now.timestamp_millis()),
                    problem,
                    clean,
                ],
            )?;
            if ended {
                c.execute(
                    "UPDATE files SET state = 5 WHERE job = ?1 AND state = 0",
                    [n],
                )?;
            }
            Ok(())
        });
        let written = written.await;
        let claim = lock(&self.claim).take();
        if let Some(claim) = claim
            && ended
            && written.is_ok()
        {
            claim.end();
        }
        if clean {
            *self.begun_to.lock().await = 0;
        }
        written
    }

    /// Before a file's draft is made: from here on one may be found under [`Record::draft_name`].
    pub async fn may_begin(&self, row: u32) -> Result<(), FileError> {
        let mut begun_to = self.begun_to.lock().await;
        if row < *begun_to {
            return Ok(());
        }
        let (n, to) = (self.n, row.saturating_add(AHEAD));
        let written = self.journal.written(true, move |c| {
            c.execute(
                "UPDATE jobs SET begun_to = max(begun_to, ?2) WHERE n = ?1",
                params![n, to],
            )
        });
        written.await.map_err(|e| unwritten(&self.journal, e))?;
        *begun_to = to;
        Ok(())
    }

    /// Whether the file may have been begun, and even have arrived, before this run.
    pub fn may_have_begun(&self, row: u32) -> bool {
        row < self.begun_before.load(Relaxed) || lock(&self.halves).rows.contains(&row)
    }

    pub fn take_adopted(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.adopted))
    }

    pub fn draft_name(&self, row: u32) -> String {
        draft_name(&self.id, row)
    }

    pub fn arrived(&self, row: u32, receipt: &Receipt) {
        let arrived = Arrived {
            size: receipt.size,
            md5: receipt.md5.as_deref().and_then(unhex),
            etag: receipt.etag.clone(),
            part_size: receipt.part_size,
            version_id: receipt.version_id.clone(),
            proof: receipt.proof,
            started: receipt.started,
            finished: receipt.finished,
        };
        self.finished(row, receipt.size, Outcome::Done(Some(arrived)));
    }

    /// There is nothing to prove.
    pub fn done(&self, row: u32) {
        self.finished(row, 0, Outcome::Done(None));
    }

    pub fn failed(&self, row: u32, error: &FileError) {
        self.finished(row, 0, Outcome::Failed(error.clone()));
    }

    pub(super) fn finished(&self, row: u32, size: u64, outcome: Outcome) {
        let half = lock(&self.halves).rows.contains(&row);
        self.note(
            row,
            What::File {
                outcome,
                size,
                half,
            },
        );
    }

    /// Before the store is asked to begin an upload.
    pub async fn intend_upload(
        &self,
        row: u32,
        bucket: &str,
        key: &str,
        part_size: u64,
        file: &Identity,
        now: DateTime<Utc>,
    ) -> Result<(), FileError> {
        lock(&self.halves).rows.insert(row);
        let (n, bucket, key, file) = (self.n, bucket.to_owned(), key.to_owned(), file.clone());
        let written = self.journal.written(true, move |c| {
            forget(c, n, row, ["uploads", "parts"])?;
            c.execute(
                "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    n,
                    row,
                    bucket,
                    key,
                    part_size as i64,
                    file.size as i64,
                    file.modified.map(nanos),
                    file.inode.map(|(device, _)| device as i64),
                    file.inode.map(|(_, inode)| inode as i64),
                    now.timestamp_millis(),
                ],
            )
            .map(drop)
        });
        written.await.map_err(|e| unwritten(&self.journal, e))
    }

    /// Before the first part is sent.
    pub async fn upload_begun(&self, row: u32, upload: &UploadId) -> Result<(), FileError> {
        let (n, id) = (self.n, upload.0.clone());
        let written = self.journal.written(true, move |c| {
            c.execute(
                "UPDATE uploads SET upload_id = ?3 WHERE job = ?1 AND row = ?2",
                params![n, row, id],
            )
            .map(drop)
        });
        written.await.map_err(|e| unwritten(&self.journal, e))
    }

    pub fn part_done(&self, row: u32, part: &CompletedPart, md5: Md5Sum) {
        self.note(
            row,
            What::Part {
                number: part.number,
                etag: part.etag.clone(),
                md5,
            },
        );
    }

    /// It was aborted, or never was.
    pub fn upload_over(&self, row: u32) {
        self.note(row, What::UploadOver);
    }

    /// Before a large file's draft is made.
    pub async fn intend_draft(
        &self,
        row: u32,
        etag: Option<&str>,
        size: u64,
        range_size: u64,
    ) -> Result<String, FileError> {
        lock(&self.halves).rows.insert(row);
        let (n, temporary) = (self.n, self.draft_name(row));
        let (name, etag) = (temporary.clone(), etag.map(str::to_owned));
        let written = self.journal.written(true, move |c| {
            forget(c, n, row, ["drafts", "ranges"])?;
            c.execute(
                "INSERT INTO drafts VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![n, row, name, etag, size as i64, range_size as i64],
            )
            .map(drop)
        });
        written.await.map_err(|e| unwritten(&self.journal, e))?;
        Ok(temporary)
    }

    pub fn range_done(&self, row: u32, start: u64, md5: Md5Sum) {
        self.note(row, What::Range { start, md5 });
    }

    pub fn draft_over(&self, row: u32) {
        self.note(row, What::DraftOver);
    }

    /// What an earlier run left of a file's upload; only once.
    pub fn half_upload(&self, row: u32) -> Result<Option<(HalfUpload, Parts)>, FileError> {
        let Some(half) = lock(&self.halves).uploads.remove(&row) else {
            return Ok(None);
        };
        let parts = self.journal.parts_of(self.n, row);
        let parts = parts.map_err(|e| unwritten(&self.journal, e))?;
        Ok(Some((half, parts)))
    }

    /// What an earlier run left of a file's download; only once.
    pub fn half_draft(&self, row: u32) -> Result<Option<(HalfDraft, Ranges)>, FileError> {
        let Some(half) = lock(&self.halves).drafts.remove(&row) else {
            return Ok(None);
        };
        let ranges = self.journal.ranges_of(self.n, row);
        let ranges = ranges.map_err(|e| unwritten(&self.journal, e))?;
        Ok(Some((half, ranges)))
    }

    fn note(&self, row: u32, what: What) {
        let inside = &self.journal.0;
        let n = self.n;
        if inside.writer.is_in_step() {
            // Each can be lost by itself.
            let note = Note { n, row, what };
            let message = Message::posted(move |c| write(c, &[note]), drop);
            return inside.writer.send(message);
        }
        let post = {
            let mut notes = lock(&inside.notes);
            notes.waiting.push(Note { n, row, what });
            !std::mem::replace(&mut notes.posted, true)
        };
        if post {
            inside.writer.send(fetch(Arc::clone(inside)));
        }
    }
}
