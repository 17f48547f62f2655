//! What can stop a plan, and what can go wrong with one file of a job.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wherry_store::{ErrorKind, StoreError};

/// Why there is no plan.
#[derive(Debug, Clone)]
pub enum PlanError {
    Cancelled,
    Store(StoreError),
    /// The folder to download into is missing or is no folder.
    Folder {
        folder: PathBuf,
        reason: Arc<io::Error>,
    },
    /// A name given for the copy cannot be a key.
    Name {
        name: String,
        reason: &'static str,
    },
}

/// Why a plan cannot run as it is. It can still be looked at.
#[derive(Debug, Clone)]
pub enum Blocked {
    NotEnoughSpace {
        folder: PathBuf,
        needed: u64,
        free: u64,
    },
    NotWritable {
        folder: PathBuf,
        reason: Arc<io::Error>,
    },
}

/// Why one file did not arrive. Nothing half-finished is left under its name.
#[derive(Debug, Clone)]
pub enum FileError {
    Store(StoreError),
    /// A local file is no longer there.
    Vanished {
        path: PathBuf,
    },
    Unreadable {
        path: PathBuf,
        reason: Arc<io::Error>,
    },
    /// A local file was changed while it was uploaded: what was sent is neither the old nor the new.
    ChangedHere {
        path: PathBuf,
    },
    /// The object was replaced while it was downloaded or copied.
    ChangedThere {
        key: String,
    },
    /// The bytes at the destination are not the bytes at the source.
    Mismatch {
        name: String,
        expected: String,
        found: String,
    },
    DiskFull {
        folder: PathBuf,
    },
    NotWritable {
        path: PathBuf,
        reason: Arc<io::Error>,
    },
    /// Something else took the file's name after the plan was made; it was left alone.
    InTheWay {
        path: PathBuf,
    },
    /// A folder on the way is a symbolic link or a file; it was not followed.
    Detour {
        path: PathBuf,
    },
    TooLarge {
        size: u64,
        limit: u64,
    },
    /// It is not, or no longer, what its receipt says.
    Differs {
        name: String,
        expected: String,
        found: String,
    },
    /// It has the size that its receipt says, which is all that the receipt says.
    Unproven {
        name: String,
    },
    /// Somebody has changed it since it was made, so it was not taken away.
    LeftAlone {
        name: String,
    },
}

impl FileError {
    /// Whether every other file of the job would fail for the same reason: going on would only make
    /// a long list of the same error.
    pub fn stops_the_job(&self) -> bool {
        match self {
            Self::DiskFull { .. } => true,
            Self::Store(e) => matches!(
                e.kind,
                ErrorKind::QuotaExceeded
                    | ErrorKind::KeyUnknown
                    | ErrorKind::SecretWrong
                    | ErrorKind::KeyExpired
                    | ErrorKind::ClockSkew
                    | ErrorKind::NoSuchBucket
                    | ErrorKind::HostUnknown
                    // After all the patience there is: the way to the store is gone, or the store has
                    // no time for anybody.
                    | ErrorKind::Unreachable
                    | ErrorKind::SlowDown
                    | ErrorKind::Proxy
                    | ErrorKind::CertificateUntrusted
                    | ErrorKind::Redirect
                    | ErrorKind::NotS3
            ),
            _ => false,
        }
    }

    /// Whether the file can be gone on with where it stopped, once what was in the way has passed:
    /// nothing is wrong with what has been moved.
    pub(crate) fn may_be_gone_on_with(&self) -> bool {
        match self {
            Self::Store(e) => match e.kind {
                ErrorKind::NoSuchBucket => false,
                ErrorKind::Denied => true,
                kind => kind.is_transient() || self.stops_the_job(),
            },
            // It takes room itself, but of hundreds of gigabytes nobody wants to begin anew.
            Self::DiskFull { .. } | Self::NotWritable { .. } | Self::Unreadable { .. } => true,
            _ => false,
        }
    }

    /// What a file that is being uploaded failed with.
    pub fn reading(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Vanished { path },
            _ => Self::Unreadable {
                path,
                reason: Arc::new(error),
            },
        }
    }

    /// What a file that is being downloaded, `name` below `folder`, failed with.
    pub fn writing(folder: &Path, name: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                folder: folder.to_owned(),
            },
            _ => Self::NotWritable {
                path: folder.join(name),
                reason: Arc::new(error),
            },
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => write!(f, "cancelled"),
            Self::Store(e) => e.fmt(f),
            Self::Folder { folder, reason } => {
                write!(
                    f,
                    "the folder {} cannot be used: {reason}",
                    folder.display()
                )
            }
            Self::Name { name, reason } => write!(f, "“{name}” cannot be a name: {reason}"),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnoughSpace {
                folder,
                needed,
                free,
            } => write!(
                f,
                "{needed} bytes are needed and {free} are free on the disk of {}",
                folder.display()
            ),
            Self::NotWritable { folder, reason } => {
                write!(
                    f,
                    "nothing can be written into {}: {reason}",
                    folder.display()
                )
            }
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::Vanished { path } => write!(f, "{} is no longer there", path.display()),
            Self::Unreadable { path, reason } => {
                write!(f, "{} cannot be read: {reason}", path.display())
            }
            Self::ChangedHere { path } => {
                write!(f, "{} was changed while it was uploaded", path.display())
            }
            Self::ChangedThere { key } => write!(
                f,
                "{} was replaced in the store meanwhile",
                key.escape_debug()
            ),
            Self::Mismatch {
                name,
                expected,
                found,
            } => write!(
                f,
                "{} did not arrive intact: expected {expected}, found {found}",
                name.escape_debug()
            ),
            Self::DiskFull { folder } => write!(f, "the disk of {} is full", folder.display()),
            Self::NotWritable { path, reason } => {
                write!(f, "{} cannot be written: {reason}", path.display())
            }
            Self::InTheWay { path } => {
                write!(
                    f,
                    "{} appeared after the plan was made and was left alone",
                    path.display()
                )
            }
            Self::Detour { path } => {
                write!(
                    f,
                    "{} is a link or a file where a folder should be; it was not followed",
                    path.display()
                )
            }
            Self::TooLarge { size, limit } => {
                write!(
                    f,
                    "{size} bytes are more than the {limit} that this store takes in one object"
                )
            }
            Self::Differs {
                name,
                expected,
                found,
            } => write!(
                f,
                "{} is not what its receipt says: expected {expected}, found {found}",
                name.escape_debug()
            ),
            Self::Unproven { name } => write!(
                f,
                "{} has the right size, and its receipt knows no hash of it",
                name.escape_debug()
            ),
            Self::LeftAlone { name } => write!(
                f,
                "{} was changed meanwhile, and was left alone",
                name.escape_debug()
            ),
        }
    }
}

impl std::error::Error for PlanError {}
impl std::error::Error for Blocked {}
impl std::error::Error for FileError {}

impl From<StoreError> for PlanError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<StoreError> for FileError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
