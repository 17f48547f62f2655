//! Doing what a plan said: many files and parts at once, within a budget of memory and requests.
//!
//! One scheduler serves every kind of job. Files start in the plan's order; each takes its memory
//! and its request from shared budgets, so a job needs the same memory for ten files as for a
//! million, and for one of a byte as for one of a terabyte.
//!
//! Nothing here is left to chance: who is looked at first when two things happen at once is written
//! down (`biased`), so that a test with seeded time, store and disk goes the same way every time.

mod aside;
mod at_store;
mod board;
mod buffers;
mod copy;
mod delete;
pub mod disk;
mod download;
mod drive;
mod each;
mod erase;
mod in_parts;
mod job;
mod limit;
mod memory;
mod pace;
mod read_back;
mod recheck;
mod relay;
mod resume;
mod sha256;
mod sync;
mod undo;
mod upload;

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;
use wherry_store::progress::{Meter, metered};
use wherry_store::{ObjectStore, StoreError};

pub use board::{FileRow, FileState, JobSnapshot, JobState};
pub use job::Job;
pub use limit::FileLimit;
pub use recheck::{Proven, Recheck, Side, sums_of_file, sums_of_object};
pub use resume::{CopySource, ResumeError};
pub use sync::SyncStores;
pub use undo::Made;

use self::job::Stopped;
use self::memory::Budget;
pub(crate) use self::pace::Pace;
use self::pace::Permit;
use crate::clock::{Clock, SystemClock};
use crate::journal::Record;
use crate::receipt::Receipt;
use crate::retry::{Backoff, Patience};

/// Where a job hands the receipt of each file that arrived.
pub type ReceiptSink = Arc<dyn Fn(Receipt) + Send + Sync>;

/// How a job is run.
#[derive(Clone)]
pub struct Settings {
    /// Bytes of file contents held in memory at once.
    pub memory: u64,
    /// Requests under way at once, at the most: how many there are shows itself, see [`pace`].
    pub requests: usize,
    /// Objects up to here are fetched in one request, and held until they have been checked.
    pub fetch_whole: u64,
    /// Larger ones are fetched in ranges of this, unless the parts they were uploaded in suit better.
    pub fetch_range: u64,
    pub backoff: Backoff,
    /// Of the waits between attempts and of the names of drafts; from the system when absent.
    pub seed: Option<u64>,
    pub clock: Arc<dyn Clock>,
    pub disk: Arc<dyn disk::Disk>,
    /// Files of the job at once; may change while it runs.
    pub files: FileLimit,
    pub receipts: Option<ReceiptSink>,
    /// Receipts are to have the SHA-256 of the whole, for which files are read once more.
    pub sha256: bool,
    /// Writes the job down, so that it can be gone on with whatever happens.
    pub journal: Option<crate::journal::Entry>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: 32 << 20,
            requests: 128,
            fetch_whole: 8 << 20,
            fetch_range: 16 << 20,
            backoff: Backoff::default(),
            seed: None,
            clock: Arc::new(SystemClock::default()),
            disk: Arc::new(disk::SystemDisk),
            files: FileLimit::default(),
            receipts: None,
            sha256: false,
            journal: None,
        }
    }
}

/// What everything that runs in a job shares.
struct Shared {
    store: Arc<dyn ObjectStore>,
    patience: Patience,
    memory: Arc<Budget>,
    requests: Pace,
    /// Files under way at once.
    slots: usize,
    files: FileLimit,
    fetch_whole: u64,
    fetch_range: u64,
    buffers: Arc<buffers::Buffers>,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn disk::Disk>,
    drafts: Arc<DraftNames>,
    receipts: Option<ReceiptSink>,
    sha256: bool,
    board: Arc<board::Board>,
    /// Stopped by the user, and `halt` says how.
    stop: CancellationToken,
    halt: Halt,
    record: Option<Arc<Record>>,
    etags: Arc<at_store::EtagHabit>,
}

/// Why a job was told to stop.
#[derive(Default)]
struct Halt(AtomicU8);

impl Halt {
    const PAUSE: u8 = 1;
    const CUT_OFF: u8 = 2;

    fn set(&self, how: u8) {
        self.0.store(how, Relaxed);
    }

    /// To be gone on with; else it was cancelled.
    fn is_pause(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    fn is_cut_off(&self) -> bool {
        self.0.load(Relaxed) == Self::CUT_OFF
    }
}

/// Names for drafts that no other draft has.
struct DraftNames(Mutex<StdRng>);

impl DraftNames {
    fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(
            || StdRng::from_rng(&mut rand::rng()),
            StdRng::seed_from_u64,
        )))
    }

    fn next(&self) -> String {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        disk::temporary_name(random.random())
    }
}

/// How often a body that is being sent is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long a clean-up may keep a job from ending.
const CLEAN_UP: Duration = Duration::from_secs(30);

impl Shared {
    async fn request(&self) -> Permit {
        self.requests.permit().await
    }

    /// The same job, going again after it was stopped.
    fn renewed(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            patience: self.patience.renewed(),
            memory: Arc::clone(&self.memory),
            requests: self.requests.clone(),
            slots: self.slots,
            files: self.files.clone(),
            fetch_whole: self.fetch_whole,
            fetch_range: self.fetch_range,
            buffers: Arc::clone(&self.buffers),
            clock: Arc::clone(&self.clock),
            disk: Arc::clone(&self.disk),
            drafts: Arc::clone(&self.drafts),
            receipts: self.receipts.clone(),
            sha256: self.sha256,
            board: Arc::clone(&self.board),
            stop: CancellationToken::new(),
            halt: Halt::default(),
            record: self.record.clone(),
            etags: Arc::clone(&self.etags),
        }
    }

    /// A file arrived, and this proves it.
    fn hand_over(&self, row: u32, receipt: impl FnOnce() -> Receipt) {
        if self.receipts.is_none() && self.record.is_none() {
            return;
        }
        let receipt = receipt();
        if let Some(record) = &self.record {
            record.arrived(row, &receipt);
        }
        if let Some(sink) = &self.receipts {
            sink(receipt);
        }
    }

    /// A folder was made, or an object deleted: there is nothing to prove.
    fn done_without_proof(&self, row: u32) {
        if let Some(record) = &self.record {
            record.done(row);
        }
    }

    /// Whether what is half done of a file stays, to be gone on with.
    fn keeps(&self, stopped: &Stopped) -> bool {
        self.record.is_some()
            && match stopped {
                Stopped::Cancelled => self.halt.is_pause(),
                Stopped::Failed(error) => error.may_be_gone_on_with(),
            }
    }
}

/// Bytes that an attempt has moved, taken back from the board when it comes to nothing.
struct Tally<'a> {
    shared: &'a Shared,
    row: u32,
    bytes: u64,
    kept: bool,
}

impl<'a> Tally<'a> {
    fn new(shared: &'a Shared, row: u32) -> Self {
        Self {
            shared,
            row,
            bytes: 0,
            kept: false,
        }
    }

    fn moved(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.shared.board.moved(self.row, bytes);
        self.shared.requests.moved(bytes);
    }

    fn keep(mut self) {
        self.kept = true;
    }

    /// Sends a body of `length` bytes and counts it while it goes.
    async fn sending<T>(
        mut self,
        length: u64,
        request: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let meter = Meter::default();
        let mut request = std::pin::pin!(metered(meter.clone(), request));
        loop {
            tokio::select! {
                biased;
                answer = &mut request => {
                    if answer.is_ok() {
                        self.moved(length - self.bytes);
                        self.keep();
                    }
                    return answer;
                }
                () = tokio::time::sleep(LOOK) => self.moved(meter.bytes().min(length) - self.bytes),
            }
        }
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.shared.board.take_back(self.row, self.bytes);
        }
    }
}
