//! Names that outlive a power cut.
//!
//! A file that was synced can still lose its name: that stands in its folder. Where the journal is on
//! another disk, or on a file system that does not keep the order in which things happened, a power cut
//! could leave the journal's word that a file arrived, and no file. So the folder is put on the disk
//! before anybody writes that down, and so are the folders above, each of which may be new itself: the one
//! that is downloaded into too, and for it those above it are put on the disk once.
//!
//! That is slow, and most files share their folder with many: those who ask while folders are being put
//! on the disk are answered together, after the next turn.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap_std::fs::{Dir, OpenOptions};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::Identity;
use super::folder::{SystemFolder, split};
use crate::error::FileError;

/// So many folders are remembered to have their own name on the disk.
const REMEMBERED: usize = 10_000;

/// Who waits for names in the folder that is downloaded into. Shared by the folder's clones.
#[derive(Default)]
pub(super) struct Settling(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    waiting: Vec<Waiting>,
    /// Somebody is at it, and will see to those who wait.
    busy: bool,
    known: Known,
    /// The name of the folder that is downloaded into is on the disk.
    rooted: bool,
}

struct Waiting {
    paths: Vec<String>,
    answer: oneshot::Sender<Result<(), FileError>>,
}

impl Settling {
    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It was made just now: whatever was there before, this one's name is not on the disk yet.
    pub fn made(&self, folder: &str) {
        self.lock().known.0.remove(folder);
    }

    fn next(&self) -> Option<(Vec<Waiting>, Wanted)> {
        let mut asked = self.lock();
        let waiting = std::mem::take(&mut asked.waiting);
        if waiting.is_empty() {
            asked.busy = false;
            return None;
        }
        let wanted = asked
            .known
            .wanted(waiting.iter().flat_map(|waiting| &waiting.paths));
        Some((waiting, wanted))
    }
}

impl SystemFolder {
    pub(super) async fn settle_names(&self, paths: Vec<String>) -> Result<(), FileError> {
        // Elsewhere folders cannot be put on the disk.
        if !cfg!(unix) {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        let idle = {
            let mut asked = self.settling.lock();
            asked.waiting.push(Waiting { paths, answer });
            !std::mem::replace(&mut asked.busy, true)
        };
        if idle {
            let this = self.clone();
            // Not a part of whoever asks, who may be stopped while others count on it.
            drop(spawn_blocking(move || this.settle_in_turns()));
        }
        match answered.await {
            Ok(settled) => settled,
            // Only where the runtime is about to end, and whoever waits with it.
            Err(_) => pending().await,
        }
    }

    /// Until nobody waits any more.
    fn settle_in_turns(&self) {
        while let Some((waiting, wanted)) = self.settling.next() {
            let mut failed: BTreeMap<String, FileError> = BTreeMap::new();
            if !self.settling.lock().rooted {
                match self.put_root_on_disk() {
                    Ok(()) => self.settling.lock().rooted = true,
                    Err(e) => drop(failed.insert(String::new(), e)),
                }
            }
            for (folder, inner) in wanted {
                match self.put_on_disk(&folder) {
                    Ok(()) => self.settling.lock().known.learn(inner),
                    Err(e) => drop(failed.insert(folder, e)),
                }
            }
            for Waiting { paths, answer } in waiting {
                let mut folders = paths.iter().flat_map(|path| folders_above(path));
                let error = folders.find_map(|folder| failed.get(folder));
                // Whoever asked may have gone.
                let _ = answer.send(error.map_or(Ok(()), |error| Err(error.clone())));
            }
        }
    }

    fn put_root_on_disk(&self) -> Result<(), FileError> {
        for folder in folders_of_one_disk(self.root()) {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            allowing(synced).map_err(|e| self.not_on_disk("", &e))?;
        }
        Ok(())
    }

    /// What happened to names in this folder; of one that is gone, that it is.
    fn put_on_disk(&self, folder: &str) -> Result<(), FileError> {
        let mut at = folder;
        loop {
            match self.enter(at, false)? {
                Some(dir) => return sync(&dir).map_err(|e| self.not_on_disk(at, &e)),
                None => at = split(at).0,
            }
        }
    }

    fn not_on_disk(&self, folder: &str, error: &io::Error) -> FileError {
        let words = format!("what is new in it could not be put on the disk: {error}");
        let error = io::Error::new(error.kind(), words);
        FileError::writing(self.root(), Path::new(folder), error)
    }
}

/// Those above, as far as one of them may be new: not beyond the disk that the folder is on. They are the
/// user's choice, and are taken by their names.
fn folders_of_one_disk(root: &Path) -> Vec<PathBuf> {
    let disk = |path: &Path| Some(Identity::of(&path.metadata().ok()?).inode?.0);
    let Ok(root) = root.canonicalize() else {
        return Vec::new();
    };
    let here = disk(&root);
    let above = root.ancestors().skip(1);
    above
        .take_while(|folder| here.is_some() && disk(folder) == here)
        .map(Path::to_owned)
        .collect()
}

fn sync(dir: &Dir) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true);
    // The handle itself may be one that can only be walked through.
    let synced = dir
        .open_with(".", &options)
        .and_then(|folder| folder.into_std().sync_all());
    allowing(synced)
}

/// Some file systems cannot put a folder on the disk (FUSE, shares of other computers), and a folder may
/// take files and let nobody look into it. There is no more to be had from them.
fn allowing(synced: io::Result<()>) -> io::Result<()> {
    match synced {
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::PermissionDenied
            ) =>
        {
            tracing::debug!(%e, "a folder cannot be put on the disk here");
            Ok(())
        }
        synced => synced,
    }
}

/// Folders to be put on the disk, and those in each that are thereby known to have their names there.
type Wanted = BTreeMap<String, BTreeSet<String>>;

/// Folders whose own names are on the disk.
#[derive(Default)]
struct Known(HashSet<String>);

impl Known {
    fn wanted<'a>(&self, paths: impl Iterator<Item = &'a String>) -> Wanted {
        let mut wanted = Wanted::new();
        for path in paths {
            let mut inner = None;
            for folder in folders_above(path) {
                let is_new = |inner: &&str| !self.0.contains(*inner);
                match inner {
                    None => drop(wanted.entry(folder.to_owned()).or_default()),
                    Some(inner) if is_new(&inner) => {
                        let inside = wanted.entry(folder.to_owned()).or_default();
                        inside.insert(inner.to_owned());
                    }
                    Some(_) => {}
                }
                inner = Some(folder);
            }
        }
        wanted
    }

    fn learn(&mut self, folders: BTreeSet<String>) {
        if self.0.len() + folders.len() > REMEMBERED {
            // To be put on the disk once more costs little.
            self.0.clear();
        }
        self.0.extend(folders);
    }
}

/// The folder that a name is in, and those above, up to the one that is downloaded into.
fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(split(path).0), |folder| {
        (!folder.is_empty()).then(|| split(folder).0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(known: &Known, paths: &[&str]) -> Vec<(String, Vec<String>)> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let wanted = known.wanted(paths.iter()).into_iter();
        wanted
            .map(|(folder, inner)| (folder, inner.into_iter().collect()))
            .collect()
    }

    fn with(folder: &str, inner: &[&str]) -> (String, Vec<String>) {
        let inner = inner.iter().map(|name| (*name).to_owned()).collect();
        (folder.to_owned(), inner)
    }

    #[test]
    fn a_folder_is_put_on_the_disk_with_all_above_it_the_first_time() {
        let mut known = Known::default();
        let first = wanted(&known, &["a/b/1", "a/b/2", "a/3"]);
        assert_eq!(
            first,
            [with("", &["a"]), with("a", &["a/b"]), with("a/b", &[])]
        );
        known.learn(["a".to_owned(), "a/b".to_owned()].into());
        // For their names alone.
        assert_eq!(wanted(&known, &["a/b/4"]), [with("a/b", &[])]);
        assert_eq!(wanted(&known, &["5"]), [with("", &[])]);
        let new = wanted(&known, &["a/c/6"]);
        assert_eq!(new, [with("a", &["a/c"]), with("a/c", &[])]);
    }

    #[test]
    fn a_folder_that_is_made_again_is_new() {
        let settling = Settling::default();
        let both = ["a".to_owned(), "a/b".to_owned()];
        settling.lock().known.learn(both.into());
        settling.made("a");
        let asked = settling.lock();
        let again = wanted(&asked.known, &["a/b/1"]);
        assert_eq!(again, [with("", &["a"]), with("a/b", &[])]);
    }

    #[test]
    fn what_is_remembered_does_not_grow_for_ever() {
        let mut known = Known::default();
        for n in 0..=REMEMBERED {
            known.learn([n.to_string()].into());
        }
        assert_eq!(known.0.len(), 1);
    }

    #[test]
    fn a_file_system_that_cannot_is_no_failure_and_a_broken_disk_is_one() {
        let found = |errno| allowing(Err(io::Error::from_raw_os_error(errno)));
        assert!(allowing(Ok(())).is_ok());
        #[cfg(unix)]
        for cannot in [
            rustix::io::Errno::INVAL,
            rustix::io::Errno::NOSYS,
            rustix::io::Errno::NOTSUP,
            rustix::io::Errno::ACCESS,
        ] {
            assert!(found(cannot.raw_os_error()).is_ok(), "{cannot}");
        }
        #[cfg(unix)]
        for broken in [rustix::io::Errno::IO, rustix::io::Errno::NOSPC] {
            assert!(found(broken.raw_os_error()).is_err(), "{broken}");
        }
    }

    #[tokio::test]
    async fn a_failure_is_that_of_all_in_the_folder_and_of_nobody_else() {
        let here = tempfile::tempdir().unwrap();
        let target = SystemFolder::open(here.path()).await.unwrap();
        std::fs::create_dir_all(here.path().join("good/deep")).unwrap();
        // What cannot be entered can stand for what cannot be put on the disk.
        std::fs::write(here.path().join("bad"), "no folder").unwrap();
        let asked = [
            vec!["good/1".to_owned(), "good/deep/2".to_owned()],
            vec!["bad/3".to_owned()],
            vec!["good/4".to_owned(), "bad/5".to_owned()],
            vec!["6".to_owned()],
            // Gone, with what was in it.
            vec!["gone/deep/7".to_owned()],
        ];
        let answers = asked.map(|paths| target.settle_names(paths));
        let settled = futures::future::join_all(answers).await;
        let settled: Vec<bool> = settled.iter().map(Result::is_ok).collect();
        assert_eq!(settled, [true, false, false, true, true]);
    }

    #[cfg(unix)]
    #[test]
    fn the_folders_above_are_put_on_the_disk_as_far_as_it_goes() {
        let here = tempfile::tempdir().unwrap();
        let made = here.path().join("made/now");
        std::fs::create_dir_all(&made).unwrap();
        let above = folders_of_one_disk(&made);
        let top = here.path().canonicalize().unwrap();
        assert_eq!(above[..2], [top.join("made"), top]);
        // Whatever is mounted there is a disk of its own.
        assert_eq!(
            folders_of_one_disk(Path::new("/proc")),
            Vec::<PathBuf>::new()
        );
    }

    #[tokio::test]
    async fn the_error_says_which_folder_and_why() {
        let here = tempfile::tempdir().unwrap();
        let target = SystemFolder::open(here.path()).await.unwrap();
        let error = target.not_on_disk("a/b", &io::Error::other("input/output error"));
        let folder = here.path().join("a/b").display().to_string();
        let words = "cannot be written: what is new in it could not be put on the disk";
        assert_eq!(
            error.to_string(),
            format!("{folder} {words}: input/output error")
        );
    }
}
