//! A file's turn to be fetched: with what an earlier run has left of it, or anew.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::check::{Checked, GUESSES};
use super::{Fetching, Wanted};
use crate::crc::Crc;
use crate::error::FileError;
use crate::journal::recover::ranges_there;
use crate::receipt::Proof;
use crate::run::Shared;
use crate::run::disk::{Contents, Draft, Folder};
use crate::verify::{EtagForm, Sum, etag_of_sums, form_of, hex, likely_part_sizes};

/// Two times of one file are no further apart, on file systems that keep them roughly.
const SAME_TIME: Duration = Duration::from_secs(2);

/// What outlives the fetching of a file when that is stopped.
#[derive(Default)]
pub(super) struct Turn {
    /// It is being given its name: from here there is no way back.
    pub naming: AtomicBool,
    /// The name of a draft that stays when it is dropped.
    draft: Mutex<Option<String>>,
}

impl Turn {
    fn holds(&self, draft: &dyn Draft, temporary: String) {
        draft.keep();
        *self.draft.lock().unwrap_or_else(PoisonError::into_inner) = Some(temporary);
    }

    /// What is half done will not be gone on with.
    pub async fn give_up(&self, row: u32, path: String, target: &dyn Folder, shared: &Arc<Shared>) {
        let draft = self
            .draft
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (Some(temporary), Some(record)) = (draft, &shared.record) else {
            return;
        };
        let discarded = target.discard(&path, &temporary).await;
        let gone = match discarded {
            // It must not come back when nobody knows of it any more.
            Ok(()) => target.settle(vec![path]).await,
            failed => failed,
        };
        match gone {
            Ok(()) => record.draft_over(row),
            // It stays known.
            Err(e) => tracing::warn!(%e, "half a download could not be removed"),
        }
    }
}

/// A draft with the ranges of it that are there.
pub(super) struct Drafted {
    pub draft: Box<dyn Draft>,
    pub range: u64,
    pub have: Vec<(u64, Sum)>,
}

impl Fetching<'_> {
    /// The draft of a large file. With a journal it stays when the fetching is stopped.
    pub(super) async fn drafted(
        &self,
        wanted: &Wanted,
        range: u64,
        turn: &Turn,
    ) -> Result<Drafted, FileError> {
        let Some(record) = &self.shared.record else {
            let (draft, _) = self.begin(Bytes::new()).await?;
            return Ok(Drafted {
                draft,
                range,
                have: Vec::new(),
            });
        };
        if let Some((half, known)) = record.half_draft(self.row)? {
            let same_object =
                wanted.etag.is_some() && (half.size, &half.etag) == (wanted.size, &wanted.etag);
            if same_object
                && let Some(draft) = self.target.reopen(self.path, &half.temporary).await?
            {
                turn.holds(&*draft, half.temporary.clone());
                let there = ranges_there(&half, &known, &*draft.contents()).await?;
                return Ok(Drafted {
                    draft,
                    range: half.range_size,
                    have: there.into_iter().collect(),
                });
            }
            self.target.discard(self.path, &half.temporary).await?;
        }
        let etag = wanted.etag.as_deref();
        let temporary = record
            .intend_draft(self.row, etag, wanted.size, range)
            .await?;
        let (draft, _) = self.draft_named(&temporary, Bytes::new()).await?;
        turn.holds(&*draft, temporary);
        Ok(Drafted {
            draft,
            range,
            have: Vec::new(),
        })
    }

    /// Whether the file arrived in an earlier run that was cut off before it could write that down.
    pub(super) async fn arrived_before(
        &self,
        wanted: &Wanted,
    ) -> Result<Option<Checked>, FileError> {
        let before = |record: &Arc<crate::journal::Record>| record.may_have_begun(self.row);
        if !self.shared.record.as_ref().is_some_and(before) {
            return Ok(None);
        }
        let Some(there) = self.target.existing(self.path).await? else {
            return Ok(None);
        };
        let same_time = match (there.identity.modified, wanted.modified) {
            (Some(found), Some(wanted)) => apart(found, wanted) <= SAME_TIME,
            _ => false,
        };
        if there.identity.size != wanted.size || !same_time {
            return Ok(None);
        }
        let checked = self.is_the_object(wanted, &*there.contents).await?;
        if checked.is_some()
            && let Some(record) = &self.shared.record
            && let Some((half, _)) = record.half_draft(self.row)?
        {
            // It had its name already, and was cut off before it lost the other.
            self.target.discard(self.path, &half.temporary).await?;
        }
        Ok(checked)
    }

    /// Whether the file that has the name is what was fetched, by an earlier run that was cut off.
    pub(super) async fn has_these_bytes(
        &self,
        fetched: &dyn Contents,
        size: u64,
    ) -> Result<bool, FileError> {
        let before = |record: &Arc<crate::journal::Record>| record.may_have_begun(self.row);
        if !self.shared.record.as_ref().is_some_and(before) {
            return Ok(false);
        }
        let there = self.target.existing(self.path).await?;
        let Some(there) = there.filter(|there| there.identity.size == size) else {
            return Ok(false);
        };
        let whole = || {
            vec![Range {
                start: 0,
                end: size,
            }]
        };
        Ok(there.contents.hash(whole()).await? == fetched.hash(whole()).await?)
    }

    async fn is_the_object(
        &self,
        wanted: &Wanted,
        contents: &dyn Contents,
    ) -> Result<Option<Checked>, FileError> {
        let (size, etag) = (wanted.size, wanted.etag.as_deref().unwrap_or_default());
        let whole = || async {
            let range = 0..size;
            let sums = contents.hash(Vec::from([range])).await?;
            Ok::<_, FileError>(sums.first().copied())
        };
        let hashes = |in_parts| self.shared.etags.are_hashes(in_parts) != Some(false);
        match form_of(etag) {
            EtagForm::Whole if hashes(false) => {
                let same = whole().await?.filter(|sum| hex(&sum.md5) == etag);
                return Ok(same.map(|sum| Checked {
                    proof: Proof::Etag,
                    md5: Some(sum.md5),
                    crc: sum.crc,
                }));
            }
            EtagForm::Parts(count) if hashes(true) => {
                for part in likely_part_sizes(size, count).into_iter().take(GUESSES) {
                    let cuts = (0..u64::from(count))
                        .map(|n| (n * part).min(size)..((n + 1) * part).min(size));
                    let sums = contents.hash(cuts.collect()).await?;
                    if etag_of_sums(&sums) == etag {
                        return Ok(Some(Checked {
                            proof: Proof::Etag,
                            md5: None,
                            crc: Crc::of_parts(sums.iter().map(|sum| sum.crc), part, size),
                        }));
                    }
                }
            }
            _ => {}
        }
        // Its size and time are the object's, which it got as its last thing.
        Ok(whole().await?.map(|sum| Checked {
            proof: Proof::Size,
            md5: Some(sum.md5),
            crc: sum.crc,
        }))
    }
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    match one.duration_since(other) {
        Ok(apart) => apart,
        Err(e) => e.duration(),
    }
}
