//! Taking away what a job made, and only that.

use std::collections::HashSet;
use std::path::Path;

use wherry_transfer::run::Made;
use wherry_transfer::{DownloadPlan, Moves};

use super::held::Held;
use super::history::off_thread;
use super::plans::{Plan, count};
use super::record::{Facts, Numbers, Record, Wish};
use super::titles::quoted;
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
        let folders = made
            .iter()
            .filter(|one| matches!(one, Made::Folder { .. }))
            .count();
        let files = made.len() - folders;
        if files == 0 && (folders == 0 || first.facts.fresh.is_empty()) {
            return Err(Problem::new(
                "transfer.no-undo",
                "Everything that this transfer moved replaced something, so nothing of it can be taken away.",
                "What was replaced is gone.",
            ));
        }
        let facts = first.facts.clone();
        let title = format!(
            "Take away {} of {}",
            match files {
                0 => count(folders as u64, "folder"),
                files => count(files as u64, "file"),
            },
            quoted(&visible(&first.title))
        );
        let numbers = Numbers {
            files_total: made.len() as u64,
            ..Numbers::default()
        };
        let folder = facts.folder.clone().unwrap_or_default();
        let fresh = facts.fresh.clone();
        let facts = Facts {
            kind: JobKind::Delete,
            // Of two places, the one it went to.
            location: facts.to.clone().unwrap_or_else(|| facts.location.clone()),
            to: None,
            tops: Vec::new(),
            fresh: Vec::new(),
            folders: folders as u64,
            undoes: Some(first.id.clone()),
            ..facts
        };
        first.run().undone = true;
        let held = Held::Undo {
            made,
            folder,
            fresh,
        };
        let record = Record::held(self, title, facts, numbers, held);
        Ok(self.enqueue(record).view())
    }

    /// Only when it has been: what a crash cuts off can be undone once more, which takes the rest.
    pub(super) async fn write_undone(&self, undone: &str) {
        let (Some(journal), Ok(first)) = (self.opened_journal(), self.record_or_past(undone))
        else {
            return;
        };
        let facts = Facts {
            undone: true,
            ..first.facts.clone()
        };
        let Ok(details) = serde_json::to_value(&facts) else {
            return;
        };
        if let Err(error) = journal.set_details(undone, details).await {
            tracing::warn!(%error, "that a transfer was undone could not be written down");
        }
    }
}

/// Kept with each job; more than anybody drops at once. Empty folders beyond stay.
const MOST_FRESH: usize = 1000;

/// The topmost folders that a download is about to make: what is in them can only have come with it, or
/// later.
pub(super) async fn fresh_folders(plan: &Plan) -> Vec<String> {
    let plan = match plan {
        Plan::Download(plan) => plan,
        Plan::Sync(sync) => match &sync.moves {
            Moves::Download(plan) => plan,
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let (folder, wanted) = (plan.folder.clone(), folders(plan));
    let looked = tokio::task::spawn_blocking(move || missing(&folder, &wanted));
    looked.await.unwrap_or_default()
}

/// All that have something in them, or are to be there themselves.
fn folders(plan: &DownloadPlan) -> HashSet<String> {
    let mut folders: HashSet<String> = plan.folders.iter().cloned().collect();
    for item in &plan.items {
        if let Some((above, _)) = item.path.rsplit_once('/')
            && !folders.contains(above)
        {
            folders.insert(above.to_owned());
        }
    }
    folders
}

fn missing(top: &Path, wanted: &HashSet<String>) -> Vec<String> {
    let (mut there, mut missing) = (HashSet::new(), HashSet::new());
    for folder in wanted {
        let ends = folder.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([folder.len()]) {
            let at = &folder[..end];
            if there.contains(at) {
                continue;
            }
            if missing.contains(at) {
                break;
            }
            if top.join(at).symlink_metadata().is_ok() {
                there.insert(at);
            } else if missing.len() < MOST_FRESH {
                missing.insert(at);
                break;
            }
        }
    }
    missing.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topmost_folder_that_is_missing_is_named() {
        let top = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(top.path().join("a/b")).expect("makes it");
        let wanted = ["a/b", "a/b/c/d", "a/b/c", "new/x", "new-er", "a/b/c/e/f"];
        let wanted = wanted.map(str::to_owned).into_iter().collect();
        let mut found = missing(top.path(), &wanted);
        found.sort();
        assert_eq!(found, ["a/b/c", "new", "new-er"]);
    }
}
