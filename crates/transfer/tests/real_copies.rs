//! Copies that a Ceph gateway makes in parts, whatever comes between.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use doubles::moving::*;
use doubles::pattern;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use wherry_doubles::{Fate, Passing, Weir};
use wherry_store::{Body, ContentCheck, Credentials, ObjectStore, PutRequest, S3Config, S3Store};
use wherry_testbed::{Rgw, Testbed, unique_bucket};
use wherry_transfer::journal::{Entry, NewJob};
use wherry_transfer::*;

const MIB: usize = 1 << 20;

fn copies_a_part(asked: &Passing) -> bool {
    asked.header("x-amz-copy-source").is_some()
}

/// A gateway that copies in parts what has more than 6 MiB, and a large object in it.
struct Copying {
    weir: Weir,
    rgw: Rgw,
    bucket: String,
    home: tempfile::TempDir,
}

impl Copying {
    async fn new() -> Self {
        let rgw = Testbed::rgw();
        let bed = Self {
            weir: Weir::before(&rgw.endpoint),
            rgw,
            bucket: unique_bucket("copies"),
            home: tempfile::tempdir().unwrap(),
        };
        let store = bed.store();
        store.create_bucket(&bed.bucket).await.unwrap();
        let here = tempfile::tempdir().unwrap();
        fs::write(here.path().join("original"), pattern(44 * MIB, 1)).unwrap();
        let request = UploadRequest {
            bucket: bed.bucket.clone(),
            ..upload_request(vec![here.path().join("original")])
        };
        let plan = UploadPlan::make(&store, request, &Watch::default()).await;
        let choices = Choices::default();
        let job = Job::upload(store, plan.unwrap(), &choices, settings());
        assert_eq!(job.await.unwrap().wait().await.state, JobState::Done);
        bed
    }

    fn store(&self) -> Arc<dyn ObjectStore> {
        self.at(&self.weir.url)
    }

    /// Past whatever is in between.
    fn directly(&self) -> Arc<dyn ObjectStore> {
        self.at(&self.rgw.endpoint)
    }

    fn at(&self, endpoint: &str) -> Arc<dyn ObjectStore> {
        let key = Credentials {
            access_key_id: self.rgw.access_key.clone(),
            secret: self.rgw.secret_key.clone().into(),
            session_token: None,
        };
        Arc::new(
            S3Store::new(S3Config {
                copy_whole_up_to: 6 << 20,
                copy_part_size: 5 << 20,
                ..S3Config::new(endpoint.parse().unwrap(), Some(key))
            })
            .unwrap(),
        )
    }

    /// The third part of a copy and those after it are held until that is let go.
    fn hold(&self) -> watch::Sender<bool> {
        let (let_go, may) = watch::channel(false);
        self.weir.rule(move |asked| match asked.part() {
            Some(3..) => Fate::When(may.clone()),
            _ => Fate::Pass,
        });
        let_go
    }

    async fn begin(&self, journal: &Journal, move_it: bool) -> Job {
        let store = self.store();
        let request = CopyRequest {
            from_bucket: self.bucket.clone(),
            from: "original".into(),
            to_bucket: self.bucket.clone(),
            to: "copy".into(),
            remove_originals: move_it,
        };
        let plan = CopyPlan::make(&store, request, &Watch::default()).await;
        let settings = Settings {
            journal: Some(Entry {
                journal: journal.clone(),
                job: NewJob {
                    title: "a copy".into(),
                    ..NewJob::default()
                },
            }),
            ..settings()
        };
        let choices = Choices::default();
        let job = Job::copy(store, plan.unwrap(), &choices, settings);
        job.await.unwrap()
    }

    /// Two parts of the copy are there, and the next ones are on their way.
    async fn in_the_middle(&self, job: &Job) {
        while self.weir.answered(copies_a_part) < 2 {
            assert!(
                job.snapshot().ended.is_none(),
                "{:?}",
                job.files(0..1, true)
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(self.unfinished().await, 1);
    }

    async fn unfinished(&self) -> usize {
        let uploads = self.directly().list_uploads(&self.bucket, "").await;
        uploads.unwrap().len()
    }

    async fn reads(&self, key: &str) -> bool {
        let there = tempfile::tempdir().unwrap();
        let request = DownloadRequest {
            bucket: self.bucket.clone(),
            sources: vec![DownloadSource::Object {
                key: key.into(),
                save_as: None,
            }],
            folder: there.path().to_owned(),
            look_there: true,
        };
        let store = self.store();
        let plan = DownloadPlan::make(&store, request, &Watch::default()).await;
        let job = Job::download(store, plan.unwrap(), Choices::default(), settings());
        assert_eq!(job.await.unwrap().wait().await.state, JobState::Done);
        fs::read(there.path().join(key)).unwrap() == pattern(44 * MIB, 1)
    }

    async fn has(&self, key: &str) -> bool {
        self.store().head(&self.bucket, key).await.is_ok()
    }

    async fn ends(self) {
        let store = self.store();
        let all = vec![String::new()];
        let plan = DeletePlan::make(&store, &self.bucket, vec![], all, &Watch::default()).await;
        let job = Job::delete(Arc::clone(&store), plan.unwrap(), settings());
        job.wait().await;
        store.delete_bucket(&self.bucket).await.unwrap();
    }
}

#[test]
fn a_copy_in_parts_that_is_killed_goes_on_and_leaves_nothing() {
    for move_it in [false, true] {
        let life = Runtime::new().unwrap();
        let bed = life.block_on(Copying::new());
        let held = bed.hold();
        let original = life.block_on(bed.store().head(&bed.bucket, "original"));
        let etag = original.unwrap().etag.unwrap();
        let id = life.block_on(async {
            let journal = Journal::open(bed.home.path()).unwrap();
            let job = bed.begin(&journal, move_it).await;
            bed.in_the_middle(&job).await;
            job.id().unwrap()
        });
        // As a kill does it: nobody tidies up.
        life.shutdown_timeout(Duration::from_secs(5));
        let next = Runtime::new().unwrap();
        next.block_on(async {
            assert_eq!(bed.unfinished().await, 1);
            assert!(!bed.has("copy").await && bed.has("original").await);
            bed.weir.let_all_pass();
            let before = bed.weir.count(copies_a_part);
            drop(held);
            let journal = Journal::open(bed.home.path()).unwrap();
            let store = bed.store();
            let job = Job::resume(&journal, &id, store, None, settings()).await;
            let job = job.unwrap();
            assert_eq!(
                job.wait().await.state,
                JobState::Done,
                "{:?}",
                job.files(0..1, true)
            );
            let copied = bed.weir.count(copies_a_part) - before;
            assert!((1..=4).contains(&copied), "{copied} parts of 6");
            assert!(bed.reads("copy").await);
            let receipt = &journal.receipts(&id, 0, 9).unwrap()[0];
            assert_eq!(receipt.proof, Proof::Etag);
            assert_eq!(receipt.part_size, Some(8 << 20), "as the original");
            assert_eq!(receipt.etag, Some(etag.clone()));
            assert_eq!(bed.has("original").await, !move_it);
            assert_eq!(bed.unfinished().await, 0);
            assert!(journal.left_over().unwrap().is_empty());
            assert_eq!(journal.receipts(&id, 0, 9).unwrap().len(), 1);
            bed.ends().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_that_is_cancelled_leaves_nothing() {
    let bed = Copying::new().await;
    let held = bed.hold();
    let journal = Journal::open(bed.home.path()).unwrap();
    let job = bed.begin(&journal, true).await;
    bed.in_the_middle(&job).await;
    job.cancel();
    assert_eq!(job.wait().await.state, JobState::Cancelled);
    assert_eq!(bed.unfinished().await, 0);
    assert!(journal.left_over().unwrap().is_empty());
    assert!(!bed.has("copy").await && bed.has("original").await);
    drop(held);
    bed.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_that_is_called_off_while_the_store_begins_it_leaves_nothing() {
    for how in [Job::cancel, Job::pause, Job::cut_off] {
        let bed = Copying::new().await;
        let (let_go, may) = watch::channel(false);
        let before = bed.weir.count(Passing::begins);
        bed.weir.rule(move |asked| {
            if asked.begins() {
                Fate::When(may.clone())
            } else {
                Fate::Pass
            }
        });
        let journal = Journal::open(bed.home.path()).unwrap();
        let job = bed.begin(&journal, false).await;
        while bed.weir.count(Passing::begins) == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        how(&job);
        let_go.send(true).unwrap();
        let end = job.wait().await;
        let known = journal.half_uploads(&bed.bucket).unwrap();
        let known = known.iter().filter(|half| half.upload.is_some()).count();
        assert_eq!(
            bed.unfinished().await,
            known,
            "what is not known is not there"
        );
        assert_eq!(known, usize::from(end.state == JobState::Paused));
        if end.state == JobState::Paused {
            assert!(job.go_on());
            assert_eq!(job.wait().await.state, JobState::Done);
            assert!(bed.reads("copy").await);
            assert_eq!(
                bed.weir.count(Passing::begins),
                before + 1,
                "it went on with that one"
            );
        }
        assert_eq!(bed.unfinished().await, 0);
        bed.ends().await;
    }
}

// Ceph 16 copies parts of whatever is there by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_is_not_made_of_two_objects() {
    let bed = Copying::new().await;
    let held = bed.hold();
    let journal = Journal::open(bed.home.path()).unwrap();
    let job = bed.begin(&journal, true).await;
    bed.in_the_middle(&job).await;
    let other = PutRequest {
        bucket: bed.bucket.clone(),
        key: "original".into(),
        body: Body::Bytes(pattern(44 * MIB, 2).into()),
        check: ContentCheck::default(),
        content_type: None,
        metadata: std::collections::BTreeMap::new(),
        if_absent: false,
    };
    bed.directly().put(other).await.unwrap();
    held.send(true).unwrap();
    assert_eq!(job.wait().await.state, JobState::Failed);
    let rows = job.files(0..1, true);
    assert!(
        matches!(rows[0].error, Some(FileError::ChangedThere { .. })),
        "{rows:?}"
    );
    assert!(!bed.has("copy").await && bed.has("original").await);
    assert_eq!(bed.unfinished().await, 0);
    bed.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_whose_end_was_not_heard_of_is_not_made_again() {
    for always in [false, true] {
        let bed = Copying::new().await;
        let journal = Journal::open(bed.home.path()).unwrap();
        let (begun, ends) = (bed.weir.count(Passing::begins), AtomicUsize::new(0));
        bed.weir.rule(move |asked| {
            let lost = asked.completes() && (ends.fetch_add(1, SeqCst) == 0 || always);
            if lost { Fate::LoseAnswer } else { Fate::Pass }
        });
        let job = bed.begin(&journal, true).await;
        let end = job.wait().await;
        if always {
            assert_eq!(end.state, JobState::Failed);
            assert!(bed.has("original").await);
            bed.weir.let_all_pass();
            assert!(job.retry_failed());
            job.wait().await;
        }
        let rows = job.files(0..1, false);
        assert_eq!(rows[0].state, FileState::Done, "{rows:?}");
        assert!(bed.reads("copy").await && !bed.has("original").await);
        assert_eq!(bed.weir.count(copies_a_part), 6, "each part once");
        assert_eq!(bed.weir.count(Passing::begins), begun + 1);
        assert_eq!(bed.unfinished().await, 0);
        assert!(journal.half_uploads(&bed.bucket).unwrap().is_empty());
        bed.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_outlives_faults_of_its_parts() {
    let bed = Copying::new().await;
    let inside =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code></Error>";
    let met = std::sync::Mutex::new(std::collections::HashSet::new());
    bed.weir.rule(move |asked| {
        // Each of them once.
        let what = asked
            .part()
            .unwrap_or(if asked.completes() { 99 } else { 0 });
        if !met.lock().unwrap().insert(what) {
            return Fate::Pass;
        }
        match what {
            1 => Fate::refuse(503, "SlowDown"),
            2 | 99 => Fate::Answer(wherry_doubles::answer(200, "", inside)),
            3 => Fate::LoseAnswer,
            _ => Fate::Pass,
        }
    });
    let journal = Journal::open(bed.home.path()).unwrap();
    let begun = bed.weir.count(Passing::begins);
    let job = bed.begin(&journal, false).await;
    assert_eq!(
        job.wait().await.state,
        JobState::Done,
        "{:?}",
        job.files(0..1, true)
    );
    assert_eq!(
        bed.weir.count(Passing::begins),
        begun + 1,
        "no part in vain"
    );
    assert!(bed.reads("copy").await);
    assert_eq!(bed.unfinished().await, 0);
    // The original is replaced in the middle: no copy is made of two objects.
    bed.weir.rule(|asked| match asked.part() {
        Some(3..) => Fate::refuse(412, "PreconditionFailed"),
        _ => Fate::Pass,
    });
    let again = bed.store();
    let deleted = again.delete(&bed.bucket, vec!["copy".into()]).await;
    assert!(deleted[0].result.is_ok());
    let job = bed.begin(&journal, true).await;
    assert_eq!(job.wait().await.state, JobState::Failed);
    assert!(!bed.has("copy").await && bed.has("original").await);
    assert_eq!(bed.unfinished().await, 0);
    bed.ends().await;
}
