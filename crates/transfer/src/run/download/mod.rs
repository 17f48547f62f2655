//! One object into one file.

mod check;
mod gone;
mod ranges;
mod turn;

use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::StreamExt;
use wherry_store::{ErrorKind, GetRequest, StoreError};

use self::check::Checked;
use self::turn::Turn;
use super::disk::{Disk, Draft, Folder};
use super::job::Stopped;
use super::{Shared, Tally};
use crate::error::FileError;
use crate::names;
use crate::plan::{Decided, DownloadItem, DownloadPlan};
use crate::receipt::{End, Proof, Receipt};
use crate::verify::{EtagForm, Sum, etag_of_sums, form_of, hex};

pub struct Downloads {
    plan: DownloadPlan,
    target: Arc<dyn Folder>,
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

impl Downloads {
    pub async fn open(
        plan: DownloadPlan,
        decided: &Decided,
        disk: &dyn Disk,
    ) -> Result<Self, FileError> {
        let target = disk.folder(&plan.folder).await?;
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
        let turn = Turn::default();
        let done = self.run_turn(row, shared, &turn).await;
        if let Err(stopped) = &done
            && !shared.keeps(stopped)
        {
            turn.give_up(row, self.name(row), &*self.target, shared)
                .await;
        }
        done
    }

    async fn run_turn(&self, row: u32, shared: &Arc<Shared>, turn: &Turn) -> Result<(), Stopped> {
        // A file that is being given its name gets it, cancelled or not, and must count: tried
        // again, it would be in its own way.
        let mut fetch = pin!(self.fetch(row, shared, turn));
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => {
                if !turn.naming.load(Ordering::Relaxed) {
                    return Err(Stopped::Cancelled);
                }
            }
            done = &mut fetch => return done.map_err(Stopped::Failed),
        }
        fetch.await.map_err(Stopped::Failed)
    }

    async fn fetch(&self, row: u32, shared: &Arc<Shared>, turn: &Turn) -> Result<(), FileError> {
        let Some(item) = self.plan.items.get(row as usize) else {
            let name = self.name(row);
            self.target.make(&name).await?;
            if shared.record.is_some() {
                self.target.settle(vec![name]).await?;
            }
            shared.done_without_proof(row);
            return Ok(());
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
        match fetching.once(Wanted::of(item), turn).await {
            // Replaced since the plan was made: what is there now is what is wanted.
            Err(FileError::ChangedThere { .. }) => {
                shared.board.forget_bytes(row);
                turn.give_up(row, self.name(row), &*self.target, shared)
                    .await;
                fetching.once(fetching.look().await?, turn).await
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
    target: &'a Arc<dyn Folder>,
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

    /// `naming` is set from where there is no way back.
    async fn once(&self, wanted: Wanted, turn: &Turn) -> Result<(), FileError> {
        let started = self.shared.clock.now();
        let (path, checked) = if let Some(checked) = self.arrived_before(&wanted).await? {
            self.shared.board.moved(self.row, wanted.size);
            (self.target.path().join(names::native(self.path)), checked)
        } else {
            let (draft, checked) = if wanted.size <= self.shared.fetch_whole {
                self.small(&wanted).await?
            } else {
                self.large(&wanted, turn).await?
            };
            turn.naming.store(true, Ordering::Relaxed);
            let contents = draft.contents();
            let path = match draft.finish(self.replace, wanted.modified).await {
                // Its ETag may be no hash, by which it would have been known at first sight.
                Err(FileError::InTheWay { path })
                    if self.has_these_bytes(&*contents, wanted.size).await? =>
                {
                    let at = self.path.to_owned();
                    turn.give_up(self.row, at, &**self.target, self.shared)
                        .await;
                    path
                }
                finished => finished?,
            };
            (path, checked)
        };
        // What is written down is believed for ever.
        if self.shared.record.is_some() {
            self.target.settle(vec![self.path.to_owned()]).await?;
        }
        let sha256 = self.shared.sha256_at(&path, checked.crc).await;
        self.shared.hand_over(self.row, || Receipt {
            from: End::Object {
                bucket: self.bucket.to_owned(),
                key: self.key.to_owned(),
            },
            to: End::File(path),
            size: wanted.size,
            md5: checked.md5.map(|sum| hex(&sum)),
            sha256,
            crc: Some(checked.crc),
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

    async fn small(&self, wanted: &Wanted) -> Result<(Box<dyn Draft>, Checked), FileError> {
        let _held = self.shared.memory.wait(wanted.size).await;
        let bytes = {
            let _permit = self.shared.request().await;
            self.shared.patience.with(|| self.collect(wanted)).await?
        };
        let size = bytes.len() as u64;
        let (draft, sum) = self.begin(bytes.into()).await?;
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let expected = match form_of(etag) {
            EtagForm::Whole => Some(hex(&sum.md5)),
            // Of one part: its MD5 is that of the whole.
            EtagForm::Parts(1) => Some(etag_of_sums(&[sum])),
            EtagForm::Parts(_) | EtagForm::Other => None,
        };
        let checked = Checked {
            proof: Proof::Size,
            md5: Some(sum.md5),
            crc: sum.crc,
        };
        match expected {
            Some(expected) => self
                .judge(wanted, size, &expected, checked)
                .await
                .map(|c| (draft, c)),
            None => self.guess_parts(wanted, draft, checked).await,
        }
    }

    async fn begin(&self, contents: Bytes) -> Result<(Box<dyn Draft>, Sum), FileError> {
        let temporary = match &self.shared.record {
            Some(record) => {
                record.may_begin(self.row).await?;
                record.draft_name(self.row)
            }
            None => self.shared.drafts.next(),
        };
        self.draft_named(&temporary, contents).await
    }

    async fn draft_named(
        &self,
        temporary: &str,
        contents: Bytes,
    ) -> Result<(Box<dyn Draft>, Sum), FileError> {
        let drafted = self
            .target
            .draft(self.path, temporary, contents.clone())
            .await;
        match drafted {
            // Of an earlier run of this job: nobody else has such a name.
            Err(FileError::NotWritable { reason, .. })
                if reason.kind() == io::ErrorKind::AlreadyExists =>
            {
                self.target.discard(self.path, temporary).await?;
                self.target.draft(self.path, temporary, contents).await
            }
            drafted => drafted,
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
