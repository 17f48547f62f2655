//! `cp`, `ls`, `rm`, `mb` and `rb` as a script uses them, on the practice store.

#![allow(clippy::unwrap_used)]

mod harness;

use std::fs;

use harness::bench::bench;

#[test]
fn a_slash_at_the_end_means_the_contents() {
    let b = bench();
    b.file("photos/1.jpg", "one");
    b.file("photos/deep/2.jpg", "two");
    let photos = b.at("photos");
    b.cli.ok(["cp", "-r", &photos, "s3://bkt/up/"]);
    b.cli
        .ok(["cp", "-r", &format!("{photos}/"), "s3://bkt/flat"]);
    b.cli.ok(["cp", "-r", &photos, "s3://bkt"]);
    let all = [
        "flat/1.jpg",
        "flat/deep/2.jpg",
        "photos/1.jpg",
        "photos/deep/2.jpg",
        "up/photos/1.jpg",
        "up/photos/deep/2.jpg",
    ];
    assert_eq!(b.listed(), all);
    b.cli.ok(["cp", "-r", "s3://bkt/up/photos", &b.at("down")]);
    assert_eq!(b.read("down/photos/deep/2.jpg"), "two");
    b.cli
        .ok(["cp", "-r", "s3://bkt/up/photos/", &b.at("down2")]);
    assert_eq!(b.read("down2/deep/2.jpg"), "two");
    b.cli.ok(["cp", "-r", "s3://bkt/", &b.at("all")]);
    assert_eq!(b.read("all/flat/1.jpg"), "one");
    b.cli.ok(["cp", "-r", "s3://bkt", &b.at("bucket")]);
    assert_eq!(b.read("bucket/bkt/flat/1.jpg"), "one");
}

#[test]
fn single_files_go_where_they_are_told() {
    let b = bench();
    let (one, two) = (b.file("one.txt", "1"), b.file("two.txt", "22"));
    b.cli.ok(["cp", &one, "s3://bkt/renamed"]);
    b.cli.ok(["cp", &one, "s3://bkt"]);
    b.cli.ok(["cp", &one, &two, "s3://bkt/both/"]);
    assert_eq!(
        b.listed(),
        ["both/one.txt", "both/two.txt", "one.txt", "renamed"]
    );
    b.cli
        .run(["cp", &one, &two, "s3://bkt/both"])
        .refused(2, "slash at the end");
    b.cli.ok(["cp", "s3://bkt/renamed", &b.at("back.txt")]);
    assert_eq!(b.read("back.txt"), "1");
    b.cli.ok(["cp", "s3://bkt/both/two.txt", &b.at("")]);
    b.cli.ok([
        "cp",
        "s3://bkt/both/one.txt",
        "s3://bkt/both/two.txt",
        &format!("{}/", b.at("new/folder")),
    ]);
    assert_eq!(b.read("new/folder/two.txt"), "22");
    // Within the store.
    b.cli.ok(["cp", "s3://bkt/renamed", "s3://bkt/copy"]);
    b.cli.ok(["cp", "-r", "s3://bkt/both", "s3://bkt/twice/"]);
    b.cli.ok(["cp", "-r", "s3://bkt/both/", "s3://bkt/third"]);
    let copies = b.listed();
    for key in ["copy", "twice/both/one.txt", "third/two.txt"] {
        assert!(copies.iter().any(|k| k == key), "{key} in {copies:?}");
    }
}

#[test]
fn what_exists_is_replaced_unless_told_otherwise() {
    let b = bench();
    let file = b.file("x", "first");
    b.cli.ok(["cp", &file, "s3://bkt/x"]);
    b.file("x", "second");
    let kept = b.cli.run(["cp", "--no-clobber", &file, "s3://bkt/x"]);
    assert!(
        kept.code == 0 && kept.err.contains("1 left alone"),
        "{}",
        kept.err
    );
    b.cli.ok(["cp", "s3://bkt/x", &b.at("back")]);
    assert_eq!(b.read("back"), "first");
    b.cli.ok(["cp", &file, "s3://bkt/x"]);
    b.cli.ok(["cp", "-n", "s3://bkt/x", &b.at("back")]);
    assert_eq!(b.read("back"), "first");
    b.cli.ok(["cp", "s3://bkt/x", &b.at("back")]);
    assert_eq!(b.read("back"), "second");
}

#[test]
fn programs_get_one_object_a_line() {
    let b = bench();
    let file = b.file("a b.txt", "hello");
    let events = b.cli.json(["cp", &file, "s3://bkt/dir/"]);
    assert_eq!(events[0]["event"], "copied");
    assert_eq!(events[0]["md5"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(events[0]["to"]["object"]["key"], "dir/a b.txt");
    assert_eq!(events[0]["proof"], "etag");
    assert_eq!(
        (&events[1]["event"], &events[1]["files_done"]),
        (&"summary".into(), &1.into())
    );
    let rows = b.cli.json(["ls", "s3://bkt/dir/"]);
    assert_eq!(rows[0]["size"], 5);
    assert_eq!(rows[0]["etag"], "5d41402abc4b2a76b9719d911017c592");
    assert!(rows[0]["last_modified"].as_str().unwrap().ends_with('Z'));
    assert_eq!(b.cli.json(["ls", "s3://bkt"])[0]["prefix"], "dir/");
    assert_eq!(b.cli.json(["ls", "s3://"])[0]["bucket"], "bkt");
    let planned = b
        .cli
        .json(["cp", "--dry-run", "-r", "s3://bkt/dir", &b.at("nowhere")]);
    assert_eq!(
        (&planned[0]["event"], planned.len()),
        (&"would-copy".into(), 1)
    );
    assert!(!b.here.path().join("nowhere").exists());
    let refused = b.cli.run(["ls", "s3://nope", "--json"]);
    assert_eq!(refused.code, 3);
    let error: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(error["problem"]["code"], "store.no-bucket");
}

#[test]
fn deleting_takes_what_was_named() {
    let b = bench();
    for key in ["a/1", "a/2", "a-b", "a", "c"] {
        b.cli
            .ok(["cp", &b.file("x", key), &format!("s3://bkt/{key}")]);
    }
    b.cli.run(["rm", "s3://bkt/a/"]).refused(2, "-r");
    assert_eq!(
        b.cli.json(["rm", "-r", "--dry-run", "s3://bkt/a/"]).len(),
        2
    );
    b.cli.ok(["rm", "-r", "s3://bkt/a/"]);
    assert_eq!(b.listed(), ["a", "a-b", "c"]);
    b.cli.ok(["rm", "s3://bkt/a", "s3://bkt/c"]);
    b.cli
        .run(["rm", "s3://bkt/never"])
        .refused(3, "no such object");
    b.cli.run(["rb", "s3://bkt"]).refused(1, "empty");
    b.cli.ok(["rm", "-r", "s3://bkt"]);
    b.cli.ok(["rb", "s3://bkt"]);
    b.cli.run(["ls", "s3://bkt"]).refused(3, "bucket");
}

#[test]
fn hostile_keys_are_shown_and_saved_safely() {
    let b = bench();
    for key in ["../../up", "/abs", "line\nbreak", "\u{1b}[31mred"] {
        b.cli
            .ok(["cp", &b.file("x", "x"), &format!("s3://bkt/{key}")]);
    }
    let shown = b.cli.ok(["ls", "-r", "s3://bkt"]);
    assert_eq!(shown.lines().count(), 4);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    b.cli.ok(["cp", "-r", "s3://bkt/", &b.at("in/side")]);
    let saved: Vec<_> = fs::read_dir(b.here.path().join("in")).unwrap().collect();
    assert_eq!(saved.len(), 1, "nothing beside the chosen folder");
    assert_eq!(fs::read_dir(b.here.path()).unwrap().count(), 2);
}

#[test]
fn folders_are_copied_without_litter_and_links() {
    let b = bench();
    b.file("d/data.csv", "1");
    b.file("d/.DS_Store", "x");
    fs::create_dir(b.at("d/empty")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", b.at("d/link")).unwrap();
    let ran = b.cli.run(["cp", "-r", &b.at("d"), "s3://bkt"]);
    assert!(ran.code == 0 && ran.err.contains("litter"), "{}", ran.err);
    assert_eq!(b.listed(), ["d/data.csv"]);
    b.cli.ok([
        "cp",
        "-r",
        "--with-litter",
        "--empty-folders",
        &b.at("d"),
        "s3://bkt",
    ]);
    assert_eq!(b.listed(), ["d/.DS_Store", "d/data.csv", "d/empty/"]);
}

#[test]
fn mistakes_have_words_and_codes() {
    let mut b = bench();
    b.file("d/x", "x");
    let (folder, gone) = (b.at("d"), b.at("gone"));
    b.cli.run(["cp", &folder, "s3://bkt"]).refused(2, "-r");
    b.cli
        .run(["cp", &gone, "s3://bkt"])
        .refused(3, "is not there");
    b.cli
        .run(["cp", "s3://bkt/missing", &b.at("y")])
        .refused(3, "missing");
    b.cli
        .run(["cp", "-r", "s3://bkt/missing/", &b.at("y")])
        .refused(3, "missing");
    b.cli
        .run(["cp", &folder, &b.at("e")])
        .refused(2, "ACCOUNT:bucket/key");
    b.cli.run(["cp", &folder]).refused(2, "");
    b.cli.run(["ls", "nobody:b"]).refused(3, "nobody");
    b.cli.run(["ls", "b"]).refused(2, "names no place");
    b.cli.run(["mb", "s3://bkt"]).refused(8, "");
    b.cli.set("AWS_SECRET_ACCESS_KEY", "wrong");
    b.cli.run(["ls", "s3://bkt"]).refused(4, "secret");
    b.cli.set("AWS_ACCESS_KEY_ID", "NOBODY");
    b.cli.run(["ls", "s3://bkt"]).refused(4, "access key");
    b.cli.set("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    b.cli.run(["ls", "s3://bkt"]).refused(5, "127.0.0.1:9");
    b.cli.set("AWS_ENDPOINT_URL", "");
    b.cli.run(["ls", "s3://bkt"]).refused(2, "--endpoint");
}
