//! Whether a file's bytes are those that an ETag speaks of. Blocks; reads the file once.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest, Md5};
use tokio_util::sync::CancellationToken;

use crate::verify::{EtagForm, Md5Sum, etag_of_parts, form_of, hex, likely_part_sizes};

const STRETCH: usize = 1 << 20;

/// Part sizes tried at once.
const GUESSES: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Same,
    Different,
    /// The ETag is no hash of the bytes, or one of parts of unknown size.
    Unknown,
}

/// Whether such an ETag can be compared with bytes at all.
pub fn speaks(etag: Option<&str>, size: u64, parts_are_hashes: bool) -> bool {
    match etag.map(form_of) {
        Some(EtagForm::Whole) => true,
        Some(EtagForm::Parts(count)) => {
            parts_are_hashes && !likely_part_sizes(size, count).is_empty()
        }
        Some(EtagForm::Other) | None => false,
    }
}

/// `first` is a part size that is known to be likely: the one Wherry itself would use.
pub fn compare(
    path: &Path,
    size: u64,
    etag: &str,
    first: Option<u64>,
    cancel: &CancellationToken,
) -> io::Result<Verdict> {
    let (whole, mut guesses) = match form_of(etag) {
        EtagForm::Whole => (true, vec![Parts::of(u64::MAX)]),
        EtagForm::Parts(count) => {
            let mut sizes = likely_part_sizes(size, count);
            if let Some(first) = first.filter(|f| size.div_ceil(*f) == u64::from(count)) {
                sizes.insert(0, first);
            }
            let mut tried: Vec<u64> = Vec::new();
            for size in sizes {
                if !tried.contains(&size) {
                    tried.push(size);
                }
            }
            let parts = tried.into_iter().take(GUESSES).map(Parts::of).collect();
            (false, parts)
        }
        EtagForm::Other => return Ok(Verdict::Unknown),
    };
    let mut file = File::open(path)?;
    let (mut buffer, mut read) = (vec![0; STRETCH], 0);
    loop {
        if cancel.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        read += length as u64;
        for guess in &mut guesses {
            guess.update(&buffer[..length]);
        }
    }
    // Written to meanwhile: whatever it is now, it is not what was looked at.
    if read != size {
        return Ok(Verdict::Different);
    }
    let same = guesses.into_iter().any(|guess| {
        let sums = guess.finish();
        match sums.first() {
            Some(sum) if whole => hex(sum) == etag.to_ascii_lowercase(),
            _ => etag_of_parts(&sums) == etag.to_ascii_lowercase(),
        }
    });
    Ok(match (same, whole) {
        (true, _) => Verdict::Same,
        (false, true) => Verdict::Different,
        // Or its parts were of another size.
        (false, false) => Verdict::Unknown,
    })
}

/// The MD5s of consecutive parts.
struct Parts {
    size: u64,
    left: u64,
    hash: Md5,
    sums: Vec<Md5Sum>,
}

impl Parts {
    fn of(size: u64) -> Self {
        Self {
            size,
            left: size,
            hash: Md5::new(),
            sums: Vec::new(),
        }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while bytes.len() as u64 >= self.left {
            let (part, rest) = bytes.split_at(self.left as usize);
            self.hash.update(part);
            self.sums.push(self.hash.finalize_reset().into());
            (self.left, bytes) = (self.size, rest);
        }
        self.left -= bytes.len() as u64;
        self.hash.update(bytes);
    }

    fn finish(mut self) -> Vec<Md5Sum> {
        if self.left < self.size || self.sums.is_empty() {
            self.sums.push(self.hash.finalize().into());
        }
        self.sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::md5_of;

    #[test]
    fn a_file_is_compared_whole_and_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cancel) = (folder.path().join("f"), CancellationToken::new());
        let bytes: Vec<u8> = (0..9_000_001_u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let size = bytes.len() as u64;
        let verdict = |etag: &str, first| compare(&path, size, etag, first, &cancel).unwrap();
        assert_eq!(verdict(&hex(&md5_of(&bytes)), None), Verdict::Same);
        assert_eq!(verdict(&hex(&md5_of(b"x")), None), Verdict::Different);
        let parts = |part: usize| {
            let sums: Vec<Md5Sum> = bytes.chunks(part).map(md5_of).collect();
            etag_of_parts(&sums)
        };
        assert_eq!(verdict(&parts(5 << 20), None), Verdict::Same);
        assert_eq!(verdict(&parts(8 << 20), None), Verdict::Same);
        assert_eq!(verdict(&parts(7_000_003), None), Verdict::Unknown);
        assert_eq!(verdict(&parts(7_000_003), Some(7_000_003)), Verdict::Same);
        assert_eq!(verdict("opaque", None), Verdict::Unknown);
        cancel.cancel();
        assert!(compare(&path, size, &parts(5 << 20), None, &cancel).is_err());
        let empty = folder.path().join("e");
        std::fs::write(&empty, b"").unwrap();
        let etag = hex(&md5_of(b""));
        let fresh = CancellationToken::new();
        assert_eq!(
            compare(&empty, 0, &etag, None, &fresh).unwrap(),
            Verdict::Same
        );
    }
}
