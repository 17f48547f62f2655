//! What is kept of a transfer that has ended: receipts that are saved and checked again, undoing, the
//! history.

use std::time::Duration;

use wherry_account::Home;
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_vault::VaultKind;

use crate::bench::*;
use crate::seat::*;

// Promise: Every transfer that moved something has a receipt: what, from where, to where, its size,
// its MD5 where it was computed, its ETag, and how it is known that it arrived.
// Promise: A receipt can be checked again, at the store or on the computer, and what differs is named.
// Promise: Undoing takes away what a transfer made and nobody has changed since, and nothing that was
// there before.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_kept_saved_and_checked_and_a_transfer_is_undone() {
    let b = Bench::new().await;
    std::fs::create_dir_all(b.stored("trip")).expect("makes it");
    std::fs::write(b.stored("trip/old.txt"), "theirs").expect("writes");
    let here = b.seat.files(
        "trip",
        &[
            ("old.txt", b"mine, longer"),
            ("new.txt", b"new"),
            ("changed.txt", b"changed later"),
        ],
    );
    let what = PlanWhat::Upload {
        to: b.top.clone(),
        paths: vec![here.display().to_string()],
    };
    let plan = b.seat.plan(what).await.expect("plans");
    assert_eq!(plan.conflicts, 1);
    let page = b
        .seat
        .engine
        .plan_conflicts(ConflictsRequest {
            plan: plan.id.clone(),
            from: 0,
            count: 9,
        })
        .await
        .expect("pages");
    assert_eq!((page.total, page.conflicts[0].there_size), (1, 6));
    let job = b.seat.runs(&plan, OnConflict::Overwrite).await;
    assert_eq!((job.state, job.files_done), (JobState::Done, 3));
    assert!(job.receipts && job.undo, "{job:?}");

    let request = ReceiptsRequest {
        job: job.id.clone(),
        from: 0,
        count: 100,
    };
    let receipts = b.seat.engine.receipts(request).await.expect("lists");
    assert_eq!(receipts.total, 3);
    let new = receipts.receipts.iter().find(|r| r.to.ends_with("new.txt"));
    let new = new.expect("has one");
    assert_eq!(new.to, "data/trip/new.txt");
    assert_eq!(new.md5.as_deref(), Some("22af645d1859cb5ca6da0c484f1f37ea"));
    assert!(new.proof.contains("ETag"), "{new:?}");

    let mut saved = Vec::new();
    for (format, name) in [
        (ReceiptFormat::Json, "r.json"),
        (ReceiptFormat::Csv, "r.csv"),
        (ReceiptFormat::Bagit, "manifest-md5.txt"),
    ] {
        let path = b.seat.home.path().join(name);
        let save = SaveReceipts {
            job: job.id.clone(),
            format,
            path: path.display().to_string(),
        };
        let done = b.seat.engine.save_receipts(save).await.expect("saves");
        assert_eq!((done.files, done.left_out), (3, 0));
        saved.push(std::fs::read_to_string(path).expect("reads"));
    }
    assert!(saved[1].lines().count() == 4 && saved[1].contains("trip/new.txt"));
    assert!(
        saved[2].contains("22af645d1859cb5ca6da0c484f1f37ea  data/trip/new.txt\n"),
        "{}",
        saved[2]
    );

    std::fs::write(here.join("changed.txt"), b"CHANGED later").expect("writes");
    let what = VerifyWhat::File {
        path: b.seat.home.path().join("r.json").display().to_string(),
        account: b.id.clone(),
        side: VerifySide::Computer,
    };
    let check = b.seat.engine.verify(what).await.expect("checks");
    let check = b.becomes(&check.id, JobState::Partial).await;
    assert_eq!((check.files_done, check.files_failed), (2, 1));
    let (name, problem) = b.seat.failures(&check).await.remove(0);
    assert!(name.ends_with("changed.txt"), "{name}");
    assert_eq!(problem.code, "verify.differs");
    let at_store = |job: &JobView| VerifyWhat::Job {
        job: job.id.clone(),
        side: VerifySide::Store,
    };
    let check = b.seat.engine.verify(at_store(&job)).await.expect("checks");
    b.becomes(&check.id, JobState::Done).await;

    // Somebody replaces an object: it is found, and undoing leaves it alone.
    let replaced = b.seat.files("other", &[("changed.txt", b"other")]);
    let what = PlanWhat::Upload {
        to: place(&b.id, "data", "trip/"),
        paths: vec![replaced.join("changed.txt").display().to_string()],
    };
    let plan = b.seat.plan(what).await.expect("plans");
    b.seat.runs(&plan, OnConflict::Overwrite).await;
    let check = b.seat.engine.verify(at_store(&job)).await.expect("checks");
    let check = b.becomes(&check.id, JobState::Partial).await;
    assert_eq!(check.files_failed, 1);

    let undone = b
        .seat
        .engine
        .undo_job(job.id.clone())
        .await
        .expect("undoes");
    let undone = b.becomes(&undone.id, JobState::Partial).await;
    assert_eq!((undone.files_total, undone.files_done), (2, 1));
    let (_, problem) = b.seat.failures(&undone).await.remove(0);
    assert_eq!(problem.code, "transfer.left-alone");
    let left = b.seat.names(&place(&b.id, "data", "trip/")).await;
    assert_eq!(left, ["changed.txt", "old.txt"]);
    let again = b.seat.engine.undo_job(job.id.clone()).await;
    assert_eq!(again.expect_err("once only").code, "transfer.no-undo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_undone_but_for_what_was_changed_or_there_before() {
    let b = Bench::new().await;
    std::fs::create_dir_all(b.stored("trip")).expect("makes it");
    for name in ["old", "kept", "edited"] {
        std::fs::write(b.stored("trip").join(name), "theirs").expect("writes");
    }
    let here = b.seat.files("into", &[("trip/old", b"mine")]);
    let rows = b.seat.lists(&b.top).await.expect("lists");
    let what = PlanWhat::Download {
        selection: selection(&b.top, &rows),
        folder: here.display().to_string(),
    };
    let plan = b.seat.plan(what).await.expect("plans");
    let room = plan.room.as_ref().expect("knows the disk");
    assert!(room.free > 0 && room.of.contains("into"), "{room:?}");
    let job = b.seat.runs(&plan, OnConflict::Overwrite).await;
    assert_eq!(job.files_done, 3, "{job:?}");
    std::fs::write(here.join("trip/edited"), "edited").expect("writes");
    let later = std::time::SystemTime::now() + Duration::from_mins(1);
    let edited = std::fs::File::options()
        .write(true)
        .open(here.join("trip/edited"))
        .expect("opens");
    edited.set_modified(later).expect("sets the time");
    let undone = b.seat.engine.undo_job(job.id).await.expect("undoes");
    let undone = b.becomes(&undone.id, JobState::Partial).await;
    assert_eq!((undone.files_done, undone.files_failed), (1, 1));
    let left = |name: &str| here.join("trip").join(name).exists();
    assert!(left("old") && left("edited") && !left("kept"));
}

// Promise: Undoing a download also takes away the folders that came with it, once they are empty.
#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_download_takes_the_folders_along_that_it_made() {
    let b = Bench::new().await;
    for name in ["trip/there/x", "trip/new/deep/y", "trip/new/z", "other/w"] {
        let stored = b.stored(name);
        std::fs::create_dir_all(stored.parent().expect("a folder")).expect("makes it");
        std::fs::write(stored, name).expect("writes");
    }
    let made = NewFolder {
        location: place(&b.id, "data", "trip/"),
        name: "empty".into(),
    };
    b.seat.engine.create_folder(made).await.expect("makes it");
    let here = b.seat.files("into", &[("trip/mine", b"mine")]);
    // Empty, and there before: it stays.
    std::fs::create_dir(here.join("trip/there")).expect("makes it");
    let rows = b.seat.lists(&b.top).await.expect("lists");
    let what = PlanWhat::Download {
        selection: selection(&b.top, &rows),
        folder: here.display().to_string(),
    };
    let plan = b.seat.plan(what).await.expect("plans");
    let job = b.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!(job.state, JobState::Done, "{job:?}");
    for folder in ["trip/empty", "trip/new/deep", "other"] {
        assert!(here.join(folder).is_dir(), "{folder}");
    }
    // Somebody puts something of theirs into one of the new folders.
    std::fs::write(here.join("other/theirs"), "theirs").expect("writes");

    let undone = b.seat.engine.undo_job(job.id).await.expect("undoes");
    b.becomes(&undone.id, JobState::Done).await;
    let there = |name: &str| here.join(name).exists();
    assert!(there("trip/mine") && there("trip/there") && there("other/theirs"));
    assert!(!there("trip/there/x") && !there("other/w"));
    assert!(!there("trip/new") && !there("trip/empty"));
}

// Promise: What has ended stays in a history that can be searched, of files too, until it is cleared.
#[tokio::test(flavor = "multi_thread")]
async fn the_history_outlives_the_session() {
    let b = Bench::new().await;
    for name in ["one.nc", "two.nc"] {
        let job = b.uploads(&b.noise(name, 10)).await;
        b.becomes(&job.id, JobState::Done).await;
    }
    b.seat.engine.shut_down().await;
    let home = Home::at(b.seat.home.path().join("wherry"));
    let next = Engine::new(home, Some(VaultKind::Session));
    let page = |after| HistoryRequest {
        search: "nc” to".into(),
        after,
        count: 1,
    };
    let first = next.history(page(None)).await.expect("reads");
    assert_eq!((first.jobs.len(), first.jobs[0].state), (1, JobState::Done));
    assert!(
        first.jobs[0].title.starts_with("Upload “two.nc” to "),
        "{}",
        first.jobs[0].title
    );
    let second = next.history(page(first.next)).await.expect("reads");
    assert_eq!((second.jobs.len(), second.next), (1, None));
    assert!(second.jobs[0].started <= first.jobs[0].started);
    let files = HistoryFilesRequest {
        search: "two".into(),
        after: None,
        count: 10,
    };
    let found = next.history_files(files).await.expect("finds").files;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to.as_deref(), Some("data/two.nc"));
    next.clear_history(None).await.expect("clears");
    assert!(
        next.history(page(None))
            .await
            .expect("reads")
            .jobs
            .is_empty()
    );
    next.shut_down().await;
}
