//! The tables, and how a file of an earlier Wherry becomes one of this.
//!
//! A file row holds what its plan said and never changes but for its state; what arrived is proved
//! by a row of `receipts`. Names are kept short: what all rows of a job share (a bucket, a prefix, a
//! folder) is in the job's spec.

use rusqlite::Connection;

/// Each step brings a file from the version that is its index to the next.
const STEPS: [&str; 3] = [FIRST, CRC_OF_PARTS, COPIES];

pub const VERSION: i64 = STEPS.len() as i64;

const FIRST: &str = "
CREATE TABLE jobs (
    n             INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL,
    title         TEXT NOT NULL,
    place         TEXT NOT NULL,
    details       TEXT NOT NULL,
    spec          TEXT NOT NULL,
    state         TEXT NOT NULL,
    position      INTEGER NOT NULL,
    fingerprint   TEXT,
    -- Rows from here on have certainly not been begun.
    begun_to      INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL,
    started       INTEGER,
    ended         INTEGER,
    files_total   INTEGER NOT NULL DEFAULT 0,
    files_done    INTEGER NOT NULL DEFAULT 0,
    files_failed  INTEGER NOT NULL DEFAULT 0,
    files_skipped INTEGER NOT NULL DEFAULT 0,
    bytes_total   INTEGER NOT NULL DEFAULT 0,
    bytes_done    INTEGER NOT NULL DEFAULT 0,
    problem       TEXT
);
CREATE INDEX jobs_queue ON jobs (state, position);
CREATE INDEX jobs_ended ON jobs (ended, n) WHERE ended IS NOT NULL;
CREATE INDEX jobs_fingerprint ON jobs (fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE files (
    job      INTEGER NOT NULL,
    row      INTEGER NOT NULL,
    name     TEXT NOT NULL,
    other    TEXT,
    root     INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    modified INTEGER,
    etag     TEXT,
    flags    INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    error    TEXT,
    PRIMARY KEY (job, row)
) WITHOUT ROWID;
CREATE INDEX files_failed ON files (job, row) WHERE state IN (4, 5);

CREATE TABLE receipts (
    job        INTEGER NOT NULL,
    row        INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    md5        BLOB,
    sha256     BLOB,
    crc        TEXT,
    etag       TEXT,
    part_size  INTEGER,
    version_id TEXT,
    proof      INTEGER NOT NULL,
    started    INTEGER NOT NULL,
    finished   INTEGER NOT NULL,
    PRIMARY KEY (job, row)
) WITHOUT ROWID;

CREATE TABLE uploads (
    job         INTEGER NOT NULL,
    row         INTEGER NOT NULL,
    bucket      TEXT NOT NULL,
    key         TEXT NOT NULL,
    -- Absent until the store has said it: then there may be one, and it is looked for.
    upload_id   TEXT,
    part_size   INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER,
    device      INTEGER,
    inode       INTEGER,
    intended    INTEGER NOT NULL,
    PRIMARY KEY (job, row)
) WITHOUT ROWID;
CREATE INDEX uploads_key ON uploads (bucket, key);

CREATE TABLE parts (
    job    INTEGER NOT NULL,
    row    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    etag   TEXT NOT NULL,
    md5    BLOB NOT NULL,
    PRIMARY KEY (job, row, number)
) WITHOUT ROWID;

CREATE TABLE drafts (
    job        INTEGER NOT NULL,
    row        INTEGER NOT NULL,
    temporary  TEXT NOT NULL,
    etag       TEXT,
    size       INTEGER NOT NULL,
    range_size INTEGER NOT NULL,
    PRIMARY KEY (job, row)
) WITHOUT ROWID;

CREATE TABLE ranges (
    job   INTEGER NOT NULL,
    row   INTEGER NOT NULL,
    start INTEGER NOT NULL,
    md5   BLOB NOT NULL,
    PRIMARY KEY (job, row, start)
) WITHOUT ROWID;

CREATE TABLE saved (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    spec     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    last_run INTEGER,
    last_job TEXT
) WITHOUT ROWID;
";

const CRC_OF_PARTS: &str = "ALTER TABLE parts ADD COLUMN crc BLOB";

/// Copies that were proved, while their originals may not be gone yet. They were parts with the number
/// 0 before. Parts that a store copies by itself have no sums.
const COPIES: &str = "
CREATE TABLE copies (
    job  INTEGER NOT NULL,
    row  INTEGER NOT NULL,
    etag TEXT,
    PRIMARY KEY (job, row)
) WITHOUT ROWID;
INSERT INTO copies SELECT job, row, nullif(etag, '') FROM parts WHERE number = 0;

CREATE TABLE parts_of_all (
    job    INTEGER NOT NULL,
    row    INTEGER NOT NULL,
    number INTEGER NOT NULL,
    etag   TEXT NOT NULL,
    md5    BLOB,
    crc    BLOB,
    PRIMARY KEY (job, row, number)
) WITHOUT ROWID;
INSERT INTO parts_of_all SELECT job, row, number, etag, md5, crc FROM parts WHERE number > 0;
DROP TABLE parts;
ALTER TABLE parts_of_all RENAME TO parts;
";

/// Brings the file up to date. Returns the version it has when that is newer than ours.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |row| row.get(0));
    if version(connection)? == VERSION {
        return Ok(None);
    }
    // Two Wherrys that start together must not both do it.
    let step = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = version(&step)?;
    if found > VERSION {
        return Ok(Some(found));
    }
    for sql in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        step.execute_batch(sql)?;
    }
    step.pragma_update(None, "user_version", VERSION)?;
    step.commit()?;
    Ok(None)
}
