//! Receipts with all their sums, checked again by somebody else on another computer.

#![allow(clippy::unwrap_used)]

mod harness;

use std::fs;
use std::process::Command;

use harness::Cli;
use harness::bench::{Bench, bench};
use serde_json::Value;

/// Two parts of an upload, and a little.
const LARGE: usize = (16 << 20) + 7;

fn large(b: &Bench, name: &str) -> String {
    let bytes: Vec<u8> = (0..LARGE).map(|n| (n / 3 % 251) as u8).collect();
    let path = b.file(name, "");
    fs::write(&path, bytes).unwrap();
    path
}

fn sha256sum(path: &str) -> String {
    let done = Command::new("sha256sum").arg(path).output().unwrap();
    let line = String::from_utf8(done.stdout).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

fn entries(receipt: &str) -> Vec<Value> {
    let saved: Value = serde_json::from_str(&fs::read_to_string(receipt).unwrap()).unwrap();
    saved["files"].as_array().unwrap().clone()
}

fn proved(lines: &[Value]) -> (u64, u64, u64) {
    let event = lines.iter().find(|line| line["event"] == "proved").unwrap();
    let count = |name: &str| event[name].as_u64().unwrap();
    (count("read"), count("checksum"), count("unchanged"))
}

#[test]
fn a_large_file_has_the_sums_of_the_whole() {
    let b = bench();
    let (path, receipt) = (large(&b, "large.bin"), b.at("up.json"));
    b.cli.ok([
        "cp",
        "--sha256",
        "--receipt",
        &receipt,
        &path,
        "s3://bkt/large.bin",
    ]);
    let sent = entries(&receipt).remove(0);
    assert!(sent["part_size"].is_u64(), "{sent}");
    assert_eq!(sent["sha256"], sha256sum(&path));

    let (back, receipt) = (b.at("back.bin"), b.at("down.json"));
    b.cli.ok([
        "cp",
        "--sha256",
        "--receipt",
        &receipt,
        "s3://bkt/large.bin",
        &back,
    ]);
    let fetched = entries(&receipt).remove(0);
    for sum in ["sha256", "crc64nvme"] {
        assert!(sent[sum].is_string(), "{sent}");
        assert_eq!(fetched[sum], sent[sum], "{sum}");
    }
    // Nobody asked for it.
    let receipt = b.at("plain.json");
    b.cli
        .ok(["cp", "--receipt", &receipt, &path, "s3://bkt/again"]);
    let plain = entries(&receipt).remove(0);
    assert_eq!(plain.get("sha256"), None);
    assert_eq!(plain["crc64nvme"], sent["crc64nvme"]);
}

/// All that is needed is the receipt, and an account for the store that it names.
#[test]
fn a_receipt_is_checked_on_another_computer() {
    let b = bench();
    let path = large(&b, "trip/large.bin");
    b.file("trip/empty", "");
    b.file("trip/note.txt", "one");
    let (trip, receipt) = (b.at("trip"), b.at("r.json"));
    b.cli
        .ok(["cp", "-r", "--receipt", &receipt, &trip, "s3://bkt"]);

    let mut other = Cli::new();
    let text = fs::read_to_string(&receipt).unwrap();
    let carried = other.home.path().join("carried.json");
    fs::write(&carried, text).unwrap();
    let carried = carried.display().to_string();
    other
        .run(["verify", &carried])
        .refused(2, "There is no account for");
    let (endpoint, id, secret) = b.cli.key();
    let add = [
        "account",
        "add",
        "Theirs",
        "--endpoint",
        &endpoint,
        "--access-key-id",
        &id,
        "--secret-stdin",
    ];
    let added = other.run_with(&secret, add);
    assert_eq!(added.code, 0, "{}", added.err);
    other.set("HOME", "/nowhere");
    assert!(
        other.json(["transfers", "list"]).is_empty(),
        "it has no history"
    );
    assert_eq!(proved(&other.json(["verify", &carried])), (0, 0, 3));
    assert_eq!(
        proved(&other.json(["verify", "--read", &carried])),
        (3, 0, 0)
    );
    let said = other.run(["verify", "--read", &carried]);
    assert!(
        said.err.contains("3 files: every byte was read again."),
        "{}",
        said.err
    );

    // One byte of the large object, and one of the file.
    let stored = b.folder.path().join("bkt/trip/large.bin");
    let mut bytes = fs::read(&stored).unwrap();
    bytes[LARGE / 2] ^= 1;
    fs::write(&stored, &bytes).unwrap();
    let found = other.run(["verify", "--read", &carried]);
    found.refused(1, "not what its receipt says");
    assert!(found.err.contains("large.bin"), "{}", found.err);
    assert!(found.err.contains("2 files: every byte"), "{}", found.err);
    fs::write(&path, &bytes).unwrap();
    other
        .run(["verify", "--local", &carried])
        .refused(1, "not what its receipt says");
}

#[test]
fn a_sync_has_a_receipt_of_what_it_moved() {
    let b = bench();
    b.file("trip/old.txt", "as it was");
    b.cli.ok(["cp", "-r", &b.at("trip/"), "s3://bkt/trip"]);
    b.file("trip/new.txt", "one");
    std::fs::remove_file(b.at("trip/old.txt")).unwrap();
    let (trip, receipt) = (b.at("trip"), b.at("sync.json"));
    let sync = |receipt: &str| {
        b.cli.ok([
            "sync",
            "--delete",
            "--yes",
            "--sha256",
            "--receipt",
            receipt,
            &trip,
            "s3://bkt/trip",
        ]);
        entries(receipt)
    };
    let moved = sync(&receipt);
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert!(moved[0]["to"]["key"].as_str().unwrap().ends_with("new.txt"));
    assert_eq!(moved[0]["sha256"], sha256sum(&b.at("trip/new.txt")));
    assert_eq!(
        proved(&b.cli.json(["verify", "--read", &receipt, "s3://"])),
        (1, 0, 0)
    );
    assert!(
        sync(&b.at("nothing.json")).is_empty(),
        "nothing is left to do"
    );
}
