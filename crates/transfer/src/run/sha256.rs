//! The SHA-256 of what arrived, for receipts that are to have it.
//!
//! It can only be computed from the first byte to the last, and parts come in any order; so a file is
//! read once more when it has arrived. Its CRC is computed with it, and has to be that of the bytes
//! that were moved: a file that has changed since has no SHA-256 in its receipt, rather than another's.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::Shared;
use super::aside::aside;
use super::disk::LocalFile;
use crate::crc::Crc;
use crate::error::FileError;
use crate::verify::hex;

/// Read and hashed at a time.
const STRETCH: u64 = 4 << 20;

impl Shared {
    /// In hex; `None` where it was not asked for, or is not to be had.
    pub(super) async fn sha256_of(&self, file: &dyn LocalFile, crc: Crc) -> Option<String> {
        if !self.sha256 {
            return None;
        }
        tokio::select! {
            biased;
            // The file has arrived, and that is what counts.
            () = self.stop.cancelled() => None,
            read = self.read_once_more(file, crc) => match read {
                Ok(Some(sum)) => Some(sum),
                Ok(None) => {
                    tracing::info!("a file has changed since it arrived: no SHA-256");
                    None
                }
                Err(error) => {
                    tracing::info!(%error, "a file could not be read once more: no SHA-256");
                    None
                }
            },
        }
    }

    pub(super) async fn sha256_at(&self, path: &Path, crc: Crc) -> Option<String> {
        if !self.sha256 {
            return None;
        }
        match self.disk.open(path).await {
            Ok(file) => self.sha256_of(&*file, crc).await,
            Err(error) => {
                tracing::info!(%error, "a file could not be opened once more: no SHA-256");
                None
            }
        }
    }

    async fn read_once_more(
        &self,
        file: &dyn LocalFile,
        crc: Crc,
    ) -> Result<Option<String>, FileError> {
        let size = file.size();
        let _held = self.memory.wait(STRETCH.min(size)).await;
        let (mut hash, mut buffer) = (Sha256::new(), Vec::new());
        let (mut crcs, mut at) = (Vec::new(), 0);
        while at < size {
            buffer.resize(STRETCH.min(size - at) as usize, 0);
            let (read, sum) = file.read(at, buffer).await?;
            at += read.len() as u64;
            crcs.push(sum.crc);
            let hashed = aside(move || {
                hash.update(&read);
                (hash, read)
            });
            (hash, buffer) = hashed
                .await
                .map_err(|e| FileError::reading(file.path(), std::io::Error::other(e)))?;
        }
        let same = Crc::of_parts(crcs, STRETCH, size) == crc;
        Ok(same.then(|| hex(&hash.finalize())))
    }
}
