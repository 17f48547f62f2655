//! The engine's side of the journal: opened when it is first needed, read at the start for what was
//! cut off, and written where the queue changes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wherry_store::ObjectStore;
use wherry_transfer::journal::{Journal, JournalError, Move, State, recover};
use wherry_transfer::{CopySource, FileRow, Job, Settings, SystemDisk};

use super::held::Trouble;
use super::record::{Numbers, Record, Stage};
use crate::contract::{Event, Problem};
use crate::engine::{Engine, lock};

/// How often the jobs of other Wherrys are looked at.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(2);

/// In words.
pub(super) fn journal_problem(error: &JournalError) -> Problem {
    match error {
        JournalError::Newer { path, .. } => Problem::new(
            "journal.newer",
            "The list of transfers was written by a newer Wherry, which this one does not understand.",
            "Use the newer one. Transfers run without the list meanwhile, and do not outlive this window.",
        )
        .context("file", path.display()),
        JournalError::Full => Problem::new(
            "local.disk-full",
            "The disk with the list of transfers is full.",
            "Make room and try again.",
        )
        .retryable(),
        JournalError::NoSuchJob => Problem::stale("transfer"),
        JournalError::Taken => Problem::new(
            "transfer.elsewhere",
            "Another Wherry is running this transfer.",
            "Watch and steer it there.",
        ),
        JournalError::NotEnded => Problem::new(
            "transfer.not-ended",
            "This transfer has not ended.",
            "Cancel it first.",
        ),
        other @ JournalError::Unusable(_) => Problem::new(
            "journal.unusable",
            "The list of transfers cannot be used.",
            "Make sure that the folder with Wherry's settings is yours and its disk has room. Transfers run without the list meanwhile, and do not outlive this window.",
        )
        .context("reason", other),
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        journal_problem(&error)
    }
}

impl Engine {
    /// Opened at the first use. A failure is not remembered: the disk may have room later.
    ///
    /// # Errors
    /// When it was written by a newer Wherry, or cannot be read or written.
    pub async fn journal(&self) -> Result<Journal, Problem> {
        let mut opened = self.inner.jobs.journal.lock().await;
        if let Some(journal) = &*opened {
            return Ok(journal.clone());
        }
        let folder = self.home().data().to_owned();
        let journal = tokio::task::spawn_blocking(move || Journal::open(&folder))
            .await
            .map_err(|e| Problem::fault("The list of transfers could not be opened.", e))?;
        let journal = journal.map_err(|e| {
            tracing::error!(%e, "the journal cannot be used");
            journal_problem(&e)
        })?;
        if let Some(aside) = journal.set_aside() {
            let problem = Problem::new(
                "journal.damaged",
                "The list of transfers was damaged, and a new one was begun.",
                "What was being transferred must be started again. The damaged list was kept.",
            )
            .context("file", aside.display());
            self.inner.events.tell_surely(Event::Trouble { problem });
        }
        *opened = Some(journal.clone());
        let _ = self.inner.jobs.opened.set(journal.clone());
        Ok(journal)
    }

    /// For those that cannot wait: the journal, if it is open.
    pub(super) fn opened_journal(&self) -> Option<&Journal> {
        self.inner.jobs.opened.get()
    }

    /// Reads the queue that was left, once: what was cut off goes on, unless the user wants to say
    /// so themselves.
    pub async fn take_up(&self) {
        let mut taken = self.inner.jobs.taken_up.lock().await;
        if *taken {
            return;
        }
        *taken = true;
        self.watch_limits();
        let Ok(journal) = self.journal().await else {
            return;
        };
        if let Err(error) = journal.tidy(self.now()).await {
            tracing::warn!(%error, "the journal could not be tidied");
        }
        let reading = journal.clone();
        let read = tokio::task::spawn_blocking(move || {
            let queue = reading.queue()?;
            let cut_off = reading.cut_off()?;
            Ok::<_, JournalError>((queue, cut_off))
        });
        let (queue, cut_off) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => {
                tracing::error!(%error, "the queue cannot be read");
                return;
            }
            Err(_) => return,
        };
        let by_itself = self.settings_now().transfers.go_on_at_start;
        for job in &queue {
            // Nobody could tell any more whether it is still what was to be deleted then.
            if job.state != State::Running && journal.deletes_unseen(job).unwrap_or(true) {
                if let Err(error) = journal.cancel(&job.id, self.now()).await {
                    tracing::warn!(%error, "an old deletion could not be taken out of the queue");
                }
                continue;
            }
            let record = Record::of_journal(self, job);
            {
                let mut run = record.run();
                let was_cut_off = cut_off.iter().any(|c| c.id == job.id);
                run.taken_up =
                    was_cut_off || (job.started.is_some() && job.state == State::Waiting);
                run.stage = match job.state {
                    State::Paused => Stage::Paused,
                    State::Running if !was_cut_off => Stage::Elsewhere,
                    // A script that was stopped may have been meant to be.
                    _ if by_itself && !record.facts.stranger => Stage::Waiting,
                    _ => Stage::Paused,
                };
            }
            let mut records = lock(&self.inner.jobs.records);
            if !records.iter().any(|r| r.id == record.id) {
                records.push(Arc::new(record));
            }
        }
        drop(taken);
        self.inner.events.tell(Event::Queue {});
        self.schedule();
        self.watch_elsewhere();
        let engine = self.clone();
        tokio::spawn(async move { engine.clear_left_over(&journal).await });
    }

    /// Sees how the jobs go on that another Wherry runs, for as long as there are any: one that it
    /// leaves is taken up.
    pub(super) fn watch_elsewhere(&self) {
        if self
            .inner
            .jobs
            .elsewhere_watched
            .swap(true, Ordering::Relaxed)
        {
            return;
        }
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_ELSEWHERE).await;
                let Some(inner) = inner.upgrade() else {
                    return;
                };
                let engine = Engine { inner };
                if !engine.look_elsewhere().await {
                    let jobs = &engine.inner.jobs;
                    jobs.elsewhere_watched.store(false, Ordering::Relaxed);
                    return;
                }
            }
        });
    }

    /// False when there are none any more.
    async fn look_elsewhere(&self) -> bool {
        let Some(journal) = self.opened_journal() else {
            return false;
        };
        let records = lock(&self.inner.jobs.records).clone();
        let mut left = false;
        for record in records {
            if !matches!(record.run().stage, Stage::Elsewhere) {
                continue;
            }
            let (reading, id) = (journal.clone(), record.id.clone());
            let looked = tokio::task::spawn_blocking(move || {
                let free = reading.cut_off()?.iter().any(|job| job.id == id);
                Ok::<_, JournalError>((reading.job(&id)?, free))
            });
            let Ok(Ok((job, free))) = looked.await else {
                continue;
            };
            let seen = Record::of_journal(self, &job);
            let now = {
                let (mut run, mut seen) = (record.run(), seen.run());
                run.numbers = seen.numbers;
                run.ended = seen.ended;
                let stage = std::mem::replace(&mut seen.stage, Stage::Waiting);
                run.stage = match stage {
                    Stage::Waiting if job.state == State::Running && !free => Stage::Elsewhere,
                    Stage::Waiting => {
                        run.taken_up |= free;
                        Stage::Waiting
                    }
                    other => other,
                };
                matches!(run.stage, Stage::Elsewhere)
            };
            left |= now;
            self.tell(&record);
            if !now {
                self.inner.events.tell(Event::Queue {});
            }
        }
        self.schedule();
        left
    }

    /// What earlier jobs could not clean up, for want of a key or a connection.
    pub(super) async fn clear_left_over(&self, journal: &Journal) {
        let reading = journal.clone();
        let Ok(Ok(left)) = tokio::task::spawn_blocking(move || reading.left_over()).await else {
            return;
        };
        for job in left {
            self.clear(journal, &job.job, &job.place).await;
        }
    }

    async fn clear(&self, journal: &Journal, id: &str, account: &str) {
        let store: Option<Arc<dyn ObjectStore>> = match self.open(account).await {
            Ok(opened) => Some(Arc::new(opened.store)),
            Err(_) => None,
        };
        if let Err(error) = recover::clear(journal, id, store.as_ref(), &SystemDisk).await {
            tracing::info!(%error, "what a transfer left is still to be cleaned up");
        }
    }

    /// Runs a job of the journal, from where it was.
    pub(super) async fn go_on_with(
        &self,
        record: &Record,
        store: Arc<dyn ObjectStore>,
        from: Option<CopySource>,
        settings: Settings,
    ) -> Result<Job, Trouble> {
        let journal = self.journal().await.map_err(Trouble::Problem)?;
        Ok(Job::resume(&journal, &record.id, store, from, settings).await?)
    }

    /// Sets what has ended to waiting again.
    pub(super) async fn again(&self, record: &Arc<Record>) -> Result<(), Problem> {
        if !record.journaled {
            return match record.kept_job() {
                Some(_) => Ok(()),
                None => Err(Problem::stale("transfer")),
            };
        }
        Ok(self.journal().await?.again(&record.id).await?)
    }

    /// Files of a job that does not run.
    pub(super) fn written_files(
        &self,
        record: &Record,
        only_failed: bool,
        range: impl Fn(usize) -> Range<usize>,
    ) -> Result<(usize, Vec<FileRow>), Problem> {
        if let Some(job) = record.kept_job() {
            let total = job.file_count(only_failed);
            return Ok((total, job.files(range(total), only_failed)));
        }
        if !record.journaled {
            return Ok((0, Vec::new()));
        }
        let journal = self
            .opened_journal()
            .ok_or_else(|| Problem::stale("transfer"))?;
        let total = journal.file_count(&record.id, only_failed)?;
        Ok((total, journal.files(&record.id, range(total), only_failed)?))
    }

    /// Jobs of the queue, and those that only the history knows.
    pub(super) fn record_or_past(&self, id: &str) -> Result<Arc<Record>, Problem> {
        if let Ok(record) = self.record(id) {
            return Ok(record);
        }
        let journal = self
            .opened_journal()
            .ok_or_else(|| Problem::stale("transfer"))?;
        Ok(Arc::new(Record::of_journal(self, &journal.job(id)?)))
    }

    pub(super) async fn write_waiting(&self, record: &Record, waiting: bool) {
        if !record.journaled {
            return;
        }
        if let Some(journal) = self.opened_journal()
            && let Err(error) = journal.set_waiting(&record.id, waiting).await
            && !matches!(error, JournalError::Taken)
        {
            tracing::warn!(%error, "that a transfer waits could not be written down");
        }
    }

    pub(super) async fn write_order(&self, record: &Record, to: Move) {
        if let Some(journal) = self.opened_journal()
            && let Err(error) = journal.move_job(&record.id, to).await
        {
            tracing::warn!(%error, "the order of transfers could not be written down");
        }
    }

    pub(super) async fn cancel_written(&self, record: &Record) {
        let Some(journal) = self.opened_journal() else {
            return;
        };
        match journal.cancel(&record.id, self.now()).await {
            Ok(()) => {
                let account = &record.facts.location.account;
                self.clear(journal, &record.id, account).await;
                if let Ok(job) = journal.job(&record.id) {
                    record.run().numbers = Numbers::from(&job);
                }
            }
            Err(error) => tracing::warn!(%error, "a transfer could not be cancelled"),
        }
    }

    pub(super) async fn flush_journal(&self) {
        if let Some(journal) = self.opened_journal()
            && let Err(error) = journal.flush().await
        {
            tracing::error!(%error, "the journal could not be written to the end");
        }
    }
}
