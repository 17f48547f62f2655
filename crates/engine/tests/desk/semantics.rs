//! What docs/SEMANTICS.md says about data, as far as the engine decides it; the rest is proved where
//! it is decided, in the tests of the store, the transfers and the practice store.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_vault::VaultKind;

use crate::seat::*;

struct Practice {
    seat: Seat,
    id: String,
    top: Location,
}

impl Practice {
    /// With an empty bucket `data`.
    async fn new() -> Self {
        let seat = Seat::new();
        let id = seat.engine.start_practice().await.expect("starts").id;
        seat.engine
            .create_bucket(bucket(&id, "data"))
            .await
            .expect("makes a bucket");
        let top = place(&id, "data", "");
        Self { seat, id, top }
    }

    /// An object, put where the practice store keeps its objects: plain files.
    fn has(&self, key: &str, bytes: &[u8]) {
        let path = self.file(key);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes it");
        std::fs::write(path, bytes).expect("writes");
    }

    fn file(&self, key: &str) -> PathBuf {
        self.seat.engine.home().practice().join("data").join(key)
    }

    fn upload(&self, path: &std::path::Path) -> PlanWhat {
        PlanWhat::Upload {
            to: self.top.clone(),
            paths: vec![path.display().to_string()],
        }
    }

    async fn everything(&self) -> Selection {
        selection(&self.top, &self.seat.lists(&self.top).await.expect("lists"))
    }
}

// Promise: Making a plan changes nothing at the store, and a plan runs once.
// Promise: A plan that meets something that exists, leaves something out or changes a name is shown
// before it runs; deletions and renames are always shown.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_or_deleted_that_no_plan_has_shown() {
    let p = Practice::new().await;
    p.has("results/a.txt", b"theirs");
    let mine = p.seat.files(
        "results",
        &[("a.txt", b"mine, and longer"), ("b.txt", b"new")],
    );
    let plan = p.seat.plan(p.upload(&mine)).await.expect("plans");
    assert_eq!(
        (plan.conflicts, plan.files, plan.clean),
        (1, 2, false),
        "{plan:?}"
    );
    assert_eq!(
        (
            plan.conflict_examples[0].name.as_str(),
            plan.conflict_examples[0].there_size
        ),
        ("results/a.txt", 6)
    );
    let job = p.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!((job.files_done, job.files_skipped), (1, 1));
    assert_eq!(
        std::fs::read(p.file("results/a.txt")).expect("reads"),
        b"theirs"
    );
    // A plan is run once.
    let again = RunRequest {
        plan: plan.id,
        on_conflict: OnConflict::Overwrite,
        include_same: true,
        each: Vec::new(),
        left_out: LeftOut::default(),
    };
    assert_eq!(
        p.seat
            .engine
            .run_plan(again)
            .await
            .map(|_| ())
            .expect_err("is used up")
            .code,
        "app.stale"
    );

    let delete = PlanWhat::Delete {
        selection: p.everything().await,
    };
    let plan = p.seat.plan(delete).await.expect("plans");
    assert_eq!(
        (plan.files, plan.clean),
        (2, false),
        "a deletion is always shown"
    );
    assert_eq!(plan.examples, ["results/a.txt", "results/b.txt"]);
    p.has("results/later.txt", b"came after");
    p.seat
        .engine
        .drop_plan(plan.id.clone())
        .await
        .expect("forgets it");
    assert!(
        p.file("results/a.txt").exists(),
        "a plan alone changes nothing"
    );
    let delete = PlanWhat::Delete {
        selection: p.everything().await,
    };
    let plan = p.seat.plan(delete).await.expect("plans");
    p.has("results/latest.txt", b"came after this plan");
    assert_eq!(p.seat.runs(&plan, OnConflict::Skip).await.files_done, 3);
    assert_eq!(
        p.seat.names(&place(&p.id, "data", "results/")).await,
        ["latest.txt"]
    );
    let rename = PlanWhat::Rename {
        location: place(&p.id, "data", "results/"),
        item: SelectedKey {
            kind: RowKind::Object,
            key: "results/latest.txt".into(),
        },
        name: "last.txt".into(),
    };
    assert!(
        !p.seat.plan(rename).await.expect("plans").clean,
        "nor is a rename done unseen"
    );
}

// Promise: Names of uploaded files become keys as they are spelt; two Unicode forms of one name are
// two keys.
// Promise: An empty folder is uploaded as such an object.
// Promise: What systems and editors leave behind in a folder that is uploaded, such as `.DS_Store`,
// `Thumbs.db` and `~$` files, is left out, and the plan says how many.
// Promise: An upload does not keep the time of the file: the object's time is that of the upload.
#[tokio::test(flavor = "multi_thread")]
async fn names_and_times_of_what_is_uploaded() {
    let p = Practice::new().await;
    // One letter in two Unicode forms, two files on this disk.
    let here = p.seat.files(
        "x",
        &[
            ("caf\u{e9} 1+1%.txt", b"c"),
            ("cafe\u{301} 1+1%.txt", b"d"),
            ("a/b", b""),
        ],
    );
    let old = SystemTime::now() - Duration::from_hours(24 * 365);
    let file = std::fs::File::options()
        .write(true)
        .open(here.join("a/b"))
        .expect("opens");
    file.set_modified(old).expect("sets the time");
    std::fs::create_dir(here.join("empty")).expect("makes it");
    std::fs::write(here.join(".DS_Store"), "x").expect("writes");
    let plan = p.seat.plan(p.upload(&here)).await.expect("plans");
    assert_eq!((plan.files, plan.clean), (3, false), "{plan:?}");
    assert!(
        plan.notes
            .iter()
            .any(|n| n.name == "1 file" && n.words.contains(".DS_Store")),
        "{:?}",
        plan.notes
    );
    let up = p.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!((up.state, up.files_total), (JobState::Done, plan.files));
    assert_eq!(up.files_done, plan.files, "as its plan has counted");
    let names = p.seat.names(&place(&p.id, "data", "x/")).await;
    let names: std::collections::BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        ["a", "empty", "caf\u{e9} 1+1%.txt", "cafe\u{301} 1+1%.txt"].into()
    );
    assert!(
        p.seat
            .names(&place(&p.id, "data", "x/empty/"))
            .await
            .is_empty()
    );
    let row = p
        .seat
        .lists(&place(&p.id, "data", "x/a/"))
        .await
        .expect("lists")
        .remove(0);
    let age = chrono::Utc::now().timestamp_millis() - row.modified.expect("has a time");
    assert!(
        age < 600_000,
        "the time is that of the upload: {age} ms ago"
    );

    // And down again: the object's time becomes the file's, and the empty folder is one.
    let target = p.seat.home.path().join("down");
    std::fs::create_dir(&target).expect("makes it");
    let download = PlanWhat::Download {
        selection: p.everything().await,
        folder: target.display().to_string(),
    };
    let plan = p.seat.plan(download).await.expect("plans");
    let down = p.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!((down.state, down.files_total), (JobState::Done, plan.files));
    assert_eq!(down.files_done, plan.files, "as its plan has counted");
    assert!(target.join("x/empty").is_dir());
    let modified = std::fs::metadata(target.join("x/a/b"))
        .expect("arrived")
        .modified()
        .expect("has one");
    let apart = chrono::DateTime::<chrono::Utc>::from(modified).timestamp_millis()
        - row.modified.expect("has one");
    assert!(apart.abs() < 1000, "{apart}");
}

// Promise: Started again, a transfer moves only what is not there yet.
#[tokio::test(flavor = "multi_thread")]
async fn transfers_are_not_remembered_and_move_only_what_is_missing() {
    let p = Practice::new().await;
    let here = p
        .seat
        .files("x", &[("one", b"1"), ("two", b"22"), ("three", b"333")]);
    assert_eq!(p.seat.does(p.upload(&here)).await.files_done, 3);
    std::fs::remove_file(p.file("x/two")).expect("as if it had been cut off");
    assert_eq!(p.seat.engine.jobs().await.expect("lists").len(), 1);
    let plan = p.seat.plan(p.upload(&here)).await.expect("plans");
    assert_eq!((plan.same, plan.conflicts), (2, 0));
    let job = p.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!((job.files_done, job.files_skipped), (1, 2));
    let again = Engine::new(p.seat.engine.home().clone(), Some(VaultKind::Session));
    assert!(again.jobs().await.expect("lists").is_empty());
}

// Promise: Dragging out fetches the files first, and at most 2 GiB and 5,000 objects.
// Promise: The rows of a folder stay in the engine; the window gets at most 500 at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_many_rows_is_looked_at_through_a_window() {
    let p = Practice::new().await;
    for i in 0..2_501 {
        p.has(&format!("many/f{i}"), b"x");
    }
    let many = place(&p.id, "data", "many/");
    let rows = p.seat.lists(&many).await.expect("lists");
    assert_eq!(rows.len(), 500, "at most so many at once");
    let names: Vec<&str> = rows.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names[..4], ["f0", "f1", "f2", "f3"]);
    assert_eq!(names[499], "f499", "numbers count by value");
    let listing = p
        .seat
        .engine
        .open_listing(many.clone())
        .await
        .expect("opens")
        .id;
    p.seat
        .engine
        .close_listing(listing.clone())
        .await
        .expect("closes");
    let request = RowsRequest {
        listing,
        look: LookAt::default(),
        from: 0,
        count: 1,
    };
    assert_eq!(
        p.seat
            .engine
            .rows(request)
            .await
            .map(|_| ())
            .expect_err("is freed")
            .code,
        "app.stale"
    );

    // More than may be dragged out: said in the plan, and not begun.
    for i in 2_501..5_001 {
        p.has(&format!("many/f{i}"), b"x");
    }
    let stage = PlanWhat::Stage {
        selection: p.everything().await,
    };
    let plan = p.seat.plan(stage).await.expect("plans");
    let blocked = plan.blocked.expect("is too much");
    assert_eq!(blocked.code, "browse.drag-limit");
    assert!(
        blocked.what.contains("2 GiB and 5,000 objects"),
        "{}",
        blocked.what
    );
}

// Promise: A listing that cannot be finished says why, and is not taken for complete.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_cannot_be_finished_is_not_complete() {
    let p = Practice::new().await;
    let mut events = p.seat.engine.events().listen();
    let opened = p
        .seat
        .engine
        .open_listing(place(&p.id, "no-such-bucket", ""))
        .await
        .expect("opens");
    let ended = loop {
        match events.next().await {
            Some(Event::Listing { listing }) if listing.id == opened.id => break listing,
            Some(_) => {}
            None => panic!("the engine is gone"),
        }
    };
    assert!(!ended.complete);
    assert_eq!(ended.problem.expect("says why").code, "store.no-bucket");
}

// Promise: Deleting a folder deletes every object below it, its marker included.
// Promise: Only an empty bucket can be deleted.
#[tokio::test(flavor = "multi_thread")]
async fn folders_and_buckets() {
    let p = Practice::new().await;
    let new = |name: &str| NewFolder {
        location: p.top.clone(),
        name: name.to_owned(),
    };
    p.seat
        .engine
        .create_folder(new("plans"))
        .await
        .expect("makes it");
    assert_eq!(
        p.seat
            .engine
            .create_folder(new("plans"))
            .await
            .expect_err("is there")
            .code,
        "browse.folder-exists"
    );
    for bad in ["", ".", "..", "a\nb"] {
        assert_eq!(
            p.seat
                .engine
                .create_folder(new(bad))
                .await
                .expect_err("is no name")
                .code,
            "browse.folder-name"
        );
    }
    let rows = p.seat.lists(&p.top).await.expect("lists");
    assert_eq!(
        (rows[0].kind, rows[0].key.as_str()),
        (RowKind::Folder, "plans/")
    );
    let refused = p
        .seat
        .engine
        .delete_bucket(bucket(&p.id, "data"))
        .await
        .expect_err("is not empty");
    assert_eq!(refused.code, "store.bucket-not-empty", "{refused:?}");
    let delete = PlanWhat::Delete {
        selection: p.everything().await,
    };
    assert_eq!(
        p.seat.does(delete).await.files_done,
        1,
        "the marker is the folder"
    );
    p.seat
        .engine
        .delete_bucket(bucket(&p.id, "data"))
        .await
        .expect("is empty");
}

// Promise: Files fetched for dragging out are removed when they were not needed, else at the next start.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_dragged_out_is_cleared_up_at_the_next_start() {
    let p = Practice::new().await;
    p.has("a.txt", b"a");
    let stage = PlanWhat::Stage {
        selection: p.everything().await,
    };
    let job = p.seat.does(stage.clone()).await;
    let staged = p.seat.engine.staged(&job.id).expect("is known");
    let staged = staged.here().expect("is here");
    assert_eq!(std::fs::read(&staged[0]).expect("reads"), b"a");
    // Let go over nothing.
    let unneeded = p.seat.does(stage).await;
    let there = p.seat.engine.staged(&unneeded.id).expect("is known");
    let there = there.here().expect("is here");
    p.seat
        .engine
        .cancel_job(unneeded.id.clone())
        .await
        .expect("is forgotten");
    let jobs = p.seat.engine.jobs().await.expect("are known");
    assert!(!there[0].exists() && jobs.iter().all(|listed| listed.id != unneeded.id));
    let again = Engine::new(p.seat.engine.home().clone(), Some(VaultKind::Session));
    again.tidy();
    assert!(!staged[0].exists());
}
