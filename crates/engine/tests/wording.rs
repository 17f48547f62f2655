//! The words people read when something goes wrong. A change to them shows up as a change here, to
//! be read before it is accepted (`INSTA_UPDATE=always cargo test -p wherry-engine --test wording`).

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use wherry_engine::contract::Problem;
use wherry_engine::problem::{About, from_blocked, from_file_error, from_plan_error, from_store};
use wherry_store::{ErrorKind, StoreError};
use wherry_transfer::{Blocked, FileError, PlanError};

fn about() -> About {
    About {
        account: Some("id".into()),
        account_name: Some("lab".into()),
        host: "s3.example.org".into(),
        https: true,
        bucket: Some("thesis".into()),
        key: Some("data/run 1.nc".into()),
        can_make_key: true,
        ..About::default()
    }
}

fn show(out: &mut String, name: &str, problem: &Problem) {
    let _ = writeln!(
        out,
        "{name} [{}]\n  {}\n  {}",
        problem.code, problem.what, problem.todo
    );
    for remedy in &problem.remedies {
        let _ = writeln!(out, "  button: {remedy:?}");
    }
    assert!(problem.what.ends_with('.'), "{name}: {}", problem.what);
    assert!(!problem.what.ends_with(".."), "{name}: {}", problem.what);
    assert!(
        problem.todo.ends_with(['.', ')']) || problem.todo.is_empty(),
        "{name}: {}",
        problem.todo
    );
    assert!(
        !problem.what.contains("Error") && !problem.what.contains("::"),
        "{name}: {}",
        problem.what
    );
}

const KINDS: &[ErrorKind] = &[
    ErrorKind::HostUnknown,
    ErrorKind::Unreachable,
    ErrorKind::CertificateUntrusted,
    ErrorKind::Tls,
    ErrorKind::Proxy,
    ErrorKind::NotS3,
    ErrorKind::Redirect,
    ErrorKind::KeyUnknown,
    ErrorKind::SecretWrong,
    ErrorKind::KeyExpired,
    ErrorKind::ClockSkew,
    ErrorKind::Denied,
    ErrorKind::NoSuchBucket,
    ErrorKind::NoSuchKey,
    ErrorKind::NoSuchUpload,
    ErrorKind::BucketExists,
    ErrorKind::BucketNotEmpty,
    ErrorKind::BucketName,
    ErrorKind::Changed,
    ErrorKind::Exists,
    ErrorKind::Archived,
    ErrorKind::Damaged,
    ErrorKind::QuotaExceeded,
    ErrorKind::SlowDown,
    ErrorKind::Interrupted,
    ErrorKind::LocalFile,
    ErrorKind::Unsupported,
    ErrorKind::ServerFault,
    ErrorKind::Other,
];

fn error(kind: ErrorKind) -> StoreError {
    let mut error = StoreError::new(kind, "list the bucket", "the system's own words");
    if kind == ErrorKind::Redirect {
        error.redirect = Some("eu-west-2".into());
    }
    if kind == ErrorKind::ClockSkew {
        error.clock_offset = Some(1200);
    }
    error
}

#[test]
fn what_stores_say() {
    let mut out = String::new();
    for kind in KINDS {
        show(
            &mut out,
            &format!("{kind:?}"),
            &from_store(&error(*kind), &about()),
        );
    }
    let deleted = About {
        key_deleted: true,
        ..about()
    };
    show(
        &mut out,
        "Denied, key deleted",
        &from_store(&error(ErrorKind::Denied), &deleted),
    );
    let expired = About {
        key_expired: true,
        can_make_key: false,
        ..about()
    };
    show(
        &mut out,
        "Denied, key expired",
        &from_store(&error(ErrorKind::Denied), &expired),
    );
    insta::assert_snapshot!(out);
}

#[test]
fn what_happens_to_files() {
    let path = PathBuf::from("/home/ada/data/run 1.nc");
    let reason = || Arc::new(io::Error::from(io::ErrorKind::PermissionDenied));
    let files = [
        FileError::Vanished { path: path.clone() },
        FileError::Unreadable {
            path: path.clone(),
            reason: reason(),
        },
        FileError::ChangedHere { path: path.clone() },
        FileError::ChangedThere {
            key: "data/run 1.nc".into(),
        },
        FileError::Mismatch {
            name: "data/run 1.nc".into(),
            expected: "1".into(),
            found: "2".into(),
        },
        FileError::DiskFull {
            folder: path.clone(),
        },
        FileError::NotWritable {
            path: path.clone(),
            reason: reason(),
        },
        FileError::InTheWay { path: path.clone() },
        FileError::Detour { path: path.clone() },
        FileError::TooLarge {
            size: 60 << 40,
            limit: 5 << 40,
        },
    ];
    let mut out = String::new();
    for error in &files {
        let name = format!("{error:?}");
        let name = name.split([' ', '{']).next().unwrap_or_default();
        show(&mut out, name, &from_file_error(error, &about()));
    }
    let blocked = [
        Blocked::NotEnoughSpace {
            folder: path.clone(),
            needed: 5 << 30,
            free: 300,
        },
        Blocked::NotWritable {
            folder: path.clone(),
            reason: reason(),
        },
    ];
    for blocked in &blocked {
        show(&mut out, "Blocked", &from_blocked(blocked));
    }
    let plan = PlanError::Folder {
        folder: path,
        reason: reason(),
    };
    show(&mut out, "PlanError", &from_plan_error(&plan, &about()));
    insta::assert_snapshot!(out);
}
