//! The folder that is downloaded into, held by a handle.
//!
//! Every name goes through the handle, and links inside are not followed, so nothing a key says
//! and nothing somebody else does meanwhile makes a file appear outside.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::contents::{SystemContents, Writers};
use super::read::write_all_at;
use super::settle::Settling;
use super::{Contents, Draft, Existing, Folder, Identity, is_temporary};
use crate::error::FileError;
use crate::run::aside::aside;
use crate::verify::Sum;

/// Clones share the handle.
#[derive(Clone)]
pub struct SystemFolder {
    dir: Arc<Dir>,
    /// For words only; the handle is what counts.
    path: Arc<Path>,
    pub(super) settling: Arc<Settling>,
}

impl SystemFolder {
    pub async fn open(path: &Path) -> Result<Self, FileError> {
        let path: Arc<Path> = path.into();
        let at = Arc::clone(&path);
        off_thread(&path, Path::new(""), move || {
            let dir = Dir::open_ambient_dir(&at, ambient_authority())
                .map_err(|e| FileError::writing(&at, Path::new(""), e))?;
            Ok(Self {
                dir: Arc::new(dir),
                path: at,
                settling: Arc::default(),
            })
        })
        .await
    }

    pub(super) fn root(&self) -> &Path {
        &self.path
    }

    /// Does something with this folder where it may block.
    async fn go<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(Self, &str) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let (this, at) = (self.clone(), path.to_owned());
        off_thread(&self.path, path.as_ref(), move || work(this, &at)).await
    }

    fn begin(&self, path: &str, temporary: &str, contents: &[u8]) -> Result<Written, FileError> {
        let place = Place::of(self, path, temporary, true)?
            .ok_or_else(|| self.error(path, io::ErrorKind::NotFound.into()))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = place.dir.open_with(temporary, &options);
        let draft = place.draft(file.map_err(|e| self.error(path, e))?.into_std());
        write_all_at(&draft.file, contents, 0).map_err(|e| self.error(path, e))?;
        Ok((draft, Sum::of(contents)))
    }

    fn take_up(&self, path: &str, temporary: &str) -> Result<Option<SystemDraft>, FileError> {
        let Some(place) = Place::of(self, path, temporary, false)? else {
            return Ok(None);
        };
        let Some(file) =
            open_plain(&place.dir, temporary, true).map_err(|e| self.error(path, e))?
        else {
            return Ok(None);
        };
        if has_other_names(&file) {
            return Ok(None);
        }
        let draft = place.draft(file);
        draft.kept.store(true, Ordering::Relaxed);
        Ok(Some(draft))
    }

    fn remove(&self, path: &str, temporary: &str) -> Result<(), FileError> {
        let Some(place) = Place::of(self, path, temporary, false)? else {
            return Ok(());
        };
        match place.dir.remove_file(temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.error(path, e)),
            _ => Ok(()),
        }
    }

    /// Removes a file that is as it was left: so long, and of this time in milliseconds since 1970
    /// where there is one. False for one that is not; gone is as good as removed.
    pub async fn remove_if(
        &self,
        path: &str,
        size: u64,
        modified: Option<i64>,
    ) -> Result<bool, FileError> {
        self.go(path, move |this, path| {
            let (above, name) = split(path);
            let Some(dir) = this.enter(above, false)? else {
                return Ok(true);
            };
            let facts = match dir.symlink_metadata(name) {
                Ok(facts) => facts,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
                Err(e) => return Err(this.error(path, e)),
            };
            let time = facts
                .modified()
                .ok()
                .map(|t| crate::plan::millis(t.into_std()));
            // File systems keep times to two seconds or better.
            let same_time = match (modified, time) {
                (Some(left), Some(found)) => left.abs_diff(found) <= 2000,
                (Some(_), None) => false,
                (None, _) => true,
            };
            if !facts.is_file() || facts.len() != size || !same_time {
                return Ok(false);
            }
            dir.remove_file(name).map_err(|e| this.error(path, e))?;
            Ok(true)
        })
        .await
    }

    fn erase_now(&self, path: &str, size: u64, modified: Option<i64>) -> Result<(), FileError> {
        let (above, name) = split(path);
        let above: Vec<&str> = above.split('/').filter(|c| !c.is_empty()).collect();
        let mut dirs = vec![self.dir.try_clone().map_err(|e| self.error(path, e))?];
        for component in &above {
            let Some(dir) = dirs.last() else { break };
            match dir.open_dir_nofollow(component) {
                Ok(inner) => dirs.push(inner),
                // Gone is what was wanted.
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(_) => return Err(self.detour(&crate::names::native(path))),
            }
        }
        let Some(dir) = dirs.last() else {
            return Ok(());
        };
        let facts = match dir.symlink_metadata(name) {
            Ok(facts) => facts,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.error(path, e)),
        };
        let time = facts.modified().ok();
        let time = time.map(|t| crate::plan::millis(t.into_std()));
        if !facts.is_file() || facts.len() != size || time != modified {
            return Err(FileError::LeftAlone {
                name: path.to_owned(),
            });
        }
        match dir.remove_file(name) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.error(path, e)),
        }
        // The first folder that has not become empty refuses.
        for (dir, component) in dirs.iter().zip(&above).rev() {
            if dir.remove_dir(component).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Removes an empty folder. False for one that is not empty, or cannot be removed; gone is as good
    /// as removed.
    pub async fn remove_empty(&self, path: &str) -> Result<bool, FileError> {
        self.go(path, |this, path| {
            let (above, name) = split(path);
            let Some(dir) = this.enter(above, false)? else {
                return Ok(true);
            };
            Ok(match dir.remove_dir(name) {
                Ok(()) => true,
                Err(e) => e.kind() == io::ErrorKind::NotFound,
            })
        })
        .await
    }

    fn look(&self, path: &str) -> Result<Option<Existing>, FileError> {
        let (above, name) = split(path);
        let Some(dir) = self.enter(above, false)? else {
            return Ok(None);
        };
        let found = open_plain(&dir, name, false).map_err(|e| self.error(path, e))?;
        let Some(file) = found else { return Ok(None) };
        let facts = file.metadata().map_err(|e| self.error(path, e))?;
        Ok(Some(Existing {
            identity: Identity::of(&facts),
            contents: Arc::new(SystemContents {
                file: Arc::new(file),
                root: Arc::clone(&self.path),
                path: Path::new(path).into(),
                writers: Arc::default(),
            }),
        }))
    }

    /// Most paths that follow each other are in one folder, which is entered once.
    fn misses(&self, paths: &[String]) -> Vec<bool> {
        let mut entered: Option<(&str, Result<Option<Dir>, FileError>)> = None;
        let mut missing = Vec::with_capacity(paths.len());
        for path in paths {
            let (above, name) = split(path);
            if entered.as_ref().is_none_or(|(at, _)| *at != above) {
                entered = Some((above, self.enter(above, false)));
            }
            missing.push(match &entered {
                Some((_, Ok(Some(dir)))) => dir
                    .symlink_metadata(name)
                    .is_err_and(|e| e.kind() == io::ErrorKind::NotFound),
                Some((_, Ok(None))) => true,
                // Behind a link, or in what cannot be looked into, there may be anything.
                Some((_, Err(_))) | None => false,
            });
        }
        missing
    }

    /// The folder of that path; `None` when it is not there and is not to be made.
    pub(super) fn enter(&self, path: &str, make: bool) -> Result<Option<Dir>, FileError> {
        let mut at = String::new();
        let mut dir = self
            .dir
            .try_clone()
            .map_err(|e| FileError::writing(&self.path, Path::new(""), e))?;
        for component in path.split('/').filter(|c| !c.is_empty()) {
            if !at.is_empty() {
                at.push('/');
            }
            at.push_str(component);
            dir = match dir.open_dir_nofollow(component) {
                Ok(inner) => inner,
                Err(e) if e.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    match dir.create_dir(component) {
                        Ok(()) => self.settling.made(&at),
                        // Another file of this job may have been quicker.
                        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                        Err(e) => return Err(self.error(&at, e)),
                    }
                    dir.open_dir_nofollow(component)
                        .map_err(|_| self.detour(at.as_ref()))?
                }
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(self.error(&at, e));
                }
                Err(_) => return Err(self.detour(at.as_ref())),
            };
        }
        Ok(Some(dir))
    }

    fn detour(&self, at: &Path) -> FileError {
        FileError::Detour {
            path: self.path.join(at),
        }
    }

    fn error(&self, path: &str, error: io::Error) -> FileError {
        FileError::writing(&self.path, path.as_ref(), error)
    }
}

type Written = (SystemDraft, Sum);

#[async_trait]
impl Folder for SystemFolder {
    fn path(&self) -> &Path {
        &self.path
    }

    async fn make(&self, path: &str) -> Result<(), FileError> {
        self.go(path, |this, path| this.enter(path, true).map(drop))
            .await
    }

    async fn draft(
        &self,
        path: &str,
        temporary: &str,
        contents: Bytes,
    ) -> Result<(Box<dyn Draft>, Sum), FileError> {
        let temporary = temporary.to_owned();
        let (draft, sum) = self
            .go(path, move |this, path| {
                this.begin(path, &temporary, &contents)
            })
            .await?;
        Ok((Box::new(draft), sum))
    }

    async fn reopen(
        &self,
        path: &str,
        temporary: &str,
    ) -> Result<Option<Box<dyn Draft>>, FileError> {
        let temporary = temporary.to_owned();
        let draft = self
            .go(path, move |this, path| this.take_up(path, &temporary))
            .await?;
        Ok(draft.map(|draft| Box::new(draft) as Box<dyn Draft>))
    }

    async fn discard(&self, path: &str, temporary: &str) -> Result<(), FileError> {
        let temporary = temporary.to_owned();
        self.go(path, move |this, path| this.remove(path, &temporary))
            .await
    }

    async fn erase(&self, path: &str, size: u64, modified: Option<i64>) -> Result<(), FileError> {
        self.go(path, move |this, path| this.erase_now(path, size, modified))
            .await
    }

    async fn settle(&self, paths: Vec<String>) -> Result<(), FileError> {
        self.settle_names(paths).await
    }

    async fn missing(&self, paths: Vec<String>) -> Vec<bool> {
        let (this, count) = (self.clone(), paths.len());
        let looked = aside(move || this.misses(&paths)).await;
        looked.unwrap_or_else(|_| vec![false; count])
    }

    async fn existing(&self, path: &str) -> Result<Option<Existing>, FileError> {
        self.go(path, |this, path| this.look(path)).await
    }
}

/// The folders above, and the last name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A plain file, opened without following a link or waiting for a pipe. `None` when there is none.
fn open_plain(dir: &Dir, name: &str, write: bool) -> io::Result<Option<File>> {
    match dir.symlink_metadata(name) {
        Ok(facts) if facts.is_file() => {}
        Ok(_) => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(write).follow(FollowSymlinks::No);
    let file = dir.open_with(name, &options)?.into_std();
    Ok(file.metadata()?.is_file().then_some(file))
}

/// A draft that has its own name already, or somebody's link to it: writing to it would be writing
/// to that.
fn has_other_names(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|facts| facts.nlink() > 1)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Where a draft is and what it is to become.
struct Place {
    dir: Dir,
    temporary: String,
    name: String,
    root: Arc<Path>,
    path: Arc<Path>,
}

impl Place {
    fn of(
        folder: &SystemFolder,
        path: &str,
        temporary: &str,
        make: bool,
    ) -> Result<Option<Self>, FileError> {
        if !is_temporary(temporary) {
            let words = format!("{temporary:?} is not the name of an unfinished download");
            return Err(folder.error(path, io::Error::other(words)));
        }
        let (above, name) = split(path);
        Ok(folder.enter(above, make)?.map(|dir| Self {
            dir,
            temporary: temporary.to_owned(),
            name: name.to_owned(),
            root: Arc::clone(&folder.path),
            path: Path::new(path).into(),
        }))
    }

    fn draft(self, file: File) -> SystemDraft {
        SystemDraft {
            place: self,
            file: Arc::new(file),
            writers: Arc::default(),
            kept: AtomicBool::new(false),
        }
    }

    fn whole_path(&self) -> PathBuf {
        self.root.join(&self.path)
    }
}

pub struct SystemDraft {
    place: Place,
    file: Arc<File>,
    writers: Arc<Writers>,
    kept: AtomicBool,
}

impl SystemDraft {
    fn take_name(self, replace: bool, modified: Option<SystemTime>) -> Result<PathBuf, FileError> {
        let place = &self.place;
        let error = |e| FileError::writing(&place.root, &place.path, e);
        if let Some(modified) = modified {
            // A file system that cannot is no reason to lose the file.
            if let Err(e) = self.file.set_modified(modified) {
                tracing::debug!(%e, "the time of a file could not be set");
            }
        }
        // With its time, by which it is known again.
        self.file.sync_all().map_err(error)?;
        let named = if replace {
            place.dir.rename(&place.temporary, &place.dir, &place.name)
        } else {
            self.name_if_free()
        };
        match named {
            Ok(()) => {
                self.keep();
                Ok(place.whole_path())
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && !replace => {
                Err(FileError::InTheWay {
                    path: place.whole_path(),
                })
            }
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory
                ) =>
            {
                Err(FileError::InTheWay {
                    path: place.whole_path(),
                })
            }
            Err(e) => Err(error(e)),
        }
    }

    /// A link refuses a name that is taken, in one step and on every system; the temporary name is
    /// removed after. File systems without links (FAT, some network disks) get the name reserved by
    /// an empty file, which is then replaced.
    fn name_if_free(&self) -> io::Result<()> {
        let Place {
            dir,
            temporary,
            name,
            ..
        } = &self.place;
        match dir.hard_link(temporary, dir, name) {
            Ok(()) => {
                let _ = dir.remove_file(temporary);
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            Err(_) => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                dir.open_with(name, &options)?;
                let renamed = dir.rename(temporary, dir, name);
                if renamed.is_err() {
                    let _ = dir.remove_file(name);
                }
                renamed
            }
        }
    }
}

#[async_trait]
impl Draft for SystemDraft {
    fn contents(&self) -> Arc<dyn Contents> {
        Arc::new(SystemContents {
            file: Arc::clone(&self.file),
            root: Arc::clone(&self.place.root),
            path: Arc::clone(&self.place.path),
            writers: Arc::clone(&self.writers),
        })
    }

    fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    async fn finish(
        self: Box<Self>,
        replace: bool,
        modified: Option<SystemTime>,
    ) -> Result<PathBuf, FileError> {
        let (root, path) = (Arc::clone(&self.place.root), Arc::clone(&self.place.path));
        off_thread(&root, &path, move || self.take_name(replace, modified)).await
    }
}

impl Drop for SystemDraft {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) {
            let _ = self.place.dir.remove_file(&self.place.temporary);
        }
    }
}

async fn off_thread<T: Send + 'static>(
    root: &Path,
    path: &Path,
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    match aside(work).await {
        Ok(result) => result,
        Err(e) => Err(FileError::writing(root, path, io::Error::other(e))),
    }
}

#[cfg(test)]
mod tests;
