//! What the engine does when the store, the network or the disk misbehaves: every file arrives
//! whole, or fails with a reason and leaves nothing behind.

#![allow(clippy::unwrap_used)]

#[path = "../doubles/mod.rs"]
mod doubles;

mod bodies;
mod disk;
mod files;
mod sizes;
mod store;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use doubles::moving::*;
use doubles::*;
use wherry_store::ErrorKind;
use wherry_transfer::journal::{Entry, NewJob};
use wherry_transfer::*;

const MIB: usize = 1 << 20;

/// More than goes in one request: three parts of 8 MiB, the last one short.
const LARGE: usize = 20 * MIB + 17;

fn failed_kind(job: &Job) -> Option<ErrorKind> {
    match job.files(0..1, true).pop()?.error? {
        FileError::Store(e) => Some(e.kind),
        _ => None,
    }
}

/// Written down, so that what is half done stays for another try.
fn written(journal: &Journal) -> Settings {
    let job = NewJob {
        title: "a job".into(),
        ..NewJob::default()
    };
    let journal = journal.clone();
    Settings {
        journal: Some(Entry { journal, job }),
        ..settings()
    }
}
