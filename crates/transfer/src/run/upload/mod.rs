//! One file into one object.

mod parts;
mod take_up;
mod wave;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest, Md5};
use wherry_store::{Body, ContentCheck, ErrorKind, PutOutcome, PutRequest};

pub use wave::Piece;

use super::at_store::AtStore;
use super::disk::LocalFile;
use super::job::Stopped;
use super::memory::Memory;
use super::resume::clear_left;
use super::{Shared, Tally};
use crate::crc::Crc;
use crate::error::FileError;
use crate::parts::{Cut, cut};
use crate::plan::{Decided, UploadPlan};
use crate::receipt::{End, Receipt};
use crate::verify::{Md5Sum, Sum, hex};

/// Larger bodies are streamed from the file instead of held.
const IN_MEMORY: u64 = 16 << 20;

/// What streaming from a file takes of the memory budget.
const STREAMING: u64 = 1 << 20;

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
    source: Arc<dyn LocalFile>,
    /// Refuse to replace what the plan did not see.
    if_absent: bool,
    content_type: Option<&'static str>,
}

/// What was sent and how it can be known again.
struct Sent {
    outcome: PutOutcome,
    expected: String,
    md5: Option<Md5Sum>,
    /// Of the whole.
    crc: Crc,
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
            return self.make_folder(row, key, shared).await;
        }
        let started = shared.clock.now();
        let source = shared.disk.open(&self.plan.path(row)).await?;
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
        let (proof, etag) = sending
            .at_store()
            .verify(
                &sent.outcome,
                &sent.expected,
                sent.part_size,
                Some(sent.crc),
            )
            .await?;
        let sha256 = shared.sha256_of(&*sending.source, sent.crc).await;
        shared.hand_over(row, || Receipt {
            from: End::File(sending.source.path().to_owned()),
            to: End::Object {
                bucket: sending.bucket.to_owned(),
                key: sending.key.clone(),
            },
            size,
            md5: sent.md5.map(|sum| hex(&sum)),
            sha256,
            crc: Some(sent.crc),
            etag,
            part_size: sent.part_size,
            version_id: sent.outcome.version_id,
            proof,
            started,
            finished: shared.clock.now(),
        });
        Ok(())
    }

    async fn make_folder(
        &self,
        row: u32,
        key: String,
        shared: &Arc<Shared>,
    ) -> Result<(), Stopped> {
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
            biased;
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            done = put => {
                done?;
                shared.done_without_proof(row);
                Ok(())
            }
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
            // It was larger when it went in parts.
            clear_left(self.row, self.shared).await?;
            let size = self.source.size();
            let (held, body, sum) = self.body(0, size).await?;
            self.source.check_unchanged().await?;
            let permit = self.shared.request().await;
            let outcome = self.put(body, sum.md5).await;
            drop((permit, held));
            let outcome = self.or_changed(outcome).await?;
            if size > IN_MEMORY {
                self.source.check_unchanged().await?;
            }
            Ok::<_, Stopped>(Sent {
                outcome,
                expected: hex(&sum.md5),
                md5: Some(sum.md5),
                crc: sum.crc,
                part_size: None,
            })
        };
        tokio::select! {
            biased;
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
            Err(e) if e.kind == ErrorKind::Exists => {
                match self.at_store().sent_before(&hex(&sum), None).await? {
                    Some(outcome) => {
                        shared.board.moved(self.row, length);
                        Ok(outcome)
                    }
                    None => Err(FileError::InTheWay {
                        path: format!("{}/{}", self.bucket, self.key).into(),
                    }),
                }
            }
            other => Ok(other?),
        }
    }

    /// A range of the file as a body, with its hash, and the memory it takes.
    async fn body(&self, offset: u64, length: u64) -> Result<(Memory, Body, Sum), FileError> {
        body_of(self.shared, &self.source, offset, length).await
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

    fn at_store(&self) -> AtStore<'_> {
        AtStore {
            shared: self.shared,
            bucket: self.bucket,
            key: &self.key,
            size: self.source.size(),
        }
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
    source: &Arc<dyn LocalFile>,
    offset: u64,
    length: u64,
) -> Result<(Memory, Body, Sum), FileError> {
    let held = shared.memory.wait(held_for(length)).await;
    let (body, sum) = unheld_body(shared, source, offset, length).await?;
    Ok((held, body, sum))
}

async fn unheld_body(
    shared: &Shared,
    source: &Arc<dyn LocalFile>,
    offset: u64,
    length: u64,
) -> Result<(Body, Sum), FileError> {
    if length <= IN_MEMORY {
        let buffer = shared.buffers.take(length as usize);
        let (buffer, sum) = source.read(offset, buffer).await?;
        return Ok((Body::Bytes(shared.buffers.share(buffer)), sum));
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
