//! Looking through dropped files and folders. Blocks; runs off the async threads.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::upload::UploadItem;
use super::{Note, NoteKind, Watch, millis};
use crate::litter;
use crate::names;

/// How often the watcher hears of it.
const EVERY: u64 = 500;

#[derive(Debug, Default)]
pub struct Walked {
    pub items: Vec<UploadItem>,
    pub notes: Vec<Note>,
    pub litter: u64,
    /// Folders met, the dropped ones included.
    pub folders: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct WalkOptions {
    pub with_litter: bool,
    pub empty_folders: bool,
}

pub struct Walk<'a> {
    options: WalkOptions,
    watch: &'a Watch,
    found: Walked,
}

impl<'a> Walk<'a> {
    pub fn new(options: WalkOptions, watch: &'a Watch) -> Self {
        Self {
            options,
            watch,
            found: Walked::default(),
        }
    }

    pub fn done(self) -> Walked {
        self.watch
            .saw(self.found.items.len() as u64, self.found.bytes);
        self.found
    }

    /// Whether a dropped path is a folder. A dropped link is followed: it was meant.
    pub fn is_folder(path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|m| m.is_dir())
    }

    /// A file dropped by itself.
    pub fn file(&mut self, root: u32, path: &Path) {
        match fs::metadata(path) {
            Ok(facts) if facts.is_file() => self.take(root, String::new(), path, &facts),
            Ok(_) => self.note(path, NoteKind::Special),
            Err(e) => self.failed(path, &e),
        }
    }

    /// All that is in a dropped folder. Stops early when cancelled.
    pub fn folder(&mut self, root: u32, top: &Path) {
        let mut waiting: Vec<PathBuf> = vec![PathBuf::new()];
        while let Some(relative) = waiting.pop() {
            let folder = top.join(&relative);
            self.found.folders += 1;
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(e) => {
                    self.failed(&folder, &e);
                    continue;
                }
            };
            let mut empty = true;
            let (before, mut deeper) = (self.found.items.len(), Vec::new());
            for entry in entries {
                if self.watch.cancel.is_cancelled() {
                    return;
                }
                empty = false;
                match entry {
                    Ok(entry) => self.entry(root, &relative, &entry, &mut deeper),
                    Err(e) => self.failed(&folder, &e),
                }
            }
            self.found.items[before..].sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
            if empty && self.options.empty_folders {
                self.empty_folder(root, &relative, &folder);
            }
            // The last one is looked into first: in order of name, then.
            deeper.sort_unstable_by(|a, b| b.cmp(a));
            waiting.append(&mut deeper);
        }
    }

    fn entry(&mut self, root: u32, above: &Path, entry: &fs::DirEntry, deeper: &mut Vec<PathBuf>) {
        let path = entry.path();
        // Of the entry itself: a link is a link.
        let facts = match entry.metadata() {
            Ok(facts) => facts,
            Err(e) => return self.failed(&path, &e),
        };
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        let litter = !self.options.with_litter;
        if facts.is_symlink() {
            self.note(&path, NoteKind::Link);
        } else if facts.is_dir() {
            if litter && litter::is_litter_folder(&shown) {
                self.found.litter += 1;
            } else {
                deeper.push(above.join(&name));
            }
        } else if !facts.is_file() {
            self.note(&path, NoteKind::Special);
        } else if litter && litter::is_litter(&shown) {
            self.found.litter += 1;
        } else {
            match names::key_of(&above.join(&name)) {
                Some(relative) => self.take(root, relative, &path, &facts),
                None => self.note(&path, NoteKind::NotUnicode),
            }
        }
    }

    fn take(&mut self, root: u32, relative: String, path: &Path, facts: &Metadata) {
        if let Err(e) = may_read(path) {
            return self.failed(path, &e);
        }
        let modified = facts.modified().map_or(0, millis);
        self.found.items.push(UploadItem {
            relative: relative.into_boxed_str(),
            size: facts.len(),
            modified,
            root,
            folder: false,
        });
        self.found.bytes += facts.len();
        let count = self.found.items.len() as u64;
        if count.is_multiple_of(EVERY) {
            self.watch.saw(count, self.found.bytes);
        }
    }

    fn empty_folder(&mut self, root: u32, relative: &Path, folder: &Path) {
        match names::key_of(relative) {
            Some(mut relative) => {
                if !relative.is_empty() {
                    relative.push('/');
                }
                self.found.items.push(UploadItem {
                    relative: relative.into_boxed_str(),
                    size: 0,
                    modified: 0,
                    root,
                    folder: true,
                });
            }
            None => self.note(folder, NoteKind::NotUnicode),
        }
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => NoteKind::Vanished,
            _ => NoteKind::Unreadable(error.to_string()),
        };
        self.note(path, kind);
    }

    fn note(&mut self, path: &Path, kind: NoteKind) {
        self.found.notes.push(Note {
            name: path.to_string_lossy().into_owned(),
            kind,
        });
    }
}

/// Asked rather than tried: opening every file would wake files that live on tape or in a cloud.
#[cfg(unix)]
pub(super) fn may_read(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::READ_OK)?)
}

/// What only shows when a file is opened is said then, by the job.
#[cfg(not(unix))]
pub(super) fn may_read(_path: &Path) -> io::Result<()> {
    Ok(())
}
