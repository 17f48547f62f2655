//! The way to the store: gone for longer than anybody tries, without a name, through a proxy that refuses,
//! and so crowded that nothing comes through.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use tokio::net::UdpSocket;
use tokio::sync::watch;
use wherry_doubles::{Fate, Passing};
use wherry_transfer::Journal;

use super::*;

/// Passes everything up to so many parts or ranges; those after it are held until that is let go.
fn held_after(
    bench: &Bench,
    held: impl Fn(&Passing) -> bool + Send + Sync + 'static,
) -> watch::Sender<bool> {
    let (let_go, may) = watch::channel(false);
    bench.weir.rule(move |asked| {
        if held(asked) {
            Fate::When(may.clone())
        } else {
            Fate::Pass
        }
    });
    let_go
}

fn range_start(asked: &Passing) -> Option<u64> {
    let range = asked.header("range")?.strip_prefix("bytes=")?;
    range.split_once('-')?.0.parse().ok()
}

// Promise: A transfer that loses the way to its store, or whose store stays too busy, waits and tries
// again by itself, with growing pauses, and says so meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_gone_for_long_is_outlived_by_an_upload() {
    let b = Bench::new().await;
    let large = b.file("large", 40 * MIB);
    let let_go = held_after(&b, |asked| asked.part().is_some_and(|part| part > 2));
    let job = b.upload(&large).await;
    b.until(&job, |_| {
        b.weir.answered(|asked| asked.part().is_some()) == 2
    })
    .await;
    b.weir.close();
    drop(let_go);
    let problem = b.waits(&job).await;
    assert_eq!(problem.code, "store.unreachable");
    assert!(
        problem.what.starts_with("Nothing answers at 127.0.0.1"),
        "{problem:?}"
    );
    // It goes on waiting, with a look now and then.
    b.until(&job, |view| view.state == JobState::Running).await;
    b.waits(&job).await;
    b.weir.let_all_pass();
    b.weir.reopen();
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!(
        (b.begun(), b.sent(1), b.sent(2)),
        (1, 1, 1),
        "it went on where it was"
    );
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_gone_for_long_is_outlived_by_a_download() {
    let b = Bench::new().await;
    b.has("large", 40 * MIB);
    let there = b.there();
    let let_go = held_after(&b, |asked| range_start(asked).is_some_and(|at| at > 0));
    let job = b.download(&there).await;
    // On the disk, and written down.
    let journal = Journal::open(&b.seat.home.path().join("wherry")).expect("opens");
    b.until(&job, |_| journal.range_count(&job).expect("reads") == 1)
        .await;
    b.weir.close();
    drop(let_go);
    assert_eq!(b.waits(&job).await.code, "store.unreachable");
    assert!(files_below(&there).iter().all(|path| is_draft(path)));
    b.weir.let_all_pass();
    b.weir.reopen();
    b.done(&job).await;
    b.arrived("large", &there.join("large"));
    let first = b.weir.count(|asked| range_start(asked) == Some(0));
    assert_eq!(first, 1, "what had arrived was not fetched again");
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_too_busy_is_waited_for() {
    for (status, code, said) in [
        (503, "SlowDown", "store.slow-down"),
        (503, "ServiceUnavailable", "store.slow-down"),
        (502, "BadGateway", "store.fault"),
    ] {
        let b = Bench::new().await;
        let large = b.file("large", 40 * MIB);
        b.weir.rule(move |asked| match asked.part() {
            Some(2..) => Fate::refuse(status, code),
            _ => Fate::Pass,
        });
        let job = b.upload(&large).await;
        let problem = b.waits(&job).await;
        assert_eq!(problem.code, said);
        b.weir.let_all_pass();
        b.done(&job).await;
        b.arrived("large", &large);
        assert_eq!(b.begun(), 1);
        b.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_refusals_costs_no_file() {
    let b = Bench::new().await;
    let folder = b.seat.home.path().join("many");
    std::fs::create_dir_all(&folder).expect("makes it");
    for n in 0..300 {
        std::fs::write(folder.join(format!("{n:03}")), noise(n)).expect("writes");
    }
    // Every second request, whatever it is, for a long while; and then all of them for a moment.
    b.weir.rule(|asked| match asked.before {
        0..400 if asked.before % 2 == 0 => Fate::refuse(503, "SlowDown"),
        400..440 => Fate::refuse(503, "SlowDown"),
        _ => Fate::Pass,
    });
    let job = b.upload(&folder).await;
    b.done(&job).await;
    for n in 0..300 {
        b.arrived(&format!("many/{n:03}"), &folder.join(format!("{n:03}")));
    }
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_in_the_middle_is_said_and_waited_for() {
    // The weir is the proxy: requests name the whole address, and the store takes that too.
    let b = Bench::reached_by(|weir, practice| AccountForm {
        proxy: Some(weir.url.clone()),
        ..form("Store", practice.endpoint().as_str(), "", "")
    })
    .await;
    assert!(b.weir.count(|asked| asked.target.starts_with("http://")) > 0);
    let large = b.file("large", 40 * MIB);
    b.weir.rule(|asked| match asked.part() {
        Some(2..) => Fate::Answer(wherry_doubles::answer(407, "", "")),
        _ => Fate::Pass,
    });
    let job = b.upload(&large).await;
    let problem = b.waits(&job).await;
    assert_eq!(problem.code, "store.proxy");
    assert!(
        problem
            .what
            .contains("the proxy wants a user name and password")
            && problem.todo.contains("Check the proxy"),
        "{problem:?}"
    );
    // And then it is not there at all.
    b.weir.close();
    b.until(&job, |view| {
        let problem = view.problem.as_ref();
        problem.is_some_and(|p| p.what.contains("refused") && p.code == "store.proxy")
    })
    .await;
    b.weir.let_all_pass();
    b.weir.reopen();
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!(b.begun(), 1);
    b.ends().await;
}

/// A name server that a test can silence.
struct Names {
    gone: Arc<AtomicBool>,
    /// Questions it had no answer to.
    refused: Arc<AtomicUsize>,
}

/// Where the name server of a test's own process is.
const NAMES_AT: &str = "WHERRY_TEST_NAMES_AT";

impl Names {
    /// Every name is this computer's.
    async fn serve() -> Self {
        let at = std::env::var(NAMES_AT).expect("is told where");
        let socket = UdpSocket::bind((at, 53))
            .await
            .expect("nobody else is there");
        let names = Self {
            gone: Arc::default(),
            refused: Arc::default(),
        };
        let (gone, refused) = (Arc::clone(&names.gone), Arc::clone(&names.refused));
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
                let gone = gone.load(SeqCst);
                refused.fetch_add(usize::from(gone), SeqCst);
                let answer = answer_to(&bytes[..length], gone);
                let _ = socket.send_to(&answer, from).await;
            }
        });
        names
    }
}

/// RFC 1035: the question again, and for an A record 127.0.0.1.
fn answer_to(question: &[u8], gone: bool) -> Vec<u8> {
    let name = question[12..].iter().position(|b| *b == 0).unwrap_or(0);
    let asked = &question[12..12 + name + 5];
    let is_a = asked[name + 1..name + 3] == [0, 1];
    let answers = u8::from(is_a && !gone);
    let mut bytes = question[..2].to_vec();
    // An answer; SERVFAIL, as from a name server that has lost its own way out.
    bytes.extend([0x81, if gone { 0x82 } else { 0x80 }]);
    bytes.extend([0, 1, 0, answers, 0, 0, 0, 0]);
    bytes.extend(asked);
    if answers == 1 {
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    bytes
}

/// In a process of its own, which asks a name server of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_gone_in_the_middle_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let resolver = folder.path().join("resolv.conf");
    // Of its own, as other tests may be running: all of 127.0.0.0/8 is this computer.
    let [.., high, low] = std::process::id().to_be_bytes();
    let at = Ipv4Addr::new(127, 77, high, low.clamp(1, 254));
    let text = format!("nameserver {at}\noptions timeout:1 attempts:1\n");
    std::fs::write(&resolver, text).expect("writes");
    let may = Command::new("unshare").args(["-m", "true"]).output();
    if !may.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: needs root to have a name server of its own");
        return;
    }
    let script = format!(
        "mount --bind {} \"$(readlink -f /etc/resolv.conf)\" && exec \"$0\" \"$@\"",
        resolver.display()
    );
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", &script])
        .arg(std::env::current_exe().expect("knows itself"))
        .env(NAMES_AT, at.to_string());
    passes_alone(command, "faults::way::half_names_are_gone");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a process of its own"]
async fn half_names_are_gone() {
    let names = Names::serve().await;
    let b = Bench::reached_by(|weir, _| {
        let address = format!("http://store.wherry.example:{}", weir.port());
        form("Store", &address, "", "")
    })
    .await;
    let large = b.file("large", 40 * MIB);
    let let_go = held_after(&b, |asked| asked.part().is_some_and(|part| part > 2));
    let job = b.upload(&large).await;
    b.until(&job, |_| {
        b.weir.answered(|asked| asked.part().is_some()) == 2
    })
    .await;
    names.gone.store(true, SeqCst);
    // What was under way breaks, and what is tried then finds no name.
    drop(let_go);
    let problem = b.waits(&job).await;
    assert_eq!(problem.code, "store.host-unknown");
    assert_eq!(
        problem.what,
        "There is no computer named “store.wherry.example”."
    );
    assert!(problem.todo.contains("that you are online"), "{problem:?}");
    // Each request was tried more than once before the transfer gave up.
    assert!(names.refused.load(SeqCst) >= 3);
    b.weir.let_all_pass();
    names.gone.store(false, SeqCst);
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!((b.begun(), b.sent(1), b.sent(2)), (1, 1, 1));
    b.ends().await;
}
