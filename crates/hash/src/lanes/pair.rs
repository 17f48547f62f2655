//! Two registers side by side: they hide each other's waits.

use super::Unit;

/// Twice the streams of one.
#[derive(Clone, Copy)]
pub struct Pair<U>(pub U);

impl<U: Unit> Unit for Pair<U> {
    const STREAMS: usize = 2 * U::STREAMS;
    type Words = (U::Words, U::Words);

    #[inline(always)]
    fn gather(self, words: &[u32]) -> Self::Words {
        (self.0.gather(words), self.0.gather(&words[U::STREAMS..]))
    }
    #[inline(always)]
    fn scatter(self, words: Self::Words, to: &mut [u32]) {
        self.0.scatter(words.0, to);
        self.0.scatter(words.1, &mut to[U::STREAMS..]);
    }
    #[inline(always)]
    fn all(self, word: u32) -> Self::Words {
        (self.0.all(word), self.0.all(word))
    }
    #[inline(always)]
    fn block(self, data: &[&[u8]], at: usize) -> [Self::Words; 16] {
        let (first, second) = (
            self.0.block(data, at),
            self.0.block(&data[U::STREAMS..], at),
        );
        // A loop: a closure may be left a call of its own, which is slow with registers like these.
        let mut words = [(first[0], second[0]); 16];
        for (word, to) in words.iter_mut().enumerate() {
            *to = (first[word], second[word]);
        }
        words
    }
    #[inline(always)]
    fn add(self, x: Self::Words, y: Self::Words) -> Self::Words {
        (self.0.add(x.0, y.0), self.0.add(x.1, y.1))
    }
    #[inline(always)]
    fn choose(self, x: Self::Words, y: Self::Words, z: Self::Words) -> Self::Words {
        (self.0.choose(x.0, y.0, z.0), self.0.choose(x.1, y.1, z.1))
    }
    #[inline(always)]
    fn parity(self, x: Self::Words, y: Self::Words, z: Self::Words) -> Self::Words {
        (self.0.parity(x.0, y.0, z.0), self.0.parity(x.1, y.1, z.1))
    }
    #[inline(always)]
    fn last(self, x: Self::Words, y: Self::Words, z: Self::Words) -> Self::Words {
        (self.0.last(x.0, y.0, z.0), self.0.last(x.1, y.1, z.1))
    }
    #[inline(always)]
    fn turn<const LEFT: i32, const RIGHT: i32>(self, x: Self::Words) -> Self::Words {
        (
            self.0.turn::<LEFT, RIGHT>(x.0),
            self.0.turn::<LEFT, RIGHT>(x.1),
        )
    }
}
