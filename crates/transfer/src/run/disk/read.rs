//! Files of this computer, read at any place without a cursor of their own.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Hashes, Identity, LocalFile};
use crate::crc::Crc;
use crate::error::FileError;
use crate::run::aside::aside;
use crate::run::upload::Piece;
use crate::verify::Sum;
use wherry_hash::{Running, of_buffer};

/// Hashing without sending reads this much at a time.
const STRETCH: usize = 1 << 20;

impl Identity {
    pub(super) fn of(facts: &Metadata) -> Self {
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

pub struct OpenFile {
    file: Arc<File>,
    path: Arc<Path>,
    identity: Identity,
}

impl OpenFile {
    pub async fn open(path: &Path) -> Result<Self, FileError> {
        let path: Arc<Path> = path.into();
        let at = Arc::clone(&path);
        off_thread(&path, move || {
            // Looked at first: opening a pipe would wait for its other end.
            if !std::fs::metadata(&at)?.is_file() {
                return Err(io::Error::other("it is no longer a file"));
            }
            let file = File::open(&at)?;
            let identity = Identity::of(&file.metadata()?);
            Ok(Self {
                file: Arc::new(file),
                path: at,
                identity,
            })
        })
        .await
    }

    fn changed(&self) -> FileError {
        FileError::ChangedHere {
            path: self.path.to_path_buf(),
        }
    }
}

#[async_trait]
impl LocalFile for OpenFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn read(&self, offset: u64, mut buffer: Vec<u8>) -> Result<(Vec<u8>, Sum), FileError> {
        let file = Arc::clone(&self.file);
        let read = off_thread(&self.path, move || {
            let read = read_with_crc(&file, &mut buffer, offset);
            all_there(read).map(|all| {
                all.map(|crc| {
                    let (md5, buffer) = of_buffer(buffer);
                    (buffer, Sum { md5, crc })
                })
            })
        });
        read.await?.ok_or_else(|| self.changed())
    }

    async fn read_on(
        &self,
        mut offset: u64,
        pieces: Vec<Piece>,
        mut hashes: Hashes,
    ) -> Result<(Vec<Bytes>, Hashes), FileError> {
        let file = Arc::clone(&self.file);
        let read = off_thread(&self.path, move || {
            let mut read = Vec::with_capacity(pieces.len());
            for mut piece in pieces {
                let bytes = piece.bytes_mut();
                let there = read_exact_at(&file, bytes, offset);
                offset += bytes.len() as u64;
                if all_there(there)?.is_none() {
                    return Ok(None);
                }
                read.push(hashes.take_in(piece));
            }
            Ok(Some((read, hashes)))
        });
        read.await?.ok_or_else(|| self.changed())
    }

    async fn hashed(&self, hashes: Hashes) -> Result<(Sum, Option<[u8; 32]>), FileError> {
        off_thread(&self.path, move || Ok(hashes.finish())).await
    }

    async fn hash(&self, offset: u64, length: u64) -> Result<Sum, FileError> {
        let file = Arc::clone(&self.file);
        let hashed = off_thread(&self.path, move || {
            all_there(hash_range(&file, offset, length))
        });
        hashed.await?.ok_or_else(|| self.changed())
    }

    async fn check_unchanged(&self) -> Result<(), FileError> {
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
}

/// `None` where the file ended too early.
fn all_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

async fn off_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FileError> {
    let done = aside(work).await.map_err(io::Error::other);
    done.and_then(|result| result)
        .map_err(|e| FileError::reading(path, e))
}

/// Blocks.
pub fn hash_range(file: &File, offset: u64, length: u64) -> io::Result<Sum> {
    let (mut hash, mut crc) = (Running::default(), Crc::default());
    let (mut at, end) = (offset, offset + length);
    let mut buffer = Vec::new();
    while at < end {
        buffer.resize((end - at).min(STRETCH as u64) as usize, 0);
        read_exact_at(file, &mut buffer, at)?;
        crc.update(&buffer);
        at += buffer.len() as u64;
        let bytes = Bytes::from(buffer);
        hash.update([bytes.clone()]);
        // Nobody else holds it any more, so this is the same memory.
        buffer = bytes.into();
    }
    let md5 = hash.finish();
    Ok(Sum { md5, crc })
}

/// In stretches that are still in the processor's cache when they are looked at.
fn read_with_crc(file: &File, buffer: &mut [u8], mut at: u64) -> io::Result<Crc> {
    let mut crc = Crc::default();
    for stretch in buffer.chunks_mut(STRETCH / 4) {
        read_exact_at(file, stretch, at)?;
        crc.update(stretch);
        at += stretch.len() as u64;
    }
    Ok(crc)
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
