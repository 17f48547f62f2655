//! What the user does to the queue: stop, go on, cancel, try again, and another order.

use std::sync::Arc;
use std::time::Duration;

use wherry_transfer::journal::Move;

use super::record::{Record, Stage, Wish};
use crate::contract::{
    Event, FileState, FileView, Files, FilesRequest, JobKind, JobState, JobView, MoveJob, Problem,
    QueuePlace,
};
use crate::engine::{Engine, lock};

const MOST_ROWS: usize = 500;
/// A user who stops something sees the end of most; the events tell the rest.
const SEE_THE_END: Duration = Duration::from_secs(2);

impl Engine {
    pub(crate) async fn job_views(&self) -> Vec<JobView> {
        self.take_up().await;
        let records = lock(&self.inner.jobs.records).clone();
        let (mut ended, mut queue): (Vec<_>, Vec<_>) = records
            .iter()
            .map(|r| r.view())
            .partition(|j| j.ended.is_some());
        ended.sort_by_key(|job| std::cmp::Reverse(job.ended));
        queue.extend(ended);
        queue
    }

    pub(crate) fn forget_ended(&self) {
        lock(&self.inner.jobs.records).retain(|r| !r.has_ended());
        self.inner.events.tell(Event::Queue {});
    }

    pub(crate) fn job_files(&self, request: &FilesRequest) -> Result<Files, Problem> {
        let record = self.record_or_past(&request.job)?;
        let count = request.count.min(MOST_ROWS);
        let range = |total: usize| {
            let to = request.from.saturating_add(count).min(total);
            request.from.min(to)..to
        };
        let (total, rows) = match record.job() {
            Some(job) => {
                let total = job.file_count(request.only_failed);
                (total, job.files(range(total), request.only_failed))
            }
            None => self.written_files(&record, request.only_failed, range)?,
        };
        let files = rows
            .into_iter()
            .map(|row| FileView {
                problem: row.error.as_ref().map(|e| record.words(e, Some(&row.name))),
                name: row.name,
                state: file_state(row.state),
                bytes_total: row.bytes_total,
                bytes_done: row.bytes_done,
            })
            .collect();
        Ok(Files { total, files })
    }

    pub(crate) async fn halt_job(&self, id: &str) -> Result<JobView, Problem> {
        let record = self.record(id)?;
        let running = {
            let mut run = record.run();
            match &run.stage {
                Stage::Running(job) => {
                    let job = job.clone();
                    run.wish = Wish::Pause;
                    Some(job)
                }
                Stage::Starting => {
                    run.wish = Wish::Pause;
                    None
                }
                Stage::Waiting | Stage::Later { .. } | Stage::Held(_) => {
                    run.stage = Stage::Paused;
                    None
                }
                Stage::Paused | Stage::Elsewhere | Stage::Ended(..) => None,
            }
        };
        match running {
            Some(job) => {
                let settled = record.settled.notified();
                record.halt(&job);
                let _ = tokio::time::timeout(SEE_THE_END, settled).await;
            }
            None => self.write_waiting(&record, false).await,
        }
        self.schedule();
        self.tell(&record);
        Ok(record.view())
    }

    pub(crate) async fn let_go_on(&self, id: &str) -> Result<JobView, Problem> {
        let record = self.record(id)?;
        let stands_still = |stage: &Stage| {
            matches!(
                stage,
                Stage::Paused | Stage::Held(_) | Stage::Later { .. } | Stage::Elsewhere
            )
        };
        let waits = stands_still(&record.run().stage);
        if waits {
            // First on paper: whoever begins it wants its claim.
            self.write_waiting(&record, true).await;
        }
        {
            let mut run = record.run();
            run.wish = Wish::GoOn;
            if waits && stands_still(&run.stage) {
                run.stage = Stage::Waiting;
                run.failures = 0;
            }
        }
        if waits {
            self.schedule();
            self.tell(&record);
        }
        Ok(record.view())
    }

    pub(crate) async fn stop_job(&self, id: &str) -> Result<JobView, Problem> {
        let record = self.record(id)?;
        let (running, waits) = {
            let mut run = record.run();
            run.wish = Wish::Cancel;
            match &run.stage {
                Stage::Running(job) => (Some(job.clone()), false),
                Stage::Starting | Stage::Elsewhere | Stage::Ended(..) => (None, false),
                Stage::Waiting | Stage::Later { .. } | Stage::Paused | Stage::Held(_) => {
                    run.stage = Stage::Ended(JobState::Cancelled, None);
                    run.ended = Some(self.now());
                    (None, true)
                }
            }
        };
        if let Some(job) = running {
            let settled = record.settled.notified();
            record.stop(&job);
            let _ = tokio::time::timeout(SEE_THE_END, settled).await;
        }
        if waits {
            self.give_up(&record).await;
        }
        if record.facts.kind == JobKind::Stage && record.has_ended() {
            self.put_away(&record);
        }
        Ok(record.view())
    }

    /// A job that is not running is over: what is half done of it is cleaned up.
    pub(super) async fn give_up(&self, record: &Arc<Record>) {
        {
            let mut run = record.run();
            run.ended.get_or_insert_with(|| self.now());
            run.stage = Stage::Ended(JobState::Cancelled, None);
        }
        if record.journaled {
            self.cancel_written(record).await;
        }
        self.tell(record);
        self.inner.events.tell(Event::Queue {});
        self.schedule();
    }

    /// Tries what failed or was cancelled again.
    pub(crate) async fn run_again(&self, id: &str) -> Result<JobView, Problem> {
        let record = self.record_or_past(id)?;
        let (ended, whole) = {
            let run = record.run();
            let whole = matches!(run.stage, Stage::Ended(JobState::Done, _));
            (run.stage.has_ended(), whole)
        };
        if whole {
            return Ok(record.view());
        }
        if !ended {
            return self.let_go_on(id).await;
        }
        self.again(&record).await?;
        {
            let mut run = record.run();
            (run.stage, run.wish) = (Stage::Waiting, Wish::GoOn);
            run.ended = None;
            run.numbers.files_failed = 0;
        }
        let mut records = lock(&self.inner.jobs.records);
        // At the end of the queue, as a new one.
        records.retain(|r| r.id != record.id);
        records.push(Arc::clone(&record));
        drop(records);
        self.inner.events.tell(Event::Queue {});
        self.schedule();
        self.tell(&record);
        Ok(record.view())
    }

    pub(crate) async fn move_in_queue(&self, place: &MoveJob) -> Result<Vec<JobView>, Problem> {
        let record = self.record(&place.job)?;
        if !record.has_ended() {
            reorder(&mut lock(&self.inner.jobs.records), &place.job, place.to);
            let to = match place.to {
                QueuePlace::Now => Move::First,
                QueuePlace::Up => Move::Up,
                QueuePlace::Down => Move::Down,
                QueuePlace::Last => Move::Last,
            };
            if record.journaled {
                self.write_order(&record, to).await;
            }
            if place.to == QueuePlace::Now {
                self.make_room_for(&record).await;
            }
            self.inner.events.tell(Event::Queue {});
            self.schedule();
        }
        Ok(self.job_views().await)
    }

    /// It takes a slot; if there is none, the one that was begun last gives up its own.
    async fn make_room_for(&self, record: &Arc<Record>) {
        {
            let mut run = record.run();
            match run.stage {
                Stage::Running(_) | Stage::Starting | Stage::Ended(..) | Stage::Elsewhere => return,
                _ => run.stage = Stage::Waiting,
            }
        }
        self.write_waiting(record, true).await;
        let records = lock(&self.inner.jobs.records).clone();
        let running: Vec<&Arc<Record>> = records
            .iter()
            .filter(|r| {
                r.takes_a_slot() && matches!(r.run().stage, Stage::Running(_) | Stage::Starting)
            })
            .collect();
        if running.len() < self.inner.jobs.slots() {
            return;
        }
        let last = running
            .iter()
            .filter(|r| r.journaled)
            .max_by_key(|r| r.run().started);
        if let Some(last) = last {
            last.run().wish = Wish::MakeRoom;
            if let Some(job) = last.job() {
                last.halt(&job);
            }
        }
    }
}

pub(super) fn file_state(state: wherry_transfer::FileState) -> FileState {
    match state {
        wherry_transfer::FileState::Waiting => FileState::Waiting,
        wherry_transfer::FileState::Running => FileState::Running,
        wherry_transfer::FileState::Done => FileState::Done,
        wherry_transfer::FileState::Skipped => FileState::Skipped,
        wherry_transfer::FileState::Failed => FileState::Failed,
        wherry_transfer::FileState::Cancelled => FileState::Cancelled,
    }
}

/// Moves a job among those that have not ended; the others keep their places.
fn reorder(records: &mut Vec<Arc<Record>>, id: &str, to: QueuePlace) {
    let Some(at) = records.iter().position(|r| r.id == id) else {
        return;
    };
    let open = |records: &[Arc<Record>]| records.iter().position(|r| !r.has_ended());
    let target = match to {
        QueuePlace::Now => open(records).unwrap_or(0),
        QueuePlace::Up => records[..at]
            .iter()
            .rposition(|r| !r.has_ended())
            .unwrap_or(at),
        QueuePlace::Down => records[at + 1..]
            .iter()
            .position(|r| !r.has_ended())
            .map_or(at, |after| at + 1 + after),
        QueuePlace::Last => records.len() - 1,
    };
    let record = records.remove(at);
    records.insert(target, record);
}
