//! Disks that are full, fill up, or take nothing.

use super::*;

// Promise: A plan says when the disk has too little room, or when the folder takes no files.
// Promise: A disk that fills up stops the download; the files that have arrived are complete, and no
// other has its name.
#[tokio::test]
async fn a_full_disk_stops_the_job_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount(12) else {
        eprintln!("skipped: needs root to mount a small disk");
        return;
    };
    let memory = Memory::new();
    memory.insert("a", pattern(4 * MIB, 1));
    memory.insert("large", pattern(40 * MIB, 2));
    let store = memory.as_store();
    let plan = plan_download(&store, "", disk.0.path()).await;
    assert!(
        matches!(plan.blocked, Some(Blocked::NotEnoughSpace { .. })),
        "{:?}",
        plan.blocked
    );
    // Somebody else may fill it after the plan: the same as running a blocked one.
    let job = Job::download(store, plan, Choices::default(), settings())
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Failed);
    assert!(
        matches!(end.problem, Some(FileError::DiskFull { .. })),
        "{:?}",
        end.problem
    );
    let files = files_in(disk.0.path());
    assert!(files.keys().all(|name| name == "a"), "{:?}", files.keys());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_takes_no_files_is_said_in_the_plan() {
    let memory = Memory::new();
    memory.insert("a", "x");
    // Not even root can write there.
    let plan = plan_download(&memory.as_store(), "", "/sys".as_ref()).await;
    assert!(
        matches!(plan.blocked, Some(Blocked::NotWritable { .. })),
        "{:?}",
        plan.blocked
    );
    let request = DownloadRequest {
        bucket: "bucket".into(),
        sources: vec![DownloadSource::Object {
            key: "a".into(),
            save_as: None,
        }],
        folder: "/no/such/folder".into(),
        look_there: true,
    };
    let error = DownloadPlan::make(&memory.as_store(), request, &Watch::default())
        .await
        .unwrap_err();
    assert!(matches!(error, PlanError::Folder { .. }));
}

/// A disk of so many MiB, in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        mounted.ok()?.status.success().then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}

// Promise: What a full disk or a full quota has stopped is gone on with where it was, once there is room
// and the user says so.
#[tokio::test]
async fn a_disk_that_fills_up_in_the_middle_is_gone_on_with_where_it_was() {
    let Some(disk) = SmallDisk::mount(24) else {
        eprintln!("skipped: needs root to mount a small disk");
        return;
    };
    // As on most computers, Wherry's own files are on the same disk.
    let home = disk.0.path().join("home");
    let into = disk.0.path().join("into");
    fs::create_dir_all(&home).unwrap();
    fs::create_dir_all(&into).unwrap();
    let memory = Memory::new();
    let bytes = pattern(20 * MIB, 1);
    memory.insert("large", bytes.clone());
    let store = memory.as_store();
    let journal = Journal::open(&home).unwrap();
    let plan = plan_download(&store, "", &into).await;
    assert!(plan.blocked.is_none());
    // Somebody else fills it when half of it has arrived.
    let ballast = disk.0.path().join("ballast");
    let at = ballast.clone();
    memory.misbehave(move |call| {
        if call.op == Op::Get && call.at == 10 * MIB as u64 {
            let mut file = fs::File::create(&at).unwrap();
            while file.write_all(&[1; 4096]).is_ok() {}
        }
        None
    });
    // One range after the other.
    let settings = Settings {
        fetch_whole: MIB as u64,
        fetch_range: MIB as u64,
        requests: 1,
        ..written(&journal)
    };
    let job = Job::download(Arc::clone(&store), plan, Choices::default(), settings)
        .await
        .unwrap();
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Failed);
    assert!(
        matches!(end.problem, Some(FileError::DiskFull { .. })),
        "{:?}",
        end.problem
    );
    assert!(
        !into.join("large").exists(),
        "nothing half done has its name"
    );
    let fetched = memory.count(Op::Get);
    assert!((11..20).contains(&fetched), "{fetched}");
    memory.behave();
    fs::remove_file(&ballast).unwrap();
    assert!(job.retry_failed());
    let end = job.wait().await;
    assert_eq!(end.state, JobState::Done, "{:?}", job.files(0..9, true));
    assert!(fs::read(into.join("large")).unwrap() == bytes);
    // What had been written down as arrived by then was not fetched again; a range or two may have been
    // there that the journal had no room for.
    let again = memory.count(Op::Get) - fetched;
    assert!((1..=12).contains(&again), "{again} of 20");
    assert_eq!(files_in(&into).len(), 1);
}
