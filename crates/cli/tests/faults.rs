//! Single faults as somebody at a terminal meets them: the words, the exit code, and that the same command
//! goes on afterwards.

#![allow(clippy::unwrap_used)]

mod harness;

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use harness::bench::{Bench, bench};
use tokio::sync::watch;
use wherry_doubles::{Fate, Passing, Weir, answer};

/// With the weir in front of its store.
fn behind_a_weir() -> (Bench, Weir) {
    let mut b = bench();
    let weir = Weir::before(&b.endpoint);
    b.cli.set("AWS_ENDPOINT_URL", &weir.url);
    (b, weir)
}

/// Five parts.
fn large(b: &Bench) -> String {
    let path = b.here.path().join("large");
    let bytes: Vec<u8> = (0..40_u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn arrived(b: &Bench, path: &str) {
    let there = b.folder.path().join("bkt/large");
    assert!(fs::read(there).unwrap() == fs::read(path).unwrap());
    let left = b
        .cli
        .json(["clean", "--dry-run", "--older-than", "0m", "s3://bkt"]);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_proxy_that_refuses_is_said() {
    let (mut b, proxy) = (bench(), Weir::before("127.0.0.1:1"));
    let file = b.file("a", "a");
    proxy.rule(|_| Fate::Answer(answer(403, "", "")));
    let nobody = Weir::before("127.0.0.1:1");
    nobody.close();
    for (name, endpoint) in [
        ("HTTP_PROXY", b.endpoint.clone()),
        ("HTTPS_PROXY", "https://store.wherry.example".to_owned()),
    ] {
        b.cli.set("AWS_ENDPOINT_URL", &endpoint);
        for address in [&proxy.url, &nobody.url] {
            // Plain requests come back as the proxy answers them; it is known by what it asks for.
            if name == "HTTP_PROXY" {
                proxy.rule(|_| Fate::Answer(answer(407, "", "")));
            } else {
                proxy.rule(|_| Fate::Answer(answer(403, "", "")));
            }
            b.cli.set(name, address);
            let ran = b.cli.run(["cp", &file, "s3://bkt/a"]);
            ran.refused(5, "The proxy between here and");
            ran.refused(5, "did not let the request through");
            ran.refused(5, "Check the proxy in the account's advanced settings");
        }
        b.cli.set(name, "");
    }
    assert!(proxy.count(|asked| asked.method == "CONNECT") > 0);
    assert!(proxy.count(|asked| asked.target.starts_with("http://")) > 0);
    // What is exempt goes past it.
    b.cli.set("AWS_ENDPOINT_URL", &b.endpoint.clone());
    b.cli.set("HTTP_PROXY", &nobody.url);
    b.cli.set("NO_PROXY", "127.0.0.1");
    b.cli.ok(["cp", &file, "s3://bkt/a"]);
    assert_eq!(b.listed(), ["a"]);
}

#[test]
fn what_a_full_quota_has_stopped_goes_on_with_the_same_command() {
    let (b, weir) = behind_a_weir();
    let path = large(&b);
    weir.rule(|asked| match asked.part() {
        Some(3..) => Fate::refuse(403, "QuotaExceeded"),
        _ => Fate::Pass,
    });
    let ran = b.cli.run(["cp", &path, "s3://bkt/large"]);
    ran.refused(6, "There is no room left");
    ran.refused(6, "unfinished uploads count too");
    weir.let_all_pass();
    let ran = b.cli.run(["cp", &path, "s3://bkt/large"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("Going on with what was cut off"),
        "{}",
        ran.err
    );
    assert_eq!(
        weir.count(Passing::begins),
        1,
        "with the upload that was begun"
    );
    arrived(&b, &path);
}

fn ends(mut child: Child, within: Duration) -> i32 {
    let begin = std::time::Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        if begin.elapsed() > within {
            let _ = child.kill();
            panic!("it never ended");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn two_of_them_on_one_journal_do_not_meddle() {
    let (b, weir) = behind_a_weir();
    let path = large(&b);
    let (let_go, may) = watch::channel(false);
    weir.rule(move |asked| match asked.part() {
        Some(3..) => Fate::When(may.clone()),
        _ => Fate::Pass,
    });
    let copy = || {
        let mut command = b.cli.command();
        command.args(["cp", &path, "s3://bkt/large"]);
        command.spawn().unwrap()
    };
    let held = |uploads: usize| {
        let begin = std::time::Instant::now();
        while weir.count(|asked| asked.part() == Some(3)) < uploads {
            assert!(
                begin.elapsed() < Duration::from_mins(1),
                "{:?}",
                weir.seen()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let first = copy();
    held(1);
    // The other one may not go on with it, clear it up, or take it out.
    let running = b.cli.json(["transfers", "list"]);
    assert_eq!(
        (running.len(), &running[0]["state"]),
        (1, &"running".into())
    );
    let id = running[0]["id"].as_str().unwrap();
    let resumed = b.cli.run(["transfers", "resume", id]);
    resumed.refused(1, "It is being run already");
    assert_ne!(b.cli.run(["transfers", "clear", id]).code, 0);
    b.cli
        .run(["clean", "--yes", "--older-than", "0m", "s3://bkt"]);
    // The same wish meanwhile is another transfer, with an upload of its own.
    let second = copy();
    held(2);
    let_go.send_replace(true);
    for child in [first, second] {
        assert_eq!(ends(child, Duration::from_mins(1)), 0);
    }
    assert_eq!(weir.count(Passing::begins), 2);
    arrived(&b, &path);
    let states = b.cli.json(["transfers", "list"]);
    assert!(
        states.iter().all(|job| job["state"] == "done"),
        "{states:?}"
    );
    assert!(Path::new(&path).exists());
}
