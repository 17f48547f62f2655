//! Large objects, fetched in ranges at once.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wherry_store::{ErrorKind, StoreError};

use super::check::{Checked, hash_file};
use super::turn::{Drafted, Turn};
use super::{DOING, Fetching, Wanted, cut_short, too_long};
use crate::crc::Crc;
use crate::error::FileError;
use crate::receipt::Proof;
use crate::run::Tally;
use crate::run::disk::{Contents, Draft};
use crate::verify::{EtagForm, Sum, etag_of_sums, form_of, hex, likely_part_sizes};

/// Chunks between a connection and the disk.
const CHUNKS: usize = 2;
/// What a range takes of the memory budget, with what its connection holds: those of one file may have all of it,
/// and several files have no more of them together.
const STREAMING: u64 = 23 << 16;

/// Ranges of one object under way at once: enough to fill a long line and most lanes of the hash, few
/// enough for a small cost.
const AT_ONCE: usize = 22;

impl Fetching<'_> {
    /// Ranges at once, each written to its place, hashed on the way where that will be of use.
    pub(super) async fn large(
        &self,
        wanted: &Wanted,
        turn: &Turn,
    ) -> Result<(Box<dyn Draft>, Checked), FileError> {
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let guesses = match form_of(etag) {
            EtagForm::Parts(count) => likely_part_sizes(wanted.size, count),
            _ => Vec::new(),
        };
        let usual = self.shared.fetch_range;
        let range = guesses
            .first()
            .copied()
            .filter(|guess| (usual / 16..=usual * 4).contains(guess))
            .unwrap_or(usual);
        let Drafted { draft, range, have } = self.drafted(wanted, range, turn).await?;
        let sums = self.ranges(wanted, &*draft, range, have).await?;
        let checked = Checked {
            proof: Proof::Size,
            md5: None,
            crc: Crc::of_parts(sums.iter().map(|sum| sum.crc), range, wanted.size),
        };
        if form_of(etag) == EtagForm::Whole {
            let sum = hash_file(&*draft, vec![wanted.size], wanted.size)
                .await?
                .first()
                .copied();
            let Some(sum) = sum else {
                return Ok((draft, checked));
            };
            let checked = Checked {
                md5: Some(sum.md5),
                ..checked
            };
            let checked = self
                .judge(wanted, wanted.size, &hex(&sum.md5), checked)
                .await?;
            return Ok((draft, checked));
        }
        if guesses.first() == Some(&range) && etag_of_sums(&sums) == etag {
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

    pub(super) async fn ranges(
        &self,
        wanted: &Wanted,
        draft: &dyn Draft,
        size: u64,
        have: Vec<(u64, Sum)>,
    ) -> Result<Vec<Sum>, FileError> {
        let mut under_way = JoinSet::new();
        let there: HashSet<u64> = have.iter().map(|(begin, _)| *begin).collect();
        let mut sums = have;
        let mut start = 0;
        while start < wanted.size {
            let range = start..(start + size).min(wanted.size);
            start = range.end;
            if there.contains(&range.start) {
                self.shared.board.moved(self.row, range.end - range.start);
                continue;
            }
            if under_way.len() >= AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                sums.push(range_ended(ended)?);
            }
            let held = self.shared.memory.wait(STREAMING).await;
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
            let (row, replace, wanted) = (self.row, self.replace, wanted.clone());
            let contents = draft.contents();
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
                    .with(|| fetching.range(&wanted, range.clone(), &*contents));
                let sum = fetched.await?;
                if let Some(record) = &shared.record {
                    record.range_done(row, begin, sum.md5);
                }
                Ok((begin, sum))
            });
        }
        while let Some(ended) = under_way.join_next().await {
            sums.push(range_ended(ended)?);
        }
        sums.sort_unstable_by_key(|(begin, _)| *begin);
        Ok(sums.into_iter().map(|(_, sum)| sum).collect())
    }

    pub(super) async fn range(
        &self,
        wanted: &Wanted,
        range: Range<u64>,
        contents: &dyn Contents,
    ) -> Result<Sum, FileError> {
        let mut body = self.get(wanted, Some(range.clone())).await?.body;
        let (pieces, arriving) = mpsc::channel::<Bytes>(CHUNKS);
        let length = range.end - range.start;
        let mut tally = Tally::new(self.shared, self.row);
        let feed = async {
            // Closed when there is no more; then the writer has all.
            let pieces = pieces;
            while let Some(chunk) = body.next().await {
                let chunk = chunk?;
                if tally.bytes + chunk.len() as u64 > length {
                    return Err(too_long());
                }
                tally.moved(chunk.len() as u64);
                // Closed when the disk refused; the writer says why.
                if pieces.send(chunk).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let (written, fed) = tokio::join!(contents.pour(range.start, arriving), feed);
        let sum = written?;
        fed?;
        if tally.bytes != length {
            return Err(cut_short(tally.bytes, length).into());
        }
        tally.keep();
        Ok(sum)
    }
}

type RangeEnded = Result<Result<(u64, Sum), FileError>, tokio::task::JoinError>;

fn range_ended(ended: RangeEnded) -> Result<(u64, Sum), FileError> {
    match ended {
        Ok(result) => result,
        Err(e) => Err(StoreError::new(ErrorKind::Other, DOING, e.to_string()).into()),
    }
}
