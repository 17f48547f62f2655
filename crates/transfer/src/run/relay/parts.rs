//! Large objects: fetched and sent in parts at once, and completed; or kept for later, or aborted.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use md5::{Digest, Md5};
use sha2::Sha256;
use tokio::sync::watch;
use tokio::task::JoinSet;
use wherry_store::{
    Body, CompletedPart, ContentCheck, ErrorKind, PutOutcome, StoreError, UploadId,
    UploadPartRequest,
};

use super::begin::{Begun, Have};
use super::{DOING, Relayed, Relaying, hashing};
use crate::crc::Crc;
use crate::error::FileError;
use crate::run::Tally;
use crate::run::in_parts::{InParts, begun};
use crate::run::job::Stopped;
use crate::verify::{EtagForm, Sum, etag_of_sums, form_of, hex};

/// Parts of one object under way at once.
const AT_ONCE: usize = 4;

/// Hashes of a whole object whose parts come in any order: each waits for its turn.
struct Whole {
    hashes: Mutex<Hashes>,
    hashed: watch::Sender<u32>,
}

struct Hashes {
    md5: Md5,
    sha256: Option<Sha256>,
}

/// All parts, in their order.
struct Sent {
    parts: Vec<CompletedPart>,
    sums: Vec<Sum>,
    sha256: Option<String>,
}

impl Relaying {
    pub(super) async fn parts(&self, part: u64, count: u32) -> Result<Relayed, Stopped> {
        let shared = &self.shared;
        let asked = AtomicBool::new(false);
        let begun = begun(shared, &asked, self.begin(part, &asked)).await?;
        let (upload, have) = match begun {
            Begun::Upload(upload, have) => (upload, have),
            Begun::Completed(outcome, sums) => {
                shared.board.moved(self.row, self.size);
                return self.arrived(outcome, &sums, None, part).await;
            }
        };
        let sent = tokio::select! {
            biased;
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            sent = self.send_parts(&upload, part, count, have) => sent.map_err(Stopped::Failed),
        };
        let completed = match sent {
            Ok(sent) => self
                .complete(&upload, &sent.parts, &etag_of_sums(&sent.sums), part)
                .await
                .map_err(Stopped::Failed)
                .map(|outcome| (outcome, sent)),
            Err(stopped) => Err(stopped),
        };
        match completed {
            Ok((outcome, sent)) => self.arrived(outcome, &sent.sums, sent.sha256, part).await,
            Err(stopped) => {
                self.in_parts().stopped(&upload, &stopped).await;
                Err(stopped)
            }
        }
    }

    async fn arrived(
        &self,
        outcome: PutOutcome,
        sums: &[Sum],
        sha256: Option<String>,
        part: u64,
    ) -> Result<Relayed, Stopped> {
        let crc = Crc::of_parts(sums.iter().map(|sum| sum.crc), part, self.size);
        let (proof, etag) = self
            .at_store()
            .verify(&outcome, &etag_of_sums(sums), Some(part), Some(crc))
            .await?;
        Ok(Relayed {
            outcome: PutOutcome { etag, ..outcome },
            md5: None,
            sha256,
            crc: Some(crc),
            part_size: Some(part),
            proof,
        })
    }

    async fn send_parts(
        &self,
        upload: &UploadId,
        part: u64,
        count: u32,
        mut have: Have,
    ) -> Result<Sent, FileError> {
        // An ETag of the whole can only be compared with all bytes in their order.
        let hashes_whole = self.etag.as_deref().map(form_of) == Some(EtagForm::Whole)
            && self.source_etags.are_hashes(false) != Some(false);
        // What an earlier run has sent is not fetched again for the sake of a receipt.
        let wants_sha256 = self.shared.sha256 && (hashes_whole || have.is_empty());
        let whole = (hashes_whole || wants_sha256).then(|| {
            Arc::new(Whole {
                hashes: Mutex::new(Hashes {
                    md5: Md5::new(),
                    sha256: wants_sha256.then(Sha256::new),
                }),
                hashed: watch::channel(0).0,
            })
        });
        let mut under_way = JoinSet::new();
        let mut done: Vec<(CompletedPart, Sum)> = Vec::with_capacity(count as usize);
        for number in 1..=count {
            let there = have.remove(&number);
            if let (Some((part, sum)), None) = (&there, &whole) {
                self.shared.board.moved(self.row, part.size);
                done.push((part.clone(), *sum));
                continue;
            }
            if under_way.len() >= AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                done.push(part_ended(ended)?);
            }
            let start = u64::from(number - 1) * part;
            let range = start..(start + part).min(self.size);
            // Memory first, then the request: everybody in this order, so nobody waits in a ring.
            let held = self.shared.memory.wait(range.end - range.start).await;
            let permit = self.shared.request().await;
            while let Some(ended) = under_way.try_join_next() {
                done.push(part_ended(ended)?);
            }
            let (relaying, upload) = (self.clone(), upload.clone());
            let whole = whole.clone();
            under_way.spawn(async move {
                let _held = (held, permit);
                let passed = match there {
                    Some(there) => relaying.pass(there, range, whole.clone()).await,
                    None => relaying.part(&upload, number, range, whole.clone()).await,
                };
                if let (Err(_), Some(whole)) = (&passed, whole) {
                    whole.give_up();
                }
                passed
            });
        }
        while let Some(ended) = under_way.join_next().await {
            done.push(part_ended(ended)?);
        }
        done.sort_unstable_by_key(|(part, _)| part.number);
        let (mut md5, mut sha256) = (None, None);
        if let Some(whole) = whole {
            let hashes = whole.lock();
            md5 = hashes_whole.then(|| hex(&hashes.md5.clone().finalize()));
            sha256 = hashes.sha256.clone().map(|hash| hex(&hash.finalize()));
        }
        if let Some(md5) = md5 {
            self.check_source(&md5, || self.read_source_again()).await?;
        }
        let (parts, sums) = done.into_iter().unzip();
        Ok(Sent {
            parts,
            sums,
            sha256,
        })
    }

    /// A part that is there already, whose bytes are only wanted for the MD5 of the whole.
    async fn pass(
        &self,
        there: (CompletedPart, Sum),
        range: Range<u64>,
        whole: Option<Arc<Whole>>,
    ) -> Result<(CompletedPart, Sum), FileError> {
        let (bytes, sum, _) = self.fetch(range).await?;
        if sum != there.1 {
            return Err(FileError::ChangedThere {
                key: self.from_key.clone(),
            });
        }
        if let Some(whole) = whole {
            whole.add(there.0.number, bytes).await?;
        }
        self.shared.board.moved(self.row, there.0.size);
        Ok(there)
    }

    async fn part(
        &self,
        upload: &UploadId,
        number: u32,
        range: Range<u64>,
        whole: Option<Arc<Whole>>,
    ) -> Result<(CompletedPart, Sum), FileError> {
        let length = range.end - range.start;
        let (bytes, sum, _) = self.fetch(range).await?;
        if let Some(whole) = whole {
            whole.add(number, bytes.clone()).await?;
        }
        let request = UploadPartRequest {
            bucket: self.to_bucket.clone(),
            key: self.to_key.clone(),
            upload: upload.clone(),
            number,
            body: Body::Bytes(bytes),
            check: ContentCheck {
                md5: Some(sum.md5),
                sha256: None,
            },
        };
        let send = || {
            let sent = self.shared.store.upload_part(request.clone());
            Tally::new(&self.shared, self.row).sending(length, sent)
        };
        let completed = self.shared.patience.with(send).await?;
        if let Some(record) = &self.shared.record {
            record.part_done(self.row, &completed, sum);
        }
        Ok((completed, sum))
    }

    async fn complete(
        &self,
        upload: &UploadId,
        parts: &[CompletedPart],
        expected: &str,
        part: u64,
    ) -> Result<PutOutcome, FileError> {
        let shared = &self.shared;
        if self.if_absent
            && let Err(in_the_way) = self.check_absent().await
        {
            // By an attempt of ours whose answer was lost, or by somebody else.
            let Some(outcome) = self.at_store().sent_before(expected, Some(part)).await? else {
                return Err(in_the_way);
            };
            self.in_parts().abort(upload).await;
            return Ok(outcome);
        }
        let complete = || {
            shared
                .store
                .complete_upload(&self.to_bucket, &self.to_key, upload, parts)
        };
        match shared.patience.with(complete).await {
            Ok(outcome) => Ok(outcome),
            // Its first answer may have been lost on the way: then the object is there.
            Err(e) if e.kind == ErrorKind::NoSuchUpload => self
                .at_store()
                .sent_before(expected, Some(part))
                .await?
                .ok_or(e.into()),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) fn in_parts(&self) -> InParts<'_> {
        InParts {
            shared: &self.shared,
            row: self.row,
            bucket: &self.to_bucket,
            key: &self.to_key,
        }
    }
}

/// Instead of the last part that was hashed: the next one has failed.
const NEVER: u32 = u32::MAX;

impl Whole {
    /// A part that waited for one that has failed would wait for ever, with what it holds.
    fn give_up(&self) {
        self.hashed.send_replace(NEVER);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Hashes> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the parts before it. Those have been begun before, and each adds its bytes before it
    /// asks for anything more, or fails, so the wait ends.
    async fn add(self: &Arc<Self>, number: u32, bytes: Bytes) -> Result<(), FileError> {
        let mut turns = self.hashed.subscribe();
        // The sender lives as long as this.
        let turn = turns.wait_for(|done| *done == number - 1 || *done == NEVER);
        let never = turn.await.is_ok_and(|done| *done == NEVER);
        if never {
            // What is wrong with that one is what is said of the object.
            let words = "another part of it could not be copied";
            return Err(StoreError::new(ErrorKind::Interrupted, DOING, words).into());
        }
        let whole = Arc::clone(self);
        hashing(bytes.len() as u64, move || {
            let mut hashes = whole.lock();
            hashes.md5.update(&bytes);
            if let Some(sha256) = &mut hashes.sha256 {
                sha256.update(&bytes);
            }
            drop(hashes);
            whole.hashed.send_modify(|done| {
                if *done != NEVER {
                    *done = number;
                }
            });
        })
        .await
    }
}

type PartEnded = Result<Result<(CompletedPart, Sum), FileError>, tokio::task::JoinError>;

fn part_ended(ended: PartEnded) -> Result<(CompletedPart, Sum), FileError> {
    match ended {
        Ok(result) => result,
        Err(e) => Err(StoreError::new(ErrorKind::Other, DOING, e.to_string()).into()),
    }
}
