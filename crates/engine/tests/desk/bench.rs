//! An engine with a practice store, whose objects are plain files, and uploads that can be made to
//! crawl.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;

use crate::seat::*;

pub struct Bench {
    pub seat: Seat,
    pub id: String,
    pub top: Location,
}

impl Bench {
    pub async fn new() -> Self {
        let seat = Seat::new();
        let id = seat.engine.start_practice().await.expect("starts").id;
        let made = seat.engine.create_bucket(bucket(&id, "data")).await;
        made.expect("makes a bucket");
        let top = place(&id, "data", "");
        Self { seat, id, top }
    }

    /// Uploads of files of these sizes crawl, and each wants a slot of its own.
    pub async fn slowly(&self, jobs_at_once: u32) {
        self.limited(Some(1), jobs_at_once).await;
    }

    pub async fn limited(&self, upload_limit: Option<u64>, jobs_at_once: u32) {
        let mut settings = self.seat.engine.settings().await.expect("reads");
        settings.transfers.upload_limit = upload_limit;
        settings.transfers.jobs_at_once = jobs_at_once;
        let saved = self.seat.engine.save_settings(settings).await;
        saved.expect("saves");
    }

    pub fn noise(&self, name: &str, size: usize) -> PathBuf {
        let bytes: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
        self.seat.files("here", &[(name, &bytes)]).join(name)
    }

    pub async fn uploads(&self, path: &Path) -> JobView {
        let what = PlanWhat::Upload {
            to: self.top.clone(),
            paths: vec![path.display().to_string()],
        };
        let plan = self.seat.plan(what).await.expect("plans");
        let request = run_request(&plan, OnConflict::Skip);
        self.seat.engine.run_plan(request).await.expect("starts")
    }

    pub async fn state(&self, id: &str) -> JobState {
        self.view(id).await.state
    }

    pub async fn view(&self, id: &str) -> JobView {
        let jobs = self.seat.engine.jobs().await.expect("lists");
        jobs.into_iter().find(|j| j.id == id).expect("is a job")
    }

    /// The ids of the jobs that have not ended, in the queue's order.
    pub async fn queue(&self) -> Vec<String> {
        let jobs = self.seat.engine.jobs().await.expect("lists");
        jobs.into_iter()
            .filter(|j| j.ended.is_none())
            .map(|j| j.id)
            .collect()
    }

    /// Waits until nothing runs or waits any more.
    pub async fn all_end(&self) {
        let mut events = self.seat.engine.events().listen();
        let ending = async {
            while !self.queue().await.is_empty() {
                events.next().await.expect("the engine lives");
            }
        };
        let ended = tokio::time::timeout(Duration::from_mins(1), ending).await;
        ended.expect("everything ends");
    }

    pub async fn becomes(&self, id: &str, state: JobState) -> JobView {
        becomes(&self.seat.engine, id, state).await
    }

    pub fn stored(&self, key: &str) -> PathBuf {
        self.seat.engine.home().practice().join("data").join(key)
    }
}

pub async fn becomes(engine: &Engine, id: &str, state: JobState) -> JobView {
    let mut events = engine.events().listen();
    let waiting = async {
        loop {
            let jobs = engine.jobs().await.expect("lists");
            if let Some(job) = jobs.into_iter().find(|j| j.id == id && j.state == state) {
                return job;
            }
            events.next().await.expect("the engine lives");
        }
    };
    match tokio::time::timeout(Duration::from_mins(1), waiting).await {
        Ok(job) => job,
        Err(tokio::time::error::Elapsed { .. }) => {
            panic!("{id} never became {state:?}: {:#?}", engine.jobs().await)
        }
    }
}
