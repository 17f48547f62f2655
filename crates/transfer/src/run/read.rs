//! A local file while it is being uploaded: read at any place, hashed, and known again.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use md5::{Digest, Md5};

use super::buffers::Buffers;
use crate::error::FileError;
use crate::verify::{Md5Sum, md5_of};

/// Hashing without sending reads this much at a time.
const STRETCH: usize = 1 << 20;

/// What makes a file the same file with the same bytes, as far as that can be told unread.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    size: u64,
    modified: Option<SystemTime>,
    inode: Option<(u64, u64)>,
}

impl Identity {
    fn of(facts: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            Some((facts.dev(), facts.ino()))
        };
        #[cfg(not(unix))]
        let inode = None;
        Self {
            size: facts.len(),
            modified: facts.modified().ok(),
            inode,
        }
    }
}

/// Clones share the open file.
#[derive(Clone)]
pub struct Source {
    file: Arc<File>,
    path: Arc<Path>,
    identity: Identity,
}

impl Source {
    pub async fn open(path: PathBuf) -> Result<Self, FileError> {
        off_thread(&path.clone(), move || {
            // Looked at first: opening a pipe would wait for its other end.
            if !std::fs::metadata(&path)?.is_file() {
                return Err(io::Error::other("it is no longer a file"));
            }
            let file = File::open(&path)?;
            let identity = Identity::of(&file.metadata()?);
            Ok(Self {
                file: Arc::new(file),
                path: path.into(),
                identity,
            })
        })
        .await
    }

    pub fn size(&self) -> u64 {
        self.identity.size
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of a range with their MD5. A file that ends before the range does has changed.
    pub async fn read(
        &self,
        offset: u64,
        length: u64,
        buffers: &Arc<Buffers>,
    ) -> Result<(Bytes, Md5Sum), FileError> {
        let (file, buffers) = (Arc::clone(&self.file), Arc::clone(buffers));
        let read = off_thread(&self.path, move || {
            let mut bytes = buffers.take(length as usize);
            match read_exact_at(&file, &mut bytes, offset) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(e) => return Err(e),
            }
            let sum = md5_of(&bytes);
            Ok(Some((buffers.share(bytes), sum)))
        });
        read.await?.ok_or_else(|| self.changed())
    }

    /// The MD5 of a range too large to hold.
    pub async fn hash(&self, offset: u64, length: u64) -> Result<Md5Sum, FileError> {
        let file = Arc::clone(&self.file);
        let hashed = off_thread(&self.path, move || {
            let mut hash = Md5::new();
            let mut buffer = vec![0; STRETCH];
            let mut at = offset;
            while at < offset + length {
                let stretch = (offset + length - at).min(STRETCH as u64) as usize;
                match read_exact_at(&file, &mut buffer[..stretch], at) {
                    Ok(()) => {}
                    Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                    Err(e) => return Err(e),
                }
                hash.update(&buffer[..stretch]);
                at += stretch as u64;
            }
            Ok(Some(hash.finalize().into()))
        });
        hashed.await?.ok_or_else(|| self.changed())
    }

    /// Fails when the file was written to, replaced or removed since it was opened.
    pub async fn check_unchanged(&self) -> Result<(), FileError> {
        let (file, path) = (Arc::clone(&self.file), Arc::clone(&self.path));
        let now = off_thread(&self.path, move || {
            let open = Identity::of(&file.metadata()?);
            Ok((open, Identity::of(&std::fs::metadata(path)?)))
        });
        match now.await {
            Ok((open, named)) if open == self.identity && named == self.identity => Ok(()),
            Ok(_) | Err(FileError::Vanished { .. }) => Err(self.changed()),
            Err(e) => Err(e),
        }
    }

    fn changed(&self) -> FileError {
        FileError::ChangedHere {
            path: self.path.to_path_buf(),
        }
    }
}

async fn off_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FileError> {
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other);
    done.and_then(|result| result)
        .map_err(|e| FileError::reading(path, e))
}

#[cfg(unix)]
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
pub fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                buffer = &mut buffer[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
