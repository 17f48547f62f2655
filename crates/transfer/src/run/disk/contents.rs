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
use super::read::{hash_range, write_all_at};
use crate::crc::Crc;
use crate::error::FileError;
use crate::run::aside::aside;
use crate::verify::Sum;
use wherry_hash::Running;

/// Written at a time, when so much has come.
const BATCH: usize = 256 << 10;

pub struct SystemContents {
    pub file: Arc<File>,
    pub root: Arc<Path>,
    pub path: Arc<Path>,
    /// Systems let one writer into a file at a time, and the others spin; so they wait here.
    pub writing: Arc<Mutex<()>>,
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
}

#[async_trait]
impl Contents for SystemContents {
    async fn size(&self) -> Result<u64, FileError> {
        self.go(|file| Ok(file.metadata()?.len())).await
    }

    async fn pour(&self, mut at: u64, mut pieces: mpsc::Receiver<Bytes>) -> Result<Sum, FileError> {
        let writing = Arc::clone(&self.writing);
        self.go(move |file| {
            let (mut hash, mut crc) = (Running::default(), Crc::default());
            while let Some(piece) = pieces.blocking_recv() {
                let (mut count, mut batch) = (piece.len(), vec![piece]);
                while count < BATCH
                    && let Ok(piece) = pieces.try_recv()
                {
                    count += piece.len();
                    batch.push(piece);
                }
                let turn = writing.lock().unwrap_or_else(PoisonError::into_inner);
                for piece in &batch {
                    write_all_at(file, piece, at)?;
                    at += piece.len() as u64;
                }
                drop(turn);
                for piece in &batch {
                    crc.update(piece);
                }
                hash.feed(batch);
            }
            let md5 = hash.finish();
            Ok(Sum { md5, crc })
        })
        .await
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
