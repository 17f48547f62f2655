//! One object into one file.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::StreamExt;
use md5::{Digest, Md5};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use wherry_store::{ErrorKind, GetRequest, StoreError};

use super::job::Stopped;
use super::read::{read_exact_at, write_all_at};
use super::target::{Draft, Target};
use super::{Shared, Tally};
use crate::error::FileError;
use crate::plan::{Decided, DownloadItem, DownloadPlan};
use crate::receipt::{End, Proof, Receipt};
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex, likely_part_sizes, md5_of};

/// Objects up to here are held whole, checked, and written at once.
const IN_MEMORY: u64 = 8 << 20;

/// Larger ones are fetched in ranges of this, unless the parts they were uploaded in suit better.
const RANGE: u64 = 16 << 20;

/// Chunks between a connection and the disk, and what they take of the memory budget.
const CHUNKS: usize = 3;
const STREAMING: u64 = 2 << 20;

/// Ranges of one object under way at once: enough to fill a long line, few enough for a small cost.
const AT_ONCE: usize = 8;

/// A multipart ETag is tried with so many part sizes before the object's size has to do as proof.
const GUESSES: usize = 3;

pub struct Downloads {
    plan: DownloadPlan,
    target: Arc<Target>,
    overwrite: std::collections::HashSet<u32>,
    overwrite_any: bool,
}

/// The object as it is now; refreshed when the plan turns out to be old.
#[derive(Clone)]
struct Wanted {
    size: u64,
    etag: Option<String>,
    modified: Option<SystemTime>,
}

impl Wanted {
    fn of(item: &DownloadItem) -> Self {
        let since = |millis: i64| u64::try_from(millis).ok().map(Duration::from_millis);
        Self {
            size: item.size,
            etag: item.etag.as_deref().map(str::to_owned),
            modified: item
                .modified
                .and_then(since)
                .and_then(|d| SystemTime::UNIX_EPOCH.checked_add(d)),
        }
    }
}

/// How the bytes that were written are known to be the object's.
struct Checked {
    proof: Proof,
    md5: Option<Md5Sum>,
}

impl Downloads {
    /// Blocks.
    pub fn open(plan: DownloadPlan, decided: &Decided) -> Result<Self, FileError> {
        let target = Arc::new(Target::open(&plan.folder)?);
        Ok(Self {
            plan,
            target,
            overwrite: decided.overwrite.clone(),
            overwrite_any: decided.overwrite_any,
        })
    }

    /// Rows: the objects, then the folders that have none.
    pub fn totals(&self) -> (usize, u64) {
        let bytes = self.plan.items.iter().map(|i| i.size).sum();
        (self.plan.items.len() + self.plan.folders.len(), bytes)
    }

    pub fn name(&self, row: u32) -> String {
        match self.plan.items.get(row as usize) {
            Some(item) => item.path.to_string(),
            None => self
                .plan
                .folders
                .get(row as usize - self.plan.items.len())
                .cloned()
                .unwrap_or_default(),
        }
    }

    pub fn size(&self, row: u32) -> u64 {
        self.plan.items.get(row as usize).map_or(0, |i| i.size)
    }

    pub async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        tokio::select! {
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            done = self.fetch(row, shared) => done.map_err(Stopped::Failed),
        }
    }

    async fn fetch(&self, row: u32, shared: &Arc<Shared>) -> Result<(), FileError> {
        let Some(item) = self.plan.items.get(row as usize) else {
            let (target, folder) = (Arc::clone(&self.target), self.name(row));
            return off_thread(&self.target, move || target.folder(&folder)).await;
        };
        let fetching = Fetching {
            shared,
            bucket: &self.plan.bucket,
            key: &item.key,
            path: &item.path,
            row,
            target: &self.target,
            replace: self.overwrite_any || self.overwrite.contains(&row),
        };
        match fetching.once(Wanted::of(item)).await {
            // Replaced since the plan was made: what is there now is what is wanted.
            Err(FileError::ChangedThere { .. }) => {
                shared.board.forget_bytes(row);
                fetching.once(fetching.look().await?).await
            }
            done => done,
        }
    }
}

struct Fetching<'a> {
    shared: &'a Arc<Shared>,
    bucket: &'a str,
    key: &'a str,
    path: &'a str,
    row: u32,
    target: &'a Arc<Target>,
    replace: bool,
}

impl Fetching<'_> {
    async fn look(&self) -> Result<Wanted, FileError> {
        let head = self
            .shared
            .patience
            .with(|| self.shared.store.head(self.bucket, self.key))
            .await?;
        Ok(Wanted {
            size: head.size,
            etag: head.etag,
            modified: head.modified.map(SystemTime::from),
        })
    }

    async fn once(&self, wanted: Wanted) -> Result<(), FileError> {
        let started = self.shared.clock.now();
        let (draft, checked) = if wanted.size <= IN_MEMORY {
            self.small(&wanted).await?
        } else {
            self.large(&wanted).await?
        };
        let (replace, modified) = (self.replace, wanted.modified);
        let path = off_thread(self.target, move || draft.finish(replace, modified)).await?;
        self.shared.hand_over(|| Receipt {
            from: End::Object {
                bucket: self.bucket.to_owned(),
                key: self.key.to_owned(),
            },
            to: End::File(path),
            size: wanted.size,
            md5: checked.md5.map(|sum| hex(&sum)),
            etag: wanted.etag,
            part_size: None,
            version_id: None,
            proof: checked.proof,
            started,
            finished: self.shared.clock.now(),
        });
        Ok(())
    }

    fn request(&self, wanted: &Wanted, range: Option<Range<u64>>) -> GetRequest {
        GetRequest {
            bucket: self.bucket.to_owned(),
            key: self.key.to_owned(),
            range,
            if_match: wanted.etag.clone(),
        }
    }

    async fn small(&self, wanted: &Wanted) -> Result<(Draft, Checked), FileError> {
        let _held = self.shared.memory(wanted.size).await;
        let bytes = {
            let _permit = self.shared.request().await;
            self.shared.patience.with(|| self.collect(wanted)).await?
        };
        let (target, path) = (Arc::clone(self.target), self.path.to_owned());
        let written = off_thread(self.target, move || {
            let sum = md5_of(&bytes);
            let draft = target.draft(&path)?;
            write_all_at(&draft.file(), &bytes, 0).map_err(|e| draft.error(e))?;
            Ok((draft, sum, bytes.len() as u64))
        });
        let (draft, sum, size) = written.await?;
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let expected = match form_of(etag) {
            EtagForm::Whole => Some(hex(&sum)),
            // Of one part: its MD5 is that of the whole.
            EtagForm::Parts(1) => Some(etag_of_parts(&[sum])),
            EtagForm::Parts(_) | EtagForm::Other => None,
        };
        let checked = Checked {
            proof: Proof::Size,
            md5: Some(sum),
        };
        match expected {
            Some(expected) => self
                .judge(wanted, size, &expected, checked)
                .await
                .map(|c| (draft, c)),
            None => self.guess_parts(wanted, draft, checked).await,
        }
    }

    async fn collect(&self, wanted: &Wanted) -> Result<Vec<u8>, FileError> {
        let response = self.get(wanted, None).await?;
        let mut bytes = Vec::with_capacity(wanted.size as usize);
        let mut body = response.body;
        let mut tally = Tally::new(self.shared, self.row);
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if bytes.len() + chunk.len() > wanted.size as usize {
                return Err(too_long().into());
            }
            tally.moved(chunk.len() as u64);
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() as u64 != wanted.size {
            return Err(cut_short(bytes.len() as u64, wanted.size).into());
        }
        tally.keep();
        Ok(bytes)
    }

    async fn get(
        &self,
        wanted: &Wanted,
        range: Option<Range<u64>>,
    ) -> Result<wherry_store::GetResponse, FileError> {
        let changed = || FileError::ChangedThere {
            key: self.key.to_owned(),
        };
        let expected = range.as_ref().map_or(wanted.size, |r| r.end - r.start);
        let response = match self.shared.store.get(self.request(wanted, range)).await {
            Err(e) if e.kind == ErrorKind::Changed => return Err(changed()),
            response => response?,
        };
        // Stores that do not know the condition still say what they send.
        let same_etag = match (&wanted.etag, &response.head.etag) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        if response.head.size != wanted.size || !same_etag {
            return Err(changed());
        }
        if response.length != expected {
            return Err(cut_short(response.length, expected).into());
        }
        Ok(response)
    }

    /// Ranges at once, each written to its place, hashed on the way where that will be of use.
    async fn large(&self, wanted: &Wanted) -> Result<(Draft, Checked), FileError> {
        let (target, path) = (Arc::clone(self.target), self.path.to_owned());
        let draft = off_thread(self.target, move || target.draft(&path)).await?;
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let guesses = match form_of(etag) {
            EtagForm::Parts(count) => likely_part_sizes(wanted.size, count),
            _ => Vec::new(),
        };
        let range = guesses
            .first()
            .copied()
            .filter(|g| (1 << 20..=4 * RANGE).contains(g))
            .unwrap_or(RANGE);
        let sums = self.ranges(wanted, &draft, range).await?;
        let checked = Checked {
            proof: Proof::Size,
            md5: None,
        };
        if form_of(etag) == EtagForm::Whole {
            let sum = hash_file(&draft, vec![wanted.size], wanted.size)
                .await?
                .first()
                .copied();
            let Some(sum) = sum else {
                return Ok((draft, checked));
            };
            let checked = Checked {
                md5: Some(sum),
                ..checked
            };
            let checked = self.judge(wanted, wanted.size, &hex(&sum), checked).await?;
            return Ok((draft, checked));
        }
        if guesses.first() == Some(&range) && etag_of_parts(&sums) == etag {
            return Ok((
                draft,
                Checked {
                    proof: Proof::Etag,
                    ..checked
                },
            ));
        }
        self.guess_parts(wanted, draft, checked).await
    }

    async fn ranges(
        &self,
        wanted: &Wanted,
        draft: &Draft,
        size: u64,
    ) -> Result<Vec<Md5Sum>, FileError> {
        let mut under_way = JoinSet::new();
        let mut sums = Vec::new();
        let mut start = 0;
        while start < wanted.size {
            let range = start..(start + size).min(wanted.size);
            start = range.end;
            if under_way.len() >= AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                sums.push(range_ended(ended)?);
            }
            let held = self.shared.memory(STREAMING).await;
            let permit = self.shared.request().await;
            while let Some(ended) = under_way.try_join_next() {
                sums.push(range_ended(ended)?);
            }
            let (shared, target) = (Arc::clone(self.shared), Arc::clone(self.target));
            let (bucket, key, path) = (
                self.bucket.to_owned(),
                self.key.to_owned(),
                self.path.to_owned(),
            );
            let (row, replace, wanted, file) =
                (self.row, self.replace, wanted.clone(), draft.file());
            under_way.spawn(async move {
                let _held = (held, permit);
                let fetching = Fetching {
                    shared: &shared,
                    bucket: &bucket,
                    key: &key,
                    path: &path,
                    row,
                    target: &target,
                    replace,
                };
                let begin = range.start;
                let fetched = shared
                    .patience
                    .with(|| fetching.range(&wanted, range.clone(), &file));
                fetched.await.map(|sum| (begin, sum))
            });
        }
        while let Some(ended) = under_way.join_next().await {
            sums.push(range_ended(ended)?);
        }
        sums.sort_unstable_by_key(|(begin, _)| *begin);
        Ok(sums.into_iter().map(|(_, sum)| sum).collect())
    }

    async fn range(
        &self,
        wanted: &Wanted,
        range: Range<u64>,
        file: &Arc<std::fs::File>,
    ) -> Result<Md5Sum, FileError> {
        let mut body = self.get(wanted, Some(range.clone())).await?.body;
        let (chunks, mut arriving) = mpsc::channel::<Bytes>(CHUNKS);
        let (file, length) = (Arc::clone(file), range.end - range.start);
        let writer = spawn_blocking(move || -> io::Result<Md5Sum> {
            let (mut hash, mut at) = (Md5::new(), range.start);
            while let Some(chunk) = arriving.blocking_recv() {
                hash.update(&chunk);
                write_all_at(&file, &chunk, at)?;
                at += chunk.len() as u64;
            }
            Ok(hash.finalize().into())
        });
        let mut tally = Tally::new(self.shared, self.row);
        let mut broken = None;
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) if tally.bytes + chunk.len() as u64 > length => {
                    broken = Some(too_long());
                    break;
                }
                Ok(chunk) => {
                    tally.moved(chunk.len() as u64);
                    // Closed when the disk refused; the writer says why.
                    if chunks.send(chunk).await.is_err() {
                        break;
                    }
                }
                Err(e) => {
                    broken = Some(e);
                    break;
                }
            }
        }
        drop(chunks);
        let written = writer
            .await
            .map_err(io::Error::other)
            .and_then(|result| result);
        let sum =
            written.map_err(|e| FileError::writing(self.target.path(), self.path.as_ref(), e))?;
        if let Some(error) = broken {
            return Err(error.into());
        }
        if tally.bytes != length {
            return Err(cut_short(tally.bytes, length).into());
        }
        tally.keep();
        Ok(sum)
    }

    /// Compares what the ETag says with what was found. Where they differ, and nothing is known of
    /// this store's ETags yet, a second reading tells damage from an ETag that is no hash.
    async fn judge(
        &self,
        wanted: &Wanted,
        size: u64,
        found: &str,
        checked: Checked,
    ) -> Result<Checked, FileError> {
        let habit = &self.shared.etags;
        let etag = wanted.etag.as_deref().unwrap_or_default();
        if etag == found {
            habit.learn(true);
            return Ok(Checked {
                proof: Proof::Etag,
                ..checked
            });
        }
        if habit.are_hashes() == Some(false) {
            return Ok(checked);
        }
        if habit.are_hashes().is_none()
            && size == wanted.size
            && self.read_again(wanted).await? == checked.md5
        {
            habit.learn(false);
            return Ok(checked);
        }
        let (expected, found) = (etag.to_owned(), found.to_owned());
        Err(FileError::Mismatch {
            name: self.key.to_owned(),
            expected,
            found,
        })
    }

    async fn read_again(&self, wanted: &Wanted) -> Result<Option<Md5Sum>, FileError> {
        let read = self.shared.patience.with(|| async {
            let mut body = self.get(wanted, None).await?.body;
            let mut hash = Md5::new();
            while let Some(chunk) = body.next().await {
                hash.update(chunk?);
            }
            Ok::<Md5Sum, FileError>(hash.finalize().into())
        });
        Ok(Some(read.await?))
    }

    /// Tries the usual part sizes on the written file. None of them matching proves nothing: the
    /// client that uploaded it may have had a size of its own.
    async fn guess_parts(
        &self,
        wanted: &Wanted,
        draft: Draft,
        checked: Checked,
    ) -> Result<(Draft, Checked), FileError> {
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let EtagForm::Parts(count) = form_of(etag) else {
            return Ok((draft, checked));
        };
        for guess in likely_part_sizes(wanted.size, count)
            .into_iter()
            .take(GUESSES)
        {
            let cuts = (0..count).map(|_| guess).collect();
            if etag_of_parts(&hash_file(&draft, cuts, wanted.size).await?) == etag {
                return Ok((
                    draft,
                    Checked {
                        proof: Proof::Etag,
                        ..checked
                    },
                ));
            }
        }
        Ok((draft, checked))
    }
}

type RangeEnded = Result<Result<(u64, Md5Sum), FileError>, tokio::task::JoinError>;

fn range_ended(ended: RangeEnded) -> Result<(u64, Md5Sum), FileError> {
    match ended {
        Ok(result) => result,
        Err(e) => Err(StoreError::new(ErrorKind::Other, DOING, e.to_string()).into()),
    }
}

const DOING: &str = "download the object";

fn cut_short(found: u64, expected: u64) -> StoreError {
    let words = format!("only {found} of {expected} bytes arrived");
    StoreError::new(ErrorKind::Interrupted, DOING, words)
}

fn too_long() -> StoreError {
    StoreError::new(
        ErrorKind::Damaged,
        DOING,
        "more bytes arrived than the object has",
    )
}

/// MD5s of consecutive stretches of the file, the last one cut at its end.
async fn hash_file(
    draft: &Draft,
    stretches: Vec<u64>,
    size: u64,
) -> Result<Vec<Md5Sum>, FileError> {
    let file = draft.file();
    let hashed = spawn_blocking(move || -> io::Result<Vec<Md5Sum>> {
        let (mut sums, mut at) = (Vec::with_capacity(stretches.len()), 0);
        let mut buffer = vec![0; 1 << 20];
        for stretch in stretches {
            let (mut hash, end) = (Md5::new(), (at + stretch).min(size));
            while at < end {
                let piece = (end - at).min(buffer.len() as u64) as usize;
                read_exact_at(&file, &mut buffer[..piece], at)?;
                hash.update(&buffer[..piece]);
                at += piece as u64;
            }
            sums.push(hash.finalize().into());
        }
        Ok(sums)
    });
    hashed
        .await
        .map_err(io::Error::other)
        .and_then(|r| r)
        .map_err(|e| draft.error(e))
}

async fn off_thread<T: Send + 'static>(
    target: &Target,
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(FileError::writing(
            target.path(),
            "".as_ref(),
            io::Error::other(e),
        )),
    }
}
