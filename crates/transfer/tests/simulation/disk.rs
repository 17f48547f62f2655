//! A disk in memory as jobs use it: slow, full, unreadable or cut off when the seed wants it.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use wherry_transfer::run::disk::{
    Contents, Disk, Draft, Existing, Folder, Identity, LocalFile, is_temporary,
};
use wherry_transfer::{Clock, FileError, Sum};

use crate::fate::Fate;
use crate::platter::{Erased, Platter, millis};

pub struct SimDisk {
    fate: Arc<Fate>,
    platter: Mutex<Platter>,
    moments: Arc<AtomicU64>,
    /// It does not put names on itself when it is told to.
    pub lies: AtomicBool,
}

impl SimDisk {
    pub fn new(fate: Arc<Fate>, moments: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self {
            fate,
            moments,
            platter: Mutex::default(),
            lies: AtomicBool::new(false),
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> SystemTime {
        // File systems keep some digits; a change within the same millisecond is still another time.
        self.fate.now().into()
    }

    /// What is left on the disk when the power goes: what was synced, and of the rest some.
    pub fn lose_power(&self) {
        let mut platter = self.lock();
        platter.lose_names(|| self.fate.chance(0.5));
        for node in platter.nodes.values_mut() {
            if node.bytes != node.synced && self.fate.chance(0.5) {
                let size = node.bytes.len();
                node.bytes.clone_from(&node.synced);
                // The length is often there before the bytes are.
                node.bytes.resize(size, 0);
            }
        }
    }

    pub fn bytes_of(&self, path: &Path, offset: u64, length: u64) -> Option<Bytes> {
        let platter = self.lock();
        let bytes = &platter.at(path)?.bytes;
        let range = bytes.get(offset as usize..(offset + length) as usize)?;
        Some(Bytes::copy_from_slice(range))
    }

    async fn access(&self, what: String) -> io::Result<()> {
        self.fate.step(what).await;
        self.fate.wait(2).await;
        let unreadable = self.lock().unreadable;
        if self.fate.chance(unreadable) {
            return Err(io::Error::other("input/output error"));
        }
        Ok(())
    }
}

/// What a job is given: its files need the disk to outlive the call.
pub struct Handle(pub Arc<SimDisk>);

#[async_trait]
impl Disk for Handle {
    async fn open(&self, path: &Path) -> Result<Arc<dyn LocalFile>, FileError> {
        let reading = |e| FileError::reading(path, e);
        self.0
            .access(format!("open {}", last(path)))
            .await
            .map_err(reading)?;
        let platter = self.0.lock();
        let inode = *platter
            .names
            .get(path)
            .ok_or_else(|| reading(io::ErrorKind::NotFound.into()))?;
        Ok(Arc::new(SimFile {
            disk: Arc::clone(&self.0),
            path: path.to_owned(),
            inode,
            identity: platter.identity(inode).map_err(reading)?,
        }))
    }

    async fn folder(&self, path: &Path) -> Result<Arc<dyn Folder>, FileError> {
        Ok(Arc::new(SimFolder {
            disk: Arc::clone(&self.0),
            root: path.to_owned(),
        }))
    }
}

/// Tempdirs have names that differ between runs of one seed.
fn last(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

struct SimFile {
    disk: Arc<SimDisk>,
    path: PathBuf,
    inode: u64,
    identity: Identity,
}

impl SimFile {
    fn changed(&self) -> FileError {
        FileError::ChangedHere {
            path: self.path.clone(),
        }
    }

    async fn access(&self, what: &str) -> Result<(), FileError> {
        self.disk
            .access(format!("{what} {}", last(&self.path)))
            .await
            .map_err(|e| FileError::reading(&self.path, e))
    }
}

#[async_trait]
impl LocalFile for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn read(&self, offset: u64, mut buffer: Vec<u8>) -> Result<(Vec<u8>, Sum), FileError> {
        self.access("read").await?;
        {
            let platter = self.disk.lock();
            let node = platter
                .nodes
                .get(&self.inode)
                .ok_or_else(|| self.changed())?;
            let range = offset as usize..offset as usize + buffer.len();
            let bytes = node.bytes.get(range).ok_or_else(|| self.changed())?;
            buffer.copy_from_slice(bytes);
        }
        self.disk.fate.wait(2).await;
        let sum = Sum::of(&buffer);
        Ok((buffer, sum))
    }

    async fn hash(&self, offset: u64, length: u64) -> Result<Sum, FileError> {
        self.access("hash").await?;
        let hashed = self
            .disk
            .lock()
            .hash(self.inode, &(offset..offset + length));
        hashed.map_err(|_| self.changed())
    }

    async fn check_unchanged(&self) -> Result<(), FileError> {
        self.access("check").await?;
        let platter = self.disk.lock();
        let open = platter.identity(self.inode).ok();
        let named = platter
            .names
            .get(&self.path)
            .and_then(|inode| platter.identity(*inode).ok());
        if open.as_ref() == Some(&self.identity) && named.as_ref() == Some(&self.identity) {
            return Ok(());
        }
        Err(self.changed())
    }
}

struct SimFolder {
    disk: Arc<SimDisk>,
    root: PathBuf,
}

impl SimFolder {
    fn error(&self, path: &str, error: io::Error) -> FileError {
        FileError::writing(&self.root, path.as_ref(), error)
    }

    async fn access(&self, what: &str, path: &str) -> Result<(), FileError> {
        self.disk
            .access(format!("{what} {path}"))
            .await
            .map_err(|e| self.error(path, e))
    }

    /// The folder of that path; `None` when it is not there and not to be made.
    fn enter(
        &self,
        platter: &mut Platter,
        path: &str,
        make: bool,
    ) -> Result<Option<PathBuf>, FileError> {
        let mut at = self.root.clone();
        for component in path.split('/').filter(|c| !c.is_empty()) {
            at.push(component);
            if platter.links.contains(&at) || platter.names.contains_key(&at) {
                return Err(FileError::Detour { path: at });
            }
            if !platter.folders.contains(&at) {
                if !make {
                    return Ok(None);
                }
                platter.folders.insert(at.clone());
            }
        }
        Ok(Some(at))
    }

    fn place(
        &self,
        platter: &mut Platter,
        path: &str,
        temporary: &str,
        make: bool,
    ) -> Result<Option<(PathBuf, PathBuf)>, FileError> {
        if !is_temporary(temporary) {
            return Err(self.error(path, io::Error::other("no temporary name")));
        }
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.enter(platter, above, make)?;
        Ok(folder.map(|at| (at.join(temporary), at.join(name))))
    }

    fn draft(&self, inode: u64, temporary: PathBuf, place: PathBuf, kept: bool) -> SimDraft {
        SimDraft {
            contents: SimContents {
                disk: Arc::clone(&self.disk),
                inode,
                root: self.root.clone(),
                place,
            },
            temporary,
            kept: AtomicBool::new(kept),
        }
    }
}

#[async_trait]
impl Folder for SimFolder {
    fn path(&self) -> &Path {
        &self.root
    }

    async fn make(&self, path: &str) -> Result<(), FileError> {
        self.access("mkdir", path).await?;
        self.enter(&mut self.disk.lock(), path, true).map(drop)
    }

    async fn draft(
        &self,
        path: &str,
        temporary: &str,
        contents: Bytes,
    ) -> Result<(Box<dyn Draft>, Sum), FileError> {
        self.access("draft", path).await?;
        let draft = {
            let mut platter = self.disk.lock();
            let place = self.place(&mut platter, path, temporary, true)?;
            let (at, place) =
                place.ok_or_else(|| self.error(path, io::ErrorKind::NotFound.into()))?;
            if platter.names.contains_key(&at) || platter.links.contains(&at) {
                return Err(self.error(path, io::ErrorKind::AlreadyExists.into()));
            }
            let now = self.disk.now();
            platter.create(&at, Vec::new(), now);
            self.draft(platter.next, at, place, false)
        };
        self.access("write", path).await?;
        self.disk
            .lock()
            .fill(draft.contents.inode, 0, &contents)
            .map_err(|e| self.error(path, e))?;
        self.disk.fate.step(format!("written {path}")).await;
        Ok((Box::new(draft), Sum::of(&contents)))
    }

    async fn reopen(
        &self,
        path: &str,
        temporary: &str,
    ) -> Result<Option<Box<dyn Draft>>, FileError> {
        self.access("reopen", path).await?;
        let mut platter = self.disk.lock();
        let Some((at, place)) = self.place(&mut platter, path, temporary, false)? else {
            return Ok(None);
        };
        let Some(&inode) = platter.names.get(&at) else {
            return Ok(None);
        };
        if platter.nodes[&inode].names > 1 {
            return Ok(None);
        }
        Ok(Some(Box::new(self.draft(inode, at, place, true))))
    }

    async fn discard(&self, path: &str, temporary: &str) -> Result<(), FileError> {
        self.access("discard", path).await?;
        let mut platter = self.disk.lock();
        if let Some((at, _)) = self.place(&mut platter, path, temporary, false)? {
            platter.remove(&at);
            platter.links.remove(&at);
        }
        Ok(())
    }

    async fn erase(&self, path: &str, size: u64, modified: Option<i64>) -> Result<(), FileError> {
        self.access("erase", path).await?;
        let mut platter = self.disk.lock();
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(folder) = self.enter(&mut platter, above, false)? else {
            return Ok(());
        };
        let place = folder.join(name);
        let left_alone = || FileError::LeftAlone {
            name: path.to_owned(),
        };
        if platter.links.contains(&place) {
            return Err(left_alone());
        }
        let Some(&inode) = platter.names.get(&place) else {
            return Ok(());
        };
        let node = &platter.nodes[&inode];
        let time = millis(node.modified);
        if node.bytes.len() as u64 != size || Some(time) != modified {
            return Err(left_alone());
        }
        let bytes = node.bytes.clone();
        platter.remove(&place);
        let present = platter.names.keys().cloned().collect();
        platter.erased.push(Erased {
            at: self.disk.moments.load(Relaxed),
            path: place,
            bytes,
            present,
        });
        Ok(())
    }

    async fn settle(&self, paths: Vec<String>) -> Result<(), FileError> {
        for path in &paths {
            // One folder after the other, as disks do it.
            for folder in self.root.join(path).ancestors().skip(1) {
                if !folder.starts_with(&self.root) {
                    break;
                }
                self.access("settle", path).await?;
                if !self.disk.lies.load(Relaxed) {
                    self.disk.lock().settle(folder);
                }
            }
            self.disk.fate.step(format!("settled {path}")).await;
        }
        Ok(())
    }

    async fn missing(&self, paths: Vec<String>) -> Vec<bool> {
        let looked = self.access("look for", &paths.len().to_string()).await;
        let mut platter = self.disk.lock();
        let mut nothing = |path: &String| {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            match self.enter(&mut platter, above, false) {
                Ok(Some(folder)) => {
                    let place = folder.join(name);
                    let (names, links) = (&platter.names, &platter.links);
                    !(names.contains_key(&place)
                        || links.contains(&place)
                        || platter.folders.contains(&place))
                }
                Ok(None) => true,
                Err(_) => false,
            }
        };
        let readable = looked.is_ok();
        paths.iter().map(|path| readable && nothing(path)).collect()
    }

    async fn existing(&self, path: &str) -> Result<Option<Existing>, FileError> {
        self.access("look", path).await?;
        let mut platter = self.disk.lock();
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(folder) = self.enter(&mut platter, above, false)? else {
            return Ok(None);
        };
        let place = folder.join(name);
        let Some(&inode) = platter.names.get(&place) else {
            return Ok(None);
        };
        let identity = platter.identity(inode).map_err(|e| self.error(path, e))?;
        let contents = Arc::new(SimContents {
            disk: Arc::clone(&self.disk),
            inode,
            root: self.root.clone(),
            place,
        });
        Ok(Some(Existing { identity, contents }))
    }
}

struct SimDraft {
    contents: SimContents,
    temporary: PathBuf,
    kept: AtomicBool,
}

#[async_trait]
impl Draft for SimDraft {
    fn contents(&self) -> Arc<dyn Contents> {
        Arc::new(self.contents.clone())
    }

    fn keep(&self) {
        self.kept.store(true, Relaxed);
    }

    async fn finish(
        self: Box<Self>,
        replace: bool,
        modified: Option<SystemTime>,
    ) -> Result<PathBuf, FileError> {
        let SimContents {
            disk, inode, place, ..
        } = &self.contents;
        self.contents.access("sync").await?;
        {
            let mut platter = disk.lock();
            let now = disk.now();
            if let Some(node) = platter.nodes.get_mut(inode) {
                node.synced.clone_from(&node.bytes);
                node.modified = modified.unwrap_or(now);
            }
        }
        self.contents.access("name").await?;
        {
            let mut platter = disk.lock();
            let in_the_way = || FileError::InTheWay {
                path: place.clone(),
            };
            let taken = platter.names.contains_key(place) || platter.links.contains(place);
            if platter.folders.contains(place) || taken && !replace {
                return Err(in_the_way());
            }
            platter.remove(place);
            platter.links.remove(place);
            platter.names.insert(place.clone(), *inode);
            if let Some(node) = platter.nodes.get_mut(inode) {
                node.names += 1;
            }
            if replace {
                // In one step.
                platter.remove(&self.temporary);
            }
        }
        // Two names for a moment, where a link was used to take the new one.
        disk.fate.step(format!("named {}", last(place))).await;
        self.keep();
        disk.lock().remove(&self.temporary);
        disk.fate.step(format!("finished {}", last(place))).await;
        Ok(place.clone())
    }
}

impl Drop for SimDraft {
    fn drop(&mut self) {
        let disk = &self.contents.disk;
        if !self.kept.load(Relaxed) && !disk.fate.crashed() {
            disk.lock().remove(&self.temporary);
        }
    }
}

#[derive(Clone)]
struct SimContents {
    disk: Arc<SimDisk>,
    inode: u64,
    root: PathBuf,
    place: PathBuf,
}

impl SimContents {
    fn error(&self, error: io::Error) -> FileError {
        let name = self.place.strip_prefix(&self.root).unwrap_or(&self.place);
        FileError::writing(&self.root, name, error)
    }

    async fn access(&self, what: &str) -> Result<(), FileError> {
        self.disk
            .access(format!("{what} {}", last(&self.place)))
            .await
            .map_err(|e| self.error(e))
    }
}

#[async_trait]
impl Contents for SimContents {
    async fn size(&self) -> Result<u64, FileError> {
        self.access("size").await?;
        let identity = self.disk.lock().identity(self.inode);
        Ok(identity.map_err(|e| self.error(e))?.size)
    }

    async fn pour(&self, mut at: u64, mut pieces: mpsc::Receiver<Bytes>) -> Result<Sum, FileError> {
        let mut all = Vec::new();
        while let Some(piece) = pieces.recv().await {
            self.access("pour").await?;
            self.disk
                .lock()
                .fill(self.inode, at, &piece)
                .map_err(|e| self.error(e))?;
            all.extend_from_slice(&piece);
            at += piece.len() as u64;
        }
        Ok(Sum::of(&all))
    }

    async fn hash(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Sum>, FileError> {
        self.access("hash").await?;
        let platter = self.disk.lock();
        ranges
            .iter()
            .map(|range| platter.hash(self.inode, range))
            .collect::<io::Result<_>>()
            .map_err(|e| self.error(e))
    }
}
