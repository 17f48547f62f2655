//! Taking away what a job made, and nothing else: an object only while it is the very one, a file
//! only while nobody has changed it.

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
}

pub(super) struct Undoing {
    pub made: Vec<Made>,
    /// Of the files.
    pub folder: PathBuf,
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
            Some(Made::File { path, .. }) => path.clone(),
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
    async fn file(&self, path: &str, size: u64, modified: Option<i64>) -> Result<(), FileError> {
        let folder = self
            .opened
            .get_or_try_init(|| SystemFolder::open(&self.folder))
            .await?;
        match folder.remove_if(path, size, modified).await? {
            true => Ok(()),
            false => Err(FileError::LeftAlone {
                name: path.to_owned(),
            }),
        }
    }
}
