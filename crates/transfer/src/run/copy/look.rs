//! What there is before a copy and after it: the original as it was planned, whatever is in the way, and
//! the copy.

use std::sync::{Arc, PoisonError};

use wherry_store::{ErrorKind, ObjectHead, StoreError};

use super::Copies;
use crate::error::FileError;
use crate::plan::CopyItem;
use crate::receipt::Proof;
use crate::run::Shared;
use crate::run::at_store::EtagHabit;
use crate::run::read_back::{Wanted, etag_by_bytes};
use crate::run::relay::Relayed;
use crate::verify::{EtagForm, form_of};

pub(super) enum Looked {
    /// As the plan saw it.
    Original(ObjectHead),
    /// Copied, and removed, by an attempt whose answer was lost on the way.
    Copied(Relayed),
}

/// By size and ETag.
pub(super) fn is_copy(item: &CopyItem, head: &ObjectHead) -> bool {
    head.size == item.size && head.etag.is_some() && head.etag.as_deref() == item.etag.as_deref()
}

impl Copies {
    /// The plan may be old: an object changed since must not be lost by deleting its new bytes.
    pub(super) async fn look_at_original(
        &self,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<Looked, FileError> {
        let source = self.source(shared);
        let look = || source.head(&self.plan.from_bucket, &item.from);
        let original = match shared.patience.with(look).await {
            Err(e) if e.kind == ErrorKind::NoSuchKey && self.plan.remove_originals => {
                let there = self.there(item, shared).await.ok();
                let copy = there.filter(|head| is_copy(item, head)).ok_or(e)?;
                return Ok(Looked::Copied(Relayed::by_store(copy, Proof::Etag)));
            }
            original => original?,
        };
        let same_etag = original.etag.is_none()
            || item.etag.is_none()
            || original.etag.as_deref() == item.etag.as_deref();
        if original.size != item.size || !same_etag {
            return Err(FileError::ChangedThere {
                key: item.from.to_string(),
            });
        }
        Ok(Looked::Original(original))
    }

    /// Whether what the plan did not see is to be left as it is.
    pub(super) fn keeps_others(&self, row: u32) -> bool {
        !self.decided.overwrite_any && !self.decided.overwrite.contains(&row)
    }

    /// The copy, when it is there already. Anything else that is there is in the way.
    pub(super) async fn look_at_place(
        &self,
        row: u32,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<Option<Relayed>, FileError> {
        let head = match self.there(item, shared).await {
            Ok(head) => head,
            // May write there, may not look there.
            Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => {
                return Ok(None);
            }
            Err(e) => return Err(e.into()),
        };
        if is_copy(item, &head) {
            return Ok(Some(Relayed::by_store(head, Proof::Etag)));
        }
        let whole = |etag: Option<&str>| etag.map(form_of) == Some(EtagForm::Whole);
        let told_apart = shared.etags.are_hashes(false) == Some(true)
            && whole(head.etag.as_deref())
            && whole(item.etag.as_deref());
        // Of an attempt whose answer was lost, in a store that gives each copy an ETag of its own.
        let perhaps_ours = self.may_be_ours(row, item, shared) && head.size == item.size;
        if perhaps_ours && !told_apart && self.same_bytes(item, &head, shared).await? {
            return Ok(Some(Relayed::by_store(head, Proof::Size)));
        }
        Err(FileError::InTheWay {
            path: format!("{}/{}", self.plan.to_bucket, item.to).into(),
        })
    }

    fn may_be_ours(&self, row: u32, item: &CopyItem, shared: &Shared) -> bool {
        let unheard = self.unheard.lock();
        if unheard
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&row)
        {
            return true;
        }
        // Of one in parts, an earlier run has left word of its upload.
        let in_parts = item.size > shared.store.copies_whole_up_to();
        let record = shared.record.as_ref();
        !in_parts && record.is_some_and(|record| record.may_have_begun(row))
    }

    pub(super) async fn there(
        &self,
        item: &CopyItem,
        shared: &Shared,
    ) -> Result<ObjectHead, StoreError> {
        let look = || shared.store.head(&self.plan.to_bucket, &item.to);
        shared.patience.with(look).await
    }

    /// Reads both. Takes its time, but is sure.
    pub(super) async fn same_bytes(
        &self,
        item: &CopyItem,
        copy: &ObjectHead,
        shared: &Shared,
    ) -> Result<bool, FileError> {
        let original = Wanted {
            store: self.source(shared),
            bucket: &self.plan.from_bucket,
            key: &item.from,
            size: item.size,
            if_match: item.etag.as_deref(),
        };
        let copy = Wanted {
            store: &shared.store,
            bucket: &self.plan.to_bucket,
            key: &item.to,
            size: item.size,
            if_match: copy.etag.as_deref(),
        };
        let before = etag_by_bytes(shared, &original, None).await?;
        Ok(etag_by_bytes(shared, &copy, None).await? == before)
    }

    /// Whether the copy is right, as far as the store says.
    pub(super) fn check(
        &self,
        item: &CopyItem,
        original: &ObjectHead,
        copy: &ObjectHead,
        habit: &EtagHabit,
    ) -> Result<Proof, FileError> {
        let mismatch = |expected: String, found: String| FileError::Mismatch {
            name: item.to.to_string(),
            expected,
            found,
        };
        if copy.size != item.size {
            let bytes = |size: u64| format!("{size} bytes");
            return Err(mismatch(bytes(item.size), bytes(copy.size)));
        }
        let (Some(before), Some(after)) = (&original.etag, &copy.etag) else {
            return Ok(Proof::Size);
        };
        if before == after {
            return Ok(Proof::Etag);
        }
        let whole = |etag: &str| form_of(etag) == EtagForm::Whole;
        if whole(before) && whole(after) && habit.are_hashes(false) == Some(true) {
            return Err(mismatch(before.clone(), after.clone()));
        }
        // Of a copy made in parts, or of one that the store encrypts anew, it says nothing.
        Ok(Proof::Size)
    }
}
