//! What is left of transfers that were cut off: found out from the journal, the store and the disk,
//! and either taken up or cleaned up.
//!
//! Nothing that the journal says is believed unseen. A part counts when the store lists it *and* its
//! hash is that of the file's bytes as they are now; a range when the bytes that are on the disk
//! have the hash they had when they arrived. What does not match is moved again. A file or an object
//! that is another one now is begun anew, never spliced.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::params;
use wherry_store::{
    CompletedPart, ErrorKind, ObjectHead, ObjectStore, StoreError, UploadId, UploadInfo,
};

use super::files::{PLAN_COLUMNS, plan_row, spec_of};
use super::halves::{Parts, Ranges};
use super::notes::forget;
use super::spec::{FOLDER, draft_name};
use super::{HalfDraft, HalfUpload, Journal, JournalError};
use crate::error::FileError;
use crate::run::FileState;
use crate::run::disk::{Contents, Disk, LocalFile};
use crate::verify::{EtagForm, Sum, etag_of_sums, form_of, hex};

/// A store refuses requests whose time is further from its own than this, so its times of what was
/// begun are no further from ours.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(15);

/// What there is of an upload.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub enum TakenUp {
    /// Nothing that can be gone on with: it is to be begun. An upload named here is of no use any
    /// more and is to be aborted first.
    Anew(Option<UploadId>),
    /// These parts are there and right.
    Parts(UploadId, Vec<(CompletedPart, Sum)>),
    /// It was completed, and only the answer was lost: the object, and the sums of the file's parts,
    /// which are those of the object's.
    Completed(ObjectHead, Vec<Sum>),
}

/// Looks what of an upload can be gone on with. `file` is open, as it is now.
pub async fn take_up(
    half: &HalfUpload,
    known: &Parts,
    part_size: u64,
    file: &dyn LocalFile,
    store: &Arc<dyn ObjectStore>,
) -> Result<TakenUp, FileError> {
    let Some(upload) = &half.upload else {
        return Ok(TakenUp::Anew(None));
    };
    let same_file = half.file == *file.identity() && half.part_size == part_size;
    if !same_file {
        return Ok(TakenUp::Anew(Some(upload.clone())));
    }
    let size = file.size();
    let length_of = |number: u32| {
        let begin = u64::from(number)
            .saturating_sub(1)
            .saturating_mul(part_size);
        (number > 0 && begin < size).then(|| (begin, part_size.min(size - begin)))
    };
    let listed = match store.list_parts(&half.bucket, &half.key, upload).await {
        Ok(listed) => listed,
        // Completed, aborted by somebody, or forgotten.
        Err(e) if e.kind == ErrorKind::NoSuchUpload => {
            return completed(half, part_size, file, store).await;
        }
        Err(e) if e.kind == ErrorKind::Unsupported => {
            return Ok(TakenUp::Anew(Some(upload.clone())));
        }
        Err(e) => return Err(e.into()),
    };
    let mut right = Vec::new();
    for part in listed {
        let Some((begin, length)) = length_of(part.number) else {
            continue;
        };
        if part.size != length {
            continue;
        }
        let sum = file.hash(begin, length).await?;
        let is_ours = known
            .get(&part.number)
            .is_some_and(|(etag, known)| *etag == part.etag && *known == sum);
        if is_ours || (form_of(&part.etag) == EtagForm::Whole && part.etag == hex(&sum.md5)) {
            right.push((part, sum));
        }
    }
    Ok(TakenUp::Parts(upload.clone(), right))
}

/// Whether the object is what the upload would have made of the file as it is now.
async fn completed(
    half: &HalfUpload,
    part_size: u64,
    file: &dyn LocalFile,
    store: &Arc<dyn ObjectStore>,
) -> Result<TakenUp, FileError> {
    let head = match store.head(&half.bucket, &half.key).await {
        Ok(head) => head,
        Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => {
            return Ok(TakenUp::Anew(None));
        }
        Err(e) => return Err(e.into()),
    };
    let (size, part_size) = (file.size(), part_size.max(1));
    let count = size.div_ceil(part_size);
    let etag = head.etag.as_deref().unwrap_or_default();
    let of_so_many = matches!(form_of(etag), EtagForm::Parts(found) if u64::from(found) == count);
    if head.size != size || !of_so_many {
        return Ok(TakenUp::Anew(None));
    }
    let mut sums = Vec::new();
    for begin in (0..count).map(|part| part * part_size) {
        sums.push(file.hash(begin, part_size.min(size - begin)).await?);
    }
    if etag_of_sums(&sums) != etag {
        return Ok(TakenUp::Anew(None));
    }
    Ok(TakenUp::Completed(head, sums))
}

/// The ranges of a draft that are on the disk as they arrived.
pub async fn ranges_there(
    half: &HalfDraft,
    known: &Ranges,
    contents: &dyn Contents,
) -> Result<BTreeMap<u64, Sum>, FileError> {
    let there = contents.size().await?;
    let mut right = BTreeMap::new();
    for (start, md5) in known {
        let end = (start + half.range_size).min(half.size);
        if *start >= end || end > there {
            continue;
        }
        let range = *start..end;
        let found = contents.hash(Vec::from([range])).await?;
        if let Some(sum) = found.first().filter(|sum| sum.md5 == *md5) {
            right.insert(*start, *sum);
        }
    }
    Ok(right)
}

/// Uploads of exactly this key that were begun since, have no parts, and that nobody here knows: those
/// whose beginning was answered to nobody.
pub async fn lost_uploads(
    store: &Arc<dyn ObjectStore>,
    bucket: &str,
    key: &str,
    since: DateTime<Utc>,
    known: &HashSet<String, impl std::hash::BuildHasher>,
) -> Result<Vec<UploadId>, StoreError> {
    let listed = match store.list_uploads(bucket, key).await {
        Ok(listed) => listed,
        // Then there is no finding out.
        Err(e) if e.kind == ErrorKind::Unsupported => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut lost = Vec::new();
    for upload in perhaps_lost(listed, key, since, known) {
        match store.list_parts(bucket, key, &upload).await {
            Ok(parts) if parts.is_empty() => lost.push(upload),
            Ok(_) => {}
            Err(e) if e.kind == ErrorKind::NoSuchUpload => {}
            Err(e) => return Err(e),
        }
    }
    Ok(lost)
}

/// Those of a listing that may be: whether one has parts is still to be asked.
pub(crate) fn perhaps_lost(
    listed: Vec<UploadInfo>,
    key: &str,
    since: DateTime<Utc>,
    known: &HashSet<String, impl std::hash::BuildHasher>,
) -> Vec<UploadId> {
    let ours = |info: &UploadInfo| {
        info.key == key
            && !known.contains(&info.upload.0)
            && info.started.is_none_or(|at| at >= since - CLOCKS_APART)
    };
    let perhaps = listed.into_iter().filter(ours);
    perhaps.map(|info| info.upload).collect()
}

/// What [`clear`] did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    pub uploads: u64,
    pub drafts: u64,
    /// Could not be cleaned up now, and is still known.
    pub left: u64,
}

/// Removes what a job that nobody runs has left: its uploads, when its store is at hand, and its
/// drafts. Of a job that may still go on it must not be asked.
pub async fn clear(
    journal: &Journal,
    id: &str,
    store: Option<&Arc<dyn ObjectStore>>,
    disk: &dyn Disk,
) -> Result<Cleared, JournalError> {
    let _claim = journal.claim(id)?;
    journal.flush().await?;
    let cleared = clear_claimed(journal, id, store, disk).await?;
    journal.forget_removed().await?;
    Ok(cleared)
}

/// The same, for whoever has the job's claim.
pub(crate) async fn clear_claimed(
    journal: &Journal,
    id: &str,
    store: Option<&Arc<dyn ObjectStore>>,
    disk: &dyn Disk,
) -> Result<Cleared, JournalError> {
    let n = journal.job(id)?.n;
    let mut cleared = Cleared::default();
    for half in journal.half_uploads_of(id)? {
        let over = match store {
            Some(store) => abort(journal, &half, store).await,
            None => Ok(false),
        };
        match over {
            Ok(true) => {
                let row = half.row;
                let tables = ["uploads", "parts"];
                journal
                    .written(false, move |c| forget(c, n, row, tables))
                    .await?;
                cleared.uploads += 1;
            }
            Ok(false) => cleared.left += 1,
            Err(e) => {
                tracing::warn!(%e, "an unfinished upload could not be cleaned up");
                cleared.left += 1;
            }
        }
    }
    clear_drafts(journal, id, n, disk, &mut cleared).await?;
    Ok(cleared)
}

/// Whether it is certain that nothing of an upload is left.
pub(crate) async fn abort(
    journal: &Journal,
    half: &HalfUpload,
    store: &Arc<dyn ObjectStore>,
) -> Result<bool, StoreError> {
    let uploads = match &half.upload {
        Some(upload) => vec![upload.clone()],
        None => {
            let Ok(known) = known_uploads(journal, &half.bucket, &half.key) else {
                return Ok(false);
            };
            lost_uploads(store, &half.bucket, &half.key, half.intended, &known).await?
        }
    };
    for upload in uploads {
        match store.abort_upload(&half.bucket, &half.key, &upload).await {
            Ok(()) => {}
            Err(e) if matches!(e.kind, ErrorKind::NoSuchUpload | ErrorKind::NoSuchBucket) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// The ids of uploads of a key that some job here is at.
pub(crate) fn known_uploads(
    journal: &Journal,
    bucket: &str,
    key: &str,
) -> Result<HashSet<String>, JournalError> {
    let halves = journal.half_uploads_of_key(bucket, key)?;
    Ok(halves
        .into_iter()
        .filter_map(|half| half.upload.map(|id| id.0))
        .collect())
}

async fn clear_drafts(
    journal: &Journal,
    id: &str,
    n: i64,
    disk: &dyn Disk,
    cleared: &mut Cleared,
) -> Result<(), JournalError> {
    let drafts = drafts_of(journal, id, n)?;
    if drafts.names.is_empty() {
        return finish_drafts(journal, n, drafts.begun_to).await;
    }
    // What moves nothing into a folder has begun files, and left nothing of them on the disk.
    let Some(folder) = drafts.folder else {
        return finish_drafts(journal, n, drafts.begun_to).await;
    };
    let folder = match disk.folder(&folder).await {
        Ok(folder) => folder,
        // A folder that is gone took its drafts along.
        Err(FileError::Vanished { .. }) => {
            return finish_drafts(journal, n, drafts.begun_to).await;
        }
        Err(e) => {
            let gone = matches!(&e, FileError::NotWritable { reason, .. } if reason.kind() == std::io::ErrorKind::NotFound);
            if gone {
                return finish_drafts(journal, n, drafts.begun_to).await;
            }
            tracing::warn!(%e, "half a download could not be cleaned up");
            cleared.left += 1;
            return Ok(());
        }
    };
    let mut left = false;
    let mut paths = Vec::with_capacity(drafts.names.len());
    for (path, temporary) in drafts.names {
        match folder.discard(&path, &temporary).await {
            Ok(()) => cleared.drafts += 1,
            Err(e) => {
                tracing::warn!(%e, "half a download could not be cleaned up");
                cleared.left += 1;
                left = true;
            }
        }
        paths.push(path);
    }
    // They must not come back when nobody knows of them any more.
    if let Err(e) = folder.settle(one_of_each_folder(paths)).await {
        tracing::warn!(%e, "half a download may come back");
        left = true;
    }
    if left {
        return Ok(());
    }
    finish_drafts(journal, n, drafts.begun_to).await
}

fn one_of_each_folder(mut paths: Vec<String>) -> Vec<String> {
    let folder = |path: &str| path.rsplit_once('/').map_or(0, |(folder, _)| folder.len());
    paths.sort_unstable_by(|a, b| a[..folder(a)].cmp(&b[..folder(b)]));
    paths.dedup_by(|a, b| a[..folder(a)] == b[..folder(b)]);
    paths
}

async fn finish_drafts(journal: &Journal, n: i64, begun_to: i64) -> Result<(), JournalError> {
    journal
        .written(false, move |c| {
            c.execute("DELETE FROM drafts WHERE job = ?1", [n])?;
            c.execute("DELETE FROM ranges WHERE job = ?1", [n])?;
            c.execute(
                "UPDATE jobs SET begun_to = 0 WHERE n = ?1 AND begun_to = ?2",
                params![n, begun_to],
            )
            .map(drop)
        })
        .await
}

struct Drafts {
    folder: Option<std::path::PathBuf>,
    /// The file's path, and the draft's name beside it.
    names: Vec<(String, String)>,
    begun_to: i64,
}

/// All drafts that a job may have on the disk: those that are written down, and one for each file
/// that may have been begun and is not done.
fn drafts_of(journal: &Journal, id: &str, n: i64) -> Result<Drafts, JournalError> {
    journal.read(|c| {
        let spec = spec_of(c, n)?;
        let begun_to: i64 =
            c.query_row("SELECT begun_to FROM jobs WHERE n = ?1", [n], |r| r.get(0))?;
        let mut query = c.prepare_cached(&format!(
            "SELECT files.row, {PLAN_COLUMNS}, drafts.temporary FROM files
             LEFT JOIN drafts ON drafts.job = files.job AND drafts.row = files.row
             WHERE files.job = ?1 AND (drafts.row IS NOT NULL
                OR (files.row < ?2 AND files.state NOT IN (2, 3) AND files.flags & 4 = 0))"
        ))?;
        let mut rows = query.query(params![n, begun_to])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let number: u32 = row.get(0)?;
            let plan = plan_row(row, 1)?;
            if plan.flags & FOLDER != 0 || plan.state == FileState::Done {
                continue;
            }
            let own = draft_name(id, number);
            if let Some(written) = row.get::<_, Option<String>>(9)?
                && written != own
            {
                names.push((plan.name.clone(), written));
            }
            names.push((plan.name, own));
        }
        Ok(Drafts {
            folder: spec.folder(),
            names,
            begun_to,
        })
    })
}

/// Removes the drafts of small files that a run which was cut off may have left; the large ones'
/// are kept for going on with. For a job that is claimed and about to run.
pub(crate) async fn clear_small_drafts(
    journal: &Journal,
    id: &str,
    disk: &dyn Disk,
) -> Result<(), JournalError> {
    let n = journal.job(id)?.n;
    let drafts = drafts_of(journal, id, n)?;
    let large: HashSet<String> = journal
        .half_drafts_of(id)?
        .into_iter()
        .map(|draft| draft.temporary)
        .collect();
    let names: Vec<_> = drafts
        .names
        .into_iter()
        .filter(|(_, temporary)| !large.contains(temporary))
        .collect();
    let Some(folder) = drafts.folder.filter(|_| !names.is_empty()) else {
        return Ok(());
    };
    let Ok(folder) = disk.folder(&folder).await else {
        return Ok(());
    };
    for (path, temporary) in names {
        if let Err(e) = folder.discard(&path, &temporary).await {
            tracing::warn!(%e, "half a download could not be cleaned up");
        }
    }
    Ok(())
}
