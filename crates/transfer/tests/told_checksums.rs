//! Stores that say the checksum of what they have stored, as Amazon's does, are taken at their word.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::fs;
use std::sync::Arc;

use doubles::moving::*;
use doubles::{Fault, Memory, Op, pattern};
use wherry_account::{MultipartEtag, Quirks};
use wherry_transfer::*;

const MIB: usize = 1 << 20;

/// Its ETags say nothing of what came in parts.
fn store(has_checksums: bool) -> Arc<Memory> {
    Arc::new(Memory {
        has_checksums,
        opaque_etags: true,
        quirks: Quirks {
            multipart_etag: MultipartEtag::Opaque,
            ..Quirks::default()
        },
        ..Memory::plain()
    })
}

// Promise: Where the store says the CRC-64/NVME of what it has stored, an upload whose bytes have another one
// fails, and the damaged object is removed again.
#[tokio::test]
async fn an_upload_whose_checksum_is_another_one_fails() {
    for (size, op) in [(1000, Op::Put), (20 * MIB, Op::Complete)] {
        let (store, here) = (store(true), tempfile::tempdir().unwrap());
        let bytes = pattern(size, 1);
        fs::write(here.path().join("file"), &bytes).unwrap();
        let once = move |call: &doubles::Call| {
            (call.op == op && call.before == 0).then_some(Fault::TurnBit)
        };
        store.misbehave(once);
        let (job, end) = upload(&store.as_store(), vec![here.path().join("file")]).await;
        assert_eq!(end.state, JobState::Failed);
        let rows = job.files(0..1, true);
        let Some(FileError::Mismatch {
            expected, found, ..
        }) = &rows[0].error
        else {
            panic!("{rows:?}");
        };
        assert_eq!(*expected, format!("CRC-64/NVME {}", Crc::of(&bytes)));
        assert!(found.starts_with("CRC-64/NVME ") && found != expected);
        assert_eq!(store.keys(), Vec::<String>::new(), "what is damaged goes");
        assert!(job.retry_failed());
        assert_eq!(job.wait().await.state, JobState::Done);
        assert_eq!(store.get("file").unwrap(), bytes);
    }
}

#[tokio::test]
async fn what_says_nothing_is_not_held_against_an_upload() {
    let (store, here) = (store(false), tempfile::tempdir().unwrap());
    for (name, size) in [("small", 1000), ("large", 20 * MIB)] {
        fs::write(here.path().join(name), pattern(size, 1)).unwrap();
    }
    let both = ["small", "large"].map(|name| here.path().join(name));
    let (_, end) = upload(&store.as_store(), both.to_vec()).await;
    assert_eq!((end.state, end.files_done), (JobState::Done, 2));
}
