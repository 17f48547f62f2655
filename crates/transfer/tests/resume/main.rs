//! Transfers that are cut off as a crash does it, and taken up again.

#![allow(clippy::unwrap_used)]

#[path = "../doubles/mod.rs"]
mod doubles;

mod again;
mod copies;
mod downloads;
mod progress;
mod removals;
mod steering;
mod uploads;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use doubles::moving::{plan_copy, plan_download, upload_request};
use doubles::{Fault, Memory, Op, files_in, pattern};
use rusqlite::Connection;
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
        Self::of(Memory::plain())
    }

    fn of(mut memory: Memory) -> Self {
        memory.quirks.parts = PartLimits {
            min_size: 1,
            preferred_size: 8 * UNIT as u64,
            max_size: 8 * UNIT as u64,
            ..PartLimits::default()
        };
        memory.copies_whole_up_to = 1 << 20;
        memory.copy_part_size = 64 * UNIT as u64;
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

    /// What is written down of files that are half done. The store has a part before that is.
    fn noted(&self, table: &str) -> i64 {
        let journal = Connection::open(self.home.path().join("transfers.sqlite")).unwrap();
        let count = format!("SELECT count(*) FROM {table}");
        journal.query_row(&count, [], |row| row.get(0)).unwrap()
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
        (call.op == Op::Part && call.at >= number).then_some(Fault::Wait(Duration::from_mins(10)))
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
