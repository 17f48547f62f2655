//! Making one side like the other: what is found out, what is done, and what is left alone.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use doubles::moving::*;
use doubles::{Fault, Memory, Op, files_in};
use proptest::prelude::*;
use wherry_store::ErrorKind;
use wherry_transfer::run::SyncStores;
use wherry_transfer::*;

/// A file changed so many seconds ago.
fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>, ago: u64) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, contents).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(ago))
        .unwrap();
}

fn objects(store: &Arc<Memory>, prefix: &str) -> SyncEnd {
    SyncEnd::Objects {
        store: store.as_store(),
        host: format!("{:p}", Arc::as_ptr(store)),
        bucket: "bucket".into(),
        prefix: prefix.into(),
    }
}

fn folder(path: &Path) -> SyncEnd {
    SyncEnd::Folder(path.to_owned())
}

fn filter(include: &[&str], exclude: &[&str]) -> Filter {
    let owned = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect();
    Filter::new(FilterSpec {
        include: owned(include),
        exclude: owned(exclude),
        ..FilterSpec::default()
    })
    .unwrap()
}

fn deleting() -> SyncOptions {
    SyncOptions {
        delete: true,
        ..SyncOptions::default()
    }
}

async fn plan(from: &SyncEnd, to: &SyncEnd, options: &SyncOptions) -> SyncPlan {
    SyncPlan::make(from.clone(), to.clone(), options.clone(), &Watch::default())
        .await
        .unwrap()
}

fn store_of(end: &SyncEnd) -> Option<Arc<dyn wherry_store::ObjectStore>> {
    match end {
        SyncEnd::Objects { store, .. } => Some(Arc::clone(store)),
        SyncEnd::Folder(_) => None,
    }
}

async fn run(plan: SyncPlan, from: &SyncEnd, to: &SyncEnd) -> JobSnapshot {
    let stores = SyncStores {
        from: store_of(from),
        to: store_of(to),
        ..SyncStores::default()
    };
    Job::sync(plan, stores, settings())
        .await
        .unwrap()
        .wait()
        .await
}

async fn sync(from: &SyncEnd, to: &SyncEnd, options: &SyncOptions) -> (SyncCounts, JobSnapshot) {
    let plan = plan(from, to, options).await;
    let counts = plan.counts;
    (counts, run(plan, from, to).await)
}

// Promise: A sync moves what is new or changed, and says before how many of each there are.
#[tokio::test]
async fn what_is_new_or_changed_goes_up() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    for name in ["a.txt", "a/b", "a/c/d", "a0", "é"] {
        write(here.path(), name, name, 100);
    }
    let (from, to) = (folder(here.path()), objects(&store, "in/"));
    let (counts, ended) = sync(&from, &to, &SyncOptions::default()).await;
    assert_eq!((counts.fresh, counts.same), (5, 0));
    assert_eq!(ended.state, JobState::Done);
    assert_eq!(store.get("in/a/c/d").unwrap(), "a/c/d");
    // Nothing to do now.
    let again = plan(&from, &to, &SyncOptions::default()).await;
    assert!(again.is_empty());
    assert_eq!(again.counts.same, 5);
    // One of another length, one changed since, one gone.
    write(here.path(), "a/b", "longer than before", 100);
    fs::write(here.path().join("a0"), "a1").unwrap();
    let late = SystemTime::now() + Duration::from_mins(1);
    let file = fs::File::options()
        .write(true)
        .open(here.path().join("a0"))
        .unwrap();
    file.set_modified(late).unwrap();
    fs::remove_file(here.path().join("é")).unwrap();
    let (counts, ended) = sync(&from, &to, &SyncOptions::default()).await;
    assert_eq!((counts.changed, counts.same, counts.kept), (2, 2, 1));
    assert_eq!(ended.files_done - ended.deleted, 2);
    assert_eq!(store.get("in/a0").unwrap(), "a1");
    assert_eq!(store.get("in/é").unwrap(), "é");
}

// Promise: A sync asks for listings only: a file that is the same costs no request.
#[tokio::test]
async fn twenty_thousand_files_that_are_the_same_cost_twenty_pages() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    for number in 0..20_000 {
        let name = format!("{:02}/{number:05}.dat", number % 50);
        write(here.path(), &name, "x", 1000);
        store.insert(&format!("p/{name}"), "x");
    }
    for (from, to) in [
        (folder(here.path()), objects(&store, "p/")),
        (objects(&store, "p/"), objects(&Memory::new(), "")),
    ] {
        let before = store.count(Op::List);
        let plan = plan(&from, &to, &SyncOptions::default()).await;
        assert_eq!(store.count(Op::List) - before, 20);
        assert_eq!(plan.counts.same + plan.counts.fresh, 20_000);
    }
    for op in [Op::Head, Op::Get, Op::Put, Op::Copy] {
        assert_eq!(store.count(op), 0);
    }
}

// Promise: What is only at the destination is deleted only when that was asked for, only as the plan
// said, and only after everything else has arrived.
#[tokio::test]
async fn deletions_come_last_or_not_at_all() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    write(here.path(), "new", "new", 10);
    for key in ["p/old", "p/deep/old", "elsewhere"] {
        store.insert(key, "old");
    }
    let (from, to) = (folder(here.path()), objects(&store, "p/"));
    let kept = plan(&from, &to, &SyncOptions::default()).await;
    assert!(kept.removals.is_empty() && kept.counts.kept == 2);
    store.misbehave(|call| (call.op == Op::Put).then_some(Fault::Fail(ErrorKind::Denied)));
    let planned = plan(&from, &to, &deleting()).await;
    assert_eq!(
        (planned.removals.len(), planned.removals.name(0)),
        (2, "p/deep/old")
    );
    let ended = run(planned.clone(), &from, &to).await;
    assert_eq!((ended.deletes, ended.deleted), (2, 0));
    assert_eq!(store.keys().len(), 3);
    store.behave();
    // What comes after the plan was made stays.
    store.insert("p/later", "later");
    let ended = run(planned, &from, &to).await;
    assert_eq!(ended.deleted, 2);
    assert_eq!(store.keys(), ["elsewhere", "p/later", "p/new"]);
}

// Promise: Nothing is deleted when the source is empty or part of it could not be read, unless that
// is insisted on; a source that is not there is an error.
#[tokio::test]
async fn an_empty_source_deletes_nothing() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    store.insert("p/precious", "data");
    let (from, to) = (folder(here.path()), objects(&store, "p/"));
    let careful = plan(&from, &to, &deleting()).await;
    assert_eq!(careful.withheld, Some(Withheld::SourceEmpty));
    assert!(careful.removals.is_empty());
    let insisting = SyncOptions {
        insist: true,
        ..deleting()
    };
    assert_eq!(plan(&from, &to, &insisting).await.removals.len(), 1);
    let gone = folder(&here.path().join("not mounted"));
    let error = SyncPlan::make(gone, to.clone(), insisting, &Watch::default()).await;
    assert!(matches!(error, Err(PlanError::Folder { .. })));
    // The other way round: an empty prefix does not empty the folder.
    let back = plan(
        &objects(&store, "nothing/"),
        &to_folder(&here, "x"),
        &deleting(),
    )
    .await;
    assert_eq!(back.withheld, Some(Withheld::SourceEmpty));
}

fn to_folder(here: &tempfile::TempDir, name: &str) -> SyncEnd {
    write(here.path(), &format!("{name}/file"), "mine", 10);
    folder(&here.path().join(name))
}

// Promise: A sync deletes nothing that its filter leaves out, nor litter, nor what stands in the
// place of something that was left out at the source.
#[tokio::test]
async fn deletions_keep_to_the_filter() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    write(here.path(), "keep.nc", "1", 100);
    write(here.path(), "big.nc", "a large file", 100);
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc", here.path().join("link")).unwrap();
    for key in [
        "keep.nc",
        "gone.nc",
        "notes.txt",
        "old/gone.nc",
        "big.nc",
        ".DS_Store",
        "big-there.nc",
    ] {
        let contents = if key == "big-there.nc" {
            "a large object"
        } else {
            "1"
        };
        store.insert(&format!("p/{key}"), contents);
    }
    #[cfg(unix)]
    store.insert("p/link/inside.nc", "1");
    let spec = FilterSpec {
        include: vec!["*.nc".into(), "link".into(), "*.DS_Store".into()],
        exclude: vec!["old/".into()],
        max_size: Some(5),
        ..FilterSpec::default()
    };
    let options = SyncOptions {
        filter: Filter::new(spec).unwrap(),
        ..deleting()
    };
    let (from, to) = (folder(here.path()), objects(&store, "p/"));
    let plan = plan(&from, &to, &options).await;
    let names: Vec<&str> = (0..plan.removals.len())
        .map(|i| plan.removals.name(i))
        .collect();
    assert_eq!(names, ["p/gone.nc"]);
    assert!(plan.moves.is_empty());
}

// Promise: A downloaded file that has its object's size and time is the same; a folder marker makes a
// folder.
#[tokio::test]
async fn names_from_hell_come_down_once() {
    let (there, store) = (tempfile::tempdir().unwrap(), Memory::new());
    let keys = [
        "p/plain",
        "p/../../up",
        "p//abs",
        "p/line\nbreak",
        "p/a",
        "p/a/b",
        "p/a-b",
        "p/\u{1b}[31m",
        "p/␊",
        "p/CON",
        "p/data/",
    ];
    for key in keys {
        store.insert(key, if key.ends_with('/') { "" } else { key });
    }
    store.insert("p/marker/", "");
    let (from, to) = (objects(&store, "p/"), folder(there.path()));
    let (counts, ended) = sync(&from, &to, &deleting()).await;
    assert_eq!(ended.state, JobState::Done);
    assert_eq!(counts.fresh, 10);
    assert!(there.path().join("marker").is_dir() && there.path().join("data").is_dir());
    let files = files_in(there.path());
    assert_eq!(files.len(), 10);
    assert_eq!(files["a (2)"], b"p/a");
    assert_eq!(files["a/b"], b"p/a/b");
    let again = plan(&from, &to, &deleting()).await;
    assert!(again.is_empty(), "{again:?}");
    assert_eq!(again.counts.same, 10);
    // What is only here goes, and folders that have become empty; what is of the sync stays.
    write(there.path(), "extra/deep/file", "mine", 10);
    write(there.path(), "extra.txt", "mine", 10);
    let (counts, ended) = sync(&from, &to, &deleting()).await;
    assert_eq!(counts.deleted, 2);
    assert_eq!(ended.deleted, 2);
    assert_eq!(files_in(there.path()), files);
    assert!(!there.path().join("extra").exists());
}

// Promise: With `--checksum`, files of equal size are read and compared with the object's ETag where
// that is a hash of them; where it is none, size and time are compared, and the plan says how many.
#[tokio::test]
async fn checksums_find_what_times_do_not() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    let large = doubles::pattern(9 << 20, 7);
    for (name, contents) in [("same", &b"1234"[..]), ("bent", b"1235"), ("large", &large)] {
        write(here.path(), name, contents, 1000);
    }
    store.insert("same", "1234");
    store.insert("bent", "1234");
    store.insert_in_parts("large", large.clone(), 5 << 20);
    let (from, to) = (folder(here.path()), objects(&store, ""));
    assert!(plan(&from, &to, &SyncOptions::default()).await.is_empty());
    let checksum = SyncOptions {
        compare: Compare::Checksum,
        ..SyncOptions::default()
    };
    let found = plan(&from, &to, &checksum).await;
    assert_eq!(
        (
            found.counts.same,
            found.counts.changed,
            found.counts.unproven
        ),
        (2, 1, 0)
    );
    let size = SyncOptions {
        compare: Compare::Size,
        ..SyncOptions::default()
    };
    // Changed after it was uploaded, as long as before: size alone does not see it.
    let late = SystemTime::now() + Duration::from_mins(1);
    let file = fs::File::options()
        .write(true)
        .open(here.path().join("bent"))
        .unwrap();
    file.set_modified(late).unwrap();
    assert!(plan(&from, &to, &size).await.is_empty());
    assert_eq!(
        plan(&from, &to, &SyncOptions::default())
            .await
            .counts
            .changed,
        1
    );
    // Parts of a size nobody would guess.
    store.insert_in_parts("large", large, 7_000_001);
    let unsure = plan(&from, &to, &checksum).await;
    assert_eq!((unsure.counts.unproven, unsure.counts.same), (1, 2));
}

#[tokio::test]
async fn one_side_inside_the_other_is_refused() {
    let store = Memory::new();
    for (from, to) in [("a/", "a/b/"), ("a/b/", "a/"), ("", "x/"), ("a/", "a/")] {
        let made = SyncPlan::make(
            objects(&store, from),
            objects(&store, to),
            SyncOptions::default(),
            &Watch::default(),
        )
        .await;
        assert!(matches!(made, Err(PlanError::Name { .. })), "{from} {to}");
    }
}

// Promise: What the plan of a sync did not see is not replaced.
#[tokio::test]
async fn a_newcomer_at_the_destination_is_left_alone() {
    let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
    write(here.path(), "x", "mine", 10);
    let (from, to) = (folder(here.path()), objects(&store, ""));
    let planned = plan(&from, &to, &SyncOptions::default()).await;
    store.insert("x", "somebody else's");
    let ended = run(planned, &from, &to).await;
    assert_eq!(ended.files_failed, 1);
    assert_eq!(store.get("x").unwrap(), "somebody else's");
}

#[tokio::test]
async fn a_filter_narrows_plans_of_every_kind() {
    let (here, there, store) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        Memory::new(),
    );
    for name in ["d/a.nc", "d/b.txt", "d/old/c.nc"] {
        write(here.path(), name, name, 100);
        store.insert(name, "x");
    }
    let only = filter(&["*.nc"], &["old"]);
    let mut up = plan_upload(&store.as_store(), vec![here.path().join("d")]).await;
    assert_eq!((up.conflicts.len(), up.narrow(&only)), (3, 2));
    assert_eq!((up.items.len(), up.conflicts.len()), (1, 1));
    assert_eq!((up.key(0), up.conflicts[0].item), ("d/a.nc".to_owned(), 0));
    let mut down = plan_download(&store.as_store(), "d/", there.path()).await;
    assert_eq!(down.narrow(&only, "d/").await, 2);
    assert_eq!((down.key(0), down.bytes), ("d/a.nc", 1));
    let request = CopyRequest {
        from_bucket: "bucket".into(),
        from: "d/".into(),
        to_bucket: "bucket".into(),
        to: "e/".into(),
        remove_originals: false,
    };
    let mut copy = CopyPlan::make(&store.as_store(), request, &Watch::default())
        .await
        .unwrap();
    assert_eq!(copy.narrow(&only, "d/"), 2);
    assert_eq!(&*copy.items[0].to, "e/a.nc");
}

type Tree = BTreeMap<String, String>;

fn trees() -> impl Strategy<Value = Tree> {
    prop::collection::btree_map("[ab]{1,2}(/[abc]{1,2}){0,2}(\\.tmp)?", "[xy]{1,2}", 0..12)
        .prop_map(|tree| {
            let mut kept = Tree::new();
            for (name, contents) in tree {
                let above = |other: &String| {
                    name.starts_with(&format!("{other}/")) || other.starts_with(&format!("{name}/"))
                };
                if !kept.keys().any(above) {
                    kept.insert(name, contents);
                }
            }
            kept
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// After a sync by checksum, each side is what a plain model says.
    #[test]
    fn both_ways_end_as_a_model_says(
        source in trees(), target in trees(), delete in any::<bool>(), down in any::<bool>(),
        exclude in prop::option::of("[ab]|\\*\\.tmp|/a/\\*\\*|b/"),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (here, store) = (tempfile::tempdir().unwrap(), Memory::new());
            let (files, stored) = if down { (&target, &source) } else { (&source, &target) };
            for (name, contents) in files {
                write(here.path(), name, contents, 500);
            }
            for (name, contents) in stored {
                store.insert(&format!("p/{name}"), contents.clone());
            }
            let patterns: Vec<&str> = exclude.iter().map(String::as_str).collect();
            let filter = filter(&[], &patterns);
            let (local, remote) = (folder(here.path()), objects(&store, "p/"));
            let (from, to) = if down { (remote, local) } else { (local, remote) };
            let options = SyncOptions {
                compare: Compare::Checksum, delete, insist: true, filter: filter.clone(),
                ..SyncOptions::default()
            };
            // A file in the place of a folder is not what this is about.
            let clash = source.keys().any(|s| target.keys().any(|t| {
                t.starts_with(&format!("{s}/")) || s.starts_with(&format!("{t}/"))
            }));
            if clash {
                return Ok(());
            }
            let (counts, ended) = sync(&from, &to, &options).await;
            prop_assert_eq!(ended.state, JobState::Done);
            prop_assert_eq!(counts.unproven, 0);
            let mut expected = target.clone();
            if delete {
                expected.retain(|name, _| !filter.takes_name(name) || source.contains_key(name));
            }
            for (name, contents) in source.iter().filter(|(name, _)| filter.takes_name(name)) {
                expected.insert(name.clone(), contents.clone());
            }
            let found: Tree = if down {
                files_in(here.path()).into_iter()
                    .map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
            } else {
                store.keys().into_iter().map(|key| {
                    let bytes = store.get(&key).unwrap();
                    (key["p/".len()..].to_owned(), String::from_utf8(bytes.to_vec()).unwrap())
                }).collect()
            };
            prop_assert_eq!(found, expected);
            prop_assert!(plan(&from, &to, &options).await.is_empty());
            Ok(())
        })?;
    }
}
