//! How a plan becomes a job: all of it is written down before anything of it happens.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use wherry_store::{ObjectStore, StoreError};

use super::adopt::{Destination, take_over};
use super::spec::{self, Planned, Row};
use super::{Claim, Journal, JournalError, State};
use crate::plan::{Choices, CopyPlan, DeletePlan, DownloadPlan, Moves, SyncPlan, UploadPlan};
use crate::run::FileState;

/// Rows written at once.
const CHUNK: usize = 2000;

/// What is said of a job beside its plan.
#[derive(Debug, Clone, Default)]
pub struct NewJob {
    /// For people.
    pub title: String,
    /// Names the store, for those who will open it again: an account's id, for instance.
    pub place: String,
    /// Whatever else its maker wants back.
    pub details: serde_json::Value,
    /// The same for the same wish: a job that was cut off is adopted by the next one of its
    /// fingerprint, which then moves only what is left.
    pub fingerprint: Option<String>,
    /// A UUID; made when absent.
    pub id: Option<String>,
}

/// With it, a job that is started is written down: see [`crate::Settings::journal`].
#[derive(Clone)]
pub struct Entry {
    pub journal: Journal,
    pub job: NewJob,
}

/// Why a job could not be put into the queue.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EnterError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It was asked for free names.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A job that is in the journal and nobody else's.
pub(crate) struct Entered {
    pub n: i64,
    pub id: String,
    pub claim: Claim,
    /// Jobs that it took over from, and that are to be cleaned up behind.
    pub adopted: Vec<String>,
}

impl Journal {
    /// Puts a plan into the queue, as it was answered. Returns the job's id, for
    /// [`crate::Job::resume`].
    pub async fn add_upload(
        &self,
        job: NewJob,
        store: &Arc<dyn ObjectStore>,
        mut plan: UploadPlan,
        choices: &Choices,
        now: DateTime<Utc>,
    ) -> Result<String, EnterError> {
        let decided = plan.decide(store, choices).await?;
        self.add(job, spec::upload(&plan, &decided), now).await
    }

    /// Blocks while it looks for free names to keep both.
    pub async fn add_download(
        &self,
        job: NewJob,
        mut plan: DownloadPlan,
        choices: &Choices,
        now: DateTime<Utc>,
    ) -> Result<String, EnterError> {
        let decided = plan.decide(choices);
        self.add(job, spec::download(&plan, &decided), now).await
    }

    pub async fn add_copy(
        &self,
        job: NewJob,
        store: &Arc<dyn ObjectStore>,
        mut plan: CopyPlan,
        choices: &Choices,
        now: DateTime<Utc>,
    ) -> Result<String, EnterError> {
        let decided = plan.decide(store, choices).await?;
        self.add(job, spec::copy(&plan, &decided), now).await
    }

    pub async fn add_delete(
        &self,
        job: NewJob,
        plan: &DeletePlan,
        now: DateTime<Utc>,
    ) -> Result<String, EnterError> {
        self.add(job, spec::delete(plan), now).await
    }

    /// What moves and what goes after it, as one job. `store` is where it goes to, or comes from when
    /// that is a folder.
    pub async fn add_sync(
        &self,
        job: NewJob,
        store: &Arc<dyn ObjectStore>,
        plan: SyncPlan,
        now: DateTime<Utc>,
    ) -> Result<String, EnterError> {
        let choices = plan.choices();
        let removals = &plan.removals;
        Ok(match plan.moves {
            Moves::Upload(mut plan) => {
                let decided = plan.decide(store, &choices).await?;
                let planned = spec::upload(&plan, &decided).then(removals);
                self.add(job, planned, now).await?
            }
            Moves::Download(mut plan) => {
                let decided = plan.decide(&choices);
                let planned = spec::download(&plan, &decided).then(removals);
                self.add(job, planned, now).await?
            }
            Moves::Copy(mut plan) => {
                let decided = plan.decide(store, &choices).await?;
                let planned = spec::copy(&plan, &decided).then(removals);
                self.add(job, planned, now).await?
            }
        })
    }

    async fn add(
        &self,
        job: NewJob,
        planned: Planned<'_>,
        now: DateTime<Utc>,
    ) -> Result<String, EnterError> {
        let entered = self.enter(job, planned, State::Waiting, now, None).await?;
        Ok(entered.id)
    }

    /// Writes a job down with all its rows. Until the last is written it is nobody's: cut off, it
    /// never was. `there` is where it writes to, when that is a store: what an earlier job of its
    /// fingerprint has brought there is looked for.
    pub(crate) async fn enter(
        &self,
        job: NewJob,
        planned: Planned<'_>,
        state: State,
        now: DateTime<Utc>,
        there: Option<Destination<'_>>,
    ) -> Result<Entered, EnterError> {
        let id = match job.id {
            Some(id) => id,
            None => uuid::Uuid::new_v4().simple().to_string(),
        };
        let claim = self.claim(&id)?;
        let mut rows = planned.rows.peekable();
        let spec = serde_json::to_string(&planned.spec).map_err(super::unusable)?;
        let (title, place, details) = (job.title, job.place, job.details.to_string());
        let (fingerprint, kind) = (job.fingerprint.clone(), planned.kind.name());
        let (files, bytes) = (planned.files as i64, planned.bytes as i64);
        let named = id.clone();
        let n = self
            .written(false, move |c| {
                c.execute(
                    "INSERT INTO jobs (id, kind, title, place, details, spec, state, position,
                     fingerprint, created, files_total, bytes_total)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'entering', coalesce(max(position), 0) + 1,
                     ?7, ?8, ?9, ?10 FROM jobs",
                    params![
                        named,
                        kind,
                        title,
                        place,
                        details,
                        spec,
                        fingerprint,
                        now.timestamp_millis(),
                        files,
                        bytes,
                    ],
                )?;
                Ok(c.last_insert_rowid())
            })
            .await?;
        let mut at = 0;
        while rows.peek().is_some() {
            let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
            let count = chunk.len() as u32;
            self.written(false, move |c| insert(c, n, at, &chunk))
                .await?;
            at += count;
        }
        let adoptions = match &job.fingerprint {
            Some(fingerprint) => self.adoptions(n, fingerprint, &planned.spec, there).await?,
            None => Vec::new(),
        };
        let adopted = adoptions.iter().map(|a| a.old().to_owned()).collect();
        let started = (state == State::Running).then(|| now.timestamp_millis());
        // Not synced: what must survive a power cut is synced later, and all before it with it.
        self.written(false, move |c| {
            for adoption in &adoptions {
                take_over(c, n, adoption)?;
            }
            c.execute(
                "UPDATE jobs SET state = ?2, started = ?3,
                 (files_done, files_skipped, bytes_done) = (
                    SELECT count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 3),
                    coalesce(sum(size) FILTER (WHERE state IN (2, 3)), 0)
                    FROM files WHERE job = ?1)
                 WHERE n = ?1",
                params![n, state.name(), started],
            )?;
            drop(adoptions);
            Ok(())
        })
        .await?;
        Ok(Entered {
            n,
            id,
            claim,
            adopted,
        })
    }
}

fn insert(c: &Connection, n: i64, at: u32, rows: &[Row]) -> rusqlite::Result<()> {
    let mut query = c.prepare_cached(
        "INSERT INTO files (job, row, name, other, root, size, modified, etag, flags, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for (row, number) in rows.iter().zip(at..) {
        query.execute(params![
            n,
            number,
            row.name,
            row.other,
            row.root,
            row.size as i64,
            row.modified,
            row.etag,
            row.flags,
            row.state as u8,
        ])?;
    }
    Ok(())
}

/// For rows that are done in another job.
pub(super) const DONE: u8 = FileState::Done as u8;
