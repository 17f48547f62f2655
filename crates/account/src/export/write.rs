//! Changing a file that belongs to another tool: through symbolic links, with the old one kept beside
//! it, and only if nobody else has changed it meanwhile.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use secrecy::zeroize::Zeroizing;

use crate::atomic::{create_private, write_private};

/// Far more than any such file holds.
const MOST: u64 = 4 << 20;

/// More links in a row than anybody has.
const MOST_LINKS: usize = 32;

/// The file a path means once symbolic links are followed, even if that is not there yet.
pub(super) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            // No link, or not there.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

/// What the file holds; `None` when it is not there.
pub(super) fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if metadata.len() > MOST {
        return Err(io::Error::other("it is too large for a configuration file"));
    }
    let bytes = Zeroizing::new(fs::read(path)?);
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
        Err(_) => Err(io::Error::other("it is not a text file")),
    }
}

/// Puts `new` in place of `old` and answers where `old` is kept now.
pub(super) fn replace(
    path: &Path,
    old: Option<&str>,
    new: &str,
    now: DateTime<Utc>,
) -> io::Result<Option<PathBuf>> {
    if let Some(folder) = path.parent() {
        create_private(folder)?;
    }
    if read(path)?.as_deref().map(String::as_str) != old {
        return Err(io::Error::other("another program has just changed it"));
    }
    let backup = match old {
        Some(old) => {
            let backup = free_name(path, now);
            write_private(&backup, old.as_bytes())?;
            Some(backup)
        }
        None => None,
    };
    write_private(path, new.as_bytes())?;
    Ok(backup)
}

/// `credentials.wherry-backup-20260131-120000`, and more when two are made in one second.
fn free_name(path: &Path, now: DateTime<Utc>) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = format!("{name}.wherry-backup-{}", now.format("%Y%m%d-%H%M%S"));
    let mut candidate = path.with_file_name(&stem);
    let mut count = 1;
    while candidate.exists() {
        count += 1;
        candidate = path.with_file_name(format!("{stem}-{count}"));
    }
    candidate
}
