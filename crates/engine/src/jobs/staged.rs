//! Files fetched to be dragged onto the desktop: when they are there, and how they go again.

use std::path::PathBuf;
use std::sync::Arc;

use super::record::{Record, Stage};
use crate::contract::{Event, JobKind, JobState, Problem};
use crate::engine::{Engine, lock};
use crate::events::Listener;

/// The files of a job that fetches them for dragging.
///
/// A drag may have been let go before they are there: whoever was promised them waits for [`Self::arrive`].
pub struct Staged {
    record: Arc<Record>,
    events: Listener,
}

impl Staged {
    /// The topmost files and folders, when the job is over and something of it arrived.
    pub fn here(&self) -> Option<Vec<PathBuf>> {
        let arrived = matches!(
            self.record.run().stage,
            Stage::Ended(JobState::Done | JobState::Partial, _)
        );
        let paths = || self.record.paths().into_iter().filter(|p| p.exists());
        arrived
            .then(|| paths().collect::<Vec<_>>())
            .filter(|paths| !paths.is_empty())
    }

    /// The same, once the job is over.
    pub async fn arrive(mut self) -> Option<Vec<PathBuf>> {
        while !self.record.has_ended() {
            self.events.next().await?;
        }
        self.here()
    }
}

impl Engine {
    /// What a job fetches for dragging, there or on its way.
    pub fn staged(&self, id: &str) -> Result<Staged, Problem> {
        // Listening from before the first look, so that its end is not missed.
        let events = self.events().listen();
        let record = self.record(id)?;
        if record.facts.kind != JobKind::Stage {
            return Err(Problem::stale("drag"));
        }
        Ok(Staged { record, events })
    }

    /// Nobody will drag them: the job leaves the list, and its files the disk.
    pub(super) fn put_away(&self, record: &Arc<Record>) {
        lock(&self.inner.jobs.records).retain(|r| r.id != record.id);
        if let Some(folder) = &record.facts.folder
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            // The next start clears what is left.
            tracing::debug!(%error, "files fetched for dragging could not be removed");
        }
        self.inner.events.tell(Event::Queue {});
    }
}
