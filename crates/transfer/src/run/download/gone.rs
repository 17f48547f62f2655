//! Files that had arrived when a transfer was cut off, and are not there now.
//!
//! Somebody may have deleted them, or the same power cut took their names: not every file system can be
//! told to keep those. Only what is gone is fetched again. A file that is another one now was changed or
//! put there by somebody after it had arrived, and is theirs.

use super::Downloads;

/// Files that are looked for before others get their turn.
const TOGETHER: usize = 4096;

impl Downloads {
    /// Of rows that had arrived, those of which nothing is there.
    pub async fn gone(&self, arrived: impl Iterator<Item = u32>) -> Vec<u32> {
        let (rows, _) = self.totals();
        // What a sync deletes has rows behind these.
        let arrived: Vec<u32> = arrived.filter(|row| (*row as usize) < rows).collect();
        let mut gone = Vec::new();
        for rows in arrived.chunks(TOGETHER) {
            let paths = rows.iter().map(|row| self.name(*row)).collect();
            let missing = self.target.missing(paths).await;
            let both = rows.iter().zip(missing);
            gone.extend(both.filter_map(|(row, missing)| missing.then_some(*row)));
        }
        gone
    }
}
