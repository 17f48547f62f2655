//! The hashes that a receipt's bytes should have, all in one reading.

use md5::{Digest, Md5};
use sha2::Sha256;

use super::document::Entry;
use crate::crc::Crc;
use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex, likely_part_sizes};

/// Each guess costs as much as the hash of the whole, so only likely ones are tried.
const GUESSES: usize = 4;

/// What is being computed of bytes that come in order.
pub struct Sums {
    whole: Md5,
    crc: Crc,
    sha256: Option<Sha256>,
    parts: Vec<Parts>,
    size: u64,
}

struct Parts {
    size: u64,
    open: Md5,
    filled: u64,
    closed: Vec<Md5Sum>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Bytes.
    pub size: u64,
    /// In hex.
    pub md5: String,
    pub crc: Crc,
    pub sha256: Option<String>,
    /// Multipart ETags by the part sizes that were tried.
    pub etags: Vec<String>,
}

impl Sums {
    /// Ready for what can be compared with this entry.
    pub fn for_entry(entry: &Entry) -> Self {
        let sizes = match entry.etag.as_deref().map(form_of) {
            Some(EtagForm::Parts(count)) => match entry.part_size {
                Some(size) => vec![size],
                None => likely_part_sizes(entry.size, count),
            },
            _ => Vec::new(),
        };
        let parts = |size: u64| Parts {
            size: size.max(1),
            open: Md5::new(),
            filled: 0,
            closed: Vec::new(),
        };
        Self {
            whole: Md5::new(),
            crc: Crc::default(),
            sha256: entry.sha256.is_some().then(Sha256::new),
            parts: sizes.into_iter().take(GUESSES).map(parts).collect(),
            size: 0,
        }
    }

    /// SHA-256 too, whether the entry has one or not.
    #[must_use]
    pub fn with_sha256(mut self) -> Self {
        self.sha256.get_or_insert_default();
        self
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.whole.update(bytes);
        self.crc.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        for parts in &mut self.parts {
            parts.update(bytes);
        }
    }

    pub fn finish(self) -> Found {
        Found {
            size: self.size,
            md5: hex(&self.whole.finalize()),
            crc: self.crc,
            sha256: self.sha256.map(|hash| hex(&hash.finalize())),
            etags: self.parts.into_iter().map(Parts::etag).collect(),
        }
    }
}

impl Parts {
    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(self.size - self.filled).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.open.update(now);
            self.filled += now.len() as u64;
            if self.filled == self.size {
                self.closed.push(self.open.finalize_reset().into());
                self.filled = 0;
            }
            bytes = later;
        }
    }

    fn etag(mut self) -> String {
        if self.filled > 0 || self.closed.is_empty() {
            self.closed.push(self.open.finalize().into());
        }
        etag_of_parts(&self.closed)
    }
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Same,
    Different,
    /// There is nothing in the receipt that could be compared but the size.
    Unknown,
}

impl Found {
    /// Compares with all that the receipt says of the bytes. An ETag counts where the receipt says
    /// that it was found to be a hash of them.
    pub fn against(&self, entry: &Entry) -> Verdict {
        if self.size != entry.size {
            return Verdict::Different;
        }
        let sha256 = match (&entry.sha256, &self.sha256) {
            (Some(expected), Some(found)) => Some(expected.eq_ignore_ascii_case(found)),
            _ => None,
        };
        let md5 = entry.md5.as_ref();
        let md5 = md5.map(|expected| expected.eq_ignore_ascii_case(&self.md5));
        let crc = entry.crc64nvme.map(|expected| expected == self.crc);
        let compared = [sha256, md5, crc, self.against_etag(entry)];
        if compared.contains(&Some(false)) {
            Verdict::Different
        } else if compared.contains(&Some(true)) {
            Verdict::Same
        } else {
            Verdict::Unknown
        }
    }

    fn against_etag(&self, entry: &Entry) -> Option<bool> {
        let etag = entry.etag.as_deref()?;
        let proven = entry.proof == super::Proof::Etag;
        match form_of(etag) {
            EtagForm::Whole if proven => Some(etag.eq_ignore_ascii_case(&self.md5)),
            EtagForm::Parts(_) if self.etags.iter().any(|found| found == etag) => Some(true),
            EtagForm::Parts(_) if proven && entry.part_size.is_some() => Some(false),
            // The part size was guessed, so that no guess fits says nothing.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Proof;
    use super::super::document::tests::entry;
    use super::*;
    use crate::verify::md5_of;

    fn found(entry: &Entry, bytes: &[u8], piece: usize) -> Found {
        let mut sums = Sums::for_entry(entry);
        bytes.chunks(piece).for_each(|piece| sums.update(piece));
        sums.finish()
    }

    #[test]
    fn a_changed_byte_is_found_by_any_hash() {
        let bytes: Vec<u8> = (0..2500u32).map(|n| (n % 251) as u8).collect();
        let parts: Vec<Md5Sum> = bytes.chunks(1000).map(md5_of).collect();
        let mut by_parts = entry("a");
        by_parts.size = 2500;
        (by_parts.md5, by_parts.crc64nvme) = (None, None);
        by_parts.etag = Some(etag_of_parts(&parts));
        by_parts.part_size = Some(1000);
        let mut by_md5 = by_parts.clone();
        by_md5.md5 = Some(hex(&md5_of(&bytes)));
        let mut by_etag = by_parts.clone();
        (by_etag.etag, by_etag.part_size) = (by_md5.md5.clone(), None);
        let mut by_sha256 = by_parts.clone();
        by_sha256.sha256 = Some(hex(&Sha256::digest(&bytes)));
        let mut by_crc = by_parts.clone();
        (by_crc.etag, by_crc.crc64nvme) = (None, Some(Crc::of(&bytes)));
        let mut changed = bytes.clone();
        changed[1234] ^= 1;
        for entry in [&by_parts, &by_md5, &by_etag, &by_sha256, &by_crc] {
            for piece in [1, 7, 1000, 4096] {
                assert_eq!(found(entry, &bytes, piece).against(entry), Verdict::Same);
                let other = found(entry, &changed, piece);
                assert_eq!(other.against(entry), Verdict::Different, "{entry:?}");
            }
            let short = found(entry, &bytes[..2499], 100);
            assert_eq!(short.against(entry), Verdict::Different);
        }
        let mut by_size = by_etag;
        by_size.proof = Proof::Size;
        let other = found(&by_size, &changed, 100);
        assert_eq!(other.against(&by_size), Verdict::Unknown);
    }

    #[test]
    fn an_empty_upload_in_parts_has_one_part() {
        let mut empty = entry("a");
        (empty.size, empty.md5, empty.crc64nvme) = (0, None, None);
        empty.etag = Some(etag_of_parts(&[md5_of(b"")]));
        empty.part_size = Some(8 << 20);
        assert_eq!(found(&empty, b"", 1).against(&empty), Verdict::Same);
    }
}
