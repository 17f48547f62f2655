//! MD5 of eight streams at once, a lane of a vector register each.
//!
//! MD5 is a chain of sixty-four steps that each wait for the one before; a processor can do much
//! more than one such chain at a time. Eight of them side by side take about as long as one. What
//! the processor can do is found out when the program runs; `pulp` has the intrinsics as safe calls.

// Only inlined into `vectorize` do these become the instructions they stand for.
#![allow(clippy::inline_always)]
// RFC 1321's own names.
#![allow(clippy::many_single_char_names)]

use std::arch::x86_64::__m256i;
use std::array::from_fn;

use pulp::x86::{V3, V4};
use pulp::{NullaryFnOnce, cast};

use super::State;

pub const LANES: usize = 8;
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
    fn v3(self) -> V3;
    /// `x` chooses between `y` and `z`.
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i;
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i;
    /// `y ^ (x | !z)`
    fn last(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i;
    /// `RIGHT` is 32 less `LEFT`.
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: __m256i) -> __m256i;
}

impl Unit for V3 {
    #[inline(always)]
    fn v3(self) -> V3 {
        self
    }
    #[inline(always)]
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        let avx = self.avx2;
        avx._mm256_xor_si256(z, avx._mm256_and_si256(x, avx._mm256_xor_si256(y, z)))
    }
    #[inline(always)]
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.avx2
            ._mm256_xor_si256(x, self.avx2._mm256_xor_si256(y, z))
    }
    #[inline(always)]
    fn last(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        let (avx, ones) = (self.avx2, self.avx._mm256_set1_epi32(-1));
        avx._mm256_xor_si256(y, avx._mm256_or_si256(x, avx._mm256_xor_si256(z, ones)))
    }
    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: __m256i) -> __m256i {
        let avx = self.avx2;
        avx._mm256_or_si256(
            avx._mm256_slli_epi32::<LEFT>(x),
            avx._mm256_srli_epi32::<RIGHT>(x),
        )
    }
}

impl Unit for V4 {
    #[inline(always)]
    fn v3(self) -> V3 {
        *self
    }
    #[inline(always)]
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.avx512f._mm256_ternarylogic_epi32::<0xca>(x, y, z)
    }
    #[inline(always)]
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.avx512f._mm256_ternarylogic_epi32::<0x96>(x, y, z)
    }
    #[inline(always)]
    fn last(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.avx512f._mm256_ternarylogic_epi32::<0x39>(x, y, z)
    }
    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: __m256i) -> __m256i {
        self.avx512f._mm256_rol_epi32::<LEFT>(x)
    }
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

    /// Takes so many whole blocks of each stream into its state.
    pub fn compress(self, states: &mut [State; LANES], data: [&[u8]; LANES], blocks: usize) {
        match self {
            Self::Avx2(unit) => unit.vectorize(Work {
                unit,
                states,
                data,
                blocks,
            }),
            Self::Avx512(unit) => unit.vectorize(Work {
                unit,
                states,
                data,
                blocks,
            }),
        }
    }
}

struct Work<'w, U> {
    unit: U,
    states: &'w mut [State; LANES],
    data: [&'w [u8]; LANES],
    blocks: usize,
}

/// Rows of one stream each become columns: the first words of all streams, their second words, …
#[inline(always)]
fn columns(v3: V3, rows: [__m256i; 8]) -> [__m256i; 8] {
    let (avx, avx2) = (v3.avx, v3.avx2);
    let [a, b, c, d, e, f, g, h] = rows;
    let low = |x, y| avx2._mm256_unpacklo_epi32(x, y);
    let high = |x, y| avx2._mm256_unpackhi_epi32(x, y);
    let ab = (low(a, b), high(a, b));
    let cd = (low(c, d), high(c, d));
    let ef = (low(e, f), high(e, f));
    let gh = (low(g, h), high(g, h));
    let low = |x, y| avx2._mm256_unpacklo_epi64(x, y);
    let high = |x, y| avx2._mm256_unpackhi_epi64(x, y);
    let upper = [
        low(ab.0, cd.0),
        high(ab.0, cd.0),
        low(ab.1, cd.1),
        high(ab.1, cd.1),
    ];
    let lower = [
        low(ef.0, gh.0),
        high(ef.0, gh.0),
        low(ef.1, gh.1),
        high(ef.1, gh.1),
    ];
    from_fn(|at| {
        if at < 4 {
            avx._mm256_permute2f128_si256::<0x20>(upper[at], lower[at])
        } else {
            avx._mm256_permute2f128_si256::<0x31>(upper[at - 4], lower[at - 4])
        }
    })
}

/// Half a block of a stream. Streams shorter than the work are zeros there, which nobody asks for.
#[inline(always)]
fn half(data: &[u8], at: usize) -> __m256i {
    let bytes: [u8; BLOCK / 2] = match data.get(at..at + BLOCK / 2) {
        Some(half) => half.try_into().unwrap_or_default(),
        None => [0; BLOCK / 2],
    };
    cast(bytes)
}

macro_rules! step {
    ($work:ident, $m:ident, $f:expr, $a:ident, $b:ident, $word:expr, $number:expr, $turn:literal) => {{
        let (unit, avx) = ($work.unit, $work.unit.v3().avx2);
        let constant = unit.v3().avx._mm256_set1_epi32(K[$number].cast_signed());
        let sum = avx._mm256_add_epi32(
            avx._mm256_add_epi32($a, avx._mm256_add_epi32(constant, $m[$word % 16])),
            $f,
        );
        $a = avx._mm256_add_epi32($b, unit.turn::<$turn, { 32 - $turn }>(sum));
    }};
}

/// Four steps, of which a round has four times as many.
macro_rules! steps {
    ($work:ident, $m:ident, $f:expr, ($a:ident, $b:ident, $c:ident, $d:ident), $at:expr, $round:literal,
     $first:literal + $stride:literal, $s0:literal $s1:literal $s2:literal $s3:literal) => {{
        let f = $f;
        step!(
            $work,
            $m,
            f($b, $c, $d),
            $a,
            $b,
            $first + $stride * $at,
            16 * $round + $at,
            $s0
        );
        step!(
            $work,
            $m,
            f($a, $b, $c),
            $d,
            $a,
            $first + $stride * ($at + 1),
            16 * $round + $at + 1,
            $s1
        );
        step!(
            $work,
            $m,
            f($d, $a, $b),
            $c,
            $d,
            $first + $stride * ($at + 2),
            16 * $round + $at + 2,
            $s2
        );
        step!(
            $work,
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
    ($work:ident, $m:ident, $f:expr, $state:tt, $($rest:tt)*) => {{
        steps!($work, $m, $f, $state, 0, $($rest)*);
        steps!($work, $m, $f, $state, 4, $($rest)*);
        steps!($work, $m, $f, $state, 8, $($rest)*);
        steps!($work, $m, $f, $state, 12, $($rest)*);
    }};
}

impl<U: Unit> NullaryFnOnce for Work<'_, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (unit, v3) = (self.unit, self.unit.v3());
        let add = |x, y| v3.avx2._mm256_add_epi32(x, y);
        let column = |word: usize| -> __m256i {
            cast(from_fn::<u32, LANES, _>(|lane| self.states[lane][word]))
        };
        let (mut a, mut b, mut c, mut d) = (column(0), column(1), column(2), column(3));
        for block in 0..self.blocks {
            let at = block * BLOCK;
            let first = columns(v3, from_fn(|lane| half(self.data[lane], at)));
            let second = columns(v3, from_fn(|lane| half(self.data[lane], at + BLOCK / 2)));
            let m: [__m256i; 16] = from_fn(|word| {
                if word < 8 {
                    first[word]
                } else {
                    second[word - 8]
                }
            });
            let before = (a, b, c, d);
            round!(self, m, |x, y, z| unit.choose(x, y, z), (a, b, c, d), 0, 0 + 1, 7 12 17 22);
            round!(self, m, |x, y, z| unit.choose(z, x, y), (a, b, c, d), 1, 1 + 5, 5 9 14 20);
            round!(self, m, |x, y, z| unit.parity(x, y, z), (a, b, c, d), 2, 5 + 3, 4 11 16 23);
            round!(self, m, |x, y, z| unit.last(x, y, z), (a, b, c, d), 3, 0 + 7, 6 10 15 21);
            a = add(a, before.0);
            b = add(b, before.1);
            c = add(c, before.2);
            d = add(d, before.3);
        }
        let words: [[u32; LANES]; 4] = [cast(a), cast(b), cast(c), cast(d)];
        for (lane, state) in self.states.iter_mut().enumerate() {
            *state = from_fn(|word| words[word][lane]);
        }
    }
}
