//! Taking away what a job made, and only that.

use wherry_transfer::run::Made;

use super::held::Held;
use super::history::off_thread;
use super::plans::count;
use super::record::{Facts, Numbers, Record, Wish};
use crate::contract::{JobKind, JobView, Problem};
use crate::engine::Engine;
use crate::names::visible;

impl Engine {
    pub(crate) async fn undo(&self, id: &str) -> Result<JobView, Problem> {
        let first = self.record_or_past(id)?;
        if !first.view().undo {
            return Err(Problem::new(
                "transfer.no-undo",
                "There is nothing that could be taken away again.",
                "Undoing is for uploads, downloads and copies that made something, and once for each.",
            ));
        }
        if let Some(job) = first.job() {
            first.run().wish = Wish::Cancel;
            self.stop_job(id).await?;
            job.wait().await;
        }
        let journal = self.journal().await?;
        journal.flush().await?;
        let (reading, job) = (journal.clone(), id.to_owned());
        let made: Vec<Made> = off_thread(move || reading.made(&job)).await?;
        if made.is_empty() {
            return Err(Problem::new(
                "transfer.no-undo",
                "Everything that this transfer moved replaced something, so nothing of it can be taken away.",
                "What was replaced is gone.",
            ));
        }
        let facts = first.facts.clone();
        let title = format!(
            "Take away {} of “{}”",
            count(made.len() as u64, "file"),
            visible(&first.title)
        );
        let numbers = Numbers {
            files_total: made.len() as u64,
            ..Numbers::default()
        };
        let folder = facts.folder.clone().unwrap_or_default();
        let facts = Facts {
            kind: JobKind::Delete,
            // Of two places, the one it went to.
            location: facts.to.clone().unwrap_or_else(|| facts.location.clone()),
            to: None,
            tops: Vec::new(),
            after: None,
            ..facts
        };
        first.run().undone = true;
        self.write_undone(&journal, &first).await;
        let record = Record::held(self, title, facts, numbers, Held::Undo { made, folder });
        Ok(self.enqueue(record).view())
    }

    async fn write_undone(&self, journal: &wherry_transfer::Journal, record: &Record) {
        let facts = Facts {
            undone: true,
            ..record.facts.clone()
        };
        let Ok(details) = serde_json::to_value(&facts) else {
            return;
        };
        if let Err(error) = journal.set_details(&record.id, details).await {
            tracing::warn!(%error, "that a transfer was undone could not be written down");
        }
    }
}
