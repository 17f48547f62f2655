//! Copies and moves that were cut off.

use super::*;

async fn begin_move(store: Arc<dyn ObjectStore>, settings: Settings) -> Job {
    begin_move_over(store, OnConflict::Skip, settings).await
}

async fn begin_move_over(
    store: Arc<dyn ObjectStore>,
    on_conflict: OnConflict,
    settings: Settings,
) -> Job {
    let plan = plan_copy(&store, true).await;
    Job::copy(store, plan, &Choices::all(on_conflict), settings)
        .await
        .unwrap()
}

#[test]
fn a_move_goes_on_wherever_it_was_cut_off() {
    // Before the original is deleted, and after.
    for deleted in [false, true] {
        let world = World::new();
        for i in 0..5u64 {
            world.memory.insert(&format!("old/{i}"), pattern(1000, i));
        }
        let store = Arc::clone(&world.memory);
        world.memory.misbehave(move |call| {
            if call.op != Op::Delete || call.key != "old/2" {
                return None;
            }
            if deleted {
                store.remove(&call.key);
            }
            Some(Fault::Wait(Duration::from_mins(10)))
        });
        let id = world.dies(
            |journal| begin_move(world.store(), written(journal)),
            || {
                let keys = world.memory.keys();
                let left = keys.iter().filter(|key| key.starts_with("old/")).count();
                left == usize::from(!deleted) && keys.iter().any(|key| key == "new/2")
            },
        );
        world.memory.behave();
        let end = world.goes_on(&id);
        assert_eq!((end.state, end.files_done), (JobState::Done, 5));
        let keys: Vec<String> = (0..5).map(|i| format!("new/{i}")).collect();
        assert_eq!(world.memory.keys(), keys);
        assert_eq!(world.memory.get("new/2").unwrap(), pattern(1000, 2));
        assert_eq!(world.receipts(&id).len(), 5);
    }
}

#[test]
fn what_stood_in_the_place_of_a_copy_is_not_taken_for_it() {
    let world = World::new();
    world.memory.insert("old/1", pattern(1000, 1));
    world.memory.insert("new/1", pattern(1000, 2));
    world.memory.misbehave(|call| {
        (call.op == Op::Head && call.key == "old/1").then_some(Fault::Wait(Duration::from_mins(10)))
    });
    let id = world.dies(
        |journal| begin_move_over(world.store(), OnConflict::Overwrite, written(journal)),
        || world.memory.count(Op::Head) > 0,
    );
    world.memory.behave();
    // By somebody else.
    world.memory.remove("old/1");
    let end = world.goes_on(&id);
    assert_eq!((end.files_done, end.files_failed), (0, 1));
    assert_eq!(world.receipts(&id), []);
    assert_eq!(world.memory.get("new/1").unwrap(), pattern(1000, 2));
}

fn large_to_copy() -> CopyRequest {
    CopyRequest {
        from_bucket: "bucket".into(),
        from: "large".into(),
        to_bucket: "bucket".into(),
        to: "copy".into(),
        remove_originals: false,
    }
}

async fn begin_copy(store: Arc<dyn ObjectStore>, settings: Settings) -> Job {
    let plan = CopyPlan::make(&store, large_to_copy(), &Watch::default()).await;
    let choices = Choices::default();
    let begun = Job::copy(store, plan.unwrap(), &choices, settings);
    begun.await.unwrap()
}

/// How often each of the parts was copied.
fn times_copied(memory: &Memory, parts: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    let same = memory.same.lock().unwrap();
    let times = |part| same.get(&("copy part", "copy".to_owned(), part));
    parts
        .map(|part| times(part).copied().unwrap_or(0))
        .collect()
}

// Promise: A copy that the store makes in parts goes on with the parts that it has, as long as the
// original is the one they are of.
#[test]
fn a_copy_that_the_store_makes_in_parts_goes_on_with_those_it_has() {
    for replaced in [false, true] {
        let world = World::new();
        let bytes = pattern(3 << 20, 1);
        world.memory.insert("large", bytes.clone());
        world.memory.misbehave(|call| {
            (call.op == Op::CopyPart && call.at >= 3).then_some(Fault::Wait(Duration::from_mins(9)))
        });
        let id = world.dies(
            |journal| begin_copy(world.store(), written(journal)),
            || world.noted("parts") == 2,
        );
        world.memory.behave();
        if replaced {
            world.memory.insert("large", pattern(3 << 20, 2));
        }
        let end = world.goes_on(&id);
        assert_eq!(end.files_done, u64::from(!replaced));
        assert_eq!(times_copied(&world.memory, 1..=2), [1, 1]);
        if replaced {
            assert_eq!(world.memory.get("copy"), None);
            assert_eq!(world.memory.unfinished(), 0);
            continue;
        }
        assert_eq!(world.memory.get("copy").unwrap(), bytes);
        assert_eq!(end.bytes_done, 3 << 20);
        assert_eq!(world.receipts(&id)[0].part_size, Some(64 * UNIT as u64));
        world.nothing_is_half_done(&id);
    }
}

// Promise: A copy whose end was answered to nobody is known again, and not made once more.
#[test]
fn a_copy_that_was_completed_unheard_of_is_not_made_again() {
    for (opaque_etags, size) in [(false, 3 << 20), (true, 3 << 20), (false, 1000)] {
        let world = World::of(Memory {
            opaque_etags,
            ..Memory::plain()
        });
        let bytes = pattern(size, 1);
        world.memory.insert("large", bytes.clone());
        world.memory.misbehave(|call| match (call.op, call.again) {
            (Op::Complete | Op::Copy, 0) => Some(Fault::LoseAnswer(ErrorKind::Interrupted)),
            (Op::Complete | Op::Copy, _) => Some(Fault::Fail(ErrorKind::Interrupted)),
            _ => None,
        });
        let life = world.life();
        let id = life.runtime.block_on(async {
            let job = begin_copy(world.store(), written(life.journal.clone())).await;
            let first = job.wait().await;
            let copied = world.memory.count(Op::Copy);
            assert!(copied <= 1, "once it is there it is seen");
            assert_eq!(first.files_failed, u64::from(copied == 0));
            world.memory.behave();
            assert_eq!(job.retry_failed(), copied == 0);
            let end = job.wait().await;
            assert_eq!(end.bytes_done, size as u64);
            assert_eq!(job.files(0..1, false)[0].state, FileState::Done);
            job.id().unwrap()
        });
        drop(life);
        if size > 1000 {
            assert_eq!(times_copied(&world.memory, 1..=6), [1; 6]);
        }
        assert_eq!(world.memory.get("copy").unwrap(), bytes);
        assert_eq!(world.receipts(&id).len(), 1);
        world.nothing_is_half_done(&id);
    }
}

async fn begin_between(
    from: Arc<dyn ObjectStore>,
    to: Arc<dyn ObjectStore>,
    settings: Settings,
) -> Job {
    let plan = CopyPlan::between(&from, &to, large_to_copy(), &Watch::default()).await;
    let choices = Choices::default();
    let begun = Job::copy_between(from, to, false, plan.unwrap(), &choices, settings);
    begun.await.unwrap()
}

#[test]
fn a_copy_between_stores_goes_on_with_the_parts_it_has() {
    // Those that are there are fetched again where the original has an ETag of the whole; else what
    // the journal says of them has to do.
    for in_parts in [false, true] {
        goes_on_between_stores(in_parts);
    }
}

fn goes_on_between_stores(in_parts: bool) {
    let (world, other) = (World::new(), Memory::new());
    let bytes = pattern(3 << 20, 1);
    if in_parts {
        other.insert_in_parts("large", bytes.clone(), 8 * UNIT);
    } else {
        other.insert("large", bytes.clone());
    }
    hold_parts_from(&world.memory, 3);
    let id = world.dies(
        |journal| begin_between(other.as_store(), world.store(), written(journal)),
        || world.noted("parts") == 2,
    );
    world.memory.behave();
    assert_eq!(world.memory.unfinished(), 1);
    let life = world.life();
    life.runtime.block_on(async {
        let from = CopySource {
            store: other.as_store(),
            one_server: false,
        };
        let job = Job::resume(&life.journal, &id, world.store(), Some(from), settings()).await;
        assert_eq!(job.unwrap().wait().await.state, JobState::Done);
    });
    // What had arrived was not sent again.
    for part in 1..=2 {
        let sent = world.memory.same.lock().unwrap()[&("part", "copy".to_owned(), part)];
        assert_eq!(sent, 1, "part {part}");
    }
    assert_eq!(world.memory.get("copy").unwrap(), bytes);
    drop(life);
    let receipt = &world.receipts(&id)[0];
    assert_eq!(receipt.crc, Some(Crc::of(&bytes)));
    world.nothing_is_half_done(&id);
}

// Promise: An upload whose beginning was never answered is looked for at the store, and aborted.
#[test]
fn an_upload_between_stores_that_nobody_was_told_of_stays_known_until_it_is_gone() {
    let (world, other) = (World::new(), Memory::new());
    let bytes = pattern(1 << 20, 1);
    other.insert("large", bytes.clone());
    world.memory.misbehave(|call| match call.op {
        Op::CreateUpload if call.again == 0 => Some(Fault::LoseAnswer(ErrorKind::Interrupted)),
        Op::ListUploads => Some(Fault::Fail(ErrorKind::Denied)),
        _ => None,
    });
    let life = world.life();
    let known = || life.journal.half_uploads("bucket").unwrap().len();
    let id = life.runtime.block_on(async {
        let settings = written(life.journal.clone());
        let job = begin_between(other.as_store(), world.store(), settings).await;
        assert_eq!(job.wait().await.files_failed, 1);
        assert_eq!((world.memory.unfinished(), known()), (1, 1));
        world.memory.behave();
        assert!(job.retry_failed());
        assert_eq!(job.wait().await.state, JobState::Done);
        job.id().unwrap()
    });
    assert_eq!((world.memory.unfinished(), known()), (0, 0));
    drop(life);
    assert_eq!(world.memory.get("copy").unwrap(), bytes);
    world.nothing_is_half_done(&id);
}
