//! How a copy in parts is known to be right. It is cut as its original was, where that can be told, so
//! that stores whose ETags are hashes give both the same one; where they did not, the bytes say why:
//! another cut, ETags that are no hashes, or damage.

use std::sync::Arc;

use wherry_account::MultipartEtag;
use wherry_store::{CompletedPart, ErrorKind, Makeup, ObjectHead};

use super::Copies;
use crate::error::FileError;
use crate::plan::CopyItem;
use crate::receipt::Proof;
use crate::run::Shared;
use crate::run::at_store::AtStore;
use crate::run::read_back::{Wanted, sums};
use crate::run::relay::Left;
use crate::verify::{EtagForm, etag_of_etags, etag_of_parts, form_of, hex, likely_part_sizes};

/// An original that is larger is not read to find out whether its ETag says anything, as a guess at its
/// parts may be wrong: reading takes much longer than the store's copying does.
const WORTH_READING: u64 = 16 << 30;

/// Into what an object is cut while it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CopyCut {
    /// Bytes of a part.
    pub part: u64,
    /// As its original was, so that the ETags can be compared.
    pub alike: Alike,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alike {
    /// By what the store says of the original.
    Told,
    /// By the number of parts in its ETag.
    Guessed,
    /// Its ETag does not speak of parts like these, or of no bytes at all.
    No,
}

/// What the copy ought to be, by its parts before they are put together.
pub(super) enum Ought {
    /// The store's own hashes of the parts are those of the original: its ETag is to be this.
    Etag(String),
    /// The store's ETags of the parts are no hashes: its bytes are to have this.
    Bytes(String),
    /// Nothing speaks of its bytes.
    Size,
}

impl Copies {
    /// As the original is cut, or as an earlier run has begun it.
    pub(super) async fn cut(
        &self,
        item: &CopyItem,
        left: Option<&Left>,
        shared: &Arc<Shared>,
    ) -> Result<CopyCut, FileError> {
        let limits = shared.store.quirks().parts;
        let needed = item.size.div_ceil(u64::from(limits.max_parts.max(1)));
        let needed = needed.max(1);
        let usual = CopyCut {
            part: shared.store.copy_part_size().max(needed),
            alike: Alike::No,
        };
        let count = match item.etag.as_deref().map(form_of) {
            Some(EtagForm::Parts(count)) => Some(u64::from(count)),
            _ => None,
        };
        let like = |part: u64| count == Some(item.size.div_ceil(part));
        let half = left.map(|left| &left.0);
        let begun = half.filter(|half| half.upload.is_some() && half.file.size == item.size);
        if let Some(part) = begun.map(|half| half.part_size).filter(|p| *p >= needed) {
            let alike = if like(part) {
                Alike::Guessed
            } else {
                Alike::No
            };
            return Ok(CopyCut { part, alike });
        }
        let Some(count) = count else {
            return Ok(usual);
        };
        let (source, from) = (self.source(shared), &self.plan.from_bucket);
        let Makeup {
            first_part,
            encrypted,
        } = shared
            .patience
            .with(|| source.makeup(from, &item.from))
            .await?;
        let smallest = if count == 1 { 1 } else { limits.min_size };
        let allowed = needed.max(smallest)..=limits.max_size;
        let fits = |part: &u64| allowed.contains(part) && like(*part);
        let found = match first_part {
            Some(told) => Some((told, Alike::Told)).filter(|(part, _)| fits(part)),
            None => likely_part_sizes(item.size, count as u32)
                .into_iter()
                .find(fits)
                .map(|part| (part, Alike::Guessed)),
        };
        let Some((part, alike)) = found.filter(|_| !encrypted) else {
            return Ok(usual);
        };
        Ok(CopyCut { part, alike })
    }

    /// Whether these are the parts of the original. Asked before they become an object, which may replace
    /// one that is right.
    pub(super) async fn ought(
        &self,
        item: &CopyItem,
        cut: CopyCut,
        original: &ObjectHead,
        parts: &[CompletedPart],
        shared: &Arc<Shared>,
    ) -> Result<Ought, FileError> {
        let (Some(before), false) = (&original.etag, cut.alike == Alike::No) else {
            return Ok(Ought::Size);
        };
        let copied = etag_of_etags(parts);
        if copied.as_ref() == Some(before) {
            return Ok(Ought::Etag(before.clone()));
        }
        let worth_it = cut.alike == Alike::Told || item.size <= WORTH_READING;
        let says_nothing = shared.store.quirks().multipart_etag == MultipartEtag::Opaque
            || shared.etags.are_hashes(true) == Some(false);
        if says_nothing || !worth_it {
            return Ok(Ought::Size);
        }
        // One after the other: what the first reading says may save the others.
        let mut unlike = self.unlike.lock().await;
        if *unlike {
            return Ok(Ought::Size);
        }
        let wanted = Wanted {
            store: self.source(shared),
            bucket: &self.plan.from_bucket,
            key: &item.from,
            size: item.size,
            if_match: Some(before),
        };
        let sums = sums(shared, &wanted, cut.part).await.map_err(|e| match e {
            FileError::Store(e) if e.kind == ErrorKind::Changed => FileError::ChangedThere {
                key: item.from.to_string(),
            },
            e => e,
        })?;
        let read = etag_of_parts(&sums);
        *unlike = read != *before;
        if copied.as_ref() == Some(&read) {
            return Ok(Ought::Etag(read));
        }
        let mut both = parts.iter().zip(&sums);
        if both.any(|(part, sum)| part.etag == hex(sum)) {
            // Then all of them are hashes, and some are of other bytes.
            return Err(FileError::Mismatch {
                name: item.to.to_string(),
                expected: read,
                found: copied.unwrap_or_default(),
            });
        }
        Ok(Ought::Bytes(read))
    }

    /// Whether the copy, which is complete, is what it ought to be. What is damaged goes.
    pub(super) async fn is_as_it_ought(
        &self,
        item: &CopyItem,
        cut: CopyCut,
        ought: &Ought,
        original: &ObjectHead,
        head: &ObjectHead,
        shared: &Arc<Shared>,
    ) -> Result<Proof, FileError> {
        let by_store = self.check(item, original, head, &shared.etags)?;
        let copy = AtStore {
            shared,
            bucket: &self.plan.to_bucket,
            key: &item.to,
            size: item.size,
        };
        match ought {
            Ought::Etag(etag) => {
                let there = head.clone().into();
                let verified = copy.verify(&there, etag, Some(cut.part), None).await;
                verified.map(|(proof, _)| proof)
            }
            Ought::Bytes(hash) => {
                copy.verify_bytes(head.etag.as_deref(), hash, cut.part)
                    .await?;
                Ok(by_store)
            }
            Ought::Size => Ok(by_store),
        }
    }
}
