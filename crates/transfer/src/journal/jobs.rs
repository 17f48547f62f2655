//! Jobs as the queue and the history show them, and what is done to whole jobs.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::{Journal, JournalError, errors};
use crate::error::FileError;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Upload,
    Download,
    Copy,
    Delete,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// In the queue.
    Waiting,
    /// And if nobody has its claim, it was cut off.
    Running,
    /// By the user; what is half done is kept.
    Paused,
    Done,
    /// Some files failed.
    Partial,
    Failed,
    Cancelled,
    /// Its files are still being written down: if nobody has its claim, it was never begun.
    Entering,
    /// From the lists, but something of it is still to be cleaned up.
    Removed,
}

impl Kind {
    const ALL: [(Self, &str); 4] = [
        (Self::Upload, "upload"),
        (Self::Download, "download"),
        (Self::Copy, "copy"),
        (Self::Delete, "delete"),
    ];

    pub(super) fn named(name: &str) -> Self {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map_or(Self::Upload, |(kind, _)| *kind)
    }

    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(k, _)| *k == self)
            .map_or("", |(_, n)| n)
    }
}

impl State {
    const ALL: [(Self, &str); 9] = [
        (Self::Waiting, "waiting"),
        (Self::Running, "running"),
        (Self::Paused, "paused"),
        (Self::Done, "done"),
        (Self::Partial, "partial"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
        (Self::Entering, "entering"),
        (Self::Removed, "removed"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(s, _)| *s == self)
            .map_or("", |(_, n)| n)
    }

    pub fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Partial | Self::Failed | Self::Cancelled
        )
    }
}

#[derive(Debug, Clone)]
pub struct JobRecord {
    pub id: String,
    pub kind: Kind,
    pub title: String,
    /// As [`super::NewJob`] said it, and so are the details.
    pub place: String,
    pub details: serde_json::Value,
    pub state: State,
    /// Of the queue: small ones first.
    pub position: i64,
    pub fingerprint: Option<String>,
    pub created: DateTime<Utc>,
    pub started: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
    pub files_total: u64,
    pub files_done: u64,
    pub files_failed: u64,
    pub files_skipped: u64,
    pub bytes_total: u64,
    /// Of the files that are done or skipped.
    pub bytes_done: u64,
    /// What stopped it as a whole.
    pub problem: Option<FileError>,
    /// Its own number, for the journal.
    pub(crate) n: i64,
}

/// What of the history is wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// In the title; empty for all.
    pub search: String,
    /// Empty for all.
    pub states: Vec<State>,
}

#[derive(Debug, Clone)]
pub struct JobPage {
    pub jobs: Vec<JobRecord>,
    /// For the next page; absent at the end.
    pub next: Option<String>,
}

/// Where in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    First,
    Up,
    Down,
    Last,
}

const COLUMNS: &str = "id, kind, title, place, details, state, position, fingerprint, created, \
     started, ended, files_total, files_done, files_failed, files_skipped, bytes_total, \
     bytes_done, problem, n";

const IN_QUEUE: &str = "state IN ('waiting', 'running', 'paused')";

pub fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

fn record(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    let kind: String = row.get(1)?;
    let state: String = row.get(5)?;
    let details: String = row.get(4)?;
    let problem: Option<String> = row.get(17)?;
    let at = |i| row.get::<_, Option<i64>>(i).map(|t| t.map(time));
    let number = |i| row.get::<_, i64>(i).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(JobRecord {
        id: row.get(0)?,
        kind: Kind::named(&kind),
        title: row.get(2)?,
        place: row.get(3)?,
        details: serde_json::from_str(&details).unwrap_or_default(),
        state: State::ALL
            .iter()
            .find(|(_, name)| *name == state)
            .map_or(State::Failed, |(state, _)| *state),
        position: row.get(6)?,
        fingerprint: row.get(7)?,
        created: time(row.get(8)?),
        started: at(9)?,
        ended: at(10)?,
        files_total: number(11)?,
        files_done: number(12)?,
        files_failed: number(13)?,
        files_skipped: number(14)?,
        bytes_total: number(15)?,
        bytes_done: number(16)?,
        problem: problem.as_deref().and_then(errors::read),
        n: row.get(18)?,
    })
}

fn records(
    connection: &Connection,
    tail: &str,
    parameters: Vec<Value>,
) -> rusqlite::Result<Vec<JobRecord>> {
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs {tail}"))?;
    query
        .query_map(params_from_iter(parameters), record)?
        .collect()
}

/// For LIKE, with nothing in it meaning more than itself.
pub fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

impl Journal {
    pub fn job(&self, id: &str) -> Result<JobRecord, JournalError> {
        let found = self.read(|c| records(c, "WHERE id = ?1", vec![id.to_owned().into()]))?;
        found.into_iter().next().ok_or(JournalError::NoSuchJob)
    }

    /// What waits, runs or is paused, in the queue's order.
    pub fn queue(&self) -> Result<Vec<JobRecord>, JournalError> {
        let tail = format!("WHERE {IN_QUEUE} ORDER BY position, n");
        self.read(|c| records(c, &tail, Vec::new()))
    }

    /// What was running when its Wherry or the computer ended, in the queue's order.
    pub fn cut_off(&self) -> Result<Vec<JobRecord>, JournalError> {
        let tail = "WHERE state = 'running' ORDER BY position, n";
        let mut found = self.read(|c| records(c, tail, Vec::new()))?;
        found.retain(|job| self.is_free(&job.id));
        Ok(found)
    }

    /// What has ended, the last one first; `after` is [`JobPage::next`] of the page before.
    pub fn history(
        &self,
        filter: &HistoryFilter,
        after: Option<&str>,
        count: usize,
    ) -> Result<JobPage, JournalError> {
        let mut tail = String::from("WHERE ended IS NOT NULL AND state <> 'removed'");
        let mut values: Vec<Value> = Vec::new();
        if let Some((ended, n)) = after.and_then(cursor) {
            tail.push_str(" AND (ended, n) < (?, ?)");
            values.extend([ended.into(), n.into()]);
        }
        if !filter.search.is_empty() {
            tail.push_str(" AND title LIKE ? ESCAPE '\\'");
            values.push(anywhere(&filter.search).into());
        }
        if !filter.states.is_empty() {
            let names: Vec<&str> = filter.states.iter().map(|s| s.name()).collect();
            tail.push_str(&format!(" AND state IN ('{}')", names.join("', '")));
        }
        tail.push_str(" ORDER BY ended DESC, n DESC LIMIT ?");
        values.push((count as i64 + 1).into());
        let mut jobs = self.read(|c| records(c, &tail, values))?;
        let more = jobs.len() > count;
        jobs.truncate(count);
        let next = jobs.last().filter(|_| more).map(|job| {
            let ended = job.ended.map_or(0, |t| t.timestamp_millis());
            format!("{ended}.{}", job.n)
        });
        Ok(JobPage { jobs, next })
    }

    /// The last job of this fingerprint that has not ended, or not well and with something half done,
    /// and that nobody runs.
    pub fn unfinished(&self, fingerprint: &str) -> Result<Option<JobRecord>, JournalError> {
        let tail = format!(
            "WHERE fingerprint = ?1 AND ({IN_QUEUE} OR state IN ('failed', 'partial')
             AND (EXISTS (SELECT 1 FROM uploads WHERE job = n)
                OR EXISTS (SELECT 1 FROM drafts WHERE job = n))) ORDER BY n DESC"
        );
        let found = self.read(|c| records(c, &tail, vec![fingerprint.to_owned().into()]))?;
        Ok(found.into_iter().find(|job| self.is_free(&job.id)))
    }

    /// Moves a job in the queue. Those that run are no obstacle: the order is that of all.
    pub async fn move_job(&self, id: &str, to: Move) -> Result<(), JournalError> {
        let id = id.to_owned();
        self.written(false, move |c| {
            let mut query = c.prepare(&format!(
                "SELECT n, id FROM jobs WHERE {IN_QUEUE} ORDER BY position, n"
            ))?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut order: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>()?;
            let at = order.iter().position(|(_, other)| *other == id);
            let at = at.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let job = order.remove(at);
            let place = match to {
                Move::First => 0,
                Move::Up => at.saturating_sub(1),
                Move::Down => (at + 1).min(order.len()),
                Move::Last => order.len(),
            };
            order.insert(place, job);
            let mut update = c.prepare("UPDATE jobs SET position = ?2 WHERE n = ?1")?;
            for (place, (n, _)) in order.iter().enumerate() {
                update.execute(params![n, place as i64])?;
            }
            Ok(())
        })
        .await
    }

    /// Sets a job that nobody runs to waiting or to paused; one that runs is paused by
    /// [`crate::Job::pause`].
    pub async fn set_waiting(&self, id: &str, waiting: bool) -> Result<(), JournalError> {
        let claim = self.claim(id)?;
        let (id, state) = (
            id.to_owned(),
            if waiting {
                State::Waiting
            } else {
                State::Paused
            },
        );
        let changed = self
            .written(true, move |c| {
                let sql = format!("UPDATE jobs SET state = ?2 WHERE id = ?1 AND {IN_QUEUE}");
                c.execute(&sql, params![id, state.name()])
            })
            .await?;
        drop(claim);
        if changed == 0 {
            return Err(JournalError::NoSuchJob);
        }
        Ok(())
    }

    /// Ends a job that nobody runs. What is half done of it is cleaned up by
    /// [`super::recover::clear`], which needs its store.
    pub async fn cancel(&self, id: &str, now: DateTime<Utc>) -> Result<(), JournalError> {
        let claim = self.claim(id)?;
        let id = id.to_owned();
        self.written(true, move |c| {
            let sql = format!(
                "UPDATE jobs SET state = 'cancelled', ended = ?2 WHERE id = ?1 AND {IN_QUEUE}"
            );
            if c.execute(&sql, params![id, now.timestamp_millis()])? > 0 {
                c.execute(
                    "UPDATE files SET state = 5 WHERE state = 0 AND job = (SELECT n FROM jobs WHERE id = ?1)",
                    [&id],
                )?;
            }
            Ok(())
        })
        .await?;
        drop(claim);
        Ok(())
    }

    /// Takes a job that has ended out of the history. What is still half done of it is forgotten
    /// only after it was cleaned up.
    pub async fn remove(&self, id: &str) -> Result<(), JournalError> {
        if !self.job(id)?.state.has_ended() {
            return Err(JournalError::NotEnded);
        }
        let id = id.to_owned();
        self.written(false, move |c| {
            c.execute("UPDATE jobs SET state = 'removed' WHERE id = ?1", [&id])
        })
        .await?;
        self.forget_removed().await
    }

    /// Takes everything that has ended out of the history.
    pub async fn clear_history(&self) -> Result<(), JournalError> {
        self.written(false, |c| {
            c.execute(
                "UPDATE jobs SET state = 'removed' WHERE state IN ('done', 'partial', 'failed', 'cancelled')",
                [],
            )
        })
        .await?;
        self.forget_removed().await
    }

    /// Whether a job deletes objects that its plan could not see. Later on nobody could tell whether
    /// they are still those that were meant.
    pub fn deletes_unseen(&self, job: &JobRecord) -> Result<bool, JournalError> {
        if job.kind != Kind::Delete {
            return Ok(false);
        }
        let unseen =
            "SELECT EXISTS (SELECT 1 FROM files WHERE job = ?1 AND state = 0 AND etag IS NULL)";
        self.read(|c| c.query_row(unseen, [job.n], |row| row.get(0)))
    }

    /// For a program's start: forgets what was never begun, and the oldest of a history of more
    /// than two million files; ends deletions of what could not be seen, which are not gone on with:
    /// what has got the name of something deleted since must stay.
    pub async fn tidy(&self, now: DateTime<Utc>) -> Result<(), JournalError> {
        for job in self.cut_off()? {
            if self.deletes_unseen(&job)? {
                self.cancel(&job.id, now).await?;
            }
        }
        let entering = "WHERE state = 'entering'";
        for job in self.read(|c| records(c, entering, Vec::new()))? {
            if let Ok(claim) = self.claim(&job.id) {
                self.written(false, move |c| {
                    c.execute("UPDATE jobs SET state = 'removed' WHERE n = ?1", [job.n])
                })
                .await?;
                claim.end();
            }
        }
        self.written(false, |c| {
            c.execute(
                "UPDATE jobs SET state = 'removed' WHERE n IN (
                    SELECT n FROM (
                        SELECT n, sum(files_total) OVER (ORDER BY ended DESC, n DESC) AS files
                        FROM jobs WHERE ended IS NOT NULL AND state <> 'removed'
                    ) WHERE files > 2000000
                )",
                [],
            )
        })
        .await?;
        self.forget_removed().await
    }

    /// Deletes the rows of removed jobs that have nothing left to clean up, a few at a time so that
    /// nobody waits long.
    pub(super) async fn forget_removed(&self) -> Result<(), JournalError> {
        loop {
            let left = self
                .written(false, |c| {
                    let job: Option<i64> = c
                        .query_row(
                            "SELECT n FROM jobs WHERE state = 'removed'
                             AND begun_to = 0
                             AND NOT EXISTS (SELECT 1 FROM uploads WHERE job = n)
                             AND NOT EXISTS (SELECT 1 FROM drafts WHERE job = n) LIMIT 1",
                            [],
                            |row| row.get(0),
                        )
                        .optional()?;
                    let Some(job) = job else { return Ok(false) };
                    let mut deleted = 0;
                    for table in ["files", "receipts", "parts", "copies", "ranges"] {
                        deleted += c.execute(
                            &format!(
                                "DELETE FROM {table} WHERE job = ?1 AND row IN
                                 (SELECT row FROM {table} WHERE job = ?1 LIMIT 20000)"
                            ),
                            [job],
                        )?;
                    }
                    if deleted == 0 {
                        c.execute("DELETE FROM jobs WHERE n = ?1", [job])?;
                    }
                    Ok(true)
                })
                .await?;
            if !left {
                return Ok(());
            }
        }
    }
}

fn cursor(text: &str) -> Option<(i64, i64)> {
    let (first, second) = text.split_once('.')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}
