//! How an upload in parts begins: with what an earlier run has left of it, or anew. Either way it is
//! known before there is one.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use wherry_store::{CompletedPart, PutOutcome, UploadId};

use super::Sending;
use crate::error::FileError;
use crate::journal::recover::{TakenUp, take_up};
use crate::run::in_parts::InParts;
use crate::verify::Sum;

pub(super) enum Begun {
    /// With the parts that are there already.
    Upload(UploadId, Vec<(CompletedPart, Sum)>),
    /// An earlier run had come to its end; with the sums of the file's parts.
    Completed(PutOutcome, Vec<Sum>),
}

impl Sending<'_> {
    /// `asked` is set from where the store may have begun one.
    pub(super) async fn begin(&self, part: u64, asked: &AtomicBool) -> Result<Begun, FileError> {
        if let Some(begun) = self.left_over(part).await? {
            return Ok(begun);
        }
        let (store, metadata) = (&self.shared.store, BTreeMap::new());
        let create = || store.create_upload(self.bucket, &self.key, self.content_type, &metadata);
        let upload = self
            .in_parts()
            .begin(part, self.source.identity(), asked, create);
        Ok(Begun::Upload(upload.await?, Vec::new()))
    }

    /// What an earlier run has left of this file's upload. What is of no use is aborted.
    async fn left_over(&self, part: u64) -> Result<Option<Begun>, FileError> {
        let (shared, Some(record)) = (self.shared, &self.shared.record) else {
            return Ok(None);
        };
        let Some((half, known)) = record.half_upload(self.row)? else {
            return Ok(None);
        };
        let taken = shared
            .patience
            .with(|| take_up(&half, &known, part, &*self.source, &shared.store));
        match taken.await? {
            TakenUp::Parts(upload, parts) => Ok(Some(Begun::Upload(upload, parts))),
            TakenUp::Completed(head, sums) => Ok(Some(Begun::Completed(head.into(), sums))),
            TakenUp::Anew(useless) => {
                let of_old = InParts {
                    bucket: &half.bucket,
                    key: &half.key,
                    ..self.in_parts()
                };
                match useless {
                    Some(upload) => of_old.abort_known(&upload).await?,
                    None if half.upload.is_none() => of_old.abort_lost(half.intended, None).await?,
                    None => {}
                }
                Ok(None)
            }
        }
    }
}
