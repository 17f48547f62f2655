//! Processors with AVX2: eight words to a register.

use std::arch::x86_64::__m256i;
use std::array::from_fn;

use pulp::cast;
use pulp::x86::V3;

use super::{BLOCK, Unit, some};

const EIGHT: usize = 8;

impl Unit for V3 {
    const STREAMS: usize = EIGHT;
    type Words = __m256i;

    #[inline(always)]
    fn gather(self, words: &[u32]) -> __m256i {
        cast(*words.first_chunk::<EIGHT>().unwrap_or(&[0; EIGHT]))
    }
    #[inline(always)]
    fn scatter(self, words: __m256i, to: &mut [u32]) {
        if let Some(to) = to.first_chunk_mut::<EIGHT>() {
            *to = cast(words);
        }
    }
    #[inline(always)]
    fn all(self, word: u32) -> __m256i {
        self.avx._mm256_set1_epi32(word.cast_signed())
    }

    #[inline(always)]
    fn block(self, data: &[&[u8]], at: usize) -> [__m256i; 16] {
        let first = columns(
            self,
            from_fn(|lane| cast(some::<{ BLOCK / 2 }>(data, lane, at))),
        );
        let at = at + BLOCK / 2;
        let second = columns(
            self,
            from_fn(|lane| cast(some::<{ BLOCK / 2 }>(data, lane, at))),
        );
        from_fn(|word| {
            if word < EIGHT {
                first[word]
            } else {
                second[word - EIGHT]
            }
        })
    }

    #[inline(always)]
    fn add(self, x: __m256i, y: __m256i) -> __m256i {
        self.avx2._mm256_add_epi32(x, y)
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
