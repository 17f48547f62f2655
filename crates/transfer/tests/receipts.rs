//! What receipts say of the bytes, and whether looking again finds out that they are others now.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use doubles::moving::*;
use doubles::{Memory, Op, hex, pattern};
use sha2::{Digest, Sha256};
use wherry_account::PartLimits;
use wherry_store::ObjectStore;
use wherry_transfer::receipt::Entry;
use wherry_transfer::run::{Proven, Recheck, Side};
use wherry_transfer::*;

/// A part.
const PART: usize = 64 << 10;

const SIZES: [usize; 5] = [0, 1, PART, PART + 1, 5 * PART + 77];

fn memory() -> Memory {
    let mut memory = Memory::plain();
    memory.quirks.parts = PartLimits {
        min_size: 1,
        preferred_size: PART as u64,
        max_size: PART as u64,
        ..PartLimits::default()
    };
    memory
}

/// With receipts, and pieces so small that there are several.
fn noted(sha256: bool) -> (Arc<std::sync::Mutex<Vec<Receipt>>>, Settings) {
    let (all, settings) = receipts();
    let settings = Settings {
        sha256,
        fetch_whole: PART as u64,
        fetch_range: 2 * PART as u64 - 1,
        ..settings
    };
    (all, settings)
}

fn bytes_of(size: usize) -> Vec<u8> {
    pattern(size, size as u64)
}

fn names(folder: &Path) -> Vec<std::path::PathBuf> {
    let write = |size: &usize| {
        let path = folder.join(size.to_string());
        fs::write(&path, bytes_of(*size)).unwrap();
        path
    };
    SIZES.iter().map(write).collect()
}

fn are_of_the_bytes(receipts: &[Receipt], sha256: bool) {
    assert_eq!(receipts.len(), SIZES.len());
    for receipt in receipts {
        let bytes = bytes_of(receipt.size as usize);
        assert_eq!(receipt.crc, Some(Crc::of(&bytes)), "{receipt:?}");
        let expected = sha256.then(|| hex(&Sha256::digest(&bytes)));
        assert_eq!(receipt.sha256, expected, "{receipt:?}");
    }
}

async fn upload_all(store: &Arc<dyn ObjectStore>, folder: &Path, sha256: bool) -> Vec<Receipt> {
    let plan = plan_upload(store, names(folder)).await;
    let (all, settings) = noted(sha256);
    let choices = Choices::all(OnConflict::Overwrite);
    let job = Job::upload(Arc::clone(store), plan, &choices, settings);
    let end = job.await.unwrap().wait().await;
    assert_eq!(end.state, JobState::Done);
    all.lock().unwrap().clone()
}

// Promise: A receipt has the CRC-64/NVME of the whole file, also of one that went in parts, unless the
// store copied it by itself.
// Promise: With SHA-256 for receipts turned on, a file that was sent or fetched is read once more, and
// the SHA-256 counts only when those are the bytes that were moved.
#[tokio::test]
async fn a_receipt_has_the_sums_of_the_whole() {
    for sha256 in [false, true] {
        let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (Arc::new(memory()), Arc::new(memory()));
        are_of_the_bytes(
            &upload_all(&from.as_store(), here.path(), sha256).await,
            sha256,
        );

        let (all, settings) = noted(sha256);
        let plan = plan_download(&from.as_store(), "", back.path()).await;
        let job = Job::download(from.as_store(), plan, Choices::default(), settings);
        assert_eq!(job.await.unwrap().wait().await.state, JobState::Done);
        are_of_the_bytes(&all.lock().unwrap(), sha256);

        let request = CopyRequest {
            from_bucket: "bucket".into(),
            from: String::new(),
            to_bucket: "bucket".into(),
            to: String::new(),
            remove_originals: false,
        };
        let (all, settings) = noted(sha256);
        let (a, b) = (from.as_store(), to.as_store());
        let plan = CopyPlan::between(&a, &b, request, &Watch::default()).await;
        let choices = Choices::default();
        let job = Job::copy_between(a, b, false, plan.unwrap(), &choices, settings);
        assert_eq!(job.await.unwrap().wait().await.state, JobState::Done);
        are_of_the_bytes(&all.lock().unwrap(), sha256);
    }
}

async fn look(
    memory: &Arc<Memory>,
    receipts: &[Receipt],
    side: Side,
    read: bool,
) -> (Job, JobSnapshot) {
    let entries = receipts.iter().map(|r| Entry::of(r, "", "here")).collect();
    let what = Recheck {
        entries,
        side,
        read,
    };
    let job = Job::recheck(memory.as_store(), what, settings());
    let end = job.wait().await;
    (job, end)
}

fn at_the_store() -> Side {
    Side::Store(HashMap::new())
}

// Promise: Verifying says what was proved: that every byte was read again, that the store's own
// checksum is the receipt's, or that the store still has the same ETag and size.
#[tokio::test]
async fn it_is_said_what_was_proved() {
    let here = tempfile::tempdir().unwrap();
    for has_checksums in [false, true] {
        let memory = Arc::new(Memory {
            has_checksums,
            ..memory()
        });
        let receipts = upload_all(&memory.as_store(), here.path(), false).await;
        let files = SIZES.len() as u64;
        let told = match has_checksums {
            true => Proven {
                checksum: files,
                ..Proven::default()
            },
            false => Proven {
                unchanged: files,
                ..Proven::default()
            },
        };
        let before = memory.count(Op::Get);
        let (_, end) = look(&memory, &receipts, at_the_store(), false).await;
        assert_eq!((end.state, end.proven), (JobState::Done, Some(told)));
        assert_eq!(memory.count(Op::Get), before, "nothing was fetched");

        let all_read = Proven {
            read: files,
            ..Proven::default()
        };
        let (_, end) = look(&memory, &receipts, at_the_store(), true).await;
        assert_eq!((end.state, end.proven), (JobState::Done, Some(all_read)));
        let (_, end) = look(&memory, &receipts, Side::Computer(None), false).await;
        assert_eq!((end.state, end.proven), (JobState::Done, Some(all_read)));
    }
    let mixed = Proven {
        read: 2,
        checksum: 0,
        unchanged: 1,
    };
    assert_eq!(
        mixed.to_string(),
        "2 files: every byte was read again. 1 file: the store still has the same ETag and size; \
         the bytes were not read."
    );
}

#[tokio::test]
async fn a_turned_byte_is_found() {
    let here = tempfile::tempdir().unwrap();
    let memory = Arc::new(memory());
    let receipts = upload_all(&memory.as_store(), here.path(), false).await;
    let large = SIZES[4];
    let differs = |job: &Job| {
        let failed = job.files(0..9, true);
        assert_eq!(failed.len(), 1, "{failed:?}");
        let error = failed[0].error.clone().unwrap();
        assert!(matches!(error, FileError::Differs { .. }), "{error:?}");
        let name = failed[0].name.clone();
        assert!(name.ends_with(&large.to_string()), "{name}");
    };
    // The store says the same as before: only reading finds it.
    memory.rot(&large.to_string(), 3 * PART + 5);
    let (_, end) = look(&memory, &receipts, at_the_store(), false).await;
    assert_eq!(end.state, JobState::Done);
    let (job, end) = look(&memory, &receipts, at_the_store(), true).await;
    assert_eq!(end.proven.unwrap().files(), SIZES.len() as u64 - 1);
    differs(&job);
    // One that knows checksums would say so.
    let knows = Arc::new(Memory {
        has_checksums: true,
        ..self::memory()
    });
    upload_all(&knows.as_store(), here.path(), false).await;
    knows.rot(&large.to_string(), 0);
    let (job, _) = look(&knows, &receipts, at_the_store(), false).await;
    differs(&job);
    let path = here.path().join(large.to_string());
    let mut bytes = fs::read(&path).unwrap();
    bytes[large - 1] ^= 0x80;
    fs::write(&path, bytes).unwrap();
    let (job, _) = look(&memory, &receipts, Side::Computer(None), false).await;
    differs(&job);
}

/// A file that changes after its last part was sent has no SHA-256: it would be another file's.
#[tokio::test]
async fn a_file_that_changes_after_it_was_sent_has_no_sha256() {
    let here = tempfile::tempdir().unwrap();
    let memory = Arc::new(memory());
    let path = here.path().join("large");
    let bytes = pattern(3 * PART, 1);
    fs::write(&path, &bytes).unwrap();
    let at = path.clone();
    memory.misbehave(move |call| {
        // The same size and not the same bytes.
        if call.op == Op::Complete {
            fs::write(&at, pattern(3 * PART, 2)).unwrap();
        }
        None
    });
    let (all, settings) = noted(true);
    let job = begin_upload(&memory.as_store(), vec![path], settings).await;
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Done);
    let receipt = all.lock().unwrap()[0].clone();
    assert_eq!((receipt.crc, receipt.sha256), (Some(Crc::of(&bytes)), None));
    assert_eq!(memory.get("large").unwrap(), bytes);
}
