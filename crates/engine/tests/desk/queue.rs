//! The queue: whose turn it is, stopping and going on, also over a restart, and what is proved and
//! taken away afterwards. On the practice store, whose objects are plain files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wherry_account::Home;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_engine::{Engine, JobPatience};
use wherry_vault::VaultKind;

use crate::seat::*;

struct Bench {
    seat: Seat,
    id: String,
    top: Location,
}

impl Bench {
    async fn new() -> Self {
        let seat = Seat::new();
        let id = seat.engine.start_practice().await.expect("starts").id;
        let made = seat.engine.create_bucket(bucket(&id, "data")).await;
        made.expect("makes a bucket");
        let top = place(&id, "data", "");
        Self { seat, id, top }
    }

    /// Uploads of files of these sizes crawl, and each wants a slot of its own.
    async fn slowly(&self, jobs_at_once: u32) {
        self.limited(Some(1), jobs_at_once).await;
    }

    async fn limited(&self, upload_limit: Option<u64>, jobs_at_once: u32) {
        let mut settings = self.seat.engine.settings().await.expect("reads");
        settings.transfers.upload_limit = upload_limit;
        settings.transfers.jobs_at_once = jobs_at_once;
        let saved = self.seat.engine.save_settings(settings).await;
        saved.expect("saves");
    }

    fn noise(&self, name: &str, size: usize) -> PathBuf {
        let bytes: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
        self.seat.files("here", &[(name, &bytes)]).join(name)
    }

    async fn uploads(&self, path: &Path) -> JobView {
        let what = PlanWhat::Upload {
            to: self.top.clone(),
            paths: vec![path.display().to_string()],
        };
        let plan = self.seat.plan(what).await.expect("plans");
        let request = RunRequest {
            plan: plan.id,
            on_conflict: OnConflict::Skip,
            include_same: false,
            each: Vec::new(),
        };
        self.seat.engine.run_plan(request).await.expect("starts")
    }

    async fn state(&self, id: &str) -> JobState {
        self.view(id).await.state
    }

    async fn view(&self, id: &str) -> JobView {
        let jobs = self.seat.engine.jobs().await.expect("lists");
        jobs.into_iter().find(|j| j.id == id).expect("is a job")
    }

    /// The ids of the jobs that have not ended, in the queue's order.
    async fn queue(&self) -> Vec<String> {
        let jobs = self.seat.engine.jobs().await.expect("lists");
        jobs.into_iter()
            .filter(|j| j.ended.is_none())
            .map(|j| j.id)
            .collect()
    }

    async fn becomes(&self, id: &str, state: JobState) -> JobView {
        becomes(&self.seat.engine, id, state).await
    }

    fn stored(&self, key: &str) -> PathBuf {
        self.seat.engine.home().practice().join("data").join(key)
    }
}

async fn becomes(engine: &Engine, id: &str, state: JobState) -> JobView {
    let mut events = engine.events().listen();
    let waiting = async {
        loop {
            let jobs = engine.jobs().await.expect("lists");
            if let Some(job) = jobs.into_iter().find(|j| j.id == id && j.state == state) {
                return job;
            }
            events.next().await.expect("the engine lives");
        }
    };
    match tokio::time::timeout(Duration::from_mins(1), waiting).await {
        Ok(job) => job,
        Err(tokio::time::error::Elapsed { .. }) => {
            panic!("{id} never became {state:?}: {:#?}", engine.jobs().await)
        }
    }
}

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
async fn two_engines_on_one_journal_never_run_one_job() {
    let b = Bench::new().await;
    b.slowly(1).await;
    let job = b.uploads(&b.noise("a", 300_000)).await.id;
    b.becomes(&job, JobState::Running).await;
    let home = Home::at(b.seat.home.path().join("wherry"));
    let other = Engine::new(home, Some(VaultKind::Session));
    let seen = other.jobs().await.expect("lists");
    let seen = seen.iter().find(|j| j.id == job).expect("knows of it");
    assert_eq!(seen.state, JobState::Running);
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
    let request = RunRequest {
        plan: plan.id,
        on_conflict: OnConflict::Skip,
        include_same: false,
        each: Vec::new(),
    };
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
        search: "Upload 1 file".into(),
        after,
        count: 1,
    };
    let first = next.history(page(None)).await.expect("reads");
    assert_eq!((first.jobs.len(), first.jobs[0].state), (1, JobState::Done));
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
    assert_eq!(found[0].to, "data/two.nc");
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

// Promise: Unfinished uploads of a bucket are listed with their age and size, and one that a transfer
// of this computer is still using is not cleaned up.
#[tokio::test(flavor = "multi_thread")]
async fn unfinished_uploads_are_found_and_those_in_use_are_kept() {
    let rgw = wherry_testbed::Testbed::rgw();
    let seat = Seat::new();
    let account = form("RGW", &rgw.endpoint, &rgw.access_key, &rgw.secret_key);
    let id = seat.engine.add_account(account).await.expect("adds").id;
    let name = wherry_testbed::unique_bucket("unfinished");
    let made = seat.engine.create_bucket(bucket(&id, &name)).await;
    made.expect("makes a bucket");
    let store = seat.engine.store(&id).await.expect("opens");
    let forgotten = {
        use wherry_store::ObjectStore;
        let metadata = std::collections::BTreeMap::new();
        let upload = store.create_upload(&name, "left behind", None, &metadata);
        let upload = upload.await.expect("begins");
        let part = wherry_store::UploadPartRequest {
            bucket: name.clone(),
            key: "left behind".into(),
            upload: upload.clone(),
            number: 1,
            body: wherry_store::Body::Bytes(vec![7; 5000].into()),
            check: wherry_store::ContentCheck::default(),
        };
        store.upload_part(part).await.expect("sends a part");
        upload.0
    };
    // A transfer in the middle of its parts, paused there.
    let mut settings = seat.engine.settings().await.expect("reads");
    settings.transfers.upload_limit = Some(9 << 20);
    let saved = seat.engine.save_settings(settings.clone()).await;
    saved.expect("saves");
    let bytes = vec![1; 40 << 20];
    let large = seat.files("here", &[("large", &bytes)]).join("large");
    let what = PlanWhat::Upload {
        to: place(&id, &name, ""),
        paths: vec![large.display().to_string()],
    };
    let plan = seat.plan(what).await.expect("plans");
    let request = RunRequest {
        plan: plan.id,
        on_conflict: OnConflict::Skip,
        include_same: false,
        each: Vec::new(),
    };
    let mut events = seat.engine.events().listen();
    let job = seat.engine.run_plan(request).await.expect("starts").id;
    let moving = async {
        while let Some(event) = events.next().await {
            if let Event::Jobs { jobs } = event
                && jobs.iter().any(|j| j.id == job && j.bytes_done > 1 << 20)
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), moving)
        .await
        .expect("moves");
    let paused = seat.engine.pause_job(job.clone()).await.expect("pauses");
    assert_eq!(paused.state, JobState::Paused);

    let found = seat.engine.unfinished_uploads(bucket(&id, &name)).await;
    let found = found.expect("lists").uploads;
    assert_eq!(found.len(), 2, "{found:?}");
    let of = |key: &str| found.iter().find(|u| u.key == key).expect("is there");
    let left = of("left behind");
    assert_eq!((left.bytes, &left.job), (Some(5000), &None));
    assert!(left.started.is_some() && left.upload == forgotten);
    assert_eq!(of("large").job.as_ref(), Some(&job));
    let clean = CleanUploads {
        account: id.clone(),
        bucket: name.clone(),
        uploads: found
            .iter()
            .map(|u| UploadRef {
                key: u.key.clone(),
                upload: u.upload.clone(),
            })
            .collect(),
    };
    let cleaned = seat.engine.clean_uploads(clean).await.expect("cleans");
    assert_eq!((cleaned.uploads, cleaned.problems.len()), (1, 1));
    assert_eq!(cleaned.problems[0].1.code, "uploads.in-use");
    settings.transfers.upload_limit = None;
    seat.engine.save_settings(settings).await.expect("saves");
    seat.engine.resume_job(job.clone()).await.expect("goes on");
    becomes(&seat.engine, &job, JobState::Done).await;
    let found = seat.engine.unfinished_uploads(bucket(&id, &name)).await;
    assert!(found.expect("lists").uploads.is_empty());
}

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
    assert_eq!(plan.delete_examples, ["d/b.txt"]);
    assert!(plan.elsewhere);
    let ran = b.seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!(ran.state, JobState::Done);
    let jobs = b.seat.engine.jobs().await.expect("lists");
    let deletes = jobs.iter().find(|j| j.kind == JobKind::Delete);
    b.becomes(&deletes.expect("follows").id, JobState::Done)
        .await;
    let names = b.seat.names(&place(&b.id, "data", "d/")).await;
    assert_eq!(names, ["a.txt", "c.txt"]);
    let listed = b.seat.engine.saved_syncs().await.expect("lists");
    assert_eq!(listed[0].last_state, Some(JobState::Done));
    assert!(listed[0].last_run.is_some());
}
