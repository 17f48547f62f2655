//! Plans and runs in one call, as most tests want them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wherry_store::ObjectStore;
use wherry_transfer::*;

/// Waits between attempts are short here, so that tests with many faults are quick.
pub fn settings() -> Settings {
    let backoff = Backoff {
        attempts: 5,
        first: Duration::from_millis(2),
        most: Duration::from_millis(10),
    };
    Settings {
        backoff,
        seed: Some(1),
        ..Settings::default()
    }
}

pub fn upload_request(sources: Vec<PathBuf>) -> UploadRequest {
    UploadRequest {
        bucket: "bucket".into(),
        prefix: String::new(),
        sources: sources.into_iter().map(UploadSource::from).collect(),
        with_litter: false,
        empty_folders: false,
        look_there: true,
    }
}

pub async fn plan_upload(store: &Arc<dyn ObjectStore>, sources: Vec<PathBuf>) -> UploadPlan {
    UploadPlan::make(store, upload_request(sources), &Watch::default())
        .await
        .expect("a plan")
}

pub async fn begin_upload(
    store: &Arc<dyn ObjectStore>,
    sources: Vec<PathBuf>,
    settings: Settings,
) -> Job {
    let plan = plan_upload(store, sources).await;
    Job::upload(Arc::clone(store), plan, &Choices::default(), settings)
        .await
        .expect("a job")
}

pub async fn upload(store: &Arc<dyn ObjectStore>, sources: Vec<PathBuf>) -> (Job, JobSnapshot) {
    let job = begin_upload(store, sources, settings()).await;
    let end = job.wait().await;
    (job, end)
}

/// All of `old/` to `new/`.
pub async fn plan_copy(store: &Arc<dyn ObjectStore>, remove_originals: bool) -> CopyPlan {
    let request = CopyRequest {
        from_bucket: "bucket".into(),
        from: "old/".into(),
        to_bucket: "bucket".into(),
        to: "new/".into(),
        remove_originals,
    };
    CopyPlan::make(store, request, &Watch::default())
        .await
        .expect("a plan")
}

pub async fn plan_download(
    store: &Arc<dyn ObjectStore>,
    prefix: &str,
    folder: &Path,
) -> DownloadPlan {
    let request = DownloadRequest {
        bucket: "bucket".into(),
        sources: vec![DownloadSource::Contents {
            prefix: prefix.into(),
        }],
        folder: folder.to_owned(),
        look_there: true,
    };
    DownloadPlan::make(store, request, &Watch::default())
        .await
        .expect("a plan")
}

pub async fn download(
    store: &Arc<dyn ObjectStore>,
    prefix: &str,
    folder: &Path,
) -> (Job, JobSnapshot) {
    let plan = plan_download(store, prefix, folder).await;
    let job = Job::download(Arc::clone(store), plan, Choices::default(), settings())
        .await
        .expect("a job");
    let end = job.wait().await;
    (job, end)
}

/// Collects receipts.
pub fn receipts() -> (Arc<Mutex<Vec<Receipt>>>, Settings) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&all);
    let receipts: ReceiptSink =
        Arc::new(move |receipt| sink.lock().expect("no test panics here").push(receipt));
    (
        all,
        Settings {
            receipts: Some(receipts),
            ..settings()
        },
    )
}
