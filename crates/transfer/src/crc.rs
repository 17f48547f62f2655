//! CRC-64/NVME, which S3 keeps of whole objects.
//!
//! MD5 of a large file can only be computed from its first byte to its last; a CRC can be put
//! together from those of its parts, which come in any order. So it is what a receipt knows of the
//! whole of a file that went in parts.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use crc_fast::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The polynomial, lowest power first.
const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

/// One, in the same order.
const ONE: u64 = 1 << 63;

/// Of the bytes so far; of none at first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crc(u64);

impl Crc {
    pub fn of(bytes: &[u8]) -> Self {
        let mut crc = Self::default();
        crc.update(bytes);
        crc
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let mut digest = Digest::new_with_init_state(Crc64Nvme, !self.0);
        digest.update(bytes);
        self.0 = digest.finalize();
    }

    /// Of what is made of parts, all of this length but the last, which ends at `size`.
    pub fn of_parts(parts: impl IntoIterator<Item = Self>, length: u64, size: u64) -> Self {
        let (mut whole, mut at, shift) = (0, 0, shift(length));
        for part in parts {
            let end = at + length.min(size.saturating_sub(at));
            let by = if end - at == length {
                shift
            } else {
                self::shift(end - at)
            };
            (whole, at) = (product(by, whole) ^ part.0, end);
        }
        Self(whole)
    }

    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

/// As S3 writes it.
impl fmt::Display for Crc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.to_bytes()))
    }
}

impl FromStr for Crc {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = BASE64_STANDARD.decode(text).map_err(drop)?;
        bytes.try_into().map(Self::from_bytes).map_err(drop)
    }
}

impl Serialize for Crc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Crc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom("it is no CRC-64/NVME"))
    }
}

/// What so many bytes after it do to a CRC: x to the power of their bits.
fn shift(bytes: u64) -> u64 {
    let (mut power, mut square, mut left) = (ONE, ONE >> 8, bytes);
    while left > 0 {
        if left & 1 == 1 {
            power = product(power, square);
        }
        square = product(square, square);
        left >>= 1;
    }
    power
}

/// Of two polynomials over bits, modulo that of the CRC.
fn product(one: u64, mut other: u64) -> u64 {
    let mut sum = 0;
    for power in (0..64).rev() {
        if one >> power & 1 == 1 {
            sum ^= other;
        }
        let carry = other & 1 == 1;
        other = (other >> 1) ^ if carry { POLYNOMIAL } else { 0 };
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_the_published_one() {
        // The check value of the catalogue of CRCs.
        assert_eq!(Crc::of(b"123456789"), Crc(0xae8b_1486_0a79_9888));
        assert_eq!(Crc::of(b"123456789").to_string(), "rosUhgp5mIg=");
        assert_eq!(Crc::of(b"").to_string(), "AAAAAAAAAAA=");
        assert_eq!("rosUhgp5mIg=".parse(), Ok(Crc::of(b"123456789")));
        for other in ["", "rosUhgp5mIg", "rosUhgp5mA==", "rosUhgp5mIgA", "?"] {
            assert_eq!(other.parse::<Crc>(), Err(()), "{other}");
        }
    }

    #[test]
    fn nothing_has_that_of_nothing() {
        assert_eq!(Crc::of_parts([], 8 << 20, 0), Crc::of(b""));
        assert_eq!(Crc::of_parts([Crc::of(b"")], 8 << 20, 0), Crc::of(b""));
    }

    proptest! {
        #[test]
        fn parts_have_that_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..5000),
            length in 1usize..1500,
            cut in 0usize..5000,
        ) {
            let whole = Crc::of(&bytes);
            let parts = bytes.chunks(length).map(Crc::of);
            prop_assert_eq!(Crc::of_parts(parts, length as u64, bytes.len() as u64), whole);
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let mut crc = Crc::of(head);
            crc.update(tail);
            prop_assert_eq!(crc, whole);
        }

        #[test]
        fn any_length_shifts_as_its_bytes_do(first in any::<u64>(), then in any::<u64>(), length in 1u64..(1 << 42)) {
            let whole = crc_fast::checksum_combine(Crc64Nvme, first, then, length);
            prop_assert_eq!(product(shift(length), first) ^ then, whole);
        }
    }
}
