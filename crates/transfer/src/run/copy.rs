//! One object to another name in the same store, and the original away once that is certain.

use std::sync::Arc;

use wherry_store::{CopyRequest, ErrorKind, ObjectHead, StoreError};

use super::Shared;
use super::job::Stopped;
use crate::error::FileError;
use crate::plan::{CopyItem, CopyPlan, Decided};
use crate::receipt::{End, Proof, Receipt};
use crate::verify::{EtagForm, form_of};

pub struct Copies {
    pub plan: CopyPlan,
    pub decided: Decided,
}

impl Copies {
    pub fn name(&self, row: u32) -> String {
        self.plan
            .items
            .get(row as usize)
            .map(|i| i.from.to_string())
            .unwrap_or_default()
    }

    pub async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let Some(item) = self.plan.items.get(row as usize) else {
            return Ok(());
        };
        let started = shared.clock.now();
        let copied = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
            copied = self.copy(row, item, shared) => copied,
        };
        let (head, proof) = copied?;
        shared.board.moved(row, item.size);
        if self.plan.remove_originals {
            self.remove_original(item, shared).await?;
        }
        let end = |bucket: &str, key: &str| End::Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        shared.hand_over(|| Receipt {
            from: end(&self.plan.from_bucket, &item.from),
            to: end(&self.plan.to_bucket, &item.to),
            size: item.size,
            md5: None,
            etag: head.etag,
            part_size: None,
            version_id: head.version_id,
            proof,
            started,
            finished: shared.clock.now(),
        });
        Ok(())
    }

    /// Copies and looks at the copy, which is what a deletion of the original will rely on.
    async fn copy(
        &self,
        row: u32,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<(ObjectHead, Proof), FileError> {
        let _permit = shared.request().await;
        let patience = &shared.patience;
        let (from_bucket, to_bucket) = (&self.plan.from_bucket, &self.plan.to_bucket);
        // The plan may be old: an object changed since must not be lost by deleting its new bytes.
        let original = patience
            .with(|| shared.store.head(from_bucket, &item.from))
            .await?;
        let same_etag = original.etag.is_none()
            || item.etag.is_none()
            || original.etag.as_deref() == item.etag.as_deref();
        if original.size != item.size || !same_etag {
            return Err(FileError::ChangedThere {
                key: item.from.to_string(),
            });
        }
        if !self.decided.overwrite_any && !self.decided.overwrite.contains(&row) {
            match patience
                .with(|| shared.store.head(to_bucket, &item.to))
                .await
            {
                Ok(_) => {
                    return Err(FileError::InTheWay {
                        path: format!("{to_bucket}/{}", item.to).into(),
                    });
                }
                // May write there, may not look there.
                Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let request = CopyRequest {
            from_bucket: from_bucket.clone(),
            from_key: item.from.to_string(),
            to_bucket: to_bucket.clone(),
            to_key: item.to.to_string(),
            size: item.size,
        };
        patience.with(|| shared.store.copy(request.clone())).await?;
        let head = patience
            .with(|| shared.store.head(to_bucket, &item.to))
            .await?;
        let mismatch = |expected: String, found: String| FileError::Mismatch {
            name: item.to.to_string(),
            expected,
            found,
        };
        if head.size != item.size {
            return Err(mismatch(
                format!("{} bytes", item.size),
                format!("{} bytes", head.size),
            ));
        }
        let whole = |etag: &Option<String>| {
            etag.as_deref()
                .is_some_and(|e| form_of(e) == EtagForm::Whole)
        };
        let proof = match (&original.etag, &head.etag) {
            (Some(before), Some(after)) if before == after => Proof::Etag,
            // Of a copy made in parts, or of one that the store encrypts anew, it says nothing.
            _ => Proof::Size,
        };
        if proof == Proof::Size
            && whole(&original.etag)
            && whole(&head.etag)
            && shared.etags.are_hashes() == Some(true)
        {
            let etag = |head: &ObjectHead| head.etag.clone().unwrap_or_default();
            return Err(mismatch(etag(&original), etag(&head)));
        }
        Ok((head, proof))
    }

    async fn remove_original(
        &self,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<(), FileError> {
        let removed = shared.patience.with(|| async {
            let outcomes = shared
                .store
                .delete(&self.plan.from_bucket, vec![item.from.to_string()])
                .await;
            outcomes.into_iter().next().map_or_else(
                || {
                    Err(StoreError::new(
                        ErrorKind::Other,
                        "delete the original",
                        "the store gave no answer",
                    ))
                },
                |outcome| outcome.result,
            )
        });
        Ok(removed.await?)
    }
}
