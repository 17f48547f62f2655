//! The engine on real servers: a Ceph gateway, and the practice store.

#![allow(clippy::unwrap_used)]

mod doubles;

use std::fs;
use std::sync::Arc;

use doubles::moving::*;
use doubles::{files_in, pattern};
use secrecy::SecretString;
use wherry_practice::{Practice, PracticeKey};
use wherry_store::{Credentials, ListRequest, ObjectStore, S3Config, S3Store};
use wherry_testbed::{Rgw, Testbed, unique_bucket};
use wherry_transfer::*;

const MIB: usize = 1 << 20;

fn store(endpoint: &str, id: &str, secret: SecretString) -> Arc<dyn ObjectStore> {
    let key = Credentials {
        access_key_id: id.to_owned(),
        secret,
        session_token: None,
    };
    let config = S3Config::new(endpoint.parse().unwrap(), Some(key));
    Arc::new(S3Store::new(config).unwrap())
}

fn of_rgw(rgw: &Rgw) -> Arc<dyn ObjectStore> {
    store(
        &rgw.endpoint,
        &rgw.access_key,
        rgw.secret_key.clone().into(),
    )
}

async fn round_trip(store: &Arc<dyn ObjectStore>, bucket: &str) {
    store.create_bucket(bucket).await.unwrap();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sizes = [
        0,
        1,
        8 * MIB,
        8 * MIB + 1,
        16 * MIB,
        16 * MIB + 1,
        100 * MIB,
    ];
    for (i, size) in sizes.iter().enumerate() {
        fs::write(
            here.path().join(format!("{size}.bin")),
            pattern(*size, i as u64),
        )
        .unwrap();
    }
    fs::create_dir_all(here.path().join("deep/ünï 日本/a+b=c&d")).unwrap();
    for name in ["x%20y", "😀", "'quoted\"", "a b ", "ends.", "<img src=x>"] {
        fs::write(here.path().join("deep/ünï 日本/a+b=c&d").join(name), name).unwrap();
    }
    let (all, settings) = receipts();
    let mut request = upload_request(vec![here.path().to_owned()]);
    request.bucket = bucket.to_owned();
    request.prefix = "in/".into();
    request.sources[0].contents = true;
    let plan = UploadPlan::make(store, request.clone(), &Watch::default())
        .await
        .unwrap();
    assert!(plan.conflicts.is_empty() && plan.notes.is_empty());
    let job = Job::upload(
        Arc::clone(store),
        plan,
        &Choices::default(),
        settings.clone(),
    )
    .await
    .unwrap();
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..20, true));
    assert_eq!(end.bytes_done, end.bytes_total);

    // What is there is known as the same.
    let again = UploadPlan::make(store, request, &Watch::default())
        .await
        .unwrap();
    assert_eq!(
        again.conflicts.iter().filter(|c| c.same).count(),
        again.items.len()
    );

    let request = DownloadRequest {
        bucket: bucket.to_owned(),
        sources: vec![DownloadSource::Contents {
            prefix: "in/".into(),
        }],
        folder: there.path().to_owned(),
        look_there: true,
    };
    let plan = DownloadPlan::make(store, request.clone(), &Watch::default())
        .await
        .unwrap();
    let job = Job::download(
        Arc::clone(store),
        plan,
        Choices::default(),
        settings.clone(),
    )
    .await
    .unwrap();
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..20, true));
    assert!(
        files_in(here.path()) == files_in(there.path()),
        "every byte as it was"
    );
    let all = all.lock().unwrap().clone();
    assert_eq!(all.len(), 2 * 13);
    assert!(all.iter().all(|r| r.proof == Proof::Etag), "{all:#?}");
    let again = DownloadPlan::make(store, request, &Watch::default())
        .await
        .unwrap();
    assert_eq!(
        again.conflicts.iter().filter(|c| c.same).count(),
        again.items.len()
    );

    // Renamed, then deleted.
    let rename = CopyRequest {
        from_bucket: bucket.to_owned(),
        from: "in/".into(),
        to_bucket: bucket.to_owned(),
        to: "out/".into(),
        remove_originals: true,
    };
    let plan = CopyPlan::make(store, rename, &Watch::default())
        .await
        .unwrap();
    let job = Job::copy(
        Arc::clone(store),
        plan,
        &Choices::default(),
        settings.clone(),
    )
    .await
    .unwrap();
    assert_eq!(
        job.wait().await.state,
        JobState::Done,
        "{:?}",
        job.files(0..20, true)
    );
    let plan = DeletePlan::make(store, bucket, vec![], vec!["in/".into()], &Watch::default())
        .await
        .unwrap();
    assert_eq!(plan.keys.len(), 0);
    let plan = DeletePlan::make(
        store,
        bucket,
        vec![],
        vec![String::new()],
        &Watch::default(),
    )
    .await
    .unwrap();
    assert_eq!(plan.keys.len(), 13);
    let job = Job::delete(Arc::clone(store), plan, settings);
    assert_eq!(
        job.wait().await.state,
        JobState::Done,
        "{:?}",
        job.files(0..20, true)
    );
    let left = store
        .list(ListRequest {
            bucket: bucket.to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert!(left.objects.is_empty());
    store.delete_bucket(bucket).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_on_ceph() {
    let rgw = Testbed::rgw();
    round_trip(&of_rgw(&rgw), &unique_bucket("round-trip")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_on_the_practice_store() {
    let folder = tempfile::tempdir().unwrap();
    let key = PracticeKey::generate();
    let practice = Practice::start(folder.path(), &key, None).await.unwrap();
    round_trip(
        &store(
            practice.endpoint().as_str(),
            &key.access_key_id,
            key.secret.clone(),
        ),
        "round-trip",
    )
    .await;
    practice.stop().await;
}

/// Most memory this process ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_mebibytes_take_no_more_memory_than_thirty() {
    let rgw = Testbed::rgw();
    let (store, bucket) = (of_rgw(&rgw), unique_bucket("memory"));
    store.create_bucket(&bucket).await.unwrap();
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    {
        let file = fs::File::create(here.path().join("large")).unwrap();
        for i in 0..300u64 {
            std::io::Write::write_all(&mut &file, &pattern(MIB, i)).unwrap();
        }
    }
    let before = peak();
    let request = UploadRequest {
        bucket: bucket.clone(),
        ..upload_request(vec![here.path().join("large")])
    };
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
    eprintln!("up: {} MiB", (peak() - before) >> 20);
    let sources = vec![DownloadSource::Object {
        key: "large".into(),
        save_as: None,
    }];
    let request = DownloadRequest {
        bucket: bucket.clone(),
        sources,
        folder: there.path().to_owned(),
        look_there: true,
    };
    let plan = DownloadPlan::make(&store, request, &Watch::default())
        .await
        .unwrap();
    let job = Job::download(
        Arc::clone(&store),
        plan,
        Choices::default(),
        Settings::default(),
    )
    .await
    .unwrap();
    assert_eq!(job.wait().await.state, JobState::Done);
    let grown = (peak() - before) >> 20;
    eprintln!("grew by {grown} MiB");
    assert!(grown < 128, "grew by {grown} MiB");
    let same = std::process::Command::new("cmp")
        .args([here.path().join("large"), there.path().join("large")])
        .status()
        .unwrap();
    assert!(same.success());
    let plan = DeletePlan::make(
        &store,
        &bucket,
        vec![],
        vec![String::new()],
        &Watch::default(),
    )
    .await
    .unwrap();
    Job::delete(Arc::clone(&store), plan, Settings::default())
        .wait()
        .await;
    store.delete_bucket(&bucket).await.unwrap();
}
