//! MD5 of what is moved, which is most of the work of moving it.
//!
//! S3 knows no better hash that all stores know, and MD5 is slow: one stream of it is slower than
//! most disks. Several streams at once are not ([`lanes`]), and a transfer has several: the parts
//! of a file, the ranges of an object. [`Running`] is a stream's hash so far; [`mill`] takes
//! streams from many threads and hashes them side by side.

#[cfg(target_arch = "x86_64")]
mod lanes;
mod mill;

use bytes::Bytes;
use md5::block_api::compress;

pub type Md5Sum = [u8; 16];

/// MD5 works on so many bytes at a time.
const BLOCK: usize = 64;

type State = [u32; 4];

/// Shorter ones are hashed sooner than handed over.
const WORTH_HANDING_OVER: usize = 64 << 10;

/// The MD5 of a stream, as far as it has come.
#[derive(Clone)]
pub struct Running {
    state: State,
    /// What does not fill a block yet.
    rest: Vec<u8>,
    /// Bytes in all.
    length: u64,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476],
            rest: Vec::new(),
            length: 0,
        }
    }
}

impl Running {
    /// Takes in what comes next. Blocks, side by side with what other threads have.
    pub fn update(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        let mut whole = Vec::new();
        for piece in pieces {
            self.cut(piece, &mut whole);
        }
        let bytes: usize = whole.iter().map(Bytes::len).sum();
        self.state = if bytes < WORTH_HANDING_OVER {
            whole
                .iter()
                .fold(self.state, |state, bytes| one_by_one(state, bytes))
        } else {
            mill::grind(self.state, &whole)
        };
    }

    /// Whole blocks of a piece, after what was left of the one before.
    fn cut(&mut self, mut piece: Bytes, whole: &mut Vec<Bytes>) {
        self.length += piece.len() as u64;
        if !self.rest.is_empty() {
            let missing = (BLOCK - self.rest.len()).min(piece.len());
            self.rest.extend_from_slice(&piece.split_to(missing));
            if self.rest.len() == BLOCK {
                whole.push(std::mem::take(&mut self.rest).into());
            }
        }
        let blocks = piece.len() / BLOCK * BLOCK;
        if blocks > 0 {
            whole.push(piece.split_to(blocks));
        }
        // Empty where the rest before is not full yet.
        self.rest.extend_from_slice(&piece);
    }

    pub fn finish(self) -> Md5Sum {
        let mut last = self.rest;
        last.push(0x80);
        let blocks = (last.len() + 8).div_ceil(BLOCK);
        last.resize(blocks * BLOCK - 8, 0);
        last.extend_from_slice(&self.length.wrapping_mul(8).to_le_bytes());
        let state = one_by_one(self.state, &last);
        let mut sum = Md5Sum::default();
        for (to, word) in sum.chunks_exact_mut(4).zip(state) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        sum
    }
}

/// The MD5 of a buffer, and the buffer. Blocks, side by side with what other threads have.
pub fn of_buffer(buffer: Vec<u8>) -> (Md5Sum, Vec<u8>) {
    let whole = Bytes::from(buffer);
    let mut running = Running::default();
    running.update([whole.clone()]);
    // Nobody else holds it any more, so this is the same memory.
    (running.finish(), whole.into())
}

/// Whole blocks, by the processor's ordinary means.
fn one_by_one(mut state: State, bytes: &[u8]) -> State {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    compress(&mut state, blocks);
    state
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use md5::{Digest, Md5};

    use super::*;

    fn md5_of(bytes: &[u8]) -> Md5Sum {
        Md5::digest(bytes).into()
    }

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_sum(length in 0usize..1000, cuts in prop::collection::vec(0usize..200, 0..10)) {
            let all = noise(length as u64, length);
            let (mut running, mut left) = (Running::default(), Bytes::from(all.clone()));
            for cut in cuts {
                running.update([left.split_to(cut.min(left.len()))]);
            }
            running.update([left]);
            prop_assert_eq!(running.finish(), md5_of(&all));
        }
    }

    #[test]
    fn many_threads_at_once_get_their_own_sums() {
        std::thread::scope(|scope| {
            for seed in 0..20u64 {
                scope.spawn(move || {
                    let all = noise(seed, 300_000 + 70_001 * seed as usize);
                    let mut running = Running::default();
                    let mut left = Bytes::from(all.clone());
                    while !left.is_empty() {
                        let piece = left.split_to(left.len().min(200_003));
                        let mut piece = piece;
                        let first = piece.split_to(piece.len() / 3);
                        running.update([first, piece]);
                    }
                    assert_eq!(running.finish(), md5_of(&all), "stream {seed}");
                    let (sum, back) = of_buffer(all.clone());
                    assert!(sum == md5_of(&all) && back == all);
                });
            }
        });
    }
}
