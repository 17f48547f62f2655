//! Receipts as a file that another computer understands: see docs/RECEIPTS.md, which is the format's
//! definition.
//!
//! Written file by file, so that a transfer of a million needs no more memory than one of ten.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{End, Proof, Receipt};
use crate::crc::Crc;

pub const FORMAT: &str = "wherry-receipt";
/// Grows when an older Wherry would misunderstand the file; what is only new is just added.
pub const VERSION: u32 = 1;

/// What the file is about, before its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// "Upload 12 files to thesis/data/"
    pub title: String,
    /// `upload`, `download`, `copy`, …
    pub kind: String,
    /// When the file was written.
    pub made: DateTime<Utc>,
    pub made_by: String,
}

/// One end of a transfer, as far as another computer can make sense of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Place {
    Object {
        /// The store's address: scheme, host, port.
        endpoint: String,
        bucket: String,
        key: String,
    },
    File {
        path: String,
    },
}

impl Place {
    fn of(end: &End, endpoint: &str) -> Self {
        match end {
            End::File(path) => Self::File {
                path: path.to_string_lossy().into_owned(),
            },
            End::Object { bucket, key } => Self::Object {
                endpoint: endpoint.to_owned(),
                bucket: bucket.clone(),
                key: key.clone(),
            },
        }
    }

    /// A path, or `bucket/key`; hostile text.
    pub fn shown(&self) -> String {
        match self {
            Self::File { path } => path.clone(),
            Self::Object { bucket, key, .. } => format!("{bucket}/{key}"),
        }
    }
}

/// One file that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub from: Place,
    pub to: Place,
    /// Bytes.
    pub size: u64,
    /// Of the whole, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Of the whole, as S3 writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<Crc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    pub proof: Proof,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
}

impl Entry {
    /// `from` and `to` are the addresses of the stores, where that end is in one.
    pub fn of(receipt: &Receipt, from: &str, to: &str) -> Self {
        Self {
            from: Place::of(&receipt.from, from),
            to: Place::of(&receipt.to, to),
            size: receipt.size,
            md5: receipt.md5.clone(),
            sha256: receipt.sha256.clone(),
            crc64nvme: receipt.crc,
            etag: receipt.etag.clone(),
            part_size: receipt.part_size,
            version_id: receipt.version_id.clone(),
            proof: receipt.proof,
            started: receipt.started,
            finished: receipt.finished,
        }
    }

    /// The end in a store: where there are two, the destination. Endpoint, bucket, key.
    pub fn object(&self) -> Option<(&str, &str, &str)> {
        [&self.to, &self.from]
            .into_iter()
            .find_map(|end| match end {
                Place::Object {
                    endpoint,
                    bucket,
                    key,
                } => Some((endpoint.as_str(), bucket.as_str(), key.as_str())),
                Place::File { .. } => None,
            })
    }

    /// The end on a computer.
    pub fn file(&self) -> Option<&Path> {
        [&self.to, &self.from]
            .into_iter()
            .find_map(|end| match end {
                Place::File { path } => Some(Path::new(path)),
                Place::Object { .. } => None,
            })
    }
}

#[derive(Serialize, Deserialize)]
struct Begin<H> {
    format: String,
    version: u32,
    #[serde(flatten)]
    head: H,
}

/// Writes a receipt as JSON. Without [`JsonWriter::finish`] the file is not a whole one.
pub struct JsonWriter<W> {
    out: W,
    first: bool,
}

impl<W: Write> JsonWriter<W> {
    pub fn begin(mut out: W, head: &Head) -> io::Result<Self> {
        let begin = serde_json::to_string(&Begin {
            format: FORMAT.to_owned(),
            version: VERSION,
            head,
        })?;
        let open = begin.strip_suffix('}').unwrap_or(&begin);
        write!(out, "{open},\"files\":[")?;
        Ok(Self { out, first: true })
    }

    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let between: &[u8] = if self.first { b"\n" } else { b",\n" };
        self.first = false;
        self.out.write_all(between)?;
        serde_json::to_writer(&mut self.out, entry)?;
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Why a file is no receipt that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it is not a receipt that Wherry has saved as JSON")]
    NotAReceipt,
    #[error("it was saved by a newer Wherry")]
    Newer,
    /// It ends too early, or was changed by hand.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

#[derive(Deserialize)]
struct Peek {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(flatten)]
    head: Head,
    files: Vec<Entry>,
}

/// Reads a receipt that was saved as JSON.
pub fn read_json(mut from: impl Read + Seek) -> Result<(Head, Vec<Entry>), ReadError> {
    // First what it is: the entries of another version may not be understood at all.
    let peek: Peek = serde_json::from_reader(io::BufReader::new(&mut from)).map_err(|e| {
        if e.is_io() {
            ReadError::Io(e.into())
        } else if e.is_eof() {
            ReadError::Damaged("it ends too early".to_owned())
        } else {
            ReadError::NotAReceipt
        }
    })?;
    if peek.format != FORMAT {
        return Err(ReadError::NotAReceipt);
    }
    if peek.version > VERSION {
        return Err(ReadError::Newer);
    }
    from.seek(SeekFrom::Start(0))?;
    let whole: Whole = serde_json::from_reader(io::BufReader::new(from))
        .map_err(|e| ReadError::Damaged(e.to_string()))?;
    Ok((whole.head, whole.files))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;
    use std::path::PathBuf;

    use super::*;

    pub fn entry(key: &str) -> Entry {
        let receipt = Receipt {
            from: End::File(PathBuf::from("/home/me").join(key)),
            to: End::Object {
                bucket: "thesis".into(),
                key: key.into(),
            },
            size: 5,
            md5: Some("5d41402abc4b2a76b9719d911017c592".into()),
            sha256: None,
            crc: Some(Crc::of(b"hello")),
            etag: Some("5d41402abc4b2a76b9719d911017c592".into()),
            part_size: None,
            version_id: None,
            proof: Proof::Etag,
            started: DateTime::UNIX_EPOCH,
            finished: DateTime::UNIX_EPOCH,
        };
        Entry::of(&receipt, "", "https://store.example")
    }

    fn head() -> Head {
        Head {
            title: "Upload".into(),
            kind: "upload".into(),
            made: DateTime::UNIX_EPOCH,
            made_by: "Wherry".into(),
        }
    }

    fn written(entries: &[Entry]) -> Vec<u8> {
        let mut writer = JsonWriter::begin(Vec::new(), &head()).expect("begins");
        for entry in entries {
            writer.add(entry).expect("adds");
        }
        writer.finish().expect("finishes")
    }

    #[test]
    fn what_is_written_is_read_again() {
        for keys in [&[][..], &["a"], &["a", "ü \"\n\u{1}", "../../x"]] {
            let entries: Vec<Entry> = keys.iter().map(|key| entry(key)).collect();
            let text = written(&entries);
            let (read, files) = read_json(Cursor::new(&text)).expect("reads");
            assert_eq!((read, files), (head(), entries));
        }
    }

    #[test]
    fn the_form_is_the_documented_one() {
        let text = String::from_utf8(written(&[entry("a")])).expect("is text");
        let expected = concat!(
            r#"{"format":"wherry-receipt","version":1,"title":"Upload","kind":"upload","made":"1970-01-01T00:00:00Z","made_by":"Wherry","files":["#,
            "\n",
            r#"{"from":{"path":"/home/me/a"},"to":{"endpoint":"https://store.example","bucket":"thesis","key":"a"},"size":5,"md5":"5d41402abc4b2a76b9719d911017c592","crc64nvme":"M3eFcAZSQlc=","etag":"5d41402abc4b2a76b9719d911017c592","proof":"etag","started":"1970-01-01T00:00:00Z","finished":"1970-01-01T00:00:00Z"}"#,
            "\n]}\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_no_receipt_says_what_it_is() {
        let whole = written(&[entry("a"), entry("b")]);
        let read = |bytes: &[u8]| read_json(Cursor::new(bytes)).expect_err("is refused");
        for cut in [0, 10, whole.len() / 2, whole.len() - 3] {
            let error = read(&whole[..cut]);
            assert!(matches!(error, ReadError::Damaged(_)), "{cut}: {error}");
        }
        for other in ["[]", "{}", "hello", "{\"format\":\"x\",\"version\":1}"] {
            assert!(matches!(read(other.as_bytes()), ReadError::NotAReceipt));
        }
        let newer = r#"{"format":"wherry-receipt","version":2,"files":7}"#;
        assert!(matches!(read(newer.as_bytes()), ReadError::Newer));
        let changed = r#"{"format":"wherry-receipt","version":1,"files":7}"#;
        assert!(matches!(read(changed.as_bytes()), ReadError::Damaged(_)));
    }
}
