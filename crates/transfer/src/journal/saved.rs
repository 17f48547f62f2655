//! Jobs that were saved under a name, to be planned and run again.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::jobs::time;
use super::{Journal, JournalError};

#[derive(Debug, Clone, PartialEq)]
pub struct SavedJob {
    pub id: String,
    pub name: String,
    /// Whatever its maker needs to plan it again.
    pub spec: serde_json::Value,
    pub created: DateTime<Utc>,
    pub last_run: Option<DateTime<Utc>>,
    /// Of its last run, unless that was removed from the history.
    pub last_job: Option<String>,
}

impl Journal {
    /// By name, as people sort.
    pub fn saved_jobs(&self) -> Result<Vec<SavedJob>, JournalError> {
        self.read(|c| {
            let mut query = c.prepare_cached(
                "SELECT id, name, spec, created, last_run,
                 (SELECT id FROM jobs WHERE jobs.id = last_job AND state <> 'removed')
                 FROM saved ORDER BY name COLLATE NOCASE, id",
            )?;
            let rows = query.query_map([], |row| {
                let spec: String = row.get(2)?;
                Ok(SavedJob {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    spec: serde_json::from_str(&spec).unwrap_or_default(),
                    created: time(row.get(3)?),
                    last_run: row.get::<_, Option<i64>>(4)?.map(time),
                    last_job: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }

    pub fn saved_job(&self, id: &str) -> Result<SavedJob, JournalError> {
        let found = self.saved_jobs()?.into_iter().find(|job| job.id == id);
        found.ok_or(JournalError::NoSuchJob)
    }

    /// Saves it; one of the same id is replaced.
    pub async fn save_job(&self, job: SavedJob) -> Result<(), JournalError> {
        self.written(true, move |c| {
            c.execute(
                "INSERT OR REPLACE INTO saved (id, name, spec, created, last_run, last_job)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    job.id,
                    job.name,
                    job.spec.to_string(),
                    job.created.timestamp_millis(),
                    job.last_run.map(|t| t.timestamp_millis()),
                    job.last_job,
                ],
            )
        })
        .await
        .map(drop)
    }

    pub async fn ran_saved_job(
        &self,
        id: &str,
        job: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        let (id, job) = (id.to_owned(), job.map(str::to_owned));
        self.written(false, move |c| {
            c.execute(
                "UPDATE saved SET last_run = ?2, last_job = ?3 WHERE id = ?1",
                params![id, now.timestamp_millis(), job],
            )
        })
        .await
        .map(drop)
    }

    pub async fn forget_saved_job(&self, id: &str) -> Result<(), JournalError> {
        let id = id.to_owned();
        self.written(false, move |c| {
            c.execute("DELETE FROM saved WHERE id = ?1", [id])
        })
        .await
        .map(drop)
    }
}
