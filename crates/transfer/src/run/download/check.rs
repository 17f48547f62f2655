//! Whether what was written is the object.

use std::io;

use futures::StreamExt;
use md5::{Digest, Md5};
use tokio::task::spawn_blocking;

use super::{Fetching, Wanted};
use crate::error::FileError;
use crate::receipt::Proof;
use crate::run::read::read_exact_at;
use crate::run::target::Draft;
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, likely_part_sizes};

/// A multipart ETag is tried with so many part sizes before the object's size has to do as proof.
const GUESSES: usize = 3;

/// How the bytes that were written are known to be the object's.
pub(super) struct Checked {
    pub proof: Proof,
    pub md5: Option<Md5Sum>,
}

impl Fetching<'_> {
    /// Compares what the ETag says with what was found. Where they differ, and nothing is known of
    /// this store's ETags yet, a second reading tells damage from an ETag that is no hash.
    pub(super) async fn judge(
        &self,
        wanted: &Wanted,
        size: u64,
        found: &str,
        checked: Checked,
    ) -> Result<Checked, FileError> {
        let habit = &self.shared.etags;
        let etag = wanted.etag.as_deref().unwrap_or_default();
        if etag == found {
            habit.learn(true);
            return Ok(Checked {
                proof: Proof::Etag,
                ..checked
            });
        }
        if habit.are_hashes() == Some(false) {
            return Ok(checked);
        }
        if habit.are_hashes().is_none()
            && size == wanted.size
            && self.read_again(wanted).await? == checked.md5
        {
            habit.learn(false);
            return Ok(checked);
        }
        let (expected, found) = (etag.to_owned(), found.to_owned());
        Err(FileError::Mismatch {
            name: self.key.to_owned(),
            expected,
            found,
        })
    }

    pub(super) async fn read_again(&self, wanted: &Wanted) -> Result<Option<Md5Sum>, FileError> {
        let read = self.shared.patience.with(|| async {
            let mut body = self.get(wanted, None).await?.body;
            let mut hash = Md5::new();
            while let Some(chunk) = body.next().await {
                hash.update(chunk?);
            }
            Ok::<Md5Sum, FileError>(hash.finalize().into())
        });
        Ok(Some(read.await?))
    }

    /// Tries the usual part sizes on the written file. None of them matching proves nothing: the
    /// client that uploaded it may have had a size of its own.
    pub(super) async fn guess_parts(
        &self,
        wanted: &Wanted,
        draft: Draft,
        checked: Checked,
    ) -> Result<(Draft, Checked), FileError> {
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let EtagForm::Parts(count) = form_of(etag) else {
            return Ok((draft, checked));
        };
        for guess in likely_part_sizes(wanted.size, count)
            .into_iter()
            .take(GUESSES)
        {
            let cuts = (0..count).map(|_| guess).collect();
            if etag_of_parts(&hash_file(&draft, cuts, wanted.size).await?) == etag {
                return Ok((
                    draft,
                    Checked {
                        proof: Proof::Etag,
                        ..checked
                    },
                ));
            }
        }
        Ok((draft, checked))
    }
}

/// MD5s of consecutive stretches of the file, the last one cut at its end.
pub(super) async fn hash_file(
    draft: &Draft,
    stretches: Vec<u64>,
    size: u64,
) -> Result<Vec<Md5Sum>, FileError> {
    let file = draft.file();
    let hashed = spawn_blocking(move || -> io::Result<Vec<Md5Sum>> {
        let (mut sums, mut at) = (Vec::with_capacity(stretches.len()), 0);
        let mut buffer = vec![0; 1 << 20];
        for stretch in stretches {
            let (mut hash, end) = (Md5::new(), (at + stretch).min(size));
            while at < end {
                let piece = (end - at).min(buffer.len() as u64) as usize;
                read_exact_at(&file, &mut buffer[..piece], at)?;
                hash.update(&buffer[..piece]);
                at += piece as u64;
            }
            sums.push(hash.finalize().into());
        }
        Ok(sums)
    });
    hashed
        .await
        .map_err(io::Error::other)
        .and_then(|r| r)
        .map_err(|e| draft.error(e))
}
