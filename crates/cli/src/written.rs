//! What a command writes down of its transfer, so that the same command goes on with it when this
//! one is cut off.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use wherry_engine::names::visible;
use wherry_store::ObjectStore;
use wherry_transfer::journal::{Entry, NewJob, recover};
use wherry_transfer::{Journal, SystemDisk};

use crate::output::Output;
use crate::place::Remote;
use crate::session::{Opened, Session};

/// Cleaning up behind other transfers must not keep this one from beginning.
const CLEAN_UP: Duration = Duration::from_secs(20);

/// A wish that is the same when the same command is given again in the same place.
pub struct Wish<'a> {
    pub command: &'static str,
    /// All that was said on the command line.
    pub args: &'a dyn Debug,
    /// For people: what goes where.
    pub title: String,
    /// The store that the journal names, and where in it.
    pub store: &'a Opened,
    pub place: &'a Remote,
}

impl Wish<'_> {
    fn fingerprint(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        let (command, store, here) = (self.command, self.store.named(), here.display());
        format!("{command} {store} {here} {:?}", self.args)
    }

    /// The entry of a job that does this. None, with a warning, where nothing can be written: a
    /// read-only home is no reason not to copy.
    pub async fn entry(&self, session: &Session, output: &Output) -> Option<Entry> {
        let journal = session.journal(output).await?;
        self.clean_up(&journal).await;
        if let Ok(Some(job)) = journal.unfinished(&self.fingerprint()) {
            output.remark(&format!(
                "Going on with what was cut off: {} of {} files had arrived.",
                job.files_done, job.files_total
            ));
        }
        Some(Entry {
            journal,
            job: NewJob {
                title: visible(&self.title),
                place: self.store.named(),
                details: serde_json::json!({
                    "program": "wherry-cli",
                    "command": self.command,
                    "bucket": self.place.bucket,
                    "prefix": folder_of(&self.place.key),
                }),
                fingerprint: Some(self.fingerprint()),
                id: None,
            },
        })
    }

    /// There turned out to be nothing left to do: what an earlier run left is cleaned up.
    pub async fn nothing_left(&self, session: &Session, output: &Output) {
        let Some(journal) = session.journal(output).await else {
            return;
        };
        if let Ok(Some(job)) = journal.unfinished(&self.fingerprint())
            && journal.cancel(&job.id, Utc::now()).await.is_ok()
        {
            self.clean_up(&journal).await;
        }
    }

    /// What earlier transfers of this store could not clean up for want of a key.
    async fn clean_up(&self, journal: &Journal) {
        let Ok(left) = journal.left_over() else {
            return;
        };
        let place = self.store.named();
        let store: Arc<dyn ObjectStore> = self.store.objects();
        let clean = async {
            for job in left.into_iter().filter(|job| job.place == place) {
                if let Err(e) = recover::clear(journal, &job.job, Some(&store), &SystemDisk).await {
                    tracing::warn!(%e, "what an earlier transfer left could not be cleaned up");
                }
            }
        };
        let _ = tokio::time::timeout(CLEAN_UP, clean).await;
    }
}

/// What a window would show as the place of it.
fn folder_of(key: &str) -> &str {
    key.rfind('/').map_or("", |at| &key[..=at])
}
