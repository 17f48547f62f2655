//! The plan of a sync row by row, so that single ones can be looked at and left out.

use wherry_transfer::{LeftOut, Moves, Removals, SyncPlan};

use super::plans::Plan;
use super::shown::{MOST_ROWS, copied, downloaded, uploaded};
use crate::contract::{
    Problem, RunRequest, SyncChange, SyncRow, SyncRows, SyncRowsRequest, SyncSide,
};
use crate::engine::{Engine, lock};

impl Engine {
    pub(crate) fn sync_page(&self, request: &SyncRowsRequest) -> Result<SyncRows, Problem> {
        let plans = lock(&self.inner.jobs.plans);
        let planned = plans
            .get(&request.plan)
            .ok_or_else(|| Problem::stale("plan"))?;
        let Plan::Sync(plan) = &planned.plan else {
            return Err(Problem::stale("plan"));
        };
        let (from, count) = (request.from, request.count.min(MOST_ROWS));
        let (total, items): (usize, Vec<u32>) = match request.change {
            SyncChange::Changed => {
                let conflicts = plan.moves.conflicts();
                let page = conflicts.iter().skip(from).take(count);
                (conflicts.len(), page.map(|c| c.item).collect())
            }
            SyncChange::New => {
                let total = plan.moves.len() - plan.moves.conflicts().len();
                (total, fresh(plan).skip(from).take(count).collect())
            }
            SyncChange::Deleted => {
                let total = plan.removals.len();
                (total, (0..total as u32).skip(from).take(count).collect())
            }
        };
        let rows = items
            .into_iter()
            .map(|item| match request.change {
                SyncChange::Deleted => going(plan, item),
                SyncChange::New | SyncChange::Changed => coming(plan, item),
            })
            .collect();
        Ok(SyncRows { total, rows })
    }
}

/// Items that replace nothing. Conflicts are in the order of their items.
fn fresh(plan: &SyncPlan) -> impl Iterator<Item = u32> {
    let conflicts = plan.moves.conflicts();
    (0..plan.moves.len() as u32)
        .filter(|item| conflicts.binary_search_by_key(item, |c| c.item).is_err())
}

fn coming(plan: &SyncPlan, item: u32) -> SyncRow {
    let (name, size, modified) = match &plan.moves {
        Moves::Upload(plan) => uploaded(plan, item),
        Moves::Download(plan) => downloaded(plan, item),
        Moves::Copy(plan) => copied(plan, item),
    };
    let conflicts = plan.moves.conflicts();
    let there = conflicts
        .binary_search_by_key(&item, |c| c.item)
        .ok()
        .and_then(|at| conflicts.get(at));
    SyncRow {
        item,
        name: plan.below(&name).to_owned(),
        here: Some(SyncSide { size, modified }),
        there: there.map(|c| SyncSide {
            size: c.size,
            modified: c.modified.map(|t| t.timestamp_millis()),
        }),
    }
}

fn going(plan: &SyncPlan, item: u32) -> SyncRow {
    let there = match &plan.removals {
        Removals::Files(files) => files.items.get(item as usize).map(|file| SyncSide {
            size: file.size,
            modified: file.modified,
        }),
        Removals::Objects(_) | Removals::None => None,
    };
    SyncRow {
        item,
        name: plan.below(plan.removals.name(item as usize)).to_owned(),
        here: None,
        there,
    }
}

/// What the user took out of it.
pub(super) fn left_out(request: &RunRequest) -> LeftOut {
    let rows = &request.left_out;
    LeftOut {
        moves: rows.copies.iter().copied().collect(),
        removals: rows.deletions.iter().copied().collect(),
        all_removals: rows.all_deletions,
    }
}
