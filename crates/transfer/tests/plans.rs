//! What a plan finds, and that it is what then happens.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use doubles::moving::*;
use doubles::*;
use tokio_util::sync::CancellationToken;
use wherry_store::ErrorKind;
use wherry_transfer::*;

const MIB: usize = 1 << 20;

#[tokio::test]
async fn every_size_arrives_both_ways() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sizes = [
        0,
        1,
        8 * MIB,
        8 * MIB + 1,
        16 * MIB,
        16 * MIB + 1,
        24 * MIB,
        24 * MIB + 1,
        40 * MIB - 1,
    ];
    for (i, size) in sizes.iter().enumerate() {
        fs::write(
            here.path().join(format!("{size}")),
            pattern(*size, i as u64),
        )
        .unwrap();
    }
    let memory = Memory::new();
    let store = memory.as_store();
    let (all, settings) = receipts();
    let job = begin_upload(&store, vec![here.path().to_owned()], settings.clone()).await;
    assert_eq!(job.wait().await.state, JobState::Done);
    assert!(all.lock().unwrap().iter().all(|r| r.proof == Proof::Etag));
    let top = here.path().file_name().unwrap().to_str().unwrap();
    let plan = plan_download(&store, &format!("{top}/"), there.path()).await;
    let job = Job::download(store, plan, Choices::default(), settings)
        .await
        .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    assert!(files_in(here.path()) == files_in(there.path()));
    let all = all.lock().unwrap();
    assert_eq!(all.len(), 2 * sizes.len());
    assert!(all.iter().all(|r| r.proof == Proof::Etag), "{all:#?}");
}

// Promise: A small file costs one request.
#[tokio::test]
async fn small_files_cost_one_request_each() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for i in 0..300 {
        fs::write(here.path().join(format!("{i}")), format!("{i}")).unwrap();
    }
    let memory = Memory::new();
    let (_, end) = upload(&memory.as_store(), vec![here.path().to_owned()]).await;
    assert_eq!(end.files_done, 300);
    assert_eq!(
        (
            memory.count(Op::Put),
            memory.count(Op::Head),
            memory.count(Op::List)
        ),
        (300, 0, 1)
    );
    let (_, end) = download(&memory.as_store(), "", there.path()).await;
    assert_eq!(end.files_done, 300);
    assert_eq!(
        (
            memory.count(Op::Get),
            memory.count(Op::Head),
            memory.count(Op::List)
        ),
        (300, 0, 2)
    );
}

#[tokio::test]
async fn conflicts_cost_few_requests_even_in_a_huge_folder() {
    let here = tempfile::tempdir().unwrap();
    for start_after in [true, false] {
        let memory = Arc::new(Memory {
            knows_start_after: start_after,
            ..Memory::plain()
        });
        for i in 0..20_000 {
            memory.insert(&format!("f{i:05}"), "there");
        }
        for name in ["f00003", "f10000", "f19999", "new"] {
            fs::write(here.path().join(name), "here, longer").unwrap();
        }
        let store = memory.as_store();
        let mut request = upload_request(vec![here.path().to_owned()]);
        request.sources[0].contents = true;
        let plan = UploadPlan::make(&store, request, &Watch::default())
            .await
            .unwrap();
        let found: Vec<String> = plan.conflicts.iter().map(|c| plan.name(c.item)).collect();
        assert_eq!(found, ["f00003", "f10000", "f19999"]);
        if start_after {
            assert!(memory.count(Op::List) <= 5, "{}", memory.count(Op::List));
        }
    }
}

// Promise: What exists at the destination of an upload is replaced, skipped or kept beside the new
// object, as the user chooses before the first byte moves.
// Promise: To keep both, the newcomer gets a number that is free; what is there keeps its name.
// Promise: What looks the same, by size and time, is not moved again unless that is asked for.
#[tokio::test]
async fn answers_decide_what_happens_to_what_is_there() {
    let here = tempfile::tempdir().unwrap();
    for name in ["same", "differs.txt", "new"] {
        fs::write(here.path().join(name), format!("{name} here")).unwrap();
    }
    for (choice, differs, copy) in [
        (OnConflict::Skip, "there", None),
        (OnConflict::Overwrite, "differs.txt here", None),
        (OnConflict::KeepBoth, "there", Some("differs.txt here")),
    ] {
        let memory = Memory::new();
        memory.insert("same", "same here");
        memory.insert("differs.txt", "there");
        memory.insert("differs (2).txt", "taken");
        let store = memory.as_store();
        let mut request = upload_request(vec![here.path().to_owned()]);
        request.sources[0].contents = true;
        let plan = UploadPlan::make(&store, request, &Watch::default())
            .await
            .unwrap();
        assert_eq!(
            (
                plan.conflicts.len(),
                plan.conflicts.iter().filter(|c| c.same).count()
            ),
            (2, 1)
        );
        let job = Job::upload(store, plan, &Choices::all(choice), settings())
            .await
            .unwrap();
        let end = job.wait().await;
        assert_eq!(end.state, JobState::Done);
        assert_eq!(
            end.files_skipped,
            if choice == OnConflict::Skip { 2 } else { 1 }
        );
        assert_eq!(memory.get("differs.txt").unwrap(), differs);
        assert_eq!(memory.get("differs (2).txt").unwrap(), "taken");
        assert_eq!(
            memory.get("differs (3).txt").as_deref(),
            copy.map(str::as_bytes)
        );
        assert_eq!(memory.get("new").unwrap(), "new here");
    }
}

// Promise: The same choice is given before a download touches a file.
#[tokio::test]
async fn downloads_ask_about_what_is_there_too() {
    let memory = Memory::new();
    memory.insert("same", "as it was");
    memory.insert("differs.txt", "there");
    let store = memory.as_store();
    for (choice, differs, copy) in [
        (OnConflict::Skip, "mine", None),
        (OnConflict::Overwrite, "there", None),
        (OnConflict::KeepBoth, "mine", Some("there")),
    ] {
        let there = tempfile::tempdir().unwrap();
        let (_, end) = download(&store, "same", there.path()).await;
        assert_eq!(end.files_done, 1);
        fs::write(there.path().join("differs.txt"), "mine").unwrap();
        fs::write(there.path().join("differs (2).txt"), "taken").unwrap();
        let plan = plan_download(&store, "", there.path()).await;
        assert_eq!(
            (
                plan.conflicts.len(),
                plan.conflicts.iter().filter(|c| c.same).count()
            ),
            (2, 1)
        );
        let job = Job::download(Arc::clone(&store), plan, Choices::all(choice), settings())
            .await
            .unwrap();
        assert_eq!(job.wait().await.state, JobState::Done);
        let files = files_in(there.path());
        assert_eq!(files["differs.txt"], differs.as_bytes());
        assert_eq!(files["differs (2).txt"], b"taken");
        assert_eq!(
            files.get("differs (3).txt").map(Vec::as_slice),
            copy.map(str::as_bytes)
        );
    }
}

// Promise: A file whose name is not valid Unicode, or whose key would be longer than 1,024 bytes,
// is left out, and the plan says so.
// Promise: Symbolic links inside a folder that is uploaded are left out, and so are sockets, pipes
// and devices; the plan says so.
#[cfg(unix)]
#[tokio::test]
async fn what_is_not_uploaded_is_said() {
    use std::os::unix::ffi::OsStrExt;
    let (here, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |name: &str| here.path().join(name);
    fs::write(outside.path().join("secret"), "x").unwrap();
    fs::create_dir_all(at("deep/er")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    for name in [
        "a",
        "deep/er/b",
        ".DS_Store",
        "deep/Thumbs.db",
        "~$a.docx",
        "deep/.b.swp",
    ] {
        fs::write(at(name), "x").unwrap();
    }
    std::os::unix::fs::symlink(outside.path(), at("out")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), at("deep/link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    fs::write(
        here.path().join(std::ffi::OsStr::from_bytes(b"bad\xff")),
        "x",
    )
    .unwrap();
    fs::write(at(&"l".repeat(200)), "x").unwrap();
    let memory = Memory::new();
    let store = memory.as_store();
    let mut request = upload_request(vec![here.path().to_owned(), at("gone")]);
    request.prefix = format!("{}/", "p".repeat(900));
    request.sources[0].contents = true;
    request.empty_folders = true;
    let plan = UploadPlan::make(&store, request, &Watch::default())
        .await
        .unwrap();
    assert_eq!(plan.litter, 4);
    let keys: BTreeSet<String> = (0..plan.items.len() as u32).map(|i| plan.name(i)).collect();
    assert_eq!(
        keys,
        BTreeSet::from(["a", "deep/er/b", "empty/"].map(String::from))
    );
    let kinds: Vec<&NoteKind> = plan.notes.iter().map(|n| &n.kind).collect();
    let has = |wanted: fn(&NoteKind) -> bool| kinds.iter().filter(|k| wanted(k)).count();
    assert_eq!(has(|k| matches!(k, NoteKind::Link)), 2);
    assert_eq!(has(|k| matches!(k, NoteKind::Special)), 1);
    assert_eq!(has(|k| matches!(k, NoteKind::NotUnicode)), 1);
    assert_eq!(
        has(|k| matches!(k, NoteKind::KeyTooLong { bytes: 1101 })),
        1
    );
    assert_eq!(has(|k| matches!(k, NoteKind::Vanished)), 1);
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    let job = Job::upload(store, plan, &Choices::default(), settings())
        .await
        .unwrap();
    assert_eq!(job.wait().await.files_done, 3);
    assert!(memory.keys().iter().any(|k| k.ends_with("/empty/")));
}

// Promise: Two files of one name from different places are both uploaded; the second one gets a
// number.
#[tokio::test]
async fn files_of_one_name_from_two_places_both_arrive() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(one.path().join("x.txt"), "one").unwrap();
    fs::write(two.path().join("x.txt"), "two").unwrap();
    let memory = Memory::new();
    let (_, end) = upload(
        &memory.as_store(),
        vec![one.path().join("x.txt"), two.path().join("x.txt")],
    )
    .await;
    assert_eq!(end.files_done, 2);
    assert_eq!(memory.keys(), ["x (2).txt", "x.txt"]);
}

// Promise: A zero-byte object whose key ends in `/` is a folder: downloading it makes a folder,
// never a file.
// Promise: The plan shows every changed name before anything is downloaded.
// Promise: No two objects of a download become one file: the second one gets a number.
// Promise: No key makes a file outside the folder chosen for the download.
#[tokio::test]
async fn hostile_keys_arrive_inside_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("chosen");
    fs::create_dir(&folder).unwrap();
    let memory = Memory::new();
    let long = "x".repeat(1024);
    let keys = [
        "../../x",
        "/abs",
        "a//b",
        "a",
        "a/",
        "a/b",
        "..",
        ".",
        "nul\0",
        "line\nbreak",
        "<img src=x onerror=alert(1)>",
        "😀/\u{202e}gpj.exe",
        "C:\\x",
        "c:/x",
        "con",
        "dir/",
        "bytes/",
        &long,
    ];
    for key in keys {
        memory.insert(
            key,
            if key.ends_with('/') && key != "bytes/" {
                String::new()
            } else {
                format!("<{key}>")
            },
        );
    }
    let plan = plan_download(&memory.as_store(), "", &folder).await;
    assert_eq!(plan.items.len() + plan.folders.len(), keys.len());
    assert!(plan.notes.iter().any(|n| n.name == "../../x"
        && matches!(&n.kind, NoteKind::Renamed { to } if to == "．．/．．/x")));
    assert!(
        plan.notes
            .iter()
            .any(|n| matches!(&n.kind, NoteKind::Shortened { .. }))
    );
    assert!(
        plan.notes
            .iter()
            .any(|n| n.name == "a" && matches!(&n.kind, NoteKind::Clash { to } if to == "a (2)"))
    );
    let (job, end) = download(&memory.as_store(), "", &folder).await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..30, true));
    let files = files_in(&folder);
    assert_eq!(files.len(), keys.len() - 2);
    let contents: BTreeSet<Vec<u8>> = files.values().cloned().collect();
    assert_eq!(contents.len(), files.len(), "each under a name of its own");
    assert!(folder.join("dir").is_dir());
    assert_eq!(
        fs::read_dir(parent.path()).unwrap().count(),
        1,
        "nothing outside"
    );
}

#[tokio::test]
async fn single_objects_and_folders_can_be_mixed() {
    let there = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    for key in [
        "p/one.txt",
        "p/two.txt",
        "p/sub/three.txt",
        "p/sub/deep/four.txt",
    ] {
        memory.insert(key, key.to_owned());
    }
    let request = DownloadRequest {
        bucket: "bucket".into(),
        sources: vec![
            DownloadSource::Object {
                key: "p/one.txt".into(),
                save_as: None,
            },
            DownloadSource::Object {
                key: "p/two.txt".into(),
                save_as: Some("2.txt".into()),
            },
            DownloadSource::Object {
                key: "p/missing".into(),
                save_as: None,
            },
            DownloadSource::Folder {
                prefix: "p/sub/".into(),
            },
        ],
        folder: there.path().to_owned(),
        look_there: true,
    };
    let store = memory.as_store();
    let plan = DownloadPlan::make(&store, request.clone(), &Watch::default())
        .await
        .unwrap();
    assert_eq!(plan.missing, ["p/missing"]);
    let job = Job::download(Arc::clone(&store), plan, Choices::default(), settings())
        .await
        .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    let names: Vec<String> = files_in(there.path()).into_keys().collect();
    assert_eq!(
        names,
        ["2.txt", "one.txt", "sub/deep/four.txt", "sub/three.txt"]
    );
    // A key that may fetch but not list.
    memory.misbehave(|call| (call.op == Op::List).then_some(Fault::Fail(ErrorKind::Denied)));
    let request = DownloadRequest {
        sources: request.sources[..3].to_vec(),
        ..request
    };
    let plan = DownloadPlan::make(&store, request, &Watch::default())
        .await
        .unwrap();
    assert_eq!((plan.items.len(), plan.missing.len()), (2, 1));
}

// Promise: Where a key may write but not list, the plan says that what is there cannot be seen.
#[tokio::test]
async fn a_key_that_may_not_list_can_still_upload() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("x"), "mine").unwrap();
    let memory = Memory::new();
    memory.misbehave(|call| (call.op == Op::List).then_some(Fault::Fail(ErrorKind::Denied)));
    let store = memory.as_store();
    let plan = plan_upload(&store, vec![here.path().join("x")]).await;
    assert!(plan.unseen.is_some());
    let job = Job::upload(store, plan, &Choices::default(), settings())
        .await
        .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
}

// Promise: A deletion takes the keys that its plan counted and nothing else; what came later stays.
// Promise: An object that was written since the plan was made is not deleted, although it has the name of
// one that was planned.
#[tokio::test]
async fn deleting_takes_what_the_plan_said_and_nothing_else() {
    let memory = Memory::new();
    for i in 0..2500 {
        memory.insert(&format!("old/{i:04}"), "xy");
    }
    memory.insert("old", "stays");
    memory.insert("single", "goes");
    let store = memory.as_store();
    let objects = vec!["single".into(), "old/0001".into(), "never was".into()];
    let plan = DeletePlan::make(
        &store,
        "bucket",
        objects,
        vec!["old/".into()],
        &Watch::default(),
    )
    .await
    .unwrap();
    assert_eq!((plan.keys.len(), plan.missing.len()), (2501, 1));
    memory.insert("old/new", "came after the plan");
    memory.insert("old/0008", "written after the plan");
    memory.remove("old/0009");
    memory.misbehave(|call| match call {
        Call {
            op: Op::Delete,
            key,
            ..
        } if key == "old/0007" => Some(Fault::Fail(ErrorKind::Denied)),
        Call {
            op: Op::Delete,
            before,
            ..
        } if before % 100 == 50 => Some(Fault::Fail(ErrorKind::SlowDown)),
        _ => None,
    });
    let job = Job::delete(Arc::clone(&store), plan, settings());
    let end = job.wait().await;
    assert_eq!(
        (end.state, end.files_done, end.files_failed),
        (JobState::Partial, 2499, 2)
    );
    let failed = job.files(0..9, true);
    assert!(matches!(failed[1].error, Some(FileError::LeftAlone { .. })));
    assert_eq!(memory.keys(), ["old", "old/0007", "old/0008", "old/new"]);
    memory.behave();
    assert!(job.retry_failed());
    assert_eq!(job.wait().await.files_failed, 1);
    assert_eq!(memory.keys(), ["old", "old/0008", "old/new"]);
}

fn rename(from: &str, to: &str) -> CopyRequest {
    CopyRequest {
        from_bucket: "bucket".into(),
        from: from.into(),
        to_bucket: "bucket".into(),
        to: to.into(),
        remove_originals: true,
    }
}

// Promise: Renaming copies, looks at the copy, and then deletes the original; an original whose
// copy is not right stays.
// Promise: Renaming a folder renames its objects one by one, and those that fail keep their old
// names.
#[tokio::test]
async fn renaming_copies_checks_and_only_then_deletes() {
    let memory = Memory::new();
    for key in ["a/1", "a/2", "a/deep/3", "b/2"] {
        memory.insert(key, key.to_owned());
    }
    let store = memory.as_store();
    let plan = CopyPlan::make(&store, rename("a/", "b/"), &Watch::default())
        .await
        .unwrap();
    assert_eq!((plan.items.len(), plan.conflicts.len()), (3, 1));
    // One copy comes out wrong: its original must survive.
    memory.misbehave(|call| match call {
        Call {
            op: Op::Copy, key, ..
        } if key == "a/1" => Some(Fault::ShortBody(1)),
        _ => None,
    });
    let job = Job::copy(Arc::clone(&store), plan, &Choices::default(), settings())
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(
        (end.files_done, end.files_failed, end.files_skipped),
        (1, 1, 1)
    );
    assert_eq!(memory.get("a/1").unwrap(), "a/1");
    assert_eq!(memory.get("b/deep/3").unwrap(), "a/deep/3");
    assert_eq!(memory.get("a/deep/3"), None);
    assert_eq!(memory.get("b/2").unwrap(), "b/2");
    memory.behave();
    for (from, to) in [("x", "x"), ("a/", "a/b/"), ("a/", "b"), ("x", "")] {
        let refused = CopyPlan::make(&store, rename(from, to), &Watch::default()).await;
        assert!(
            matches!(refused, Err(PlanError::Name { .. })),
            "{from} to {to}"
        );
    }
}

// Promise: An original that was changed since the plan was made is not deleted.
#[tokio::test]
async fn an_original_changed_since_the_plan_is_not_deleted() {
    let memory = Memory::new();
    memory.insert("a", "old");
    let store = memory.as_store();
    let plan = CopyPlan::make(&store, rename("a", "b"), &Watch::default())
        .await
        .unwrap();
    memory.insert("a", "new");
    let job = Job::copy(store, plan, &Choices::default(), settings())
        .await
        .unwrap();
    assert_eq!(job.wait().await.state, JobState::Failed);
    assert!(matches!(
        job.files(0..1, true)[0].error,
        Some(FileError::ChangedThere { .. })
    ));
    assert_eq!(
        (memory.get("a").unwrap(), memory.get("b")),
        ("new".into(), None)
    );
}

#[tokio::test]
async fn planning_can_be_watched_and_stopped() {
    let here = tempfile::tempdir().unwrap();
    for i in 0..1200 {
        fs::write(here.path().join(format!("{i}")), "xy").unwrap();
    }
    let (cancel, files) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let (stop, seen) = (cancel.clone(), Arc::clone(&files));
    let watch = Watch::new(cancel, move |files, bytes| {
        assert_eq!(bytes, 2 * files);
        seen.store(files, SeqCst);
        stop.cancel();
    });
    let request = upload_request(vec![here.path().to_owned()]);
    let stopped = UploadPlan::make(&Memory::new().as_store(), request, &watch).await;
    assert!(matches!(stopped, Err(PlanError::Cancelled)));
    assert_eq!(files.load(SeqCst), 500);
}
