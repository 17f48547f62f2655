use std::fs;

use tokio::sync::mpsc;

use super::super::temporary_name;
use super::*;

async fn open(folder: &Path) -> SystemFolder {
    SystemFolder::open(folder).await.unwrap()
}

async fn write(
    target: &SystemFolder,
    path: &str,
    bytes: &'static [u8],
    replace: bool,
) -> Result<PathBuf, FileError> {
    let temporary = temporary_name([1; 16]);
    let (draft, sum) = target
        .draft(path, &temporary, Bytes::from_static(bytes))
        .await?;
    assert_eq!(sum, Sum::of(bytes));
    draft.finish(replace, Some(SystemTime::UNIX_EPOCH)).await
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
#[tokio::test]
async fn a_file_appears_whole_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let target = open(folder.path()).await;
    let path = write(&target, "a/b/c.txt", b"hello", false).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"hello");
    assert_eq!(
        fs::metadata(&path).unwrap().modified().unwrap(),
        SystemTime::UNIX_EPOCH
    );
    assert_eq!(names(&folder.path().join("a/b")), ["c.txt"]);
}

#[tokio::test]
async fn what_is_there_is_replaced_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let target = open(folder.path()).await;
    fs::write(folder.path().join("x"), b"mine").unwrap();
    assert!(matches!(
        write(&target, "x", b"new", false).await,
        Err(FileError::InTheWay { .. })
    ));
    assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"mine");
    write(&target, "x", b"new", true).await.unwrap();
    assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"new");
    fs::create_dir(folder.path().join("d")).unwrap();
    assert!(matches!(
        write(&target, "d", b"new", true).await,
        Err(FileError::InTheWay { .. })
    ));
    assert_eq!(names(folder.path()), ["d", "x"]);
}

// Promise: Symbolic links in the download folder are replaced or refused, and never followed.
#[cfg(unix)]
#[tokio::test]
async fn links_are_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
    fs::write(outside.path().join("secret"), b"keep").unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
    let target = open(folder.path()).await;
    assert!(matches!(
        write(&target, "out/x", b"1", true).await,
        Err(FileError::Detour { .. })
    ));
    assert!(matches!(
        write(&target, "../x", b"1", true).await,
        Err(FileError::Detour { .. } | FileError::NotWritable { .. })
    ));
    assert!(target.existing("file").await.unwrap().is_none());
    // Replacing a link replaces the link.
    write(&target, "file", b"new", true).await.unwrap();
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"keep");
    assert_eq!(names(outside.path()), ["secret"]);
}

async fn pour(draft: &dyn Draft, at: u64, bytes: &'static [u8]) -> Sum {
    let (pieces, arriving) = mpsc::channel(4);
    for piece in bytes.chunks(2) {
        pieces.send(Bytes::from_static(piece)).await.unwrap();
    }
    drop(pieces);
    draft.contents().pour(at, arriving).await.unwrap()
}

#[tokio::test]
async fn a_draft_that_was_kept_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let target = open(folder.path()).await;
    let name = temporary_name([2; 16]);
    let (draft, _) = target.draft("a/x", &name, Bytes::new()).await.unwrap();
    drop(draft);
    assert!(names(&folder.path().join("a")).is_empty());
    let (draft, _) = target.draft("a/x", &name, Bytes::new()).await.unwrap();
    draft.keep();
    pour(&*draft, 4, b"5678").await;
    drop(draft);
    assert_eq!(names(&folder.path().join("a")), [name.as_str()]);

    let draft = target.reopen("a/x", &name).await.unwrap().unwrap();
    assert_eq!(pour(&*draft, 0, b"1234").await, Sum::of(b"1234"));
    let contents = draft.contents();
    assert_eq!(contents.size().await.unwrap(), 8);
    let sums = contents.hash(vec![0..4, 4..8]).await.unwrap();
    assert_eq!(sums, [Sum::of(b"1234"), Sum::of(b"5678")]);
    assert!(contents.hash(vec![0..4, 4..9]).await.is_err());
    let path = draft.finish(false, None).await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"12345678");
    let there = target.existing("a/x").await.unwrap().unwrap();
    assert_eq!(there.identity.size, 8);
    assert_eq!(
        there.contents.hash(vec![0..8, 1..2]).await.unwrap(),
        [Sum::of(b"12345678"), Sum::of(b"2")]
    );
    assert!(target.reopen("a/x", &name).await.unwrap().is_none());
    target.discard("a/x", &name).await.unwrap();
}

#[tokio::test]
async fn what_took_the_place_of_a_draft_is_left_alone() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = open(folder.path()).await;
    let name = temporary_name([3; 16]);
    let at = folder.path().join(&name);
    let mine = outside.path().join("mine");
    fs::write(&mine, b"keep").unwrap();

    fs::create_dir(&at).unwrap();
    assert!(target.reopen("x", &name).await.unwrap().is_none());
    fs::remove_dir(&at).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&mine, &at).unwrap();
        assert!(target.reopen("x", &name).await.unwrap().is_none());
        // Removing it removes the link.
        target.discard("x", &name).await.unwrap();
        fs::hard_link(&mine, &at).unwrap();
        assert!(target.reopen("x", &name).await.unwrap().is_none());
        target.discard("x", &name).await.unwrap();
    }
    assert_eq!(fs::read(&mine).unwrap(), b"keep");
    assert!(names(folder.path()).is_empty());

    // A name that is none of ours is not touched, whatever a file of ours says.
    fs::write(folder.path().join("thesis.tex"), b"keep").unwrap();
    assert!(target.discard("x", "thesis.tex").await.is_err());
    assert!(target.reopen("x", "thesis.tex").await.is_err());
    assert_eq!(names(folder.path()), ["thesis.tex"]);
    // And looking for a draft makes no folders.
    assert!(target.reopen("a/b/x", &name).await.unwrap().is_none());
    target.discard("a/b/x", &name).await.unwrap();
    assert_eq!(names(folder.path()), ["thesis.tex"]);
}

async fn erase_as_it_is(folder: &Path, path: &str) -> Result<(), FileError> {
    let (size, modified) = facts(&folder.join(path));
    open(folder).await.erase(path, size, modified).await
}

fn facts(path: &Path) -> (u64, Option<i64>) {
    let facts = fs::symlink_metadata(path).unwrap();
    let modified = facts.modified().ok().map(crate::plan::millis);
    (facts.len(), modified)
}

// Promise: A sync deletes a file of this computer only when it is as the plan saw it, and only
// below the chosen folder; links are not followed.
#[tokio::test]
async fn only_what_was_seen_is_erased() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir_all(at.join("a/b")).unwrap();
    for name in ["a/b/x", "a/y", "z"] {
        fs::write(at.join(name), name).unwrap();
    }
    let (size, modified) = facts(&at.join("z"));
    fs::write(at.join("z"), "changed since").unwrap();
    erase_as_it_is(at, "a/b/x").await.unwrap();
    assert!(!at.join("a/b").exists() && at.join("a").is_dir());
    let target = open(at).await;
    target.erase("a/b/x", 5, modified).await.unwrap();
    erase_as_it_is(at, "a/y").await.unwrap();
    assert!(!at.join("a").exists());
    let left = target.erase("z", size, modified).await;
    assert!(matches!(left, Err(FileError::LeftAlone { .. })));
    assert!(at.join("z").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_on_the_way_is_not_followed_to_erase() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("x"), "keep").unwrap();
    let (size, modified) = facts(&outside.path().join("x"));
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
    let target = open(folder.path()).await;
    let led_out = target.erase("out/x", size, modified).await;
    assert!(matches!(led_out, Err(FileError::Detour { .. })));
    assert!(target.erase("../x", size, modified).await.is_err());
    assert!(outside.path().join("x").exists());
}
