//! Single faults of the way to the store, of the store and of the disk, as a transfer of the window meets
//! them: what the user is told, that it goes on, and that nothing is lost or left behind.
//!
//! The practice store, whose objects are plain files, stands behind a weir that does to single requests
//! what the test says.

mod answers;
mod names;
mod room;
mod way;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use wherry_account::Home;
use wherry_doubles::Weir;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_engine::{Engine, JobPatience};
use wherry_practice::{Practice, PracticeKey};
use wherry_transfer::Backoff;
use wherry_vault::VaultKind;

use crate::seat::*;

const MIB: usize = 1 << 20;

/// Three tries a request, and short waits: tests with many faults are to be quick.
fn impatient() -> JobPatience {
    JobPatience {
        backoff: Backoff {
            attempts: 3,
            first: Duration::from_millis(2),
            most: Duration::from_millis(5),
        },
        first: Duration::from_millis(20),
        most: Duration::from_millis(80),
    }
}

pub fn impatient_seat() -> Seat {
    let home = tempfile::tempdir().expect("a folder");
    let at = Home::at(home.path().join("wherry"));
    let engine = Engine::new(at, Some(VaultKind::Session)).with_patience(impatient());
    Seat { engine, home }
}

struct Bench {
    seat: Seat,
    weir: Weir,
    id: String,
    top: Location,
    objects: TempDir,
    practice: Practice,
}

impl Bench {
    async fn new() -> Self {
        Self::reached_by(|weir, _| form("Store", &weir.url, "", "")).await
    }

    /// With an account whose form is filled in for the weir and the store behind it.
    async fn reached_by(fill_in: impl FnOnce(&Weir, &Practice) -> AccountForm) -> Self {
        let key = PracticeKey::generate();
        let objects = tempfile::tempdir().expect("a folder");
        let practice = Practice::start(objects.path(), &key, None).await;
        let practice = practice.expect("starts");
        let weir = Weir::before(practice.endpoint().as_str());
        let seat = impatient_seat();
        let account = AccountForm {
            access_key_id: key.access_key_id.clone(),
            secret: Some(typed(key.secret.expose_secret())),
            ..fill_in(&weir, &practice)
        };
        let id = seat.engine.add_account(account).await.expect("adds").id;
        let made = seat.engine.create_bucket(bucket(&id, "data")).await;
        made.expect("makes a bucket");
        let top = place(&id, "data", "");
        Self {
            seat,
            weir,
            id,
            top,
            objects,
            practice,
        }
    }

    fn file(&self, name: &str, size: usize) -> PathBuf {
        self.seat.files("here", &[(name, &noise(size))]).join(name)
    }

    /// An object that no request has brought.
    fn has(&self, key: &str, size: usize) {
        let path = self.stored(key);
        std::fs::create_dir_all(path.parent().expect("is in a bucket")).expect("makes it");
        std::fs::write(path, noise(size)).expect("writes");
    }

    fn stored(&self, key: &str) -> PathBuf {
        self.objects.path().join("data").join(key)
    }

    fn arrived(&self, key: &str, from: &Path) {
        let (found, wanted) = (std::fs::read(self.stored(key)), std::fs::read(from));
        assert!(found.expect("is there") == wanted.expect("reads"), "{key}");
    }

    /// Where downloads go.
    fn there(&self) -> PathBuf {
        self.seat.files("there", &[])
    }

    async fn upload(&self, path: &Path) -> String {
        self.begin(PlanWhat::Upload {
            to: self.top.clone(),
            paths: vec![path.display().to_string()],
        })
        .await
    }

    async fn download(&self, folder: &Path) -> String {
        std::fs::create_dir_all(folder).expect("makes it");
        let rows = self.seat.lists(&self.top).await.expect("lists");
        self.begin(PlanWhat::Download {
            selection: selection(&self.top, &rows),
            folder: folder.display().to_string(),
        })
        .await
    }

    async fn begin(&self, what: PlanWhat) -> String {
        let plan = self.seat.plan(what).await.expect("plans");
        begin(&self.seat.engine, &plan).await
    }

    async fn until(&self, job: &str, is: impl Fn(&JobView) -> bool) -> JobView {
        until(&self.seat.engine, job, is).await
    }

    async fn ended(&self, job: &str) -> JobView {
        self.until(job, |view| view.ended.is_some()).await
    }

    async fn done(&self, job: &str) -> JobView {
        let end = self.ended(job).await;
        let failures = self.seat.failures(&end).await;
        assert_eq!(end.state, JobState::Done, "{end:?} {failures:?}");
        assert_eq!(end.bytes_done, end.bytes_total);
        end
    }

    /// It waits for something that may pass, and says for what.
    async fn waits(&self, job: &str) -> Problem {
        let waiting = self.until(job, is_waiting).await;
        let problem = waiting.problem.expect("says why");
        assert!(
            problem.todo.starts_with("Wherry tries again by itself in"),
            "{problem:?}"
        );
        problem
    }

    /// The one file of a job that has failed.
    async fn failed(&self, job: &str) -> Problem {
        let end = self.ended(job).await;
        assert_eq!(end.state, JobState::Failed, "{end:?}");
        let mut failures = self.seat.failures(&end).await;
        assert_eq!(failures.len(), 1, "{failures:?}");
        failures.remove(0).1
    }

    /// One click.
    async fn again(&self, job: &str) {
        let again = self.seat.engine.retry_job(job.to_owned()).await;
        again.expect("is tried again");
    }

    /// Uploads begun in the whole test.
    fn begun(&self) -> usize {
        self.weir.count(wherry_doubles::Passing::begins)
    }

    fn sent(&self, part: u32) -> usize {
        self.weir.count(|asked| asked.part() == Some(part))
    }

    async fn unfinished(&self) -> Vec<UnfinishedView> {
        let found = self
            .seat
            .engine
            .unfinished_uploads(bucket(&self.id, "data"));
        found.await.expect("lists").uploads
    }

    /// Nothing half done here or at the store, and nobody keeps anything running.
    async fn ends(self) {
        let left = self.unfinished().await;
        assert!(left.is_empty(), "{left:?}");
        let drafts: Vec<PathBuf> = files_below(self.seat.home.path())
            .into_iter()
            .filter(|path| is_draft(path))
            .collect();
        assert!(drafts.is_empty(), "{drafts:?}");
        self.seat.engine.shut_down().await;
        self.practice.stop().await;
    }
}

fn is_waiting(view: &JobView) -> bool {
    view.state == JobState::Waiting && view.problem.is_some()
}

fn is_draft(path: &Path) -> bool {
    path.to_string_lossy().contains(".wherry-")
}

async fn begin(engine: &Engine, plan: &PlanView) -> String {
    let request = RunRequest {
        plan: plan.id.clone(),
        on_conflict: OnConflict::Overwrite,
        include_same: true,
        each: Vec::new(),
        left_out: LeftOut::default(),
    };
    engine.run_plan(request).await.expect("starts").id
}

/// A sight of the job of which this is true.
async fn until(engine: &Engine, job: &str, is: impl Fn(&JobView) -> bool) -> JobView {
    let mut events = engine.events().listen();
    let seen = async {
        loop {
            let jobs = engine.jobs().await.expect("lists");
            if let Some(job) = jobs.into_iter().find(|j| j.id == job && is(j)) {
                return job;
            }
            events.next().await.expect("the engine lives");
        }
    };
    match tokio::time::timeout(Duration::from_mins(1), seen).await {
        Ok(job) => job,
        Err(tokio::time::error::Elapsed { .. }) => {
            panic!("it never came to that: {:#?}", engine.jobs().await)
        }
    }
}

/// Bytes that differ from place to place.
fn noise(size: usize) -> Vec<u8> {
    (0..size as u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}
