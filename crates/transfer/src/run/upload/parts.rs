//! Files that go in parts: begun, sent, completed; or aborted, so that nothing is left behind.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use tokio::task::JoinSet;
use wherry_account::ChecksumMode;
use wherry_store::{
    Body, CompletedPart, ContentCheck, ErrorKind, Pieces, PutOutcome, UploadId, UploadPartRequest,
};

use super::take_up::Begun;
use super::wave::{Turn, Wave};
use super::{IN_MEMORY, Sending, Sent, held_for, unheld_body};
use crate::crc::Crc;
use crate::error::FileError;
use crate::run::disk::{Hashes, LocalFile};
use crate::run::in_parts::{InParts, begun};
use crate::run::job::Stopped;
use crate::run::memory::Memory;
use crate::run::{Shared, Tally};
use crate::verify::{Sum, etag_of_sums};

/// What a part takes of the memory.
enum Room {
    InWave(Turn),
    Held(#[expect(dead_code, reason = "held for its drop")] Memory),
}

impl Room {
    /// A range of the file, with its sums.
    async fn body(
        &self,
        shared: &Shared,
        source: &Arc<dyn LocalFile>,
        offset: u64,
        length: u64,
    ) -> Result<(Body, Sum, Option<[u8; 32]>), FileError> {
        let Self::InWave(turn) = self else {
            let (body, sum) = unheld_body(shared, source, offset, length).await?;
            return Ok((body, sum, None));
        };
        let hashes = Hashes::new(shared.store.signs_bodies());
        let (pieces, hashes) = turn.read(&**source, offset, hashes).await?;
        let body = Body::Pieces(Pieces::new(pieces, source.path().to_owned(), offset));
        let (sum, sha256) = source.hashed(hashes).await?;
        Ok((body, sum, sha256))
    }
}

impl Sending<'_> {
    pub(super) async fn parts(&self, part: u64, count: u32) -> Result<Sent, Stopped> {
        let shared = self.shared;
        let asked = AtomicBool::new(false);
        let begun = begun(shared, &asked, self.begin(part, &asked)).await?;
        let (upload, have) = match begun {
            Begun::Upload(upload, have) => (upload, have),
            Begun::Completed(outcome, sums) => {
                shared.board.moved(self.row, self.source.size());
                return Ok(Sent {
                    outcome,
                    expected: etag_of_sums(&sums),
                    md5: None,
                    crc: self.crc_of(&sums, part),
                    part_size: Some(part),
                });
            }
        };
        let sent = tokio::select! {
            biased;
            () = shared.stop.cancelled() => Err(Stopped::Cancelled),
            sent = self.send_parts(&upload, part, count, have) => sent.map_err(Stopped::Failed),
        };
        let completed = match sent {
            Ok((parts, sums)) => self
                .complete(&upload, (&parts, &sums), part)
                .await
                .map(|done| (done, self.crc_of(&sums, part)))
                .map_err(Stopped::Failed),
            Err(stopped) => Err(stopped),
        };
        match completed {
            Ok(((outcome, expected), crc)) => Ok(Sent {
                outcome,
                expected,
                md5: None,
                crc,
                part_size: Some(part),
            }),
            Err(stopped) => {
                self.in_parts().stopped(&upload, &stopped).await;
                Err(stopped)
            }
        }
    }

    fn crc_of(&self, sums: &[Sum], part: u64) -> Crc {
        Crc::of_parts(sums.iter().map(|sum| sum.crc), part, self.source.size())
    }

    pub(super) async fn send_parts(
        &self,
        upload: &UploadId,
        part: u64,
        count: u32,
        have: Vec<(CompletedPart, Sum)>,
    ) -> Result<(Vec<CompletedPart>, Vec<Sum>), FileError> {
        let mut under_way = JoinSet::new();
        let there: HashSet<u32> = have.iter().map(|(part, _)| part.number).collect();
        for (part, _) in &have {
            self.shared.board.moved(self.row, part.size);
        }
        let mut done = have;
        // There the SDK computes a checksum of its own, for which it wants to see all of a body.
        let whole = self.shared.store.quirks().checksums == ChecksumMode::WhenSupported;
        let wave = (part <= IN_MEMORY && !whole).then(|| Wave::new(self.shared, part));
        for number in (1..=count).filter(|number| !there.contains(number)) {
            let offset = u64::from(number - 1) * part;
            let length = part.min(self.source.size() - offset);
            // Memory first, then the request: everybody in this order, so nobody waits in a ring.
            let room = match &wave {
                Some(wave) => Room::InWave(wave.begin(number, length).await),
                None => Room::Held(self.shared.memory.wait(held_for(length)).await),
            };
            let permit = self.shared.request().await;
            while let Some(ended) = under_way.try_join_next() {
                done.push(self.part_ended(ended).await?);
            }
            let (shared, source) = (Arc::clone(self.shared), Arc::clone(&self.source));
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
                let _permit = permit;
                let (body, sum, sha256) = room.body(&shared, &source, offset, length).await?;
                let check = ContentCheck {
                    md5: Some(sum.md5),
                    sha256,
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
                drop(room);
                if let Some(record) = &shared.record {
                    record.part_done(row, &completed, sum);
                }
                Ok::<_, FileError>((completed, sum))
            });
        }
        while let Some(ended) = under_way.join_next().await {
            done.push(self.part_ended(ended).await?);
        }
        done.sort_unstable_by_key(|(part, _)| part.number);
        Ok(done.into_iter().unzip())
    }

    pub(super) async fn part_ended(
        &self,
        ended: Result<Result<(CompletedPart, Sum), FileError>, tokio::task::JoinError>,
    ) -> Result<(CompletedPart, Sum), FileError> {
        match ended {
            Ok(result) => self.or_changed(result).await,
            Err(e) => Err(FileError::reading(
                self.source.path(),
                std::io::Error::other(e),
            )),
        }
    }

    pub(super) async fn complete(
        &self,
        upload: &UploadId,
        (parts, sums): (&[CompletedPart], &[Sum]),
        part_size: u64,
    ) -> Result<(PutOutcome, String), FileError> {
        self.source.check_unchanged().await?;
        let (shared, expected) = (self.shared, etag_of_sums(sums));
        if self.if_absent && self.exists().await? {
            // By an attempt of ours that could not be checked then, or by somebody else.
            let Some(outcome) = self
                .at_store()
                .sent_before(&expected, Some(part_size))
                .await?
            else {
                return Err(FileError::InTheWay {
                    path: format!("{}/{}", self.bucket, self.key).into(),
                });
            };
            self.in_parts().abort(upload).await;
            return Ok((outcome, expected));
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
            Err(e) if e.kind == ErrorKind::NoSuchUpload => {
                let sent = self
                    .at_store()
                    .sent_before(&expected, Some(part_size))
                    .await?;
                sent.map(|outcome| (outcome, expected)).ok_or(e.into())
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Completing an upload knows no condition in most stores; one more look is cheap beside it.
    pub(super) async fn exists(&self) -> Result<bool, FileError> {
        match self.at_store().head().await {
            Ok(_) => Ok(true),
            // May write there, may not look there.
            Err(e) if matches!(e.kind, ErrorKind::NoSuchKey | ErrorKind::Denied) => Ok(false),
            // Not to know is no leave to overwrite.
            Err(e) => Err(e.into()),
        }
    }

    pub(super) fn in_parts(&self) -> InParts<'_> {
        InParts {
            shared: self.shared,
            row: self.row,
            bucket: self.bucket,
            key: &self.key,
        }
    }
}
