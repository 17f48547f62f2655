//! Plans that wait for an answer, and the queue of jobs that they become.
//!
//! A job of the user's is written into the journal before it begins, waits for its turn, runs, and
//! stays in the history. [`queue`] decides whose turn it is, [`written`] keeps the journal in step,
//! [`record`] is a job as the window sees it.

mod elsewhere;
mod held;
mod history;
mod limits;
mod plans;
mod queue;
mod receipts;
mod record;
mod room;
mod shown;
mod staged;
mod start;
mod steer;
mod sync_rows;
mod syncs;
mod titles;
mod undo;
mod unfinished;
mod verify;
mod written;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wherry_store::Throttle;
use wherry_transfer::elsewhere::Errand;
use wherry_transfer::journal::Journal;
use wherry_transfer::run::FileLimit;
use wherry_transfer::{Backoff, Settings};

use crate::contract::{JobKind, Location};
use crate::engine::lock;
use plans::drop_from;
pub(crate) use plans::{Plan, clear_staging};
use record::Record;
pub use staged::Staged;

/// A plan waiting to be run or dropped.
pub(crate) struct Planned {
    kind: JobKind,
    title: String,
    plan: Plan,
    location: Location,
    to: Option<Location>,
    /// Of the saved sync that it is.
    saved: Option<String>,
    /// The same for another computer.
    errand: Option<Errand>,
}

/// How patient transfers are with a connection that is gone.
#[derive(Debug, Clone, Copy)]
pub struct JobPatience {
    /// Within a job, file by file.
    pub backoff: Backoff,
    /// Before a job that has lost the way to its store tries again; each later wait is twice as
    /// long.
    pub first: Duration,
    pub most: Duration,
}

impl Default for JobPatience {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            first: Duration::from_secs(5),
            most: Duration::from_mins(5),
        }
    }
}

pub(crate) struct Jobs {
    plannings: Mutex<HashMap<String, CancellationToken>>,
    plans: Mutex<HashMap<String, Planned>>,
    /// The queue in its order, with what has ended in this session where it was.
    records: Mutex<Vec<Arc<Record>>>,
    journal: tokio::sync::Mutex<Option<Journal>>,
    opened: OnceLock<Journal>,
    taken_up: tokio::sync::Mutex<bool>,
    closing: AtomicBool,
    slots: AtomicUsize,
    files: FileLimit,
    pub throttle: Throttle,
    limits_watched: AtomicBool,
    elsewhere_watched: AtomicBool,
    patience: JobPatience,
}

impl Jobs {
    pub fn new(patience: JobPatience) -> Self {
        Self {
            plannings: Mutex::default(),
            plans: Mutex::default(),
            records: Mutex::default(),
            journal: tokio::sync::Mutex::default(),
            opened: OnceLock::new(),
            taken_up: tokio::sync::Mutex::default(),
            closing: AtomicBool::new(false),
            slots: AtomicUsize::new(2),
            files: FileLimit::default(),
            throttle: Throttle::default(),
            limits_watched: AtomicBool::new(false),
            elsewhere_watched: AtomicBool::new(false),
            patience,
        }
    }

    pub fn planning(&self, ticket: &str, cancel: &CancellationToken) {
        lock(&self.plannings).insert(ticket.to_owned(), cancel.clone());
    }

    pub fn cancel_planning(&self, ticket: &str) {
        if let Some(cancel) = drop_from(&self.plannings, ticket) {
            cancel.cancel();
        }
    }

    pub fn keep_plan(&self, id: String, plan: Planned) {
        lock(&self.plans).insert(id, plan);
    }

    pub fn drop_plan(&self, id: &str) {
        drop_from(&self.plans, id);
    }

    fn slots(&self) -> usize {
        self.slots.load(Ordering::Relaxed).max(1)
    }

    fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// How every job is run.
    fn settings(&self) -> Settings {
        Settings {
            backoff: self.patience.backoff,
            files: self.files.clone(),
            ..Settings::default()
        }
    }

    fn pause_after(&self, failures: u32) -> Duration {
        let doubled = self
            .patience
            .first
            .saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(self.patience.most)
    }
}
