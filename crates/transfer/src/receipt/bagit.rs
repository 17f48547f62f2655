//! Receipts as the payload manifest of a BagIt bag (RFC 8493): `manifest-md5.txt`.

use std::io::{self, Write};

/// Writes one line per file, below `data/`.
pub struct BagitWriter<W>(W);

impl<W: Write> BagitWriter<W> {
    pub fn begin(out: W) -> Self {
        Self(out)
    }

    /// `path` is below the bag's payload; `md5` in hex.
    pub fn add(&mut self, path: &str, md5: &str) -> io::Result<()> {
        writeln!(self.0, "{md5}  data/{}", escaped(path))
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.0.flush()?;
        Ok(self.0)
    }
}

/// Line ends and the percent sign, and nothing else: section 2.1.3.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '%' => text.push_str("%25"),
            '\n' => text.push_str("%0A"),
            '\r' => text.push_str("%0D"),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_file_whatever_its_name() {
        let mut writer = BagitWriter::begin(Vec::new());
        writer
            .add("a b/ü.nc", "5d41402abc4b2a76b9719d911017c592")
            .expect("adds");
        writer.add("100%\r\n", "00").expect("adds");
        let text = String::from_utf8(writer.finish().expect("finishes")).expect("is text");
        assert_eq!(
            text,
            "5d41402abc4b2a76b9719d911017c592  data/a b/ü.nc\n00  data/100%25%0D%0A\n"
        );
    }
}
