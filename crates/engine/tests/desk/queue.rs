//! The queue: whose turn it is, stopping and going on, also over a restart.

use std::time::Duration;

use wherry_account::Home;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_engine::{Engine, JobPatience};
use wherry_vault::VaultKind;

use crate::bench::*;
use crate::seat::*;

// Promise: As many transfers run at once as the settings say; the others wait in their order, which
// can be changed, and one that is to run now takes the place of the one that was begun last.
#[tokio::test(flavor = "multi_thread")]
async fn the_queue_has_an_order_that_can_be_changed() {
    let b = Bench::new().await;
    b.slowly(1).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(b.uploads(&b.noise(name, 300_000)).await.id);
    }
    b.becomes(&ids[0], JobState::Running).await;
    for id in &ids[1..] {
        assert_eq!(b.state(id).await, JobState::Waiting);
    }
    let place = |at: usize, to| MoveJob {
        job: ids[at].clone(),
        to,
    };
    let order = |order: [usize; 4]| order.map(|at| ids[at].clone()).to_vec();
    b.seat
        .engine
        .move_job(place(3, QueuePlace::Up))
        .await
        .expect("moves");
    assert_eq!(b.queue().await, order([0, 1, 3, 2]));
    b.seat
        .engine
        .move_job(place(1, QueuePlace::Last))
        .await
        .expect("moves");
    assert_eq!(b.queue().await, order([0, 3, 2, 1]));
    b.seat
        .engine
        .move_job(place(2, QueuePlace::Now))
        .await
        .expect("moves");
    b.becomes(&ids[2], JobState::Running).await;
    assert_eq!(b.state(&ids[0]).await, JobState::Waiting);
    assert_eq!(b.queue().await, order([2, 0, 3, 1]));
    let gone = b.seat.engine.cancel_job(ids[3].clone()).await;
    assert_eq!(gone.expect("is cancelled").state, JobState::Cancelled);
    // Limits and the number at once count for what runs already.
    b.limited(None, 4).await;
    for at in [0, 1, 2] {
        b.becomes(&ids[at], JobState::Done).await;
    }
    assert!(b.stored("c").exists() && !b.stored("d").exists());
}

// Promise: A transfer that the user pauses keeps what is half done, also over a restart, and goes on
// when the user says so; one that was cut off by the end of the app goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_and_what_is_cut_off_is_there_after_a_restart() {
    let b = Bench::new().await;
    b.slowly(2).await;
    let large = b.noise("large", 20 << 20);
    let (paused, cut_off) = (b.uploads(&large).await.id, {
        let other = b.noise("other", 300_000);
        b.uploads(&other).await.id
    });
    b.becomes(&paused, JobState::Running).await;
    b.becomes(&cut_off, JobState::Running).await;
    let view = b.seat.engine.pause_job(paused.clone()).await;
    assert_eq!(view.expect("pauses").state, JobState::Paused);
    b.becomes(&cut_off, JobState::Running).await;
    b.seat.engine.shut_down().await;

    b.limited(None, 2).await;
    let home = Home::at(b.seat.home.path().join("wherry"));
    let next = Engine::new(home, Some(VaultKind::Session));
    let done = becomes(&next, &cut_off, JobState::Done).await;
    assert!(done.taken_up, "{done:?}");
    let still = becomes(&next, &paused, JobState::Paused).await;
    assert!(
        still.problem.is_none() && still.ended.is_none(),
        "{still:?}"
    );
    next.resume_job(paused.clone()).await.expect("goes on");
    becomes(&next, &paused, JobState::Done).await;
    let stored = std::fs::read(b.stored("large")).expect("reads");
    assert!(stored == std::fs::read(&large).expect("reads"));
    next.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_to_be_deleted_is_deleted_after_a_restart() {
    let b = Bench::new().await;
    for name in ["old/a", "old/b", "gone/c"] {
        std::fs::create_dir_all(b.stored(name).parent().expect("a folder")).expect("makes it");
        std::fs::write(b.stored(name), name).expect("writes");
    }
    b.slowly(1).await;
    let upload = b.uploads(&b.noise("large", 300_000)).await.id;
    b.becomes(&upload, JobState::Running).await;
    // Both wait for the upload, and for the next start.
    let folder = SelectedKey {
        kind: RowKind::Folder,
        key: "old/".into(),
    };
    let delete = PlanWhat::Delete {
        selection: Selection {
            location: b.top.clone(),
            keys: vec![folder],
            all_of: None,
        },
    };
    let plan = b.seat.plan(delete).await.expect("plans");
    let deletion = b.seat.engine.run_plan(run_request(&plan, OnConflict::Skip));
    let deletion = deletion.await.expect("starts");
    let sync = PlanWhat::Sync {
        sync: SyncSpec {
            from: SyncEnd::Folder {
                path: b.seat.files("d", &[("new", b"new")]).display().to_string(),
            },
            to: SyncEnd::Place {
                location: place(&b.id, "data", "gone/"),
            },
            compare: Compare::SizeAndTime,
            delete: true,
            include: Vec::new(),
            exclude: Vec::new(),
            with_litter: false,
        },
    };
    let plan = b.seat.plan(sync).await.expect("plans");
    let sync = b.seat.engine.run_plan(run_request(&plan, OnConflict::Skip));
    let sync = sync.await.expect("starts");
    assert_eq!((sync.kind, sync.files_total), (JobKind::Sync, 2));
    assert_eq!(
        b.queue().await.len(),
        3,
        "a sync that deletes is one transfer"
    );
    b.seat.engine.shut_down().await;
    std::fs::write(b.stored("old/b"), "written since").expect("writes");

    b.limited(None, 1).await;
    let home = Home::at(b.seat.home.path().join("wherry"));
    let next = Engine::new(home, Some(VaultKind::Session));
    let done = becomes(&next, &deletion.id, JobState::Partial).await;
    assert_eq!((done.files_done, done.files_failed), (1, 1));
    assert!(!b.stored("old/a").exists() && b.stored("old/b").exists());
    let done = becomes(&next, &sync.id, JobState::Done).await;
    assert_eq!(done.files_done, 2);
    assert!(b.stored("gone/new").exists() && !b.stored("gone/c").exists());
    next.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_on_one_journal_never_run_one_job() {
    let b = Bench::new().await;
    b.slowly(1).await;
    let job = b.uploads(&b.noise("a", 300_000)).await.id;
    b.becomes(&job, JobState::Running).await;
    let home = Home::at(b.seat.home.path().join("wherry"));
    let other = Engine::new(home, Some(VaultKind::Session));
    // At once, or, read before the other had noted that it runs, when it may not have it.
    let seen = becomes(&other, &job, JobState::Running).await;
    let problem = seen.problem.as_ref().expect("says who runs it");
    assert_eq!(problem.code, "transfer.elsewhere");
    other
        .resume_job(job.clone())
        .await
        .expect("is refused softly");
    becomes(&other, &job, JobState::Running).await;
    b.limited(None, 1).await;
    b.becomes(&job, JobState::Done).await;
    other.shut_down().await;
}

// Promise: A transfer that loses the way to its store, or whose store stays too busy, waits and tries
// again by itself, with growing pauses, and says so meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_waited_for() {
    let home = tempfile::tempdir().expect("a folder");
    let patience = JobPatience {
        backoff: wherry_transfer::Backoff {
            attempts: 2,
            first: Duration::from_millis(10),
            most: Duration::from_millis(10),
        },
        first: Duration::from_millis(300),
        most: Duration::from_millis(600),
    };
    let place_of_it = Home::at(home.path().join("wherry"));
    let engine = Engine::new(place_of_it, Some(VaultKind::Session)).with_patience(patience);
    let seat = Seat { engine, home };
    let key = wherry_practice::PracticeKey::generate();
    let objects = tempfile::tempdir().expect("a folder");
    let practice = wherry_practice::Practice::start(objects.path(), &key, None)
        .await
        .expect("starts");
    let address = practice.endpoint().clone();
    let secret = secrecy::ExposeSecret::expose_secret(&key.secret).to_owned();
    let account = form("Away", address.as_str(), &key.access_key_id, &secret);
    let id = seat.engine.add_account(account).await.expect("adds").id;
    let made = seat.engine.create_bucket(bucket(&id, "data")).await;
    made.expect("makes a bucket");
    let file = seat.files("here", &[("a", b"bytes")]).join("a");
    let what = PlanWhat::Upload {
        to: place(&id, "data", ""),
        paths: vec![file.display().to_string()],
    };
    let plan = seat.plan(what).await.expect("plans");
    practice.stop().await;
    let request = run_request(&plan, OnConflict::Skip);
    let job = seat.engine.run_plan(request).await.expect("starts").id;
    let waits = async {
        let mut events = seat.engine.events().listen();
        loop {
            let view = becomes(&seat.engine, &job, JobState::Waiting).await;
            if let Some(problem) = view.problem {
                return problem;
            }
            events.next().await.expect("lives");
        }
    };
    let problem = tokio::time::timeout(Duration::from_secs(30), waits)
        .await
        .expect("it waits");
    assert_eq!(problem.code, "store.unreachable");
    assert!(
        problem.todo.starts_with("Wherry tries again"),
        "{problem:?}"
    );
    let port = address.port();
    let back = wherry_practice::Practice::start(objects.path(), &key, port)
        .await
        .expect("is back at its port");
    becomes(&seat.engine, &job, JobState::Done).await;
    seat.engine.shut_down().await;
    back.stop().await;
}
