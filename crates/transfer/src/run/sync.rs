//! Running a sync: what has to move first, and what has to go only when all of that has arrived.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use wherry_store::ObjectStore;

use super::{Job, JobSnapshot, JobState, Settings};
use crate::error::FileError;
use crate::plan::{Moves, Removals, SyncPlan};

/// The stores of a sync; a folder has none.
#[derive(Clone, Default)]
pub struct SyncStores {
    pub from: Option<Arc<dyn ObjectStore>>,
    pub to: Option<Arc<dyn ObjectStore>>,
    /// Both are the very same account.
    pub one_account: bool,
    /// Both are accounts of the same server.
    pub one_server: bool,
}

/// How a sync ended.
#[derive(Debug, Clone)]
pub struct SyncEnded {
    pub moved: JobSnapshot,
    /// Absent when there was nothing to delete, or not everything had arrived.
    pub removed: Option<JobSnapshot>,
    /// Deletions that were planned and not begun.
    pub not_removed: u64,
}

/// A sync that runs. A handle; it goes on when this is dropped.
#[derive(Clone)]
pub struct SyncRun(Arc<Inner>);

struct Inner {
    moving: Job,
    cancelled: Mutex<bool>,
    /// Absent while it is not known whether there will be one.
    removing: watch::Sender<Option<Removing>>,
    ended: watch::Sender<Option<SyncEnded>>,
}

/// What goes, if anything does.
#[derive(Clone)]
struct Removing(Option<Job>);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SyncRun {
    /// Starts what has to move; the rest follows by itself. `removing` are the settings of the
    /// deletions, whose files have no receipts.
    pub async fn start(
        plan: SyncPlan,
        stores: SyncStores,
        settings: Settings,
        removing: Settings,
    ) -> Result<Self, FileError> {
        let choices = plan.choices();
        let missing = || FileError::LeftAlone {
            name: "a sync without its store".to_owned(),
        };
        let either = stores.to.clone().or_else(|| stores.from.clone());
        let either = either.ok_or_else(missing)?;
        let moving = match plan.moves {
            Moves::Upload(moves) => Job::upload(Arc::clone(&either), moves, &choices, settings)
                .await
                .map_err(FileError::Store)?,
            Moves::Download(moves) => {
                let from = stores.from.clone().ok_or_else(missing)?;
                Job::download(from, moves, choices, settings).await?
            }
            Moves::Copy(moves) => {
                let from = stores.from.clone().ok_or_else(missing)?;
                let copying = if stores.one_account {
                    Job::copy(from, moves, &choices, settings).await
                } else {
                    let to = Arc::clone(&either);
                    Job::copy_between(from, to, stores.one_server, moves, &choices, settings).await
                };
                copying.map_err(FileError::Store)?
            }
        };
        let run = Self(Arc::new(Inner {
            moving,
            cancelled: Mutex::new(false),
            removing: watch::channel(None).0,
            ended: watch::channel(None).0,
        }));
        tokio::spawn(finish(Arc::clone(&run.0), plan.removals, either, removing));
        Ok(run)
    }

    /// What moves.
    pub fn moving(&self) -> &Job {
        &self.0.moving
    }

    /// What goes, once that has begun.
    pub fn removing(&self) -> Option<Job> {
        self.0.removing.borrow().as_ref().and_then(|r| r.0.clone())
    }

    /// Waits for the end of what moves, and says what goes then, if anything does.
    pub async fn removal(&self) -> Option<Job> {
        settled(&self.0.removing).await.0
    }

    /// Stops at once: what arrived stays, and nothing more is deleted.
    pub fn cancel(&self) {
        *lock(&self.0.cancelled) = true;
        self.0.moving.cancel();
        if let Some(job) = self.removing() {
            job.cancel();
        }
    }

    pub async fn wait(&self) -> SyncEnded {
        settled(&self.0.ended).await
    }
}

async fn settled<T: Clone>(from: &watch::Sender<Option<T>>) -> T {
    let mut values = from.subscribe();
    loop {
        if let Some(value) = values.borrow_and_update().clone() {
            return value;
        }
        // The sender lives as long as whoever asks.
        let _ = values.changed().await;
    }
}

async fn finish(
    run: Arc<Inner>,
    removals: Removals,
    store: Arc<dyn ObjectStore>,
    settings: Settings,
) {
    let moved = run.moving.wait().await;
    let planned = removals.len() as u64;
    let job = {
        // Under the lock, so that a cancellation either is seen here or finds the job.
        let cancelled = lock(&run.cancelled);
        let go = moved.state == JobState::Done && !*cancelled;
        let job = match removals {
            _ if !go => None,
            Removals::None => None,
            Removals::Objects(plan) => Some(Job::delete(store, plan, settings)),
            Removals::Files(plan) => Some(Job::erase(store, plan, settings)),
        };
        run.removing.send_replace(Some(Removing(job.clone())));
        job
    };
    let removed = match job {
        Some(job) => Some(job.wait().await),
        None => None,
    };
    run.ended.send_replace(Some(SyncEnded {
        not_removed: if removed.is_some() { 0 } else { planned },
        moved,
        removed,
    }));
}
