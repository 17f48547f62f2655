//! Work that is not written down: it ends with the process, and nothing is lost by that.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use wherry_store::{ObjectStore, StoreError};
use wherry_transfer::journal::JournalError;
use wherry_transfer::receipt::Entry;
use wherry_transfer::run::{Made, Recheck, Side, SyncStores};
use wherry_transfer::{Choices, CopySource, FileError, Job, ResumeError, Settings};

use super::plans::Plan;
use crate::contract::Problem;
use crate::engine::Engine;

pub(super) enum Held {
    /// What is fetched to be dragged out; and everything, when there is no journal.
    Plan(Box<Plan>, Choices),
    /// Accounts by the addresses of their stores; none for files.
    Recheck {
        entries: Vec<Entry>,
        accounts: HashMap<String, String>,
        files: bool,
        /// Every byte of the objects.
        read: bool,
    },
    Undo {
        made: Vec<Made>,
        folder: PathBuf,
        fresh: Vec<String>,
    },
}

impl Engine {
    pub(super) async fn begin_held(
        &self,
        work: Held,
        store: Arc<dyn ObjectStore>,
        from: Option<CopySource>,
        settings: Settings,
    ) -> Result<Job, Trouble> {
        Ok(match work {
            Held::Plan(plan, choices) => match *plan {
                Plan::Upload(plan) => Job::upload(store, plan, &choices, settings).await?,
                Plan::Copy(plan) => match from {
                    Some(from) => {
                        let one = from.one_server;
                        Job::copy_between(from.store, store, one, plan, &choices, settings).await?
                    }
                    None => Job::copy(store, plan, &choices, settings).await?,
                },
                Plan::Sync(plan) => {
                    let stores = match from {
                        Some(from) => SyncStores {
                            from: Some(from.store),
                            to: Some(store),
                            one_account: false,
                            one_server: from.one_server,
                        },
                        None => SyncStores {
                            from: Some(Arc::clone(&store)),
                            to: Some(store),
                            one_account: true,
                            one_server: true,
                        },
                    };
                    Job::sync(*plan, stores, settings).await?
                }
                Plan::Delete(plan) => Job::delete(store, plan, settings),
                Plan::Download(plan) => Job::download(store, plan, choices, settings).await?,
            },
            Held::Recheck {
                entries,
                accounts,
                files,
                read,
            } => {
                let mut stores: HashMap<String, Arc<dyn ObjectStore>> = HashMap::new();
                for (endpoint, account) in accounts {
                    let opened = self.open(&account).await.map_err(Trouble::Problem)?;
                    stores.insert(endpoint, Arc::new(opened.store));
                }
                let side = if files {
                    Side::Computer(None)
                } else {
                    Side::Store(stores)
                };
                let what = Recheck {
                    entries,
                    side,
                    read,
                };
                Job::recheck(store, what, settings)
            }
            Held::Undo {
                made,
                folder,
                fresh,
            } => Job::undo(store, made, folder, fresh, settings),
        })
    }
}

/// Why a job could not be begun.
pub(super) enum Trouble {
    File(FileError),
    Problem(Problem),
    /// Another Wherry has it.
    Taken,
    /// It is no longer in the journal.
    Gone,
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::File(error.into())
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Taken => Self::Taken,
            JournalError::NoSuchJob => Self::Gone,
            other => Self::Problem(other.into()),
        }
    }
}

impl From<ResumeError> for Trouble {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::Journal(error) => error.into(),
            ResumeError::Folder(error) => error.into(),
        }
    }
}
