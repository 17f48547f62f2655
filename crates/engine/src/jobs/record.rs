//! A job as the queue and the window know it, whether it waits, runs or has ended.
//!
//! The files of a journaled job are read from the journal while it does not run: a queue of large
//! jobs takes no more memory than one of small ones.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;
use wherry_store::ErrorKind;
use wherry_transfer::journal::{JobRecord, Kind, State};
use wherry_transfer::{FileError, Job, JobSnapshot};

use super::held::Held;
use crate::contract::{JobKind, JobState, JobView, Location, Problem};
use crate::engine::{Engine, lock};
use crate::lent::Pause;
use crate::problem::from_file_error;

/// What the window shows of a job beside its progress: kept with it in the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Facts {
    pub kind: JobKind,
    pub location: Location,
    #[serde(default)]
    pub to: Option<Location>,
    /// Listings that are stale once something of it is done.
    #[serde(default)]
    pub touched: Vec<Location>,
    /// On this computer.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Files and folders directly in `folder` that the job makes: what is dragged or shown.
    #[serde(default)]
    pub tops: Vec<String>,
    /// Topmost folders below `folder` that were not there when the job began: undoing takes them away
    /// again.
    #[serde(default)]
    pub fresh: Vec<String>,
    /// Of its rows, those that only make an empty folder. The plan does not count them as files.
    #[serde(default)]
    pub folders: u64,
    /// Addresses of the stores of its two ends, for receipts; empty for this computer.
    #[serde(default)]
    pub stores: (String, String),
    /// It takes away what that job made.
    #[serde(default)]
    pub undoes: Option<String>,
    /// It was undone: not twice.
    #[serde(default)]
    pub undone: bool,
    /// Begun by the command line, which knows more about it.
    #[serde(skip)]
    pub stranger: bool,
}

impl Facts {
    /// Of a job that was put into the journal by somebody else, such as the command line.
    fn of_stranger(record: &JobRecord) -> Self {
        let kind = match record.kind {
            Kind::Upload => JobKind::Upload,
            Kind::Download => JobKind::Download,
            Kind::Delete => JobKind::Delete,
            Kind::Copy => JobKind::Copy,
        };
        let text = |name: &str| {
            let value = record.details.get(name).and_then(|v| v.as_str());
            value.unwrap_or_default().to_owned()
        };
        Self {
            kind,
            location: Location {
                account: record.place.clone(),
                bucket: text("bucket"),
                prefix: text("prefix"),
            },
            to: None,
            touched: Vec::new(),
            folder: None,
            tops: Vec::new(),
            fresh: Vec::new(),
            folders: 0,
            stores: (String::new(), String::new()),
            undoes: None,
            undone: false,
            stranger: true,
        }
    }

    pub fn of(record: &JobRecord) -> Self {
        serde_json::from_value(record.details.clone()).unwrap_or_else(|_| Self::of_stranger(record))
    }
}

/// Where a job stands in the queue.
pub(super) enum Stage {
    Waiting,
    /// It tries again by itself then.
    Later {
        at: Instant,
        problem: Box<Problem>,
    },
    /// Its turn has come; its store is being opened.
    Starting,
    Running(Job),
    /// By the user.
    Paused,
    /// Until something about its account changes.
    Held(Box<Problem>),
    /// Another Wherry runs it.
    Elsewhere,
    Ended(JobState, Option<Box<Problem>>),
}

impl Stage {
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Ended(..))
    }
}

/// Why a running job is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    GoOn,
    Pause,
    /// Another one goes first.
    MakeRoom,
    Cancel,
}

/// Counted while no job is at hand that counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    pub files_total: u64,
    pub files_done: u64,
    pub files_failed: u64,
    pub files_skipped: u64,
    pub bytes_total: u64,
    pub bytes_done: u64,
}

impl Numbers {
    /// As the plan has counted: of so many rows that are folders, none is a file, unless there is nothing
    /// else. One that failed or was skipped is counted as that.
    fn without(self, folders: u64) -> Self {
        if folders >= self.files_total {
            return self;
        }
        let files_total = self.files_total - folders;
        let over = self.files_failed + self.files_skipped;
        Self {
            files_total,
            files_done: self.files_done.min(files_total.saturating_sub(over)),
            ..self
        }
    }
}

impl From<&JobSnapshot> for Numbers {
    fn from(now: &JobSnapshot) -> Self {
        Self {
            files_total: now.files_total,
            files_done: now.files_done,
            files_failed: now.files_failed,
            files_skipped: now.files_skipped,
            bytes_total: now.bytes_total,
            bytes_done: now.bytes_done,
        }
    }
}

impl From<&JobRecord> for Numbers {
    fn from(record: &JobRecord) -> Self {
        Self {
            files_total: record.files_total,
            files_done: record.files_done,
            files_failed: record.files_failed,
            files_skipped: record.files_skipped,
            bytes_total: record.bytes_total,
            bytes_done: record.bytes_done,
        }
    }
}

pub(super) struct Run {
    pub stage: Stage,
    pub wish: Wish,
    pub numbers: Numbers,
    /// Where keys are lent: whether it waits for somebody to sign in.
    pub pauses: Vec<Arc<Pause>>,
    /// What is not journaled keeps its files here while it does not run.
    pub kept: Option<Job>,
    /// It was cut off, and is gone on with.
    pub taken_up: bool,
    pub undone: bool,
    /// Failures of the way to the store in a row.
    pub failures: u32,
    pub started: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
}

pub(super) struct Record {
    pub id: String,
    pub title: String,
    pub facts: Facts,
    /// Else it ends with this process.
    pub journaled: bool,
    /// What it does, for one that is not journaled, until it is begun.
    pub held: Mutex<Option<Held>>,
    pub run: Mutex<Run>,
    /// It has stopped running, and what becomes of it is decided.
    pub settled: Notify,
    /// Turns the errors of its files into words.
    pub engine: Engine,
}

impl Record {
    pub fn new(engine: &Engine, id: String, title: String, facts: Facts, numbers: Numbers) -> Self {
        let run = Run {
            stage: Stage::Waiting,
            wish: Wish::GoOn,
            numbers,
            pauses: Vec::new(),
            kept: None,
            taken_up: false,
            undone: facts.undone,
            failures: 0,
            started: engine.now(),
            ended: None,
        };
        Self {
            id,
            title,
            facts,
            journaled: true,
            held: Mutex::default(),
            run: Mutex::new(run),
            settled: Notify::new(),
            engine: engine.clone(),
        }
    }

    /// One that does not outlive the process.
    pub fn held(
        engine: &Engine,
        title: String,
        facts: Facts,
        numbers: Numbers,
        work: Held,
    ) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self {
            journaled: false,
            held: Mutex::new(Some(work)),
            ..Self::new(engine, id, title, facts, numbers)
        }
    }

    pub fn of_journal(engine: &Engine, record: &JobRecord) -> Self {
        let new = Self::new(
            engine,
            record.id.clone(),
            record.title.clone(),
            Facts::of(record),
            Numbers::from(record),
        );
        {
            let mut run = lock(&new.run);
            run.started = record.started.unwrap_or(record.created);
            run.ended = record.ended;
            let problem = || {
                let problem = record.problem.as_ref()?;
                Some(Box::new(new.words(problem, None)))
            };
            run.stage = match record.state {
                State::Paused => Stage::Paused,
                State::Done => Stage::Ended(JobState::Done, None),
                State::Partial => Stage::Ended(JobState::Partial, problem()),
                State::Failed => Stage::Ended(JobState::Failed, problem()),
                State::Cancelled => Stage::Ended(JobState::Cancelled, None),
                _ => Stage::Waiting,
            };
        }
        new
    }

    pub fn run(&self) -> MutexGuard<'_, Run> {
        lock(&self.run)
    }

    /// Takes a place among those that run at once. What somebody waits for does not.
    pub fn takes_a_slot(&self) -> bool {
        self.facts.kind != JobKind::Stage
    }

    pub fn has_ended(&self) -> bool {
        self.run().stage.has_ended()
    }

    /// Of one that is not journaled and does not run.
    pub fn kept_job(&self) -> Option<Job> {
        self.run().kept.clone()
    }

    pub fn job(&self) -> Option<Job> {
        match &self.run().stage {
            Stage::Running(job) => Some(job.clone()),
            _ => None,
        }
    }

    pub fn view(&self) -> JobView {
        let run = self.run();
        let now = match &run.stage {
            Stage::Running(job) => Some(job.snapshot()),
            _ => None,
        };
        let numbers = now.as_ref().map_or(run.numbers, Numbers::from);
        let kept = run.kept.as_ref().and_then(|job| job.snapshot().proven);
        let proven = now.as_ref().and_then(|now| now.proven).or(kept);
        let (state, problem) = match &run.stage {
            Stage::Waiting | Stage::Starting => (JobState::Waiting, None),
            Stage::Later { at, problem } => (JobState::Waiting, Some(tries_again(problem, *at))),
            Stage::Running(_) => {
                let waits = run.pauses.iter().find_map(|p| p.waits_for());
                (JobState::Running, waits)
            }
            Stage::Paused => (JobState::Paused, None),
            Stage::Held(problem) => (JobState::Paused, Some((**problem).clone())),
            Stage::Elsewhere => (JobState::Running, Some(elsewhere())),
            Stage::Ended(state, problem) => (*state, problem.as_deref().cloned()),
        };
        let ended = run.stage.has_ended();
        let arrived = self.journaled && numbers.files_done > 0;
        let numbers = numbers.without(self.facts.folders);
        let makes = matches!(
            self.facts.kind,
            JobKind::Upload | JobKind::Download | JobKind::Copy
        );
        let moves = makes
            || matches!(
                self.facts.kind,
                JobKind::Sync | JobKind::Move | JobKind::Rename
            );
        JobView {
            id: self.id.clone(),
            kind: self.facts.kind,
            title: self.title.clone(),
            account: self.facts.location.account.clone(),
            location: self.facts.location.clone(),
            to: self.facts.to.clone(),
            folder: self.facts.folder.as_ref().map(|f| f.display().to_string()),
            state,
            taken_up: run.taken_up,
            undo: makes && arrived && !run.undone && (ended || now.is_some()),
            receipts: moves && arrived,
            files_total: numbers.files_total,
            files_done: numbers.files_done,
            files_failed: numbers.files_failed,
            files_skipped: numbers.files_skipped,
            bytes_total: numbers.bytes_total,
            bytes_done: numbers.bytes_done,
            rate: now.as_ref().map_or(0.0, |now| now.rate),
            time_left: now
                .as_ref()
                .and_then(|now| now.time_left)
                .map(|t| t.as_secs_f64()),
            current: now.and_then(|now| now.current),
            proven: proven.filter(|p| p.files() > 0).map(|p| p.to_string()),
            problem,
            started: run.started.timestamp_millis(),
            ended: run.ended.filter(|_| ended).map(|t| t.timestamp_millis()),
        }
    }

    pub fn words(&self, error: &FileError, name: Option<&str>) -> Problem {
        let Ok(account) = self.engine.account(&self.facts.location.account) else {
            return from_file_error(error, &crate::problem::About::default());
        };
        if let FileError::Store(error) = error
            && error.kind != ErrorKind::LocalFile
        {
            return self
                .engine
                .refused(&account, Some(&self.facts.location.bucket), name, error);
        }
        from_file_error(error, &self.engine.about(&account))
    }

    pub fn paths(&self) -> Vec<PathBuf> {
        let folder = self.facts.folder.as_deref().unwrap_or(Path::new(""));
        self.facts.tops.iter().map(|top| folder.join(top)).collect()
    }
}

fn tries_again(problem: &Problem, at: Instant) -> Problem {
    let seconds = at.saturating_duration_since(Instant::now()).as_secs() + 1;
    let when = match seconds {
        1 => "in a second".to_owned(),
        2..90 => format!("in {seconds} seconds"),
        _ => format!("in {} minutes", seconds.div_ceil(60)),
    };
    Problem {
        todo: format!("Wherry tries again by itself {when}. {}", problem.todo),
        ..problem.clone()
    }
}

fn elsewhere() -> Problem {
    Problem::new(
        "transfer.elsewhere",
        "Another Wherry is running this transfer.",
        "Watch and steer it there.",
    )
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn folders_are_no_files() {
        let shown = |rows: u64, folders, done, failed| {
            let numbers = Numbers {
                files_total: rows,
                files_done: done,
                files_failed: failed,
                ..Numbers::default()
            };
            let shown = numbers.without(folders);
            (shown.files_done, shown.files_total)
        };
        assert_eq!(shown(10, 0, 4, 1), (4, 10));
        assert_eq!(shown(10, 3, 4, 0), (4, 7));
        assert_eq!(shown(10, 3, 9, 0), (7, 7), "the rest are folders");
        assert_eq!(shown(10, 3, 9, 1), (6, 7));
        assert_eq!(shown(2, 2, 1, 0), (1, 2), "there is nothing else to count");
    }
}
