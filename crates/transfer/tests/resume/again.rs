//! The same command given again after a crash.

use super::*;

/// Files of a folder of which three arrived before the process died.
fn folder_that_died(world: &World) {
    for name in ["a", "b", "c", "d"] {
        fs::create_dir_all(world.path("data")).unwrap();
        fs::write(world.path("data").join(name), name.repeat(100)).unwrap();
    }
    world.memory.misbehave(|call| {
        (call.op == Op::Put && call.key == "data/d").then_some(Fault::Wait(Duration::from_mins(10)))
    });
    world.dies(
        |journal| begin_upload(world.store(), world.path("data"), written(journal)),
        || world.memory.keys().len() == 3,
    );
    world.memory.behave();
}

fn begin_again(world: &World) -> (JobSnapshot, String) {
    let life = world.life();
    life.runtime.block_on(async {
        let journal = life.journal.clone();
        let job = begin_upload(world.store(), world.path("data"), written(journal)).await;
        let end = job.wait().await;
        (end, job.id().unwrap())
    })
}

// Promise: What had arrived before the crash is looked for first; what somebody has deleted or replaced
// there is sent again.
#[test]
fn what_arrived_is_looked_for_before_it_is_believed() {
    let world = World::new();
    folder_that_died(&world);
    world.memory.remove("data/a");
    world.memory.insert("data/b", "b".repeat(99) + "x");
    let (puts, lists) = (world.memory.count(Op::Put), world.memory.count(Op::List));
    let (end, id) = begin_again(&world);
    assert_eq!((end.state, end.files_done), (JobState::Done, 4));
    for name in ["a", "b", "c", "d"] {
        let there = world.memory.get(&format!("data/{name}")).unwrap();
        assert_eq!(there, name.repeat(100), "{name}");
    }
    assert_eq!(world.memory.count(Op::Put) - puts, 3, "c was there");
    assert_eq!(world.memory.count(Op::List) - lists, 1);
    assert_eq!(world.memory.count(Op::Head), 0);
    assert_eq!(world.receipts(&id).len(), 4);
}

#[test]
fn what_cannot_be_looked_for_is_sent_again() {
    let world = World::new();
    folder_that_died(&world);
    world
        .memory
        .misbehave(|call| (call.op == Op::List).then_some(Fault::Fail(ErrorKind::Denied)));
    let puts = world.memory.count(Op::Put);
    let (end, _) = begin_again(&world);
    assert_eq!((end.state, end.files_done), (JobState::Done, 4));
    assert_eq!(world.memory.count(Op::Put) - puts, 4);
}

#[test]
fn copies_are_looked_for_too() {
    let world = World::new();
    for name in ["a", "b", "c", "d"] {
        world
            .memory
            .insert(&format!("old/{name}"), name.repeat(100));
    }
    let begin = async |journal| {
        let store = world.store();
        let plan = plan_copy(&store, false).await;
        let choices = Choices::all(OnConflict::Overwrite);
        Job::copy(store, plan, &choices, written(journal))
            .await
            .unwrap()
    };
    world.memory.misbehave(|call| {
        (call.op == Op::Copy && call.key == "old/d").then_some(Fault::Wait(Duration::from_mins(10)))
    });
    world.dies(begin, || world.memory.keys().len() == 7);
    world.memory.behave();
    world.memory.remove("new/a");
    world.memory.insert("new/b", "b".repeat(99) + "x");
    let copies = world.memory.count(Op::Copy);
    let life = world.life();
    let end = life
        .runtime
        .block_on(async { begin(life.journal.clone()).await.wait().await });
    assert_eq!(
        (end.state, end.files_done, end.files_skipped),
        (JobState::Done, 3, 1)
    );
    for name in ["a", "b", "c", "d"] {
        let there = world.memory.get(&format!("new/{name}")).unwrap();
        assert_eq!(there, name.repeat(100), "{name}");
    }
    assert_eq!(world.memory.count(Op::Copy) - copies, 3, "c was there");
    // A copy has no drafts that could be left.
    let left = life.journal.left_over().unwrap();
    assert!(left.is_empty(), "{left:?}");
}
