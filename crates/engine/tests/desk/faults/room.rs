//! Room that runs out, at the store and on the disk; and how much is done at once.

use std::process::Command;
use std::sync::Arc;

use tokio::sync::{Barrier, watch};
use wherry_doubles::{Fate, Passing};
use wherry_testbed::{Rgw, unique_bucket};

use super::*;

// Promise: What a full disk or a full quota has stopped is gone on with where it was, once there is room
// and the user says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_quota_is_foretold_said_and_gone_on_after() {
    let rgw = Rgw::start_private();
    let weir = Weir::before(&rgw.endpoint);
    let seat = impatient_seat();
    let account = form("RGW", &weir.url, &rgw.access_key, &rgw.secret_key);
    let id = seat.engine.add_account(account).await.expect("adds").id;
    let name = unique_bucket("full");
    let made = seat.engine.create_bucket(bucket(&id, &name)).await;
    made.expect("makes a bucket");
    let room = |mib: usize| {
        let bucket = format!("--bucket={name}");
        let size = format!("--max-size={}", mib * MIB);
        rgw.admin(&["quota", "set", "--quota-scope=bucket", &bucket, &size]);
        rgw.admin(&["quota", "enable", "--quota-scope=bucket", &bucket]);
        // It looks at a quota it knows for some minutes.
        rgw.restart();
    };
    room(20);
    let here = seat.files(
        "here",
        &[("large", &noise(40 * MIB)), ("small", &noise(1000))],
    );
    let upload = |file: &str| PlanWhat::Upload {
        to: place(&id, &name, ""),
        paths: vec![here.join(file).display().to_string()],
    };
    let fits = seat.plan(upload("small")).await.expect("plans");
    assert_eq!(fits.room.as_ref().expect("is known").free, 20 * MIB as u64);
    assert!(fits.notes.is_empty() && fits.clean, "{fits:?}");
    let plan = seat.plan(upload("large")).await.expect("plans");
    let of = &plan.room.as_ref().expect("is known").of;
    assert_eq!(*of, format!("the quota of {name}"));
    assert!(
        plan.blocked.is_none() && !plan.clean,
        "the store may yet have room: {plan:?}"
    );
    assert_eq!(
        (plan.notes[0].name.as_str(), plan.notes[0].words.as_str()),
        (
            "The quota",
            "has room for 20.0 MiB more, and 40.0 MiB are to be sent: the store may stop the transfer when it is full"
        )
    );
    // The gateway counts a part when it is there: the third one is begun after the second.
    let (let_go, may) = watch::channel(false);
    weir.rule(move |asked| match asked.part() {
        Some(3..) => Fate::When(may.clone()),
        _ => Fate::Pass,
    });
    let job = begin(&seat.engine, &plan).await;
    until(&seat.engine, &job, |_| {
        weir.answered(|asked| asked.part().is_some()) == 2
    })
    .await;
    let_go.send_replace(true);
    let end = until(&seat.engine, &job, |view| view.ended.is_some()).await;
    weir.let_all_pass();
    assert_eq!(end.state, JobState::Failed);
    let problem = end.problem.expect("says why");
    assert_eq!(problem.code, "store.quota");
    assert!(
        problem.what.starts_with("There is no room left")
            && problem.todo.contains("unfinished uploads count too"),
        "{problem:?}"
    );
    let sent = |weir: &Weir| weir.count(|asked| asked.part().is_some());
    let before = sent(&weir);
    assert!(before <= 5, "a full quota is not tried again");
    let found = seat.engine.unfinished_uploads(bucket(&id, &name)).await;
    let found = found.expect("lists");
    assert_eq!(found.uploads.len(), 1, "what arrived is kept");
    assert_eq!(found.bytes, 16 * MIB as u64);
    room(100);
    let again = seat.engine.retry_job(job.clone()).await;
    again.expect("is tried again");
    let end = until(&seat.engine, &job, |view| view.ended.is_some()).await;
    assert_eq!(end.state, JobState::Done, "{end:?}");
    assert_eq!(weir.count(Passing::begins), 1, "it went on where it was");
    assert_eq!(sent(&weir) - before, 3, "two parts were there");
    let found = seat.engine.unfinished_uploads(bucket(&id, &name)).await;
    assert!(found.expect("lists").uploads.is_empty());
    seat.engine.shut_down().await;
}

/// A disk of so many MiB, in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf, mib: usize) -> Option<Self> {
        std::fs::create_dir_all(&at).expect("makes it");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(&at)
            .output();
        mounted.ok()?.status.success().then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_middle_is_said_and_gone_on_after() {
    let b = Bench::new().await;
    let Some(disk) = SmallDisk::mount(b.seat.home.path().join("disk"), 100) else {
        eprintln!("skipped: needs root to mount a small disk");
        return;
    };
    b.has("large", 80 * MIB);
    b.has("small", 1000);
    let ballast = disk.0.join("somebody else's");
    let at = ballast.clone();
    b.weir.rule(move |asked| {
        let range = asked.header("range");
        if range.is_some_and(|range| range.starts_with(&format!("bytes={}-", 32 * MIB))) {
            std::fs::write(&at, vec![1; 60 * MIB]).expect("takes the room");
        }
        Fate::Pass
    });
    let there = disk.0.join("into");
    let job = b.download(&there).await;
    let end = b.ended(&job).await;
    assert_eq!(end.state, JobState::Failed);
    let problem = end.problem.expect("says why");
    assert_eq!(
        (problem.code.as_str(), problem.what.as_str()),
        ("local.disk-full", "The disk is full.")
    );
    assert!(
        problem.todo.starts_with("Make room and try again"),
        "{problem:?}"
    );
    assert!(
        !there.join("large").exists(),
        "nothing half done has its name"
    );
    // Without more room it is said again, and nothing is lost by trying.
    b.again(&job).await;
    assert_eq!(
        b.ended(&job).await.problem.expect("says why").code,
        "local.disk-full"
    );
    b.weir.let_all_pass();
    std::fs::remove_file(&ballast).expect("makes room");
    b.again(&job).await;
    b.done(&job).await;
    for name in ["large", "small"] {
        b.arrived(name, &there.join(name));
    }
    b.ends().await;
    drop(disk);
}

/// Settings: files at once.
#[tokio::test(flavor = "multi_thread")]
async fn so_many_files_go_at_once_as_the_settings_say() {
    let b = Bench::new().await;
    let folder = b.seat.home.path().join("many");
    std::fs::create_dir_all(&folder).expect("makes it");
    for n in 0..24 {
        std::fs::write(folder.join(format!("{n:02}")), noise(100)).expect("writes");
    }
    for (wanted, least) in [(Some(3), 3), (Some(1), 1), (None, 12)] {
        let mut settings = b.seat.engine.settings().await.expect("reads");
        settings.transfers.parallel_files = wanted;
        let saved = b.seat.engine.save_settings(settings).await;
        saved.expect("saves");
        let what = PlanWhat::Upload {
            to: b.top.clone(),
            paths: vec![folder.display().to_string()],
        };
        let plan = b.seat.plan(what).await.expect("plans");
        // None gets through unless so many are there.
        let together = Arc::new(Barrier::new(least));
        b.weir.rule(move |asked| {
            if asked.method == "PUT" {
                Fate::Together(Arc::clone(&together))
            } else {
                Fate::Pass
            }
        });
        b.weir.most_at_once();
        let job = begin(&b.seat.engine, &plan).await;
        b.done(&job).await;
        let most = b.weir.most_at_once();
        if let Some(wanted) = wanted {
            assert_eq!(most, wanted as usize);
        }
        b.weir.let_all_pass();
    }
    b.ends().await;
}
