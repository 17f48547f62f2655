//! From one store into another, through memory, whatever goes wrong on either side.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use doubles::moving::*;
use doubles::{Call, Fault, Memory, Op, pattern};
use wherry_store::ErrorKind;
use wherry_transfer::*;

const MIB: usize = 1 << 20;

async fn plan(from: &Arc<Memory>, to: &Arc<Memory>) -> CopyPlan {
    let request = CopyRequest {
        from_bucket: "bucket".into(),
        from: String::new(),
        to_bucket: "bucket".into(),
        to: String::new(),
        remove_originals: false,
    };
    CopyPlan::between(&from.as_store(), &to.as_store(), request, &Watch::default())
        .await
        .unwrap()
}

async fn copy(from: &Arc<Memory>, to: &Arc<Memory>, settings: Settings) -> (Job, JobSnapshot) {
    copy_on(from, to, false, settings).await
}

async fn copy_on(
    from: &Arc<Memory>,
    to: &Arc<Memory>,
    one_server: bool,
    settings: Settings,
) -> (Job, JobSnapshot) {
    let plan = plan(from, to).await;
    let (a, b) = (from.as_store(), to.as_store());
    let job = Job::copy_between(a, b, one_server, plan, &Choices::default(), settings)
        .await
        .unwrap();
    let end = job.wait().await;
    (job, end)
}

// Promise: An object is copied into another store through memory: nothing of it touches this
// computer's disk.
// Promise: Each part carries its MD5, both ends are compared with their ETags, and what did not
// arrive intact is removed again.
#[tokio::test]
async fn objects_of_every_size_arrive() {
    let (from, to) = (Memory::new(), Memory::new());
    for size in [0, 1, 16 * MIB, 16 * MIB + 1, 40 * MIB] {
        from.insert(&format!("{size}"), pattern(size, size as u64));
    }
    from.insert_in_parts("parts", pattern(21 * MIB, 3), 5 * MIB);
    let (all, settings) = receipts();
    let (job, end) = copy(&from, &to, settings).await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
    assert_eq!(end.bytes_done, end.bytes_total);
    for key in from.keys() {
        assert!(from.get(&key) == to.get(&key), "{key}");
    }
    assert_eq!(to.unfinished(), 0);
    let all = all.lock().unwrap().clone();
    assert!(all.iter().all(|r| r.proof == Proof::Etag), "{all:?}");
    // In the parts it came in, so that both ends have the same ETag.
    let parts = all.iter().find(|r| r.part_size == Some(5 << 20)).unwrap();
    let there = wherry_store::ObjectStore::head(&*from, "bucket", "parts")
        .await
        .unwrap();
    assert_eq!(parts.etag, there.etag);
}

#[tokio::test]
async fn faults_that_may_pass_do_no_harm() {
    let faults: Vec<(&str, doubles::Rule, bool)> = vec![
        (
            "cut",
            Box::new(|c| (c.op == Op::Get && c.again == 0).then_some(Fault::CutBody(1000))),
            true,
        ),
        (
            "short",
            Box::new(|c| (c.op == Op::Get && c.again == 0).then_some(Fault::ShortBody(1000))),
            true,
        ),
        (
            "busy",
            Box::new(|c| {
                (c.op == Op::Get && c.again < 2).then_some(Fault::Fail(ErrorKind::SlowDown))
            }),
            true,
        ),
        (
            "lost parts",
            Box::new(|c| {
                (matches!(c.op, Op::Part | Op::Put) && c.again == 0)
                    .then_some(Fault::LoseAnswer(ErrorKind::Interrupted))
            }),
            false,
        ),
        (
            "lost end",
            Box::new(|c| {
                (c.op == Op::Complete && c.again == 0)
                    .then_some(Fault::LoseAnswer(ErrorKind::Interrupted))
            }),
            false,
        ),
    ];
    for (name, rule, at_source) in faults {
        let (from, to) = (Memory::new(), Memory::new());
        from.insert("small", pattern(5000, 1));
        from.insert("large", pattern(20 * MIB, 2));
        if at_source {
            from.misbehave(rule);
        } else {
            to.misbehave(rule);
        }
        let (job, end) = copy(&from, &to, settings()).await;
        assert_eq!(
            end.state,
            JobState::Done,
            "{name}: {:?}",
            job.files(0..9, true)
        );
        assert!(from.get("large") == to.get("large"), "{name}");
        assert!(from.get("small") == to.get("small"), "{name}");
        assert_eq!(
            (end.bytes_done, to.unfinished()),
            (end.bytes_total, 0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn damage_is_found_at_either_end() {
    for (op, at_source) in [(Op::Get, true), (Op::Put, false), (Op::Part, false)] {
        let (from, to) = (Memory::new(), Memory::new());
        from.insert("small", pattern(5000, 1));
        from.insert("large", pattern(20 * MIB, 2));
        let rule = move |c: &Call| {
            (c.op == op && c.at == 0 && c.again == 0 || c.op == op && op == Op::Part && c.at == 1)
                .then_some(Fault::TurnBit)
        };
        if at_source {
            from.misbehave(rule);
        } else {
            to.misbehave(rule);
        }
        let (job, end) = copy(&from, &to, settings()).await;
        assert!(end.files_failed > 0, "{op:?}");
        for row in job.files(0..9, true) {
            assert!(
                matches!(row.error, Some(FileError::Mismatch { .. })),
                "{row:?}"
            );
            assert_eq!(
                to.get(&row.name),
                None,
                "{op:?}: what is damaged does not stay"
            );
        }
        for key in to.keys() {
            assert!(from.get(&key) == to.get(&key), "{op:?}: {key}");
        }
        assert_eq!(to.unfinished(), 0, "{op:?}");
    }
}

#[tokio::test]
async fn stores_whose_etags_are_no_hashes_are_understood() {
    let opaque = || {
        Arc::new(Memory {
            opaque_etags: true,
            ..Memory::plain()
        })
    };
    for (from, to) in [(opaque(), Memory::new()), (Memory::new(), opaque())] {
        from.insert("small", pattern(5000, 1));
        from.insert("large", pattern(20 * MIB, 2));
        let (job, end) = copy(&from, &to, settings()).await;
        assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
        assert!(from.get("large") == to.get("large"));
    }
}

// Promise: What arrived although the store's answer was lost is known again, by its ETag or, where ETags
// are no hashes, by its bytes.
#[tokio::test]
async fn what_arrived_unheard_of_is_known_again_by_its_bytes() {
    // The answers to the end of it are lost: the first one, or all of a run.
    for all in [false, true] {
        let from = Memory::new();
        let to = Arc::new(Memory {
            opaque_etags: true,
            ..Memory::plain()
        });
        from.insert("small", pattern(5000, 1));
        from.insert("large", pattern(20 * MIB, 2));
        to.misbehave(move |call| match (call.op, call.again) {
            (Op::Put | Op::Complete, 0) => Some(Fault::LoseAnswer(ErrorKind::Interrupted)),
            (Op::Put | Op::Complete, _) if all => Some(Fault::Fail(ErrorKind::Interrupted)),
            _ => None,
        });
        let (job, mut end) = copy(&from, &to, settings()).await;
        if all {
            assert_eq!(end.files_failed, 2);
            to.behave();
            assert!(job.retry_failed());
            end = job.wait().await;
        }
        assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
        assert!(from.get("large") == to.get("large"));
        assert!(from.get("small") == to.get("small"));
        assert_eq!((end.bytes_done, to.unfinished()), (end.bytes_total, 0));
    }
    // Something else that came to be there meanwhile is left as it is.
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("large", pattern(20 * MIB, 2));
    let (inner, other) = (Arc::clone(&to), pattern(20 * MIB, 3));
    to.misbehave(move |call| {
        if call.op == Op::Part && call.before == 0 {
            inner.insert("large", other.clone());
        }
        None
    });
    let (job, _) = copy(&from, &to, settings()).await;
    let error = job.files(0..1, true)[0].error.clone();
    assert!(
        matches!(error, Some(FileError::InTheWay { .. })),
        "{error:?}"
    );
    assert!(to.get("large").unwrap() == pattern(20 * MIB, 3));
    assert_eq!(to.unfinished(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_holds_up_nobody() {
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("large", pattern(80 * MIB, 1));
    from.insert("small", pattern(5000, 2));
    // Always too busy for the first part, so that in the end there are two requests at a time: those of
    // parts that wait for the first one.
    from.misbehave(|c| {
        (c.op == Op::Get && c.key == "large" && c.at == 0)
            .then_some(Fault::Fail(ErrorKind::SlowDown))
    });
    let narrow = Settings {
        requests: 3,
        memory: 256 << 20,
        ..settings()
    };
    let copied = copy(&from, &to, narrow);
    let ended = tokio::time::timeout(std::time::Duration::from_hours(24), copied).await;
    let (_, end) = ended.expect("an end");
    assert_eq!((end.files_failed, end.files_done), (1, 1));
    assert_eq!((to.keys(), to.unfinished()), (vec!["small".to_owned()], 0));
}

// Promise: An object that is replaced while it is copied fails, and no object is made of two.
#[tokio::test]
async fn an_object_that_changes_on_the_way_is_not_spliced() {
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("large", pattern(40 * MIB, 1));
    let (inner, fresh) = (Arc::clone(&from), pattern(40 * MIB, 2));
    to.misbehave(move |call| {
        if call.op == Op::Part && call.before == 0 {
            inner.insert("large", fresh.clone());
        }
        None
    });
    let (job, end) = copy(&from, &to, settings()).await;
    assert_eq!(end.files_failed, 1);
    let error = job.files(0..1, true)[0].error.clone();
    assert!(
        matches!(error, Some(FileError::ChangedThere { .. })),
        "{error:?}"
    );
    assert_eq!((to.keys().len(), to.unfinished()), (0, 0));
}

#[tokio::test]
async fn cancelling_leaves_nothing_unfinished() {
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("large", pattern(64 * MIB, 1));
    let plan = plan(&from, &to).await;
    let job = Job::copy_between(
        from.as_store(),
        to.as_store(),
        false,
        plan,
        &Choices::default(),
        settings(),
    )
    .await
    .unwrap();
    let stop = job.clone();
    to.misbehave(move |call| {
        if call.op == Op::Part && call.before == 2 {
            stop.cancel();
        }
        None
    });
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Cancelled);
    assert_eq!((to.keys().len(), to.unfinished()), (0, 0));
}

// Promise: A copy between stores holds a few parts in memory, whatever the number and the size of the
// objects.
#[tokio::test]
async fn memory_stays_within_the_budget() {
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("a", pattern(96 * MIB, 1));
    from.insert("b", pattern(96 * MIB, 2));
    let narrow = Settings {
        memory: 24 << 20,
        ..settings()
    };
    let (_, end) = copy(&from, &to, narrow).await;
    assert_eq!(end.state, JobState::Done);
    let most = to.held_most.load(Ordering::SeqCst);
    assert!(most <= 24 << 20, "{most}");
}

// Promise: Between two accounts of one server the server copies when the destination's key may read
// the source; else, and when a bucket of that name is another one there, the bytes pass through here.
#[tokio::test]
async fn one_server_copies_what_both_accounts_can_see() {
    let shared = Memory::new();
    shared.insert("a", "contents");
    let request = CopyRequest {
        from_bucket: "bucket".into(),
        from: "a".into(),
        to_bucket: "bucket".into(),
        to: "b".into(),
        remove_originals: false,
    };
    let store = shared.as_store();
    let plan = CopyPlan::between(&store, &store, request, &Watch::default())
        .await
        .unwrap();
    let job = Job::copy_between(
        Arc::clone(&store),
        store,
        true,
        plan,
        &Choices::default(),
        settings(),
    )
    .await
    .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    assert_eq!((shared.count(Op::Copy), shared.count(Op::Get)), (1, 0));

    // Another tenant's bucket of the same name, with an object of the same name in it.
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("x", "ours");
    let decoy = pattern(100, 1);
    to.misbehave(move |call| {
        (call.op == Op::Head && call.before == 0).then_some(Fault::Fail(ErrorKind::Denied))
    });
    from.insert("y", decoy);
    let (job, end) = copy_on(&from, &to, true, settings()).await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
    assert_eq!(to.count(Op::Copy), 0);
    assert_eq!(to.get("x").unwrap(), "ours");
    let (from, to) = (Memory::new(), Memory::new());
    from.insert("x", "ours");
    let planned = self::plan(&from, &to).await;
    to.insert("x", "not ours");
    let job = Job::copy_between(
        from.as_store(),
        to.as_store(),
        true,
        planned,
        &Choices::all(OnConflict::Overwrite),
        settings(),
    )
    .await
    .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    assert_eq!(to.get("x").unwrap(), "ours");
}
