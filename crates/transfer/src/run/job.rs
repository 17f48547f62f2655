//! A job: started from a plan, watched, cancelled, and tried again.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;
use wherry_store::{ObjectStore, StoreError};

use super::board::{Board, FileRow, FileState, JobSnapshot};
use super::copy::Copies;
use super::delete::Deletions;
use super::download::Downloads;
use super::drive::drive;
use super::each::Each;
use super::recheck::{Recheck, Rechecks};
use super::resume::Start;
use super::undo::{Made, Undoing};
use super::upload::Uploads;
use super::{Budget, DraftNames, Halt, Pace, Settings, Shared};
use crate::error::FileError;
use crate::journal::spec;
use crate::plan::{Choices, CopyPlan, DeletePlan, DownloadPlan, UploadPlan};
use crate::retry::Patience;

/// What a job moves. Each knows its files by their row.
pub(super) enum Work {
    Upload(Uploads),
    Download(Downloads),
    Delete(Deletions),
    Copy(Copies),
    Each(Box<dyn Each>),
    Sync(Box<Syncing>),
}

/// What moves, and what goes once all of that has arrived.
pub(super) struct Syncing {
    pub moves: Work,
    pub removals: Work,
    /// The job's row of what goes first.
    pub first: u32,
}

impl Work {
    /// The part of a sync that a row belongs to, and the row's number there.
    fn part(&self, row: u32) -> (&Self, u32) {
        match self {
            Self::Sync(sync) if row >= sync.first => (&sync.removals, row - sync.first),
            Self::Sync(sync) => (&sync.moves, row),
            _ => (self, row),
        }
    }

    /// Rows from here on go only when all before have arrived.
    pub fn goes_last(&self) -> Option<u32> {
        match self {
            Self::Sync(sync) => Some(sync.first),
            _ => None,
        }
    }

    /// Rows from here on delete something.
    fn deletes_from(&self) -> u32 {
        match self {
            Self::Delete(_) => 0,
            _ => self.goes_last().unwrap_or(u32::MAX),
        }
    }

    fn name(&self, row: u32) -> String {
        let (part, at) = self.part(row);
        match part {
            Self::Upload(work) => work.plan.name(at),
            Self::Download(work) => work.name(at),
            Self::Delete(work) => work.name(at),
            Self::Copy(work) => work.name(at),
            Self::Each(work) => work.name(at),
            Self::Sync(_) => String::new(),
        }
    }

    /// Rows and bytes.
    pub fn totals(&self) -> (usize, u64) {
        let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.sum();
        match self {
            Self::Upload(work) => {
                let items = &work.plan.items;
                (items.len(), sum(&mut items.iter().map(|i| i.size)))
            }
            Self::Download(work) => work.totals(),
            Self::Delete(work) => (work.len(), 0),
            Self::Copy(work) => {
                let items = &work.plan.items;
                (items.len(), sum(&mut items.iter().map(|i| i.size)))
            }
            Self::Each(work) => {
                let rows = work.rows();
                (rows, sum(&mut (0..rows as u32).map(|row| work.size(row))))
            }
            Self::Sync(sync) => {
                let ((moves, bytes), (removals, _)) = (sync.moves.totals(), sync.removals.totals());
                (moves + removals, bytes)
            }
        }
    }

    fn size(&self, row: u32) -> u64 {
        let (part, at) = self.part(row);
        match part {
            Self::Upload(work) => work.plan.items.get(at as usize).map_or(0, |i| i.size),
            Self::Download(work) => work.size(at),
            Self::Copy(work) => work.plan.items.get(at as usize).map_or(0, |i| i.size),
            Self::Each(work) => work.size(at),
            Self::Delete(_) | Self::Sync(_) => 0,
        }
    }

    /// Rows handled by one task, from this one on.
    pub fn batch(&self, row: u32) -> usize {
        match self.part(row).0 {
            Self::Delete(_) => 1000,
            _ => 1,
        }
    }

    /// All rows are of one part.
    pub async fn run(&self, rows: &[u32], shared: &Arc<Shared>) {
        match rows.first().map(|row| self.part(*row).0) {
            Some(Self::Delete(work)) => work.run(rows, shared).await,
            _ => {
                for row in rows {
                    self.run_one(*row, shared).await;
                }
            }
        }
    }

    async fn run_one(&self, row: u32, shared: &Arc<Shared>) {
        shared.board.begin(row);
        // Each cleans up behind itself when stopped: an upload is aborted, a temporary file removed.
        let (part, at) = self.part(row);
        let result = match part {
            Self::Upload(work) => work.run(row, shared).await,
            Self::Download(work) => work.run(row, shared).await,
            Self::Copy(work) => work.run(row, shared).await,
            Self::Each(work) => {
                let result = work.run(at, shared).await;
                if result.is_ok() {
                    shared.done_without_proof(row);
                }
                result
            }
            Self::Delete(_) | Self::Sync(_) => return,
        };
        match result {
            Err(Stopped::Cancelled) if shared.halt.is_pause() => {
                shared.board.paused(row, shared.record.is_some());
            }
            Err(Stopped::Cancelled) => shared.board.cancelled(row),
            Err(Stopped::Failed(error)) => fail(shared, row, error),
            Ok(()) => shared.board.finish(row, Ok(())),
        }
    }
}

/// Why a file is not there in the end.
pub(super) enum Stopped {
    Cancelled,
    Failed(FileError),
}

impl<E: Into<FileError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) fn fail(shared: &Shared, row: u32, error: FileError) {
    if error.stops_the_job() {
        // Nothing more is begun; what is under way may still make it.
        shared.board.problem(error.clone());
    }
    if let Some(record) = &shared.record {
        record.failed(row, &error);
    }
    shared.board.finish(row, Err(error));
}

pub(super) struct Inner {
    pub work: Work,
    /// Replaced when the failed files are tried again: a stop is for good.
    pub shared: std::sync::RwLock<Arc<Shared>>,
    pub ended: watch::Sender<bool>,
}

/// A handle; the job goes on when it is dropped.
#[derive(Clone)]
pub struct Job(pub(super) Arc<Inner>);

impl Job {
    /// Sends the plan's files. Fails only when the store cannot be asked for free names.
    pub async fn upload(
        store: Arc<dyn ObjectStore>,
        mut plan: UploadPlan,
        choices: &Choices,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let decided = plan.decide(&store, choices).await?;
        let start = Start::decided(&decided);
        let start = start
            .written(&settings, spec::upload(&plan, &decided), Some(&store))
            .await?;
        let work = Work::Upload(Uploads::new(plan, decided));
        Ok(Self::start(store, work, start, settings))
    }

    /// Fetches the plan's objects.
    pub async fn download(
        store: Arc<dyn ObjectStore>,
        mut plan: DownloadPlan,
        choices: Choices,
        settings: Settings,
    ) -> Result<Self, FileError> {
        let folder = plan.folder.clone();
        let deciding = tokio::task::spawn_blocking(move || {
            let decided = plan.decide(&choices);
            (plan, decided)
        });
        let (plan, decided) = deciding
            .await
            .map_err(|e| FileError::reading(&folder, std::io::Error::other(e)))?;
        let start = Start::decided(&decided);
        let start = start
            .written(&settings, spec::download(&plan, &decided), None)
            .await?;
        let work = Downloads::open(plan, &decided, &*settings.disk).await?;
        Ok(Self::start(store, Work::Download(work), start, settings))
    }

    /// Deletes the plan's objects. Not written down: for a history of it, see
    /// [`crate::Journal::add_delete`].
    pub fn delete(store: Arc<dyn ObjectStore>, plan: DeletePlan, settings: Settings) -> Self {
        let work = Work::Delete(Deletions::new(plan, 0));
        Self::start(store, work, Start::default(), settings)
    }

    /// Copies the plan's objects from one store into another. `one_server`: both are accounts of the
    /// same server, which may be able to copy by itself.
    pub async fn copy_between(
        from: Arc<dyn ObjectStore>,
        to: Arc<dyn ObjectStore>,
        one_server: bool,
        mut plan: CopyPlan,
        choices: &Choices,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let decided = plan.decide(&to, choices).await?;
        let start = Start::decided(&decided);
        let start = start
            .written(&settings, spec::copy(&plan, &decided), Some(&to))
            .await?;
        let work = Work::Copy(Copies::between(plan, decided, from, one_server));
        Ok(Self::start(to, work, start, settings))
    }

    /// Looks again whether what these entries say is still there. `store` is asked where the entries
    /// name a store that `side` has none for.
    pub fn recheck(store: Arc<dyn ObjectStore>, what: Recheck, settings: Settings) -> Self {
        Self::each(store, Box::new(Rechecks::new(what)), settings)
    }

    /// Takes away what a job made. `folder` is where its files are; of the folders in it those go too
    /// that were not there before, `fresh` and what is in them, once they are empty.
    pub fn undo(
        store: Arc<dyn ObjectStore>,
        made: Vec<Made>,
        folder: PathBuf,
        fresh: Vec<String>,
        settings: Settings,
    ) -> Self {
        let work = Undoing {
            made,
            folder,
            fresh: fresh.into_iter().collect(),
            opened: OnceCell::new(),
        };
        Self::each(store, Box::new(work), settings)
    }

    fn each(store: Arc<dyn ObjectStore>, work: Box<dyn Each>, settings: Settings) -> Self {
        Self::start(store, Work::Each(work), Start::default(), settings)
    }

    /// Copies the plan's objects, and removes the originals of those that arrived if it says so.
    pub async fn copy(
        store: Arc<dyn ObjectStore>,
        mut plan: CopyPlan,
        choices: &Choices,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let decided = plan.decide(&store, choices).await?;
        let start = Start::decided(&decided);
        let start = start
            .written(&settings, spec::copy(&plan, &decided), Some(&store))
            .await?;
        let work = Work::Copy(Copies::within(plan, decided));
        Ok(Self::start(store, work, start, settings))
    }

    pub(super) fn start(
        store: Arc<dyn ObjectStore>,
        work: Work,
        start: Start,
        settings: Settings,
    ) -> Self {
        let (files, bytes) = work.totals();
        let board = Board::new(files, bytes, settings.clock.now()).deleting(work.deletes_from());
        for (row, state, error) in start.states {
            board.restore(row, work.size(row), state, error.map(|e| *e));
        }
        for (row, bytes) in start.record.iter().flat_map(|record| record.half_done()) {
            if matches!(board.state(row), FileState::Waiting | FileState::Running) {
                board.was_moved(row, bytes.min(work.size(row)));
            }
        }
        let again = if start.again {
            board.again()
        } else {
            Vec::new()
        };
        let requests = Pace::new(settings.requests);
        let shared = Shared {
            store,
            patience: Patience::new(settings.backoff, settings.seed).heard_by(requests.clone()),
            memory: Arc::new(Budget::new(settings.memory)),
            requests,
            slots: settings.requests.max(1),
            files: settings.files,
            fetch_whole: settings.fetch_whole,
            fetch_range: settings.fetch_range.max(1),
            buffers: Arc::default(),
            clock: settings.clock,
            disk: settings.disk,
            drafts: Arc::new(DraftNames::new(settings.seed)),
            receipts: settings.receipts,
            sha256: settings.sha256,
            board: Arc::new(board),
            stop: CancellationToken::new(),
            halt: Halt::default(),
            record: start.record,
            etags: Arc::default(),
        };
        let (ended, _) = watch::channel(false);
        let shared = std::sync::RwLock::new(Arc::new(shared));
        let job = Self(Arc::new(Inner {
            work,
            shared,
            ended,
        }));
        job.go(again);
        job
    }

    pub(super) fn go(&self, again: Vec<u32>) {
        tokio::spawn(drive(Arc::clone(&self.0), again));
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(
            &self
                .0
                .shared
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    pub fn snapshot(&self) -> JobSnapshot {
        let shared = self.shared();
        let snapshot = shared
            .board
            .snapshot(shared.clock.since_start(), |row| self.0.work.name(row));
        let proven = match &self.0.work {
            Work::Each(work) => work.proven(),
            _ => None,
        };
        JobSnapshot { proven, ..snapshot }
    }

    /// How many rows [`Job::files`] has.
    pub fn file_count(&self, only_failed: bool) -> usize {
        self.shared().board.count(only_failed)
    }

    /// The files with where they stand, in the plan's order.
    pub fn files(&self, range: Range<usize>, only_failed: bool) -> Vec<FileRow> {
        let work = &self.0.work;
        self.shared()
            .board
            .rows(range, only_failed, |row| (work.name(row), work.size(row)))
    }

    /// Stops at once. What arrived stays; what was under way is cleaned up, see [`Job::wait`]. Of a
    /// job that is paused, too.
    pub fn cancel(&self) {
        self.shared().stop.cancel();
        if self.is_paused() && self.renew() {
            // Only to clean up: nothing is begun after a stop.
            self.shared().stop.cancel();
            self.go(Vec::new());
        }
    }

    /// Tries what failed or was cancelled once more, when the job has ended. False when there is
    /// nothing to try.
    pub fn retry_failed(&self) -> bool {
        if !*self.0.ended.borrow() || self.is_paused() {
            return false;
        }
        let again = self.shared().board.again();
        if again.is_empty() || !self.renew() {
            return false;
        }
        self.go(again);
        true
    }

    /// Makes an ended job ready to go again. False when somebody else was quicker.
    pub(super) fn renew(&self) -> bool {
        let was_ended = self
            .0
            .ended
            .send_if_modified(|ended| std::mem::replace(ended, false));
        if was_ended {
            let again = self.shared().renewed();
            *self
                .0
                .shared
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(again);
        }
        was_ended
    }

    /// Returns once everything has ended and has been cleaned up, or is paused.
    pub async fn wait(&self) -> JobSnapshot {
        let mut ended = self.0.ended.subscribe();
        // The sender lives as long as this handle.
        let _ = ended.wait_for(|ended| *ended).await;
        self.snapshot()
    }
}
