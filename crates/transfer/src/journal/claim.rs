//! Who runs a job: the holder of a lock that the system takes back when the process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Journal, JournalError, unusable};

/// Beside the journal.
pub const FOLDER: &str = "jobs";

/// Whoever only looks whether a job is free holds its lock for a moment, and must not keep another
/// one from running it: so often and so long a lock that is held is tried again.
const LOOKS: u32 = 20;
const A_LOOK: Duration = Duration::from_millis(5);

/// The right to run a job, for as long as it lives.
#[derive(Debug)]
pub struct Claim {
    file: File,
    path: PathBuf,
}

impl Claim {
    /// Blocks for a tenth of a second when somebody else has it.
    pub(super) fn take(folder: &Path, id: &str) -> Result<Self, JournalError> {
        for _ in 0..LOOKS {
            match Self::try_take(folder, id) {
                Err(JournalError::Taken) => std::thread::sleep(A_LOOK),
                other => return other,
            }
        }
        Self::try_take(folder, id)
    }

    fn try_take(folder: &Path, id: &str) -> Result<Self, JournalError> {
        let path = folder.join(FOLDER).join(format!("{id}.lock"));
        // As often as somebody removes the file between its opening and its locking.
        for _ in 0..100 {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.open(&path).map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(JournalError::Taken),
                Err(TryLockError::Error(e)) => return Err(unusable(e)),
            }
            if is_at(&file, &path) {
                return Ok(Self { file, path });
            }
        }
        Err(JournalError::Taken)
    }

    /// For a job that has ended and needs no lock any more.
    pub(super) fn end(self) {
        // Still locked: whoever opened it meanwhile sees that it is no longer at its place.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// A file that is open cannot be replaced there.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

impl Journal {
    /// Takes a job for running it, or for cleaning up behind it. [`JournalError::Taken`] when
    /// somebody else has.
    pub fn claim(&self, id: &str) -> Result<Claim, JournalError> {
        Claim::take(&self.0.folder, id)
    }

    /// Whether nobody runs the job.
    pub(super) fn is_free(&self, id: &str) -> bool {
        Claim::try_take(&self.0.folder, id).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_a_claim() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(FOLDER)).unwrap();
        let take = || Claim::take(folder.path(), "a");
        let held = take().unwrap();
        assert!(matches!(take(), Err(JournalError::Taken)));
        assert!(Claim::take(folder.path(), "b").is_ok());
        drop(held);
        take().unwrap().end();
        assert!(!folder.path().join("jobs/a.lock").exists());
        take().unwrap();
    }
}
