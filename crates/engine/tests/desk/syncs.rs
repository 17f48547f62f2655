//! Syncs: saved and run again, and their plans row by row.

use wherry_engine::commands::Desk;
use wherry_engine::contract::*;

use crate::bench::*;
use crate::seat::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_sync_is_run_again() {
    let b = Bench::new().await;
    let here = b.seat.files("d", &[("a.txt", b"a"), ("b.txt", b"b")]);
    let sync = SyncSpec {
        from: SyncEnd::Folder {
            path: here.display().to_string(),
        },
        to: SyncEnd::Place {
            location: place(&b.id, "data", "d/"),
        },
        compare: Compare::SizeAndTime,
        delete: true,
        include: Vec::new(),
        exclude: vec!["*.tmp".into()],
        with_litter: false,
    };
    let save = SaveSync {
        id: None,
        name: "Mine".into(),
        sync,
    };
    let saved = b.seat.engine.save_sync(save).await.expect("saves");
    let run = || PlanWhat::SavedSync {
        id: saved.id.clone(),
    };
    let plan = b.seat.plan(run()).await.expect("plans");
    assert_eq!((plan.kind, plan.files, plan.deletes), (JobKind::Sync, 2, 0));
    assert_eq!(b.seat.runs(&plan, OnConflict::Skip).await.files_done, 2);
    std::fs::remove_file(here.join("b.txt")).expect("removes");
    std::fs::write(here.join("c.txt"), "c").expect("writes");
    let plan = b.seat.plan(run()).await.expect("plans");
    assert_eq!((plan.files, plan.same, plan.deletes), (1, 1, 1), "{plan:?}");
    assert_eq!(plan.delete_examples, ["b.txt"]);
    assert!(plan.elsewhere);
    let ran = b.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!(ran.state, JobState::Done);
    b.all_end().await;
    let names = b.seat.names(&place(&b.id, "data", "d/")).await;
    assert_eq!(names, ["a.txt", "c.txt"]);
    let listed = b.seat.engine.saved_syncs().await.expect("lists");
    assert_eq!(listed[0].last_state, Some(JobState::Done));
    assert!(listed[0].last_run.is_some());
}

fn spec(from: SyncEnd, to: SyncEnd) -> SyncSpec {
    SyncSpec {
        from,
        to,
        compare: Compare::SizeAndTime,
        delete: true,
        include: Vec::new(),
        exclude: Vec::new(),
        with_litter: false,
    }
}

impl Bench {
    async fn sync_rows(&self, plan: &PlanView, change: SyncChange) -> Vec<SyncRow> {
        let request = SyncRowsRequest {
            plan: plan.id.clone(),
            change,
            from: 0,
            count: 100,
        };
        let page = self.seat.engine.sync_rows(request).await.expect("pages");
        assert_eq!(page.total, page.rows.len());
        page.rows
    }
}

fn row_of<'a>(rows: &'a [SyncRow], name: &str) -> &'a SyncRow {
    let row = rows.iter().find(|row| row.name == name);
    row.unwrap_or_else(|| panic!("{name} is not in {rows:?}"))
}

// Promise: Of the plan of a sync single rows can be left out: they stay as they are on both sides.
#[tokio::test(flavor = "multi_thread")]
async fn single_rows_of_a_sync_are_left_out() {
    let b = Bench::new().await;
    for name in ["d/changed.txt", "d/mine.txt", "d/gone.txt", "d/sub/old.txt"] {
        let stored = b.stored(name);
        std::fs::create_dir_all(stored.parent().expect("a folder")).expect("makes it");
        std::fs::write(stored, "as it was").expect("writes");
    }
    let here = b.seat.files(
        "d",
        &[
            ("changed.txt", b"new content"),
            ("mine.txt", b"newer content"),
            ("new.txt", b"new"),
            ("draft.txt", b"draft"),
        ],
    );
    let sync = spec(
        SyncEnd::Folder {
            path: here.display().to_string(),
        },
        SyncEnd::Place {
            location: place(&b.id, "data", "d/"),
        },
    );
    let plan = b.seat.plan(PlanWhat::Sync { sync }).await.expect("plans");
    assert_eq!((plan.files, plan.conflicts, plan.deletes), (4, 2, 2));
    assert_eq!(plan.delete_examples, ["gone.txt", "sub/old.txt"]);

    let new = b.sync_rows(&plan, SyncChange::New).await;
    let changed = b.sync_rows(&plan, SyncChange::Changed).await;
    let deleted = b.sync_rows(&plan, SyncChange::Deleted).await;
    assert_eq!((new.len(), changed.len(), deleted.len()), (2, 2, 2));
    let mine = row_of(&changed, "mine.txt");
    let sizes = (mine.here.as_ref(), mine.there.as_ref());
    assert!(
        matches!(sizes, (Some(here), Some(there)) if here.size == 13 && there.size == 9),
        "{mine:?}"
    );
    let mut request = run_request(&plan, OnConflict::Skip);
    request.left_out.copies = vec![mine.item, row_of(&new, "draft.txt").item];
    request.left_out.deletions = vec![row_of(&deleted, "gone.txt").item];
    let job = b.seat.engine.run_plan(request).await.expect("runs");
    b.all_end().await;
    assert_eq!(b.view(&job.id).await.state, JobState::Done);
    let read = |name: &str| std::fs::read_to_string(b.stored(name)).ok();
    assert_eq!(read("d/changed.txt").as_deref(), Some("new content"));
    assert_eq!(read("d/new.txt").as_deref(), Some("new"));
    assert_eq!(read("d/mine.txt").as_deref(), Some("as it was"));
    assert_eq!(read("d/draft.txt"), None);
    assert_eq!(read("d/gone.txt").as_deref(), Some("as it was"));
    assert_eq!(read("d/sub/old.txt"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_may_delete_is_run_without_deleting() {
    let b = Bench::new().await;
    std::fs::create_dir_all(b.stored("there")).expect("makes it");
    std::fs::write(b.stored("there/kept"), "theirs").expect("writes");
    std::fs::create_dir_all(b.stored("from")).expect("makes it");
    std::fs::write(b.stored("from/new"), "new").expect("writes");
    let end = |prefix: &str| SyncEnd::Place {
        location: place(&b.id, "data", prefix),
    };
    let sync = spec(end("from/"), end("there/"));
    let plan = b.seat.plan(PlanWhat::Sync { sync }).await.expect("plans");
    assert_eq!((plan.files, plan.deletes), (1, 1));
    // Names are those below the destination.
    assert_eq!(plan.examples, ["new"]);
    assert_eq!(plan.delete_examples, ["kept"]);
    let mut request = run_request(&plan, OnConflict::Skip);
    request.left_out.all_deletions = true;
    b.seat.engine.run_plan(request).await.expect("runs");
    b.all_end().await;
    let names = b.seat.names(&place(&b.id, "data", "there/")).await;
    assert_eq!(names, ["kept", "new"]);
}
