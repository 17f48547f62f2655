//! Taking back that a file arrived.

use rusqlite::params;

use super::{Journal, JournalError};

impl Journal {
    /// What was written down as arrived and is not there: these rows are to be moved once more.
    pub(crate) async fn lost(&self, n: i64, rows: Vec<u32>) -> Result<(), JournalError> {
        self.written(false, move |c| {
            let mut waits =
                c.prepare("UPDATE files SET state = 0, error = NULL WHERE job = ?1 AND row = ?2")?;
            let mut size = c.prepare(
                "SELECT coalesce(sum(size), 0) FROM receipts WHERE job = ?1 AND row = ?2",
            )?;
            let mut forget = c.prepare("DELETE FROM receipts WHERE job = ?1 AND row = ?2")?;
            let mut bytes: i64 = 0;
            for row in &rows {
                bytes += size.query_row(params![n, row], |found| found.get::<_, i64>(0))?;
                waits.execute(params![n, row])?;
                forget.execute(params![n, row])?;
            }
            c.execute(
                "UPDATE jobs SET files_done = files_done - ?2, bytes_done = bytes_done - ?3
                 WHERE n = ?1",
                params![n, rows.len() as i64, bytes],
            )
            .map(drop)
        })
        .await
    }
}
