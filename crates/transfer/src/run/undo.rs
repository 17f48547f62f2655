//! Taking away what a job made, and nothing else: an object only while it is the very one, a file
//! only while nobody has changed it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use wherry_store::{ErrorKind, StoreError};

use super::Shared;
use super::disk::SystemFolder;
use super::each::Each;
use super::job::Stopped;
use crate::error::FileError;

/// Something that a job made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    Object {
        bucket: String,
        key: String,
        /// From its receipt: what says that it is the same one.
        etag: Option<String>,
        size: u64,
    },
    File {
        /// Below the folder, with `/`.
        path: String,
        size: u64,
        /// Milliseconds since 1970, as it was set.
        modified: Option<i64>,
    },
    /// Below the folder, with `/`: an empty one that came as a marker.
    Folder { path: String },
}

pub(super) struct Undoing {
    pub made: Vec<Made>,
    /// Of the files.
    pub folder: PathBuf,
    /// Folders below it that were not there before, without those inside them.
    pub fresh: HashSet<String>,
    pub opened: OnceCell<SystemFolder>,
}

#[async_trait]
impl Each for Undoing {
    fn rows(&self) -> usize {
        self.made.len()
    }

    fn name(&self, row: u32) -> String {
        match self.made.get(row as usize) {
            Some(Made::Object { key, .. }) => key.clone(),
            Some(Made::File { path, .. } | Made::Folder { path }) => path.clone(),
            None => String::new(),
        }
    }

    fn size(&self, _: u32) -> u64 {
        0
    }

    async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let Some(made) = self.made.get(row as usize) else {
            return Ok(());
        };
        let undo = async {
            match made {
                Made::Object {
                    bucket,
                    key,
                    etag,
                    size,
                } => object(bucket, key, etag.as_deref(), *size, shared).await,
                Made::File {
                    path,
                    size,
                    modified,
                } => self.file(path, *size, *modified).await,
                Made::Folder { path } => self.sweep(path).await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            undone = undo => Ok(undone?),
        }
    }
}

async fn object(
    bucket: &str,
    key: &str,
    etag: Option<&str>,
    size: u64,
    shared: &Arc<Shared>,
) -> Result<(), FileError> {
    let _permit = shared.request().await;
    let (store, patience) = (&shared.store, &shared.patience);
    let head = match patience.with(|| store.head(bucket, key)).await {
        Ok(head) => head,
        Err(e) if e.kind == ErrorKind::NoSuchKey => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    if head.size != size || etag.is_none() || head.etag.as_deref() != etag {
        return Err(FileError::LeftAlone {
            name: key.to_owned(),
        });
    }
    let delete = patience.with(|| async {
        let outcomes = store.delete(bucket, vec![key.to_owned()]).await;
        outcomes.into_iter().next().map_or_else(
            || {
                let words = "the store gave no answer";
                Err(StoreError::new(
                    ErrorKind::Other,
                    "delete the object",
                    words,
                ))
            },
            |outcome| outcome.result,
        )
    });
    match delete.await {
        Err(e) if e.kind != ErrorKind::NoSuchKey => Err(e.into()),
        _ => Ok(()),
    }
}

impl Undoing {
    async fn opened(&self) -> Result<&SystemFolder, FileError> {
        self.opened
            .get_or_try_init(|| SystemFolder::open(&self.folder))
            .await
    }

    async fn file(&self, path: &str, size: u64, modified: Option<i64>) -> Result<(), FileError> {
        if !self.opened().await?.remove_if(path, size, modified).await? {
            return Err(FileError::LeftAlone {
                name: path.to_owned(),
            });
        }
        self.sweep(above(path)).await
    }

    /// Removes this folder and those above it, as far as they came with the job and are empty now. The
    /// last one to go from a folder takes it along, whatever the order.
    async fn sweep(&self, folder: &str) -> Result<(), FileError> {
        let mut at = folder;
        while self.is_fresh(at) && self.opened().await?.remove_empty(at).await? {
            at = above(at);
        }
        Ok(())
    }

    fn is_fresh(&self, folder: &str) -> bool {
        let ends = folder.match_indices('/').map(|(at, _)| at);
        !folder.is_empty()
            && ends
                .chain([folder.len()])
                .any(|end| self.fresh.contains(&folder[..end]))
    }
}

fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}
