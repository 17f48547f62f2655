//! How much is held, how many parts there are, and how large a file may be.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::Barrier;
use wherry_transfer::run::disk::{Folder, Identity, LocalFile};

use super::*;
use crate::doubles::abyss::Abyss;

// Promise: A transfer holds a fixed amount of file contents in memory, whatever the number and the
// size of the files.
#[tokio::test]
async fn memory_is_bounded_whatever_the_count_and_size() {
    let here = tempfile::tempdir().unwrap();
    for i in 0..60u64 {
        fs::write(here.path().join(format!("{i}")), pattern(MIB, i)).unwrap();
    }
    let large = tempfile::tempdir().unwrap();
    fs::write(large.path().join("large"), pattern(128 * MIB, 1)).unwrap();
    // Twenty files of one MiB fill the budget; none gets through before all of them are held at once.
    // Of parts of eight there are never more than two, of which one is there before the other has room.
    for (folder, together, all) in [(&here, Some(Barrier::new(20)), 20), (&large, None, 16)] {
        let memory = Arc::new(Memory {
            together,
            ..Memory::plain()
        });
        let store = memory.as_store();
        let tight = Settings {
            memory: 20 << 20,
            ..settings()
        };
        let job = begin_upload(&store, vec![folder.path().to_owned()], tight).await;
        assert_eq!(job.wait().await.state, JobState::Done);
        let most = memory.held_most.load(SeqCst) / MIB as u64;
        assert!(most == all || most == 8 && all == 16, "{most} MiB");
    }
}

#[tokio::test]
async fn a_part_that_the_store_is_slow_to_take_keeps_no_memory_from_small_files() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("0"), pattern(LARGE, 1)).unwrap();
    for i in 1..=40u64 {
        fs::write(here.path().join(format!("{i}")), pattern(1000, i)).unwrap();
    }
    let memory = Memory::new();
    memory.misbehave(|call| (call.op == Op::Part).then_some(Fault::Wait(Duration::from_mins(10))));
    let store = memory.as_store();
    // Most of the small files begin when the large one has read all of itself.
    let few = Settings {
        requests: 8,
        ..settings()
    };
    let job = begin_upload(&store, vec![here.path().to_owned()], few).await;
    let all_there = async {
        while memory.keys().len() < 40 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let there = tokio::time::timeout(Duration::from_secs(30), all_there).await;
    assert!(there.is_ok(), "{:?}", job.snapshot());
    job.cancel();
    assert_eq!(job.wait().await.files_done, 40);
}

/// A disk with one file of zeros, of any size: what is read from it is hashed once for each length.
struct Zeros {
    size: u64,
    sums: Arc<Mutex<HashMap<usize, Sum>>>,
}

struct File {
    identity: Identity,
    sums: Arc<Mutex<HashMap<usize, Sum>>>,
}

#[async_trait]
impl Disk for Zeros {
    async fn open(&self, _: &Path) -> Result<Arc<dyn LocalFile>, FileError> {
        let identity = Identity {
            size: self.size,
            modified: None,
            inode: None,
        };
        let sums = Arc::clone(&self.sums);
        Ok(Arc::new(File { identity, sums }))
    }

    async fn folder(&self, path: &Path) -> Result<Arc<dyn Folder>, FileError> {
        SystemDisk.folder(path).await
    }
}

#[async_trait]
impl LocalFile for File {
    fn path(&self) -> &Path {
        Path::new("/zeros")
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    async fn read(&self, offset: u64, buffer: Vec<u8>) -> Result<(Vec<u8>, Sum), FileError> {
        assert!(offset + buffer.len() as u64 <= self.size());
        let mut sums = self.sums.lock().unwrap();
        let sum = sums
            .entry(buffer.len())
            .or_insert_with(|| Sum::of(&vec![0; buffer.len()]));
        Ok((buffer, *sum))
    }

    async fn hash(&self, _: u64, _: u64) -> Result<Sum, FileError> {
        unreachable!("every part of this test is held")
    }

    async fn check_unchanged(&self) -> Result<(), FileError> {
        Ok(())
    }
}

#[tokio::test]
async fn ten_thousand_and_one_parts_become_fewer_larger_ones() {
    let here = tempfile::tempdir().unwrap();
    let size = 10_001 * (8 << 20);
    let path = here.path().join("huge");
    // Announced by the real disk, and read from a quicker one.
    fs::File::create(&path).unwrap().set_len(size).unwrap();
    let store = Abyss::new();
    let asked: Arc<dyn wherry_store::ObjectStore> = Arc::clone(&store) as _;
    let plan = plan_upload(&asked, vec![path]).await;
    assert!(plan.notes.is_empty() && plan.bytes == size);
    let (all, settings) = receipts();
    let settings = Settings {
        disk: Arc::new(Zeros {
            size,
            sums: Arc::default(),
        }),
        ..settings
    };
    let job = Job::upload(asked, plan, &Choices::default(), settings)
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..1, true));
    assert_eq!(end.bytes_done, size);
    // 9 MiB each; the last one shorter.
    let parts = store.parts();
    assert_eq!(parts.len(), 8890);
    let (last, others) = parts.split_last().unwrap();
    assert!(others.iter().all(|length| *length == 9 << 20) && *last < 9 << 20);
    assert_eq!(parts.iter().sum::<u64>(), size);
    let receipt = all.lock().unwrap().pop().unwrap();
    assert_eq!((receipt.size, receipt.part_size), (size, Some(9 << 20)));
    assert_eq!(receipt.proof, Proof::Etag);
}

#[tokio::test]
async fn five_tebibytes_are_begun_and_one_byte_more_is_left_out() {
    let here = tempfile::tempdir().unwrap();
    let five = 5u64 << 40;
    for (name, size) in [("largest", five), ("too large", five + 1)] {
        let file = fs::File::create(here.path().join(name)).unwrap();
        if file.set_len(size).is_err() {
            eprintln!("skipped: this disk has no files so large");
            return;
        }
    }
    let store = Abyss::new();
    // The first part never comes to its end.
    store.hold.store(true, SeqCst);
    let asked: Arc<dyn wherry_store::ObjectStore> = Arc::clone(&store) as _;
    let mut request = upload_request(vec![here.path().to_owned()]);
    request.sources[0].contents = true;
    let plan = UploadPlan::make(&asked, request, &Watch::default())
        .await
        .unwrap();
    assert_eq!((plan.items.len(), plan.bytes), (1, five));
    assert_eq!(plan.key(0), "largest");
    let note = &plan.notes[0];
    assert!(note.name.ends_with("too large") && note.kind.left_out());
    assert_eq!(
        note.kind.to_string(),
        "left out: 5497558138881 bytes are more than the 5497558138880 that this store takes in one object"
    );
    let one_part_at_once = Settings {
        requests: 1,
        ..settings()
    };
    let job = Job::upload(asked, plan, &Choices::default(), one_part_at_once)
        .await
        .unwrap();
    while store.parts().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // 9,987 of them.
    assert_eq!(store.parts(), [525 << 20]);
    assert_eq!(store.begun.load(SeqCst), 1);
    job.cancel();
    assert_eq!(job.wait().await.state, JobState::Cancelled);
    assert_eq!(store.aborted.load(SeqCst), 1, "nothing is left behind");
}
