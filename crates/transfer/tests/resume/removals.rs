//! Deletions, and syncs that delete, that were cut off.

use wherry_transfer::run::SyncStores;

use super::*;

async fn begin_sync(world: &World, journal: Journal) -> Job {
    let store = world.store();
    let to = SyncEnd::Objects {
        store: Arc::clone(&store),
        host: "memory".into(),
        bucket: "bucket".into(),
        prefix: "p/".into(),
    };
    let options = SyncOptions {
        delete: true,
        ..SyncOptions::default()
    };
    let from = SyncEnd::Folder(world.path("data"));
    let plan = SyncPlan::make(from, to, options, &Watch::default())
        .await
        .unwrap();
    let stores = SyncStores {
        to: Some(store),
        ..SyncStores::default()
    };
    Job::sync(plan, stores, written(journal)).await.unwrap()
}

/// Two files to send, and five objects to delete.
fn sync_world() -> World {
    let world = World::new();
    fs::create_dir(world.path("data")).unwrap();
    for name in ["new", "newer"] {
        fs::write(world.path("data").join(name), name).unwrap();
    }
    for i in 0..5 {
        world.memory.insert(&format!("p/old{i}"), "old");
    }
    world
}

async fn plan_deletion(store: &Arc<dyn ObjectStore>) -> DeletePlan {
    let prefixes = vec!["old/".to_owned()];
    DeletePlan::make(store, "bucket", vec![], prefixes, &Watch::default())
        .await
        .unwrap()
}

fn hold(world: &World, op: Op, key: &'static str) {
    world.memory.misbehave(move |call| {
        (call.op == op && call.key == key).then_some(Fault::Wait(Duration::from_mins(10)))
    });
}

// Promise: A sync that deletes is one transfer: cut off while it moves or while it deletes, it goes on
// there.
#[test]
fn a_sync_goes_on_in_either_half() {
    for (op, key, done) in [
        (Op::Put, "p/newer", "p/new"),
        (Op::Delete, "p/old2", "p/old1"),
    ] {
        let world = sync_world();
        hold(&world, op, key);
        let id = world.dies(
            |journal| begin_sync(&world, journal),
            || world.memory.get(done).is_some() == (op == Op::Put),
        );
        let puts = world.memory.count(Op::Put);
        world.memory.behave();
        let journal = Journal::open(world.home.path()).unwrap();
        assert_eq!(journal.queue().unwrap().len(), 1);
        assert_eq!(journal.job(&id).unwrap().files_total, 7);
        drop(journal);
        let end = world.goes_on(&id);
        assert_eq!((end.state, end.files_done), (JobState::Done, 7));
        assert_eq!((end.deletes, end.deleted), (5, 5));
        assert_eq!(world.memory.keys(), ["p/new", "p/newer"]);
        assert_eq!(
            world.memory.count(Op::Put) - puts,
            u64::from(op == Op::Put),
            "what had arrived is not sent again"
        );
        assert_eq!(world.receipts(&id).len(), 2);
    }
}

#[test]
fn a_sync_whose_files_did_not_all_arrive_deletes_when_tried_again() {
    let world = sync_world();
    world.memory.misbehave(|call| {
        (call.op == Op::Put && call.key == "p/new").then_some(Fault::Fail(ErrorKind::Denied))
    });
    let life = world.life();
    life.runtime.block_on(async {
        let job = begin_sync(&world, life.journal.clone()).await;
        let end = job.wait().await;
        assert_eq!(
            (end.state, end.files_done, end.deleted),
            (JobState::Partial, 1, 0)
        );
        assert_eq!(world.memory.keys().len(), 6);
        world.memory.behave();
        assert!(job.retry_failed());
        let end = job.wait().await;
        assert_eq!((end.state, end.deleted), (JobState::Done, 5));
    });
    assert_eq!(world.memory.keys(), ["p/new", "p/newer"]);
}

// Promise: A deletion that was cut off goes on, and what has got the same name since stays.
#[test]
fn a_deletion_goes_on_and_leaves_what_came_since() {
    let world = World::new();
    for i in 0..10 {
        world.memory.insert(&format!("old/{i}"), "old");
    }
    hold(&world, Op::Delete, "old/5");
    let id = world.dies(
        async |journal| {
            let store = world.store();
            let (job, plan) = (NewJob::default(), plan_deletion(&store).await);
            let id = journal.add_delete(job, &plan, Utc::now()).await.unwrap();
            Job::resume(&journal, &id, store, None, settings())
                .await
                .unwrap()
        },
        || world.memory.keys().len() == 5,
    );
    world.memory.behave();
    // One that was deleted before the crash, and one that was still to go.
    world.memory.insert("old/1", "written since");
    world.memory.insert("old/7", "replaced since");
    let journal = Journal::open(world.home.path()).unwrap();
    let tidied = world.life();
    tidied
        .runtime
        .block_on(journal.tidy(Utc::now()))
        .expect("nothing to tidy");
    drop((tidied, journal));
    let end = world.goes_on(&id);
    assert_eq!(
        (end.state, end.deleted, end.files_failed),
        (JobState::Partial, 8, 2)
    );
    assert_eq!(world.memory.keys(), ["old/1", "old/7"]);
}

// Promise: A deletion that is paused goes on with what is left.
#[test]
fn a_deletion_is_paused_and_goes_on() {
    let world = World::new();
    for i in 0..2500 {
        world.memory.insert(&format!("old/{i:04}"), "old");
    }
    hold(&world, Op::Delete, "old/1500");
    let life = world.life();
    life.runtime.block_on(async {
        let store = world.store();
        let (job, plan) = (NewJob::default(), plan_deletion(&store).await);
        let journal = &life.journal;
        let id = journal.add_delete(job, &plan, Utc::now()).await.unwrap();
        let job = Job::resume(journal, &id, Arc::clone(&store), None, settings())
            .await
            .unwrap();
        while world.memory.keys().len() > 500 {
            assert!(job.snapshot().ended.is_none());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        job.pause();
        assert_eq!(job.wait().await.state, JobState::Paused);
        world.memory.behave();
        assert!(job.go_on());
        let end = job.wait().await;
        assert_eq!((end.state, end.deleted), (JobState::Done, 2500));
        assert_eq!(journal.job(&id).unwrap().files_done, 2500);
    });
    assert!(world.memory.keys().is_empty());
}

#[test]
fn a_store_that_begins_every_listing_at_its_beginning_is_listed_whole() {
    let mut memory = Memory::plain();
    memory.knows_start_after = false;
    let memory = Arc::new(memory);
    for i in 0..2500 {
        memory.insert(&format!("old/{i:04}"), "old");
    }
    let store = memory.as_store();
    Runtime::new().unwrap().block_on(async {
        let plan = plan_deletion(&store).await;
        memory.insert("old/2007", "replaced since");
        let end = Job::delete(store, plan, settings()).wait().await;
        assert_eq!((end.deleted, end.files_failed), (2499, 1));
    });
    assert_eq!(memory.keys(), ["old/2007"]);
}
