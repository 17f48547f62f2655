//! One file into one object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use md5::{Digest, Md5};
use tokio::task::JoinSet;
use wherry_account::MultipartEtag;
use wherry_store::{
    Body, CompletedPart, ContentCheck, ErrorKind, GetRequest, PutOutcome, PutRequest, StoreError,
    UploadId, UploadPartRequest,
};

use super::job::Stopped;
use super::read::Source;
use super::{Shared, Tally};
use crate::error::FileError;
use crate::parts::{Cut, cut};
use crate::plan::{Decided, UploadPlan};
use crate::receipt::{End, Proof, Receipt};
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex};

/// Larger bodies are streamed from the file instead of held.
const IN_MEMORY: u64 = 16 << 20;

/// What streaming from a file takes of the memory budget.
const STREAMING: u64 = 1 << 20;

/// How long the clean-up of a failed upload may keep a job from ending.
const CLEAN_UP: Duration = Duration::from_secs(30);

/// Whether this store's ETags are what they look like, learnt once per job by reading back the
/// first object whose ETag is not the expected one. Stores that encrypt with a managed key, for
/// instance, have ETags that only look like MD5s.
#[derive(Default)]
pub struct EtagHabit(AtomicU8);

impl EtagHabit {
    const HASHES: u8 = 1;
    const OTHER: u8 = 2;

    pub fn learn(&self, hashes: bool) {
        self.0
            .store(if hashes { Self::HASHES } else { Self::OTHER }, Relaxed);
    }

    /// `None` while not known.
    pub fn are_hashes(&self) -> Option<bool> {
        match self.0.load(Relaxed) {
            Self::HASHES => Some(true),
            Self::OTHER => Some(false),
            _ => None,
        }
    }
}

pub struct Uploads {
    pub plan: UploadPlan,
    decided: Decided,
}

/// One upload under way.
struct Sending<'a> {
    shared: &'a Arc<Shared>,
    bucket: &'a str,
    key: String,
    row: u32,
    source: Source,
    /// Refuse to replace what the plan did not see.
    if_absent: bool,
    content_type: Option<&'static str>,
}

/// What was sent and how it can be known again.
struct Sent {
    outcome: PutOutcome,
    expected: String,
    md5: Option<Md5Sum>,
    part_size: Option<u64>,
}

impl Uploads {
    pub fn new(plan: UploadPlan, decided: Decided) -> Self {
        Self { plan, decided }
    }

    pub async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let key = self.plan.key(row);
        if self
            .plan
            .items
            .get(row as usize)
            .is_some_and(|item| item.folder)
        {
            return self.make_folder(key, shared).await;
        }
        let started = shared.clock.now();
        let source = Source::open(self.plan.path(row)).await?;
        let sending = Sending {
            shared,
            bucket: &self.plan.bucket,
            content_type: mime_guess::from_path(&key).first_raw(),
            if_absent: !self.decided.overwrite_any && !self.decided.overwrite.contains(&row),
            key,
            row,
            source,
        };
        let size = sending.source.size();
        let sent = match cut(size, &shared.store.quirks().parts) {
            Cut::Whole => sending.whole().await?,
            Cut::Parts { size: part, count } => sending.parts(part, count).await?,
            Cut::TooLarge { limit } => return Err(FileError::TooLarge { size, limit }.into()),
        };
        let (proof, etag) = sending.verify(&sent).await?;
        shared.hand_over(|| Receipt {
            from: End::File(sending.source.path().to_owned()),
            to: End::Object {
                bucket: sending.bucket.to_owned(),
                key: sending.key.clone(),
            },
            size,
            md5: sent.md5.map(|sum| hex(&sum)),
            etag,
            part_size: sent.part_size,
            version_id: sent.outcome.version_id,
            proof,
            started,
            finished: shared.clock.now(),
        });
        Ok(())
    }

    async fn make_folder(&self, key: String, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let put = shared.patience.with(|| {
            let body = Body::Bytes(Bytes::new());
            shared.store.put(put_request(
                &self.plan.bucket,
                &key,
                body,
                Md5::digest([]).into(),
                None,
                false,
            ))
        });
        tokio::select! {
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            done = put => Ok(done.map(drop)?),
        }
    }
}

fn put_request(
    bucket: &str,
    key: &str,
    body: Body,
    md5: Md5Sum,
    content_type: Option<&str>,
    if_absent: bool,
) -> PutRequest {
    PutRequest {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        body,
        check: ContentCheck {
            md5: Some(md5),
            sha256: None,
        },
        content_type: content_type.map(str::to_owned),
        metadata: BTreeMap::new(),
        if_absent,
    }
}

impl Sending<'_> {
    async fn whole(&self) -> Result<Sent, Stopped> {
        let send = async {
            let size = self.source.size();
            let (held, body, sum) = self.body(0, size).await?;
            self.source.check_unchanged().await?;
            let permit = self.shared.request().await;
            let outcome = self.put(body, sum).await;
            drop((permit, held));
            let outcome = self.or_changed(outcome).await?;
            if size > IN_MEMORY {
                self.source.check_unchanged().await?;
            }
            Ok::<_, Stopped>(Sent {
                outcome,
                expected: hex(&sum),
                md5: Some(sum),
                part_size: None,
            })
        };
        tokio::select! {
            () = self.shared.stop.cancelled() => Err(Stopped::Cancelled),
            sent = send => sent,
        }
    }

    async fn put(&self, body: Body, sum: Md5Sum) -> Result<PutOutcome, FileError> {
        let (shared, length) = (self.shared, body.len());
        let put = async |if_absent| {
            let request = put_request(
                self.bucket,
                &self.key,
                body.clone(),
                sum,
                self.content_type,
                if_absent,
            );
            let send = || {
                let sent = shared.store.put(request.clone());
                Tally::new(shared, self.row).sending(length, sent)
            };
            shared.patience.with(send).await
        };
        match put(self.if_absent).await {
            // A store that does not know the condition: the plan's look has to do.
            Err(e) if self.if_absent && e.kind == ErrorKind::Unsupported => Ok(put(false).await?),
            // There already: perhaps from an attempt of ours whose answer was lost on the way.
            Err(e) if e.kind == ErrorKind::Exists => match self.head().await {
                Ok(head) if head.size == length && head.etag.as_deref() == Some(&hex(&sum)) => {
                    shared.board.moved(self.row, length);
                    Ok(PutOutcome {
                        etag: head.etag,
                        version_id: head.version_id,
                    })
                }
                _ => Err(FileError::InTheWay {
                    path: format!("{}/{}", self.bucket, self.key).into(),
                }),
            },
            other => Ok(other?),
        }
    }

    /// A range of the file as a body, with its hash, and the memory it takes.
    async fn body(
        &self,
        offset: u64,
        length: u64,
    ) -> Result<(super::Memory, Body, Md5Sum), FileError> {
        body_of(self.shared, &self.source, offset, length).await
    }

    async fn parts(&self, part: u64, count: u32) -> Result<Sent, Stopped> {
        let shared = self.shared;
        let metadata = BTreeMap::new();
        let create = shared.patience.with(|| {
            shared
                .store
                .create_upload(self.bucket, &self.key, self.content_type, &metadata)
        });
        let upload = tokio::select! {
            () = shared.stop.cancelled() => return Err(Stopped::Cancelled),
            upload = create => upload?,
        };
        let sent = tokio::select! {
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            sent = self.send_parts(&upload, part, count) => sent.map_err(Stopped::Failed),
        };
        let completed = match sent {
            Ok((parts, sums)) => self
                .complete(&upload, &parts, &sums)
                .await
                .map_err(Stopped::Failed),
            Err(stopped) => Err(stopped),
        };
        match completed {
            Ok((outcome, expected)) => Ok(Sent {
                outcome,
                expected,
                md5: None,
                part_size: Some(part),
            }),
            Err(stopped) => {
                self.abort(&upload).await;
                Err(stopped)
            }
        }
    }

    async fn send_parts(
        &self,
        upload: &UploadId,
        part: u64,
        count: u32,
    ) -> Result<(Vec<CompletedPart>, Vec<Md5Sum>), FileError> {
        let mut under_way = JoinSet::new();
        let mut done: Vec<(CompletedPart, Md5Sum)> = Vec::with_capacity(count as usize);
        for number in 1..=count {
            let offset = u64::from(number - 1) * part;
            let length = part.min(self.source.size() - offset);
            // Memory first, then the request: everybody in this order, so nobody waits in a ring.
            let held = self.shared.memory(held_for(length)).await;
            let permit = self.shared.request().await;
            while let Some(ended) = under_way.try_join_next() {
                done.push(self.part_ended(ended).await?);
            }
            let (shared, source) = (Arc::clone(self.shared), self.source.clone());
            let request = UploadPartRequest {
                bucket: self.bucket.to_owned(),
                key: self.key.clone(),
                upload: upload.clone(),
                number,
                body: Body::Bytes(Bytes::new()),
                check: ContentCheck::default(),
            };
            let row = self.row;
            under_way.spawn(async move {
                let _held = (held, permit);
                let (body, sum) = unheld_body(&shared, &source, offset, length).await?;
                let check = ContentCheck {
                    md5: Some(sum),
                    sha256: None,
                };
                let request = UploadPartRequest {
                    body,
                    check,
                    ..request
                };
                let send = || {
                    let sent = shared.store.upload_part(request.clone());
                    Tally::new(&shared, row).sending(length, sent)
                };
                let completed = shared.patience.with(send).await?;
                Ok::<_, FileError>((completed, sum))
            });
        }
        while let Some(ended) = under_way.join_next().await {
            done.push(self.part_ended(ended).await?);
        }
        done.sort_unstable_by_key(|(part, _)| part.number);
        Ok(done.into_iter().unzip())
    }

    async fn part_ended(
        &self,
        ended: Result<Result<(CompletedPart, Md5Sum), FileError>, tokio::task::JoinError>,
    ) -> Result<(CompletedPart, Md5Sum), FileError> {
        match ended {
            Ok(result) => self.or_changed(result).await,
            Err(e) => Err(FileError::reading(
                self.source.path(),
                std::io::Error::other(e),
            )),
        }
    }

    /// A refusal is explained by the file when that has changed.
    async fn or_changed<T>(&self, result: Result<T, FileError>) -> Result<T, FileError> {
        if result.is_err()
            && let Err(changed @ FileError::ChangedHere { .. }) =
                self.source.check_unchanged().await
        {
            return Err(changed);
        }
        result
    }

    async fn complete(
        &self,
        upload: &UploadId,
        parts: &[CompletedPart],
        sums: &[Md5Sum],
    ) -> Result<(PutOutcome, String), FileError> {
        self.source.check_unchanged().await?;
        let (shared, expected) = (self.shared, etag_of_parts(sums));
        if self.if_absent && self.exists().await {
            return Err(FileError::InTheWay {
                path: format!("{}/{}", self.bucket, self.key).into(),
            });
        }
        let done = shared
            .patience
            .with(|| {
                shared
                    .store
                    .complete_upload(self.bucket, &self.key, upload, parts)
            })
            .await;
        match done {
            Ok(outcome) => Ok((outcome, expected)),
            // Its first answer may have been lost on the way: then the object is there.
            Err(e) if e.kind == ErrorKind::NoSuchUpload => match self.head().await {
                Ok(head) if head.etag.as_deref() == Some(&expected) => Ok((
                    PutOutcome {
                        etag: head.etag,
                        version_id: head.version_id,
                    },
                    expected,
                )),
                _ => Err(e.into()),
            },
            Err(e) => Err(e.into()),
        }
    }

    /// Completing an upload knows no condition in most stores; one more look is cheap beside it.
    async fn exists(&self) -> bool {
        self.shared.store.head(self.bucket, &self.key).await.is_ok()
    }

    async fn head(&self) -> Result<wherry_store::ObjectHead, StoreError> {
        self.shared
            .patience
            .with(|| self.shared.store.head(self.bucket, &self.key))
            .await
    }

    /// Parts that stay behind cost the user quota, so this is tried also when the user cancels.
    async fn abort(&self, upload: &UploadId) {
        let shared = self.shared;
        let abort = shared
            .patience
            .with(|| shared.store.abort_upload(self.bucket, &self.key, upload));
        match tokio::time::timeout(CLEAN_UP, abort).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) if e.kind == ErrorKind::NoSuchUpload => {}
            Ok(Err(e)) => tracing::warn!(%e, "an unfinished upload could not be cleaned up"),
            Err(_) => tracing::warn!("cleaning up an unfinished upload took too long"),
        }
    }

    /// Whether the object is what was sent.
    async fn verify(&self, sent: &Sent) -> Result<(Proof, Option<String>), FileError> {
        let in_parts = sent.part_size.is_some();
        let mut found = sent.outcome.etag.clone().filter(|etag| !etag.is_empty());
        if found.is_none() {
            let head = self.head().await?;
            if head.size != self.source.size() {
                let (expected, found) = (self.source.size(), head.size);
                return Err(self.mismatch(format!("{expected} bytes"), format!("{found} bytes")));
            }
            found = head.etag;
        }
        let Some(etag) = found else {
            return Ok((Proof::PartMd5, None));
        };
        let habit = &self.shared.etags;
        if etag == sent.expected {
            habit.learn(true);
            return Ok((Proof::Etag, Some(etag)));
        }
        let opaque = in_parts && self.shared.store.quirks().multipart_etag == MultipartEtag::Opaque;
        if opaque || form_of(&etag) == EtagForm::Other || habit.are_hashes() == Some(false) {
            return Ok((Proof::PartMd5, Some(etag)));
        }
        if habit.are_hashes().is_none() && self.read_back(sent.part_size).await? == sent.expected {
            habit.learn(false);
            return Ok((Proof::PartMd5, Some(etag)));
        }
        self.remove_damaged(&etag).await;
        Err(self.mismatch(sent.expected.clone(), etag))
    }

    /// A damaged object is worse than none. Only as long as it is the one that was sent.
    async fn remove_damaged(&self, etag: &str) {
        if !matches!(self.head().await, Ok(head) if head.etag.as_deref() == Some(etag)) {
            return;
        }
        for outcome in self
            .shared
            .store
            .delete(self.bucket, vec![self.key.clone()])
            .await
        {
            if let Err(e) = outcome.result {
                tracing::warn!(%e, "a damaged object could not be removed again");
            }
        }
    }

    fn mismatch(&self, expected: String, found: String) -> FileError {
        FileError::Mismatch {
            name: self.key.clone(),
            expected,
            found,
        }
    }

    /// The ETag that the object's bytes ought to have.
    async fn read_back(&self, part_size: Option<u64>) -> Result<String, FileError> {
        let request = GetRequest {
            bucket: self.bucket.to_owned(),
            key: self.key.clone(),
            ..GetRequest::default()
        };
        let read = self.shared.patience.with(|| async {
            let mut body = self.shared.store.get(request.clone()).await?.body;
            let (mut hash, mut sums, mut left) =
                (Md5::new(), Vec::new(), part_size.unwrap_or(u64::MAX));
            while let Some(chunk) = body.next().await {
                let mut chunk = chunk?;
                while chunk.len() as u64 >= left {
                    hash.update(chunk.split_to(left as usize));
                    sums.push(hash.finalize_reset().into());
                    left = part_size.unwrap_or(u64::MAX);
                }
                left -= chunk.len() as u64;
                hash.update(&chunk);
            }
            if part_size.is_none_or(|size| left < size) {
                sums.push(hash.finalize_reset().into());
            }
            Ok::<_, StoreError>(sums)
        });
        let sums: Vec<Md5Sum> = read.await?;
        Ok(match (part_size, sums.first()) {
            (None, Some(sum)) => hex(sum),
            _ => etag_of_parts(&sums),
        })
    }
}

fn held_for(length: u64) -> u64 {
    if length <= IN_MEMORY {
        length
    } else {
        STREAMING
    }
}

async fn body_of(
    shared: &Shared,
    source: &Source,
    offset: u64,
    length: u64,
) -> Result<(super::Memory, Body, Md5Sum), FileError> {
    let held = shared.memory(held_for(length)).await;
    let (body, sum) = unheld_body(shared, source, offset, length).await?;
    Ok((held, body, sum))
}

async fn unheld_body(
    shared: &Shared,
    source: &Source,
    offset: u64,
    length: u64,
) -> Result<(Body, Md5Sum), FileError> {
    if length <= IN_MEMORY {
        let (bytes, sum) = source.read(offset, length, &shared.buffers).await?;
        return Ok((Body::Bytes(bytes), sum));
    }
    let sum = source.hash(offset, length).await?;
    Ok((
        Body::File {
            path: source.path().to_owned(),
            offset,
            length,
        },
        sum,
    ))
}
