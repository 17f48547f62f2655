//! A running job's hold on the journal: what must be written before the fact is waited for, the
//! rest is noted and written soon.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use chrono::{DateTime, Utc};
use rusqlite::params;
use wherry_store::{CompletedPart, UploadId};

use super::enter::Entered;
use super::halves::{Parts, Ranges, nanos};
use super::notes::{Arrived, Outcome, What, forget, lock};
use super::spec::draft_name;
use super::{Claim, HalfDraft, HalfUpload, Journal, JournalError, State, errors};
use crate::error::FileError;
use crate::receipt::Receipt;
use crate::run::disk::Identity;
use crate::verify::{Md5Sum, Sum};

/// Rows that may be begun are announced so many at a time.
const AHEAD: u32 = 4096;

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
        // Found running after a power cut, a job that was stopped would go on; one that had ended has
        // nothing left to do.
        let stopped = matches!(state, State::Paused | State::Cancelled);
        let written = self.journal.written(stopped, move |c| {
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
        let arrived = Arrived::by(receipt);
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

    pub fn part_done(&self, row: u32, part: &CompletedPart, sum: Sum) {
        self.note(
            row,
            What::Part {
                number: part.number,
                etag: part.etag.clone(),
                sum: Some(sum),
            },
        );
    }

    /// By the store; nobody here has seen its bytes.
    pub fn part_copied(&self, row: u32, part: &CompletedPart) {
        self.note(
            row,
            What::Part {
                number: part.number,
                etag: part.etag.clone(),
                sum: None,
            },
        );
    }

    /// What was written down of a copy in parts that the store makes.
    pub fn copied_parts(
        &self,
        row: u32,
        part_size: u64,
        size: u64,
    ) -> Result<Vec<CompletedPart>, FileError> {
        let parts = self.journal.copied_parts(self.n, row, part_size, size);
        parts.map_err(|e| unwritten(&self.journal, e))
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

    /// How much an earlier run had moved of files that are not finished: each row and its bytes.
    pub fn half_done(&self) -> Vec<(u32, u64)> {
        self.journal.half_bytes(self.n).unwrap_or_else(|error| {
            // It counts again as it is found.
            tracing::debug!(%error, "what is half done is not known yet");
            Vec::new()
        })
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

    /// Before the original of a move is deleted: its copy is there, and was looked at.
    pub async fn copied(&self, row: u32, etag: Option<&str>) -> Result<(), FileError> {
        lock(&self.halves).rows.insert(row);
        let (n, etag) = (self.n, etag.map(str::to_owned));
        let written = self.journal.written(true, move |c| {
            c.execute(
                "INSERT OR REPLACE INTO copies VALUES (?1, ?2, ?3)",
                params![n, row, etag],
            )
            .map(drop)
        });
        written.await.map_err(|e| unwritten(&self.journal, e))
    }

    /// The ETag that the copy of an object had before its original was to be deleted.
    pub fn copy_of(&self, row: u32) -> Result<Option<String>, FileError> {
        let etag = self.journal.copy_of(self.n, row);
        let etag = etag.map_err(|e| unwritten(&self.journal, e))?;
        if etag.is_some() {
            // To be forgotten when the file is done.
            lock(&self.halves).rows.insert(row);
        }
        Ok(etag)
    }

    /// What is written down of a file's upload by now.
    pub fn half_upload_now(&self, row: u32) -> Result<Option<HalfUpload>, FileError> {
        if !lock(&self.halves).rows.contains(&row) {
            return Ok(None);
        }
        let halves = self.journal.half_uploads_of(&self.id);
        let halves = halves.map_err(|e| unwritten(&self.journal, e))?;
        Ok(halves.into_iter().find(|half| half.row == row))
    }

    /// The file will be done, and its upload is to stay known all the same: see
    /// [`Journal::left_over`].
    pub fn leave_behind(&self, row: u32) {
        lock(&self.halves).rows.remove(&row);
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
        self.journal.note(self.n, row, what);
    }
}
