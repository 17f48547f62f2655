//! The journal on its own: what is put in comes out, in the right order, also after a crash.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use wherry_store::{CompletedPart, ErrorKind, StoreError, UploadId};

use super::record::{Arrived, Outcome};
use super::*;
use crate::error::FileError;
use crate::plan::{
    CopyItem, CopyPlan, Decided, DeletePlan, DownloadItem, DownloadPlan, UploadItem, UploadPlan,
    UploadRoot,
};
use crate::receipt::{End, Proof};
use crate::run::FileState;
use crate::run::disk::Identity;

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
            .enter(job, planned, state, at(0))
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
        .enter(job("x"), planned, State::Waiting, at(5))
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
        .enter(job("x"), planned, State::Waiting, at(5))
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
        .enter(job("x"), planned, State::Waiting, at(5))
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
    let json = serde_json::to_string(&spec::PathText::from(path.clone())).unwrap();
    let back: spec::PathText = serde_json::from_str(&json).unwrap();
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

#[tokio::test]
async fn the_queue_keeps_its_order() {
    let desk = desk();
    for title in ["a", "b", "c"] {
        desk.upload(job(title), &["x"], State::Waiting).await;
    }
    let titles = || -> String {
        let jobs = desk.journal.queue().unwrap();
        jobs.into_iter().map(|job| job.title).collect()
    };
    let id = |title: &str| {
        let jobs = desk.journal.queue().unwrap();
        jobs.into_iter().find(|job| job.title == title).unwrap().id
    };
    for (title, to, order) in [
        ("c", Move::First, "cab"),
        ("c", Move::Down, "acb"),
        ("b", Move::Up, "abc"),
        ("a", Move::Last, "bca"),
        ("a", Move::Down, "bca"),
        ("b", Move::Up, "bca"),
    ] {
        desk.journal.move_job(&id(title), to).await.unwrap();
        assert_eq!(titles(), order, "{title} {to:?}");
    }
    desk.journal.cancel(&id("c"), at(1)).await.unwrap();
    desk.upload(job("d"), &["x"], State::Waiting).await;
    assert_eq!(titles(), "bad");
    let gone = desk.journal.move_job("nobody", Move::First).await;
    assert!(matches!(gone, Err(JournalError::NoSuchJob)), "{gone:?}");
}

#[tokio::test]
async fn history_is_searched_and_turned_page_by_page() {
    let desk = desk();
    for (title, ended) in [("one", 5), ("two 100%", 9), ("three", 7), ("four", 7)] {
        let entered = desk.upload(job(title), &["x"], State::Running).await;
        let record = desk.record(entered);
        record
            .end(Some(State::Done), None, at(ended))
            .await
            .unwrap();
    }
    desk.upload(job("still there"), &["x"], State::Waiting)
        .await;
    let mut titles = Vec::new();
    let (mut after, mut pages) = (None, 0);
    loop {
        let filter = HistoryFilter::default();
        let page = desk.journal.history(&filter, after.as_deref(), 3).unwrap();
        titles.extend(page.jobs.into_iter().map(|job| job.title));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        (titles, pages),
        (
            ["two 100%", "four", "three", "one"]
                .map(String::from)
                .to_vec(),
            2
        )
    );
    for (search, found) in [("100%", 1), ("o%e", 0), ("O", 3), ("_", 0)] {
        let filter = HistoryFilter {
            search: search.into(),
            ..HistoryFilter::default()
        };
        assert_eq!(
            desk.journal.history(&filter, None, 9).unwrap().jobs.len(),
            found,
            "{search}"
        );
    }
    let failed = HistoryFilter {
        states: vec![State::Failed],
        ..HistoryFilter::default()
    };
    assert!(
        desk.journal
            .history(&failed, None, 9)
            .unwrap()
            .jobs
            .is_empty()
    );
    let page = desk.journal.find_files("data/", None, 2).unwrap();
    assert_eq!(page.files.len(), 2);
    let rest = desk.journal.find_files("DATA", page.next, 9).unwrap();
    assert_eq!((rest.files.len(), rest.next), (3, None));
    desk.journal.clear_history().await.unwrap();
    assert!(
        desk.journal
            .history(&HistoryFilter::default(), None, 9)
            .unwrap()
            .jobs
            .is_empty()
    );
    assert_eq!(desk.journal.find_files("", None, 9).unwrap().files.len(), 1);
}

// Promise: Two Wherrys never run the same transfer.
#[tokio::test]
async fn a_job_that_runs_is_nobody_elses() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a"], State::Running).await;
    let id = entered.id.clone();
    let other = Journal::open(desk.folder.path()).unwrap();
    assert!(matches!(other.claim(&id), Err(JournalError::Taken)));
    assert!(matches!(
        other.cancel(&id, at(1)).await,
        Err(JournalError::Taken)
    ));
    assert!(matches!(
        other.remove(&id).await,
        Err(JournalError::NotEnded)
    ));
    assert!(other.cut_off().unwrap().is_empty());
    // As its process's death does.
    drop(entered);
    assert_eq!(other.cut_off().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_half_done_is_known_until_it_is_over() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a", "b"], State::Running).await;
    let id = entered.id.clone();
    let record = desk.record(entered);
    record
        .intend_upload(0, "bkt", "in/data/a", 8, &identity(), at(3))
        .await
        .unwrap();
    let halves = desk.journal.half_uploads("bkt").unwrap();
    assert_eq!((halves.len(), &halves[0].upload), (1, &None));
    assert_eq!((&halves[0].file, halves[0].intended), (&identity(), at(3)));
    record
        .upload_begun(0, &UploadId("u1".into()))
        .await
        .unwrap();
    let part = CompletedPart {
        number: 2,
        etag: "p".into(),
        size: 8,
    };
    record.part_done(0, &part, [1; 16]);
    record.end(Some(State::Paused), None, at(4)).await.unwrap();
    drop(record);
    let claim = desk.journal.claim(&id).unwrap();
    let n = desk.journal.job(&id).unwrap().n;
    let record = Record::new(desk.journal.clone(), n, id.clone(), claim).unwrap();
    let (half, parts) = record.half_upload(0).unwrap().unwrap();
    assert_eq!(half.upload, Some(UploadId("u1".into())));
    assert_eq!(parts.get(&2), Some(&("p".to_owned(), [1; 16])));
    assert!(record.half_upload(0).unwrap().is_none(), "only once");
    record.finished(0, 3, arrived());
    desk.journal.flush().await.unwrap();
    assert!(desk.journal.half_uploads_of(&id).unwrap().is_empty());
    assert!(desk.journal.parts_of(n, 0).unwrap().is_empty());
}

#[tokio::test]
async fn a_crash_loses_only_what_nobody_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open_in_step(folder.path()).unwrap();
    let desk = Desk { folder, journal };
    let entered = desk
        .upload(job("x"), &["a", "b", "c"], State::Running)
        .await;
    let id = entered.id.clone();
    let record = desk.record(entered);
    record.finished(0, 3, arrived());
    record
        .intend_upload(1, "bkt", "k", 8, &identity(), at(3))
        .await
        .unwrap();
    record.finished(1, 3, arrived());
    record.finished(2, 3, arrived());
    desk.journal.crash(1);
    drop((record, desk.journal));
    let journal = Journal::open(desk.folder.path()).unwrap();
    let states: Vec<FileState> = journal
        .files(&id, 0..9, false)
        .unwrap()
        .iter()
        .map(|row| row.state)
        .collect();
    assert_eq!(
        states,
        [FileState::Done, FileState::Done, FileState::Waiting]
    );
    assert!(journal.half_uploads_of(&id).unwrap().is_empty());
    assert_eq!(journal.cut_off().unwrap()[0].id, id);
}

#[tokio::test]
async fn the_same_wish_takes_over_what_was_done() {
    let desk = desk();
    let wish = || NewJob {
        fingerprint: Some("f".into()),
        ..job("x")
    };
    let old = desk
        .upload(wish(), &["a", "b", "c", "gone"], State::Running)
        .await;
    let old_id = old.id.clone();
    let record = desk.record(old);
    record.finished(0, 3, arrived());
    for (row, key) in [(2, "in/data/c"), (3, "in/data/gone")] {
        record
            .intend_upload(row, "bkt", key, 8, &identity(), at(3))
            .await
            .unwrap();
        record
            .upload_begun(row, &UploadId(key.into()))
            .await
            .unwrap();
    }
    desk.journal.flush().await.unwrap();
    drop(record);
    // One file more, one less, and other rows.
    let mut plan = upload_plan(&["0", "a", "b", "c"]);
    // Changed since.
    plan.items[1].modified += 1;
    let decided = Decided::default();
    let planned = spec::upload(&plan, &decided);
    let new = desk
        .journal
        .enter(wish(), planned, State::Running, at(9))
        .await
        .unwrap();
    assert_eq!(new.adopted, std::slice::from_ref(&old_id));
    assert_eq!(
        desk.journal.receipt_count(&new.id).unwrap(),
        0,
        "it was changed"
    );
    let halves = desk.journal.half_uploads_of(&new.id).unwrap();
    assert_eq!((halves.len(), halves[0].row), (1, 3));
    let left: Vec<_> = desk.journal.half_uploads_of(&old_id).unwrap();
    assert_eq!((left.len(), left[0].key.as_str()), (1, "in/data/gone"));
    assert_eq!(desk.journal.left_over().unwrap()[0].job, old_id);
    assert_eq!(desk.journal.queue().unwrap().len(), 1);
    // And once more, with the arrived one as it was.
    let record = desk.record(new);
    record.finished(1, 3, arrived());
    desk.journal.flush().await.unwrap();
    drop(record);
    let planned = spec::upload(&plan, &decided);
    let third = desk
        .journal
        .enter(wish(), planned, State::Running, at(9))
        .await
        .unwrap();
    let seen = desk.journal.job(&third.id).unwrap();
    assert_eq!((seen.files_done, seen.bytes_done), (1, 3));
    assert_eq!(
        desk.journal.receipts(&third.id, 0, 9).unwrap()[0].from,
        End::File("/home/me/data/a".into())
    );
}

#[tokio::test]
async fn a_download_that_was_moved_away_is_fetched_again() {
    let (desk, here) = (desk(), tempfile::tempdir().unwrap());
    let wish = || NewJob {
        fingerprint: Some("f".into()),
        ..job("x")
    };
    let (plan, decided) = (
        download_plan(here.path(), &["kept", "moved"]),
        Decided::default(),
    );
    let enter = async || {
        let planned = spec::download(&plan, &decided);
        desk.journal
            .enter(wish(), planned, State::Running, at(0))
            .await
            .unwrap()
    };
    let record = desk.record(enter().await);
    let file = std::fs::File::create(here.path().join("kept")).unwrap();
    file.set_len(5).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1))
        .unwrap();
    record.finished(0, 5, arrived());
    record.finished(1, 5, arrived());
    desk.journal.flush().await.unwrap();
    drop(record);
    let again = enter().await;
    let states: Vec<FileState> = desk
        .journal
        .files(&again.id, 0..9, false)
        .unwrap()
        .iter()
        .map(|row| row.state)
        .collect();
    assert_eq!(states, [FileState::Done, FileState::Waiting]);
}

#[tokio::test]
async fn a_job_whose_rows_were_not_all_written_never_was() {
    let desk = desk();
    let entered = desk.upload(job("x"), &["a"], State::Entering).await;
    desk.journal.tidy(at(99)).await.unwrap();
    assert!(desk.journal.job(&entered.id).is_ok(), "it is being entered");
    let id = entered.id.clone();
    drop(entered);
    desk.journal.tidy(at(99)).await.unwrap();
    assert!(matches!(
        desk.journal.job(&id),
        Err(JournalError::NoSuchJob)
    ));
}

// Promise: A deletion that was cut off is not gone on with, so that what has got the same name since
// stays.
#[tokio::test]
async fn a_deletion_that_was_cut_off_has_ended() {
    let desk = desk();
    let plan = DeletePlan {
        bucket: "bkt".into(),
        keys: vec!["a".into(), "b".into()],
        bytes: 2,
        missing: Vec::new(),
    };
    let planned = spec::delete(&plan);
    let entered = desk
        .journal
        .enter(job("x"), planned, State::Running, at(0))
        .await
        .unwrap();
    let id = entered.id.clone();
    let record = desk.record(entered);
    record.done(0);
    desk.journal.flush().await.unwrap();
    drop(record);
    desk.journal.tidy(at(9)).await.unwrap();
    let seen = desk.journal.job(&id).unwrap();
    assert_eq!((seen.state, seen.files_done), (State::Cancelled, 1));
    assert!(desk.journal.cut_off().unwrap().is_empty());
}

#[tokio::test]
async fn saved_jobs_are_kept() {
    let desk = desk();
    let saved = SavedJob {
        id: "1".into(),
        name: "nightly".into(),
        spec: serde_json::json!({"from": "a"}),
        created: at(1),
        last_run: None,
        last_job: None,
    };
    desk.journal.save_job(saved.clone()).await.unwrap();
    let entered = desk.upload(job("x"), &["a"], State::Waiting).await;
    desk.journal
        .ran_saved_job("1", Some(&entered.id), at(5))
        .await
        .unwrap();
    let seen = desk.journal.saved_job("1").unwrap();
    assert_eq!(
        (seen.last_run, seen.last_job),
        (Some(at(5)), Some(entered.id))
    );
    assert_eq!(seen.spec, saved.spec);
    desk.journal.forget_saved_job("1").await.unwrap();
    assert!(desk.journal.saved_jobs().unwrap().is_empty());
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

/// A million files: reading a page, searching and starting must not take the time of a million.
#[tokio::test]
async fn a_long_history_stays_fast() {
    let desk = desk();
    let entered = desk.upload(job("big"), &["a"], State::Running).await;
    let (n, id) = (entered.n, entered.id.clone());
    desk.record(entered)
        .end(Some(State::Done), None, at(1))
        .await
        .unwrap();
    let made = desk.journal.written(false, move |c| {
        c.execute(
            "WITH RECURSIVE count(value) AS
                (SELECT 1 UNION ALL SELECT value + 1 FROM count WHERE value < 1000000)
             INSERT INTO files SELECT ?1, value, 'data/file-' || value || '.csv', NULL, 0, 3, 1,
                NULL, 0, 2, NULL FROM count",
            [n],
        )
    });
    let made = made.await.unwrap();
    assert_eq!(made, 1_000_000);
    for i in 0..1000 {
        let entered = desk
            .upload(job(&format!("small {i}")), &["a"], State::Running)
            .await;
        desk.record(entered)
            .end(Some(State::Done), None, at(i))
            .await
            .unwrap();
    }
    let begun = std::time::Instant::now();
    let lap = |what: &str, limit: u64| {
        let took = begun.elapsed();
        println!("{what}: {took:?}");
        assert!(took < Duration::from_millis(limit), "{what} took {took:?}");
    };
    let journal = Journal::open(desk.folder.path()).unwrap();
    journal.queue().unwrap();
    journal.cut_off().unwrap();
    lap("a start", 1000);
    let page = journal
        .history(&HistoryFilter::default(), None, 100)
        .unwrap();
    journal
        .history(&HistoryFilter::default(), page.next.as_deref(), 100)
        .unwrap();
    lap("two pages of history", 1500);
    let rows = journal.files(&id, 900_000..900_100, false).unwrap();
    assert_eq!((rows.len(), rows[0].index), (100, 900_000));
    let failed = journal.files(&id, 0..100, true).unwrap();
    assert_eq!(failed.len(), 1, "the one that never moved");
    lap("a page of files", 2000);
    let found = journal.find_files("file-999999.csv", None, 100).unwrap();
    assert_eq!(found.files.len(), 1);
    lap("one in a million", 5000);
}
