//! The journal on its own: what is put in comes out, in the right order, also after a crash.

mod crash;
mod lists;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use wherry_store::{CompletedPart, ErrorKind, StoreError, UploadId};

use super::notes::{Arrived, Outcome};
use super::*;
use crate::crc::Crc;
use crate::error::FileError;
use crate::plan::{
    CopyItem, CopyPlan, Decided, DeletePlan, DownloadItem, DownloadPlan, Seen, UploadItem,
    UploadPlan, UploadRoot,
};
use crate::receipt::{End, Proof};
use crate::run::FileState;
use crate::run::disk::Identity;
use crate::verify::Sum;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn job(title: &str) -> NewJob {
    NewJob {
        title: title.into(),
        place: "account".into(),
        details: serde_json::json!({ "what": title }),
        ..NewJob::default()
    }
}

fn upload_item(relative: &str, root: u32) -> UploadItem {
    UploadItem {
        relative: relative.into(),
        size: 3,
        modified: 1_700_000_000_123,
        root,
        folder: false,
    }
}

fn upload_plan(names: &[&str]) -> UploadPlan {
    let roots = vec![UploadRoot {
        path: "/home/me/data".into(),
        key: "in/data/".into(),
    }];
    let mut plan = UploadPlan::restored("bkt".into(), "in/".into(), roots, 0);
    plan.items = names.iter().map(|name| upload_item(name, 0)).collect();
    plan
}

fn download_plan(folder: &Path, names: &[&str]) -> DownloadPlan {
    let mut plan = DownloadPlan::restored("bkt".into(), folder.to_owned(), 0);
    plan.items = names
        .iter()
        .map(|name| DownloadItem {
            key: format!("in/{name}").into(),
            path: (*name).into(),
            size: 5,
            modified: Some(1_000),
            etag: Some("abc".into()),
        })
        .collect();
    plan
}

struct Desk {
    folder: tempfile::TempDir,
    journal: Journal,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    Desk { folder, journal }
}

impl Desk {
    async fn upload(&self, job: NewJob, names: &[&str], state: State) -> enter::Entered {
        let (plan, decided) = (upload_plan(names), Decided::default());
        let planned = spec::upload(&plan, &decided);
        self.journal
            .enter(job, planned, state, at(0), None)
            .await
            .unwrap()
    }

    fn record(&self, entered: enter::Entered) -> Record {
        Record::new(self.journal.clone(), entered.n, entered.id, entered.claim).unwrap()
    }
}

fn arrived() -> Outcome {
    Outcome::Done(Some(Arrived {
        size: 3,
        md5: Some([7; 16]),
        sha256: Some([8; 32].into()),
        crc: Some(Crc::of(b"hey")),
        etag: Some("e".into()),
        part_size: Some(8 << 20),
        version_id: Some("v1".into()),
        proof: Proof::PartMd5,
        started: at(10),
        finished: at(11),
    }))
}

fn identity() -> Identity {
    Identity {
        size: 3,
        modified: Some(std::time::SystemTime::UNIX_EPOCH + Duration::from_nanos(123_456_789)),
        inode: Some((u64::MAX - 1, 42)),
    }
}

#[tokio::test]
async fn plans_come_back_as_they_were_decided() {
    let desk = desk();
    let mut plan = upload_plan(&["a.txt", "deep/ünï 😀\n", "b.txt", "empty"]);
    plan.roots.push(UploadRoot {
        path: "/home/me/single.txt".into(),
        key: "in/single.txt".into(),
    });
    plan.items.push(upload_item("", 1));
    plan.items[3].folder = true;
    plan.other_keys.insert(2, "in/data/b (2).txt".into());
    let mut decided = Decided {
        overwrite_any: true,
        ..Decided::default()
    };
    decided.skip.push(0);
    decided.overwrite.insert(1);
    let planned = spec::upload(&plan, &decided);
    let entered = desk
        .journal
        .enter(job("x"), planned, State::Waiting, at(5), None)
        .await;
    let restored = desk.journal.restore(entered.unwrap().n).unwrap();
    let RestoredWork::Upload(again, answers) = restored.work else {
        panic!("it was an upload");
    };
    for item in 0..5 {
        assert_eq!(again.key(item), plan.key(item));
        assert_eq!(again.path(item), plan.path(item));
        assert_eq!(again.name(item), plan.name(item));
    }
    assert_eq!(again.items[3].modified, plan.items[3].modified);
    assert!(again.items[3].folder && !again.items[1].folder);
    assert_eq!((answers.skip, answers.overwrite_any), (vec![0], true));
    assert!(answers.overwrite.contains(&1) && answers.overwrite.len() == 1);
    assert_eq!(
        restored.states.len(),
        1,
        "only the skipped one is not waiting"
    );

    let mut plan = download_plan(Path::new("/tmp/x"), &["a", "b/c"]);
    plan.items[1].key = "quite/different".into();
    plan.items[1].etag = None;
    plan.folders.push("d/e".into());
    let planned = spec::download(&plan, &decided);
    let entered = desk
        .journal
        .enter(job("x"), planned, State::Waiting, at(5), None)
        .await;
    let restored = desk.journal.restore(entered.unwrap().n).unwrap();
    let RestoredWork::Download(again, _) = restored.work else {
        panic!("it was a download");
    };
    assert_eq!(format!("{:?}", again.items), format!("{:?}", plan.items));
    assert_eq!((again.folder, again.folders), (plan.folder, plan.folders));

    let mut plan = CopyPlan::restored("a".into(), "b".into(), true, 0);
    plan.items.push(CopyItem {
        from: "x".into(),
        to: "y".into(),
        size: 7,
        etag: None,
    });
    let planned = spec::copy(&plan, &decided);
    let entered = desk
        .journal
        .enter(job("x"), planned, State::Waiting, at(5), None)
        .await;
    let restored = desk.journal.restore(entered.unwrap().n).unwrap();
    let RestoredWork::Copy(again, _) = restored.work else {
        panic!("it was a copy");
    };
    assert_eq!(format!("{:?}", again.items), format!("{:?}", plan.items));
    assert!(again.remove_originals);
}

#[cfg(unix)]
#[test]
fn paths_that_are_no_text_are_kept() {
    use std::os::unix::ffi::OsStrExt;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(b"/home/\xff/data"));
    let json = serde_json::to_string(&paths::PathText::from(path.clone())).unwrap();
    let back: paths::PathText = serde_json::from_str(&json).unwrap();
    assert_eq!(PathBuf::from(back), path);
}

#[tokio::test]
async fn what_happened_to_files_is_told_with_its_proof() {
    let desk = desk();
    let entered = desk
        .upload(job("x"), &["a", "b", "c"], State::Running)
        .await;
    let id = entered.id.clone();
    let record = desk.record(entered);
    record.finished(0, 3, arrived());
    let refusal = StoreError {
        code: Some("AccessDenied".into()),
        status: Some(403),
        ..StoreError::new(ErrorKind::Denied, "upload the object", "no")
    };
    record.finished(1, 3, Outcome::Failed(refusal.into()));
    record
        .end(Some(State::Partial), None, at(20))
        .await
        .unwrap();
    let seen = desk.journal.job(&id).unwrap();
    assert_eq!((seen.state, seen.ended), (State::Partial, Some(at(20))));
    assert_eq!(
        (seen.files_done, seen.files_failed, seen.bytes_done),
        (1, 1, 3)
    );
    assert_eq!(seen.details["what"], "x");
    let failed = desk.journal.files(&id, 0..10, true).unwrap();
    let Some(FileError::Store(error)) = &failed[0].error else {
        panic!("{failed:?}");
    };
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::Denied, Some("AccessDenied"))
    );
    assert_eq!((failed[0].name.as_str(), failed.len()), ("data/b", 2));
    assert_eq!(failed[1].state, FileState::Cancelled, "never begun");
    assert_eq!(desk.journal.file_count(&id, true).unwrap(), 2);
    let receipts = desk.journal.receipts(&id, 0, 10).unwrap();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].from, End::File("/home/me/data/a".into()));
    let to = End::Object {
        bucket: "bkt".into(),
        key: "in/data/a".into(),
    };
    assert_eq!(receipts[0].to, to);
    assert_eq!(receipts[0].md5.as_deref(), Some("07".repeat(16).as_str()));
    let sha256 = Some("08".repeat(32));
    assert_eq!(
        (receipts[0].sha256.clone(), receipts[0].crc),
        (sha256, Some(Crc::of(b"hey")))
    );
    assert_eq!(
        (receipts[0].proof, receipts[0].finished),
        (Proof::PartMd5, at(11))
    );
    let mut all = Vec::new();
    desk.journal
        .each_receipt(&id, |receipt| {
            all.push(receipt);
            Ok::<_, JournalError>(())
        })
        .unwrap();
    assert_eq!(all, receipts);
}

// Without the CRC of a part nobody could say that of the whole.
#[tokio::test]
async fn a_file_of_an_earlier_wherry_is_read_and_its_parts_are_not_believed() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a"], State::Running).await;
    let (id, n) = (entered.id.clone(), entered.n);
    drop(entered);
    let path = desk.folder.path().join(FILE);
    let folder = desk.folder;
    drop(desk.journal);
    let old = Connection::open(&path).unwrap();
    old.execute_batch(&format!(
        "{}
         INSERT INTO parts VALUES (1, 0, 1, 'p', x'00112233445566778899aabbccddeeff');
         PRAGMA user_version = 1",
        PARTS_BEFORE_3.replace(", crc BLOB", "")
    ))
    .unwrap();
    drop(old);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.job(&id).unwrap().title, "x");
    assert!(journal.parts_of(n, 0).unwrap().is_empty());
}

const PARTS_BEFORE_3: &str = "DROP TABLE copies; DROP TABLE parts;
    CREATE TABLE parts (job INTEGER NOT NULL, row INTEGER NOT NULL, number INTEGER NOT NULL,
        etag TEXT NOT NULL, md5 BLOB NOT NULL, crc BLOB, PRIMARY KEY (job, row, number))
        WITHOUT ROWID;";

#[tokio::test]
async fn copies_that_an_earlier_wherry_proved_are_known() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a", "b"], State::Running).await;
    let n = entered.n;
    drop(entered);
    let path = desk.folder.path().join(FILE);
    let folder = desk.folder;
    drop(desk.journal);
    let old = Connection::open(&path).unwrap();
    let sum = "x'00112233445566778899aabbccddeeff', x'0011223344556677'";
    old.execute_batch(&format!(
        "{PARTS_BEFORE_3}
         INSERT INTO parts VALUES ({n}, 0, 0, 'proved', x'', NULL), ({n}, 0, 1, 'p', {sum}),
             ({n}, 1, 0, '', x'', NULL);
         PRAGMA user_version = 2"
    ))
    .unwrap();
    drop(old);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.copy_of(n, 0).unwrap().as_deref(), Some("proved"));
    assert_eq!(journal.copy_of(n, 1).unwrap(), None);
    let parts = journal.parts_of(n, 0).unwrap();
    assert_eq!(parts.keys().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(parts[&1].0, "p");
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let desk = desk();
    let path = desk.folder.path().join(FILE);
    drop(desk.journal);
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let error = Journal::open(desk.folder.path()).err().unwrap();
    assert!(error.to_string().contains("newer Wherry"), "{error}");
    assert!(path.exists());
}

// Promise: A journal that turns out to be damaged is set aside, not deleted, and Wherry says so.
#[test]
fn a_damaged_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    std::fs::write(
        &path,
        b"this is no database, but long enough to look like a file of one",
    )
    .unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let aside = journal.set_aside().unwrap().to_owned();
    assert!(
        std::fs::read(&aside)
            .unwrap()
            .starts_with(b"this is no database")
    );
    assert!(journal.queue().unwrap().is_empty());
    std::fs::write(&path, b"again").unwrap();
    let _ = std::fs::remove_file(folder.path().join("transfers.sqlite-wal"));
    let again = Journal::open(folder.path()).unwrap();
    assert_ne!(
        again.set_aside().unwrap(),
        aside,
        "the first one is not overwritten"
    );
    assert!(aside.exists());
}

#[tokio::test]
async fn writes_of_many_are_committed_together_and_all_of_them() {
    let desk = desk();
    let names: Vec<String> = (0..5000).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let entered = desk.upload(job("x"), &names, State::Running).await;
    let id = entered.id.clone();
    let record = Arc::new(desk.record(entered));
    let tasks = (0..5u32).map(|task| {
        let record = Arc::clone(&record);
        tokio::spawn(async move {
            for row in 0..1000 {
                record.finished(task * 1000 + row, 3, arrived());
                if row % 100 == 0 {
                    record.may_begin(task * 1000 + row).await.unwrap();
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    record.end(Some(State::Done), None, at(1)).await.unwrap();
    let seen = desk.journal.job(&id).unwrap();
    assert_eq!((seen.files_done, seen.bytes_done), (5000, 15_000));
    assert_eq!(desk.journal.receipt_count(&id).unwrap(), 5000);
}
