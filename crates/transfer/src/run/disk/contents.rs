//! Bytes of a file in the folder: written where they belong, and read back to be sure.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Contents;
use super::few::Few;
use super::read::{hash_range, write_all_at};
use crate::crc::Crc;
use crate::error::FileError;
use crate::run::aside::aside;
use crate::verify::Sum;
use wherry_hash::Running;

/// Written at a time, when so much has come.
const BATCH: usize = 256 << 10;

/// Those who write to a file.
#[derive(Default)]
pub struct Writers {
    few: Arc<Few>,
    /// Systems let one writer into a file at a time, and the others spin; so they wait here.
    turn: Mutex<()>,
}

/// A range, as far as it has come.
struct Arriving {
    at: u64,
    md5: Running,
    crc: Crc,
}

pub struct SystemContents {
    pub file: Arc<File>,
    pub root: Arc<Path>,
    pub path: Arc<Path>,
    pub writers: Arc<Writers>,
}

impl SystemContents {
    async fn go<T: Send + 'static>(
        &self,
        work: impl FnOnce(&File) -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileError> {
        let file = Arc::clone(&self.file);
        aside(move || work(&file))
            .await
            .map_err(io::Error::other)
            .and_then(|result| result)
            .map_err(|e| FileError::writing(&self.root, &self.path, e))
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileError> {
        let done = self.writers.few.go(work).await;
        done.unwrap_or_else(|| Err(io::Error::other("writing stopped in the middle")))
            .map_err(|e| FileError::writing(&self.root, &self.path, e))
    }
}

impl Arriving {
    /// Blocks.
    fn take_in(mut self, pieces: Vec<Bytes>, file: &File, turn: &Mutex<()>) -> io::Result<Self> {
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in &pieces {
            write_all_at(file, piece, self.at)?;
            self.at += piece.len() as u64;
        }
        drop(turn);
        for piece in &pieces {
            self.crc.update(piece);
        }
        self.md5.feed(pieces);
        Ok(self)
    }

    /// Blocks.
    fn finish(self) -> Sum {
        Sum {
            md5: self.md5.finish(),
            crc: self.crc,
        }
    }
}

#[async_trait]
impl Contents for SystemContents {
    async fn size(&self) -> Result<u64, FileError> {
        self.go(|file| Ok(file.metadata()?.len())).await
    }

    async fn pour(&self, at: u64, mut pieces: mpsc::Receiver<Bytes>) -> Result<Sum, FileError> {
        let mut range = Arriving {
            at,
            md5: Running::default(),
            crc: Crc::default(),
        };
        while let Some(piece) = pieces.recv().await {
            let (mut count, mut batch) = (piece.len(), vec![piece]);
            while count < BATCH
                && let Ok(piece) = pieces.try_recv()
            {
                count += piece.len();
                batch.push(piece);
            }
            let (file, writers) = (Arc::clone(&self.file), Arc::clone(&self.writers));
            let written = self.write(move || range.take_in(batch, &file, &writers.turn));
            range = written.await?;
        }
        self.write(move || Ok(range.finish())).await
    }

    async fn hash(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Sum>, FileError> {
        self.go(move |file| {
            ranges
                .into_iter()
                .map(|range| hash_range(file, range.start, range.end - range.start))
                .collect()
        })
        .await
    }
}
