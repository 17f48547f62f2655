//! Downloads that were cut off.

use super::*;

/// Ranges from this byte on never arrive.
pub fn hold_ranges_from(memory: &Memory, byte: u64) {
    memory.misbehave(move |call| {
        (call.op == Op::Get && call.at >= byte).then_some(Fault::Wait(Duration::from_mins(10)))
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
    let receipt = &world.receipts(&id)[0];
    assert_eq!(receipt.proof, Proof::Etag);
    assert_eq!(receipt.crc, Some(Crc::of(&bytes)));
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

/// Twenty small files of which ten arrived before the process died.
fn small_download_that_died(world: &World) -> String {
    for i in 0..20u64 {
        world.memory.insert(&format!("small-{i}"), pattern(1000, i));
    }
    world.memory.misbehave(|call| {
        (call.op == Op::Get && call.before >= 10).then_some(Fault::Wait(Duration::from_mins(10)))
    });
    let journal = Journal::open(world.home.path()).unwrap();
    let here = world.here.path();
    let id = world.dies(
        |journal| begin_download(world.store(), here.into(), written(journal)),
        || {
            let job = journal.queue().unwrap().pop();
            job.is_some_and(|job| job.files_done == 10)
        },
    );
    world.memory.behave();
    assert_eq!(arrived_in(here), 10);
    id
}

fn arrived_in(folder: &Path) -> usize {
    let there = files_in(folder).into_keys();
    there.filter(|name| !name.contains(".wherry-")).count()
}

#[test]
fn small_files_that_had_arrived_are_not_in_their_own_way() {
    let world = World::new();
    let id = small_download_that_died(&world);
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

// Promise: What had arrived before the crash is looked for first; what somebody has deleted or replaced
// there is sent again.
#[test]
fn what_had_arrived_and_is_gone_is_fetched_again() {
    let world = World::new();
    let id = small_download_that_died(&world);
    let written = world.receipts(&id);
    assert_eq!(written.len(), 10);
    let files = |receipt: &Receipt| match &receipt.to {
        End::File(path) => path.clone(),
        End::Object { .. } => unreachable!("a download"),
    };
    let arrived: Vec<PathBuf> = written.iter().map(files).collect();
    // A power cut where the file system cannot keep names, or somebody who tidied up.
    fs::remove_file(&arrived[0]).unwrap();
    fs::remove_file(&arrived[2]).unwrap();
    // Not lost: somebody went on with it.
    fs::write(&arrived[1], "edited").unwrap();
    let before = world.memory.count(Op::Get);
    let end = world.goes_on(&id);
    assert_eq!((end.state, end.files_done), (JobState::Done, 20));
    assert_eq!(world.memory.count(Op::Get) - before, 12);
    assert!(arrived[0].exists() && arrived[2].exists());
    assert_eq!(fs::read(&arrived[1]).unwrap(), b"edited");
    assert_eq!(arrived_in(world.here.path()), 20);
    assert_eq!(world.receipts(&id).len(), 20);
    let journal = Journal::open(world.home.path()).unwrap();
    let job = journal.job(&id).unwrap();
    assert_eq!((job.files_done, job.bytes_done), (20, 20 * 1000));
    world.nothing_is_half_done(&id);
}
