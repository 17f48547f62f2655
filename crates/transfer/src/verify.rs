//! Hashes, and what an ETag says about them.

use md5::{Digest, Md5};

pub use wherry_hash::Md5Sum;
use wherry_store::CompletedPart;

use crate::crc::Crc;

/// What is computed of all bytes that are moved, while they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// What stores know of a part.
    pub md5: Md5Sum,
    /// What can be put together to that of the whole.
    pub crc: Crc,
}

impl Sum {
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            md5: md5_of(bytes),
            crc: Crc::of(bytes),
        }
    }
}

pub fn md5_of(bytes: &[u8]) -> Md5Sum {
    Md5::digest(bytes).into()
}

pub fn hex(sum: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    sum.iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// What an ETag looks like. That an ETag looks like an MD5 does not make it one: stores that encrypt
/// with a managed key have random ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtagForm {
    /// 32 hex digits.
    Whole,
    /// 32 hex digits, a hyphen, the number of parts.
    Parts(u32),
    Other,
}

pub fn form_of(etag: &str) -> EtagForm {
    let is_hash = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match etag.split_once('-') {
        None if is_hash(etag) => EtagForm::Whole,
        Some((hash, count)) if is_hash(hash) => count
            .parse()
            .ok()
            .filter(|n| *n > 0)
            .map_or(EtagForm::Other, EtagForm::Parts),
        _ => EtagForm::Other,
    }
}

/// The ETag of a multipart upload, as AWS and Ceph compute it.
pub fn etag_of_parts<'a>(parts: impl IntoIterator<Item = &'a Md5Sum>) -> String {
    let (mut hash, mut count) = (Md5::new(), 0u32);
    for part in parts {
        hash.update(part);
        count += 1;
    }
    format!("{}-{count}", hex(&hash.finalize()))
}

/// The same, of all that is known of the parts.
pub fn etag_of_sums(parts: &[Sum]) -> String {
    etag_of_parts(parts.iter().map(|part| &part.md5))
}

/// The same, of what a store says of the parts; nothing where that is no MD5.
pub fn etag_of_etags(parts: &[CompletedPart]) -> Option<String> {
    let sum = |part: &CompletedPart| {
        let digits = part.etag.as_bytes();
        let mut sum = Md5Sum::default();
        for (byte, two) in sum.iter_mut().zip(digits.chunks_exact(2)) {
            let two = std::str::from_utf8(two).ok()?;
            *byte = u8::from_str_radix(two, 16).ok()?;
        }
        (form_of(&part.etag) == EtagForm::Whole).then_some(sum)
    };
    let sums: Vec<Md5Sum> = parts.iter().map(sum).collect::<Option<_>>()?;
    Some(etag_of_parts(&sums))
}

/// Part sizes that clients use, in MiB; a multipart ETag does not say which one it was.
const USUAL_MIB: [u64; 20] = [
    8, 5, 16, 10, 15, 64, 32, 100, 50, 25, 20, 128, 256, 200, 500, 512, 6, 9, 1000, 1024,
];

/// The part sizes that would cut `size` bytes into `count` parts, likely ones first.
pub fn likely_part_sizes(size: u64, count: u32) -> Vec<u64> {
    const MIB: u64 = 1 << 20;
    let fits = |part: &u64| *part > 0 && size.div_ceil(*part) == u64::from(count);
    let smallest = size.div_ceil(u64::from(count));
    let mut sizes: Vec<u64> = USUAL_MIB.iter().map(|mib| mib * MIB).filter(fits).collect();
    // Clients that let the part size grow with the object round up to a whole MiB, or not at all.
    sizes.extend(
        [smallest.div_ceil(MIB) * MIB, smallest]
            .iter()
            .filter(|p| fits(p)),
    );
    if count == 1 {
        sizes = vec![size.max(1)];
    }
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_told_apart() {
        let md5 = "5d41402abc4b2a76b9719d911017c592";
        assert_eq!(hex(&md5_of(b"hello")), md5);
        assert_eq!(form_of(md5), EtagForm::Whole);
        assert_eq!(form_of(&format!("{md5}-12")), EtagForm::Parts(12));
        for other in [
            "",
            "abc",
            &format!("{md5}-0"),
            &format!("{md5}-x"),
            &"g".repeat(32),
        ] {
            assert_eq!(form_of(other), EtagForm::Other, "{other}");
        }
    }

    #[test]
    fn the_etag_of_parts_is_the_published_one() {
        // Two parts, "hello" and "world": md5(5d41… 7d79…), as `md5sum` on the joined bytes says.
        let etag = etag_of_parts(&[md5_of(b"hello"), md5_of(b"world")]);
        assert_eq!(etag, "065947336a2f2a95ba8899f3675c3be6-2");
        let part = |number, etag: String| CompletedPart {
            number,
            etag,
            size: 5,
        };
        let parts = [
            part(1, hex(&md5_of(b"hello"))),
            part(2, hex(&md5_of(b"world"))),
        ];
        assert_eq!(etag_of_etags(&parts), Some(etag));
        let no_md5 = [parts[0].clone(), part(2, "x".repeat(32))];
        assert_eq!(etag_of_etags(&no_md5), None);
    }

    #[test]
    fn part_sizes_are_guessed_from_their_number() {
        let mib = 1 << 20;
        assert_eq!(likely_part_sizes(100 * mib, 13)[0], 8 * mib);
        assert_eq!(likely_part_sizes(100 * mib, 20)[0], 5 * mib);
        assert_eq!(likely_part_sizes(3, 1), [3]);
        assert!(likely_part_sizes(10_000 * 9 * mib, 10_000).contains(&(9 * mib)));
    }
}
