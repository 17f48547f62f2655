//! MD5 of up to thirty-two streams at once, a lane of a vector register each.
//!
//! MD5 is a chain of sixty-four steps that each wait for the one before; a processor can do much
//! more than one such chain at a time. A register of them takes about as long as one, and two
//! registers hardly longer. What the processor can do is found out when the program runs; `pulp` has
//! the intrinsics as safe calls.

// Only inlined into `vectorize` do these become the instructions they stand for.
#![allow(clippy::inline_always)]
// RFC 1321's own names.
#![allow(clippy::many_single_char_names)]

mod avx2;
mod avx512;
mod pair;

use std::array::from_fn;

use pulp::NullaryFnOnce;
use pulp::x86::{V3, V4};

use self::avx512::Half;
use self::pair::Pair;
use super::State;

pub const LANES: usize = 32;
/// What two registers of AVX2 hold, or one of AVX-512.
const SIXTEEN: usize = 16;
const BLOCK: usize = super::BLOCK;

/// The sines of 1 to 64, as RFC 1321 has them.
const K: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// What the steps are made of; one kind of processor each.
trait Unit: Copy {
    const STREAMS: usize;
    /// A word of each stream.
    type Words: Copy;

    fn gather(self, words: &[u32]) -> Self::Words;
    fn scatter(self, words: Self::Words, to: &mut [u32]);
    fn all(self, word: u32) -> Self::Words;
    /// The words of a block: of all streams the first, of all the second, …
    fn block(self, data: &[&[u8]], at: usize) -> [Self::Words; 16];

    fn add(self, x: Self::Words, y: Self::Words) -> Self::Words;
    /// `x` chooses between `y` and `z`.
    fn choose(self, x: Self::Words, y: Self::Words, z: Self::Words) -> Self::Words;
    fn parity(self, x: Self::Words, y: Self::Words, z: Self::Words) -> Self::Words;
    /// `y ^ (x | !z)`
    fn last(self, x: Self::Words, y: Self::Words, z: Self::Words) -> Self::Words;
    /// `RIGHT` is 32 less `LEFT`.
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: Self::Words) -> Self::Words;
}

/// A processor that can do it.
#[derive(Clone, Copy)]
pub enum Lanes {
    Avx2(V3),
    Avx512(V4),
}

impl Lanes {
    pub fn of_this_computer() -> Option<Self> {
        match V4::try_new() {
            Some(v4) => Some(Self::Avx512(v4)),
            None => V3::try_new().map(Self::Avx2),
        }
    }

    /// Takes so many whole blocks of each of the first `streams` streams into its state. What
    /// becomes of the other states nobody asks.
    pub fn compress(
        self,
        streams: usize,
        states: &mut [State; LANES],
        data: &[&[u8]; LANES],
        blocks: usize,
    ) {
        match self {
            Self::Avx2(v3) if streams <= SIXTEEN / 2 => {
                v3.vectorize(Work::new(v3, states, data, blocks));
            }
            Self::Avx2(v3) => {
                let mut rest = [State::default(); LANES];
                rest[..SIXTEEN].copy_from_slice(&states[SIXTEEN..]);
                v3.vectorize(Work::new(Pair(v3), states, data, blocks));
                if streams > SIXTEEN {
                    let data = from_fn(|lane| data.get(SIXTEEN + lane).copied().unwrap_or(&[]));
                    v3.vectorize(Work::new(Pair(v3), &mut rest, &data, blocks));
                }
                states[SIXTEEN..].copy_from_slice(&rest[..SIXTEEN]);
            }
            Self::Avx512(v4) if streams <= SIXTEEN / 2 => {
                v4.vectorize(Work::new(Half(v4), states, data, blocks));
            }
            Self::Avx512(v4) if streams <= SIXTEEN => {
                v4.vectorize(Work::new(v4, states, data, blocks));
            }
            Self::Avx512(v4) => {
                v4.vectorize(Work::new(Pair(v4), states, data, blocks));
            }
        }
    }
}

struct Work<'w, U> {
    unit: U,
    states: &'w mut [State; LANES],
    data: &'w [&'w [u8]; LANES],
    blocks: usize,
}

impl<'w, U> Work<'w, U> {
    fn new(
        unit: U,
        states: &'w mut [State; LANES],
        data: &'w [&'w [u8]; LANES],
        blocks: usize,
    ) -> Self {
        Self {
            unit,
            states,
            data,
            blocks,
        }
    }
}

/// Some of a block of a stream. Streams shorter than the work are zeros there, which nobody asks for.
#[inline(always)]
fn some<const LENGTH: usize>(data: &[&[u8]], lane: usize, at: usize) -> [u8; LENGTH] {
    match data.get(lane).and_then(|data| data.get(at..at + LENGTH)) {
        Some(some) => some.try_into().unwrap_or([0; LENGTH]),
        None => [0; LENGTH],
    }
}

macro_rules! step {
    ($unit:ident, $m:ident, $f:expr, $a:ident, $b:ident, $word:expr, $number:expr, $turn:literal) => {{
        let constant = $unit.add($unit.all(K[$number]), $m[$word % 16]);
        let sum = $unit.add($unit.add($a, constant), $f);
        $a = $unit.add($b, $unit.turn::<$turn, { 32 - $turn }>(sum));
    }};
}

/// Four steps, of which a round has four times as many.
macro_rules! steps {
    ($unit:ident, $m:ident, $f:expr, ($a:ident, $b:ident, $c:ident, $d:ident), $at:expr, $round:literal,
     $first:literal + $stride:literal, $s0:literal $s1:literal $s2:literal $s3:literal) => {{
        let f = $f;
        step!(
            $unit,
            $m,
            f($b, $c, $d),
            $a,
            $b,
            $first + $stride * $at,
            16 * $round + $at,
            $s0
        );
        step!(
            $unit,
            $m,
            f($a, $b, $c),
            $d,
            $a,
            $first + $stride * ($at + 1),
            16 * $round + $at + 1,
            $s1
        );
        step!(
            $unit,
            $m,
            f($d, $a, $b),
            $c,
            $d,
            $first + $stride * ($at + 2),
            16 * $round + $at + 2,
            $s2
        );
        step!(
            $unit,
            $m,
            f($c, $d, $a),
            $b,
            $c,
            $first + $stride * ($at + 3),
            16 * $round + $at + 3,
            $s3
        );
    }};
}

macro_rules! round {
    ($unit:ident, $m:ident, $f:expr, $state:tt, $($rest:tt)*) => {{
        steps!($unit, $m, $f, $state, 0, $($rest)*);
        steps!($unit, $m, $f, $state, 4, $($rest)*);
        steps!($unit, $m, $f, $state, 8, $($rest)*);
        steps!($unit, $m, $f, $state, 12, $($rest)*);
    }};
}

impl<U: Unit> NullaryFnOnce for Work<'_, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let unit = self.unit;
        let column = |word: usize| unit.gather(&self.states.map(|state| state[word]));
        let (mut a, mut b, mut c, mut d) = (column(0), column(1), column(2), column(3));
        for block in 0..self.blocks {
            let m = unit.block(self.data, block * BLOCK);
            let before = (a, b, c, d);
            round!(unit, m, |x, y, z| unit.choose(x, y, z), (a, b, c, d), 0, 0 + 1, 7 12 17 22);
            round!(unit, m, |x, y, z| unit.choose(z, x, y), (a, b, c, d), 1, 1 + 5, 5 9 14 20);
            round!(unit, m, |x, y, z| unit.parity(x, y, z), (a, b, c, d), 2, 5 + 3, 4 11 16 23);
            round!(unit, m, |x, y, z| unit.last(x, y, z), (a, b, c, d), 3, 0 + 7, 6 10 15 21);
            a = unit.add(a, before.0);
            b = unit.add(b, before.1);
            c = unit.add(c, before.2);
            d = unit.add(d, before.3);
        }
        let mut words = [[0; LANES]; 4];
        for (to, words) in words.iter_mut().zip([a, b, c, d]) {
            unit.scatter(words, to);
        }
        for (lane, state) in self.states.iter_mut().enumerate() {
            *state = from_fn(|word| words[word][lane]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_by_one;

    #[test]
    fn every_lane_is_as_if_it_were_alone() {
        let kinds = [
            V4::try_new().map(Lanes::Avx512),
            V3::try_new().map(Lanes::Avx2),
        ];
        let data: [Vec<u8>; LANES] = from_fn(|lane| {
            let byte = |at: usize| (at * (2 * lane + 3) + at / 256 * 7 + lane) as u8;
            (0..5 * BLOCK).map(byte).collect()
        });
        for lanes in kinds.into_iter().flatten() {
            for streams in [2, 7, 8, 9, 15, 16, 17, 31, LANES] {
                let before: [State; LANES] = from_fn(|lane| [lane as u32, 1, 2, 3]);
                let mut states = before;
                let slices = from_fn(|lane| if lane < streams { &*data[lane] } else { &[] });
                lanes.compress(streams, &mut states, &slices, 5);
                for lane in 0..streams {
                    let alone = one_by_one(before[lane], &data[lane]);
                    assert_eq!(states[lane], alone, "lane {lane} of {streams}");
                }
            }
        }
    }
}
