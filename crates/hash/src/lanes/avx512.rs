//! Processors with AVX-512: sixteen words to a register, and single instructions for what MD5 is made of.

use std::arch::x86_64::{__m256i, __m512i};

use pulp::cast;
use pulp::x86::V4;

use super::{BLOCK, SIXTEEN, Unit, some};

impl Unit for V4 {
    const STREAMS: usize = SIXTEEN;
    type Words = __m512i;

    #[inline(always)]
    fn gather(self, words: &[u32]) -> __m512i {
        cast(*words.first_chunk::<SIXTEEN>().unwrap_or(&[0; SIXTEEN]))
    }
    #[inline(always)]
    fn scatter(self, words: __m512i, to: &mut [u32]) {
        if let Some(to) = to.first_chunk_mut::<SIXTEEN>() {
            *to = cast(words);
        }
    }
    #[inline(always)]
    fn all(self, word: u32) -> __m512i {
        self.avx512f._mm512_set1_epi32(word.cast_signed())
    }

    /// A matrix is turned by turning its quarters' quarters, those, and then the whole.
    #[inline(always)]
    fn block(self, data: &[&[u8]], at: usize) -> [__m512i; 16] {
        let avx = self.avx512f;
        // Loops: a closure may be left a call of its own, which is slow with registers like these.
        let mut rows = [avx._mm512_setzero_si512(); 16];
        for (lane, row) in rows.iter_mut().enumerate() {
            *row = cast(some::<BLOCK>(data, lane, at));
        }
        // Words of two streams each, then of four.
        let mut pairs = rows;
        for (at, to) in pairs.iter_mut().enumerate() {
            let (x, y) = (rows[at & !1], rows[at | 1]);
            *to = match at % 2 {
                0 => avx._mm512_unpacklo_epi32(x, y),
                _ => avx._mm512_unpackhi_epi32(x, y),
            };
        }
        // Word `at % 4` of each quarter, of streams from `at / 4 * 4` on.
        let mut fours = rows;
        for (at, to) in fours.iter_mut().enumerate() {
            let (first, half) = (at / 4 * 4, at / 2 % 2);
            let (x, y) = (pairs[first + half], pairs[first + 2 + half]);
            *to = match at % 2 {
                0 => avx._mm512_unpacklo_epi64(x, y),
                _ => avx._mm512_unpackhi_epi64(x, y),
            };
        }
        let mut eights = rows;
        for (at, to) in eights.iter_mut().enumerate() {
            let (word, right, lower) = (at % 4, at / 4 % 2, at / 8);
            let (x, y) = (fours[8 * lower + word], fours[8 * lower + 4 + word]);
            *to = match right {
                0 => avx._mm512_shuffle_i32x4::<0x88>(x, y),
                _ => avx._mm512_shuffle_i32x4::<0xdd>(x, y),
            };
        }
        let mut words = rows;
        for (at, to) in words.iter_mut().enumerate() {
            let (word, quarter) = (at % 4, at / 4);
            let right = 4 * (quarter % 2);
            let (x, y) = (eights[right + word], eights[8 + right + word]);
            *to = match quarter / 2 {
                0 => avx._mm512_shuffle_i32x4::<0x88>(x, y),
                _ => avx._mm512_shuffle_i32x4::<0xdd>(x, y),
            };
        }
        words
    }

    #[inline(always)]
    fn add(self, x: __m512i, y: __m512i) -> __m512i {
        self.avx512f._mm512_add_epi32(x, y)
    }
    #[inline(always)]
    fn choose(self, x: __m512i, y: __m512i, z: __m512i) -> __m512i {
        self.avx512f._mm512_ternarylogic_epi32::<0xca>(x, y, z)
    }
    #[inline(always)]
    fn parity(self, x: __m512i, y: __m512i, z: __m512i) -> __m512i {
        self.avx512f._mm512_ternarylogic_epi32::<0x96>(x, y, z)
    }
    #[inline(always)]
    fn last(self, x: __m512i, y: __m512i, z: __m512i) -> __m512i {
        self.avx512f._mm512_ternarylogic_epi32::<0x39>(x, y, z)
    }
    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: __m512i) -> __m512i {
        self.avx512f._mm512_rol_epi32::<LEFT>(x)
    }
}

/// Eight streams, for which half a register is less work.
#[derive(Clone, Copy)]
pub struct Half(pub V4);

impl Unit for Half {
    const STREAMS: usize = SIXTEEN / 2;
    type Words = __m256i;

    #[inline(always)]
    fn gather(self, words: &[u32]) -> __m256i {
        (*self.0).gather(words)
    }
    #[inline(always)]
    fn scatter(self, words: __m256i, to: &mut [u32]) {
        (*self.0).scatter(words, to);
    }
    #[inline(always)]
    fn all(self, word: u32) -> __m256i {
        (*self.0).all(word)
    }
    #[inline(always)]
    fn block(self, data: &[&[u8]], at: usize) -> [__m256i; 16] {
        (*self.0).block(data, at)
    }
    #[inline(always)]
    fn add(self, x: __m256i, y: __m256i) -> __m256i {
        (*self.0).add(x, y)
    }
    #[inline(always)]
    fn choose(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.0.avx512f._mm256_ternarylogic_epi32::<0xca>(x, y, z)
    }
    #[inline(always)]
    fn parity(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.0.avx512f._mm256_ternarylogic_epi32::<0x96>(x, y, z)
    }
    #[inline(always)]
    fn last(self, x: __m256i, y: __m256i, z: __m256i) -> __m256i {
        self.0.avx512f._mm256_ternarylogic_epi32::<0x39>(x, y, z)
    }
    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: __m256i) -> __m256i {
        self.0.avx512f._mm256_rol_epi32::<LEFT>(x)
    }
}
