//! The same wish again after a crash: what an earlier job of it has done is not done anew.
//!
//! The new job was planned anew; where a file of it is the one the old job knew (same names, size
//! and time or ETag), it takes over what the old one had: that it arrived, if it is still there as it
//! arrived, or what is half done of it. What is left of the old job is cleaned up.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use futures::future::try_join_all;
use rusqlite::{Connection, params};
use wherry_store::{ErrorKind, ObjectStore};

use super::enter::{DONE, EnterError};
use super::files::{PLAN_COLUMNS, plan_row};
use super::jobs::JobRecord;
use super::spec::{Row, Spec};
use super::{Claim, Journal, JournalError};
use crate::error::PlanError;
use crate::plan::{Asker, Watch};
use crate::receipt::End;
use crate::retry::{Backoff, Patience};

/// Files that are looked at together.
const TOGETHER: usize = 16_000;
/// Of them, those that one listing looks for.
const OF_ONE_LISTING: usize = 2_000;

/// What can be taken over from one job that was cut off.
pub(super) struct Adoption {
    old: JobRecord,
    /// Nobody else goes on with it meanwhile.
    _claim: Claim,
    /// New and old rows of files that arrived.
    arrived: Pairs,
    /// New and old rows of files that are half done.
    half: Pairs,
}

/// The store that a job writes into, and how patiently it is asked.
pub(crate) struct Destination<'a> {
    pub store: &'a Arc<dyn ObjectStore>,
    pub backoff: Backoff,
    pub seed: Option<u64>,
}

impl Journal {
    /// Looks what there is to adopt for the rows of a job that is being entered.
    pub(super) async fn adoptions(
        &self,
        n: i64,
        fingerprint: &str,
        spec: &Spec,
        there: Option<Destination<'_>>,
    ) -> Result<Vec<Adoption>, EnterError> {
        let mut found = Vec::new();
        while let Some(old) = self.unfinished_but(fingerprint, &found)? {
            let Ok(claim) = self.claim(&old.id) else {
                break;
            };
            let (journal, old_n) = (self.clone(), old.n);
            let looked = tokio::task::spawn_blocking(move || {
                journal.read(|c| {
                    let same = same_files(c, n, old_n);
                    c.execute_batch("DROP TABLE IF EXISTS temp.known")?;
                    same
                })
            });
            let (arrived, half) = looked.await.map_err(super::unusable)??;
            let mut still = Vec::with_capacity(arrived.len());
            for some in arrived.chunks(TOGETHER) {
                // Somebody may have moved, replaced or deleted it since.
                let known = self.known(n, old_n, some.to_vec()).await?;
                still.extend(match (spec.folder(), &there) {
                    (Some(folder), _) => tokio::task::spawn_blocking(move || {
                        let there = known.iter().filter(|k| is_there(&folder, &k.row));
                        there.map(|k| (k.new, k.old)).collect::<Pairs>()
                    })
                    .await
                    .map_err(super::unusable)?,
                    (None, Some(there)) => listed(&known, spec, there).await?,
                    (None, None) => Vec::new(),
                });
            }
            found.push(Adoption {
                arrived: still,
                half,
                old,
                _claim: claim,
            });
        }
        Ok(found)
    }

    /// What is known of files that arrived.
    async fn known(&self, new: i64, old: i64, rows: Pairs) -> Result<Vec<Known>, JournalError> {
        let journal = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            journal.read(|c| {
                let mut query = c.prepare_cached(&format!(
                    "SELECT {PLAN_COLUMNS}, receipts.size, receipts.etag FROM files
                     LEFT JOIN receipts ON receipts.job = ?3 AND receipts.row = ?4
                     WHERE files.job = ?1 AND files.row = ?2"
                ))?;
                rows.into_iter()
                    .map(|(new_row, old_row)| {
                        query.query_row(params![new, new_row, old, old_row], |row| {
                            Ok(Known {
                                new: new_row,
                                old: old_row,
                                row: plan_row(row, 0)?,
                                size: row.get::<_, Option<i64>>(8)?.map(|size| size as u64),
                                etag: row.get(9)?,
                            })
                        })
                    })
                    .collect()
            })
        });
        reading.await.map_err(super::unusable)?
    }

    fn unfinished_but(
        &self,
        fingerprint: &str,
        known: &[Adoption],
    ) -> Result<Option<JobRecord>, JournalError> {
        // Those that are known are claimed, and so not free.
        let found = self.unfinished(fingerprint)?;
        Ok(found.filter(|job| known.iter().all(|k| k.old.id != job.id)))
    }
}

/// A file that arrived.
struct Known {
    new: u32,
    old: u32,
    row: Row,
    /// By its receipt.
    size: Option<u64>,
    etag: Option<String>,
}

fn is_there(folder: &std::path::Path, row: &Row) -> bool {
    let path = folder.join(crate::names::native(&row.name));
    let Ok(facts) = std::fs::symlink_metadata(path) else {
        return false;
    };
    let modified = facts
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let same_time = match (row.modified, modified) {
        // As file systems keep it.
        (Some(wanted), Some(found)) => (found.as_millis() as i64 - wanted).abs() <= 2000,
        _ => true,
    };
    facts.is_file() && facts.len() == row.size && same_time
}

/// Those that a listing of the destination has with the size and the ETag of their receipts. Where it
/// may not be listed, none: what cannot be seen is sent again.
async fn listed(
    known: &[Known],
    spec: &Spec,
    there: &Destination<'_>,
) -> Result<Pairs, EnterError> {
    let mut wanted: Vec<(String, &Known)> = Vec::with_capacity(known.len());
    let mut bucket = String::new();
    for file in known {
        if let (_, Some(End::Object { bucket: b, key })) = spec.ends(&file.row) {
            wanted.push((key, file));
            bucket = b;
        }
    }
    wanted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let (keys, files): (Vec<String>, Vec<&Known>) = wanted.into_iter().unzip();
    let patience = Patience::new(there.backoff, there.seed);
    let asker = Asker::new(there.store, &bucket, &Watch::default()).patient(patience);
    let parts = keys
        .chunks(OF_ONE_LISTING)
        .zip(files.chunks(OF_ONE_LISTING));
    let looking = parts.map(|(keys, files)| {
        let asker = &asker;
        async move {
            let mut right = Vec::new();
            let looked = asker.find(keys, |at, object| {
                let file = files[at];
                if file.size == Some(object.size) && file.etag.is_some() && file.etag == object.etag
                {
                    right.push((file.new, file.old));
                }
            });
            looked.await.map(|()| right)
        }
    });
    match try_join_all(looking).await {
        Ok(right) => Ok(right.concat()),
        Err(PlanError::Store(e)) if e.kind == ErrorKind::Denied => Ok(Vec::new()),
        Err(PlanError::Store(e)) => Err(e.into()),
        Err(other) => Err(super::unusable(other).into()),
    }
}

type Pairs = Vec<(u32, u32)>;

fn same_files(c: &Connection, new: i64, old: i64) -> rusqlite::Result<(Pairs, Pairs)> {
    // By name, as one job has each name once; with an index, as there may be very many. Neither
    // folders nor what a sync deletes.
    c.execute_batch(
        "DROP TABLE IF EXISTS temp.known;
         CREATE TEMP TABLE known (name TEXT PRIMARY KEY, row INTEGER, state INTEGER) WITHOUT ROWID",
    )?;
    c.execute(
        "INSERT OR IGNORE INTO temp.known SELECT name, row, state FROM files
         WHERE job = ?1 AND flags & 5 = 0 AND (state = ?2
            OR row IN (SELECT row FROM uploads WHERE job = ?1)
            OR row IN (SELECT row FROM drafts WHERE job = ?1))",
        params![old, DONE],
    )?;
    let mut query = c.prepare(
        "SELECT new.row, old.row, old.state FROM files AS new CROSS JOIN temp.known ON known.name = new.name
         CROSS JOIN files AS old ON old.job = ?2 AND old.row = known.row
         WHERE new.job = ?1 AND new.state = 0 AND new.root = old.root AND new.other IS old.other
         AND new.size = old.size AND new.modified IS old.modified AND new.etag IS old.etag
         AND new.flags & 5 = 0",
    )?;
    let mut rows = query.query(params![new, old])?;
    let (mut arrived, mut half) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let same = (row.get(0)?, row.get(1)?);
        if row.get::<_, u8>(2)? == DONE {
            arrived.push(same);
        } else {
            half.push(same);
        }
    }
    Ok((arrived, half))
}

/// Moves what was found, and takes the old job out of the queue. What then is left of it is for
/// [`super::recover::clear`].
pub(super) fn take_over(c: &Connection, n: i64, adoption: &Adoption) -> rusqlite::Result<()> {
    let old = adoption.old.n;
    let mut done = c.prepare_cached("UPDATE files SET state = ?3 WHERE job = ?1 AND row = ?2")?;
    let mut receipt = c.prepare_cached(
        "INSERT OR REPLACE INTO receipts SELECT ?1, ?2, size, md5, sha256, crc, etag, part_size,
         version_id, proof, started, finished FROM receipts WHERE job = ?3 AND row = ?4",
    )?;
    for (new_row, old_row) in &adoption.arrived {
        done.execute(params![n, new_row, DONE])?;
        receipt.execute(params![n, new_row, old, old_row])?;
    }
    for table in ["uploads", "parts", "copies", "drafts", "ranges"] {
        let mut moved = c.prepare_cached(&format!(
            "UPDATE {table} SET job = ?1, row = ?2 WHERE job = ?3 AND row = ?4"
        ))?;
        for (new_row, old_row) in &adoption.half {
            moved.execute(params![n, new_row, old, old_row])?;
        }
    }
    for (_, old_row) in &adoption.half {
        // Its draft is no longer the old job's.
        done.execute(params![old, old_row, DONE])?;
    }
    c.execute("UPDATE jobs SET state = 'removed' WHERE n = ?1", [old])?;
    Ok(())
}

impl Adoption {
    pub fn old(&self) -> &str {
        &self.old.id
    }
}
