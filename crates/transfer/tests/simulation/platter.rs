//! What is on the disk: files with inodes and several names, folders, links; what a power cut leaves of
//! it; how much more there is room for.
//!
//! A name is not on the disk for good before its folder was put there, and that folder's own name in the
//! folder above. Until then a power cut may lose it, or bring it back, each for itself: file systems differ
//! in what they promise, and this one promises the least. What other programs do is there for good.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wherry_transfer::Sum;
use wherry_transfer::run::disk::Identity;

#[derive(Clone)]
pub struct Node {
    pub bytes: Vec<u8>,
    /// As a power cut would leave it.
    pub synced: Vec<u8>,
    pub modified: SystemTime,
    pub names: u32,
}

/// A file that was deleted because somebody asked for it.
pub struct Erased {
    /// The moment, as those of stores are counted.
    pub at: u64,
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    /// All other files that were there then.
    pub present: BTreeSet<PathBuf>,
}

/// As a power cut leaves them for certain.
#[derive(Default)]
struct Settled {
    names: BTreeMap<PathBuf, u64>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Default)]
pub struct Platter {
    /// Name → inode.
    pub names: BTreeMap<PathBuf, u64>,
    pub nodes: BTreeMap<u64, Node>,
    pub folders: BTreeSet<PathBuf>,
    settled: Settled,
    pub links: BTreeSet<PathBuf>,
    /// Files that the user has put or left there, and that nobody else may touch.
    pub users: BTreeMap<PathBuf, Vec<u8>>,
    /// All that a file ever was, for those that are uploaded.
    pub versions: BTreeMap<PathBuf, Vec<Vec<u8>>>,
    /// Bytes that can still be written.
    pub room: Option<u64>,
    pub unreadable: f64,
    pub erased: Vec<Erased>,
    pub next: u64,
}

impl Platter {
    /// As another program does, which puts it on the disk for good.
    pub fn write(&mut self, path: &Path, bytes: Vec<u8>, modified: SystemTime) {
        self.create(path, bytes, modified);
        self.settled.names.insert(path.to_owned(), self.next);
        for above in path.ancestors().skip(1) {
            self.folders.insert(above.to_owned());
            self.settled.folders.insert(above.to_owned());
        }
    }

    /// As another program does, for good.
    pub fn take(&mut self, path: &Path) {
        self.remove(path);
        self.settled.names.remove(path);
    }

    /// Under a name that a power cut may lose.
    pub fn create(&mut self, path: &Path, bytes: Vec<u8>, modified: SystemTime) {
        self.remove(path);
        self.next += 1;
        let node = Node {
            synced: bytes.clone(),
            bytes,
            modified,
            names: 1,
        };
        self.nodes.insert(self.next, node);
        self.names.insert(path.to_owned(), self.next);
    }

    /// Nodes without a name stay for those who have them open.
    pub fn remove(&mut self, path: &Path) {
        if let Some(inode) = self.names.remove(path)
            && let Some(node) = self.nodes.get_mut(&inode)
        {
            node.names -= 1;
        }
    }

    /// All that happened to names in this folder is on the disk for good.
    pub fn settle(&mut self, folder: &Path) {
        let inside = |path: &Path| path.parent() == Some(folder);
        let Settled { names, folders } = &mut self.settled;
        names.retain(|path, _| !inside(path));
        folders.retain(|path| !inside(path));
        let now = self.names.iter().filter(|(path, _)| inside(path));
        names.extend(now.map(|(path, inode)| (path.clone(), *inode)));
        folders.extend(self.folders.iter().filter(|path| inside(path)).cloned());
    }

    /// A power cut: what was not put on the disk is there as it was before or as it is now. What was in a
    /// folder that is lost is lost with it.
    pub fn lose_names(&mut self, mut is_there: impl FnMut() -> bool) {
        let all: BTreeSet<PathBuf> = self.folders.union(&self.settled.folders).cloned().collect();
        let mut folders = BTreeSet::new();
        let lost = |path: &Path, left: &BTreeSet<PathBuf>| {
            let above = path.parent();
            above.is_some_and(|above| all.contains(above) && !left.contains(above))
        };
        // Those above come first.
        for folder in &all {
            let (before, now) = (
                self.settled.folders.contains(folder),
                self.folders.contains(folder),
            );
            let there = if before == now || is_there() {
                now
            } else {
                before
            };
            if there && !lost(folder, &folders) {
                folders.insert(folder.clone());
            }
        }
        let paths: BTreeSet<PathBuf> = self.names.keys().cloned().collect();
        let before = self.settled.names.keys().cloned();
        let paths: BTreeSet<PathBuf> = paths.into_iter().chain(before).collect();
        let mut names = BTreeMap::new();
        for path in paths {
            let (before, now) = (self.settled.names.get(&path), self.names.get(&path));
            let there = if before == now || is_there() {
                now
            } else {
                before
            };
            if let Some(inode) = there
                && !lost(&path, &folders)
            {
                names.insert(path, *inode);
            }
        }
        for (inode, node) in &mut self.nodes {
            node.names = names.values().filter(|named| *named == inode).count() as u32;
        }
        self.settled = Settled {
            names: names.clone(),
            folders: folders.clone(),
        };
        (self.names, self.folders) = (names, folders);
    }

    pub fn at(&self, path: &Path) -> Option<&Node> {
        self.nodes.get(self.names.get(path)?)
    }

    /// Changes a file in place, as a program that writes to it does.
    pub fn change(&mut self, path: &Path, bytes: Vec<u8>, modified: SystemTime) {
        let Some(node) = self.names.get(path).and_then(|i| self.nodes.get_mut(i)) else {
            return;
        };
        node.bytes.clone_from(&bytes);
        node.synced.clone_from(&bytes);
        node.modified = modified;
        self.versions
            .entry(path.to_owned())
            .or_default()
            .push(bytes);
    }

    pub fn identity(&self, inode: u64) -> io::Result<Identity> {
        let node = self.nodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
        Ok(Identity {
            size: node.bytes.len() as u64,
            modified: Some(node.modified),
            inode: Some((1, inode)),
        })
    }

    /// Writes as much as there is room for.
    pub fn fill(&mut self, inode: u64, at: u64, piece: &[u8]) -> io::Result<()> {
        let room = self.room.unwrap_or(u64::MAX);
        let fits = (piece.len() as u64).min(room) as usize;
        let node = self.nodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
        let end = at as usize + fits;
        if node.bytes.len() < end {
            node.bytes.resize(end, 0);
        }
        node.bytes[at as usize..end].copy_from_slice(&piece[..fits]);
        if let Some(room) = &mut self.room {
            *room -= fits as u64;
        }
        if fits < piece.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub fn hash(&self, inode: u64, range: &Range<u64>) -> io::Result<Sum> {
        let node = self.nodes.get(&inode).ok_or(io::ErrorKind::NotFound)?;
        let bytes = node
            .bytes
            .get(range.start as usize..range.end as usize)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Sum::of(bytes))
    }
}

/// A time that no file system rounds away.
pub fn seconds(since_1970: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970)
}

/// Since 1970.
pub fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
