//! Jobs that are to go again, and what a job has made.

use rusqlite::params;

use super::files::{PLAN_COLUMNS, plan_row, spec_of};
use super::jobs::Kind;
use super::spec::{FOLDER, OVERWRITE};
use super::{Journal, JournalError};
use crate::receipt::End;
use crate::run::Made;
use crate::verify::{hex, md5_of};

impl Journal {
    /// Puts a job that has ended, or that stopped for a while, back into the queue: what failed or
    /// was not begun is to be tried again, at the queue's end.
    pub async fn again(&self, id: &str) -> Result<(), JournalError> {
        self.flush().await?;
        let claim = self.claim(id)?;
        let named = id.to_owned();
        let changed = self
            .written(true, move |c| {
                let changed = c.execute(
                    "UPDATE jobs SET state = 'waiting', ended = NULL, problem = NULL,
                     files_failed = 0,
                     position = (SELECT coalesce(max(position), 0) + 1 FROM jobs)
                     WHERE id = ?1 AND state NOT IN ('removed', 'entering')",
                    [&named],
                )?;
                c.execute(
                    "UPDATE files SET state = 0, error = NULL WHERE state IN (4, 5)
                     AND job = (SELECT n FROM jobs WHERE id = ?1)",
                    [&named],
                )?;
                Ok(changed)
            })
            .await?;
        drop(claim);
        if changed == 0 {
            return Err(JournalError::NoSuchJob);
        }
        Ok(())
    }

    /// Replaces what its maker keeps with a job, see [`super::NewJob::details`].
    pub async fn set_details(
        &self,
        id: &str,
        details: serde_json::Value,
    ) -> Result<(), JournalError> {
        let id = id.to_owned();
        self.written(false, move |c| {
            c.execute(
                "UPDATE jobs SET details = ?2 WHERE id = ?1",
                params![id, details.to_string()],
            )
        })
        .await
        .map(drop)
    }

    /// What a job has made where nothing was before, by its plan: what undoing it would take away.
    pub fn made(&self, id: &str) -> Result<Vec<Made>, JournalError> {
        let job = self.job(id)?;
        if job.kind == Kind::Delete {
            return Ok(Vec::new());
        }
        self.read(|c| {
            let spec = spec_of(c, job.n)?;
            let mut query = c.prepare_cached(&format!(
                "SELECT {PLAN_COLUMNS}, receipts.size, receipts.etag
                 FROM files LEFT JOIN receipts
                 ON receipts.job = files.job AND receipts.row = files.row
                 WHERE files.job = ?1 AND files.state = 2 ORDER BY files.row"
            ))?;
            let rows = query.query_map([job.n], |row| {
                let planned = plan_row(row, 0)?;
                let size: Option<i64> = row.get(8)?;
                let etag: Option<String> = row.get(9)?;
                if planned.flags & OVERWRITE != 0 {
                    return Ok(None);
                }
                let (_, to) = spec.ends(&planned);
                Ok(match (to, size) {
                    (Some(End::Object { bucket, key }), Some(size)) => Some(Made::Object {
                        bucket,
                        key,
                        etag,
                        size: size as u64,
                    }),
                    // A folder's marker has no receipt, and no bytes.
                    (Some(End::Object { bucket, key }), None) if planned.flags & FOLDER != 0 => {
                        Some(Made::Object {
                            bucket,
                            key,
                            etag: Some(hex(&md5_of(b""))),
                            size: 0,
                        })
                    }
                    (Some(End::File(_)), Some(size)) if planned.flags & FOLDER == 0 => {
                        Some(Made::File {
                            path: planned.name,
                            size: size as u64,
                            modified: planned.modified,
                        })
                    }
                    (Some(End::File(_)), _) if planned.flags & FOLDER != 0 => {
                        Some(Made::Folder { path: planned.name })
                    }
                    _ => None,
                })
            })?;
            rows.filter_map(Result::transpose).collect()
        })
    }
}
