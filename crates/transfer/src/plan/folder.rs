//! The folder that is downloaded into: may one write there, how does it compare names, what is
//! there already. Blocks.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::names::{self, NameComparison};

/// Finds out how a folder's file system compares names, by writing a file of no bytes and looking
/// for it under other spellings. Fails when nothing can be written there.
pub fn try_out(folder: &Path) -> io::Result<NameComparison> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let probe = Probe(folder.join(format!(".wherry-caf\u{e9}-{id}.part")));
    File::create_new(&probe.0)?;
    let is_there = |name: String| fs::symlink_metadata(folder.join(name)).is_ok();
    Ok(NameComparison {
        ignores_case: is_there(format!(".WHERRY-caf\u{e9}-{id}.part")),
        ignores_unicode_form: is_there(format!(".wherry-cafe\u{301}-{id}.part")),
    })
}

/// Removed however the trial ends.
struct Probe(std::path::PathBuf);

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Size and time (milliseconds since 1970) of what has this name, if anything has.
pub fn existing(folder: &Path, path: &str) -> Option<(u64, i64, bool)> {
    let facts = fs::symlink_metadata(folder.join(names::native(path))).ok()?;
    Some((
        facts.len(),
        facts.modified().map_or(0, super::millis),
        facts.is_file(),
    ))
}
