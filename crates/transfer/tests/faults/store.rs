//! Refusals, damage and lost answers.

use super::*;

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

/// Sends the folder, eight files at once, to a store that takes a hundred and refuses the others.
async fn refused_after_a_hundred(memory: &Arc<Memory>, folder: &Path, kind: ErrorKind) -> Job {
    memory.misbehave(move |call| {
        (call.op == Op::Put && call.before >= 100).then_some(Fault::Fail(kind))
    });
    let store = memory.as_store();
    let eight_at_once = Settings {
        requests: 8,
        ..settings()
    };
    begin_upload(&store, vec![folder.to_owned()], eight_at_once).await
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
    let job = refused_after_a_hundred(&memory, here.path(), ErrorKind::QuotaExceeded).await;
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Failed);
    assert!(
        matches!(&end.problem, Some(FileError::Store(e)) if e.kind == ErrorKind::QuotaExceeded)
    );
    // Those under way may still ask, once each; the other hundreds are left alone.
    let asked = memory.count(Op::Put);
    assert!((101..=108).contains(&asked), "{asked}");
    let states = job.files(0..500, false);
    let of = |state| states.iter().filter(|f| f.state == state).count() as u64;
    assert_eq!(of(FileState::Done), 100);
    assert_eq!(of(FileState::Failed), asked - 100);
    assert_eq!(of(FileState::Cancelled), 500 - asked);
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
    let one_at_a_time = Settings {
        requests: 1,
        ..settings
    };
    let job = begin_upload(&store, vec![here.path().to_owned()], one_at_a_time).await;
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
    let job = begin_upload(&store, vec![here.path().join("large")], settings()).await;
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

#[tokio::test]
async fn a_store_that_stays_too_busy_stops_the_job_and_is_not_asked_for_every_file() {
    let here = tempfile::tempdir().unwrap();
    for i in 0..300 {
        fs::write(here.path().join(format!("{i:03}")), b"x").unwrap();
    }
    for kind in [
        ErrorKind::SlowDown,
        ErrorKind::HostUnknown,
        ErrorKind::Proxy,
        ErrorKind::Unreachable,
    ] {
        let memory = Memory::new();
        let job = refused_after_a_hundred(&memory, here.path(), kind).await;
        let end = job.wait().await;
        assert_eq!(
            (end.state, end.files_done),
            (JobState::Failed, 100),
            "{kind:?}"
        );
        assert!(matches!(&end.problem, Some(FileError::Store(e)) if e.kind == kind));
        // Five tries each for those that were under way.
        let asked = memory.count(Op::Put) - 100;
        assert!((5..=40).contains(&asked), "{kind:?}: {asked}");
        memory.behave();
        assert!(job.retry_failed());
        let end = job.wait().await;
        assert_eq!((end.state, end.files_done), (JobState::Done, 300));
    }
}

#[tokio::test]
async fn what_arrives_damaged_is_sent_again_and_never_kept() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("large"), pattern(LARGE, 3)).unwrap();
    fs::write(here.path().join("small"), pattern(1000, 3)).unwrap();
    for (name, op, at) in [("large", Op::Part, 2), ("small", Op::Put, 0)] {
        let memory = Memory::new();
        memory.misbehave(move |call| {
            (call.op == op && call.at == at && call.again == 0)
                .then_some(Fault::Fail(ErrorKind::Damaged))
        });
        let (_, end) = upload(&memory.as_store(), vec![here.path().join(name)]).await;
        assert_eq!(end.state, JobState::Done);
        assert_eq!(
            memory.get(name).unwrap(),
            fs::read(here.path().join(name)).unwrap()
        );
        let tries = || memory.same.lock().unwrap()[&(doubles::name(op), name.to_owned(), at)];
        assert_eq!(tries(), 2);

        memory.remove(name);
        memory.misbehave(move |call| {
            (call.op == op && call.at == at).then_some(Fault::Fail(ErrorKind::Damaged))
        });
        let (job, end) = upload(&memory.as_store(), vec![here.path().join(name)]).await;
        assert_eq!((end.state, end.bytes_done), (JobState::Failed, 0));
        assert_eq!(failed_kind(&job), Some(ErrorKind::Damaged));
        assert_eq!(tries(), 5, "not for ever");
        assert!(memory.keys().is_empty());
        assert_eq!(memory.unfinished(), 0);
    }
}

#[tokio::test]
async fn an_address_that_was_never_good_is_told_at_once() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("a"), b"x").unwrap();
    for kind in [ErrorKind::HostUnknown, ErrorKind::Proxy] {
        let memory = Memory::new();
        let store = memory.as_store();
        let plan = plan_upload(&store, vec![here.path().join("a")]).await;
        memory.misbehave(move |_| Some(Fault::Fail(kind)));
        let choices = Choices::default();
        let job = Job::upload(store, plan, &choices, settings()).await;
        let end = job.unwrap().wait().await;
        assert_eq!(end.state, JobState::Failed);
        assert_eq!(memory.count(Op::Put), 1, "{kind:?}");
    }
}
