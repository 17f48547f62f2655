//! Answers that end early, go on too long or are damaged, and objects that change or go meanwhile.

use super::*;

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

#[tokio::test]
async fn an_object_that_goes_in_the_middle_fails_alone_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let journal = Journal::open(home.path()).unwrap();
    for with_journal in [false, true] {
        let there = tempfile::tempdir().unwrap();
        let memory = Memory::new();
        memory.insert("large", pattern(40 * MIB, 1));
        memory.insert("small", pattern(1000, 2));
        let inner = Arc::clone(&memory);
        memory.misbehave(move |call| {
            if call.op == Op::Get && call.key == "large" && call.at > 0 {
                inner.remove("large");
            }
            None
        });
        let store = memory.as_store();
        let plan = plan_download(&store, "", there.path()).await;
        let settings = if with_journal {
            written(&journal)
        } else {
            settings()
        };
        let job = Job::download(store, plan, Choices::default(), settings)
            .await
            .unwrap();
        let end = job.wait().await;
        assert_eq!(
            (end.state, end.files_done, end.files_failed),
            (JobState::Partial, 1, 1)
        );
        assert_eq!(failed_kind(&job), Some(ErrorKind::NoSuchKey));
        let files = files_in(there.path());
        assert!(files["small"] == pattern(1000, 2) && files.len() == 1);
    }
}
