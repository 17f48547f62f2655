//! A job that is told to stop stops soon, wherever it is, on threads as many as there are.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use doubles::moving::*;
use doubles::pattern;
use wherry_practice::{Practice, PracticeKey};
use wherry_store::{Credentials, ObjectStore, S3Config, S3Store};
use wherry_transfer::journal::{Entry, NewJob};
use wherry_transfer::*;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_download_that_is_cancelled_ends_soon() {
    let root = tempfile::tempdir().unwrap();
    let key = PracticeKey::generate();
    let practice = Practice::start(root.path(), &key, None).await.unwrap();
    let credentials = Credentials {
        access_key_id: key.access_key_id.clone(),
        secret: key.secret.clone(),
        session_token: None,
    };
    let config = S3Config::new(practice.endpoint().clone(), Some(credentials));
    let store: Arc<dyn ObjectStore> = Arc::new(S3Store::new(config).unwrap());
    store.create_bucket("boats").await.unwrap();
    let here = tempfile::tempdir().unwrap();
    for i in 0..40 {
        fs::write(here.path().join(format!("{i:04}.bin")), pattern(8 * MIB, i)).unwrap();
    }
    let mut request = upload_request(vec![here.path().to_owned()]);
    request.bucket = "boats".into();
    request.prefix = "in/".into();
    request.sources[0].contents = true;
    let plan = UploadPlan::make(&store, request, &Watch::default())
        .await
        .unwrap();
    let job = Job::upload(
        Arc::clone(&store),
        plan,
        &Choices::default(),
        Settings::default(),
    )
    .await
    .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    let rounds = std::env::var("WHERRY_ROUNDS").map_or(5, |n| n.parse().unwrap());
    for round in 0..rounds {
        let (there, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let journal = Journal::open(home.path()).unwrap();
        let request = DownloadRequest {
            bucket: "boats".into(),
            sources: vec![DownloadSource::Contents {
                prefix: "in/".into(),
            }],
            folder: there.path().to_owned(),
            look_there: true,
        };
        let plan = DownloadPlan::make(&store, request, &Watch::default())
            .await
            .unwrap();
        let settings = Settings {
            journal: Some(Entry {
                journal: journal.clone(),
                job: NewJob {
                    title: "x".into(),
                    place: "x".into(),
                    details: serde_json::Value::Null,
                    fingerprint: None,
                    id: None,
                },
            }),
            ..Settings::default()
        };
        let job = Job::download(Arc::clone(&store), plan, Choices::default(), settings)
            .await
            .unwrap();
        while job.snapshot().files_done < round as u64 % 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        job.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(15), job.wait()).await;
        let now = job.snapshot();
        assert!(
            ended.is_ok(),
            "round {round}: {now:?} {:?}",
            job.files(0..40, false)
                .iter()
                .map(|f| f.state)
                .collect::<Vec<_>>()
        );
    }
}
