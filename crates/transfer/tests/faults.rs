//! What the engine does when the store, the network or the disk misbehaves: every file arrives
//! whole, or fails with a reason and leaves nothing behind.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use doubles::moving::*;
use doubles::*;
use wherry_store::ErrorKind;
use wherry_transfer::*;

const MIB: usize = 1 << 20;

/// More than goes in one request: three parts of 8 MiB, the last one short.
const LARGE: usize = 20 * MIB + 17;

fn failed_kind(job: &Job) -> Option<ErrorKind> {
    match job.files(0..1, true).pop()?.error? {
        FileError::Store(e) => Some(e.kind),
        _ => None,
    }
}

// Promise: Errors that may pass are tried again, with growing pauses.
#[tokio::test]
async fn passing_errors_are_outlived_everywhere() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (small, large) = (pattern(70_000, 1), pattern(LARGE, 2));
    fs::write(here.path().join("small"), &small).unwrap();
    fs::write(here.path().join("large"), &large).unwrap();
    for kind in [
        ErrorKind::Interrupted,
        ErrorKind::ServerFault,
        ErrorKind::SlowDown,
        ErrorKind::Unreachable,
    ] {
        let memory = Memory::new();
        let store = memory.as_store();
        // The first two tries of everything fail.
        memory.misbehave(move |call| (call.again < 2).then_some(Fault::Fail(kind)));
        let (job, end) = upload(
            &store,
            vec![here.path().join("small"), here.path().join("large")],
        )
        .await;
        assert_eq!(
            end.state,
            JobState::Done,
            "{kind:?}: {:?}",
            job.files(0..9, true)
        );
        assert_eq!(end.bytes_done, end.bytes_total);
        assert_eq!(memory.get("small").unwrap(), small);
        assert_eq!(memory.get("large").unwrap(), large);
        let into = there.path().join(format!("{kind:?}"));
        fs::create_dir(&into).unwrap();
        let (job, end) = download(&store, "", &into).await;
        assert_eq!(
            end.state,
            JobState::Done,
            "{kind:?}: {:?}",
            job.files(0..9, true)
        );
        let files = files_in(&into);
        assert_eq!(files.len(), 2);
        assert!(files["small"] == small && files["large"] == large);
    }
}

// Promise: A full quota stops the upload at once and is not tried again; what has arrived stays,
// and trying later sends the rest.
#[tokio::test]
async fn a_full_quota_stops_the_job_and_is_not_tried_again() {
    let here = tempfile::tempdir().unwrap();
    for i in 0..500 {
        fs::write(here.path().join(format!("{i:03}")), b"x").unwrap();
    }
    let memory = Memory::new();
    memory.misbehave(|call| {
        (call.op == Op::Put && call.before >= 100).then_some(Fault::Fail(ErrorKind::QuotaExceeded))
    });
    let (job, end) = upload(&memory.as_store(), vec![here.path().to_owned()]).await;
    assert_eq!(end.state, JobState::Failed);
    assert!(
        matches!(&end.problem, Some(FileError::Store(e)) if e.kind == ErrorKind::QuotaExceeded)
    );
    // Those under way may still ask; the other hundreds are left alone.
    assert!(
        memory.count(Op::Put) < 100 + 170,
        "{}",
        memory.count(Op::Put)
    );
    assert_eq!(end.files_done, 100);
    let states = job.files(0..500, false);
    assert!(
        states
            .iter()
            .filter(|f| f.state == FileState::Cancelled)
            .count()
            > 220
    );
    // Space was made: the rest goes.
    memory.behave();
    assert!(job.retry_failed());
    let end = job.wait().await;
    assert_eq!((end.state, end.files_done), (JobState::Done, 500));
    assert!(!job.retry_failed(), "nothing is left to try");
}

// Promise: An upload that turns out to be damaged fails, and the damaged object is removed again.
#[tokio::test]
async fn a_part_the_store_damages_is_noticed_and_cleaned_up() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("large"), pattern(LARGE, 3)).unwrap();
    fs::write(here.path().join("small"), pattern(1000, 3)).unwrap();
    for name in ["large", "small"] {
        let memory = Memory::new();
        memory.misbehave(|call| match call.op {
            Op::Part if call.at == 2 => Some(Fault::TurnBit),
            Op::Put => Some(Fault::TurnBit),
            _ => None,
        });
        let (job, end) = upload(&memory.as_store(), vec![here.path().join(name)]).await;
        assert_eq!(end.state, JobState::Failed);
        let error = job.files(0..1, true).pop().unwrap().error.unwrap();
        assert!(matches!(error, FileError::Mismatch { .. }), "{error:?}");
        assert_eq!((end.bytes_done, memory.unfinished()), (0, 0));
        assert!(memory.keys().is_empty(), "the damaged copy is not kept");
    }
}

// Promise: An upload is done when the store's ETag is the hash of what was sent; where a store's
// ETags are no hashes, one object read back shows that.
#[tokio::test]
async fn etags_that_are_no_hashes_are_learnt_not_feared() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for i in 0..5u64 {
        fs::write(here.path().join(format!("{i}")), pattern(5000, i)).unwrap();
    }
    fs::write(here.path().join("large"), pattern(LARGE, 9)).unwrap();
    let memory = Arc::new(Memory {
        opaque_etags: true,
        ..Memory::plain()
    });
    let store = memory.as_store();
    let (all, settings) = receipts();
    let plan = plan_upload(&store, vec![here.path().to_owned()]).await;
    let one_at_a_time = Settings {
        requests: 1,
        ..settings
    };
    let job = Job::upload(Arc::clone(&store), plan, &Choices::default(), one_at_a_time)
        .await
        .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    assert!(
        all.lock()
            .unwrap()
            .iter()
            .all(|r| r.proof == Proof::PartMd5)
    );
    assert_eq!(memory.count(Op::Get), 1, "one object read back teaches it");
    let (job, end) = download(&store, "", there.path()).await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
    assert_eq!(files_in(there.path()).len(), 6);
}

// Promise: A body that ends early or is too long is never kept: it is fetched again.
#[tokio::test]
async fn bodies_that_break_are_fetched_again_and_never_half_kept() {
    let there = tempfile::tempdir().unwrap();
    let (small, large) = (pattern(300_000, 4), pattern(40 * MIB, 5));
    let memory = Memory::new();
    memory.insert("small", small.clone());
    memory.insert("large", large.clone());
    let faults: [fn() -> Fault; 4] = [
        || Fault::CutBody(1000),
        || Fault::ShortBody(100),
        || Fault::LongBody,
        || Fault::CutBody(0),
    ];
    for (i, fault) in faults.into_iter().enumerate() {
        let into = there.path().join(i.to_string());
        fs::create_dir(&into).unwrap();
        memory.misbehave(move |call| (call.op == Op::Get && call.again == 0).then(fault));
        let (job, end) = download(&memory.as_store(), "", &into).await;
        assert_eq!(
            end.state,
            JobState::Done,
            "{i}: {:?}",
            job.files(0..9, true)
        );
        assert_eq!(end.bytes_done, (300_000 + 40 * MIB) as u64);
        let files = files_in(&into);
        assert!(files["small"] == small && files["large"] == large && files.len() == 2);
        // And when it never gets better:
        memory.misbehave(move |call| (call.op == Op::Get).then(fault));
        let into = there.path().join(format!("{i} in vain"));
        fs::create_dir(&into).unwrap();
        let (job, end) = download(&memory.as_store(), "", &into).await;
        assert_eq!((end.state, end.files_failed), (JobState::Failed, 2));
        assert!(failed_kind(&job).is_some_and(ErrorKind::is_transient));
        assert!(files_in(&into).is_empty(), "nothing is left behind");
        assert_eq!(end.bytes_done, 0);
    }
}

// Promise: A download is compared with the object's ETag where that is a hash, and a difference
// fails the file.
#[tokio::test]
async fn a_bit_turned_on_the_way_is_noticed() {
    let memory = Memory::new();
    memory.insert("a", pattern(1000, 6));
    memory.insert("b", pattern(20 * MIB, 7));
    memory.insert_in_parts("c", pattern(30 * MIB, 8), 8 * MIB);
    for key in ["a", "b", "c"] {
        let there = tempfile::tempdir().unwrap();
        // Only the first reading of the first byte is wrong: a second one tells.
        let turned = AtomicBool::new(false);
        memory.misbehave(move |call| {
            (call.op == Op::Get && call.at == 0 && !turned.swap(true, SeqCst))
                .then_some(Fault::TurnBit)
        });
        let (job, end) = download(&memory.as_store(), key, there.path()).await;
        let error = job.files(0..1, true).pop().and_then(|f| f.error);
        if key == "c" {
            // The parts it was uploaded in can only be guessed: without a match the size must do.
            assert_eq!(end.state, JobState::Done);
        } else {
            assert!(
                matches!(error, Some(FileError::Mismatch { .. })),
                "{key}: {error:?}"
            );
            assert!(files_in(there.path()).is_empty());
        }
        memory.behave();
        assert_eq!(job.retry_failed(), key != "c");
        assert_eq!(job.wait().await.state, JobState::Done);
    }
}

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

// Promise: An object that is replaced while it is downloaded arrives as it is now, or not at all.
#[tokio::test]
async fn an_object_replaced_meanwhile_is_fetched_as_it_is_now_or_not_at_all() {
    let there = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    memory.insert("x", pattern(1000, 1));
    memory.insert("y", pattern(40 * MIB, 1));
    memory.insert("z", pattern(10, 1));
    let store = memory.as_store();
    let plan = plan_download(&store, "", there.path()).await;
    let (new_x, new_y) = (pattern(2000, 2), pattern(40 * MIB, 2));
    memory.insert("x", new_x.clone());
    memory.remove("z");
    let (inner, replaced) = (Arc::clone(&memory), AtomicBool::new(false));
    let y = new_y.clone();
    memory.misbehave(move |call| {
        // In the middle of the large one.
        if call.op == Op::Get && call.key == "y" && call.at > 0 && !replaced.swap(true, SeqCst) {
            inner.insert("y", y.clone());
        }
        None
    });
    let job = Job::download(store, plan, Choices::default(), settings())
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(
        (end.state, end.files_done, end.files_failed),
        (JobState::Partial, 2, 1)
    );
    assert_eq!(failed_kind(&job), Some(ErrorKind::NoSuchKey));
    let files = files_in(there.path());
    assert!(files["x"] == new_x && files["y"] == new_y && files.len() == 2);
}

// Promise: Cancelling leaves no half file here and no unfinished upload at the store.
#[tokio::test]
async fn cancelling_leaves_nothing_half_done() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(here.path().join("large"), pattern(LARGE, 1)).unwrap();
    let memory = Memory::new();
    let store = memory.as_store();
    let hanging =
        |call: &Call| (call.op == Op::Part).then_some(Fault::Wait(Duration::from_mins(10)));
    memory.misbehave(hanging);
    let plan = plan_upload(&store, vec![here.path().join("large")]).await;
    let job = Job::upload(Arc::clone(&store), plan, &Choices::default(), settings())
        .await
        .unwrap();
    while memory.count(Op::Part) == 0 {
        tokio::task::yield_now().await;
    }
    job.cancel();
    let end = job.wait().await;
    assert_eq!(
        (end.state, memory.unfinished(), memory.count(Op::Abort)),
        (JobState::Cancelled, 0, 1)
    );
    memory.behave();
    assert!(job.retry_failed());
    assert_eq!(job.wait().await.state, JobState::Done);

    memory.misbehave(|call| {
        (call.op == Op::Get && call.at > 0).then_some(Fault::Wait(Duration::from_mins(10)))
    });
    let plan = plan_download(&store, "", there.path()).await;
    let job = Job::download(store, plan, Choices::default(), settings())
        .await
        .unwrap();
    while memory.count(Op::Get) < 2 {
        tokio::task::yield_now().await;
    }
    job.cancel();
    assert_eq!(job.wait().await.state, JobState::Cancelled);
    assert!(files_in(there.path()).is_empty());
}

// Promise: An answer that is lost on the way does not make a failure of an upload that arrived.
#[tokio::test]
async fn an_answer_lost_after_the_deed_is_no_failure() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("large"), pattern(LARGE, 1)).unwrap();
    fs::write(here.path().join("small"), pattern(10, 1)).unwrap();
    let memory = Memory::new();
    memory.misbehave(|call| {
        let first = call.before == 0 && matches!(call.op, Op::Put | Op::Complete);
        first.then_some(Fault::LoseAnswer(ErrorKind::Interrupted))
    });
    let (job, end) = upload(
        &memory.as_store(),
        vec![here.path().join("large"), here.path().join("small")],
    )
    .await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
    assert_eq!((memory.count(Op::Put), memory.count(Op::Complete)), (2, 2));
}

// Promise: A transfer holds a fixed amount of file contents in memory, whatever the number and the
// size of the files.
#[tokio::test]
async fn memory_is_bounded_whatever_the_count_and_size() {
    let here = tempfile::tempdir().unwrap();
    for i in 0..60u64 {
        fs::write(here.path().join(format!("{i}")), pattern(MIB, i)).unwrap();
    }
    fs::write(here.path().join("large"), pattern(120 * MIB, 1)).unwrap();
    let memory = Memory::new();
    let store = memory.as_store();
    let plan = plan_upload(&store, vec![here.path().to_owned()]).await;
    let tight = Settings {
        memory: 20 << 20,
        ..settings()
    };
    let job = Job::upload(store, plan, &Choices::default(), tight)
        .await
        .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    let most = memory.held_most.load(SeqCst);
    assert!((8 << 20..=20 << 20).contains(&most), "{most}");
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

// Promise: A plan says when the disk has too little room, or when the folder takes no files.
// Promise: A disk that fills up stops the download; the files that have arrived are complete, and
// nothing else is left.
#[tokio::test]
async fn a_full_disk_stops_the_job_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount(12) else {
        eprintln!("skipped: needs root to mount a small disk");
        return;
    };
    let memory = Memory::new();
    memory.insert("a", pattern(4 * MIB, 1));
    memory.insert("large", pattern(40 * MIB, 2));
    let store = memory.as_store();
    let plan = plan_download(&store, "", disk.0.path()).await;
    assert!(
        matches!(plan.blocked, Some(Blocked::NotEnoughSpace { .. })),
        "{:?}",
        plan.blocked
    );
    // Somebody else may fill it after the plan: the same as running a blocked one.
    let job = Job::download(store, plan, Choices::default(), settings())
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Failed);
    assert!(
        matches!(end.problem, Some(FileError::DiskFull { .. })),
        "{:?}",
        end.problem
    );
    let files = files_in(disk.0.path());
    assert!(files.keys().all(|name| name == "a"), "{:?}", files.keys());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_takes_no_files_is_said_in_the_plan() {
    let memory = Memory::new();
    memory.insert("a", "x");
    // Not even root can write there.
    let plan = plan_download(&memory.as_store(), "", "/sys".as_ref()).await;
    assert!(
        matches!(plan.blocked, Some(Blocked::NotWritable { .. })),
        "{:?}",
        plan.blocked
    );
    let request = DownloadRequest {
        bucket: "bucket".into(),
        sources: vec![DownloadSource::Object {
            key: "a".into(),
            save_as: None,
        }],
        folder: "/no/such/folder".into(),
        look_there: true,
    };
    let error = DownloadPlan::make(&memory.as_store(), request, &Watch::default())
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Folder { .. }));
}

/// A disk of so many MiB, in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        mounted.ok()?.status.success().then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}
