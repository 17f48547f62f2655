//! Running a sync: what has to move first, and what has to go only when all of that has arrived. It is
//! one job with the rows of both, so it is paused, written down and gone on with as one.

use std::sync::Arc;

use wherry_store::ObjectStore;

use super::Settings;
use super::copy::Copies;
use super::delete::Deletions;
use super::download::Downloads;
use super::erase::Erasing;
use super::job::{Job, Syncing, Work};
use super::resume::Start;
use super::upload::Uploads;
use crate::error::FileError;
use crate::journal::spec;
use crate::plan::{Moves, Removals, SyncPlan};

/// The stores of a sync; a folder has none.
#[derive(Clone, Default)]
pub struct SyncStores {
    pub from: Option<Arc<dyn ObjectStore>>,
    pub to: Option<Arc<dyn ObjectStore>>,
    /// Both are the very same account.
    pub one_account: bool,
    /// Both are accounts of the same server.
    pub one_server: bool,
}

impl Job {
    /// Moves what a sync has to move, and deletes what it has to delete once all of that has arrived.
    pub async fn sync(
        plan: SyncPlan,
        stores: SyncStores,
        settings: Settings,
    ) -> Result<Self, FileError> {
        let choices = plan.choices();
        let SyncPlan {
            moves, removals, ..
        } = plan;
        let missing = || FileError::LeftAlone {
            name: "a sync without its store".to_owned(),
        };
        let either = stores.to.clone().or_else(|| stores.from.clone());
        let either = either.ok_or_else(missing)?;
        let (store, work, start) = match moves {
            Moves::Upload(mut plan) => {
                let decided = plan.decide(&either, &choices).await?;
                let planned = spec::upload(&plan, &decided).then(&removals);
                let start = Start::decided(&decided);
                let start = start.written(&settings, planned, Some(&either)).await?;
                (either, Work::Upload(Uploads::new(plan, decided)), start)
            }
            Moves::Download(mut plan) => {
                let from = stores.from.ok_or_else(missing)?;
                let folder = plan.folder.clone();
                let deciding = tokio::task::spawn_blocking(move || {
                    let decided = plan.decide(&choices);
                    (plan, decided)
                });
                let (plan, decided) = deciding
                    .await
                    .map_err(|e| FileError::reading(&folder, std::io::Error::other(e)))?;
                let planned = spec::download(&plan, &decided).then(&removals);
                let start = Start::decided(&decided);
                let start = start.written(&settings, planned, None).await?;
                let work = Downloads::open(plan, &decided, &*settings.disk).await?;
                (from, Work::Download(work), start)
            }
            Moves::Copy(mut plan) => {
                let from = stores.from.ok_or_else(missing)?;
                let to = if stores.one_account {
                    Arc::clone(&from)
                } else {
                    either
                };
                let decided = plan.decide(&to, &choices).await?;
                let planned = spec::copy(&plan, &decided).then(&removals);
                let start = Start::decided(&decided);
                let start = start.written(&settings, planned, Some(&to)).await?;
                let copies = if stores.one_account {
                    Copies::within(plan, decided)
                } else {
                    Copies::between(plan, decided, from, stores.one_server)
                };
                (to, Work::Copy(copies), start)
            }
        };
        Ok(Self::start(store, work.then(removals), start, settings))
    }
}

impl Work {
    /// With what goes afterwards.
    pub(super) fn then(self, removals: Removals) -> Self {
        if removals.is_empty() {
            return self;
        }
        let first = self.totals().0 as u32;
        let removals = match removals {
            Removals::None => return self,
            Removals::Objects(plan) => Self::Delete(Deletions::new(plan, first)),
            Removals::Files(plan) => Self::Each(Box::new(Erasing::new(plan))),
        };
        Self::Sync(Box::new(Syncing {
            moves: self,
            removals,
            first,
        }))
    }
}
