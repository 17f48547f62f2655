//! How a job goes through its files, and how it comes to its end.

use std::sync::{Arc, PoisonError};

use tokio::task::JoinSet;

use super::Shared;
use super::board::{FileState, JobState};
use super::job::Inner;
use crate::error::FileError;
use crate::journal::{JournalError, Record, State, recover};

/// Starts the files in order, as many at once as there may be requests. `again`: those that are
/// tried once more.
pub(super) async fn drive(job: Arc<Inner>, again: Vec<u32>) {
    let shared = Arc::clone(&job.shared.read().unwrap_or_else(PoisonError::into_inner));
    let mut running = JoinSet::new();
    if let Some(record) = &shared.record
        && let Err(error) = take_up(record, &again, &shared, &mut running).await
    {
        shared.board.problem(record.unwritten(error));
    }
    let rows = shared.board.waiting();
    let last = job.work.goes_last();
    let (rows_first, rows_last) =
        rows.split_at(rows.partition_point(|row| last.is_none_or(|last| *row < last)));
    go_through(rows_first, &job, &shared, &mut running).await;
    if last.is_some_and(|last| shared.board.all_arrived(last)) {
        go_through(rows_last, &job, &shared, &mut running).await;
    }
    end(&job, &shared, &rows).await;
}

/// Returns when all of these rows have ended, or nothing more is to be begun and what was has.
async fn go_through(
    rows: &[u32],
    job: &Arc<Inner>,
    shared: &Arc<Shared>,
    running: &mut JoinSet<()>,
) {
    let batch = rows.first().map_or(1, |row| job.work.batch(*row));
    for batch in rows.chunks(batch) {
        if shared.stop.is_cancelled() || shared.board.has_problem() {
            break;
        }
        while running.len()
            >= shared
                .files
                .at_most(shared.slots.min(shared.requests.files()))
        {
            running.join_next().await;
        }
        if shared.stop.is_cancelled() || shared.board.has_problem() {
            break;
        }
        let (job, shared, batch) = (Arc::clone(job), Arc::clone(shared), batch.to_vec());
        running.spawn(async move { job.work.run(&batch, &shared).await });
    }
    while let Some(ended) = running.join_next().await {
        if let Err(e) = ended {
            tracing::error!(%e, "a transfer task panicked");
        }
    }
}

/// Before the first file: the journal hears that the job goes on, and what an earlier run left and
/// nobody will go on with is removed.
async fn take_up(
    record: &Arc<Record>,
    again: &[u32],
    shared: &Arc<Shared>,
    running: &mut JoinSet<()>,
) -> Result<(), JournalError> {
    let earlier_run = !record.is_fresh();
    record.begin(again, shared.clock.now()).await?;
    if earlier_run {
        recover::clear_small_drafts(record.journal(), record.id(), &*shared.disk).await?;
    }
    for old in record.take_adopted() {
        let (record, shared) = (Arc::clone(record), Arc::clone(shared));
        running.spawn(async move {
            let cleared =
                recover::clear(record.journal(), &old, Some(&shared.store), &*shared.disk).await;
            if let Err(e) = cleared {
                tracing::warn!(%e, "what an earlier transfer left could not be cleaned up");
            }
        });
    }
    Ok(())
}

async fn end(job: &Inner, shared: &Arc<Shared>, rows: &[u32]) {
    let (board, now) = (&shared.board, shared.clock.now());
    let is_open = |row: &u32| matches!(board.state(*row), FileState::Waiting | FileState::Running);
    let for_now = shared.halt.is_pause() && !board.has_problem() && rows.iter().any(is_open);
    for row in rows.iter().filter(|row| is_open(row)) {
        // Never begun, or its task panicked.
        if for_now {
            if board.state(*row) == FileState::Running {
                board.paused(*row, false);
            }
        } else {
            board.cancelled(*row);
        }
    }
    if for_now {
        board.close_for_now();
    } else {
        // A pause that found nothing left to do is no cancellation.
        let cancelled = shared.stop.is_cancelled() && !shared.halt.is_pause();
        board.close(cancelled, now);
    }
    if let Some(record) = &shared.record {
        let (state, problem) = board.state_of_all();
        let state = match state {
            JobState::Running => None,
            JobState::Paused if shared.halt.is_cut_off() => None,
            JobState::Paused => Some(State::Paused),
            JobState::Done => Some(State::Done),
            JobState::Partial => Some(State::Partial),
            JobState::Failed => Some(State::Failed),
            JobState::Cancelled => Some(State::Cancelled),
        };
        if state == Some(State::Cancelled) {
            clean_up(record, shared).await;
        }
        if let Err(e) = record.end(state, problem.as_ref(), now).await {
            tracing::error!(%e, "the end of a transfer could not be written down");
        }
        // What nobody could be asked to abort stays known: see `Journal::left_over`.
    }
    job.ended.send_replace(true);
}

/// What earlier runs left of files whose turn did not come any more.
async fn clean_up(record: &Record, shared: &Shared) {
    if let Err(e) = record.flush().await {
        tracing::warn!(%e, "what is half done could not be looked up");
        return;
    }
    let cleared = recover::clear_claimed(
        record.journal(),
        record.id(),
        Some(&shared.store),
        &*shared.disk,
    );
    match tokio::time::timeout(super::CLEAN_UP, cleared).await {
        Ok(Ok(_)) => {}
        Ok(Err(e)) => tracing::warn!(%e, "what was half done could not be cleaned up"),
        Err(_) => tracing::warn!("cleaning up took too long"),
    }
}

/// Why a journal's error keeps a job from going on.
impl Record {
    fn unwritten(&self, error: JournalError) -> FileError {
        crate::journal::unwritten(self.journal(), error)
    }
}
