//! Whose turn it is: the queue's order, and what happens to the jobs in it.
//!
//! So many transfers run at once as the settings say, the others wait in their order. A job that
//! lost the way to its store waits and tries again by itself, with growing pauses; one whose key the
//! store refuses waits until something about its account changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wherry_store::{ErrorKind, ObjectStore};
use wherry_transfer::{CopySource, FileError, Job, JobSnapshot};

use super::held::Trouble;
use super::record::{Numbers, Record, Stage, Wish};
use crate::contract::{Event, JobKind, JobState, Problem};
use crate::engine::{Engine, host, lock};
use crate::lent::Pause;
use crate::problem::from_store;

/// How often the window hears of running jobs. Each time it draws itself, and where that is not done
/// by a graphics processor it takes from the transfer. An end is told when it comes.
const TICK: Duration = Duration::from_millis(200);
/// Rows that are looked at to know why a job failed.
const LOOKED_AT: usize = 500;
/// A job whose files fail one by one for want of a connection is not tried for ever.
const MOST_FAILURES_OF_FILES: u32 = 5;

impl Engine {
    /// Puts a job at the end of the queue, and lets it run when it may.
    pub(super) fn enqueue(&self, record: Record) -> Arc<Record> {
        let record = {
            let mut records = lock(&self.inner.jobs.records);
            // Who read the journal at the start may have found it there a moment ago.
            if let Some(known) = records.iter().find(|known| known.id == record.id) {
                return Arc::clone(known);
            }
            let record = Arc::new(record);
            records.push(Arc::clone(&record));
            record
        };
        self.inner.events.tell(Event::Queue {});
        self.schedule();
        record
    }

    pub(super) fn tell(&self, record: &Record) {
        let jobs = vec![record.view()];
        self.inner.events.tell(Event::Jobs { jobs });
    }

    pub(super) fn record(&self, id: &str) -> Result<Arc<Record>, Problem> {
        let records = lock(&self.inner.jobs.records);
        records
            .iter()
            .find(|r| r.id == id)
            .cloned()
            .ok_or_else(|| Problem::stale("transfer"))
    }

    /// Begins as many as may run. To be called whenever something about the queue has changed.
    pub(crate) fn schedule(&self) {
        if self.inner.jobs.closing() {
            return;
        }
        let slots = self.inner.jobs.slots();
        let mut begin = Vec::new();
        {
            let records = lock(&self.inner.jobs.records);
            let busy = |record: &&Arc<Record>| {
                record.takes_a_slot()
                    && matches!(record.run().stage, Stage::Starting | Stage::Running(_))
            };
            let mut free = slots.saturating_sub(records.iter().filter(busy).count());
            for record in records.iter() {
                if record.takes_a_slot() && free == 0 {
                    continue;
                }
                if !matches!(record.run().stage, Stage::Waiting) {
                    continue;
                }
                {
                    let mut run = record.run();
                    (run.stage, run.wish) = (Stage::Starting, Wish::GoOn);
                }
                free = free.saturating_sub(usize::from(record.takes_a_slot()));
                begin.push(Arc::clone(record));
            }
        }
        for record in begin {
            let engine = self.clone();
            tokio::spawn(async move { engine.begin(&record).await });
        }
    }

    async fn begin(&self, record: &Arc<Record>) {
        match self.make(record).await {
            Ok((job, pauses)) => {
                let wish = {
                    let mut run = record.run();
                    run.stage = Stage::Running(job.clone());
                    run.pauses = pauses;
                    if run.ended.take().is_some() || !run.taken_up {
                        run.started = self.now();
                    }
                    run.wish
                };
                match wish {
                    Wish::GoOn => {}
                    Wish::Cancel => record.stop(&job),
                    Wish::Pause | Wish::MakeRoom => job.pause(),
                }
                self.tell(record);
                self.follow(Arc::clone(record), job).await;
            }
            Err(trouble) => self.not_begun(record, trouble).await,
        }
        self.schedule();
    }

    async fn make(&self, record: &Arc<Record>) -> Result<(Job, Vec<Arc<Pause>>), Trouble> {
        let kept = record.run().kept.take();
        if let Some(job) = kept
            && (job.go_on() || job.retry_failed())
        {
            let pauses = record.run().pauses.clone();
            for pause in &pauses {
                pause.begin_again();
            }
            return Ok((job, pauses));
        }
        let facts = &record.facts;
        if facts.stranger
            && (facts.kind == JobKind::Copy || self.account(&facts.location.account).is_err())
        {
            return Err(Trouble::Problem(Problem::new(
                "transfer.command-line",
                "This transfer was begun on the command line, with stores that only it knows.",
                "Give the command that began it once more: that goes on with it.",
            )));
        }
        let mut pauses = Vec::new();
        let here = self.job_store(&facts.location.account, &mut pauses).await?;
        let (store, from) = match &facts.to {
            Some(to) if to.account != facts.location.account => {
                let there = self.job_store(&to.account, &mut pauses).await?;
                let from = CopySource {
                    store: here,
                    one_server: self.one_server(&facts.location.account, &to.account),
                };
                (there, Some(from))
            }
            _ => (here, None),
        };
        let mut settings = self.inner.jobs.settings();
        settings.sha256 = record.journaled && self.settings_now().transfers.receipt_sha256;
        let held = lock(&record.held).take();
        let job = match held {
            Some(work) => self.begin_held(work, store, from, settings).await?,
            None => self.go_on_with(record, store, from, settings).await?,
        };
        Ok((job, pauses))
    }

    /// A store for transfers: within the limits, and waiting where somebody in front of the window
    /// would be told to sign in.
    async fn job_store(
        &self,
        account: &str,
        pauses: &mut Vec<Arc<Pause>>,
    ) -> Result<Arc<dyn ObjectStore>, Trouble> {
        let opened = self.open(account).await.map_err(Trouble::Problem)?;
        let store = opened.store.throttled(self.inner.jobs.throttle.clone())?;
        if !self.is_lent(&opened.account) {
            return Ok(Arc::new(store));
        }
        let (store, pause) = self.patient(&opened.account, &store)?;
        pauses.push(pause);
        Ok(Arc::new(store))
    }

    fn one_server(&self, one: &str, other: &str) -> bool {
        match (self.account(one), self.account(other)) {
            (Ok(one), Ok(other)) => host(&one.endpoint) == host(&other.endpoint),
            _ => false,
        }
    }

    async fn not_begun(&self, record: &Arc<Record>, trouble: Trouble) {
        let stage = match trouble {
            Trouble::Problem(problem) => Stage::Held(Box::new(problem)),
            Trouble::File(error) if waits(&error) => self.later(record, &error),
            Trouble::File(error) if about_the_key(&error) => {
                Stage::Held(Box::new(record.words(&error, None)))
            }
            Trouble::File(error) => {
                let problem = Box::new(record.words(&error, None));
                record.run().ended = Some(self.now());
                Stage::Ended(JobState::Failed, Some(problem))
            }
            Trouble::Taken => {
                self.watch_elsewhere();
                Stage::Elsewhere
            }
            Trouble::Gone => {
                record.run().ended = Some(self.now());
                Stage::Ended(JobState::Cancelled, None)
            }
        };
        let cancelled = {
            let mut run = record.run();
            let cancelled = run.wish == Wish::Cancel;
            run.stage = match (stage, run.wish) {
                (Stage::Held(_) | Stage::Later { .. }, Wish::Pause) => Stage::Paused,
                (stage, _) => stage,
            };
            cancelled && !run.stage.has_ended()
        };
        if cancelled {
            self.give_up(record).await;
        }
        self.tell(record);
    }

    /// Tells the window how a job goes on until it has ended, and draws the consequences.
    async fn follow(&self, record: Arc<Record>, job: Job) {
        let mut done_before = 0;
        loop {
            let ended = tokio::time::timeout(TICK, job.wait()).await.ok();
            let done = job.snapshot().files_done;
            if let Some(end) = ended {
                tracing::info!(id = record.id, state = ?end.state, "a transfer has stopped");
                self.after(&record, &end, &job).await;
                record.settled.notify_waiters();
                self.tell(&record);
                if done > 0 {
                    self.touched(&record);
                }
                if record.has_ended() {
                    self.inner.events.tell(Event::Queue {});
                }
                return;
            }
            self.tell(&record);
            // A long job shows its first files soon; a folder of thousands is not listed over and
            // over again.
            if done_before == 0 && done > 0 {
                self.touched(&record);
            }
            done_before = done;
        }
    }

    fn touched(&self, record: &Record) {
        for location in record.facts.touched.clone() {
            self.inner.events.tell(Event::Changed { location });
        }
    }

    /// What becomes of a job that does not run any more.
    async fn after(&self, record: &Arc<Record>, end: &JobSnapshot, job: &Job) {
        use wherry_transfer::JobState as Ran;
        let wish = record.run().wish;
        if !record.journaled {
            record.run().kept = Some(job.clone());
        }
        let waits_again = || {
            let error = match (&end.problem, end.state) {
                (Some(problem), Ran::Failed) => Some(problem.clone()),
                (None, Ran::Failed | Ran::Partial)
                    if record.run().failures < MOST_FAILURES_OF_FILES =>
                {
                    let failed = job.files(0..LOOKED_AT, true);
                    let errors = failed.into_iter().filter_map(|row| row.error);
                    let errors: Vec<FileError> = errors.collect();
                    let all = !errors.is_empty() && errors.iter().all(waits);
                    errors.into_iter().next().filter(|_| all)
                }
                _ => None,
            };
            error.filter(|e| waits(e) || about_the_key(e))
        };
        let again = match wish {
            Wish::Cancel => None,
            Wish::GoOn | Wish::Pause | Wish::MakeRoom => waits_again(),
        };
        let stage = match again {
            Some(error) => match self.again(record).await {
                Ok(()) if wish == Wish::Pause => {
                    self.write_waiting(record, false).await;
                    Stage::Paused
                }
                Ok(()) if wish == Wish::MakeRoom => Stage::Waiting,
                Ok(()) if about_the_key(&error) => {
                    Stage::Held(Box::new(record.words(&error, None)))
                }
                Ok(()) => self.later(record, &error),
                Err(_) => ended(record, end),
            },
            None if end.state == Ran::Paused && wish == Wish::Pause => Stage::Paused,
            None if end.state == Ran::Paused => {
                if !self.inner.jobs.closing() {
                    self.write_waiting(record, true).await;
                }
                Stage::Waiting
            }
            None => ended(record, end),
        };
        if let (Some(undone), Stage::Ended(JobState::Done | JobState::Partial, _)) =
            (&record.facts.undoes, &stage)
        {
            self.write_undone(undone).await;
        }
        let mut run = record.run();
        run.numbers = Numbers::from(end);
        if stage.has_ended() {
            run.ended = end.ended.or_else(|| Some(self.now()));
            run.failures = 0;
        }
        if record.journaled {
            run.pauses.clear();
        }
        run.stage = stage;
    }

    fn later(&self, record: &Arc<Record>, error: &FileError) -> Stage {
        let problem = Box::new(record.words(error, None));
        let failures = {
            let mut run = record.run();
            run.failures += 1;
            run.failures
        };
        let wait = self.inner.jobs.pause_after(failures);
        let at = Instant::now() + wait;
        let (engine, record) = (self.clone(), Arc::clone(record));
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            let due = {
                let mut run = record.run();
                let due = matches!(&run.stage, Stage::Later { at: then, .. } if *then == at);
                if due {
                    run.stage = Stage::Waiting;
                }
                due
            };
            if due {
                engine.schedule();
            }
        });
        Stage::Later { at, problem }
    }

    /// Something about an account or the vault has changed: what waited for that tries again.
    pub(crate) fn jobs_may_go_on(&self) {
        let mut any = false;
        for record in lock(&self.inner.jobs.records).iter() {
            let mut run = record.run();
            if matches!(run.stage, Stage::Held(_)) {
                run.stage = Stage::Waiting;
                any = true;
            }
        }
        if any {
            self.schedule();
        }
    }

    /// Nothing new is begun; what runs is kept for the next time.
    pub(crate) async fn close_jobs(&self) {
        self.inner.jobs.close();
        let running: Vec<(Arc<Record>, Job)> = lock(&self.inner.jobs.records)
            .iter()
            .filter_map(|r| r.job().map(|job| (Arc::clone(r), job)))
            .collect();
        for (record, job) in &running {
            record.run().wish = Wish::MakeRoom;
            if record.journaled {
                record.leave(job);
            } else {
                record.stop(job);
            }
        }
        for (_, job) in &running {
            // A store that does not answer must not keep the window from closing.
            let _ = tokio::time::timeout(Duration::from_secs(3), job.wait()).await;
        }
        self.flush_journal().await;
    }
}

impl Record {
    /// Stops it for good, at once, also when it waits for a key.
    pub(super) fn stop(&self, job: &Job) {
        job.cancel();
        for pause in &self.run().pauses {
            pause.give_up();
        }
    }

    pub(super) fn halt(&self, job: &Job) {
        job.pause();
        for pause in &self.run().pauses {
            pause.give_up();
        }
    }

    /// As [`Record::halt`], but it goes on by itself the next time.
    fn leave(&self, job: &Job) {
        job.cut_off();
        for pause in &self.run().pauses {
            pause.give_up();
        }
    }
}

fn ended(record: &Record, end: &JobSnapshot) -> Stage {
    let state = match end.state {
        wherry_transfer::JobState::Done => JobState::Done,
        wherry_transfer::JobState::Partial => JobState::Partial,
        wherry_transfer::JobState::Cancelled => JobState::Cancelled,
        _ => JobState::Failed,
    };
    let problem = end.problem.as_ref();
    Stage::Ended(state, problem.map(|e| Box::new(record.words(e, None))))
}

/// The way to the store is gone, or the store cannot keep up: that may pass by itself.
fn waits(error: &FileError) -> bool {
    matches!(
        error,
        FileError::Store(e) if matches!(
            e.kind,
            ErrorKind::Unreachable
                | ErrorKind::HostUnknown
                | ErrorKind::Interrupted
                | ErrorKind::Proxy
                | ErrorKind::SlowDown
                | ErrorKind::ServerFault
        )
    )
}

/// The key is dead: with another one the job can go on.
fn about_the_key(error: &FileError) -> bool {
    matches!(
        error,
        FileError::Store(e) if matches!(
            e.kind,
            ErrorKind::KeyExpired | ErrorKind::KeyUnknown | ErrorKind::SecretWrong
        )
    )
}

impl Engine {
    pub(super) fn opening_failed(
        &self,
        account: &str,
        error: &wherry_store::StoreError,
    ) -> Problem {
        match self.account(account) {
            Ok(account) => from_store(error, &self.about(&account)),
            Err(problem) => problem,
        }
    }
}
