//! Plans that wait for an answer, and jobs that run or have ended.

mod plans;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wherry_store::{ErrorKind, ObjectStore};
use wherry_transfer::{Choices, FileError, Job, Settings};

use crate::contract::{
    Event, FileState, FileView, Files, FilesRequest, JobKind, JobState, JobView, Location,
    OnConflict, Problem, RunRequest,
};
use crate::engine::{Engine, lock};
use crate::lent::Pause;
use crate::problem::{from_file_error, from_store};
pub(crate) use plans::clear_staging;
use plans::{Plan, drop_from, touched};

/// How often the window hears of running jobs.
const TICK: Duration = Duration::from_millis(125);
const MOST_ROWS: usize = 500;

/// A plan waiting to be run or dropped.
pub(crate) struct Planned {
    kind: JobKind,
    title: String,
    plan: Plan,
    location: Location,
    store: Arc<dyn ObjectStore>,
}

#[derive(Default)]
pub(crate) struct Jobs {
    plannings: Mutex<HashMap<String, CancellationToken>>,
    plans: Mutex<HashMap<String, Planned>>,
    /// Oldest first.
    records: Mutex<Vec<Arc<Record>>>,
}

/// A job with what the window shows beside its progress.
struct Record {
    id: String,
    kind: JobKind,
    title: String,
    location: Location,
    /// Listings that are stale once something of it is done.
    touched: Vec<Location>,
    /// On this computer.
    folder: Option<PathBuf>,
    /// Files and folders directly in `folder` that the job makes: what is dragged or shown.
    tops: Vec<String>,
    job: Job,
    /// Where keys are lent: whether it waits for somebody to sign in.
    pause: Option<Arc<Pause>>,
    /// Turns the errors of its files into words.
    engine: Engine,
}

impl Jobs {
    pub fn planning(&self, ticket: &str, cancel: &CancellationToken) {
        lock(&self.plannings).insert(ticket.to_owned(), cancel.clone());
    }

    pub fn cancel_planning(&self, ticket: &str) {
        if let Some(cancel) = drop_from(&self.plannings, ticket) {
            cancel.cancel();
        }
    }

    pub fn keep_plan(&self, id: String, plan: Planned) {
        lock(&self.plans).insert(id, plan);
    }

    pub fn drop_plan(&self, id: &str) {
        drop_from(&self.plans, id);
    }

    fn get(&self, id: &str) -> Result<Arc<Record>, Problem> {
        let jobs = lock(&self.records);
        jobs.iter()
            .find(|r| r.id == id)
            .cloned()
            .ok_or_else(|| Problem::stale("transfer"))
    }

    pub fn views(&self) -> Vec<JobView> {
        let jobs: Vec<Arc<Record>> = lock(&self.records).iter().rev().cloned().collect();
        jobs.iter().map(|r| r.view()).collect()
    }

    pub fn forget_ended(&self) {
        lock(&self.records).retain(|r| r.job.snapshot().ended.is_none());
    }

    /// Stops everything and waits until it has cleaned up behind itself.
    pub async fn cancel_all(&self) {
        let jobs = lock(&self.records).clone();
        for record in &jobs {
            record.stop();
        }
        for record in &jobs {
            // A store that does not answer must not keep the window from closing.
            let _ = tokio::time::timeout(Duration::from_secs(3), record.job.wait()).await;
        }
    }
}

impl Record {
    fn view(&self) -> JobView {
        let now = self.job.snapshot();
        JobView {
            id: self.id.clone(),
            kind: self.kind,
            title: self.title.clone(),
            account: self.location.account.clone(),
            location: self.location.clone(),
            to: None,
            taken_up: false,
            undo: false,
            receipts: false,
            folder: self.folder.as_ref().map(|f| f.display().to_string()),
            state: match now.state {
                wherry_transfer::JobState::Running => JobState::Running,
                wherry_transfer::JobState::Done => JobState::Done,
                wherry_transfer::JobState::Partial => JobState::Partial,
                wherry_transfer::JobState::Failed => JobState::Failed,
                wherry_transfer::JobState::Paused => JobState::Paused,
                wherry_transfer::JobState::Cancelled => JobState::Cancelled,
            },
            files_total: now.files_total,
            files_done: now.files_done,
            files_failed: now.files_failed,
            files_skipped: now.files_skipped,
            bytes_total: now.bytes_total,
            bytes_done: now.bytes_done,
            rate: now.rate,
            time_left: now.time_left.map(|t| t.as_secs_f64()),
            current: now.current,
            problem: match &now.problem {
                Some(problem) => Some(self.words(problem, None)),
                None if now.ended.is_none() => self.pause.as_ref().and_then(|p| p.waits_for()),
                None => None,
            },
            started: now.started.timestamp_millis(),
            ended: now.ended.map(|t| t.timestamp_millis()),
        }
    }

    /// Stops it at once, also when it waits for a key.
    fn stop(&self) {
        self.job.cancel();
        if let Some(pause) = &self.pause {
            pause.give_up();
        }
    }

    fn words(&self, error: &FileError, name: Option<&str>) -> Problem {
        let Ok(account) = self.engine.account(&self.location.account) else {
            return Problem::stale("account");
        };
        if let FileError::Store(error) = error
            && error.kind != ErrorKind::LocalFile
        {
            return self
                .engine
                .refused(&account, Some(&self.location.bucket), name, error);
        }
        from_file_error(error, &self.engine.about(&account))
    }
}

impl Engine {
    pub(crate) async fn start_job(&self, request: &RunRequest) -> Result<JobView, Problem> {
        let planned = drop_from(&self.inner.jobs.plans, &request.plan)
            .ok_or_else(|| Problem::stale("plan"))?;
        let Planned {
            kind,
            title,
            plan,
            location,
            store,
        } = planned;
        let account = self.account(&location.account)?;
        let (store, pause) = if self.is_lent(&account) {
            let opened = self.open(&location.account).await?.store;
            let (store, pause) = self
                .patient(&account, &opened)
                .map_err(|e| from_store(&e, &self.about(&account)))?;
            (Arc::new(store) as Arc<dyn ObjectStore>, Some(pause))
        } else {
            (store, None)
        };
        let choices = Choices {
            on_conflict: match request.on_conflict {
                OnConflict::Overwrite => wherry_transfer::OnConflict::Overwrite,
                OnConflict::Skip => wherry_transfer::OnConflict::Skip,
                OnConflict::KeepBoth => wherry_transfer::OnConflict::KeepBoth,
            },
            include_same: request.include_same,
            ..Choices::default()
        };
        let touched = match kind {
            JobKind::Download | JobKind::Stage => Vec::new(),
            _ => touched(&plan, &location),
        };
        let (folder, tops) = match &plan {
            Plan::Download(plan) => (
                Some(plan.folder.clone()),
                tops(plan.items.iter().map(|i| &*i.path)),
            ),
            _ => (None, Vec::new()),
        };
        let settings = Settings::default();
        let failed = |e| from_store(&e, &self.about(&account));
        let job = match plan {
            Plan::Upload(plan) => Job::upload(store, plan, &choices, settings)
                .await
                .map_err(failed)?,
            Plan::Copy(plan) => Job::copy(store, plan, &choices, settings)
                .await
                .map_err(failed)?,
            Plan::Delete(plan) => Job::delete(store, plan, settings),
            Plan::Download(plan) => Job::download(store, plan, choices, settings)
                .await
                .map_err(|e| from_file_error(&e, &self.about(&account)))?,
        };
        let record = Arc::new(Record {
            id: uuid::Uuid::new_v4().simple().to_string(),
            kind,
            title,
            location,
            touched,
            folder,
            tops,
            job,
            pause,
            engine: self.clone(),
        });
        lock(&self.inner.jobs.records).push(Arc::clone(&record));
        self.follow(&record);
        Ok(record.view())
    }

    /// Tells the window how a job goes on until it has ended.
    fn follow(&self, record: &Arc<Record>) {
        let (events, record) = (self.inner.events.clone(), Arc::clone(record));
        tokio::spawn(async move {
            let mut done_before = 0;
            loop {
                let ended = tokio::time::timeout(TICK, record.job.wait()).await.is_ok();
                let job = record.view();
                let done = job.files_done;
                events.tell(Event::Jobs { jobs: vec![job] });
                if ended {
                    if done > 0 {
                        for location in record.touched.clone() {
                            events.tell(Event::Changed { location });
                        }
                    }
                    return;
                }
                // A long job shows its first files soon; a folder of thousands is not listed over
                // and over again.
                if done_before == 0 && done > 0 {
                    for location in record.touched.clone() {
                        events.tell(Event::Changed { location });
                    }
                }
                done_before = done;
            }
        });
    }

    pub(crate) fn job_files(&self, request: &FilesRequest) -> Result<Files, Problem> {
        let record = self.inner.jobs.get(&request.job)?;
        let total = record.job.file_count(request.only_failed);
        let to = request
            .from
            .saturating_add(request.count.min(MOST_ROWS))
            .min(total);
        let rows = record
            .job
            .files(request.from.min(to)..to, request.only_failed);
        let files = rows
            .into_iter()
            .map(|row| FileView {
                problem: row.error.as_ref().map(|e| record.words(e, Some(&row.name))),
                name: row.name,
                state: match row.state {
                    wherry_transfer::FileState::Waiting => FileState::Waiting,
                    wherry_transfer::FileState::Running => FileState::Running,
                    wherry_transfer::FileState::Done => FileState::Done,
                    wherry_transfer::FileState::Skipped => FileState::Skipped,
                    wherry_transfer::FileState::Failed => FileState::Failed,
                    wherry_transfer::FileState::Cancelled => FileState::Cancelled,
                },
                bytes_total: row.bytes_total,
                bytes_done: row.bytes_done,
            })
            .collect();
        Ok(Files { total, files })
    }

    pub(crate) async fn stop_job(&self, id: &str) -> Result<JobView, Problem> {
        let record = self.inner.jobs.get(id)?;
        record.stop();
        // Long enough to see the end of most; the events tell the rest.
        let _ = tokio::time::timeout(Duration::from_secs(2), record.job.wait()).await;
        Ok(record.view())
    }

    pub(crate) fn run_again(&self, id: &str) -> Result<JobView, Problem> {
        let record = self.inner.jobs.get(id)?;
        if let Some(pause) = &record.pause {
            pause.begin_again();
        }
        if record.job.retry_failed() {
            self.follow(&record);
        }
        Ok(record.view())
    }

    /// The staged files and folders of a finished job, for dragging them out.
    pub fn staged(&self, id: &str) -> Result<Vec<PathBuf>, Problem> {
        let record = self.inner.jobs.get(id)?;
        if record.kind != JobKind::Stage
            || record.job.snapshot().state != wherry_transfer::JobState::Done
        {
            return Err(Problem::new(
                "browse.drag-not-ready",
                "The files are not all here yet.",
                "Wait until they are fetched, then drag them.",
            ));
        }
        Ok(record.paths())
    }

    /// What a finished download made, to be shown in the file manager.
    pub fn downloaded(&self, id: &str) -> Result<PathBuf, Problem> {
        let record = self.inner.jobs.get(id)?;
        let first = record.paths().into_iter().find(|p| p.exists());
        first
            .or_else(|| record.folder.clone())
            .ok_or_else(|| Problem::stale("download"))
    }
}

impl Record {
    fn paths(&self) -> Vec<PathBuf> {
        let folder = self.folder.as_deref().unwrap_or(Path::new(""));
        self.tops.iter().map(|top| folder.join(top)).collect()
    }
}

/// The first components of relative paths, each once.
fn tops<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut tops: Vec<String> = Vec::new();
    for path in paths {
        let top = path.split('/').next().unwrap_or(path);
        if tops.last().is_none_or(|last| last != top) && !tops.iter().any(|t| t == top) {
            tops.push(top.to_owned());
        }
    }
    tops
}

#[cfg(test)]
mod tests {
    use super::tops;

    #[test]
    fn what_is_dragged_are_the_topmost_names() {
        let paths = ["a/x", "a/y/z", "b", "c/d"];
        assert_eq!(tops(paths.into_iter()), ["a", "b", "c"]);
    }
}
