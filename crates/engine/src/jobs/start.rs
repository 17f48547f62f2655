//! From a plan and its answers to a job in the queue.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use wherry_store::ObjectStore;
use wherry_transfer::journal::{EnterError, Journal, NewJob};
use wherry_transfer::{Choices, CopyPlan, DownloadPlan, Moves, UploadPlan};

use super::held::Held;
use super::plans::{Plan, drop_from, touched};
use super::record::{Facts, Numbers, Record};
use super::sync_rows::left_out;
use super::undo::fresh_folders;
use super::{Jobs, Planned};
use crate::contract::{JobKind, JobView, Location, OnConflict, Problem, RunRequest};
use crate::engine::Engine;

impl Engine {
    pub(crate) async fn start_job(&self, request: &RunRequest) -> Result<JobView, Problem> {
        let planned = self.inner.jobs.take_plan(&request.plan)?;
        let choices = choices(request);
        self.watch_limits();
        let facts = Facts {
            fresh: fresh_folders(&planned.plan).await,
            ..self.facts_of(&planned)?
        };
        let (title, saved) = (planned.title.clone(), planned.saved.clone());
        let view = match planned.plan {
            Plan::Sync(mut sync) => {
                sync.leave_out(&left_out(request));
                self.put(facts, title, Plan::Sync(sync), choices).await?
            }
            plan => self.put(facts, title, plan, choices).await?,
        };
        let view = view.view();
        if let Some(saved) = saved {
            self.saved_sync_ran(&saved, &view.id).await;
        }
        Ok(view)
    }

    fn facts_of(&self, planned: &Planned) -> Result<Facts, Problem> {
        let address = |location: &Location| {
            let account = self.account(&location.account)?;
            Ok::<_, Problem>(account.endpoint.as_str().trim_end_matches('/').to_owned())
        };
        let here = address(&planned.location)?;
        let there = planned.to.as_ref().map(address).transpose()?;
        let moves = match &planned.plan {
            Plan::Sync(sync) => match &sync.moves {
                Moves::Upload(_) => Way::Up,
                Moves::Download(_) => Way::Down,
                Moves::Copy(_) => Way::Across,
            },
            Plan::Upload(_) => Way::Up,
            Plan::Download(_) => Way::Down,
            Plan::Copy(_) | Plan::Delete(_) => Way::Across,
        };
        let stores = match moves {
            Way::Up => (String::new(), here),
            Way::Down => (here, String::new()),
            Way::Across => (here.clone(), there.unwrap_or(here)),
        };
        let download = match &planned.plan {
            Plan::Download(plan) => Some(plan),
            Plan::Sync(sync) => match &sync.moves {
                Moves::Download(plan) => Some(plan),
                _ => None,
            },
            _ => None,
        };
        let mut tops =
            download.map_or_else(Vec::new, |plan| tops(plan.items.iter().map(|i| &*i.path)));
        if planned.kind != JobKind::Stage {
            // To be shown in the file manager, one is enough.
            tops.truncate(1);
        }
        Ok(Facts {
            kind: planned.kind,
            location: planned.location.clone(),
            to: planned.to.clone(),
            touched: touched(planned),
            folder: download.map(|plan| plan.folder.clone()),
            tops,
            fresh: Vec::new(),
            folders: folders(&planned.plan),
            stores,
            undoes: None,
            undone: false,
            stranger: false,
        })
    }

    /// Into the journal and the queue. Without a journal the job lives as long as the process.
    async fn put(
        &self,
        facts: Facts,
        title: String,
        plan: Plan,
        choices: Choices,
    ) -> Result<Arc<Record>, Problem> {
        let numbers = numbers(&plan);
        let journal = match self.journal().await {
            Ok(journal) if facts.kind != JobKind::Stage => journal,
            // Its problem stands in the history; the transfer is not to suffer from it.
            _ => {
                let work = Held::Plan(Box::new(plan), choices);
                return Ok(self.enqueue(Record::held(self, title, facts, numbers, work)));
            }
        };
        let opened = self.open(&facts.location.account).await?;
        let to_store: Arc<dyn ObjectStore> = match &facts.to {
            Some(to) => Arc::new(self.open(&to.account).await?.store),
            None => Arc::new(opened.store),
        };
        let job = NewJob {
            title: title.clone(),
            place: facts.location.account.clone(),
            details: serde_json::to_value(&facts)
                .map_err(|e| Problem::fault("The transfer could not be written down.", e))?,
            fingerprint: None,
            id: None,
        };
        let entered = enter(&journal, job, &to_store, plan, &choices, self.now()).await;
        let id = entered.map_err(|e| match e {
            EnterError::Journal(e) => e.into(),
            EnterError::Store(e) => self.opening_failed(&facts.location.account, &e),
        })?;
        Ok(self.enqueue(Record::new(self, id, title, facts, numbers)))
    }
}

async fn enter(
    journal: &Journal,
    job: NewJob,
    store: &Arc<dyn ObjectStore>,
    plan: Plan,
    choices: &Choices,
    now: DateTime<Utc>,
) -> Result<String, EnterError> {
    match plan {
        Plan::Upload(plan) => journal.add_upload(job, store, plan, choices, now).await,
        Plan::Download(plan) => journal.add_download(job, plan, choices, now).await,
        Plan::Copy(plan) => journal.add_copy(job, store, plan, choices, now).await,
        Plan::Delete(plan) => journal.add_delete(job, &plan, now).await,
        Plan::Sync(plan) => journal.add_sync(job, store, *plan, now).await,
    }
}

enum Way {
    Up,
    Down,
    Across,
}

impl Jobs {
    fn take_plan(&self, id: &str) -> Result<Planned, Problem> {
        drop_from(&self.plans, id).ok_or_else(|| Problem::stale("plan"))
    }
}

fn numbers(plan: &Plan) -> Numbers {
    let upload = |plan: &UploadPlan| (plan.items.len(), plan.bytes);
    let download = |plan: &DownloadPlan| (plan.items.len() + plan.folders.len(), plan.bytes);
    let copy = |plan: &CopyPlan| (plan.items.len(), plan.bytes);
    let (files, bytes) = match plan {
        Plan::Upload(plan) => upload(plan),
        Plan::Download(plan) => download(plan),
        Plan::Copy(plan) => copy(plan),
        Plan::Delete(plan) => (plan.keys.len(), 0),
        Plan::Sync(plan) => {
            let (files, bytes) = match &plan.moves {
                Moves::Upload(moves) => upload(moves),
                Moves::Download(moves) => download(moves),
                Moves::Copy(moves) => copy(moves),
            };
            (files + plan.removals.len(), bytes)
        }
    };
    Numbers {
        files_total: files as u64,
        bytes_total: bytes,
        ..Numbers::default()
    }
}

/// Rows that only make an empty folder.
fn folders(plan: &Plan) -> u64 {
    let upload = |plan: &UploadPlan| plan.items.iter().filter(|item| item.folder).count();
    let folders = match plan {
        Plan::Upload(plan) => upload(plan),
        Plan::Download(plan) => plan.folders.len(),
        Plan::Copy(_) | Plan::Delete(_) => 0,
        Plan::Sync(plan) => match &plan.moves {
            Moves::Upload(moves) => upload(moves),
            Moves::Download(moves) => moves.folders.len(),
            Moves::Copy(_) => 0,
        },
    };
    folders as u64
}

fn choices(request: &RunRequest) -> Choices {
    let choice = |choice| match choice {
        OnConflict::Overwrite => wherry_transfer::OnConflict::Overwrite,
        OnConflict::Skip => wherry_transfer::OnConflict::Skip,
        OnConflict::KeepBoth => wherry_transfer::OnConflict::KeepBoth,
    };
    Choices {
        on_conflict: choice(request.on_conflict),
        include_same: request.include_same,
        each: request
            .each
            .iter()
            .map(|each| (each.item, choice(each.choice)))
            .collect(),
    }
}

/// The first components of relative paths, each once.
fn tops<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    paths
        .map(|path| path.split('/').next().unwrap_or(path))
        .filter(|top| seen.insert(*top))
        .map(str::to_owned)
        .collect()
}

impl Engine {
    /// What a finished download made, to be shown in the file manager.
    pub fn downloaded(&self, id: &str) -> Result<PathBuf, Problem> {
        let record = self.record_or_past(id)?;
        let first = record.paths().into_iter().find(|p| p.exists());
        first
            .or_else(|| record.facts.folder.clone())
            .ok_or_else(|| Problem::stale("download"))
    }
}

#[cfg(test)]
mod tests {
    use super::tops;

    #[test]
    fn what_is_dragged_are_the_topmost_names() {
        let paths = ["a/x", "a/y/z", "b", "c/d", "a/last"];
        assert_eq!(tops(paths.into_iter()), ["a", "b", "c"]);
    }
}
