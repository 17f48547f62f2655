//! What a store says that is wrong, late or about something else: clocks, digests, lengths, and refusals
//! in the middle of a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

use chrono::{NaiveDateTime, TimeDelta, Utc};
use wherry_doubles::{Fate, Passing, answer};
use wherry_testbed::unique_bucket;

use super::*;
use crate::lent::{lent_account, with_a_role};

/// Refuses what was signed more than five minutes off the store's clock, which is so many seconds ahead.
fn judge_time(asked: &Passing, ahead: i64) -> Fate {
    let theirs = Utc::now() + TimeDelta::seconds(ahead);
    let signed = asked.header("x-amz-date").expect("is signed");
    let signed = NaiveDateTime::parse_from_str(signed, "%Y%m%dT%H%M%SZ").expect("is a time");
    if (theirs - signed.and_utc()).abs() < TimeDelta::minutes(5) {
        return Fate::Pass;
    }
    let date = format!("date: {}", theirs.format("%a, %d %b %Y %H:%M:%S GMT"));
    Fate::refuse_with(403, "RequestTimeTooSkewed", &date)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_turns_out_wrong_in_the_middle_is_corrected() {
    let b = Bench::new().await;
    let large = b.file("large", 40 * MIB);
    let ahead = Arc::new(AtomicI64::new(0));
    b.weir.rule(move |asked| {
        // As when a laptop wakes up with the time it fell asleep at.
        if asked.part() == Some(3) {
            ahead.store(600, SeqCst);
        }
        judge_time(asked, ahead.load(SeqCst))
    });
    let job = b.upload(&large).await;
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!(
        (b.begun(), b.sent(3)),
        (1, 2),
        "it was refused once, and corrected"
    );
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_cannot_be_corrected_is_said_with_the_remedy() {
    let b = Bench::new().await;
    let large = b.file("large", 40 * MIB);
    // Without its time in the answer there is nothing to correct by.
    b.weir.rule(|asked| match asked.part() {
        Some(3..) => Fate::refuse(403, "RequestTimeTooSkewed"),
        _ => Fate::Pass,
    });
    let job = b.upload(&large).await;
    let problem = b.failed(&job).await;
    assert_eq!(problem.code, "store.clock");
    assert_eq!(
        problem.what,
        "This computer's clock and the store's differ too much."
    );
    assert!(
        problem
            .todo
            .starts_with("Set this computer's date and time"),
        "{problem:?}"
    );
    b.weir.let_all_pass();
    b.again(&job).await;
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!(b.begun(), 1, "it went on where it was");
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_part_is_sent_again_and_given_up_in_words() {
    let b = Bench::new().await;
    let (large, small) = (b.file("large", 40 * MIB), b.file("small", 1000));
    b.weir.rule(|asked| match asked.part() {
        Some(2) if asked.again == 0 => Fate::refuse(400, "BadDigest"),
        None if asked.method == "PUT" && asked.again == 0 => Fate::refuse(400, "BadDigest"),
        _ => Fate::Pass,
    });
    for file in [&large, &small] {
        let job = b.upload(file).await;
        b.done(&job).await;
    }
    b.arrived("large", &large);
    b.arrived("small", &small);
    assert_eq!(b.sent(2), 2);
    // And something that damages them all.
    b.weir.rule(|asked| match asked.part() {
        Some(4) => Fate::refuse(400, "BadDigest"),
        _ => Fate::Pass,
    });
    let worse = b.file("worse", 40 * MIB);
    let job = b.upload(&worse).await;
    let problem = b.failed(&job).await;
    assert_eq!(problem.code, "store.damaged");
    assert_eq!(problem.what, "What arrived is not what was sent.");
    assert!(
        problem
            .todo
            .starts_with("Nothing damaged was kept. Try again")
            && problem.retry,
        "{problem:?}"
    );
    assert!(!b.stored("worse").exists());
    let begun = b.begun();
    b.weir.let_all_pass();
    b.again(&job).await;
    b.done(&job).await;
    b.arrived("worse", &worse);
    assert_eq!(b.begun(), begun, "it went on where it was");
    b.ends().await;
}

/// A success whose body says otherwise, as S3 does after it has kept the connection open for a while.
fn error_inside() -> Fate {
    Fate::Answer(answer(
        200,
        "",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n   <Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>",
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_a_success_is_none() {
    let b = Bench::new().await;
    let large = b.file("large", 40 * MIB);
    b.weir.rule(|asked| {
        if asked.completes() && asked.again == 0 {
            error_inside()
        } else {
            Fate::Pass
        }
    });
    let job = b.upload(&large).await;
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!(b.weir.count(Passing::completes), 2);

    // For as long as anybody tries.
    b.weir.rule(|asked| {
        if asked.completes() {
            error_inside()
        } else {
            Fate::Pass
        }
    });
    let other = b.file("other", 40 * MIB);
    let job = b.upload(&other).await;
    let problem = b.failed(&job).await;
    assert_eq!(problem.code, "store.fault");
    assert!(!b.stored("other").exists());
    let begun = b.begun();
    b.weir.let_all_pass();
    b.again(&job).await;
    b.done(&job).await;
    b.arrived("other", &other);
    assert_eq!(b.begun(), begun);
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_the_success_of_a_copy_leaves_the_original() {
    let b = Bench::new().await;
    b.has("old", 1000);
    let copies = |asked: &Passing| asked.header("x-amz-copy-source").is_some();
    b.weir.rule(move |asked| {
        if copies(asked) {
            error_inside()
        } else {
            Fate::Pass
        }
    });
    let rename = PlanWhat::Rename {
        location: b.top.clone(),
        item: SelectedKey {
            kind: RowKind::Object,
            key: "old".into(),
        },
        name: "new".into(),
    };
    let job = b.begin(rename).await;
    assert_eq!(b.failed(&job).await.code, "store.fault");
    assert!(b.stored("old").exists() && !b.stored("new").exists());
    b.weir.rule(move |asked| {
        if copies(asked) && asked.before % 2 == 0 {
            error_inside()
        } else {
            Fate::Pass
        }
    });
    b.again(&job).await;
    b.done(&job).await;
    assert!(!b.stored("old").exists());
    assert!(std::fs::read(b.stored("new")).expect("is there") == noise(1000));
    b.ends().await;
}

fn is_range_behind_the_first(asked: &Passing) -> bool {
    let range = asked.header("range");
    asked.method == "GET" && range.is_some_and(|range| !range.starts_with("bytes=0-"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_goes_in_the_middle_fails_alone() {
    let b = Bench::new().await;
    b.has("large", 40 * MIB);
    b.has("small", 1000);
    b.weir.rule(|asked| {
        if is_range_behind_the_first(asked) {
            Fate::refuse(404, "NoSuchKey")
        } else {
            Fate::Pass
        }
    });
    let there = b.there();
    let job = b.download(&there).await;
    let end = b.ended(&job).await;
    assert_eq!((end.state, end.files_done), (JobState::Partial, 1));
    let (name, problem) = b.seat.failures(&end).await.remove(0);
    assert_eq!(
        (name.as_str(), problem.code.as_str()),
        ("large", "store.no-object")
    );
    assert_eq!(problem.what, "The object “large” is not there any more.");
    assert!(problem.todo.contains("deleted or renamed"), "{problem:?}");
    assert_eq!(files_below(&there), [there.join("small")]);
    b.ends().await;
}

/// The answer with another length in its head.
fn of_length(by: i64) -> Fate {
    Fate::Alter(Box::new(move |answer| {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let end = text.find("\r\n\r\n").expect("has a head");
        let head = text[..end].to_ascii_lowercase();
        let at = head.find("content-length: ").expect("has a length") + 16;
        let digits: String = head[at..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let length: i64 = digits.parse().expect("is a number");
        let mut changed = answer[..at].to_vec();
        changed.extend((length + by).to_string().bytes());
        changed.extend(&answer[at + digits.len()..]);
        changed
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_are_wrong_are_found_out() {
    // The length that was told is too large, or too small; the body ends early; nothing comes.
    let faults: [fn() -> Fate; 4] = [
        || of_length(10),
        || of_length(-10),
        || Fate::Alter(Box::new(|answer| answer[..answer.len() - 5000].to_vec())),
        || Fate::Break(0),
    ];
    // What becomes of the large and the small one when it never gets better. A range says its length
    // twice, and what is more than that is not read; another length of a whole object is another object.
    let in_vain = [
        [None, Some("store.changed")],
        [Some("store.interrupted"), Some("store.changed")],
        [Some("store.interrupted"), Some("store.interrupted")],
        [Some("store.interrupted"), Some("store.interrupted")],
    ];
    let b = Bench::new().await;
    b.has("large", 40 * MIB);
    b.has("small", 70_000);
    for (n, fault) in faults.into_iter().enumerate() {
        // The first try of every range.
        let tried = std::sync::Mutex::new(std::collections::HashSet::new());
        b.weir.rule(move |asked| {
            let range = asked.header("range").unwrap_or_default();
            let what = format!("{} {range}", asked.target);
            let gets = asked.method == "GET" && !asked.target.contains("list-type");
            if gets && tried.lock().expect("whole").insert(what) {
                fault()
            } else {
                Fate::Pass
            }
        });
        let there = b.there().join(n.to_string());
        let job = b.download(&there).await;
        b.done(&job).await;
        for name in ["large", "small"] {
            b.arrived(name, &there.join(name));
        }
        // And whenever it is asked.
        let there = b.there().join(format!("{n} in vain"));
        b.weir.let_all_pass();
        let rows = b.seat.lists(&b.top).await.expect("lists");
        std::fs::create_dir_all(&there).expect("makes it");
        let plan = b.seat.plan(PlanWhat::Download {
            selection: selection(&b.top, &rows),
            folder: there.display().to_string(),
        });
        let plan = plan.await.expect("plans");
        b.weir.rule(move |asked| {
            if asked.method == "GET" {
                fault()
            } else {
                Fate::Pass
            }
        });
        let job = begin(&b.seat.engine, &plan).await;
        let end = b.ended(&job).await;
        let failures = b.seat.failures(&end).await;
        for (name, code) in ["large", "small"].into_iter().zip(in_vain[n]) {
            let failure = failures.iter().find(|(failed, _)| failed == name);
            assert_eq!(failure.map(|(_, p)| p.code.as_str()), code, "{n}: {end:?}");
            assert_eq!(there.join(name).exists(), code.is_none(), "{n}: {name}");
        }
        b.weir.let_all_pass();
        b.again(&job).await;
        b.done(&job).await;
        b.arrived("large", &there.join("large"));
    }
    b.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_get_lost_on_the_way_are_sent_again() {
    let b = Bench::new().await;
    let large = b.file("large", 40 * MIB);
    b.weir.rule(|asked| match (asked.part(), asked.again) {
        // Reset in the middle; less arrived than was announced; and an answer that got lost.
        (Some(1), 0) => Fate::Break(3 * MIB),
        (Some(2), 0) => Fate::refuse(400, "IncompleteBody"),
        (Some(3), 0) => Fate::LoseAnswer,
        (Some(4), 0) => Fate::refuse(400, "RequestTimeout"),
        (None, 0) if asked.completes() => Fate::LoseAnswer,
        _ => Fate::Pass,
    });
    let job = b.upload(&large).await;
    b.done(&job).await;
    b.arrived("large", &large);
    assert_eq!((b.begun(), b.sent(1), b.sent(5)), (1, 2, 1));
    b.ends().await;
}

// A key that the store takes for expired before its time: renewed, and the part signed anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_the_middle_of_a_part_is_renewed() {
    let rgw = with_a_role();
    let weir = Weir::before(&rgw.endpoint);
    let ahead = Arc::new(AtomicI64::new(0));
    let time = Arc::clone(&ahead);
    let seat = Seat::with_clock(move || Utc::now() + TimeDelta::seconds(time.load(SeqCst)));
    let id = lent_account(&seat, &weir.url).await.account.id;
    let name = unique_bucket("expires");
    let made = seat.engine.create_bucket(bucket(&id, &name)).await;
    made.expect("makes a bucket");
    let refused = Arc::new(AtomicBool::new(false));
    weir.rule(move |asked| match asked.part() {
        Some(3) if !refused.swap(true, SeqCst) => {
            // Long before its time, but not as young as one that the store may not know yet.
            ahead.store(120, SeqCst);
            Fate::refuse(400, "ExpiredToken")
        }
        _ => Fate::Pass,
    });
    let large = seat
        .files("here", &[("large", &noise(40 * MIB))])
        .join("large");
    let job = seat
        .does(PlanWhat::Upload {
            to: place(&id, &name, ""),
            paths: vec![large.display().to_string()],
        })
        .await;
    assert_eq!(job.state, JobState::Done, "{:?}", seat.failures(&job).await);
    let key_of = |asked: &Passing| {
        let signed = asked.header("authorization")?;
        let (_, rest) = signed.split_once("Credential=")?;
        Some(rest.split('/').next()?.to_owned())
    };
    let third: Vec<_> = weir
        .seen()
        .iter()
        .filter(|asked| asked.part() == Some(3))
        .filter_map(key_of)
        .collect();
    assert_eq!(third.len(), 2, "{third:?}");
    assert_ne!(third[0], third[1], "the second time with another key");
    assert_eq!(weir.count(Passing::begins), 1);
    seat.engine.shut_down().await;
}
