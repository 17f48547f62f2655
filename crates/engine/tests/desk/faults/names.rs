//! Keys as long as S3 allows and longer, both ways, on a real gateway.

use wherry_store::{Body, ContentCheck, ObjectStore as _, PutRequest};
use wherry_testbed::{Testbed, unique_bucket};

use super::*;

/// A path of so many bytes, of folders with 250 each.
fn path_of(length: usize) -> String {
    let mut path = String::from("d");
    while path.len() + 251 <= length {
        path.push('/');
        path.push_str(&"k".repeat(250));
    }
    path.push('/');
    path.push_str(&"e".repeat(length - path.len()));
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_1024_bytes_go_both_ways_and_longer_ones_are_left_out() {
    let rgw = Testbed::rgw();
    let seat = impatient_seat();
    let account = form("RGW", &rgw.endpoint, &rgw.access_key, &rgw.secret_key);
    let id = seat.engine.add_account(account).await.expect("adds").id;
    let name = unique_bucket("long");
    let made = seat.engine.create_bucket(bucket(&id, &name)).await;
    made.expect("makes a bucket");
    let top = place(&id, &name, "");

    let (longest, too_long) = (path_of(1024), path_of(1025));
    assert_eq!((longest.len(), too_long.len()), (1024, 1025));
    let here = seat.files("here", &[(&longest, b"longest"), (&too_long, b"too long")]);
    let plan = seat
        .plan(PlanWhat::Upload {
            to: top.clone(),
            paths: vec![here.join("d").display().to_string()],
        })
        .await
        .expect("plans");
    assert_eq!((plan.files, plan.notes_total, plan.clean), (1, 1, false));
    assert!(plan.notes[0].left_out && plan.notes[0].name.ends_with(&too_long[1000..]));
    assert_eq!(
        plan.notes[0].words,
        "its key would have 1025 bytes, and S3 allows 1,024"
    );
    let job = seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!((job.state, job.files_done), (JobState::Done, 1));

    // Of others, with names that no disk takes.
    let store = seat.engine.store(&id).await.expect("opens");
    let long_names = [
        "x".repeat(1024),
        format!("{}x", "x".repeat(1022)),
        format!("{}/{}", "y".repeat(300), "z".repeat(723)),
    ];
    for key in &long_names {
        let put = PutRequest {
            bucket: name.clone(),
            key: key.clone(),
            body: Body::Bytes(key.clone().into_bytes().into()),
            check: ContentCheck::default(),
            content_type: None,
            metadata: std::collections::BTreeMap::new(),
            if_absent: false,
        };
        store.put(put).await.expect("is taken");
    }
    let rows = seat.lists(&top).await.expect("lists");
    let there = seat.home.path().join("there");
    std::fs::create_dir(&there).expect("makes it");
    let download = || PlanWhat::Download {
        selection: selection(&top, &rows),
        folder: there.display().to_string(),
    };
    let plan = seat.plan(download()).await.expect("plans");
    assert_eq!((plan.files, plan.notes_total), (4, 3), "{:?}", plan.notes);
    for note in &plan.notes {
        assert!(
            note.words.starts_with("saved as “")
                && note
                    .words
                    .ends_with("”: the name is too long for this system"),
            "{note:?}"
        );
    }
    let job = seat.runs(&plan, OnConflict::Skip).await;
    assert_eq!((job.state, job.files_done), (JobState::Done, 4), "{job:?}");
    assert_eq!(
        std::fs::read(there.join(&longest)).expect("is there"),
        b"longest"
    );
    let files = files_below(&there);
    assert_eq!(files.len(), 4);
    for key in &long_names {
        let bytes = key.as_bytes();
        let of_it = files
            .iter()
            .filter(|file| std::fs::read(file).expect("reads") == bytes);
        assert_eq!(of_it.count(), 1);
    }
    let request = ReceiptsRequest {
        job: job.id.clone(),
        from: 0,
        count: 10,
    };
    let receipts = seat.engine.receipts(request).await.expect("lists").receipts;
    for key in &long_names {
        let from = format!("{name}/{key}");
        assert!(
            receipts.iter().any(|r| r.from == from),
            "the receipt has the whole key"
        );
    }
    // Known again under the names they got.
    let plan = seat.plan(download()).await.expect("plans");
    assert_eq!((plan.same, plan.conflicts), (4, 0));
    seat.engine.shut_down().await;
}
