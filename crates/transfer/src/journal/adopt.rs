//! The same wish again after a crash: what an earlier job of it has done is not done anew.
//!
//! The new job was planned anew; where a file of it is the one the old job knew (same names, size
//! and time or ETag), it takes over what the old one had: that it arrived, or what is half done of
//! it. What is left of the old job is cleaned up.

use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use rusqlite::{Connection, params};

use super::enter::DONE;
use super::jobs::JobRecord;
use super::{Claim, Journal, JournalError};

/// What can be taken over from one job that was cut off.
pub(super) struct Adoption {
    old: JobRecord,
    /// Nobody else goes on with it meanwhile.
    _claim: Claim,
    /// New and old rows of files that arrived.
    arrived: Vec<(u32, u32)>,
    /// New and old rows of files that are half done.
    half: Vec<(u32, u32)>,
}

impl Journal {
    /// Looks what there is to adopt for the rows of a job that is being entered.
    pub(super) async fn adoptions(
        &self,
        n: i64,
        fingerprint: &str,
        folder: Option<PathBuf>,
    ) -> Result<Vec<Adoption>, JournalError> {
        let mut found = Vec::new();
        while let Some(old) = self.unfinished_but(fingerprint, &found)? {
            let Ok(claim) = self.claim(&old.id) else {
                break;
            };
            let (journal, folder, old_n) = (self.clone(), folder.clone(), old.n);
            let looked = tokio::task::spawn_blocking(move || {
                let (mut arrived, half) = journal.read(|c| {
                    let same = same_files(c, n, old_n);
                    c.execute_batch("DROP TABLE IF EXISTS temp.known")?;
                    same
                })?;
                if let Some(folder) = folder {
                    // Somebody may have moved it away since.
                    arrived.retain(|same| is_there(&folder, same));
                }
                Ok::<_, JournalError>((arrived, half))
            });
            let (arrived, half) = looked.await.map_err(super::unusable)??;
            found.push(Adoption {
                arrived: arrived
                    .into_iter()
                    .map(|same| (same.new, same.old))
                    .collect(),
                half,
                old,
                _claim: claim,
            });
        }
        Ok(found)
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

struct Same {
    new: u32,
    old: u32,
    name: String,
    size: u64,
    modified: Option<i64>,
}

fn is_there(folder: &std::path::Path, same: &Same) -> bool {
    let path = folder.join(crate::names::native(&same.name));
    let Ok(facts) = std::fs::symlink_metadata(path) else {
        return false;
    };
    let modified = facts
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let same_time = match (same.modified, modified) {
        // As file systems keep it.
        (Some(wanted), Some(found)) => (found.as_millis() as i64 - wanted).abs() <= 2000,
        _ => true,
    };
    facts.is_file() && facts.len() == same.size && same_time
}

type Pairs = Vec<(u32, u32)>;

fn same_files(c: &Connection, new: i64, old: i64) -> rusqlite::Result<(Vec<Same>, Pairs)> {
    // By name, as one job has each name once; with an index, as there may be very many.
    c.execute_batch(
        "DROP TABLE IF EXISTS temp.known;
         CREATE TEMP TABLE known (name TEXT PRIMARY KEY, row INTEGER, state INTEGER) WITHOUT ROWID",
    )?;
    c.execute(
        "INSERT OR IGNORE INTO temp.known SELECT name, row, state FROM files
         WHERE job = ?1 AND flags & 1 = 0 AND (state = ?2
            OR row IN (SELECT row FROM uploads WHERE job = ?1)
            OR row IN (SELECT row FROM drafts WHERE job = ?1))",
        params![old, DONE],
    )?;
    let mut query = c.prepare(
        "SELECT new.row, old.row, old.state, new.name, new.size, new.modified
         FROM files AS new CROSS JOIN temp.known ON known.name = new.name
         CROSS JOIN files AS old ON old.job = ?2 AND old.row = known.row
         WHERE new.job = ?1 AND new.state = 0 AND new.root = old.root AND new.other IS old.other
         AND new.size = old.size AND new.modified IS old.modified AND new.etag IS old.etag
         AND new.flags & 1 = 0",
    )?;
    let mut rows = query.query(params![new, old])?;
    let (mut arrived, mut half) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let same = Same {
            new: row.get(0)?,
            old: row.get(1)?,
            name: row.get(3)?,
            size: row.get::<_, i64>(4)? as u64,
            modified: row.get(5)?,
        };
        if row.get::<_, u8>(2)? == DONE {
            arrived.push(same);
        } else {
            half.push((same.new, same.old));
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
    for table in ["uploads", "parts", "drafts", "ranges"] {
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
