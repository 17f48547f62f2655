//! Transfers that are cut off as a crash does it, and taken up again.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use doubles::moving::{plan_download, upload_request};
use doubles::{Fault, Memory, Op, files_in, pattern};
use tokio::runtime::Runtime;
use wherry_account::PartLimits;
use wherry_store::{ErrorKind, ObjectStore};
use wherry_transfer::journal::{Entry, NewJob, State, recover};
use wherry_transfer::*;

/// A part has eight of these, and a range sixteen.
const UNIT: usize = 8 << 10;

/// A store, a file or folder, and a journal that outlive the processes that use them.
struct World {
    memory: Arc<Memory>,
    here: tempfile::TempDir,
    home: tempfile::TempDir,
}

/// What a process has.
struct Life {
    runtime: Runtime,
    journal: Journal,
}

impl World {
    fn new() -> Self {
        let mut memory = Memory::plain();
        memory.quirks.parts = PartLimits {
            min_size: 1,
            preferred_size: 8 * UNIT as u64,
            max_size: 8 * UNIT as u64,
            ..PartLimits::default()
        };
        Self {
            memory: Arc::new(memory),
            here: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn store(&self) -> Arc<dyn ObjectStore> {
        self.memory.as_store()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.here.path().join(name)
    }

    fn life(&self) -> Life {
        Life {
            runtime: Runtime::new().unwrap(),
            journal: Journal::open(self.home.path()).unwrap(),
        }
    }

    /// A process in which a job is begun and which dies when `when` says so. What was noted by then
    /// is in the journal.
    fn dies<F: Future<Output = Job>>(
        &self,
        begin: impl FnOnce(Journal) -> F,
        when: impl Fn() -> bool,
    ) -> String {
        let life = self.life();
        let id = life.runtime.block_on(async {
            let job = begin(life.journal.clone()).await;
            while !when() {
                assert!(job.snapshot().ended.is_none(), "ended before it could die");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            life.journal.flush().await.unwrap();
            job.id().unwrap()
        });
        life.runtime.shutdown_timeout(Duration::from_secs(5));
        id
    }

    /// A process that finds the job and takes it to its end.
    fn goes_on(&self, id: &str) -> JobSnapshot {
        let life = self.life();
        life.runtime.block_on(async {
            let found = life.journal.cut_off().unwrap();
            assert_eq!(
                found.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(),
                [id]
            );
            let job = Job::resume(&life.journal, id, self.store(), None, settings()).await;
            let end = job.unwrap().wait().await;
            assert_eq!(
                end.ended,
                life.journal
                    .job(id)
                    .unwrap()
                    .ended
                    .map(|_| end.ended.unwrap())
            );
            end
        })
    }

    fn receipts(&self, id: &str) -> Vec<Receipt> {
        Journal::open(self.home.path())
            .unwrap()
            .receipts(id, 0, 100)
            .unwrap()
    }

    fn nothing_is_half_done(&self, id: &str) {
        let journal = Journal::open(self.home.path()).unwrap();
        assert_eq!(self.memory.unfinished(), 0);
        assert!(journal.half_uploads_of(id).unwrap().is_empty());
        assert!(journal.half_drafts_of(id).unwrap().is_empty());
        assert!(journal.left_over().unwrap().is_empty());
        let drafts: Vec<String> = files_in(self.here.path())
            .into_keys()
            .filter(|name| name.contains(".wherry-"))
            .collect();
        assert!(drafts.is_empty(), "{drafts:?}");
    }
}

/// With ranges that are as small as the parts.
fn settings() -> Settings {
    Settings {
        fetch_whole: 8 * UNIT as u64,
        fetch_range: 16 * UNIT as u64,
        ..doubles::moving::settings()
    }
}

fn written(journal: Journal) -> Settings {
    Settings {
        journal: Some(Entry {
            journal,
            job: NewJob {
                title: "a job".into(),
                fingerprint: Some("the same wish".into()),
                ..NewJob::default()
            },
        }),
        ..settings()
    }
}

/// As `wherry-cli cp` does: what is there is replaced unseen.
async fn plan_upload(store: &Arc<dyn ObjectStore>, path: PathBuf) -> UploadPlan {
    let request = UploadRequest {
        look_there: false,
        ..upload_request(vec![path])
    };
    UploadPlan::make(store, request, &Watch::default())
        .await
        .unwrap()
}

async fn begin_upload(store: Arc<dyn ObjectStore>, path: PathBuf, settings: Settings) -> Job {
    let plan = plan_upload(&store, path).await;
    let choices = Choices::all(OnConflict::Overwrite);
    Job::upload(store, plan, &choices, settings).await.unwrap()
}

async fn begin_download(store: Arc<dyn ObjectStore>, folder: PathBuf, settings: Settings) -> Job {
    let plan = plan_download(&store, "", &folder).await;
    Job::download(store, plan, Choices::default(), settings)
        .await
        .unwrap()
}

/// Parts from this one on never arrive.
fn hold_parts_from(memory: &Memory, number: u64) {
    memory.misbehave(move |call| {
        (call.op == Op::Part && call.at >= number).then_some(Fault::Wait(Duration::from_secs(600)))
    });
}

/// An upload of five parts of which two arrived before the process died.
fn upload_that_died(world: &World, bytes: &[u8]) -> String {
    fs::write(world.path("large"), bytes).unwrap();
    hold_parts_from(&world.memory, 3);
    let id = world.dies(
        |journal| begin_upload(world.store(), world.path("large"), written(journal)),
        || world.memory.parts().len() == 2,
    );
    world.memory.behave();
    id
}

// Promise: An upload in parts goes on with the parts that have arrived, once each of them has been
// compared with the file.
#[test]
fn an_upload_goes_on_with_the_parts_that_arrived() {
    let world = World::new();
    let bytes = pattern(36 * UNIT, 1);
    let id = upload_that_died(&world, &bytes);
    assert_eq!(world.memory.unfinished(), 1);
    let before = world.memory.count(Op::Part);
    let end = world.goes_on(&id);
    assert_eq!(
        (end.state, end.bytes_done),
        (JobState::Done, bytes.len() as u64)
    );
    assert_eq!(world.memory.get("large").unwrap(), bytes);
    assert_eq!(world.memory.count(Op::Part) - before, 3, "two were there");
    assert_eq!(world.memory.count(Op::CreateUpload), 1);
    let receipts = world.receipts(&id);
    assert_eq!(
        (receipts.len(), receipts[0].part_size),
        (1, Some(8 * UNIT as u64))
    );
    assert_eq!(receipts[0].proof, Proof::Etag);
    world.nothing_is_half_done(&id);
}

#[test]
fn a_part_that_is_not_the_files_is_sent_again() {
    let world = World::new();
    let bytes = pattern(36 * UNIT, 1);
    let id = upload_that_died(&world, &bytes);
    world.memory.replace_part(2, &pattern(8 * UNIT, 9));
    let before = world.memory.count(Op::Part);
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.get("large").unwrap(), bytes);
    assert_eq!(world.memory.count(Op::Part) - before, 4);
    world.nothing_is_half_done(&id);
}

// Promise: A file that was changed meanwhile is sent anew from its beginning, and the old upload is
// aborted.
#[test]
fn a_file_that_changed_meanwhile_is_begun_anew() {
    let world = World::new();
    let id = upload_that_died(&world, &pattern(36 * UNIT, 1));
    let now = pattern(36 * UNIT, 2);
    fs::write(world.path("large"), &now).unwrap();
    let before = world.memory.count(Op::Part);
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.get("large").unwrap(), now);
    assert_eq!(world.memory.count(Op::Part) - before, 5);
    world.nothing_is_half_done(&id);
}

#[test]
fn an_upload_that_was_aborted_elsewhere_is_begun_anew() {
    let world = World::new();
    let bytes = pattern(20 * UNIT, 1);
    let id = upload_that_died(&world, &bytes);
    world.memory.forget_uploads();
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.get("large").unwrap(), bytes);
    world.nothing_is_half_done(&id);
}

// Promise: An upload whose beginning was never answered is looked for at the store, and aborted.
#[test]
fn an_upload_begun_without_an_answer_is_found_and_aborted() {
    let world = World::new();
    fs::write(world.path("large"), pattern(20 * UNIT, 1)).unwrap();
    // Of others: of another key, too old, and one with a part.
    let now = Utc::now();
    let theirs = [
        world.memory.begin_upload("large too", now),
        world.memory.begin_upload("large", now - TimeDelta::days(1)),
    ];
    let store = Arc::clone(&world.memory);
    world.memory.misbehave(move |call| {
        if call.op != Op::CreateUpload {
            return None;
        }
        // The store begins it, and the process dies before it hears of that.
        store.begin_upload(&call.key, Utc::now());
        Some(Fault::Wait(Duration::from_secs(600)))
    });
    let id = world.dies(
        |journal| begin_upload(world.store(), world.path("large"), written(journal)),
        || world.memory.unfinished() == 3,
    );
    world.memory.behave();
    let journal = Journal::open(world.home.path()).unwrap();
    let half = journal.half_uploads_of(&id).unwrap();
    assert_eq!((half.len(), &half[0].upload), (1, &None));
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.upload_ids(), theirs.map(|id| id.0));
}

#[test]
fn a_beginning_that_is_tried_again_leaves_nothing() {
    let world = World::new();
    fs::write(world.path("large"), pattern(20 * UNIT, 1)).unwrap();
    world.memory.misbehave(|call| {
        (call.op == Op::CreateUpload && call.before < 2)
            .then_some(Fault::LoseAnswer(ErrorKind::Interrupted))
    });
    let life = world.life();
    life.runtime.block_on(async {
        // With a journal and without one.
        for settings in [written(life.journal.clone()), settings()] {
            let job = begin_upload(world.store(), world.path("large"), settings).await;
            assert_eq!(job.wait().await.state, JobState::Done);
            assert_eq!(world.memory.unfinished(), 0);
        }
    });
}

#[test]
fn an_upload_that_was_complete_is_not_sent_again() {
    let world = World::new();
    let bytes = pattern(20 * UNIT, 1);
    fs::write(world.path("large"), &bytes).unwrap();
    // The object is there, and the process dies before it hears of that.
    world
        .memory
        .misbehave(|call| (call.op == Op::Head).then_some(Fault::Wait(Duration::from_secs(600))));
    let id = world.dies(
        |journal| begin_upload(world.store(), world.path("large"), written(journal)),
        || world.memory.get("large").is_some(),
    );
    world.memory.behave();
    let before = world.memory.count(Op::Part);
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.count(Op::Part), before);
    assert_eq!(world.receipts(&id)[0].proof, Proof::Etag);
    world.nothing_is_half_done(&id);
}

/// Ranges from this byte on never arrive.
fn hold_ranges_from(memory: &Memory, byte: u64) {
    memory.misbehave(move |call| {
        (call.op == Op::Get && call.at >= byte).then_some(Fault::Wait(Duration::from_secs(600)))
    });
}

fn draft_in(folder: &Path) -> Option<PathBuf> {
    let name = files_in(folder)
        .into_keys()
        .find(|name| name.contains(".wherry-"))?;
    Some(folder.join(name))
}

/// A download of three ranges of which the first arrived before the process died.
fn download_that_died(world: &World, bytes: &[u8]) -> String {
    world.memory.insert("large", bytes.to_vec());
    hold_ranges_from(&world.memory, 16 * UNIT as u64);
    let journal = Journal::open(world.home.path()).unwrap();
    let id = world.dies(
        |journal| begin_download(world.store(), world.here.path().into(), written(journal)),
        || {
            let job = journal.queue().unwrap().pop();
            job.is_some_and(|job| journal.range_count(&job.id).unwrap() == 1)
        },
    );
    world.memory.behave();
    assert!(draft_in(world.here.path()).is_some());
    id
}

// Promise: A download goes on with the ranges that have arrived, once their bytes on the disk have
// been compared with what arrived.
#[test]
fn a_download_goes_on_with_the_ranges_that_arrived() {
    let world = World::new();
    let bytes = pattern(40 * UNIT, 1);
    let id = download_that_died(&world, &bytes);
    let before = world.memory.count(Op::Get);
    let end = world.goes_on(&id);
    assert_eq!(
        (end.state, end.bytes_done),
        (JobState::Done, bytes.len() as u64)
    );
    assert_eq!(fs::read(world.path("large")).unwrap(), bytes);
    assert_eq!(world.memory.count(Op::Get) - before, 2);
    assert_eq!(world.receipts(&id)[0].proof, Proof::Etag);
    world.nothing_is_half_done(&id);
}

#[test]
fn a_range_that_did_not_reach_the_disk_is_fetched_again() {
    let world = World::new();
    let bytes = pattern(40 * UNIT, 1);
    let id = download_that_died(&world, &bytes);
    // As a power cut may leave it.
    let draft = draft_in(world.here.path()).unwrap();
    let mut there = fs::read(&draft).unwrap();
    there[5 * UNIT..6 * UNIT].fill(0);
    fs::write(&draft, there).unwrap();
    let before = world.memory.count(Op::Get);
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(fs::read(world.path("large")).unwrap(), bytes);
    assert_eq!(world.memory.count(Op::Get) - before, 3);
    world.nothing_is_half_done(&id);
}

// Promise: An object that was replaced meanwhile is fetched anew, and nothing of the old one stays.
#[test]
fn an_object_that_changed_meanwhile_is_fetched_anew() {
    let world = World::new();
    let id = download_that_died(&world, &pattern(40 * UNIT, 1));
    let now = pattern(40 * UNIT, 2);
    world.memory.insert("large", now.clone());
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(fs::read(world.path("large")).unwrap(), now);
    world.nothing_is_half_done(&id);
}

#[test]
fn a_draft_that_is_gone_is_begun_anew() {
    let world = World::new();
    let bytes = pattern(40 * UNIT, 1);
    let id = download_that_died(&world, &bytes);
    fs::remove_file(draft_in(world.here.path()).unwrap()).unwrap();
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(fs::read(world.path("large")).unwrap(), bytes);
    world.nothing_is_half_done(&id);
}

#[test]
fn small_files_that_had_arrived_are_not_in_their_own_way() {
    let world = World::new();
    for i in 0..20u64 {
        world.memory.insert(&format!("small-{i}"), pattern(1000, i));
    }
    // Dies when some have got their names, whether that was written down or not.
    world.memory.misbehave(|call| {
        (call.op == Op::Get && call.before >= 10).then_some(Fault::Wait(Duration::from_secs(600)))
    });
    let here = world.here.path();
    let id = world.dies(
        |journal| begin_download(world.store(), here.into(), written(journal)),
        || {
            let there = files_in(here).into_keys();
            there.filter(|name| !name.contains(".wherry-")).count() == 10
        },
    );
    world.memory.behave();
    // As if the last notes had been lost in the crash, and drafts been left.
    let file = world.home.path().join(wherry_transfer::journal::FILE);
    let forget = "UPDATE files SET state = 0; DELETE FROM receipts;
        UPDATE jobs SET files_done = 0, bytes_done = 0";
    rusqlite::Connection::open(file)
        .unwrap()
        .execute_batch(forget)
        .unwrap();
    let before = world.memory.count(Op::Get);
    let end = world.goes_on(&id);
    assert_eq!((end.state, end.files_done), (JobState::Done, 20));
    assert_eq!(world.memory.count(Op::Get) - before, 10);
    assert_eq!(world.receipts(&id).len(), 20);
    world.nothing_is_half_done(&id);
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
        let settings = written(life.journal.clone());
        let job = begin_upload(world.store(), world.path("large"), settings).await;
        while world.memory.parts().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
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
        let settings = written(life.journal.clone());
        let job = begin_upload(world.store(), world.path("large"), settings).await;
        while world.memory.parts().len() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
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

async fn begin_move(store: Arc<dyn ObjectStore>, settings: Settings) -> Job {
    let request = CopyRequest {
        from_bucket: "bucket".into(),
        from: "old/".into(),
        to_bucket: "bucket".into(),
        to: "new/".into(),
        remove_originals: true,
    };
    let plan = CopyPlan::make(&store, request, &Watch::default())
        .await
        .unwrap();
    Job::copy(store, plan, &Choices::default(), settings)
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
            Some(Fault::Wait(Duration::from_secs(600)))
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
fn a_copy_between_stores_goes_on_with_the_parts_it_has() {
    let (world, other) = (World::new(), Memory::new());
    let bytes = pattern(3 << 20, 1);
    other.insert("large", bytes.clone());
    let plan = async |from: &Arc<dyn ObjectStore>, to: &Arc<dyn ObjectStore>| {
        let request = CopyRequest {
            from_bucket: "bucket".into(),
            from: "large".into(),
            to_bucket: "bucket".into(),
            to: "copy".into(),
            remove_originals: false,
        };
        let plan = CopyPlan::between(from, to, request, &Watch::default()).await;
        plan.unwrap()
    };
    hold_parts_from(&world.memory, 3);
    let id = world.dies(
        async |journal| {
            let (from, to) = (other.as_store(), world.store());
            let plan = plan(&from, &to).await;
            let choices = Choices::default();
            let begun = Job::copy_between(from, to, false, plan, &choices, written(journal));
            begun.await.unwrap()
        },
        || world.memory.parts().len() >= 2,
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
    world.nothing_is_half_done(&id);
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
