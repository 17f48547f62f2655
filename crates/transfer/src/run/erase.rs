//! Deleting files of this computer, as a sync asked for it: below the chosen folder only, through a
//! handle on it, and only what is still as the plan saw it.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::Shared;
use super::disk::Folder;
use super::each::Each;
use super::job::Stopped;
use crate::error::FileError;
use crate::plan::ErasePlan;

pub(super) struct Erasing {
    pub plan: ErasePlan,
    opened: OnceCell<Arc<dyn Folder>>,
}

impl Erasing {
    pub fn new(plan: ErasePlan) -> Self {
        Self {
            plan,
            opened: OnceCell::new(),
        }
    }

    async fn folder(&self, shared: &Shared) -> Result<&Arc<dyn Folder>, FileError> {
        let opening = || shared.disk.folder(&self.plan.folder);
        self.opened.get_or_try_init(opening).await
    }
}

#[async_trait]
impl Each for Erasing {
    fn rows(&self) -> usize {
        self.plan.items.len()
    }

    fn name(&self, row: u32) -> String {
        let item = self.plan.items.get(row as usize);
        item.map(|i| i.path.to_string()).unwrap_or_default()
    }

    fn size(&self, _: u32) -> u64 {
        0
    }

    async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let Some(item) = self.plan.items.get(row as usize) else {
            return Ok(());
        };
        if shared.stop.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        let folder = self.folder(shared).await?;
        folder.erase(&item.path, item.size, item.modified).await?;
        if shared.record.is_some() {
            folder.settle(vec![item.path.to_string()]).await?;
        }
        Ok(())
    }
}
