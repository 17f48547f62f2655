//! Jobs that go on: after a pause, and in another session than the one that began them.

use std::sync::Arc;

use wherry_store::{ErrorKind, ObjectStore, StoreError};

use super::board::{FileState, JobState};
use super::copy::Copies;
use super::delete::Deletions;
use super::download::Downloads;
use super::job::{Job, Work};
use super::upload::Uploads;
use super::{Halt, Settings, Shared};
use crate::error::FileError;
use crate::journal::recover;
use crate::journal::spec::Planned;
use crate::journal::{
    Destination, EnterError, Journal, JournalError, Record, RestoredWork, RowStates, State,
};
use crate::plan::Decided;

/// Why a job of the journal does not go on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResumeError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder that it downloads into cannot be used.
    #[error(transparent)]
    Folder(#[from] FileError),
}

/// Where the originals of a copy are, when that is not where the copies go.
pub struct CopySource {
    pub store: Arc<dyn ObjectStore>,
    /// Both are accounts of one server, which may be able to copy by itself.
    pub one_server: bool,
}

/// What is known of a job's files when it starts.
#[derive(Default)]
pub(super) struct Start {
    pub states: RowStates,
    /// What failed before is to be tried again.
    pub again: bool,
    pub record: Option<Arc<Record>>,
}

/// Why a job could not be written down: as the errors of those who start one.
pub(super) struct NotWritten(FileError);

impl From<NotWritten> for FileError {
    fn from(error: NotWritten) -> Self {
        error.0
    }
}

impl From<NotWritten> for StoreError {
    fn from(error: NotWritten) -> Self {
        match error.0 {
            FileError::Store(error) => error,
            other => Self::new(
                ErrorKind::LocalFile,
                "write the transfer down",
                other.to_string(),
            ),
        }
    }
}

impl Start {
    pub fn decided(decided: &Decided) -> Self {
        let skipped = decided.skip.iter();
        Self {
            states: skipped
                .map(|row| (*row, FileState::Skipped, None))
                .collect(),
            ..Self::default()
        }
    }

    /// Writes the job down, when it is to be, before anything of it happens. `there` is the store that
    /// it writes into.
    pub async fn written(
        mut self,
        settings: &Settings,
        planned: Planned<'_>,
        there: Option<&Arc<dyn ObjectStore>>,
    ) -> Result<Self, NotWritten> {
        let Some(entry) = &settings.journal else {
            return Ok(self);
        };
        let journal = &entry.journal;
        let failed = |e| NotWritten(crate::journal::unwritten(journal, e));
        let now = settings.clock.now();
        let entered = journal
            .enter(
                entry.job.clone(),
                planned,
                State::Running,
                now,
                there.map(|store| Destination {
                    store,
                    backoff: settings.backoff,
                    seed: settings.seed,
                }),
            )
            .await
            .map_err(|e| match e {
                EnterError::Journal(e) => failed(e),
                EnterError::Store(e) => NotWritten(e.into()),
            })?;
        if !entered.adopted.is_empty() {
            let known = journal.states(entered.n).map_err(failed)?;
            self.states = known;
        }
        let record = Record::entered(journal.clone(), entered).map_err(failed)?;
        self.record = Some(Arc::new(record));
        Ok(self)
    }
}

/// Ends whatever upload of a file is still written down, when the file has come, or will come, without
/// it. What cannot be ended now stays known, see [`Journal::left_over`].
pub(super) async fn clear_left(row: u32, shared: &Shared) -> Result<(), FileError> {
    let Some(record) = &shared.record else {
        return Ok(());
    };
    let Some(half) = record.half_upload_now(row)? else {
        return Ok(());
    };
    let clear = || recover::abort(record.journal(), &half, &shared.store);
    let cleared = shared.patience.with(clear).await;
    if !matches!(cleared, Ok(true)) {
        tracing::warn!(
            ?cleared,
            "what is left of an upload is to be cleaned up later"
        );
        record.leave_behind(row);
    }
    Ok(())
}

/// What arrived before the crash and is not there any more is to be fetched again.
async fn forget_what_is_gone(
    journal: &Journal,
    n: i64,
    work: &Downloads,
    states: &mut RowStates,
) -> Result<(), JournalError> {
    let arrived = states
        .iter()
        .filter(|(_, state, _)| *state == FileState::Done)
        .map(|(row, _, _)| *row);
    let gone = work.gone(arrived).await;
    if gone.is_empty() {
        return Ok(());
    }
    tracing::info!(files = gone.len(), "what had arrived is not there any more");
    // In their order, as the states are.
    states.retain(|(row, _, _)| gone.binary_search(row).is_err());
    journal.lost(n, gone).await
}

impl Job {
    /// Goes on with a job of the journal: one that waits in the queue, was paused, or was cut off. Of
    /// one that has ended, what failed or was cancelled is tried again.
    ///
    /// `from` is only for copies between stores. [`JournalError::Taken`] when somebody runs it.
    pub async fn resume(
        journal: &Journal,
        id: &str,
        store: Arc<dyn ObjectStore>,
        from: Option<CopySource>,
        settings: Settings,
    ) -> Result<Self, ResumeError> {
        let claim = journal.claim(id)?;
        journal.flush().await?;
        let job = journal.job(id)?;
        let reading = journal.clone();
        let restored = tokio::task::spawn_blocking(move || reading.restore(job.n));
        let mut restored = restored.await.map_err(|e| {
            let reason = e.to_string();
            JournalError::Unusable(reason)
        })??;
        let work = match restored.work {
            RestoredWork::Upload(plan, decided) => Work::Upload(Uploads::new(plan, decided)),
            RestoredWork::Download(plan, decided) => {
                let work = Downloads::open(plan, &decided, &*settings.disk).await?;
                // One that was stopped in order has all that it says; whatever is gone since was taken
                // away on purpose.
                if job.state == State::Running {
                    forget_what_is_gone(journal, job.n, &work, &mut restored.states).await?;
                }
                Work::Download(work)
            }
            RestoredWork::Copy(plan, decided) => Work::Copy(match from {
                Some(from) => Copies::between(plan, decided, from.store, from.one_server),
                None => Copies::within(plan, decided),
            }),
            RestoredWork::Delete(plan) => Work::Delete(Deletions::new(plan, 0)),
        };
        let work = work.then(restored.removals);
        let record = Record::new(journal.clone(), job.n, job.id, claim)?;
        let start = Start {
            states: restored.states,
            again: job.state.has_ended(),
            record: Some(Arc::new(record)),
        };
        Ok(Self::start(store, work, start, settings))
    }

    /// Of the journal, when the job is in one.
    pub fn id(&self) -> Option<String> {
        let record = self.shared().record.clone();
        record.map(|record| record.id().to_owned())
    }

    /// Stops for now. With a journal, what is half done stays as it is, here and at the store; without
    /// one it is cleaned up, and begun again by [`Job::go_on`].
    pub fn pause(&self) {
        let shared = self.shared();
        shared.halt.set(Halt::PAUSE);
        shared.stop.cancel();
    }

    /// Stops as the end of the program does: in the journal the job stays one that was running, and
    /// the next start goes on with it.
    pub fn cut_off(&self) {
        let shared = self.shared();
        shared.halt.set(Halt::CUT_OFF);
        shared.stop.cancel();
    }

    /// Goes on after a pause. False when it is not paused.
    pub fn go_on(&self) -> bool {
        if !self.is_paused() || !self.renew() {
            return false;
        }
        self.shared().board.open_again();
        self.go(Vec::new());
        true
    }

    pub(super) fn is_paused(&self) -> bool {
        self.shared().board.state_of_all().0 == JobState::Paused
    }
}
