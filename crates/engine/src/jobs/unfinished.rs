//! Multipart uploads that were begun and never finished: they are seen by nobody and cost quota.

use std::collections::HashMap;

use futures::StreamExt;
use wherry_store::{ObjectStore, UploadId};
use wherry_transfer::journal::JournalError;

use super::history::off_thread;
use crate::contract::{BucketRef, CleanUploads, Cleaned, Problem, Unfinished, UnfinishedView};
use crate::engine::{Engine, Opened};

/// Uploads that the store is asked about at once.
const AT_ONCE: usize = 8;

impl Engine {
    pub(crate) async fn list_unfinished(&self, bucket: &BucketRef) -> Result<Unfinished, Problem> {
        let Opened { account, store } = self.open(&bucket.account).await?;
        let name = bucket.bucket.as_str();
        let found = store
            .list_uploads(name, "")
            .await
            .map_err(|e| self.refused(&account, Some(name), None, &e))?;
        let used = self.uploads_in_use(name).await?;
        let store = &store;
        let mut uploads: Vec<UnfinishedView> = futures::stream::iter(found)
            .map(|upload| async move {
                let parts = store.list_parts(name, &upload.key, &upload.upload).await;
                // Refused or gone meanwhile: not known.
                let bytes = parts.ok().map(|parts| parts.iter().map(|p| p.size).sum());
                UnfinishedView {
                    key: upload.key,
                    upload: upload.upload.0,
                    started: upload.started.map(|t| t.timestamp_millis()),
                    bytes,
                    owner: upload.owner,
                    job: None,
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for upload in &mut uploads {
            upload.job = used.get(&upload.upload).cloned();
        }
        Ok(Unfinished {
            bytes: uploads.iter().filter_map(|u| u.bytes).sum(),
            uploads,
        })
    }

    /// Uploads of transfers that have not ended, with these.
    async fn uploads_in_use(&self, bucket: &str) -> Result<HashMap<String, String>, Problem> {
        let journal = self.journal().await?;
        let bucket = bucket.to_owned();
        off_thread(move || {
            let mut used = HashMap::new();
            for half in journal.half_uploads(&bucket)? {
                let Some(upload) = half.upload else { continue };
                let open = match journal.job(&half.job) {
                    Ok(job) => !job.state.has_ended(),
                    Err(JournalError::NoSuchJob) => false,
                    Err(e) => return Err(e),
                };
                if open {
                    used.insert(upload.0, half.job);
                }
            }
            Ok::<_, JournalError>(used)
        })
        .await
    }

    pub(crate) async fn clean_unfinished(&self, clean: CleanUploads) -> Result<Cleaned, Problem> {
        let Opened { account, store } = self.open(&clean.account).await?;
        let bucket = clean.bucket.as_str();
        let used = self.uploads_in_use(bucket).await?;
        let (store, account) = (&store, &account);
        let used = &used;
        let outcomes: Vec<(String, Result<(), Problem>)> = futures::stream::iter(clean.uploads)
            .map(|upload| async move {
                if used.contains_key(&upload.upload) {
                    let problem = Problem::new(
                        "uploads.in-use",
                        "A transfer of this computer is still using this upload.",
                        "Cancel the transfer; that cleans up behind it.",
                    );
                    return (upload.key, Err(problem));
                }
                let id = UploadId(upload.upload);
                let aborted = store.abort_upload(bucket, &upload.key, &id).await;
                let done =
                    aborted.map_err(|e| self.refused(account, Some(bucket), Some(&upload.key), &e));
                (upload.key, done)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut cleaned = Cleaned {
            uploads: 0,
            problems: Vec::new(),
        };
        for (key, outcome) in outcomes {
            match outcome {
                Ok(()) => cleaned.uploads += 1,
                Err(problem) => cleaned.problems.push((key, problem)),
            }
        }
        Ok(cleaned)
    }
}
