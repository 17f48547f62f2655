//! One object to another name, and the original away once that is certain.
//!
//! Inside a store the store itself copies, and between two accounts of one server too when the
//! destination's key may read the source. Else the bytes go through this computer, see
//! [`super::relay`].

mod look;
mod parts;
mod proof;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use wherry_store::{CopyRequest, ErrorKind, ObjectHead, ObjectStore, StoreError};

use self::look::Looked;
use self::parts::Pieces;
use super::Shared;
use super::at_store::EtagHabit;
use super::job::Stopped;
use super::relay::{Left, Relayed, Relaying};
use super::resume::clear_left;
use crate::error::FileError;
use crate::plan::{CopyItem, CopyPlan, Decided};
use crate::receipt::{End, Proof, Receipt};
use crate::verify::hex;

const DOING: &str = "copy the object";

pub struct Copies {
    pub plan: CopyPlan,
    pub decided: Decided,
    /// Where the originals are, when that is another store than the job's.
    from: Option<Arc<dyn ObjectStore>>,
    /// The job's store may have the originals too, and be able to copy them by itself.
    reaches: AtomicBool,
    source_etags: Arc<EtagHabit>,
    /// The ETag of an original in parts was found to be no hash of such parts: none is relied on any more.
    unlike: tokio::sync::Mutex<bool>,
    /// Rows whose copying was asked for and, at the last, not answered.
    unheard: Mutex<HashSet<u32>>,
}

/// What an earlier run has done of an object.
#[allow(clippy::large_enum_variant, reason = "one at a time")]
enum Before {
    Copied(ObjectHead, Proof),
    Left(Option<Left>),
}

impl Copies {
    pub fn within(plan: CopyPlan, decided: Decided) -> Self {
        Self {
            plan,
            decided,
            from: None,
            reaches: AtomicBool::new(true),
            source_etags: Arc::default(),
            unlike: tokio::sync::Mutex::default(),
            unheard: Mutex::default(),
        }
    }

    /// `one_server`: both are accounts of the same server.
    pub fn between(
        plan: CopyPlan,
        decided: Decided,
        from: Arc<dyn ObjectStore>,
        one_server: bool,
    ) -> Self {
        Self {
            from: Some(from),
            reaches: AtomicBool::new(one_server),
            ..Self::within(plan, decided)
        }
    }

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
        let before = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
            before = self.begin(row, item, shared) => before?,
        };
        let left = match before {
            Before::Copied(head, proof) => {
                shared.board.moved(row, item.size);
                let copied = Relayed::by_store(head, proof);
                self.arrived(row, item, copied, started, shared);
                return Ok(());
            }
            Before::Left(left) => left,
        };
        let copied = match &self.from {
            Some(from) if !self.reaches(from, item, shared).await? => {
                self.relay(row, item, from, left, shared).await?
            }
            _ => match (self.by_store(row, item, left, shared).await, &self.from) {
                // May look at the original there, but not have it copied.
                (Err(Stopped::Failed(FileError::Store(e))), Some(from)) if not_ours(e.kind) => {
                    self.reaches.store(false, Ordering::Relaxed);
                    clear_left(row, shared).await?;
                    self.relay(row, item, from, None, shared).await?
                }
                (copied, _) => copied?,
            },
        };
        if self.plan.remove_originals {
            if let Some(record) = &shared.record {
                record.copied(row, copied.outcome.etag.as_deref()).await?;
            }
            self.remove_original(item, shared).await?;
        }
        self.arrived(row, item, copied, started, shared);
        Ok(())
    }

    fn arrived(
        &self,
        row: u32,
        item: &CopyItem,
        copied: Relayed,
        started: DateTime<Utc>,
        shared: &Shared,
    ) {
        let end = |bucket: &str, key: &str| End::Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        shared.hand_over(row, || Receipt {
            from: end(&self.plan.from_bucket, &item.from),
            to: end(&self.plan.to_bucket, &item.to),
            size: item.size,
            md5: copied.md5.map(|sum| hex(&sum)),
            sha256: copied.sha256,
            crc: copied.crc,
            etag: copied.outcome.etag,
            part_size: copied.part_size,
            version_id: copied.outcome.version_id,
            proof: copied.proof,
            started,
            finished: shared.clock.now(),
        });
    }

    /// What an earlier run has left, unless it had come to its end: then this is the copy.
    async fn begin(
        &self,
        row: u32,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<Before, FileError> {
        let Some(record) = &shared.record else {
            return Ok(Before::Left(None));
        };
        let may_be_there = record.may_have_begun(row);
        record.may_begin(row).await?;
        // Only a move that was begun before has written one down.
        let ours = if may_be_there && self.plan.remove_originals {
            record.copy_of(row)?
        } else {
            None
        };
        if may_be_there && let Some((head, proof)) = self.copied_before(item, ours, shared).await? {
            clear_left(row, shared).await?;
            return Ok(Before::Copied(head, proof));
        }
        Ok(Before::Left(record.half_upload(row)?.map(Arc::new)))
    }

    async fn by_store(
        &self,
        row: u32,
        item: &CopyItem,
        left: Option<Left>,
        shared: &Arc<Shared>,
    ) -> Result<Relayed, Stopped> {
        if item.size > shared.store.copies_whole_up_to() {
            let cut = tokio::select! {
                biased;
                () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
                cut = self.cut(item, left.as_ref(), shared) => cut?,
            };
            let pieces = Pieces {
                copies: self,
                shared,
                row,
                item,
                cut,
            };
            return pieces.copy(left).await;
        }
        let copying = async {
            // Its bytes went through here, or its size was another.
            clear_left(row, shared).await?;
            self.whole(row, item, shared).await
        };
        let copied = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
            copied = copying => copied?,
        };
        shared.board.moved(row, item.size);
        Ok(copied)
    }

    /// `ours`: the ETag of the copy, when one was proved before its original was to be deleted.
    async fn copied_before(
        &self,
        item: &CopyItem,
        ours: Option<String>,
        shared: &Arc<Shared>,
    ) -> Result<Option<(ObjectHead, Proof)>, FileError> {
        let patience = &shared.patience;
        let there = patience.with(|| shared.store.head(&self.plan.to_bucket, &item.to));
        let head = match there.await {
            Ok(head) if head.size == item.size => head,
            Ok(_) => return Ok(None),
            Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => {
                return Ok(None);
            }
            Err(e) => return Err(e.into()),
        };
        if head.etag.is_some() && head.etag.as_deref() == item.etag.as_deref() {
            if self.plan.remove_originals {
                match self.remove_original(item, shared).await {
                    Err(FileError::Store(e)) if e.kind == ErrorKind::NoSuchKey => {}
                    removed => removed?,
                }
            }
            return Ok(Some((head, Proof::Etag)));
        }
        if !self.plan.remove_originals || ours.is_none() || ours != head.etag {
            return Ok(None);
        }
        let source = self.source(shared);
        let original = patience.with(|| source.head(&self.plan.from_bucket, &item.from));
        match original.await {
            Err(e) if e.kind == ErrorKind::NoSuchKey => {}
            Err(e) => return Err(e.into()),
            Ok(original) => {
                let same =
                    original.etag.is_some() && original.etag.as_deref() == item.etag.as_deref();
                if !same || original.size != item.size {
                    return Ok(None);
                }
                self.remove_original(item, shared).await?;
            }
        }
        Ok(Some((head, Proof::Size)))
    }

    fn source<'a>(&'a self, shared: &'a Shared) -> &'a Arc<dyn ObjectStore> {
        self.from.as_ref().unwrap_or(&shared.store)
    }

    /// Whether the destination's key sees this very object. A bucket of the same name need not be the
    /// same bucket: servers with tenants have many of one name.
    async fn reaches(
        &self,
        from: &Arc<dyn ObjectStore>,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<bool, Stopped> {
        if !self.reaches.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let bucket = &self.plan.from_bucket;
        let look = async {
            let _permit = shared.request().await;
            let theirs = shared
                .patience
                .with(|| from.head(bucket, &item.from))
                .await?;
            let ours = shared
                .patience
                .with(|| shared.store.head(bucket, &item.from))
                .await;
            Ok::<_, FileError>((theirs, ours))
        };
        let (theirs, ours) = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
            looked = look => looked?,
        };
        let same = match ours {
            Ok(ours) => {
                ours.etag.is_some()
                    && (ours.size, &ours.etag, ours.modified)
                        == (theirs.size, &theirs.etag, theirs.modified)
            }
            Err(e) if not_ours(e.kind) => false,
            Err(e) => return Err(e.into()),
        };
        if !same {
            self.reaches.store(false, Ordering::Relaxed);
        }
        Ok(same)
    }

    async fn relay(
        &self,
        row: u32,
        item: &CopyItem,
        from: &Arc<dyn ObjectStore>,
        left: Option<Left>,
        shared: &Arc<Shared>,
    ) -> Result<Relayed, Stopped> {
        let relaying = Relaying {
            shared: Arc::clone(shared),
            from: Arc::clone(from),
            from_bucket: self.plan.from_bucket.clone(),
            from_key: item.from.to_string(),
            to_bucket: self.plan.to_bucket.clone(),
            to_key: item.to.to_string(),
            row,
            size: item.size,
            etag: item.etag.as_deref().map(str::to_owned),
            if_absent: !self.decided.overwrite_any && !self.decided.overwrite.contains(&row),
            source_etags: Arc::clone(&self.source_etags),
            left,
        };
        relaying.run().await
    }

    /// Copies and looks at the copy, which is what a deletion of the original will rely on.
    async fn whole(
        &self,
        row: u32,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<Relayed, FileError> {
        let _permit = shared.request().await;
        let original = match self.look_at_original(item, shared).await? {
            Looked::Original(original) => original,
            Looked::Copied(copied) => return Ok(copied),
        };
        if self.keeps_others(row)
            && let Some(copied) = self.look_at_place(row, item, shared).await?
        {
            return Ok(copied);
        }
        let tried = AtomicU32::new(0);
        let copy = || async {
            // Only its answer was lost, perhaps.
            if tried.fetch_add(1, Ordering::Relaxed) > 0
                && let Ok(there) = shared.store.head(&self.plan.to_bucket, &item.to).await
                && look::is_copy(item, &there)
            {
                return Ok(());
            }
            shared.store.copy(self.request(item)).await.map(drop)
        };
        if let Err(error) = shared.patience.with(copy).await {
            self.was_unheard(row, error.kind);
            return Err(error.into());
        }
        let head = self.there(item, shared).await?;
        let proof = self.check(item, &original, &head, &shared.etags)?;
        Ok(Relayed::by_store(head, proof))
    }

    fn request(&self, item: &CopyItem) -> CopyRequest {
        CopyRequest {
            from_bucket: self.plan.from_bucket.clone(),
            from_key: item.from.to_string(),
            to_bucket: self.plan.to_bucket.clone(),
            to_key: item.to.to_string(),
        }
    }

    /// What is done is not known after an error like this.
    fn was_unheard(&self, row: u32, kind: ErrorKind) {
        if kind.is_transient() {
            let unheard = self.unheard.lock();
            unheard.unwrap_or_else(PoisonError::into_inner).insert(row);
        }
    }

    async fn remove_original(
        &self,
        item: &CopyItem,
        shared: &Arc<Shared>,
    ) -> Result<(), FileError> {
        let removed = shared.patience.with(|| async {
            let outcomes = self
                .source(shared)
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

/// Whether a store's refusal means that this key, or this store, does not have the original.
fn not_ours(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Denied | ErrorKind::NoSuchKey | ErrorKind::NoSuchBucket | ErrorKind::Unsupported
    )
}
