//! What has ended, in this session and before: read page by page from the journal.

use wherry_transfer::journal::{FileCursor, HistoryFilter};
use wherry_transfer::receipt::End;

use super::record::Record;
use super::steer::file_state;
use crate::contract::{
    Event, HistoryFile, HistoryFiles, HistoryFilesRequest, HistoryPage, HistoryRequest, Problem,
};
use crate::engine::{Engine, lock};

/// Of one page.
const MOST: usize = 200;

impl Engine {
    pub(crate) async fn history_page(
        &self,
        request: HistoryRequest,
    ) -> Result<HistoryPage, Problem> {
        let journal = self.journal().await?;
        let page = off_thread(move || {
            let filter = HistoryFilter {
                search: request.search,
                ..HistoryFilter::default()
            };
            let count = request.count.clamp(1, MOST);
            journal.history(&filter, request.after.as_deref(), count)
        })
        .await?;
        let view = |job| Record::of_journal(self, job).view();
        Ok(HistoryPage {
            jobs: page.jobs.iter().map(view).collect(),
            next: page.next,
        })
    }

    pub(crate) async fn history_of_files(
        &self,
        request: HistoryFilesRequest,
    ) -> Result<HistoryFiles, Problem> {
        let journal = self.journal().await?;
        let after: Option<FileCursor> = request.after.as_deref().and_then(|a| a.parse().ok());
        let page = off_thread(move || {
            journal.find_files(&request.search, after, request.count.clamp(1, MOST))
        })
        .await?;
        let files = page.files.into_iter().map(|file| HistoryFile {
            job: file.job,
            from: shown(&file.from),
            to: file.to.as_ref().map(shown),
            size: file.size,
            state: file_state(file.state),
            finished: file.finished.map(|t| t.timestamp_millis()),
        });
        Ok(HistoryFiles {
            files: files.collect(),
            next: page.next.map(|next| next.to_string()),
        })
    }

    pub(crate) async fn forget_history(&self, job: Option<String>) -> Result<(), Problem> {
        let journal = self.journal().await?;
        match &job {
            Some(id) => journal.remove(id).await?,
            None => journal.clear_history().await?,
        }
        // What is half done of a transfer that nobody will go on with takes room, here or at the store.
        let engine = self.clone();
        tokio::spawn(async move { engine.clear_left_over(&journal).await });
        lock(&self.inner.jobs.records)
            .retain(|r| !r.has_ended() || job.as_ref().is_some_and(|id| r.id != *id));
        self.inner.events.tell(Event::Queue {});
        Ok(())
    }
}

/// A path, or `bucket/key`.
pub(super) fn shown(end: &End) -> String {
    match end {
        End::File(path) => path.display().to_string(),
        End::Object { bucket, key } => format!("{bucket}/{key}"),
    }
}

/// The journal's readers block.
pub(super) async fn off_thread<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Problem::fault("The list of transfers could not be read.", e))?
        .map_err(Into::into)
}
