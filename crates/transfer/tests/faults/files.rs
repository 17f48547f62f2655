//! Files and names of this computer that change under the hands of a job.

use super::*;

// Promise: A file that changes while it is uploaded in parts fails, and no object is made of it.
#[tokio::test]
async fn a_file_changed_while_it_is_sent_is_not_claimed() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("log");
    fs::write(&path, pattern(LARGE, 1)).unwrap();
    let changes: [fn(&std::path::Path); 3] = [
        |p| {
            fs::File::options()
                .append(true)
                .open(p)
                .unwrap()
                .write_all(b"more")
                .unwrap();
        },
        |p| {
            fs::File::options()
                .write(true)
                .open(p)
                .unwrap()
                .set_len(9 << 20)
                .unwrap();
        },
        |p| fs::remove_file(p).unwrap(),
    ];
    for change in changes {
        fs::write(&path, pattern(LARGE, 1)).unwrap();
        let memory = Memory::new();
        let (file, done) = (path.clone(), AtomicBool::new(false));
        memory.misbehave(move |call| {
            if call.op == Op::Part && !done.swap(true, SeqCst) {
                change(&file);
            }
            None
        });
        let (job, end) = upload(&memory.as_store(), vec![path.clone()]).await;
        let error = job.files(0..1, true).pop().unwrap().error.unwrap();
        assert!(matches!(error, FileError::ChangedHere { .. }), "{error:?}");
        assert_eq!(
            (end.state, memory.unfinished(), memory.keys().len()),
            (JobState::Failed, 0, 0)
        );
    }
}

// Promise: A file that has gone or cannot be read fails alone, and the others arrive.
#[tokio::test]
async fn files_that_went_since_the_plan_fail_alone() {
    let here = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        fs::write(here.path().join(name), name).unwrap();
    }
    let memory = Memory::new();
    let store = memory.as_store();
    let mut request = upload_request(vec![here.path().to_owned()]);
    request.sources[0].contents = true;
    let plan = UploadPlan::make(&store, request, &Watch::default())
        .await
        .unwrap();
    fs::remove_file(here.path().join("b")).unwrap();
    let job = Job::upload(store, plan, &Choices::default(), settings())
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(
        (end.state, end.files_done, end.files_failed),
        (JobState::Partial, 2, 1)
    );
    let failed = job.files(0..9, true);
    assert!(matches!(&failed[0].error, Some(FileError::Vanished { .. })) && failed[0].name == "b");
    assert_eq!(memory.keys(), ["a", "c"]);
}

// Promise: A file that appears in the download folder after the plan was made is left alone, unless
// replacing was chosen.
// Promise: An object that appears at the destination after the plan was made is left alone, unless
// replacing was chosen or the store ignores `If-None-Match`, as Ceph 16 does.
#[tokio::test]
async fn a_name_taken_after_the_plan_is_left_alone() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let memory = Memory::new();
    memory.insert("x", "theirs");
    memory.insert("y", pattern(LARGE, 1));
    let store = memory.as_store();
    let plan = plan_download(&store, "", there.path()).await;
    assert!(plan.conflicts.is_empty());
    fs::write(there.path().join("x"), "mine").unwrap();
    fs::write(there.path().join("y"), "mine").unwrap();
    let job = Job::download(Arc::clone(&store), plan, Choices::default(), settings())
        .await
        .unwrap();
    assert_eq!(job.wait().await.files_failed, 2);
    assert!(
        job.files(0..9, true)
            .iter()
            .all(|f| matches!(f.error, Some(FileError::InTheWay { .. })))
    );
    let files = files_in(there.path());
    assert!(files["x"] == b"mine" && files["y"] == b"mine" && files.len() == 2);

    fs::write(here.path().join("new"), "mine").unwrap();
    fs::write(here.path().join("large"), pattern(LARGE, 2)).unwrap();
    let plan = plan_upload(
        &store,
        vec![here.path().join("new"), here.path().join("large")],
    )
    .await;
    memory.insert("new", "theirs");
    memory.insert("large", "theirs");
    let job = Job::upload(store, plan, &Choices::default(), settings())
        .await
        .unwrap();
    assert_eq!(job.wait().await.files_failed, 2);
    assert!(memory.get("new").unwrap() == "theirs" && memory.get("large").unwrap() == "theirs");
    assert_eq!(memory.unfinished(), 0);
}

/// Parts that are streamed from the disk while they are sent.
#[tokio::test]
async fn a_large_part_whose_file_changes_is_not_claimed() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("log");
    for length in [18 * MIB, 40 * MIB] {
        fs::write(&path, pattern(32 * MIB, 1)).unwrap();
        let mut memory = Memory::plain();
        memory.quirks.parts.preferred_size = 17 << 20;
        let memory = Arc::new(memory);
        let file = path.clone();
        memory.misbehave(move |call| {
            if call.op == Op::Part && call.at == 2 {
                let file = fs::File::options().write(true).open(&file).unwrap();
                file.set_len(length as u64).unwrap();
            }
            None
        });
        let (job, end) = upload(&memory.as_store(), vec![path.clone()]).await;
        let error = job.files(0..1, true).pop().unwrap().error.unwrap();
        assert!(matches!(error, FileError::ChangedHere { .. }), "{error:?}");
        assert_eq!(
            (end.state, memory.unfinished(), memory.keys().len()),
            (JobState::Failed, 0, 0)
        );
        // As it is now, it goes.
        memory.behave();
        assert!(job.retry_failed());
        assert_eq!(job.wait().await.state, JobState::Done);
        assert!(memory.get("log").unwrap() == fs::read(&path).unwrap());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_way_of_a_download_is_never_followed() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().unwrap();
    let theirs = outside.path().join("theirs");
    // Each put there in the middle of the download, before the large one gets its name.
    for to in ["file", "folder", "nowhere"] {
        for replace in [false, true] {
            fs::write(&theirs, "theirs").unwrap();
            let there = tempfile::tempdir().unwrap();
            fs::create_dir(there.path().join("sub")).unwrap();
            if replace {
                fs::write(there.path().join("sub/large"), "old").unwrap();
            }
            let memory = Memory::new();
            memory.insert("sub/large", pattern(3 * MIB, 1));
            let store = memory.as_store();
            let plan = plan_download(&store, "", there.path()).await;
            let (at, done) = (there.path().join("sub"), AtomicBool::new(false));
            let (target, folder) = (theirs.clone(), outside.path().to_owned());
            memory.misbehave(move |call| {
                if call.op == Op::Get && call.at > 0 && !done.swap(true, SeqCst) {
                    let large = at.join("large");
                    let _ = fs::remove_file(&large);
                    match to {
                        "file" => symlink(&target, large).unwrap(),
                        "nowhere" => symlink("/no/such/file", large).unwrap(),
                        _ => {
                            fs::rename(&at, at.with_file_name("moved")).unwrap();
                            symlink(&folder, &at).unwrap();
                        }
                    }
                }
                None
            });
            let choices = Choices::all(if replace {
                OnConflict::Overwrite
            } else {
                OnConflict::Skip
            });
            let in_ranges = Settings {
                fetch_whole: MIB as u64,
                fetch_range: MIB as u64,
                ..settings()
            };
            let job = Job::download(store, plan, choices, in_ranges)
                .await
                .unwrap();
            let end = job.wait().await;
            let error = job.files(0..1, true).pop().and_then(|f| f.error);
            let what = format!("{to}, {replace}: {error:?}");
            assert_eq!(fs::read(&theirs).unwrap(), b"theirs", "{what}");
            assert_eq!(files_in(outside.path()).len(), 1, "{what}");
            let large = there.path().join("sub/large");
            if end.state == JobState::Done {
                // The link was what was to be replaced; or the folder was held, and moved away.
                let large = if to == "folder" {
                    there.path().join("moved/large")
                } else {
                    large
                };
                assert!(large.symlink_metadata().unwrap().is_file(), "{what}");
                assert!(fs::read(large).unwrap() == pattern(3 * MIB, 1), "{what}");
                assert!(replace || to == "folder", "{what}");
            } else {
                assert!(
                    matches!(
                        error,
                        Some(FileError::InTheWay { .. } | FileError::Detour { .. })
                    ),
                    "{what}"
                );
            }
            let drafts = files_in(there.path());
            let drafts: Vec<_> = drafts.keys().filter(|n| n.contains(".wherry-")).collect();
            assert!(drafts.is_empty(), "{what}: {drafts:?}");
        }
    }
}
