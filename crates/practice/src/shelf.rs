//! Buckets and objects on disk, without any protocol. Everything here blocks.
//!
//! An object is a file in its bucket's folder; what S3 knows beyond its bytes is a record in
//! `.wherry/records`, believed only while the file's size and time are the recorded ones. A new
//! object is written beside, and takes its place in one rename.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::layout;

/// What travels with an object and is given back as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_disposition: Option<String>,
    pub content_language: Option<String>,
    pub cache_control: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    key: String,
    size: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    etag: String,
    attributes: Attributes,
}

/// An object and where its bytes are.
#[derive(Debug, Clone)]
pub struct Object {
    pub path: PathBuf,
    pub size: u64,
    pub modified: SystemTime,
    pub etag: String,
    pub attributes: Attributes,
}

pub struct Shelf {
    root: PathBuf,
    /// Held while the tree changes shape: an object moves in, moves aside for a folder, or goes.
    tree: Mutex<()>,
}

impl Shelf {
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let shelf = Self {
            root: root.canonicalize()?,
            tree: Mutex::new(()),
        };
        // Half-written files of a run that was killed.
        let _ = fs::remove_dir_all(shelf.own("incoming"));
        for folder in ["incoming", "records", "uploads"] {
            fs::create_dir_all(shelf.own(folder))?;
        }
        Ok(shelf)
    }

    pub fn own(&self, folder: &str) -> PathBuf {
        self.root.join(".wherry").join(folder)
    }

    /// A fresh path to write an object to before it takes its place.
    pub fn incoming(&self) -> PathBuf {
        self.own("incoming")
            .join(uuid::Uuid::new_v4().simple().to_string())
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // It guards no data, so a panic elsewhere leaves nothing half done.
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn buckets(&self) -> io::Result<Vec<(String, SystemTime)>> {
        let mut buckets = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            let facts = entry.metadata()?;
            if facts.is_dir() && s3s::path::check_bucket_name(&name) {
                buckets.push((name, facts.created().or_else(|_| facts.modified())?));
            }
        }
        buckets.sort();
        Ok(buckets)
    }

    /// Bucket names were checked by the protocol layer: no slash, no dot at the beginning.
    pub fn bucket(&self, bucket: &str) -> PathBuf {
        self.root.join(bucket)
    }

    pub fn has_bucket(&self, bucket: &str) -> bool {
        fs::symlink_metadata(self.bucket(bucket)).is_ok_and(|m| m.is_dir())
    }

    /// False when it is there already.
    pub fn create_bucket(&self, bucket: &str) -> io::Result<bool> {
        match fs::create_dir(self.bucket(bucket)) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// False when something is in it. Folders without objects do not count, as S3 has none.
    pub fn delete_bucket(&self, bucket: &str) -> io::Result<bool> {
        let _tree = self.lock();
        let folder = self.bucket(bucket);
        if holds_a_file(&folder)? {
            return Ok(false);
        }
        fs::remove_dir_all(folder)?;
        let _ = fs::remove_dir_all(self.own("records").join(bucket));
        Ok(true)
    }

    /// The file of an object, if there is one. Symbolic links are nobody's object.
    fn locate(&self, bucket: &str, key: &str) -> Option<(PathBuf, Metadata)> {
        let mut at = self.bucket(bucket);
        let relative = layout::path_of(key);
        let parent = relative.parent()?;
        for component in parent {
            at.push(component);
            if !fs::symlink_metadata(&at).ok()?.is_dir() {
                return None;
            }
        }
        at.push(relative.file_name()?);
        match fs::symlink_metadata(&at) {
            Ok(facts) if facts.is_file() => return Some((at, facts)),
            Ok(facts) if facts.is_symlink() => return None,
            _ => {}
        }
        let aside = aside(&at);
        let facts = fs::symlink_metadata(&aside)
            .ok()
            .filter(Metadata::is_file)?;
        Some((aside, facts))
    }

    /// Where an object is to be put, with its folders made. Objects in the way step aside.
    fn place(&self, bucket: &str, key: &str) -> io::Result<PathBuf> {
        if let Some((path, _)) = self.locate(bucket, key) {
            return Ok(path);
        }
        let relative = layout::path_of(key);
        let mut at = self.bucket(bucket);
        for component in relative.parent().into_iter().flatten() {
            at.push(component);
            if fs::symlink_metadata(&at).is_ok_and(|m| m.is_file()) {
                fs::rename(&at, aside(&at))?;
            }
            match fs::create_dir(&at) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            if !fs::symlink_metadata(&at)?.is_dir() {
                return Err(io::Error::other(
                    "something that is no folder stands in the object's place",
                ));
            }
        }
        at.extend(relative.file_name());
        match fs::symlink_metadata(&at) {
            Ok(facts) if facts.is_dir() => Ok(aside(&at)),
            Ok(_) => Err(io::Error::other(
                "something that is no file stands in the object's place",
            )),
            Err(_) => Ok(at),
        }
    }

    /// The object, its ETag computed when the record is missing or out of date.
    pub fn get(&self, bucket: &str, key: &str) -> io::Result<Option<Object>> {
        let Some((path, facts)) = self.locate(bucket, key) else {
            return Ok(None);
        };
        self.describe(bucket, key, path, &facts).map(Some)
    }

    pub fn describe(
        &self,
        bucket: &str,
        key: &str,
        path: PathBuf,
        facts: &Metadata,
    ) -> io::Result<Object> {
        let modified = facts.modified()?;
        let stamp = nanoseconds(modified);
        let known = self
            .record(bucket, key)
            .filter(|r| r.size == facts.len() && r.modified == stamp);
        let record = if let Some(record) = known {
            record
        } else {
            let etag = hex(&md5_of(&path)?);
            let record = Record {
                key: key.to_owned(),
                size: facts.len(),
                modified: stamp,
                etag,
                attributes: Attributes::default(),
            };
            self.write_record(bucket, &record)?;
            record
        };
        Ok(Object {
            path,
            size: facts.len(),
            modified,
            etag: record.etag,
            attributes: record.attributes,
        })
    }

    /// Moves a finished file into its place. `if_absent`: `None` when an object is there already.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        written: &Path,
        etag: String,
        attributes: Attributes,
        if_absent: bool,
    ) -> io::Result<Option<Object>> {
        let _tree = self.lock();
        if if_absent && self.locate(bucket, key).is_some() {
            return Ok(None);
        }
        let path = self.place(bucket, key)?;
        fs::rename(written, &path)?;
        let facts = fs::metadata(&path)?;
        let modified = facts.modified()?;
        let record = Record {
            key: key.to_owned(),
            size: facts.len(),
            modified: nanoseconds(modified),
            etag,
            attributes,
        };
        self.write_record(bucket, &record)?;
        Ok(Some(Object {
            path,
            size: record.size,
            modified,
            etag: record.etag,
            attributes: record.attributes,
        }))
    }

    /// Deletes what is there; deleting nothing is success, as in S3.
    pub fn delete(&self, bucket: &str, key: &str) -> io::Result<()> {
        let _tree = self.lock();
        let Some((path, _)) = self.locate(bucket, key) else {
            return Ok(());
        };
        fs::remove_file(&path)?;
        let _ = fs::remove_file(self.record_path(bucket, key));
        // Folders exist for their objects only; `remove_dir` refuses once one is not empty.
        let top = self.bucket(bucket);
        for folder in path.ancestors().skip(1).take_while(|f| **f != top) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn record_path(&self, bucket: &str, key: &str) -> PathBuf {
        self.own("records")
            .join(bucket)
            .join(hex(&Sha256::digest(key.as_bytes())))
    }

    fn record(&self, bucket: &str, key: &str) -> Option<Record> {
        let text = fs::read(self.record_path(bucket, key)).ok()?;
        serde_json::from_slice::<Record>(&text)
            .ok()
            .filter(|r| r.key == key)
    }

    fn write_record(&self, bucket: &str, record: &Record) -> io::Result<()> {
        let path = self.record_path(bucket, &record.key);
        fs::create_dir_all(self.own("records").join(bucket))?;
        let beside = self.incoming();
        File::create(&beside)?.write_all(&serde_json::to_vec(record)?)?;
        fs::rename(beside, path)
    }
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(layout::OBJECT);
    path.with_file_name(name)
}

fn holds_a_file(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || holds_a_file(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64)
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn md5_of(path: &Path) -> io::Result<[u8; 16]> {
    let mut file = File::open(path)?;
    let mut hash = Md5::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(shelf: &Shelf, key: &str, bytes: &[u8]) {
        let path = shelf.incoming();
        fs::write(&path, bytes).unwrap();
        shelf
            .put(
                "bucket",
                key,
                &path,
                "e".into(),
                Attributes::default(),
                false,
            )
            .unwrap()
            .unwrap();
    }

    fn read(shelf: &Shelf, key: &str) -> Option<Vec<u8>> {
        shelf
            .get("bucket", key)
            .unwrap()
            .map(|o| fs::read(o.path).unwrap())
    }

    #[test]
    fn an_object_and_a_folder_of_one_name_live_together() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        assert!(shelf.create_bucket("bucket").unwrap());
        for order in [["a", "a/b", "a/"], ["a/b", "a", "a/"], ["a/", "a/b", "a"]] {
            for key in order {
                put(&shelf, key, key.as_bytes());
            }
            for key in order {
                assert_eq!(
                    read(&shelf, key).as_deref(),
                    Some(key.as_bytes()),
                    "{key} of {order:?}"
                );
            }
            shelf.delete("bucket", "a").unwrap();
            assert_eq!(read(&shelf, "a"), None);
            assert_eq!(read(&shelf, "a/b").as_deref(), Some(&b"a/b"[..]));
            put(&shelf, "a", b"again");
            shelf.delete("bucket", "a/b").unwrap();
            shelf.delete("bucket", "a/").unwrap();
            assert_eq!(read(&shelf, "a").as_deref(), Some(&b"again"[..]));
            shelf.delete("bucket", "a").unwrap();
            assert!(!holds_a_file(&shelf.bucket("bucket")).unwrap(), "{order:?}");
        }
        assert!(shelf.delete_bucket("bucket").unwrap());
    }

    #[test]
    fn a_bucket_with_objects_is_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        shelf.create_bucket("bucket").unwrap();
        put(&shelf, "deep/down/x", b"1");
        assert!(!shelf.delete_bucket("bucket").unwrap());
        assert!(read(&shelf, "deep/down/x").is_some());
    }

    #[test]
    fn a_file_changed_by_hand_gets_its_own_etag() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        shelf.create_bucket("bucket").unwrap();
        put(&shelf, "x", b"1");
        assert_eq!(shelf.get("bucket", "x").unwrap().unwrap().etag, "e");
        fs::write(folder.path().join("bucket/x"), b"hello").unwrap();
        let object = shelf.get("bucket", "x").unwrap().unwrap();
        assert_eq!(
            (object.etag.as_str(), object.size),
            ("5d41402abc4b2a76b9719d911017c592", 5)
        );
    }

    // Promise: Links that lead out of its folder are not followed.
    #[cfg(unix)]
    #[test]
    fn links_out_of_the_folder_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), b"1").unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        shelf.create_bucket("bucket").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("bucket/out")).unwrap();
        assert!(shelf.get("bucket", "out/secret").unwrap().is_none());
        let path = shelf.incoming();
        fs::write(&path, b"2").unwrap();
        shelf
            .put(
                "bucket",
                "out/new",
                &path,
                "e".into(),
                Attributes::default(),
                false,
            )
            .unwrap_err();
        assert!(!outside.path().join("new").exists());
    }
}
