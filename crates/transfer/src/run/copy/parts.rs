//! Objects too large for one copy request: the store copies them piece by piece, into an upload that
//! is begun, gone on with and ended here, as one from this computer is.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::task::JoinSet;
use wherry_store::{
    CompletedPart, CopyPartRequest, CopyRequest, ErrorKind, ObjectHead, StoreError, UploadId,
};

use super::look::Looked;
use super::proof::{CopyCut, Ought};
use super::{Copies, DOING};
use crate::error::FileError;
use crate::plan::CopyItem;
use crate::run::Shared;
use crate::run::disk::Identity;
use crate::run::in_parts::{InParts, begun};
use crate::run::job::Stopped;
use crate::run::relay::{Left, Relayed};
use crate::run::resume::clear_left;
use crate::verify::{EtagForm, etag_of_etags, form_of};

/// Parts of one object under way at once; the store does the work.
const AT_ONCE: usize = 8;

/// An object that the store copies in parts.
pub(super) struct Pieces<'a> {
    pub copies: &'a Copies,
    pub shared: &'a Arc<Shared>,
    pub row: u32,
    pub item: &'a CopyItem,
    pub cut: CopyCut,
}

enum Begun {
    /// With the original as it is, and the parts that are there already.
    Upload(ObjectHead, UploadId, Vec<CompletedPart>),
    /// By an earlier attempt.
    Copied(Relayed),
}

impl Pieces<'_> {
    pub async fn copy(&self, left: Option<Left>) -> Result<Relayed, Stopped> {
        let shared = self.shared;
        let asked = AtomicBool::new(false);
        let begun = begun(shared, &asked, self.begin(left, &asked)).await?;
        let (original, upload, have) = match begun {
            Begun::Upload(original, upload, have) => (original, upload, have),
            Begun::Copied(copied) => {
                shared.board.moved(self.row, self.item.size);
                return Ok(copied);
            }
        };
        let copied = tokio::select! {
            biased;
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            parts = self.copy_parts(&original, &upload, have) => parts.map_err(Stopped::Failed),
        };
        let copied = match copied {
            Ok(parts) => self.complete(&original, &upload, &parts).await,
            Err(stopped) => Err(stopped),
        };
        if let Err(stopped) = &copied {
            self.in_parts().stopped(&upload, stopped).await;
        }
        copied
    }

    fn in_parts(&self) -> InParts<'_> {
        InParts {
            shared: self.shared,
            row: self.row,
            bucket: &self.copies.plan.to_bucket,
            key: &self.item.to,
        }
    }

    fn request(&self) -> CopyRequest {
        self.copies.request(self.item)
    }

    async fn begin(&self, left: Option<Left>, asked: &AtomicBool) -> Result<Begun, FileError> {
        let (copies, shared, item) = (self.copies, self.shared, self.item);
        let original = match copies.look_at_original(item, shared).await {
            Ok(Looked::Original(original)) => original,
            Ok(Looked::Copied(copied)) => {
                clear_left(self.row, shared).await?;
                return Ok(Begun::Copied(copied));
            }
            Err(error) => {
                // What is there of it is of no use to anybody.
                if !error.may_be_gone_on_with() {
                    clear_left(self.row, shared).await?;
                }
                return Err(error);
            }
        };
        if let Some(begun) = self.left_over(&original, left).await? {
            return Ok(begun);
        }
        if copies.keeps_others(self.row)
            && let Some(copied) = copies.look_at_place(self.row, item, shared).await?
        {
            return Ok(Begun::Copied(copied));
        }
        // The object's ETag is in the plan; there is no more to know it by.
        let object = Identity {
            size: item.size,
            modified: None,
            inode: None,
        };
        let request = self.request();
        let create = || shared.store.create_copy_upload(&request);
        let upload = self.in_parts().begin(self.cut.part, &object, asked, create);
        Ok(Begun::Upload(original, upload.await?, Vec::new()))
    }

    /// What an earlier run has left of this copy. What is of no use is aborted.
    async fn left_over(
        &self,
        original: &ObjectHead,
        left: Option<Left>,
    ) -> Result<Option<Begun>, FileError> {
        let (shared, item) = (self.shared, self.item);
        let Some(left) = left else {
            return Ok(None);
        };
        let half = &left.0;
        let of_old = InParts {
            bucket: &half.bucket,
            key: &half.key,
            ..self.in_parts()
        };
        let Some(upload) = &half.upload else {
            of_old.abort_lost(half.intended, None).await?;
            return Ok(None);
        };
        // Without an ETag nothing says that the original is still the same.
        let same = half.part_size == self.cut.part
            && half.file.size == item.size
            && item.etag.is_some()
            && (half.bucket.as_str(), half.key.as_str())
                == (self.copies.plan.to_bucket.as_str(), &*item.to);
        if !same {
            of_old.abort_known(upload).await?;
            return Ok(None);
        }
        let list = || shared.store.list_parts(&half.bucket, &half.key, upload);
        let listed = match shared.patience.with(list).await {
            Ok(listed) => listed,
            // Completed, aborted by somebody, or forgotten.
            Err(e) if e.kind == ErrorKind::NoSuchUpload => {
                let known = self.known_parts()?;
                let there = self.completed_unheard(original, &known, None).await?;
                return Ok(there.map(Begun::Copied));
            }
            Err(e) if e.kind == ErrorKind::Unsupported => {
                of_old.abort_known(upload).await?;
                return Ok(None);
            }
            Err(e) => return Err(e.into()),
        };
        // Whatever is in it was copied from the object with this ETag, or not at all.
        let have = listed.into_iter().filter(|part| {
            let index = u64::from(part.number).checked_sub(1);
            index.is_some_and(|i| i < self.count() && part.size == self.length(i))
        });
        let have = have.collect();
        Ok(Some(Begun::Upload(original.clone(), upload.clone(), have)))
    }

    fn count(&self) -> u64 {
        self.item.size.div_ceil(self.cut.part)
    }

    fn length(&self, index: u64) -> u64 {
        self.cut.part.min(self.item.size - index * self.cut.part)
    }

    /// As they were written down.
    fn known_parts(&self) -> Result<Vec<CompletedPart>, FileError> {
        match &self.shared.record {
            Some(record) => record.copied_parts(self.row, self.cut.part, self.item.size),
            None => Ok(Vec::new()),
        }
    }

    async fn copy_parts(
        &self,
        original: &ObjectHead,
        upload: &UploadId,
        have: Vec<CompletedPart>,
    ) -> Result<Vec<CompletedPart>, FileError> {
        let there: HashSet<u32> = have.iter().map(|part| part.number).collect();
        for part in &have {
            self.shared.board.moved(self.row, part.size);
        }
        let mut under_way = JoinSet::new();
        let mut done = have;
        for index in 0..self.count() {
            let number = index as u32 + 1;
            if there.contains(&number) {
                continue;
            }
            while under_way.len() >= AT_ONCE
                && let Some(ended) = under_way.join_next().await
            {
                done.push(part_ended(ended)?);
            }
            let permit = self.shared.request().await;
            while let Some(ended) = under_way.try_join_next() {
                done.push(part_ended(ended)?);
            }
            let start = index * self.cut.part;
            let request = CopyPartRequest {
                copy: self.request(),
                upload: upload.clone(),
                number,
                range: start..start + self.length(index),
                if_match: original.etag.clone(),
            };
            let (shared, row) = (Arc::clone(self.shared), self.row);
            under_way.spawn(async move {
                let _permit = permit;
                let copy = || shared.store.copy_part(request.clone());
                let part = shared.patience.with(copy).await?;
                if let Some(record) = &shared.record {
                    record.part_copied(row, &part);
                }
                shared.board.moved(row, part.size);
                Ok(part)
            });
        }
        while let Some(ended) = under_way.join_next().await {
            done.push(part_ended(ended)?);
        }
        done.sort_unstable_by_key(|part| part.number);
        Ok(done)
    }

    async fn complete(
        &self,
        original: &ObjectHead,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<Relayed, Stopped> {
        let (copies, shared, item) = (self.copies, self.shared, self.item);
        let ought = copies.ought(item, self.cut, original, parts, shared);
        let ought = self.unless_stopped(ought).await?;
        // A store that does not know the condition has copied parts of whatever was there.
        match copies.look_at_original(item, shared).await? {
            Looked::Original(now) if now.modified == original.modified => {}
            Looked::Original(_) => {
                let key = item.from.to_string();
                return Err(FileError::ChangedThere { key }.into());
            }
            Looked::Copied(copied) => {
                self.in_parts().abort(upload).await;
                return Ok(copied);
            }
        }
        let unheard = || self.completed_unheard(original, parts, Some(&ought));
        if copies.keeps_others(self.row) {
            // By an attempt of ours whose answer was lost, or by somebody else.
            let copied = match copies.look_at_place(self.row, item, shared).await {
                Err(in_the_way @ FileError::InTheWay { .. }) => {
                    let ours = self.unless_stopped(unheard()).await?;
                    Some(ours.ok_or(in_the_way)?)
                }
                looked => looked?,
            };
            if let Some(copied) = copied {
                self.in_parts().abort(upload).await;
                return Ok(copied);
            }
        }
        let (bucket, key) = (&copies.plan.to_bucket, &item.to);
        let complete = || shared.store.complete_upload(bucket, key, upload, parts);
        match shared.patience.with(complete).await {
            Ok(_) => {}
            // Its first answer may have been lost on the way: then the object is there.
            Err(e) if e.kind == ErrorKind::NoSuchUpload => {
                let there = self.unless_stopped(unheard()).await?;
                return there.ok_or(Stopped::Failed(copying(e).into()));
            }
            Err(e) => {
                copies.was_unheard(self.row, e.kind);
                return Err(copying(e).into());
            }
        }
        let head = copies.there(item, shared).await?;
        if head.etag.as_deref() == etag_of_etags(parts).as_deref() {
            shared.etags.learn(true, true);
        }
        let arrived = self.arrived(original, head, &ought);
        self.unless_stopped(arrived).await
    }

    async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, FileError>>,
    ) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => Err(Stopped::Cancelled),
            done = work => Ok(done?),
        }
    }

    async fn arrived(
        &self,
        original: &ObjectHead,
        head: ObjectHead,
        ought: &Ought,
    ) -> Result<Relayed, FileError> {
        let (copies, cut) = (self.copies, self.cut);
        let proof = copies
            .is_as_it_ought(self.item, cut, ought, original, &head, self.shared)
            .await?;
        Ok(Relayed {
            part_size: Some(cut.part),
            ..Relayed::by_store(head, proof)
        })
    }

    /// Whether the object that is there is the one that these parts make: then it was completed, and
    /// only the answer was lost. What the ETag does not say, the bytes do. `ought`: where it is known
    /// already what the parts are.
    async fn completed_unheard(
        &self,
        original: &ObjectHead,
        parts: &[CompletedPart],
        ought: Option<&Ought>,
    ) -> Result<Option<Relayed>, FileError> {
        let (copies, shared, item) = (self.copies, self.shared, self.item);
        let head = match copies.there(item, shared).await {
            Ok(head) if head.size == item.size => head,
            Err(e) if e.kind.is_transient() => return Err(e.into()),
            _ => return Ok(None),
        };
        let etag = head.etag.as_deref().unwrap_or_default();
        let all = parts.len() as u64 == self.count();
        let of_parts = etag_of_etags(parts).filter(|_| all);
        if of_parts.as_deref() == Some(etag) {
            let found;
            let ought = match ought {
                Some(ought) => ought,
                None => {
                    found = copies
                        .ought(item, self.cut, original, parts, shared)
                        .await?;
                    &found
                }
            };
            return self.arrived(original, head, ought).await.map(Some);
        }
        let ours = match form_of(etag) {
            EtagForm::Parts(count) if u64::from(count) != self.count() => false,
            _ if of_parts.is_some() && shared.etags.are_hashes(true) == Some(true) => false,
            _ => copies.same_bytes(item, &head, shared).await?,
        };
        if !ours {
            return Ok(None);
        }
        // Every byte of it was looked at.
        self.arrived(original, head, &Ought::Size).await.map(Some)
    }
}

fn copying(error: StoreError) -> StoreError {
    StoreError {
        doing: DOING,
        ..error
    }
}

type PartEnded = Result<Result<CompletedPart, StoreError>, tokio::task::JoinError>;

fn part_ended(ended: PartEnded) -> Result<CompletedPart, FileError> {
    match ended {
        Ok(result) => Ok(result?),
        Err(e) => Err(StoreError::new(ErrorKind::Other, DOING, e.to_string()).into()),
    }
}
