//! An object's bytes, read once more where an ETag does not say what they are.

use std::sync::Arc;

use futures::StreamExt;
use md5::{Digest, Md5};
use wherry_store::{ErrorKind, GetRequest, ObjectStore, StoreError};

use super::Shared;
use crate::error::FileError;
use crate::verify::{Md5Sum, etag_of_parts, hex};

/// Which object, and what is known of it.
pub(super) struct Wanted<'a> {
    pub store: &'a Arc<dyn ObjectStore>,
    pub bucket: &'a str,
    pub key: &'a str,
    /// Bytes.
    pub size: u64,
    /// As in [`GetRequest`].
    pub if_match: Option<&'a str>,
}

/// The ETag that the bytes ought to have, where ETags are hashes.
pub(super) async fn etag_by_bytes(
    shared: &Shared,
    wanted: &Wanted<'_>,
    part_size: Option<u64>,
) -> Result<String, FileError> {
    let sums = sums(shared, wanted, part_size.unwrap_or(u64::MAX)).await?;
    Ok(match (part_size, sums.first()) {
        (None, Some(sum)) => hex(sum),
        _ => etag_of_parts(&sums),
    })
}

/// The MD5s of its parts; of an empty object, of the one part that has no bytes.
pub(super) async fn sums(
    shared: &Shared,
    wanted: &Wanted<'_>,
    part_size: u64,
) -> Result<Vec<Md5Sum>, FileError> {
    let request = GetRequest {
        bucket: wanted.bucket.to_owned(),
        key: wanted.key.to_owned(),
        range: None,
        if_match: wanted.if_match.map(str::to_owned),
    };
    // A body that ends early or goes on too long says nothing about the object.
    let broken = || {
        let words = "the object did not come back in its length";
        StoreError::new(ErrorKind::Interrupted, "read the object back", words)
    };
    let read = shared.patience.with(|| async {
        let mut body = wanted.store.get(request.clone()).await?.body;
        let (mut hash, mut sums, mut left) = (Md5::new(), Vec::new(), part_size);
        let mut missing = wanted.size;
        while let Some(chunk) = body.next().await {
            let mut chunk = chunk?;
            missing = missing.checked_sub(chunk.len() as u64).ok_or_else(broken)?;
            while chunk.len() as u64 >= left {
                hash.update(chunk.split_to(left as usize));
                sums.push(hash.finalize_reset().into());
                left = part_size;
            }
            left -= chunk.len() as u64;
            hash.update(&chunk);
        }
        if missing > 0 {
            return Err(broken());
        }
        if left < part_size || sums.is_empty() {
            sums.push(hash.finalize_reset().into());
        }
        Ok::<_, StoreError>(sums)
    });
    Ok(read.await?)
}
