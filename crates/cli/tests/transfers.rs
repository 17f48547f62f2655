//! `transfers`, `verify` and `clean`, and what `cp` leaves for them: on the practice store, and where it
//! takes a real one, on Ceph.

#![allow(clippy::unwrap_used)]

mod harness;

use std::fs;
use std::time::Instant;

use harness::Cli;
use harness::bench::bench;
use wherry_testbed::{Testbed, unique_bucket};

#[test]
fn a_receipt_is_checked_on_both_sides() {
    let b = bench();
    b.file("trip/a.txt", "one");
    b.file("trip/b.txt", "two");
    let (trip, receipt) = (b.at("trip"), b.at("r.json"));
    b.cli
        .ok(["cp", "-r", "--receipt", &receipt, &trip, "s3://bkt"]);
    let saved: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&receipt).unwrap()).unwrap();
    assert_eq!(saved["format"], "wherry-receipt");
    assert_eq!(saved["files"].as_array().unwrap().len(), 2);
    assert_eq!(saved["files"][0]["to"]["key"], "trip/a.txt");

    b.cli.ok(["verify", &receipt, "s3://"]);
    b.cli.ok(["verify", &receipt, "s3://bkt/trip/a"]);
    b.cli.run(["verify", &receipt]).refused(2, "no account for");
    b.cli.ok(["verify", "--local", &receipt]);
    // The files move, and one changes.
    fs::rename(b.here.path().join("trip"), b.here.path().join("moved")).unwrap();
    b.cli
        .run(["verify", "--local", &receipt])
        .refused(1, "no longer there");
    let moved = b.at("moved");
    b.cli
        .ok(["verify", "--local", &receipt, "--moved", &trip, &moved]);
    b.file("moved/b.txt", "TWO");
    b.cli
        .run(["verify", "--local", &receipt, "--moved", &trip, &moved])
        .refused(1, "not what its receipt says");
    // One byte of an object, behind the store's back.
    fs::write(b.folder.path().join("bkt/trip/a.txt"), "One").unwrap();
    b.cli
        .run(["verify", &receipt, "s3://"])
        .refused(1, "not what its receipt says");
    fs::remove_file(b.folder.path().join("bkt/trip/b.txt")).unwrap();
    let gone = b.cli.run(["verify", &receipt, "s3://bkt/trip/b"]);
    assert_eq!(gone.code, 3, "{}", gone.err);
    b.cli
        .run(["verify", &trip, "s3://"])
        .refused(3, "cannot be used");
    b.cli
        .run(["verify", &b.at("moved/b.txt"), "s3://"])
        .refused(1, "not a receipt");
}

#[test]
fn transfers_are_listed_tried_again_and_forgotten() {
    let b = bench();
    let good = b.file("d/good", "1");
    b.cli.ok(["cp", &good, "s3://bkt/good"]);
    let listed = b.cli.json(["transfers", "list"]);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&listed[0]["state"], &listed[0]["files_done"]),
        (&"done".into(), &1.into())
    );
    let id = listed[0]["id"].as_str().unwrap();
    b.cli.ok(["transfers", "resume", &id[..6]]);
    b.cli
        .run(["transfers", "resume", "zzz"])
        .refused(3, "no transfer");
    assert!(
        b.cli
            .json(["transfers", "list", "--search", "nothing"])
            .is_empty()
    );
    b.cli.ok(["transfers", "clear", id]);
    assert!(b.cli.json(["transfers", "list"]).is_empty());
    assert!(
        b.cli
            .run(["transfers", "resume"])
            .err
            .contains("nothing to go on")
    );
}

#[test]
fn unfinished_uploads_are_cleaned_up_when_they_are_old_enough() {
    let rgw = Testbed::rgw();
    let cli = Cli::with_key(&rgw.endpoint, &rgw.access_key, &rgw.secret_key);
    let bucket = unique_bucket("clean");
    let place = format!("s3://{bucket}");
    cli.ok(["mb", &place]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use wherry_store::{Credentials, ObjectStore, S3Config, S3Store};
        let key = Credentials {
            access_key_id: rgw.access_key.clone(),
            secret: rgw.secret_key.clone().into(),
            session_token: None,
        };
        let store = S3Store::new(S3Config::new(rgw.endpoint.parse().unwrap(), Some(key))).unwrap();
        for key in ["a/left", "b/left"] {
            let metadata = std::collections::BTreeMap::new();
            let begun = store.create_upload(&bucket, key, None, &metadata);
            begun.await.unwrap();
        }
    });
    let seen = cli.json(["clean", "--dry-run", &place]);
    assert!(seen.is_empty(), "they are younger than a day: {seen:?}");
    let seen = cli.json(["clean", "--dry-run", "--older-than", "0m", &place]);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0]["event"], "would-clean");
    cli.run(["clean", "--older-than", "0m", &place])
        .refused(2, "Nobody can be asked");
    cli.ok([
        "clean",
        "--yes",
        "--older-than",
        "0m",
        &format!("{place}/a/"),
    ]);
    let left = cli.json(["clean", "--dry-run", "--older-than", "0m", &place]);
    assert_eq!(left[0]["key"], "b/left", "{left:?}");
    cli.run(["clean", "--older-than", "soon", &place])
        .refused(2, "no time");
    cli.ok(["clean", "--yes", "--older-than", "0m", &place]);
    cli.ok(["rb", &place]);
}

// Promise: A limit on bandwidth counts for all transfers together, and changes for what is under way.
#[test]
fn the_bandwidth_can_be_limited() {
    let b = bench();
    let file = b.file("file", &"x".repeat(300_000));
    let begin = Instant::now();
    b.cli
        .ok(["cp", "--bwlimit", "200k:0", &file, "s3://bkt/slow"]);
    let took = begin.elapsed().as_secs_f64();
    assert!(took > 1.0, "{took}");
    b.cli
        .run(["ls", "--bwlimit", "fast", "s3://bkt"])
        .refused(2, "no size");
}
