//! Uploads that were begun and never finished, at a real store.

use std::time::Duration;

use wherry_engine::commands::Desk;
use wherry_engine::contract::*;

use crate::bench::*;
use crate::seat::*;

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
    let request = run_request(&plan, OnConflict::Skip);
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
