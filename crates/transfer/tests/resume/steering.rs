//! Pauses, ends and new beginnings of whole jobs.

use super::*;

/// Of `large`: two of its parts have arrived, and the third does not.
async fn half_an_upload(world: &World, life: &Life) -> Job {
    let settings = written(life.journal.clone());
    let job = begin_upload(world.store(), world.path("large"), settings).await;
    while world.memory.parts().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    job
}

// Promise: The same command, given again after a crash, moves only what is left.
#[test]
fn the_same_wish_again_moves_only_what_is_left() {
    let world = World::new();
    let large = pattern(36 * UNIT, 1);
    fs::create_dir(world.path("data")).unwrap();
    fs::write(world.path("data/large"), &large).unwrap();
    for i in 0..5u64 {
        fs::write(world.path(&format!("data/small-{i}")), pattern(1000, i)).unwrap();
    }
    hold_parts_from(&world.memory, 3);
    world.dies(
        |journal| begin_upload(world.store(), world.path("data"), written(journal)),
        || world.memory.parts().len() == 2 && world.memory.keys().len() == 5,
    );
    world.memory.behave();
    let (puts, parts) = (world.memory.count(Op::Put), world.memory.count(Op::Part));
    let life = world.life();
    let id = life.runtime.block_on(async {
        let settings = written(life.journal.clone());
        let job = begin_upload(world.store(), world.path("data"), settings).await;
        let end = job.wait().await;
        assert_eq!((end.state, end.files_done), (JobState::Done, 6));
        job.id().unwrap()
    });
    assert_eq!(
        world.memory.count(Op::Put),
        puts,
        "the small ones had arrived"
    );
    assert_eq!(world.memory.count(Op::Part) - parts, 3);
    assert_eq!(world.memory.get("data/large").unwrap(), large);
    assert_eq!(world.receipts(&id).len(), 6);
    assert!(life.journal.queue().unwrap().is_empty());
    world.nothing_is_half_done(&id);
}

// Promise: A transfer that is paused keeps what is half done, here and at the store, also over the
// end of Wherry.
#[test]
fn a_pause_keeps_what_is_half_done() {
    let world = World::new();
    let bytes = pattern(36 * UNIT, 1);
    fs::write(world.path("large"), &bytes).unwrap();
    hold_parts_from(&world.memory, 3);
    let life = world.life();
    let id = life.runtime.block_on(async {
        let job = half_an_upload(&world, &life).await;
        job.pause();
        let now = job.wait().await;
        assert_eq!((now.state, now.ended), (JobState::Paused, None));
        assert_eq!(world.memory.unfinished(), 1);
        let id = job.id().unwrap();
        assert_eq!(life.journal.job(&id).unwrap().state, State::Paused);
        assert!(
            life.journal.cut_off().unwrap().is_empty(),
            "it does not go on by itself"
        );
        // In the same session …
        assert!(job.go_on() && !job.go_on());
        job.pause();
        assert_eq!(job.wait().await.state, JobState::Paused);
        id
    });
    drop(life);
    // … and in the next.
    world.memory.behave();
    let life = world.life();
    life.runtime.block_on(async {
        let before = world.memory.count(Op::Part);
        let job = Job::resume(&life.journal, &id, world.store(), None, settings()).await;
        assert_eq!(job.unwrap().wait().await.state, JobState::Done);
        assert_eq!(world.memory.count(Op::Part) - before, 3);
    });
    assert_eq!(world.memory.get("large").unwrap(), bytes);
    world.nothing_is_half_done(&id);
}

#[test]
fn a_job_that_is_paused_and_cancelled_leaves_nothing() {
    let world = World::new();
    fs::write(world.path("large"), pattern(36 * UNIT, 1)).unwrap();
    hold_parts_from(&world.memory, 3);
    let life = world.life();
    let id = life.runtime.block_on(async {
        let job = half_an_upload(&world, &life).await;
        job.pause();
        job.wait().await;
        job.cancel();
        assert_eq!(job.wait().await.state, JobState::Cancelled);
        job.id().unwrap()
    });
    assert_eq!(life.journal.job(&id).unwrap().state, State::Cancelled);
    world.nothing_is_half_done(&id);
}

// Promise: What a cancelled transfer could not clean up, for want of a key, stays known and is cleaned
// up when there is one.
#[test]
fn what_cannot_be_cleaned_up_stays_known() {
    let world = World::new();
    let id = upload_that_died(&world, &pattern(36 * UNIT, 1));
    world
        .memory
        .misbehave(|_| Some(Fault::Fail(ErrorKind::KeyExpired)));
    let life = world.life();
    life.runtime.block_on(async {
        let job = Job::resume(&life.journal, &id, world.store(), None, settings())
            .await
            .unwrap();
        job.cancel();
        job.wait().await;
        life.journal.flush().await.unwrap();
    });
    assert_eq!(world.memory.unfinished(), 1);
    let left = life.journal.left_over().unwrap();
    assert_eq!((left.len(), left[0].uploads), (1, 1));
    // Taken out of the history, it is still not forgotten.
    let forgotten = life.runtime.block_on(life.journal.remove(&id));
    forgotten.unwrap();
    assert_eq!(life.journal.left_over().unwrap().len(), 1);
    world.memory.behave();
    let store = world.store();
    let clear = recover::clear(&life.journal, &id, Some(&store), &SystemDisk);
    let cleared = life.runtime.block_on(clear).unwrap();
    assert_eq!((cleared.uploads, cleared.left), (1, 0));
    assert_eq!(world.memory.unfinished(), 0);
    assert!(life.journal.left_over().unwrap().is_empty());
    assert!(life.journal.job(&id).is_err(), "now it is forgotten");
}

#[test]
fn a_store_that_is_away_for_long_is_gone_on_with() {
    let world = World::new();
    let bytes = pattern(36 * UNIT, 1);
    fs::write(world.path("large"), &bytes).unwrap();
    world.memory.misbehave(|call| {
        (call.op == Op::Part && call.at >= 3).then_some(Fault::Fail(ErrorKind::Unreachable))
    });
    let life = world.life();
    life.runtime.block_on(async {
        let settings = written(life.journal.clone());
        let job = begin_upload(world.store(), world.path("large"), settings).await;
        assert_eq!(job.wait().await.state, JobState::Failed);
        assert_eq!(world.memory.unfinished(), 1, "kept for the next try");
        world.memory.behave();
        let before = world.memory.count(Op::CreateUpload);
        assert!(job.retry_failed());
        assert_eq!(job.wait().await.state, JobState::Done);
        assert_eq!(world.memory.count(Op::CreateUpload), before);
        world.nothing_is_half_done(&job.id().unwrap());
    });
    assert_eq!(world.memory.get("large").unwrap(), bytes);
}

#[test]
fn a_queue_is_worked_off_from_the_journal_alone() {
    let world = World::new();
    fs::write(world.path("one"), b"1").unwrap();
    // Longer than anybody waits for a job that is being run.
    world.memory.misbehave(|call| {
        (call.op == Op::Put && call.before == 0).then_some(Fault::Wait(Duration::from_millis(500)))
    });
    let life = world.life();
    let id = life.runtime.block_on(async {
        let plan = plan_upload(&world.store(), world.path("one")).await;
        let job = NewJob {
            title: "later".into(),
            ..NewJob::default()
        };
        let choices = Choices::default();
        let store = world.store();
        let added = life
            .journal
            .add_upload(job, &store, plan, &choices, Utc::now());
        added.await.unwrap()
    });
    drop(life);
    let life = world.life();
    life.runtime.block_on(async {
        assert_eq!(life.journal.queue().unwrap()[0].state, State::Waiting);
        let resume = || Job::resume(&life.journal, &id, world.store(), None, settings());
        let job = resume().await.unwrap();
        assert!(resume().await.is_err(), "it runs");
        assert_eq!(job.wait().await.state, JobState::Done);
        assert!(!job.retry_failed());
    });
    assert_eq!(world.memory.get("one").unwrap(), "1");
    assert_eq!(life.journal.job(&id).unwrap().state, State::Done);
}

// Promise: A transfer outlives Wherry: one that was cut off, however that happened, is gone on with at
// the next start.
#[test]
fn a_quit_is_taken_up_by_the_next_start() {
    let world = World::new();
    let bytes = pattern(36 * UNIT, 1);
    fs::write(world.path("large"), &bytes).unwrap();
    hold_parts_from(&world.memory, 3);
    let life = world.life();
    let id = life.runtime.block_on(async {
        let settings = written(life.journal.clone());
        let job = begin_upload(world.store(), world.path("large"), settings).await;
        while world.memory.parts().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        job.cut_off();
        job.wait().await;
        job.id().unwrap()
    });
    drop(life);
    world.memory.behave();
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.get("large").unwrap(), bytes);
    world.nothing_is_half_done(&id);
}
