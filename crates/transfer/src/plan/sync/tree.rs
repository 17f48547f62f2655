//! A folder's files in the order of their names as keys. Blocks; runs off the async threads.
//!
//! Not the order of an upload's walk: `a.txt` comes before `a/b`, and `a/b` before `a0`, as a store
//! lists them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::Sender;

use super::side::{BATCH, Entry, Kind, Report, Trouble};
use crate::error::PlanError;
use crate::litter;
use crate::plan::filter::Filter;
use crate::plan::walk::may_read;
use crate::plan::{Note, NoteKind, Watch, millis};

pub struct Tree<'a> {
    pub top: &'a Path,
    pub filter: &'a Filter,
    pub with_litter: bool,
    pub watch: &'a Watch,
}

/// A folder that is being gone through: what is left of it, last first.
struct Level {
    path: PathBuf,
    /// With a slash at the end; empty at the top.
    prefix: String,
    left: Vec<Found>,
}

struct Found {
    /// As it sorts: folders with their slash.
    name: String,
    what: What,
}

enum What {
    File { size: u64, modified: i64 },
    Folder,
    LeftOut(NoteKind),
}

struct Walk<'a> {
    tree: &'a Tree<'a>,
    to: Sender<Result<Vec<Entry>, Trouble>>,
    batch: Vec<Entry>,
    report: Report,
}

/// Nobody listens any more.
struct Gone;

impl Tree<'_> {
    /// Sends all there is, and says the rest.
    pub fn walk(&self, to: Sender<Result<Vec<Entry>, Trouble>>) -> Report {
        let mut walk = Walk {
            tree: self,
            to,
            batch: Vec::new(),
            report: Report::default(),
        };
        // Whoever stopped listening knows why.
        let _ = walk.all();
        walk.report
    }
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), Gone> {
        let mut levels = vec![];
        self.enter(self.tree.top.to_owned(), String::new(), &mut levels)?;
        while let Some(level) = levels.last_mut() {
            let Some(found) = level.left.pop() else {
                levels.pop();
                continue;
            };
            let (prefix, path) = (level.prefix.clone(), level.path.clone());
            let name = format!("{prefix}{}", found.name);
            match found.what {
                What::Folder => {
                    let below = path.join(found.name.trim_end_matches('/'));
                    self.enter(below, name, &mut levels)?;
                }
                What::File { size, modified } => {
                    let beyond = !self.tree.filter.takes_facts(size, Some(modified));
                    let kind = if beyond { Kind::Beyond } else { Kind::File };
                    self.send(name, size, Some(modified), kind)?;
                }
                What::LeftOut(kind) => {
                    self.note(&path.join(&found.name), kind);
                    self.send(name, 0, None, Kind::LeftOut)?;
                }
            }
        }
        if !self.batch.is_empty() {
            self.flush()?;
        }
        Ok(())
    }

    fn enter(
        &mut self,
        path: PathBuf,
        prefix: String,
        levels: &mut Vec<Level>,
    ) -> Result<(), Gone> {
        self.report.folders += 1;
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) => return self.unread(&path, &prefix, &e),
        };
        let (mut left, mut empty) = (Vec::new(), true);
        for entry in entries {
            if self.tree.watch.cancel.is_cancelled() {
                let _ = self.to.blocking_send(Err(PlanError::Cancelled.into()));
                return Err(Gone);
            }
            empty = false;
            match entry {
                Ok(entry) => left.extend(self.look(&entry, &prefix)),
                Err(e) => {
                    self.report.incomplete = true;
                    self.note(&path, NoteKind::Unreadable(e.to_string()));
                }
            }
        }
        if empty && !prefix.is_empty() {
            return self.send(prefix, 0, None, Kind::Folder);
        }
        left.sort_unstable_by(|a, b| b.name.cmp(&a.name));
        levels.push(Level { path, prefix, left });
        Ok(())
    }

    /// What a directory entry is, unless it is not meant at all.
    fn look(&mut self, entry: &fs::DirEntry, prefix: &str) -> Option<Found> {
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            self.note(&path, NoteKind::NotUnicode);
            return None;
        };
        let filter = self.tree.filter;
        let full = format!("{prefix}{name}");
        let litter = !self.tree.with_litter;
        // Of the entry itself: a link is a link.
        let facts = match entry.metadata() {
            Ok(facts) => facts,
            Err(e) => {
                if !filter.takes_name(&full) {
                    return None;
                }
                self.report.incomplete = true;
                return Some(Found {
                    name: name.to_owned(),
                    what: What::LeftOut(failed(&e)),
                });
            }
        };
        let found = |what| {
            Some(Found {
                name: name.to_owned(),
                what,
            })
        };
        if facts.is_dir() {
            if litter && litter::is_litter_folder(name) {
                self.report.litter += 1;
                return None;
            }
            if filter.leaves_out_folder(&full) {
                return None;
            }
            return Some(Found {
                name: format!("{name}/"),
                what: What::Folder,
            });
        }
        if !filter.takes_name(&full) {
            return None;
        }
        if facts.is_symlink() {
            return found(What::LeftOut(NoteKind::Link));
        }
        if !facts.is_file() {
            return found(What::LeftOut(NoteKind::Special));
        }
        if litter && litter::is_litter(name) {
            self.report.litter += 1;
            return None;
        }
        if let Err(e) = may_read(&path) {
            self.report.incomplete = true;
            return found(What::LeftOut(failed(&e)));
        }
        found(What::File {
            size: facts.len(),
            modified: facts.modified().map_or(0, millis),
        })
    }

    /// A folder that cannot be read: what is below it is unknown.
    fn unread(&mut self, path: &Path, prefix: &str, error: &io::Error) -> Result<(), Gone> {
        self.report.incomplete = true;
        self.note(path, failed(error));
        let name = prefix.trim_end_matches('/').to_owned();
        if name.is_empty() {
            return Ok(());
        }
        // Its name sorts before its slash does; what covers what is below is looked up by name.
        self.send(format!("{name}/"), 0, None, Kind::LeftOut)
    }

    fn send(
        &mut self,
        name: String,
        size: u64,
        modified: Option<i64>,
        kind: Kind,
    ) -> Result<(), Gone> {
        self.batch.push(Entry {
            name: name.into_boxed_str(),
            size,
            modified,
            etag: None,
            kind,
        });
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Gone> {
        let batch = std::mem::take(&mut self.batch);
        self.to.blocking_send(Ok(batch)).map_err(|_| Gone)
    }

    fn note(&mut self, path: &Path, kind: NoteKind) {
        self.report.notes.push(Note {
            name: path.to_string_lossy().into_owned(),
            kind,
        });
    }
}

fn failed(error: &io::Error) -> NoteKind {
    match error.kind() {
        io::ErrorKind::NotFound => NoteKind::Vanished,
        _ => NoteKind::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_come_in_the_order_in_which_a_store_lists_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a/b",
            "a.txt",
            "a0",
            "a-x",
            "a/z/1",
            "b",
            "Z",
            "é/ü",
            "a/.DS_Store",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        fs::create_dir_all(folder.path().join("empty/er")).unwrap();
        let (to, mut from) = tokio::sync::mpsc::channel(8);
        let top = folder.path().to_owned();
        let walked = tokio::task::spawn_blocking(move || {
            let (filter, watch) = (Filter::default(), Watch::default());
            let tree = Tree {
                top: &top,
                filter: &filter,
                with_litter: false,
                watch: &watch,
            };
            tree.walk(to)
        });
        let mut names: Vec<String> = Vec::new();
        while let Some(batch) = from.recv().await {
            names.extend(batch.unwrap().into_iter().map(|e| e.name.into_string()));
        }
        let report = walked.await.unwrap();
        let expected = [
            "Z",
            "a-x",
            "a.txt",
            "a/b",
            "a/z/1",
            "a0",
            "b",
            "empty/er/",
            "é/ü",
        ];
        assert_eq!(names, expected);
        assert!(names.is_sorted());
        assert_eq!((report.litter, report.incomplete), (1, false));
    }
}
