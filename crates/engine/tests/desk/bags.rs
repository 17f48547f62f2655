//! What receipts are for: manifests for an archive, as the archives' own program reads them, and proof.

use std::process::Command;

use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_testbed::Testbed;

use crate::bench::*;
use crate::seat::*;

/// Whether the program of the Library of Congress takes the folder for a whole bag.
fn is_valid(bag: &std::path::Path) -> Result<(), String> {
    let done = Command::new(Testbed::tools().join("bagit.py"))
        .arg("--validate")
        .arg(bag)
        .output()
        .expect("runs");
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

async fn save(b: &Bench, job: &JobView, format: ReceiptFormat, path: &std::path::Path) {
    let save = SaveReceipts {
        job: job.id.clone(),
        format,
        path: path.display().to_string(),
    };
    let saved = b.seat.engine.save_receipts(save).await.expect("saves");
    assert_eq!((saved.files, saved.left_out), (job.files_total, 0));
}

/// Large enough to go in parts: no MD5 of the whole is known of it.
const LARGE: usize = (16 << 20) + 1;

#[tokio::test(flavor = "multi_thread")]
async fn manifests_make_a_bag() {
    let b = Bench::new().await;
    let large: Vec<u8> = (0..LARGE).map(|n| (n % 253) as u8).collect();
    // Without a per cent sign, which RFC 8493 wants encoded and that program does not decode.
    let files: [(&str, &[u8]); 5] = [
        ("large.bin", &large),
        ("empty", b""),
        ("deep/er/a b ü.txt", b"text"),
        ("=1+1", b"formula"),
        ("two\nlines", b"\n"),
    ];
    // RFC 8493: the payload is below `data`, and what is uploaded is that folder's own name.
    let bag = b.seat.home.path().join("bag");
    b.seat.files("bag/data/trip", &files);
    std::fs::write(
        bag.join("bagit.txt"),
        "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
    )
    .expect("writes");
    for (sha256_in_receipts, prefix) in [(false, ""), (true, "again/")] {
        let mut settings = b.seat.engine.settings().await.expect("reads");
        settings.transfers.receipt_sha256 = sha256_in_receipts;
        b.seat.engine.save_settings(settings).await.expect("saves");
        let what = PlanWhat::Upload {
            to: place(&b.id, "data", prefix),
            paths: vec![bag.join("data/trip").display().to_string()],
        };
        let plan = b.seat.plan(what).await.expect("plans");
        let job = b.seat.runs(&plan, OnConflict::Overwrite).await;
        assert_eq!((job.state, job.files_done), (JobState::Done, 5));
        let request = ReceiptsRequest {
            job: job.id.clone(),
            from: 0,
            count: 9,
        };
        let receipts = b.seat.engine.receipts(request).await.expect("lists");
        for receipt in &receipts.receipts {
            assert_eq!(receipt.sha256.is_some(), sha256_in_receipts, "{receipt:?}");
            assert!(receipt.crc64nvme.is_some(), "{receipt:?}");
        }
        for (format, name) in [
            (ReceiptFormat::Bagit, "manifest-md5.txt"),
            (ReceiptFormat::BagitSha256, "manifest-sha256.txt"),
        ] {
            let manifest = bag.join(name);
            save(&b, &job, format, &manifest).await;
            assert_eq!(is_valid(&bag), Ok(()), "{name}");
            let _ = std::fs::remove_file(&manifest);
        }
    }
    // That it looks at the bytes at all.
    let jobs = b.seat.engine.jobs().await.expect("lists");
    let job = jobs.last().expect("is one");
    save(
        &b,
        job,
        ReceiptFormat::BagitSha256,
        &bag.join("manifest-sha256.txt"),
    )
    .await;
    std::fs::write(bag.join("data/trip/empty"), "no more").expect("writes");
    is_valid(&bag).expect_err("has other bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_says_what_it_has_proved() {
    let b = Bench::new().await;
    let here = b.seat.files("trip", &[("a", b"one"), ("b", b"two")]);
    let what = PlanWhat::Upload {
        to: b.top.clone(),
        paths: vec![here.display().to_string()],
    };
    let plan = b.seat.plan(what).await.expect("plans");
    let job = b.seat.runs(&plan, OnConflict::Overwrite).await;
    assert_eq!(job.proven, None, "it is no verification");
    let unread = "2 files: the store still has the same ETag and size; the bytes were not read.";
    for (side, words) in [
        (VerifySide::Store, unread),
        (VerifySide::StoreRead, "2 files: every byte was read again."),
        (VerifySide::Computer, "2 files: every byte was read again."),
    ] {
        let what = VerifyWhat::Job {
            job: job.id.clone(),
            side,
        };
        let check = b.seat.engine.verify(what).await.expect("checks");
        let check = b.becomes(&check.id, JobState::Done).await;
        assert_eq!(check.proven.as_deref(), Some(words), "{side:?}");
    }
}
