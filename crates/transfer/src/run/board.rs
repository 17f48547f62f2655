//! Where a job stands, kept so that writing it down costs next to nothing and reading it is a copy.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use wherry_store::{ErrorKind, StoreError};

use super::recheck::Proven;
use crate::error::FileError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FileState {
    Waiting,
    Running,
    Done,
    /// The plan's answers said so.
    Skipped,
    Failed,
    Cancelled,
}

impl FileState {
    pub(crate) fn of(number: u8) -> Self {
        [
            Self::Waiting,
            Self::Running,
            Self::Done,
            Self::Skipped,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| *state as u8 == number)
        .unwrap_or(Self::Waiting)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Running,
    /// Stopped by the user, to be gone on with.
    Paused,
    Done,
    /// Finished, but some files failed.
    Partial,
    /// Nothing arrived, or it was pointless to go on: see [`JobSnapshot::problem`].
    Failed,
    Cancelled,
}

#[derive(Debug, Clone)]
pub struct JobSnapshot {
    pub state: JobState,
    pub files_total: u64,
    pub files_done: u64,
    pub files_failed: u64,
    pub files_skipped: u64,
    /// Of the files, those that are to be deleted, and those that are.
    pub deletes: u64,
    pub deleted: u64,
    pub bytes_total: u64,
    pub bytes_done: u64,
    /// Bytes per second over the last few seconds.
    pub rate: f64,
    pub time_left: Option<Duration>,
    /// A file that is being moved now.
    pub current: Option<String>,
    /// What stopped the job as a whole.
    pub problem: Option<FileError>,
    /// How what was looked at again is known to be as it was.
    pub proven: Option<Proven>,
    pub started: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub struct FileRow {
    pub index: u32,
    pub name: String,
    pub state: FileState,
    pub bytes_total: u64,
    pub bytes_done: u64,
    pub error: Option<FileError>,
}

struct Row {
    state: AtomicU8,
    /// What this run has moved or found to be there.
    done: AtomicU64,
    /// What an earlier one had moved, until this one has looked at it: the bar does not go back meanwhile.
    before: AtomicU64,
}

impl Row {
    fn shown(&self) -> u64 {
        self.done.load(Relaxed).max(self.before.load(Relaxed))
    }
}

/// The rate is that of so long.
const WINDOW: Duration = Duration::from_secs(5);

pub struct Board {
    rows: Vec<Row>,
    bytes_total: u64,
    bytes_done: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    /// Rows from here on delete something.
    deletes_from: usize,
    deleted: AtomicU64,
    latest: AtomicU64,
    errors: Mutex<BTreeMap<u32, FileError>>,
    whole: Mutex<Whole>,
}

struct Whole {
    started: DateTime<Utc>,
    ended: Option<DateTime<Utc>>,
    state: JobState,
    problem: Option<FileError>,
    samples: VecDeque<(Duration, u64)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    pub fn new(files: usize, bytes_total: u64, started: DateTime<Utc>) -> Self {
        let row = || Row {
            state: AtomicU8::new(FileState::Waiting as u8),
            done: AtomicU64::new(0),
            before: AtomicU64::new(0),
        };
        Self {
            rows: std::iter::repeat_with(row).take(files).collect(),
            bytes_total,
            bytes_done: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            deletes_from: usize::MAX,
            deleted: AtomicU64::new(0),
            latest: AtomicU64::new(u64::MAX),
            errors: Mutex::default(),
            whole: Mutex::new(Whole {
                started,
                ended: None,
                state: JobState::Running,
                problem: None,
                samples: VecDeque::new(),
            }),
        }
    }

    /// Rows from this one on delete something.
    pub fn deleting(self, from: u32) -> Self {
        Self {
            deletes_from: from as usize,
            ..self
        }
    }

    /// All rows before this one are there, or were to be skipped.
    pub fn all_arrived(&self, before: u32) -> bool {
        (0..before).all(|row| matches!(self.state(row), FileState::Done | FileState::Skipped))
    }

    pub fn state(&self, row: u32) -> FileState {
        self.rows
            .get(row as usize)
            .map_or(FileState::Waiting, |r| FileState::of(r.state.load(Relaxed)))
    }

    pub fn begin(&self, row: u32) {
        if let Some(r) = self.rows.get(row as usize) {
            // Counted again as it is found to be there.
            r.before.store(r.shown(), Relaxed);
            r.done.store(0, Relaxed);
        }
        self.set(row, FileState::Running);
        self.latest.store(u64::from(row), Relaxed);
    }

    pub fn moved(&self, row: u32, bytes: u64) {
        if let Some(r) = self.rows.get(row as usize) {
            let done = r.done.fetch_add(bytes, Relaxed) + bytes;
            let known = r.before.load(Relaxed).max(done - bytes);
            self.bytes_done
                .fetch_add(done.saturating_sub(known), Relaxed);
        }
    }

    /// An earlier session had moved so much of it, as it was written down.
    pub fn was_moved(&self, row: u32, bytes: u64) {
        if let Some(r) = self.rows.get(row as usize) {
            let shown = r.shown();
            r.before.store(bytes.max(shown), Relaxed);
            self.bytes_done
                .fetch_add(bytes.saturating_sub(shown), Relaxed);
        }
    }

    /// What an attempt that failed had moved does not count. Comes late, perhaps, when the file has
    /// been given up already: then there is nothing left to take.
    pub fn take_back(&self, row: u32, bytes: u64) {
        let Some(r) = self.rows.get(row as usize) else {
            return;
        };
        let less = |done: u64| Some(done.saturating_sub(bytes));
        if let Ok(done) = r.done.fetch_update(Relaxed, Relaxed, less) {
            let known = r.before.load(Relaxed).max(done.saturating_sub(bytes));
            self.bytes_done
                .fetch_sub(done.saturating_sub(known), Relaxed);
        }
    }

    pub fn finish(&self, row: u32, result: Result<(), FileError>) {
        match result {
            Ok(()) => {
                if let Some(r) = self.rows.get(row as usize) {
                    let done = r.done.load(Relaxed);
                    let too_many = r.before.swap(0, Relaxed).saturating_sub(done);
                    self.bytes_done.fetch_sub(too_many, Relaxed);
                }
                self.set(row, FileState::Done);
            }
            Err(error) => {
                self.forget_bytes(row);
                lock(&self.errors).insert(row, error);
                self.set(row, FileState::Failed);
            }
        }
    }

    /// As an earlier session left it.
    pub fn restore(&self, row: u32, size: u64, state: FileState, error: Option<FileError>) {
        match state {
            FileState::Done | FileState::Skipped => self.moved(row, size),
            FileState::Failed => {
                let error = error.unwrap_or_else(unexplained);
                lock(&self.errors).insert(row, error);
            }
            FileState::Waiting | FileState::Running | FileState::Cancelled => {}
        }
        self.set(row, state);
    }

    /// Stopped for now; `kept` when what of it was moved stays.
    pub fn paused(&self, row: u32, kept: bool) {
        if !kept {
            self.forget_bytes(row);
        }
        self.set(row, FileState::Waiting);
    }

    pub fn cancelled(&self, row: u32) {
        self.forget_bytes(row);
        self.set(row, FileState::Cancelled);
    }

    /// The file is begun anew: none of its bytes count.
    pub fn forget_bytes(&self, row: u32) {
        if let Some(r) = self.rows.get(row as usize) {
            let shown = r.done.swap(0, Relaxed).max(r.before.swap(0, Relaxed));
            self.bytes_done.fetch_sub(shown, Relaxed);
        }
    }

    fn set(&self, row: u32, state: FileState) {
        let Some(r) = self.rows.get(row as usize) else {
            return;
        };
        let before = FileState::of(r.state.swap(state as u8, Relaxed));
        for (of, by) in [(before, u64::MAX), (state, 1)] {
            match of {
                // Adding 2^64 - 1 takes one away.
                FileState::Done => {
                    if row as usize >= self.deletes_from {
                        self.deleted.fetch_add(by, Relaxed);
                    }
                    self.done.fetch_add(by, Relaxed)
                }
                FileState::Failed => self.failed.fetch_add(by, Relaxed),
                FileState::Skipped => self.skipped.fetch_add(by, Relaxed),
                _ => 0,
            };
        }
    }

    pub fn problem(&self, problem: FileError) {
        lock(&self.whole).problem.get_or_insert(problem);
    }

    pub fn has_problem(&self) -> bool {
        lock(&self.whole).problem.is_some()
    }

    /// Rows that did not arrive are to be tried again. Returns them.
    pub fn again(&self) -> Vec<u32> {
        let rows: Vec<u32> = (0..self.rows.len() as u32)
            .filter(|row| matches!(self.state(*row), FileState::Failed | FileState::Cancelled))
            .collect();
        if rows.is_empty() {
            return rows;
        }
        lock(&self.errors).clear();
        for row in &rows {
            self.forget_bytes(*row);
            self.set(*row, FileState::Waiting);
        }
        let mut whole = lock(&self.whole);
        (whole.state, whole.ended, whole.problem) = (JobState::Running, None, None);
        whole.samples.clear();
        rows
    }

    pub fn waiting(&self) -> Vec<u32> {
        (0..self.rows.len() as u32)
            .filter(|row| self.state(*row) == FileState::Waiting)
            .collect()
    }

    /// Stopped for now.
    pub fn close_for_now(&self) {
        lock(&self.whole).state = JobState::Paused;
    }

    /// Goes on after that.
    pub fn open_again(&self) {
        let mut whole = lock(&self.whole);
        (whole.state, whole.ended, whole.problem) = (JobState::Running, None, None);
        whole.samples.clear();
    }

    pub fn state_of_all(&self) -> (JobState, Option<FileError>) {
        let whole = lock(&self.whole);
        (whole.state, whole.problem.clone())
    }

    pub fn close(&self, cancelled: bool, now: DateTime<Utc>) {
        let failed = self.failed.load(Relaxed);
        let arrived = self.done.load(Relaxed) + self.skipped.load(Relaxed);
        let mut whole = lock(&self.whole);
        whole.ended = Some(now);
        whole.state = if whole.problem.is_some() {
            JobState::Failed
        } else if cancelled {
            JobState::Cancelled
        } else if failed > 0 && arrived == 0 {
            JobState::Failed
        } else if failed > 0 {
            JobState::Partial
        } else {
            JobState::Done
        };
    }

    pub fn snapshot(&self, at: Duration, name: impl Fn(u32) -> String) -> JobSnapshot {
        // The counts after this: whoever is told of the end must not be told of less than all.
        let mut whole = lock(&self.whole);
        let bytes_done = self.bytes_done.load(Relaxed);
        let running = whole.state == JobState::Running;
        let rate = if running {
            whole.rate(at, bytes_done)
        } else {
            0.0
        };
        let left = self.bytes_total.saturating_sub(bytes_done) as f64;
        let latest = u32::try_from(self.latest.load(Relaxed)).ok();
        JobSnapshot {
            state: whole.state,
            files_total: self.rows.len() as u64,
            files_done: self.done.load(Relaxed),
            files_failed: self.failed.load(Relaxed),
            files_skipped: self.skipped.load(Relaxed),
            deletes: self.rows.len().saturating_sub(self.deletes_from) as u64,
            deleted: self.deleted.load(Relaxed),
            bytes_total: self.bytes_total,
            bytes_done,
            rate,
            time_left: (rate > 1.0)
                .then(|| Duration::try_from_secs_f64(left / rate).ok())
                .flatten(),
            current: latest
                .filter(|row| running && self.state(*row) == FileState::Running)
                .map(name),
            problem: whole.problem.clone(),
            proven: None,
            started: whole.started,
            ended: whole.ended,
        }
    }

    pub fn count(&self, only_failed: bool) -> usize {
        if only_failed {
            lock(&self.errors).len()
        } else {
            self.rows.len()
        }
    }

    pub fn rows(
        &self,
        range: Range<usize>,
        only_failed: bool,
        describe: impl Fn(u32) -> (String, u64),
    ) -> Vec<FileRow> {
        let errors = lock(&self.errors);
        let wanted: Vec<u32> = if only_failed {
            errors
                .keys()
                .copied()
                .skip(range.start)
                .take(range.len())
                .collect()
        } else {
            (range.start.min(self.rows.len())..range.end.min(self.rows.len()))
                .map(|i| i as u32)
                .collect()
        };
        wanted
            .into_iter()
            .map(|index| {
                let (name, bytes_total) = describe(index);
                let bytes_done = self.rows[index as usize].shown();
                let error = errors.get(&index).cloned();
                FileRow {
                    index,
                    name,
                    state: self.state(index),
                    bytes_total,
                    bytes_done,
                    error,
                }
            })
            .collect()
    }
}

/// What another version of Wherry wrote down and this one does not understand.
fn unexplained() -> FileError {
    let words = "the reason was written down by another version";
    StoreError::new(ErrorKind::Other, "transfer the file", words).into()
}

impl Whole {
    fn rate(&mut self, at: Duration, bytes: u64) -> f64 {
        // Looked at often, it need not remember each look.
        if self
            .samples
            .back()
            .is_none_or(|(last, _)| at.saturating_sub(*last) >= Duration::from_millis(100))
        {
            self.samples.push_back((at, bytes));
        }
        while self.samples.len() > 2 && at.saturating_sub(self.samples[1].0) >= WINDOW {
            self.samples.pop_front();
        }
        let Some((from, before)) = self.samples.front() else {
            return 0.0;
        };
        let seconds = at.saturating_sub(*from).as_secs_f64();
        if seconds > 0.0 {
            bytes.saturating_sub(*before) as f64 / seconds
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let board = Board::new(1, 100_000, DateTime::UNIX_EPOCH);
        let look = |seconds| board.snapshot(at(seconds), |row| row.to_string());
        look(0);
        for second in 1..=10 {
            board.moved(0, 1000);
            let seen = look(second);
            assert!((seen.rate - 1000.0).abs() < 1.0, "{seen:?}");
        }
        assert_eq!(look(10).time_left, Some(at(90)));
        // Nothing moves any more: five seconds later the rate says so.
        for second in 11..=16 {
            look(second);
        }
        assert!(look(16).rate < 1.0);
        assert_eq!(look(16).time_left, None);
    }

    #[test]
    fn a_failed_file_gives_its_bytes_back() {
        let board = Board::new(2, 20, DateTime::UNIX_EPOCH);
        board.begin(0);
        board.moved(0, 10);
        board.finish(0, Ok(()));
        board.begin(1);
        board.moved(1, 7);
        board.finish(1, Err(FileError::Vanished { path: "x".into() }));
        let seen = board.snapshot(at(1), |row| row.to_string());
        assert_eq!(
            (seen.bytes_done, seen.files_done, seen.files_failed),
            (10, 1, 1)
        );
        assert_eq!(board.count(true), 1);
        assert_eq!(board.again(), [1]);
        let seen = board.snapshot(at(2), |row| row.to_string());
        assert_eq!((seen.files_failed, seen.state), (0, JobState::Running));
    }

    #[test]
    fn what_is_looked_at_again_counts_once_and_the_bar_does_not_go_back() {
        let board = Board::new(2, 100, DateTime::UNIX_EPOCH);
        let done = || board.snapshot(at(1), |row| row.to_string()).bytes_done;
        // As it was written down.
        board.was_moved(0, 40);
        assert_eq!(done(), 40);
        board.begin(0);
        // Parts are found to be there, others are sent, one of them in vain.
        for (bytes, shown) in [(25, 40), (20, 45), (5, 50)] {
            board.moved(0, bytes);
            assert_eq!(done(), shown);
        }
        board.take_back(0, 20);
        assert_eq!(done(), 40);
        board.moved(0, 20);
        // Paused, and gone on with.
        board.paused(0, true);
        board.begin(0);
        assert_eq!(done(), 50);
        board.moved(0, 50);
        board.finish(0, Ok(()));
        assert_eq!(done(), 50);
        // Begun anew, as the file is another one: nothing of it counts.
        board.was_moved(1, 30);
        board.begin(1);
        board.forget_bytes(1);
        assert_eq!(done(), 50);
        board.moved(1, 10);
        board.finish(1, Ok(()));
        assert_eq!(done(), 60);
    }
}
