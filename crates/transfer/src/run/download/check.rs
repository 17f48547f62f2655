//! Whether what was written is the object.

use futures::StreamExt;
use md5::{Digest, Md5};

use super::{Fetching, Wanted};
use crate::crc::Crc;
use crate::error::FileError;
use crate::receipt::Proof;
use crate::run::disk::Draft;
use crate::verify::{EtagForm, Md5Sum, Sum, etag_of_sums, form_of, likely_part_sizes};

/// A multipart ETag is tried with so many part sizes before the object's size has to do as proof.
pub(super) const GUESSES: usize = 3;

/// How the bytes that were written are known to be the object's.
pub(super) struct Checked {
    pub proof: Proof,
    pub md5: Option<Md5Sum>,
    /// Of the whole.
    pub crc: Crc,
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
        let in_parts = matches!(form_of(etag), EtagForm::Parts(_));
        if etag == found {
            habit.learn(in_parts, true);
            return Ok(Checked {
                proof: Proof::Etag,
                ..checked
            });
        }
        if habit.are_hashes(in_parts) == Some(false) {
            return Ok(checked);
        }
        if habit.are_hashes(in_parts).is_none()
            && size == wanted.size
            && self.read_again(wanted).await? == checked.md5
        {
            habit.learn(in_parts, false);
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
        draft: Box<dyn Draft>,
        checked: Checked,
    ) -> Result<(Box<dyn Draft>, Checked), FileError> {
        let etag = wanted.etag.as_deref().unwrap_or_default();
        let EtagForm::Parts(count) = form_of(etag) else {
            return Ok((draft, checked));
        };
        for guess in likely_part_sizes(wanted.size, count)
            .into_iter()
            .take(GUESSES)
        {
            let cuts = (0..count).map(|_| guess).collect();
            if etag_of_sums(&hash_file(&*draft, cuts, wanted.size).await?) == etag {
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

/// The sums of consecutive stretches of the file, the last one cut at its end.
pub(super) async fn hash_file(
    draft: &dyn Draft,
    stretches: Vec<u64>,
    size: u64,
) -> Result<Vec<Sum>, FileError> {
    let mut at = 0;
    let ranges = stretches.into_iter().map(|stretch| {
        let begin = at;
        at = (at + stretch).min(size);
        begin..at
    });
    draft.contents().hash(ranges.collect()).await
}
