//! Thousands of seeds, each a world in which things go wrong; after each of them, what was promised
//! must hold: what a receipt says arrived is there byte for byte, nothing else was overwritten, and
//! nothing is left behind that nobody knows of.
//!
//! A seed decides everything, so one that fails fails again: `WHERRY_SEED=n` runs that one and tells
//! every step of it. `WHERRY_SEEDS=n` runs so many instead of the usual few hundred.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod disk;
mod events;
mod fate;
mod life;
mod lives;
mod platter;
mod promises;
mod shelves;
mod store;
mod syncs;
mod weather;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs the seeds on all processors and tells of the first few that failed.
fn run(test: &str, usual: u64, seed: fn(u64, bool) -> Result<u64, String>) {
    if let Some(one) = number("WHERRY_SEED") {
        seed(one, true).unwrap_or_else(|broken| panic!("seed {one}: {broken}"));
        return;
    }
    let wanted = number("WHERRY_SEEDS");
    let count = wanted.unwrap_or(usual);
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, SeqCst);
                    if at >= count || failed.lock().unwrap().len() >= 5 {
                        return;
                    }
                    if wanted.is_some() && at > 0 && at.is_multiple_of(1000) {
                        println!("{test}: {at} of {count} seeds");
                    }
                    let outcome = std::panic::catch_unwind(|| seed(at, false));
                    let broken = match outcome {
                        Ok(Ok(_)) => continue,
                        Ok(Err(broken)) => broken,
                        Err(_) => "it panicked, see above".to_owned(),
                    };
                    failed.lock().unwrap().push((at, broken));
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if wanted.is_some() {
        let [crashes, cuts] = [&lives::CRASHES, &lives::POWER_CUTS].map(|n| n.load(SeqCst));
        println!(
            "{test}: {count} seeds with {crashes} crashes, {cuts} of them power cuts; {} failed",
            failed.len()
        );
    }
    for (seed, broken) in &failed {
        println!("seed {seed}: {broken}");
        println!(
            "  again: WHERRY_SEED={seed} cargo nextest run -p wherry-transfer --test simulation {test} --no-capture"
        );
    }
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
}

#[test]
fn without_a_journal_every_promise_but_resuming_holds() {
    run(
        "without_a_journal_every_promise_but_resuming_holds",
        250,
        life::without_a_journal,
    );
}

// Promise: A downloaded file that is written down as arrived is there under its name, also after a power
// cut.
#[test]
fn cut_off_anywhere_and_gone_on_with_every_promise_holds() {
    run(
        "cut_off_anywhere_and_gone_on_with_every_promise_holds",
        250,
        lives::with_a_journal,
    );
}

/// Whoever did not wait for names to be on the disk would be found out as well.
#[test]
fn a_name_that_only_seems_to_be_on_the_disk_is_missed() {
    let broken = (0..250).filter_map(|seed| lives::on_a_disk_that_lies(seed, false).err());
    let missed = "a receipt for a file that is not there";
    assert!({ broken }.any(|broken| broken.contains(missed)));
}

#[test]
fn a_seed_goes_the_same_way_every_time() {
    for seed in 0..30 {
        let once = life::without_a_journal(seed, false);
        assert_eq!(once, life::without_a_journal(seed, false), "seed {seed}");
        let once = lives::with_a_journal(seed, false);
        assert_eq!(once, lives::with_a_journal(seed, false), "seed {seed}");
    }
}
