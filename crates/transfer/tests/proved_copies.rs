//! How a copy in parts is known to be right: it is cut as its original was, and a store that damages a
//! part of it is found out.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::sync::Arc;

use doubles::moving::*;
use doubles::{Fault, Memory, Op, pattern};
use wherry_account::{PartLimits, Quirks};
use wherry_transfer::*;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Copies in parts what has more than a MiB.
fn store() -> Memory {
    Memory {
        copies_whole_up_to: 1 << 20,
        copy_part_size: 512 << 10,
        quirks: Quirks {
            parts: PartLimits {
                min_size: 64 << 10,
                ..PartLimits::default()
            },
            ..Quirks::default()
        },
        ..Memory::plain()
    }
}

async fn copy(store: &Arc<Memory>, on_conflict: OnConflict) -> (JobSnapshot, Job, Vec<Receipt>) {
    let there = store.as_store();
    let plan = plan_copy(&there, false).await;
    let (all, settings) = receipts();
    let choices = Choices::all(on_conflict);
    let job = Job::copy(there, plan, &choices, settings).await;
    let job = job.unwrap();
    let end = job.wait().await;
    let all = all.lock().unwrap().clone();
    (end, job, all)
}

fn etag_of(store: &Memory, key: &str) -> String {
    store.inside.lock().unwrap().etag_of(key)
}

#[track_caller]
fn is_found_out(end: &JobSnapshot, job: &Job, receipts: &[Receipt]) {
    assert_eq!(end.state, JobState::Failed);
    let rows = job.files(0..1, true);
    assert!(
        matches!(rows[0].error, Some(FileError::Mismatch { .. })),
        "{rows:?}"
    );
    assert_eq!(receipts, []);
}

// Promise: A copy in parts is cut as its original was, where the original's ETag or the store tells how, and
// is done when both have the same ETag.
#[tokio::test]
async fn a_copy_in_parts_is_cut_as_its_original_was() {
    for (tells_parts, part, size) in [
        (false, 8 * MIB, 44 * MIB + 5),
        (false, 256 * KIB, 3 * MIB),
        // Nobody would guess it.
        (true, 300_000, 3 * MIB - 777),
    ] {
        let store = Arc::new(Memory {
            tells_parts,
            ..store()
        });
        let bytes = pattern(size, 1);
        store.insert_in_parts("old/large", bytes.clone(), part);
        let (end, job, receipts) = copy(&store, OnConflict::Skip).await;
        assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..1, true));
        assert_eq!(store.get("new/large").unwrap(), bytes);
        assert_eq!(etag_of(&store, "new/large"), etag_of(&store, "old/large"));
        let receipt = &receipts[0];
        assert_eq!(
            (receipt.proof, receipt.part_size),
            (Proof::Etag, Some(part as u64))
        );
        assert_eq!(store.count(Op::Get), 0, "nothing passed through here");
    }
}

// Promise: A part that the store did not copy right is found before the parts become an object: the copy fails,
// and what was in its place stays.
#[tokio::test]
async fn a_store_that_damages_a_part_is_found_out() {
    for tells_parts in [false, true] {
        let store = Arc::new(Memory {
            tells_parts,
            ..store()
        });
        let (before, bytes) = (pattern(1000, 9), pattern(3 * MIB, 1));
        store.insert_in_parts("old/large", bytes.clone(), 256 * KIB);
        store.insert("new/large", before.clone());
        store.misbehave(|call| {
            (call.op == Op::CopyPart && call.at == 3 && call.again == 0).then_some(Fault::TurnBit)
        });
        let (end, job, receipts) = copy(&store, OnConflict::Overwrite).await;
        is_found_out(&end, &job, &receipts);
        assert_eq!(store.get("new/large").unwrap(), before);
        assert_eq!(store.unfinished(), 0);
        // It may have been a bad moment of the store.
        assert!(job.retry_failed());
        assert_eq!(job.wait().await.state, JobState::Done);
        assert_eq!(store.get("new/large").unwrap(), bytes);
        assert_eq!(store.unfinished(), 0);
    }
}

// Promise: A good copy in parts does not fail because of an ETag that is no hash, or of an unusual part
// size: where the ETags differ, the bytes of the original say why.
#[tokio::test]
async fn an_unusual_part_size_fails_no_copy() {
    let store = Arc::new(store());
    for key in ["old/a", "old/b", "old/c"] {
        store.insert_in_parts(key, pattern(3 * MIB - 777, 1), 300_000);
    }
    let (end, _, receipts) = copy(&store, OnConflict::Skip).await;
    assert_eq!((end.state, end.files_done), (JobState::Done, 3));
    let proved = |proof| receipts.iter().filter(|r| r.proof == proof).count();
    assert_eq!((proved(Proof::Etag), proved(Proof::Size)), (1, 2));
    assert_eq!(store.count(Op::Get), 1, "one is read, and says enough");
    for key in ["new/a", "new/b", "new/c"] {
        assert_eq!(store.get(key).unwrap(), pattern(3 * MIB - 777, 1));
    }
}

#[tokio::test]
async fn etags_that_are_no_hashes_fail_no_copy() {
    let store = Arc::new(Memory {
        opaque_etags: true,
        ..store()
    });
    let bytes = pattern(3 * MIB, 1);
    store.insert_in_parts("old/a", bytes.clone(), 256 * KIB);
    store.insert("old/b", bytes.clone());
    let (end, _, receipts) = copy(&store, OnConflict::Skip).await;
    assert_eq!((end.state, end.files_done), (JobState::Done, 2));
    for key in ["new/a", "new/b"] {
        assert_eq!(store.get(key).unwrap(), bytes);
    }
    assert!(receipts.iter().all(|receipt| receipt.proof != Proof::Etag));
}

// A store that stores other bytes than those whose hashes it told.
#[tokio::test]
async fn damage_behind_right_hashes_is_found_and_removed() {
    let store = Arc::new(store());
    store.insert_in_parts("old/large", pattern(3 * MIB, 1), 256 * KIB);
    store.misbehave(|call| (call.op == Op::Complete).then_some(Fault::TurnBit));
    let (end, job, receipts) = copy(&store, OnConflict::Skip).await;
    is_found_out(&end, &job, &receipts);
    assert_eq!(store.get("new/large"), None, "what is damaged goes");
}
