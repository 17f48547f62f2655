//! Deleting files of this computer, as a sync asked for it: below the chosen folder only, through a
//! handle on it, and only what is still as the plan saw it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cap_fs_ext::DirExt;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tokio::sync::OnceCell;

use super::Shared;
use super::each::Each;
use super::job::Stopped;
use crate::error::FileError;
use crate::plan::{EraseItem, ErasePlan};

pub(super) struct Erasing {
    pub plan: ErasePlan,
    opened: OnceCell<Arc<Held>>,
}

struct Held {
    dir: Dir,
    /// For words only; the handle is what counts.
    path: PathBuf,
}

impl Erasing {
    pub fn new(plan: ErasePlan) -> Self {
        Self {
            plan,
            opened: OnceCell::new(),
        }
    }

    async fn held(&self) -> Result<Arc<Held>, FileError> {
        let held = self.opened.get_or_try_init(|| {
            let path = self.plan.folder.clone();
            off_thread(&self.plan.folder, move || {
                let dir = Dir::open_ambient_dir(&path, ambient_authority())
                    .map_err(|e| FileError::writing(&path, Path::new(""), e))?;
                Ok(Arc::new(Held { dir, path }))
            })
        });
        held.await.map(Arc::clone)
    }
}

#[async_trait]
impl Each for Erasing {
    fn rows(&self) -> usize {
        self.plan.items.len()
    }

    fn name(&self, row: u32) -> String {
        let item = self.plan.items.get(row as usize);
        item.map(|i| i.path.to_string()).unwrap_or_default()
    }

    fn size(&self, _: u32) -> u64 {
        0
    }

    async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped> {
        let Some(item) = self.plan.items.get(row as usize).cloned() else {
            return Ok(());
        };
        if shared.stop.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        let held = self.held().await?;
        Ok(off_thread(&self.plan.folder, move || held.erase(&item)).await?)
    }
}

async fn off_thread<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(FileError::writing(
            folder,
            Path::new(""),
            io::Error::other(e),
        )),
    }
}

impl Held {
    fn erase(&self, item: &EraseItem) -> Result<(), FileError> {
        let components: Vec<&str> = item.path.split('/').collect();
        let Some((name, above)) = components.split_last() else {
            return Ok(());
        };
        let mut dirs = vec![self.dir.try_clone().map_err(|e| self.error(item, e))?];
        for component in above {
            let Some(dir) = dirs.last() else { break };
            match dir.open_dir_nofollow(component) {
                Ok(inner) => dirs.push(inner),
                // Gone is what was wanted.
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(_) => {
                    return Err(FileError::Detour {
                        path: self.path.join(crate::names::native(&item.path)),
                    });
                }
            }
        }
        let Some(dir) = dirs.last() else {
            return Ok(());
        };
        let facts = match dir.symlink_metadata(name) {
            Ok(facts) => facts,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.error(item, e)),
        };
        let modified = facts
            .modified()
            .ok()
            .map(|time| crate::plan::millis(time.into_std()));
        if !facts.is_file() || facts.len() != item.size || modified != item.modified {
            return Err(FileError::LeftAlone {
                name: item.path.to_string(),
            });
        }
        match dir.remove_file(name) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.error(item, e)),
        }
        // Folders that have become empty; the first one that has not refuses.
        for (dir, component) in dirs.iter().zip(above).rev() {
            if dir.remove_dir(component).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn error(&self, item: &EraseItem, error: io::Error) -> FileError {
        FileError::writing(&self.path, &crate::names::native(&item.path), error)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn item(folder: &Path, path: &str) -> EraseItem {
        let facts = fs::symlink_metadata(folder.join(path)).unwrap();
        EraseItem {
            path: path.into(),
            size: facts.len(),
            modified: facts.modified().ok().map(crate::plan::millis),
        }
    }

    fn held(folder: &Path) -> Held {
        Held {
            dir: Dir::open_ambient_dir(folder, ambient_authority()).unwrap(),
            path: folder.to_owned(),
        }
    }

    // Promise: A sync deletes a file of this computer only when it is as the plan saw it, and only
    // below the chosen folder; links are not followed.
    #[test]
    fn only_what_the_plan_saw_goes() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("a/b")).unwrap();
        for name in ["a/b/x", "a/y", "z"] {
            fs::write(at.join(name), name).unwrap();
        }
        let (x, y, z) = (item(at, "a/b/x"), item(at, "a/y"), item(at, "z"));
        fs::write(at.join("z"), "changed since").unwrap();
        let held = held(at);
        held.erase(&x).unwrap();
        assert!(!at.join("a/b").exists() && at.join("a").is_dir());
        held.erase(&x).unwrap();
        held.erase(&y).unwrap();
        assert!(!at.join("a").exists());
        assert!(matches!(held.erase(&z), Err(FileError::LeftAlone { .. })));
        assert!(at.join("z").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("x"), "keep").unwrap();
        let x = EraseItem {
            path: "out/x".into(),
            ..item(outside.path(), "x")
        };
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        let held = held(folder.path());
        assert!(matches!(held.erase(&x), Err(FileError::Detour { .. })));
        let up = EraseItem {
            path: "../x".into(),
            ..x
        };
        assert!(held.erase(&up).is_err());
        assert!(outside.path().join("x").exists());
    }
}
