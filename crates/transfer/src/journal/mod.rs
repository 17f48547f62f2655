//! What must outlive the process: every transfer with its files, what is half done of them, and
//! the proof of what arrived.
//!
//! One SQLite file, `transfers.sqlite`, shared by all Wherrys of a user. Written *before the fact*:
//! a job's files before its first byte, the intent to begin an upload before the store is asked, its
//! id before its first part, the name of a draft before the draft. So whatever is found at the store
//! or on the disk after a crash is known here, and [`recover`] finds out what is left of it.
//!
//! - [`Journal::open`] opens it; [`Journal::tidy`] is for a program's start.
//! - A job is put in with [`crate::Job::upload`] and its like and [`crate::Settings::journal`], which
//!   also start it; or with [`Journal::add_upload`] and its like, which put it into the queue as
//!   *waiting*. [`crate::Job::resume`] runs a job that waits, was paused, or was cut off.
//! - [`Journal::queue`], [`Journal::history`], [`Journal::job`], [`Journal::files`],
//!   [`Journal::find_files`] and [`Journal::receipts`] read. Readers block for milliseconds; from
//!   async code they are called through `spawn_blocking` where that matters.
//! - Who runs a job holds its [`Claim`]; the system takes that back when the process dies. A job that
//!   is *running* and claimed by nobody was cut off: [`Journal::cut_off`].
//!
//! It holds no secret: places are named, and keys of stores are looked up by whoever opens them.

mod adopt;
mod claim;
mod enter;
mod errors;
mod files;
mod halves;
mod jobs;
mod lost;
mod notes;
mod paths;
mod record;
pub mod recover;
mod saved;
mod schema;
pub(crate) mod spec;
mod steer;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

pub(crate) use adopt::Destination;
pub use claim::Claim;
pub use enter::{EnterError, Entry, NewJob};
pub use files::{FileCursor, FilePage, FileRecord};
pub use halves::{HalfDraft, HalfUpload, LeftOver, Parts};
pub use jobs::{HistoryFilter, JobPage, JobRecord, Kind, Move, State};
pub(crate) use record::{Record, unwritten};
pub use saved::SavedJob;
pub(crate) use spec::{Restored, RestoredWork, RowStates};
use writer::{Message, Writer};

/// The file's name in Wherry's own folder.
pub const FILE: &str = "transfers.sqlite";

/// How long another Wherry may hold the file.
const BUSY: Duration = Duration::from_secs(20);

/// Why the journal cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    #[error(
        "the list of transfers {path} was written by a newer Wherry (version {found} of its form, this Wherry knows {known}); use that one, or move the file away"
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("the list of transfers cannot be used: {0}")]
    Unusable(String),
    /// The disk that it is on has no room.
    #[error("the disk with the list of transfers is full")]
    Full,
    #[error("there is no such transfer any more")]
    NoSuchJob,
    /// By another Wherry, or it is by this one.
    #[error("the transfer is being run already")]
    Taken,
    #[error("the transfer has not ended")]
    NotEnded,
}

fn failed(error: rusqlite::Error) -> JournalError {
    match error {
        rusqlite::Error::QueryReturnedNoRows => JournalError::NoSuchJob,
        rusqlite::Error::SqliteFailure(e, _) if e.code == ErrorCode::DiskFull => JournalError::Full,
        other => JournalError::Unusable(other.to_string()),
    }
}

fn unusable(error: impl std::fmt::Display) -> JournalError {
    JournalError::Unusable(error.to_string())
}

/// A handle; all clones are one.
#[derive(Clone)]
pub struct Journal(Arc<Inside>);

struct Inside {
    folder: PathBuf,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    set_aside: Option<PathBuf>,
    /// Of the running jobs: what happened to their files and is not written yet.
    notes: Mutex<notes::Notes>,
}

impl Journal {
    /// Opens the journal in Wherry's own folder and makes it when there is none. Blocks.
    ///
    /// A file that is damaged is renamed and a new one begun, see [`Journal::set_aside`].
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let (connection, set_aside) = connect(folder)?;
        let writer = Writer::start(connection).map_err(unusable)?;
        Ok(Self::with(folder, writer, set_aside))
    }

    /// One for simulations: it writes when somebody waits, and never by itself.
    pub fn open_in_step(folder: &Path) -> Result<Self, JournalError> {
        let (connection, set_aside) = connect(folder)?;
        Ok(Self::with(folder, Writer::in_step(connection), set_aside))
    }

    fn with(folder: &Path, writer: Writer, set_aside: Option<PathBuf>) -> Self {
        Self(Arc::new(Inside {
            folder: folder.to_owned(),
            writer,
            readers: Mutex::default(),
            set_aside,
            notes: Mutex::default(),
        }))
    }

    /// Where the damaged file was put that was found in this one's place: to be said once.
    pub fn set_aside(&self) -> Option<&Path> {
        self.0.set_aside.as_deref()
    }

    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Returns once everything that was to be written is.
    pub async fn flush(&self) -> Result<(), JournalError> {
        notes::post_notes(&self.0);
        self.written(false, |_| Ok(())).await
    }

    /// As a crash leaves it: of the writes that nobody waited for, only the first `keep` are kept.
    /// Only for a journal that was opened in step.
    pub fn crash(&self, keep: usize) {
        self.0.writer.crash(keep);
    }

    /// How many bytes of SQLite's log a power cut leaves for certain; of what is behind them, it may leave
    /// any number. Only for a journal that was opened in step.
    pub fn synced_to(&self) -> u64 {
        self.0.writer.synced_to()
    }

    /// Returns when it is written; `durable` when it is to survive a power cut.
    async fn written<T: Send + 'static>(
        &self,
        durable: bool,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (message, answered) = Message::waited(durable, work);
        self.0.writer.send(message);
        answered
            .await
            .unwrap_or_else(|_| Err(unusable("its writer has ended")))
    }

    /// Blocks.
    fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let readers = || {
            self.0
                .readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let kept = readers().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => reader(&self.0.folder.join(FILE)).map_err(failed)?,
        };
        let found = look(&connection);
        readers().push(connection);
        found.map_err(failed)
    }
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn connect(folder: &Path) -> Result<(Connection, Option<PathBuf>), JournalError> {
    std::fs::create_dir_all(folder.join(claim::FOLDER)).map_err(unusable)?;
    let path = folder.join(FILE);
    match ready(&path) {
        Err(Unready::Damaged(e)) => {
            let aside = set_aside(&path).map_err(unusable)?;
            tracing::error!(%e, aside = %aside.display(), "the journal is damaged and was set aside");
            match ready(&path) {
                Ok(connection) => Ok((connection, Some(aside))),
                Err(Unready::Damaged(e) | Unready::Failed(e)) => Err(failed(e)),
                Err(Unready::Newer(found)) => Err(newer(path, found)),
            }
        }
        Err(Unready::Failed(e)) => Err(failed(e)),
        Err(Unready::Newer(found)) => Err(newer(path, found)),
        Ok(connection) => Ok((connection, None)),
    }
}

fn newer(path: PathBuf, found: i64) -> JournalError {
    JournalError::Newer {
        path,
        found,
        known: schema::VERSION,
    }
}

enum Unready {
    Newer(i64),
    Damaged(rusqlite::Error),
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Unready {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged(error),
            _ => Self::Failed(error),
        }
    }
}

fn ready(path: &Path) -> Result<Connection, Unready> {
    let mut connection = Connection::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Names of files and objects are nobody else's business.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    let _: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    // A checkpoint syncs: fewer and larger ones.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    if let Some(found) = schema::migrate(&mut connection)? {
        return Err(Unready::Newer(found));
    }
    // Every page of the small tables is looked at, so that damage there is found now.
    for table in ["jobs", "uploads", "drafts", "saved"] {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get::<_, i64>(0)
        })?;
    }
    Ok(connection)
}

/// Renames the file with what SQLite keeps beside it, under the first number that is free.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let named =
        |n: u32, end: &str| path.with_file_name(format!("transfers.damaged-{n}.sqlite{end}"));
    let n = (1..=u32::MAX)
        .find(|n| !named(*n, "").exists())
        .unwrap_or(u32::MAX);
    std::fs::rename(path, named(n, ""))?;
    for end in ["-wal", "-shm"] {
        let beside = path.with_file_name(format!("{FILE}{end}"));
        if beside.exists() {
            std::fs::rename(beside, named(n, end))?;
        }
    }
    Ok(named(n, ""))
}
