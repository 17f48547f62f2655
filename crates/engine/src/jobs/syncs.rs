//! Syncs: planned from what the user chose, and saved under a name to be run again.

use std::path::PathBuf;
use std::sync::Arc;

use wherry_transfer::journal::{JournalError, SavedJob, State};
use wherry_transfer::{Filter, FilterSpec, SyncOptions, SyncPlan, Watch};

use super::Planned;
use super::history::off_thread;
use super::plans::{Plan, place};
use crate::contract::{
    Compare, JobKind, JobState, Location, Problem, SaveSync, SavedSync, SyncEnd, SyncSpec,
};
use crate::engine::{Engine, host};
use crate::names::visible;
use crate::problem::from_plan_error;

impl Engine {
    pub(super) async fn plan_sync(
        &self,
        spec: &SyncSpec,
        saved: Option<String>,
        watch: &Watch,
    ) -> Result<Planned, Problem> {
        let (location, to) = match (&spec.from, &spec.to) {
            (SyncEnd::Place { location: from }, SyncEnd::Place { location: to }) => {
                (from.clone(), Some(to.clone()))
            }
            (SyncEnd::Place { location }, SyncEnd::Folder { .. })
            | (SyncEnd::Folder { .. }, SyncEnd::Place { location }) => (location.clone(), None),
            (SyncEnd::Folder { .. }, SyncEnd::Folder { .. }) => {
                return Err(Problem::new(
                    "sync.ends",
                    "Both sides are on this computer.",
                    "Choose a bucket for one of them.",
                ));
            }
        };
        let options = SyncOptions {
            compare: compare(spec.compare),
            delete: spec.delete,
            filter: filter(spec)?,
            with_litter: spec.with_litter,
            empty_folders: false,
            insist: false,
        };
        let (from, into) = (self.end(&spec.from).await?, self.end(&spec.to).await?);
        let account = self.account(&location.account)?;
        let mut about = self.about(&account);
        about.bucket = Some(location.bucket.clone());
        let plan = SyncPlan::make(from, into, options, watch)
            .await
            .map_err(|e| from_plan_error(&e, &about))?;
        let title = format!("Sync {} to {}", words(&spec.from), words(&spec.to));
        Ok(Planned {
            kind: JobKind::Sync,
            title,
            plan: Plan::Sync(Box::new(plan)),
            location,
            to,
            saved,
            errand: self.sync_errand(spec, filter(spec)?),
        })
    }

    async fn end(&self, end: &SyncEnd) -> Result<wherry_transfer::SyncEnd, Problem> {
        match end {
            SyncEnd::Folder { path } => Ok(wherry_transfer::SyncEnd::Folder(PathBuf::from(path))),
            SyncEnd::Place { location } => {
                let opened = self.open(&location.account).await?;
                Ok(wherry_transfer::SyncEnd::Objects {
                    host: host(&opened.account.endpoint),
                    store: Arc::new(opened.store),
                    bucket: location.bucket.clone(),
                    prefix: as_folder(location),
                })
            }
        }
    }

    pub(super) async fn saved_sync(&self, id: &str) -> Result<(String, SyncSpec), Problem> {
        let journal = self.journal().await?;
        let name = id.to_owned();
        let saved = off_thread(move || journal.saved_job(&name)).await?;
        let spec = serde_json::from_value(saved.spec)
            .map_err(|e| Problem::fault("This sync cannot be understood any more.", e))?;
        Ok((saved.id, spec))
    }

    pub(super) async fn saved_sync_ran(&self, id: &str, job: &str) {
        let Ok(journal) = self.journal().await else {
            return;
        };
        if let Err(error) = journal.ran_saved_job(id, Some(job), self.now()).await {
            tracing::warn!(%error, "that a sync was run could not be written down");
        }
    }

    pub(crate) async fn list_syncs(&self) -> Result<Vec<SavedSync>, Problem> {
        let journal = self.journal().await?;
        off_thread(move || {
            let mut syncs = Vec::new();
            for saved in journal.saved_jobs()? {
                let last_state = match saved.last_job.as_deref().map(|id| journal.job(id)) {
                    Some(Ok(job)) => Some(state(job.state)),
                    _ => None,
                };
                syncs.extend(view(saved, last_state));
            }
            Ok::<_, JournalError>(syncs)
        })
        .await
    }

    pub(crate) async fn keep_sync(&self, save: SaveSync) -> Result<SavedSync, Problem> {
        let name = save.name.trim().to_owned();
        if name.is_empty() {
            return Err(
                Problem::new("sync.name", "The name is empty.", "Choose a name.")
                    .context("field", "name"),
            );
        }
        filter(&save.sync)?;
        let journal = self.journal().await?;
        let reading = journal.clone();
        let all = off_thread(move || reading.saved_jobs()).await?;
        if all
            .iter()
            .any(|other| other.name == name && Some(&other.id) != save.id.as_ref())
        {
            return Err(Problem::new(
                "sync.name",
                format!("There is a sync named “{}” already.", visible(&name)),
                "Choose another name.",
            )
            .context("field", "name"));
        }
        let before = match &save.id {
            Some(id) => Some(
                all.into_iter()
                    .find(|other| other.id == *id)
                    .ok_or_else(|| Problem::stale("sync"))?,
            ),
            None => None,
        };
        let saved = SavedJob {
            id: save
                .id
                .unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()),
            name,
            spec: serde_json::to_value(&save.sync)
                .map_err(|e| Problem::fault("The sync could not be saved.", e))?,
            created: before.as_ref().map_or_else(|| self.now(), |b| b.created),
            last_run: before.as_ref().and_then(|b| b.last_run),
            last_job: before.and_then(|b| b.last_job),
        };
        journal.save_job(saved.clone()).await?;
        let last_state = saved
            .last_job
            .as_deref()
            .and_then(|id| journal.job(id).ok())
            .map(|job| state(job.state));
        view(saved, last_state).ok_or_else(|| Problem::stale("sync"))
    }

    pub(crate) async fn forget_sync(&self, id: &str) -> Result<(), Problem> {
        Ok(self.journal().await?.forget_saved_job(id).await?)
    }
}

fn view(saved: SavedJob, last_state: Option<JobState>) -> Option<SavedSync> {
    Some(SavedSync {
        // What another version wrote and this one does not know is not shown.
        sync: serde_json::from_value(saved.spec).ok()?,
        id: saved.id,
        name: saved.name,
        last_run: saved.last_run.map(|t| t.timestamp_millis()),
        last_state,
    })
}

fn state(state: State) -> JobState {
    match state {
        State::Running => JobState::Running,
        State::Paused => JobState::Paused,
        State::Done => JobState::Done,
        State::Partial => JobState::Partial,
        State::Failed => JobState::Failed,
        State::Cancelled => JobState::Cancelled,
        _ => JobState::Waiting,
    }
}

pub(super) fn compare(compare: Compare) -> wherry_transfer::Compare {
    match compare {
        Compare::SizeAndTime => wherry_transfer::Compare::Time,
        Compare::Size => wherry_transfer::Compare::Size,
        Compare::Checksum => wherry_transfer::Compare::Checksum,
    }
}

fn filter(spec: &SyncSpec) -> Result<Filter, Problem> {
    let given = FilterSpec {
        include: spec.include.clone(),
        exclude: spec.exclude.clone(),
        ..FilterSpec::default()
    };
    Filter::new(given).map_err(|e| {
        Problem::new(
            "sync.filter",
            crate::problem::sentence(&e),
            "Correct the pattern, or leave it out.",
        )
    })
}

/// A prefix as somebody typed it is meant as a folder.
fn as_folder(location: &Location) -> String {
    if location.prefix.is_empty() || location.prefix.ends_with('/') {
        location.prefix.clone()
    } else {
        format!("{}/", location.prefix)
    }
}

fn words(end: &SyncEnd) -> String {
    match end {
        SyncEnd::Folder { path } => visible(path),
        SyncEnd::Place { location } => place(location),
    }
}
