//! The local disk as a job sees it: files to be read, and a folder that files appear in.
//!
//! A job is handed its disk, as it is handed its store and its clock, so that a test can fill it,
//! pull the plug on it, or change a file at the worst moment. [`SystemDisk`] is the real one.
//!
//! A download is written under a temporary name beside its place (`.wherry-….part`), which whoever
//! runs the job chooses *before* the file is made: a name that was written down first can be found
//! again after a crash. It takes its own name in one step.

mod contents;
mod few;
mod folder;
mod read;
mod settle;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

pub use folder::SystemFolder;

use super::upload::Piece;
use crate::crc::Crc;
use crate::error::FileError;
use crate::verify::Sum;
use wherry_hash::Running;

/// Where a job reads and writes. Nothing here may hold up the thread it is called on.
#[async_trait]
pub trait Disk: Send + Sync + 'static {
    /// Opens a file to be uploaded. What is no file is refused.
    async fn open(&self, path: &Path) -> Result<Arc<dyn LocalFile>, FileError>;

    /// Takes hold of the folder that is downloaded into.
    async fn folder(&self, path: &Path) -> Result<Arc<dyn Folder>, FileError>;
}

/// What makes a file the same file with the same bytes, as far as that can be told unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Bytes.
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// Device and inode, where the system has such a thing.
    pub inode: Option<(u64, u64)>,
}

/// A file while it is being uploaded: read at any place, hashed, and known again.
#[async_trait]
pub trait LocalFile: Send + Sync {
    fn path(&self) -> &Path;

    /// As it was when it was opened.
    fn identity(&self) -> &Identity;

    /// Bytes, when it was opened.
    fn size(&self) -> u64 {
        self.identity().size
    }

    /// Fills the buffer with what is at `offset`, and hands it back with its sums. A file that ends
    /// before the buffer is full has changed.
    async fn read(&self, offset: u64, buffer: Vec<u8>) -> Result<(Vec<u8>, Sum), FileError>;

    /// Fills the pieces with what is at `offset`, and takes them into the hashes. Another piece of
    /// work later on goes on with these.
    async fn read_on(
        &self,
        offset: u64,
        pieces: Vec<Piece>,
        mut hashes: Hashes,
    ) -> Result<(Vec<Bytes>, Hashes), FileError> {
        let (mut at, mut read) = (offset, Vec::with_capacity(pieces.len()));
        for mut piece in pieces {
            let space = vec![0; piece.bytes_mut().len()];
            let (bytes, _) = self.read(at, space).await?;
            at += bytes.len() as u64;
            piece.bytes_mut().copy_from_slice(&bytes);
            read.push(hashes.take_in(piece));
        }
        Ok((read, hashes))
    }

    /// What was read, when all of it has been.
    async fn hashed(&self, hashes: Hashes) -> Result<(Sum, Option<[u8; 32]>), FileError> {
        Ok(hashes.finish())
    }

    /// The sums of a range too large to hold.
    async fn hash(&self, offset: u64, length: u64) -> Result<Sum, FileError>;

    /// Fails when the file was written to, replaced or removed since it was opened.
    async fn check_unchanged(&self) -> Result<(), FileError>;
}

/// What has to be known of a part before it is sent, as far as it is read.
pub struct Hashes {
    md5: Running,
    crc: Crc,
    sha256: Option<Sha256>,
}

impl Hashes {
    /// With the SHA-256, where that will be signed.
    pub fn new(sign: bool) -> Self {
        Self {
            md5: Running::default(),
            crc: Crc::default(),
            sha256: sign.then(Sha256::new),
        }
    }

    /// Blocks. What comes next; it is looked at while it is still in the processor's cache.
    pub fn take_in(&mut self, mut piece: Piece) -> Bytes {
        let bytes = piece.bytes_mut();
        self.crc.update(bytes);
        if let Some(hash) = &mut self.sha256 {
            hash.update(bytes);
        }
        let bytes = piece.share();
        self.md5.feed([bytes.clone()]);
        bytes
    }

    /// Blocks.
    pub fn finish(self) -> (Sum, Option<[u8; 32]>) {
        let (md5, crc) = (self.md5.finish(), self.crc);
        (
            Sum { md5, crc },
            self.sha256.map(|hash| hash.finalize().into()),
        )
    }
}

/// A folder held by a handle: no name leads out of it, and links inside are not followed.
///
/// Paths are relative, with `/`, as [`crate::names::local_name`] makes them.
#[async_trait]
pub trait Folder: Send + Sync {
    /// For words only.
    fn path(&self) -> &Path;

    /// Makes a folder with all above it.
    async fn make(&self, path: &str) -> Result<(), FileError>;

    /// Begins the file that is to become `path`, under a name of [`temporary_name`] beside it, with
    /// its first bytes; says their sums.
    async fn draft(
        &self,
        path: &str,
        temporary: &str,
        contents: Bytes,
    ) -> Result<(Box<dyn Draft>, Sum), FileError>;

    /// Takes up a draft that was left. `None` when there is none that can be gone on with: it is
    /// gone, or is a link or no plain file, or has another name besides.
    async fn reopen(
        &self,
        path: &str,
        temporary: &str,
    ) -> Result<Option<Box<dyn Draft>>, FileError>;

    /// Removes a draft that was left. That it is gone already is no error.
    async fn discard(&self, path: &str, temporary: &str) -> Result<(), FileError>;

    /// Removes a file that is as it was seen: so long, and of this time in milliseconds since 1970.
    /// Folders above it that have become empty go too. That it is gone already is no error.
    async fn erase(&self, path: &str, size: u64, modified: Option<i64>) -> Result<(), FileError>;

    /// Returns once a power cut cannot take back any more what names were given and taken away here: those
    /// of these paths with their folders, as far as the file system can. Until then it may, also where
    /// the file itself was put on the disk.
    async fn settle(&self, paths: Vec<String>) -> Result<(), FileError>;

    /// Of each of these paths, whether there is certainly nothing. Only looks at names.
    async fn missing(&self, paths: Vec<String>) -> Vec<bool>;

    /// The plain file that has this name, if one has.
    async fn existing(&self, path: &str) -> Result<Option<Existing>, FileError>;
}

/// A file that is there already.
pub struct Existing {
    pub identity: Identity,
    /// Not to be written.
    pub contents: Arc<dyn Contents>,
}

/// A file being written. Removed when dropped before it is finished, unless [`Draft::keep`] was
/// called.
#[async_trait]
pub trait Draft: Send + Sync {
    fn contents(&self) -> Arc<dyn Contents>;

    /// From now on being dropped leaves it for later, see [`Folder::reopen`].
    fn keep(&self);

    /// Puts the file on disk and gives it its name and time. Without `replace`, a file of that name
    /// is left alone, also one that came a moment ago. The name is on the disk for good when it is
    /// settled: see [`Folder::settle`].
    async fn finish(
        self: Box<Self>,
        replace: bool,
        modified: Option<SystemTime>,
    ) -> Result<PathBuf, FileError>;
}

/// The bytes of a file in the folder. May outlive its [`Draft`].
#[async_trait]
pub trait Contents: Send + Sync {
    /// Bytes, now.
    async fn size(&self) -> Result<u64, FileError>;

    /// Writes what arrives, one piece after the other from `at` on, until there is no more; says
    /// the sums of it all.
    async fn pour(&self, at: u64, pieces: mpsc::Receiver<Bytes>) -> Result<Sum, FileError>;

    /// The sums of ranges, read back from the disk. A range that is not all there is an error.
    async fn hash(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Sum>, FileError>;
}

/// The name of a draft. `random` keeps those of one folder apart.
pub fn temporary_name(random: [u8; 16]) -> String {
    let id = uuid::Builder::from_random_bytes(random).into_uuid();
    format!(".wherry-{}.part", id.simple())
}

/// Whether a name is one of [`temporary_name`]: a wrong line in a file of ours must never make us
/// remove or write to a file of the user's.
pub fn is_temporary(name: &str) -> bool {
    let id = name
        .strip_prefix(".wherry-")
        .and_then(|rest| rest.strip_suffix(".part"));
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The disk of this computer. Everything it does happens on threads that may block.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

#[async_trait]
impl Disk for SystemDisk {
    async fn open(&self, path: &Path) -> Result<Arc<dyn LocalFile>, FileError> {
        Ok(Arc::new(read::OpenFile::open(path).await?))
    }

    async fn folder(&self, path: &Path) -> Result<Arc<dyn Folder>, FileError> {
        Ok(Arc::new(SystemFolder::open(path).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_temporary() {
        assert!(is_temporary(&temporary_name([7; 16])));
        assert_ne!(temporary_name([1; 16]), temporary_name([2; 16]));
        for other in [
            "",
            "thesis.part",
            ".wherry-.part",
            ".wherry-../../../etc/passwd0000000000.part",
            ".wherry-0123456789abcdef0123456789abcdeg.part",
            ".wherry-0123456789abcdef0123456789abcdef.part.txt",
        ] {
            assert!(!is_temporary(other), "{other}");
        }
    }
}
