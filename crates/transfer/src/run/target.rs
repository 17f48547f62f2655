//! The folder that is downloaded into, held by a handle. Blocks.
//!
//! Every name goes through the handle, and links inside are not followed, so nothing a key says
//! and nothing somebody else does meanwhile makes a file appear outside. A file is written under a
//! temporary name beside its place (`.wherry-….part`) and takes its name in one step.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cap_fs_ext::DirExt;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use crate::error::FileError;

pub struct Target {
    dir: Dir,
    /// For words only; the handle is what counts.
    path: PathBuf,
}

impl Target {
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let opened = Dir::open_ambient_dir(path, ambient_authority());
        let dir = opened.map_err(|e| FileError::writing(path, Path::new(""), e))?;
        Ok(Self {
            dir,
            path: path.to_owned(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder with all above it.
    pub fn folder(&self, path: &str) -> Result<(), FileError> {
        self.enter(path.split('/')).map(drop)
    }

    /// Begins a file: `path` is relative, with `/`, as [`crate::names::local_name`] makes it.
    pub fn draft(&self, path: &str) -> Result<Draft, FileError> {
        let (above, name) = path.rsplit_once('/').map_or(("", path), |split| split);
        let dir = self.enter(above.split('/').filter(|c| !c.is_empty()))?;
        let temporary = format!(".wherry-{}.part", uuid::Uuid::new_v4().simple());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let whole = PathBuf::from(path);
        let file = dir
            .open_with(&temporary, &options)
            .map_err(|e| FileError::writing(&self.path, &whole, e))?
            .into_std();
        Ok(Draft {
            dir,
            file: Arc::new(file),
            temporary,
            name: name.to_owned(),
            root: self.path.clone(),
            path: whole,
            kept: false,
        })
    }

    fn enter<'a>(&self, components: impl Iterator<Item = &'a str>) -> Result<Dir, FileError> {
        let mut at = PathBuf::new();
        let mut dir = self
            .dir
            .try_clone()
            .map_err(|e| FileError::writing(&self.path, Path::new(""), e))?;
        for component in components {
            at.push(component);
            dir = match dir.open_dir_nofollow(component) {
                Ok(inner) => inner,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    match dir.create_dir(component) {
                        // Another file of this job may have been quicker.
                        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                            return Err(FileError::writing(&self.path, &at, e));
                        }
                        _ => {}
                    }
                    dir.open_dir_nofollow(component)
                        .map_err(|_| self.detour(&at))?
                }
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(FileError::writing(&self.path, &at, e));
                }
                Err(_) => return Err(self.detour(&at)),
            };
        }
        Ok(dir)
    }

    fn detour(&self, at: &Path) -> FileError {
        FileError::Detour {
            path: self.path.join(at),
        }
    }
}

/// A file being written. Removed when dropped before it is finished.
pub struct Draft {
    dir: Dir,
    file: Arc<File>,
    temporary: String,
    name: String,
    root: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Draft {
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    pub fn error(&self, error: io::Error) -> FileError {
        FileError::writing(&self.root, &self.path, error)
    }

    /// Puts the file on disk and gives it its name. Without `replace`, a file of that name is left
    /// alone, also one that came a moment ago.
    pub fn finish(
        mut self,
        replace: bool,
        modified: Option<SystemTime>,
    ) -> Result<PathBuf, FileError> {
        self.file.sync_data().map_err(|e| self.error(e))?;
        if let Some(modified) = modified {
            // A file system that cannot is no reason to lose the file.
            if let Err(e) = self.file.set_modified(modified) {
                tracing::debug!(%e, "the time of a file could not be set");
            }
        }
        let named = if replace {
            self.dir.rename(&self.temporary, &self.dir, &self.name)
        } else {
            self.name_if_free()
        };
        match named {
            Ok(()) => {
                self.kept = true;
                Ok(self.root.join(&self.path))
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && !replace => {
                Err(FileError::InTheWay {
                    path: self.root.join(&self.path),
                })
            }
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory
                ) =>
            {
                Err(FileError::InTheWay {
                    path: self.root.join(&self.path),
                })
            }
            Err(e) => Err(self.error(e)),
        }
    }

    /// A link refuses a name that is taken, in one step and on every system; the temporary name is
    /// removed after. File systems without links (FAT, some network disks) get the name reserved by
    /// an empty file, which is then replaced.
    fn name_if_free(&self) -> io::Result<()> {
        match self.dir.hard_link(&self.temporary, &self.dir, &self.name) {
            Ok(()) => {
                let _ = self.dir.remove_file(&self.temporary);
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            Err(_) => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                self.dir.open_with(&self.name, &options)?;
                self.dir.rename(&self.temporary, &self.dir, &self.name)
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.dir.remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(
        target: &Target,
        path: &str,
        bytes: &[u8],
        replace: bool,
    ) -> Result<PathBuf, FileError> {
        let draft = target.draft(path)?;
        super::super::read::write_all_at(&draft.file(), bytes, 0).unwrap();
        draft.finish(replace, Some(SystemTime::UNIX_EPOCH))
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    // Promise: A download is written under a temporary name beside its place, and takes its own
    // name in one step when it is whole and checked.
    // Promise: A downloaded file gets the time at which its object was last changed.
    #[test]
    fn a_file_appears_whole_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::open(folder.path()).unwrap();
        let path = write(&target, "a/b/c.txt", b"hello", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"hello");
        assert_eq!(
            fs::metadata(&path).unwrap().modified().unwrap(),
            SystemTime::UNIX_EPOCH
        );
        assert_eq!(names(&folder.path().join("a/b")), ["c.txt"]);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::open(folder.path()).unwrap();
        fs::write(folder.path().join("x"), b"mine").unwrap();
        assert!(matches!(
            write(&target, "x", b"new", false),
            Err(FileError::InTheWay { .. })
        ));
        assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"mine");
        write(&target, "x", b"new", true).unwrap();
        assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"new");
        fs::create_dir(folder.path().join("d")).unwrap();
        assert!(matches!(
            write(&target, "d", b"new", true),
            Err(FileError::InTheWay { .. })
        ));
        assert_eq!(names(folder.path()), ["d", "x"]);
    }

    // Promise: Symbolic links in the download folder are replaced or refused, and never followed.
    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        fs::write(outside.path().join("secret"), b"keep").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("file"))
            .unwrap();
        let target = Target::open(folder.path()).unwrap();
        assert!(matches!(
            write(&target, "out/x", b"1", true),
            Err(FileError::Detour { .. })
        ));
        assert!(matches!(
            write(&target, "../x", b"1", true),
            Err(FileError::Detour { .. } | FileError::NotWritable { .. })
        ));
        // Replacing a link replaces the link.
        write(&target, "file", b"new", true).unwrap();
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"keep");
        assert_eq!(names(outside.path()), ["secret"]);
    }
}
