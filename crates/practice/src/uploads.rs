//! Multipart uploads that are under way: one folder each, `part-NUMBER-MD5` files inside.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::shelf::{Attributes, Shelf, hex};

/// AWS's and Ceph's smallest part, the last excepted.
const SMALLEST_PART: u64 = 5 << 20;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    pub bucket: String,
    pub key: String,
    pub attributes: Attributes,
    #[serde(skip)]
    pub id: String,
    #[serde(skip, default = "SystemTime::now")]
    pub started: SystemTime,
}

#[derive(Debug, Clone)]
pub struct Part {
    pub number: i32,
    /// The MD5 in hex.
    pub etag: String,
    pub size: u64,
    pub modified: SystemTime,
    path: PathBuf,
}

pub enum Assembly {
    /// A file to move into place, and the ETag: the MD5 of the parts' MD5s and their number.
    Done {
        path: PathBuf,
        etag: String,
    },
    NoSuchPart,
    OutOfOrder,
    TooSmall,
}

impl Shelf {
    pub fn begin_upload(
        &self,
        bucket: &str,
        key: &str,
        attributes: Attributes,
    ) -> io::Result<String> {
        let id = Uuid::new_v4().simple().to_string();
        let folder = self.own("uploads").join(&id);
        let upload = Upload {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            attributes,
            id: id.clone(),
            started: SystemTime::now(),
        };
        fs::create_dir(&folder)?;
        fs::write(folder.join("upload"), serde_json::to_vec(&upload)?)?;
        Ok(id)
    }

    /// The upload of this id, if it is for this object. The id comes from the client.
    pub fn upload(&self, bucket: &str, key: &str, id: &str) -> Option<(PathBuf, Upload)> {
        let folder = self
            .own("uploads")
            .join(Uuid::try_parse(id).ok()?.simple().to_string());
        let upload = read_upload(&folder).ok()?;
        (upload.bucket == bucket && upload.key == key).then_some((folder, upload))
    }

    /// All uploads of a bucket under a prefix, by key.
    pub fn uploads(&self, bucket: &str, prefix: &str) -> io::Result<Vec<Upload>> {
        let mut uploads = Vec::new();
        for entry in fs::read_dir(self.own("uploads"))? {
            let Ok(upload) = read_upload(&entry?.path()) else {
                continue;
            };
            if upload.bucket == bucket && upload.key.starts_with(prefix) {
                uploads.push(upload);
            }
        }
        uploads.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        Ok(uploads)
    }
}

fn read_upload(folder: &Path) -> io::Result<Upload> {
    let path = folder.join("upload");
    let mut upload: Upload = serde_json::from_slice(&fs::read(&path)?)?;
    let id = folder.file_name().and_then(|n| n.to_str());
    id.unwrap_or_default().clone_into(&mut upload.id);
    upload.started = fs::metadata(path)?.modified()?;
    Ok(upload)
}

/// Takes a received file in as a part; a part of that number sent before is replaced.
pub fn keep_part(folder: &Path, number: i32, written: &Path, md5: &str) -> io::Result<()> {
    let path = folder.join(format!("part-{number:05}-{md5}"));
    fs::rename(written, &path)?;
    for old in parts(folder)? {
        if old.number == number && old.path != path {
            let _ = fs::remove_file(old.path);
        }
    }
    Ok(())
}

pub fn parts(folder: &Path) -> io::Result<Vec<Part>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((number, md5)) = name
            .to_str()
            .and_then(|n| n.strip_prefix("part-")?.split_once('-'))
        else {
            continue;
        };
        let (Ok(number), Ok(facts)) = (number.parse(), entry.metadata()) else {
            continue;
        };
        parts.push(Part {
            number,
            etag: md5.to_owned(),
            size: facts.len(),
            modified: facts.modified()?,
            path: entry.path(),
        });
    }
    parts.sort_by_key(|p| p.number);
    Ok(parts)
}

/// Joins the named parts in the order given.
pub fn assemble(shelf: &Shelf, folder: &Path, wanted: &[(i32, String)]) -> io::Result<Assembly> {
    if wanted.windows(2).any(|w| w[0].0 >= w[1].0) {
        return Ok(Assembly::OutOfOrder);
    }
    let there = parts(folder)?;
    let mut chosen = Vec::with_capacity(wanted.len());
    for (number, etag) in wanted {
        let Some(part) = there
            .iter()
            .find(|p| p.number == *number && p.etag == *etag)
        else {
            return Ok(Assembly::NoSuchPart);
        };
        chosen.push(part);
    }
    let Some((_, all_but_last)) = chosen.split_last() else {
        return Ok(Assembly::NoSuchPart);
    };
    if all_but_last.iter().any(|p| p.size < SMALLEST_PART) {
        return Ok(Assembly::TooSmall);
    }
    let path = shelf.incoming();
    let mut whole = File::create(&path)?;
    let mut hash = Md5::new();
    for part in &chosen {
        io::copy(&mut File::open(&part.path)?, &mut whole)?;
        hash.update(from_hex(&part.etag).unwrap_or_default());
    }
    Ok(Assembly::Done {
        path,
        etag: format!("{}-{}", hex(&hash.finalize()), chosen.len()),
    })
}

pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
