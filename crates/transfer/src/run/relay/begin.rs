//! How a copy in parts begins: with what an earlier run has left of it, or anew. Either way it is known
//! before there is one.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use wherry_store::{CompletedPart, ErrorKind, PutOutcome, UploadId};

use super::Relaying;
use crate::error::FileError;
use crate::run::disk::Identity;
use crate::run::in_parts::InParts;
use crate::verify::{Sum, etag_of_sums};

/// Parts that are there already, by number.
pub(super) type Have = BTreeMap<u32, (CompletedPart, Sum)>;

pub(super) enum Begun {
    Upload(UploadId, Have),
    /// An earlier run had come to its end; with the sums of its parts.
    Completed(PutOutcome, Vec<Sum>),
}

impl Relaying {
    /// `asked` is set from where the store may have begun one.
    pub(super) async fn begin(&self, part: u64, asked: &AtomicBool) -> Result<Begun, FileError> {
        if let Some(begun) = self.left_over(part).await? {
            return Ok(begun);
        }
        // One of this size may be ours, of an attempt whose end was not heard of: that shows when it has
        // been read.
        if self.if_absent
            && let Some(head) = self.what_is_there().await?
            && head.size != self.size
        {
            return Err(self.in_the_way());
        }
        let shared = &self.shared;
        // What a copy inside a store keeps by itself has to be said here.
        let head = shared
            .patience
            .with(|| self.from.head(&self.from_bucket, &self.from_key))
            .await?;
        // The object's ETag is in the plan; there is no more to know it by.
        let object = Identity {
            size: self.size,
            modified: None,
            inode: None,
        };
        let create = || {
            let kind = head.content_type.as_deref();
            let (bucket, key) = (&self.to_bucket, &self.to_key);
            shared
                .store
                .create_upload(bucket, key, kind, &head.metadata)
        };
        let upload = self.in_parts().begin(part, &object, asked, create).await?;
        Ok(Begun::Upload(upload, Have::new()))
    }

    /// What an earlier run has left of this copy. What is of no use is aborted.
    async fn left_over(&self, part: u64) -> Result<Option<Begun>, FileError> {
        let (shared, Some(left)) = (&self.shared, &self.left) else {
            return Ok(None);
        };
        let (half, known) = &**left;
        let Some(upload) = half.upload.clone() else {
            self.in_parts().abort_lost(half.intended, None).await?;
            return Ok(None);
        };
        let (bucket, key) = (&half.bucket, &half.key);
        // Without an ETag nothing says that the original is still the same.
        let same = half.part_size == part
            && half.file.size == self.size
            && self.etag.is_some()
            && (bucket, key) == (&self.to_bucket, &self.to_key);
        let listed = if same {
            let list = || shared.store.list_parts(bucket, key, &upload);
            match shared.patience.with(list).await {
                Ok(listed) => Some(listed),
                // Completed, aborted by somebody, or forgotten.
                Err(e) if e.kind == ErrorKind::NoSuchUpload => {
                    return self.completed(part, known).await;
                }
                Err(e) if e.kind == ErrorKind::Unsupported => None,
                Err(e) => return Err(e.into()),
            }
        } else {
            None
        };
        let Some(listed) = listed else {
            let of_old = InParts {
                bucket,
                key,
                ..self.in_parts()
            };
            of_old.abort_known(&upload).await?;
            return Ok(None);
        };
        let mut have = Have::new();
        for there in listed {
            let Some((etag, sum)) = known.get(&there.number) else {
                continue;
            };
            let begin = u64::from(there.number.saturating_sub(1)).saturating_mul(part);
            let right = there.number > 0
                && begin < self.size
                && there.size == part.min(self.size - begin)
                && there.etag == *etag;
            if right {
                have.insert(there.number, (there, *sum));
            }
        }
        Ok(Some(Begun::Upload(upload, have)))
    }

    /// Whether the object is the one that all these parts make.
    async fn completed(
        &self,
        part: u64,
        known: &BTreeMap<u32, (String, Sum)>,
    ) -> Result<Option<Begun>, FileError> {
        if known.len() as u64 != self.size.div_ceil(part) {
            return Ok(None);
        }
        let sums: Vec<Sum> = known.values().map(|(_, sum)| *sum).collect();
        let before = self
            .at_store()
            .sent_before(&etag_of_sums(&sums), Some(part))
            .await?;
        Ok(before.map(|outcome| Begun::Completed(outcome, sums)))
    }
}
