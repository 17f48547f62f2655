//! The bytes of objects: one block of noise, over and over.
//!
//! A block's length divides every usual part size, so that the ETag of an object of any size takes
//! one part's hash.

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use md5::{Digest, Md5};

const BLOCK: u64 = 1 << 20;

/// Larger objects are as if they had been uploaded in parts of [`PART`].
const WHOLE_UP_TO: u64 = 16 << 20;
const PART: u64 = 8 << 20;

static NOISE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut noise = Vec::with_capacity(BLOCK as usize);
    while noise.len() < BLOCK as usize {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    noise.into()
});

/// A range of an object, as the body of an answer.
pub struct Pattern {
    at: u64,
    left: u64,
}

impl Pattern {
    pub fn new(at: u64, length: u64) -> Self {
        Self { at, left: length }
    }

    fn next(&mut self) -> Option<Bytes> {
        let from = self.at % BLOCK;
        let count = self.left.min(BLOCK - from);
        self.at += count;
        self.left -= count;
        (count > 0).then(|| NOISE.slice(from as usize..(from + count) as usize))
    }
}

impl Body for Pattern {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.next().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn md5(size: u64) -> [u8; 16] {
    let mut hash = Md5::new();
    let mut pattern = Pattern::new(0, size);
    while let Some(bytes) = pattern.next() {
        hash.update(&bytes);
    }
    hash.finalize().into()
}

/// The ETag of an object of this size.
pub fn etag(size: u64) -> String {
    if size <= WHOLE_UP_TO {
        return hex(&md5(size));
    }
    let (whole, last) = (md5(PART), size % PART);
    let mut parts = vec![whole; (size / PART) as usize];
    if last > 0 {
        parts.push(md5(last));
    }
    of_parts(&parts)
}

pub fn of_parts(parts: &[[u8; 16]]) -> String {
    format!("{}-{}", hex(&Md5::digest(parts.concat())), parts.len())
}

pub fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_piece_of_the_whole() {
        let read = |at, length| {
            let (mut all, mut pattern) = (Vec::new(), Pattern::new(at, length));
            while let Some(bytes) = pattern.next() {
                all.extend_from_slice(&bytes);
            }
            all
        };
        let whole = read(0, 3 * BLOCK + 5);
        assert_eq!(whole.len() as u64, 3 * BLOCK + 5);
        assert_eq!(read(BLOCK - 3, 9), whole[BLOCK as usize - 3..][..9]);
        assert_eq!(etag(7), hex(&Md5::digest(&whole[..7])));
    }

    #[test]
    fn a_large_one_has_the_etag_of_its_parts() {
        let size = 2 * PART + 7;
        let expected = [md5(PART), md5(PART), md5(7)];
        assert_eq!(etag(size), of_parts(&expected));
        assert!(etag(size).ends_with("-3"));
    }
}
