//! How far a transfer is that is taken up again: what was there counts from the first look on.

use super::*;

/// Never fewer bytes than these, from the moment it is taken up to its end.
fn goes_on_from(world: &World, id: &str, bytes: u64) {
    let life = world.life();
    life.runtime.block_on(async {
        let job = Job::resume(&life.journal, id, world.store(), None, settings()).await;
        let job = job.unwrap();
        loop {
            let now = job.snapshot();
            assert!(now.bytes_done >= bytes, "{now:?}");
            assert!(now.bytes_done <= now.bytes_total, "{now:?}");
            if now.ended.is_some() {
                assert_eq!(
                    (now.state, now.bytes_done),
                    (JobState::Done, now.bytes_total)
                );
                break;
            }
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn the_parts_of_an_upload_that_are_there_count_at_once() {
    let world = World::new();
    let unit = UNIT as u64;
    fs::write(world.path("large"), pattern(36 * UNIT, 1)).unwrap();
    hold_parts_from(&world.memory, 3);
    let id = world.dies(
        |journal| begin_upload(world.store(), world.path("large"), written(journal)),
        || world.noted("parts") == 2,
    );
    world.memory.behave();
    goes_on_from(&world, &id, 16 * unit);
}

#[test]
fn the_ranges_of_a_download_that_are_there_count_at_once() {
    let world = World::new();
    let unit = UNIT as u64;
    world.memory.insert("large", pattern(36 * UNIT, 1));
    downloads::hold_ranges_from(&world.memory, 16 * unit);
    let id = world.dies(
        |journal| begin_download(world.store(), world.here.path().into(), written(journal)),
        || world.noted("ranges") == 1,
    );
    world.memory.behave();
    goes_on_from(&world, &id, 16 * unit);
}
