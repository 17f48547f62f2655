//! MD5 of what is moved, which is most of the work of moving it.
//!
//! S3 knows no better hash that all stores know, and MD5 is slow: one stream of it is slower than
//! most disks. Several streams at once are not ([`lanes`]), and a transfer has several: the parts
//! of a file, the ranges of an object. [`Running`] is a stream's hash so far; [`mill`] takes
//! streams from many threads and hashes them side by side.

#[cfg(target_arch = "x86_64")]
mod lanes;
#[cfg(target_arch = "x86_64")]
mod mill;

use bytes::Bytes;
use md5::block_api::compress;

#[cfg(target_arch = "x86_64")]
use mill::Place;
#[cfg(not(target_arch = "x86_64"))]
use no_mill::Place;

pub type Md5Sum = [u8; 16];

/// MD5 works on so many bytes at a time.
const BLOCK: usize = 64;

type State = [u32; 4];

const EMPTY: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Less is hashed sooner than handed over.
const WORTH_HANDING_OVER: usize = 64 << 10;

/// The MD5 of a stream, as far as it has come.
#[derive(Default)]
pub struct Running {
    far: Far,
    /// What does not fill a block yet.
    rest: Vec<u8>,
    /// Bytes in all.
    length: u64,
}

/// How far the whole blocks are hashed.
enum Far {
    Here(State),
    /// With others.
    There(Place),
}

impl Default for Far {
    fn default() -> Self {
        Self::Here(EMPTY)
    }
}

impl Running {
    /// Takes in what comes next, and hashes it when others have something to hash as well. Holds a
    /// few hundred KiB until then; blocks when that would be more.
    pub fn feed(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        let whole = self.cut(pieces);
        self.put(whole);
    }

    /// Takes in what comes next, hashes it and lets go of it. Blocks, side by side with what other
    /// threads have.
    pub fn update(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        let whole = self.cut(pieces);
        let bytes: usize = whole.iter().map(Bytes::len).sum();
        match &mut self.far {
            Far::Here(state) if bytes < WORTH_HANDING_OVER => {
                for piece in &whole {
                    *state = one_by_one(*state, piece);
                }
            }
            _ => {
                self.put(whole);
                self.settle();
            }
        }
    }

    fn put(&mut self, whole: Vec<Bytes>) {
        if let Far::Here(state) = &mut self.far {
            match Place::new(*state) {
                Some(place) => self.far = Far::There(place),
                None => {
                    for piece in &whole {
                        *state = one_by_one(*state, piece);
                    }
                }
            }
        }
        if let Far::There(place) = &self.far {
            place.put(whole);
        }
    }

    fn settle(&self) -> State {
        match &self.far {
            Far::Here(state) => *state,
            Far::There(place) => place.settle(),
        }
    }

    /// Whole blocks, beginning with what was left before.
    fn cut(&mut self, pieces: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
        let mut whole = Vec::new();
        for mut piece in pieces {
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
        whole
    }

    /// Blocks until all is hashed.
    pub fn finish(mut self) -> Md5Sum {
        let mut last = std::mem::take(&mut self.rest);
        last.push(0x80);
        let blocks = (last.len() + 8).div_ceil(BLOCK);
        last.resize(blocks * BLOCK - 8, 0);
        last.extend_from_slice(&self.length.wrapping_mul(8).to_le_bytes());
        let state = one_by_one(self.settle(), &last);
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

/// Where a processor cannot do several streams at once, everybody hashes for themselves.
#[cfg(not(target_arch = "x86_64"))]
mod no_mill {
    use bytes::Bytes;

    use super::State;

    pub enum Place {}

    impl Place {
        pub fn new(_: State) -> Option<Self> {
            None
        }

        pub fn put(&self, _: Vec<Bytes>) {
            match *self {}
        }

        pub fn settle(&self) -> State {
            match *self {}
        }
    }
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
            for (at, cut) in cuts.into_iter().enumerate() {
                let piece = left.split_to(cut.min(left.len()));
                if at % 3 == 2 {
                    running.feed([piece]);
                } else {
                    running.update([piece]);
                }
            }
            running.update([left]);
            prop_assert_eq!(running.finish(), md5_of(&all));
        }
    }

    /// Fed in pieces of a few lengths, as connections bring them.
    fn sum_of(all: &[u8], feed: impl Fn(&mut Running, Vec<Bytes>)) -> Md5Sum {
        let (mut running, mut left) = (Running::default(), Bytes::from(all.to_vec()));
        while !left.is_empty() {
            let mut piece = left.split_to(left.len().min(200_003));
            let first = piece.split_to(piece.len() / 3);
            feed(&mut running, vec![first, piece]);
        }
        running.finish()
    }

    #[test]
    fn many_threads_at_once_get_their_own_sums() {
        std::thread::scope(|scope| {
            for seed in 0..40u64 {
                scope.spawn(move || {
                    let all = noise(seed, 300_000 + 70_001 * seed as usize);
                    let later = sum_of(&all, Running::feed);
                    assert_eq!(later, md5_of(&all), "stream {seed}");
                    let at_once = sum_of(&all, Running::update);
                    assert_eq!(at_once, md5_of(&all), "stream {seed}");
                    let (sum, back) = of_buffer(all.clone());
                    assert!(sum == md5_of(&all) && back == all);
                });
            }
        });
    }

    #[test]
    fn who_gives_up_leaves_the_others_alone() {
        std::thread::scope(|scope| {
            for seed in 0..40u64 {
                scope.spawn(move || {
                    let all = noise(seed, 2_000_000);
                    let mut given_up = Running::default();
                    given_up.feed([Bytes::from(all.clone())]);
                    drop(given_up);
                    let sum = sum_of(&all, Running::feed);
                    assert_eq!(sum, md5_of(&all), "stream {seed}");
                });
            }
        });
    }

    #[test]
    fn one_thread_can_feed_many_streams() {
        let all = noise(1, 1_500_000);
        let mut running: Vec<Running> = (0..50).map(|_| Running::default()).collect();
        for (at, piece) in all.chunks(100_000).enumerate() {
            for (stream, running) in running.iter_mut().enumerate() {
                if (at + stream) % 15 != 0 {
                    running.feed([Bytes::copy_from_slice(piece)]);
                }
            }
        }
        for (stream, running) in running.into_iter().enumerate() {
            let pieces = all.chunks(100_000).enumerate();
            let fed = pieces.filter(|(at, _)| (at + stream) % 15 != 0);
            let whole: Vec<u8> = fed.flat_map(|(_, piece)| piece.to_vec()).collect();
            assert_eq!(running.finish(), md5_of(&whole), "stream {stream}");
        }
    }
}
