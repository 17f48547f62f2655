//! What is on the disk: files with inodes and several names, folders, links; what a power cut leaves of
//! it; how much more there is room for.

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

#[derive(Default)]
pub struct Platter {
    /// Name → inode.
    pub names: BTreeMap<PathBuf, u64>,
    pub nodes: BTreeMap<u64, Node>,
    pub folders: BTreeSet<PathBuf>,
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
    pub fn write(&mut self, path: &Path, bytes: Vec<u8>, modified: SystemTime) {
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
