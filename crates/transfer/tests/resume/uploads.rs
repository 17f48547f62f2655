//! Uploads that were cut off.

use super::*;

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
    assert_eq!(receipts[0].crc, Some(Crc::of(&bytes)));
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
fn a_file_that_has_become_small_meanwhile_leaves_no_upload_behind() {
    let world = World::new();
    let id = upload_that_died(&world, &pattern(40 * UNIT, 1));
    let bytes = pattern(100, 2);
    fs::write(world.path("large"), &bytes).unwrap();
    assert_eq!(world.goes_on(&id).state, JobState::Done);
    assert_eq!(world.memory.get("large").unwrap(), bytes);
    assert_eq!(world.memory.unfinished(), 0);
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
        Some(Fault::Wait(Duration::from_mins(10)))
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
        .misbehave(|call| (call.op == Op::Head).then_some(Fault::Wait(Duration::from_mins(10))));
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
