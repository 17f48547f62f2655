//! `sync`, filters, copies between stores and `elsewhere`, as a script uses them on a Ceph gateway.

#![allow(clippy::unwrap_used)]

mod harness;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use harness::{Cli, keys};
use secrecy::ExposeSecret;
use wherry_practice::{Practice, PracticeKey};
use wherry_testbed::{Rgw, Testbed, unique_bucket};

struct Bed {
    rgw: Rgw,
    cli: Cli,
    here: tempfile::TempDir,
    bucket: String,
}

const HELL: [&str; 12] = [
    "plain.txt",
    "a",
    "a.d/b",
    "a0",
    "sub/a+b=c&d e%20",
    "sub/line\nbreak",
    "sub/\u{1b}[31mred",
    "sub/it's \"quoted\"",
    "sub/日本/ü",
    "-rf",
    "sub/<img src=x>",
    "empty",
];

fn bed() -> Bed {
    let rgw = Testbed::rgw();
    let cli = Cli::with_key(&rgw.endpoint, &rgw.access_key, &rgw.secret_key);
    let bucket = unique_bucket("sync");
    cli.ok(["mb", &format!("s3://{bucket}")]);
    Bed {
        rgw,
        cli,
        here: tempfile::tempdir().unwrap(),
        bucket,
    }
}

impl Bed {
    fn write(&self, name: &str, contents: &str) {
        let path = self.here.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        // As files are: older than the transfer.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(1))
            .unwrap();
    }

    fn at(&self, name: &str) -> String {
        self.here.path().join(name).display().to_string()
    }

    fn there(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn listed(&self, prefix: &str) -> Vec<String> {
        let rows = self.cli.json(["ls", "-r", &self.there(prefix)]);
        keys(&rows).into_iter().map(str::to_owned).collect()
    }
}

fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut waiting) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_folder_goes_up_and_comes_down_once() {
    let b = bed();
    for name in HELL {
        let contents = if name == "empty" { "" } else { name };
        b.write(&format!("up/{name}"), contents);
    }
    let (up, down, there) = (b.at("up"), b.at("down"), b.there("p"));
    let events = b.cli.json(["sync", &up, &there]);
    assert_eq!(events[0]["event"], "plan");
    assert_eq!(
        (&events[0]["new"], &events[0]["changed"]),
        (&12.into(), &0.into())
    );
    assert_eq!(events.last().unwrap()["files_done"], 12);
    let again = b.cli.json(["sync", &up, &there]);
    assert_eq!((again.len(), &again[0]["same"]), (1, &12.into()));
    let checked = b.cli.json(["sync", "--checksum", &up, &there]);
    assert_eq!(
        (&checked[0]["same"], &checked[0]["unproven"]),
        (&12.into(), &0.into())
    );
    let would = b.cli.json(["sync", "--dry-run", &there, &down]);
    assert_eq!(would.len(), 13);
    assert!(!Path::new(&down).exists());
    b.cli.ok(["sync", "-r", &there, &down]);
    let (sent, back) = (tree(Path::new(&up)), tree(Path::new(&down)));
    // Control characters come back as their pictures; everything else as it was.
    assert_eq!(back.len(), 12);
    for (name, contents) in &sent {
        let name = name.replace('\n', "␊").replace('\u{1b}', "␛");
        assert_eq!(back.get(&name), Some(contents), "{name:?}");
    }
    let again = b.cli.json(["sync", "--delete", &there, &down]);
    assert_eq!((again.len(), &again[0]["same"]), (1, &12.into()));
    // Changed here, of the same length: the time tells.
    fs::write(b.here.path().join("up/plain.txt"), "PLAIN.TXT").unwrap();
    let changed = b.cli.json(["sync", &up, &there]);
    assert_eq!(changed[0]["changed"], 1);
}

#[test]
fn deletions_are_asked_for() {
    let b = bed();
    b.write("d/keep", "1");
    b.write("d/gone", "2");
    b.write("d/gone.log", "3");
    let (here, there) = (b.at("d"), b.there("p/"));
    b.cli.ok(["sync", &here, &there]);
    fs::remove_file(b.here.path().join("d/gone")).unwrap();
    fs::remove_file(b.here.path().join("d/gone.log")).unwrap();
    b.cli.ok(["sync", &here, &there]);
    assert_eq!(b.listed("p").len(), 3);
    b.cli
        .run(["sync", "--delete", &here, &there])
        .refused(2, "nobody to ask");
    assert_eq!(b.listed("p").len(), 3);
    let shown = b.cli.ok(["sync", "--delete", "--dry-run", &here, &there]);
    assert!(shown.contains("would delete p/gone\n"), "{shown}");
    b.cli.ok([
        "sync",
        "--delete",
        "-y",
        "--exclude",
        "*.log",
        &here,
        &there,
    ]);
    assert_eq!(b.listed("p"), ["p/gone.log", "p/keep"]);
    // An empty folder, as when its disk is not there.
    fs::create_dir(b.here.path().join("empty")).unwrap();
    let empty = b.at("empty");
    b.cli
        .run(["sync", "--delete", "-y", &empty, &there])
        .refused(1, "the source is empty");
    b.cli
        .run(["sync", "--delete", "-y", &b.at("not there"), &there])
        .refused(3, "not there");
    assert_eq!(b.listed("p").len(), 2);
    b.cli
        .ok(["sync", "--delete", "--insist", "-y", &empty, &there]);
    b.cli.run(["ls", "-r", &b.there("p")]).refused(3, "nothing");
    // And here, with the folders that become empty.
    b.write("other/deep/file", "mine");
    b.cli.ok(["cp", &b.at("d/keep"), &b.there("q/keep")]);
    b.cli
        .ok(["sync", "--delete", "-y", &b.there("q"), &b.at("other")]);
    assert_eq!(
        tree(&b.here.path().join("other"))
            .into_keys()
            .collect::<Vec<_>>(),
        ["keep"]
    );
    assert!(!b.here.path().join("other/deep").exists());
}

#[test]
fn filters_choose_for_cp_and_sync() {
    let b = bed();
    for name in ["a.nc", "b.txt", "d/c.nc", "cache/x.nc", "large.nc"] {
        let contents = if name == "large.nc" {
            "0123456789"
        } else {
            name
        };
        b.write(&format!("t/{name}"), contents);
    }
    let folder = format!("{}/", b.at("t"));
    let options = ["--include", "*.nc", "--exclude", "cache", "--max-size", "9"];
    let run = |command: &[&str], to: &str, from: &str| {
        let args = command.iter().chain(&options).chain([&from, &to]);
        b.cli.ok(args.copied());
    };
    run(&["cp", "-r"], &b.there("cp/"), &folder);
    run(&["sync"], &b.there("sync/"), &folder);
    assert_eq!(b.listed("cp"), ["cp/a.nc", "cp/d/c.nc"]);
    assert_eq!(b.listed("sync"), ["sync/a.nc", "sync/d/c.nc"]);
    b.cli.ok(["cp", "-r", &folder, &b.there("all/")]);
    run(&["cp", "-r"], &b.at("down"), &b.there("all/"));
    run(&["cp", "-r"], &b.there("copied/"), &b.there("all/"));
    run(&["sync"], &b.there("synced/"), &b.there("all/"));
    assert_eq!(tree(&b.here.path().join("down")).len(), 2);
    assert_eq!(b.listed("copied").len(), 2);
    assert_eq!(b.listed("synced").len(), 2);
    let old = ["sync", "--since", "10m", &folder, &b.there("recent/")];
    let events = b.cli.json(old);
    assert_eq!(
        (&events[0]["left_out"], &events[0]["new"]),
        (&5.into(), &0.into())
    );
    b.cli
        .run(["sync", "--include", "a[", &folder, &b.there("x/")])
        .refused(2, "cannot be read");
    b.cli
        .run(["sync", "--max-size", "big", &folder, &b.there("x/")])
        .refused(2, "no size");
    b.cli
        .run(["sync", &folder, &b.at("local")])
        .refused(2, "in a store");
    b.cli
        .run(["sync", &b.there("nothing"), &b.at("local")])
        .refused(3, "nothing");
    b.cli
        .run(["sync", &b.there("all"), &b.there("all/d")])
        .refused(2, "inside");
}

// Promise: Objects are copied and synced between two stores as they are inside one.
#[test]
fn two_stores_exchange_objects() {
    let b = bed();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (folder, key) = (tempfile::tempdir().unwrap(), PracticeKey::generate());
    let practice = runtime
        .block_on(Practice::start(folder.path(), &key, None))
        .unwrap();
    let add = |name: &str, endpoint: &str, id: &str, secret: &str| {
        let args = [
            "account",
            "add",
            name,
            "--access-key-id",
            id,
            "--endpoint",
            endpoint,
            "--secret-stdin",
        ];
        let ran = b.cli.run_with(&format!("{secret}\n"), args);
        assert_eq!(ran.code, 0, "{}", ran.err);
    };
    let practice_at = practice.endpoint().to_string();
    add(
        "mine",
        &b.rgw.endpoint,
        &b.rgw.access_key,
        &b.rgw.secret_key,
    );
    add(
        "practice",
        &practice_at,
        &key.access_key_id,
        key.secret.expose_secret(),
    );
    let other = b.rgw.other.clone();
    add(
        "other",
        &b.rgw.endpoint,
        &other.access_key,
        &other.secret_key,
    );
    b.cli.ok(["mb", "practice:inbox"]);
    let bucket = unique_bucket("others");
    b.cli.ok(["mb", &format!("other:{bucket}")]);
    for name in HELL.iter().filter(|n| !n.contains(['\n', '\u{1b}'])) {
        b.write(&format!("t/{name}"), name);
    }
    let large = vec![b'x'; 20 << 20];
    fs::write(b.here.path().join("t/large"), &large).unwrap();
    let mine = format!("mine:{}", b.bucket);
    b.cli.ok([
        "cp",
        "-r",
        &format!("{}/", b.at("t")),
        &format!("{mine}/t/"),
    ]);
    // From one server to another.
    let events = b
        .cli
        .json(["cp", "-r", &format!("{mine}/t/"), "practice:inbox/copy/"]);
    assert_eq!(events.last().unwrap()["files_done"], 11);
    assert!(
        events[..11].iter().all(|e| e["proof"] != "size"),
        "{events:?}"
    );
    b.cli
        .ok(["cp", "-r", "practice:inbox/copy/", &b.at("back")]);
    assert_eq!(
        tree(&b.here.path().join("back")),
        tree(&b.here.path().join("t"))
    );
    let synced = b
        .cli
        .json(["sync", &format!("{mine}/t"), "practice:inbox/copy"]);
    assert_eq!((synced.len(), &synced[0]["same"]), (1, &11.into()));
    // Between two accounts of one server, neither of which may read the other's.
    let theirs = format!("other:{bucket}");
    b.cli
        .ok(["sync", &format!("{mine}/t"), &format!("{theirs}/t")]);
    let rows = b.cli.json(["ls", "-r", &format!("{theirs}/t")]);
    assert_eq!(keys(&rows).len(), 11);
    b.cli
        .ok(["cp", &format!("{theirs}/t/large"), &b.at("large.back")]);
    assert!(fs::read(b.here.path().join("large.back")).unwrap() == large);
    b.cli
        .run(["cp", "mine:nowhere/x", "practice:inbox/x"])
        .refused(3, "nowhere");
    b.cli
        .run(["sync", &format!("{mine}/t"), "practice:nowhere/x"])
        .refused(3, "nowhere");
}

#[test]
fn the_same_work_is_written_down_for_elsewhere() {
    let b = bed();
    let secret = &b.rgw.secret_key;
    let args = [
        "account",
        "add",
        "My Lab",
        "--access-key-id",
        "ID",
        "--secret-stdin",
    ];
    let endpoint = ["--endpoint", &b.rgw.endpoint, "--no-test"];
    let ran = b
        .cli
        .run_with(&format!("{secret}\n"), args.iter().chain(&endpoint));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let there = "My Lab:bkt/it's/here/";
    let ran = b.cli.run([
        "elsewhere",
        "--sync",
        "--delete",
        "--exclude",
        "*.tmp",
        "/data/it's $HOME/",
        there,
        "--slurm",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with("#!/bin/bash\n#SBATCH "), "{}", ran.out);
    assert!(ran.out.contains("'/data/it'\\''s $HOME/'"), "{}", ran.out);
    assert!(ran.err.contains("--entry my_lab"), "{}", ran.err);
    assert!(!ran.out.contains(secret) && !ran.err.contains(secret));
    let mut shell = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut shell.stdin.take().unwrap(), ran.out.as_bytes()).unwrap();
    assert!(shell.wait().unwrap().success());
    let row = &b
        .cli
        .json(["elsewhere", "--tool", "s5cmd", "/data/", there])[0];
    let command = row["command"].as_str().unwrap();
    assert!(command.contains("--profile my_lab"), "{command}");
    assert!(command.contains("'s3://bkt/it'\\''s/here/'"), "{command}");
    b.cli
        .run([
            "elsewhere",
            "--tool",
            "s5cmd",
            "--max-size",
            "1k",
            "/data/",
            there,
        ])
        .refused(1, "rclone can");
    b.cli
        .run(["elsewhere", "nobody:b/x", "/data/"])
        .refused(3, "nobody");
}
