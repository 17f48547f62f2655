//! What must be true after every run, whatever happened in it.

use std::collections::BTreeSet;
use std::path::Path;

use wherry_transfer::run::disk::is_temporary;
use wherry_transfer::*;

use crate::disk::Platter;
use crate::shelves::Name;
use crate::world::{BUCKET, Event, Moves, World};

type Kept = Result<(), String>;

fn must(holds: bool, broken: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(broken()) }
}

/// - What a receipt says arrived is there, byte for byte.
/// - Nothing else was overwritten, removed or left behind.
///
/// `planned_again`: what had arrived and was not written down yet is found by the next plan, and is left
/// as it is, without a receipt.
pub fn check(world: &World, receipts: &[Receipt], planned_again: bool) -> Kept {
    check_so_far(world, receipts)?;
    at_the_store(world, receipts)?;
    on_the_disk(world, receipts, planned_again)
}

/// The same while something may still be under way, or was a moment ago.
pub fn check_so_far(world: &World, receipts: &[Receipt]) -> Kept {
    for receipt in receipts {
        arrived(world, receipt).map_err(|e| format!("{e}\n  of {receipt:?}"))?;
    }
    nothing_of_others(world)?;
    nothing_of_the_users(world, receipts)
}

fn arrived(world: &World, receipt: &Receipt) -> Kept {
    match (&receipt.from, &receipt.to) {
        (End::File(path), End::Object { bucket, key }) => {
            uploaded(world, receipt, path, bucket, key)
        }
        (End::Object { .. }, End::File(path)) => downloaded(world, receipt, path),
        (
            End::Object { bucket, key },
            End::Object {
                bucket: to_bucket,
                key: to,
            },
        ) => copied(
            world,
            receipt,
            &(bucket.clone(), key.clone()),
            &(to_bucket.clone(), to.clone()),
        ),
        (End::File(_), End::File(_)) => Err("a receipt from file to file".to_owned()),
    }
}

fn uploaded(world: &World, receipt: &Receipt, path: &Path, bucket: &str, key: &str) -> Kept {
    let store = world.store.lock();
    let stored = store
        .shelves
        .objects
        .get(&(bucket.to_owned(), key.to_owned()))
        .ok_or("a receipt for an object that is not there")?;
    let platter = world.disk.lock();
    let versions = platter
        .versions
        .get(path)
        .ok_or("a receipt for no source")?;
    must(receipt.size == stored.bytes.len() as u64, || {
        "the receipt's size is not the object's".to_owned()
    })?;
    // A store that damages what it has checked, and whose ETags say nothing, cannot be found out.
    let telling = receipt.proof == Proof::Etag || world.weather.rot == 0.0;
    must(
        !telling || versions.contains(&stored.bytes.to_vec()),
        || "the object is no version of the file".to_owned(),
    )?;
    must(
        receipt.etag.as_ref().is_none_or(|etag| {
            // The same bytes once more, sent before and arriving after, may have an ETag of their own.
            store.shelves.versions.get(etag) == Some(&stored.bytes)
        }),
        || format!("the receipt's ETag is not the object's: {}", stored.etag),
    )
}

fn downloaded(world: &World, receipt: &Receipt, path: &Path) -> Kept {
    let platter = world.disk.lock();
    let file = platter
        .at(path)
        .ok_or("a receipt for a file that is not there")?;
    let etag = receipt.etag.as_deref().unwrap_or_default();
    let store = world.store.lock();
    let object = store
        .shelves
        .versions
        .get(etag)
        .ok_or("a receipt for an object that never was")?;
    must(receipt.size == object.len() as u64, || {
        "the receipt's size is not the object's".to_owned()
    })?;
    must(file.bytes.len() == object.len(), || {
        format!("the file has {} bytes", file.bytes.len())
    })?;
    let telling = receipt.proof != Proof::Size || world.weather.turned == 0.0;
    must(!telling || file.bytes == object[..], || {
        "the file is not the object".to_owned()
    })
}

fn copied(world: &World, receipt: &Receipt, from: &Name, to: &Name) -> Kept {
    let store = world.store.lock();
    let there = store
        .shelves
        .objects
        .get(to)
        .ok_or("a receipt for a copy that is not there")?;
    must(receipt.size == there.bytes.len() as u64, || {
        "the receipt's size is not the copy's".to_owned()
    })?;
    let original = store.shelves.objects.get(from);
    must(
        (world.moves == Moves::Rename) == original.is_none() || !world.events.is_empty(),
        || format!("the original is there: {}", original.is_some()),
    )
}

fn nothing_of_others(world: &World) -> Kept {
    let store = world.store.lock();
    let objects = &store.shelves.objects;
    let may_replace = world.choices.on_conflict == OnConflict::Overwrite;
    for (name, before) in world.others().iter() {
        if objects.get(name) == Some(before) {
            continue;
        }
        if may_replace && name.1.starts_with("to/") {
            continue;
        }
        let original = world.moves == Moves::Rename && name.1.starts_with("from/");
        let moved = objects
            .iter()
            .any(|(other, there)| other.1.starts_with("to/") && there.bytes == before.bytes);
        must(original && !objects.contains_key(name) && moved, || {
            format!("{} was lost or overwritten", name.1)
        })?;
    }
    Ok(())
}

fn at_the_store(world: &World, receipts: &[Receipt]) -> Kept {
    let store = world.store.lock();
    let objects = &store.shelves.objects;
    let receipted: BTreeSet<Name> = receipts
        .iter()
        .filter_map(|receipt| match &receipt.to {
            End::Object { bucket, key } => Some((bucket.clone(), key.clone())),
            End::File(_) => None,
        })
        .collect();
    let platter = world.disk.lock();
    for (name, stored) in objects {
        if world.others().get(name) == Some(stored) || receipted.contains(name) {
            continue;
        }
        // Its answer was lost for good, or it was stopped meanwhile: whole all the same.
        let whole = match world.moves {
            Moves::Upload => platter
                .versions
                .values()
                .any(|versions| versions.contains(&stored.bytes.to_vec())),
            Moves::Download => false,
            Moves::Copy | Moves::Rename => {
                store
                    .shelves
                    .versions
                    .values()
                    .filter(|bytes| **bytes == stored.bytes)
                    .count()
                    > 0
            }
        };
        must(whole || world.weather.rot > 0.0, || {
            format!("{} is an object of nobody's", name.1)
        })?;
    }
    must(
        store.shelves.touched.iter().all(|name| {
            name.0 == BUCKET && (name.1.starts_with("to/") || world.moves != Moves::Upload)
        }),
        || format!("touched: {:?}", store.shelves.touched),
    )
}

fn files_of(receipts: &[Receipt]) -> BTreeSet<&Path> {
    receipts
        .iter()
        .filter_map(|receipt| match &receipt.to {
            End::File(path) => Some(path.as_path()),
            End::Object { .. } => None,
        })
        .collect()
}

fn nothing_of_the_users(world: &World, receipts: &[Receipt]) -> Kept {
    let platter = world.disk.lock();
    let receipted = files_of(receipts);
    let may_replace = world.choices.on_conflict == OnConflict::Overwrite;
    for (path, before) in &platter.users {
        let there = platter.at(path).map(|node| &node.bytes);
        must(
            there == Some(before)
                || may_replace
                    && (receipted.contains(path.as_path()) || is_an_object(world, path, &platter)),
            || format!("{} was overwritten or removed", path.display()),
        )?;
    }
    Ok(())
}

fn is_an_object(world: &World, path: &Path, platter: &Platter) -> bool {
    let store = world.store.lock();
    let bytes = platter.at(path).map(|node| &node.bytes[..]);
    let named = path.file_name().unwrap_or_default().to_string_lossy();
    !is_temporary(&named)
        && store
            .shelves
            .versions
            .values()
            .any(|v| Some(&v[..]) == bytes)
}

fn on_the_disk(world: &World, receipts: &[Receipt], planned_again: bool) -> Kept {
    let platter = world.disk.lock();
    let receipted = files_of(receipts);
    for path in platter.names.keys() {
        let known = platter.users.contains_key(path)
            || platter.versions.contains_key(path)
            || receipted.contains(path.as_path())
            || planned_again && is_an_object(world, path, &platter);
        must(known, || format!("{} was left behind", path.display()))?;
    }
    Ok(())
}

/// What the job shows agrees with itself and with its receipts.
pub fn check_job(world: &World, job: &Job, end: &JobSnapshot, receipts: &[Receipt]) -> Kept {
    must(receipts.len() as u64 == end.files_done, || {
        format!(
            "{} receipts for {} files that arrived",
            receipts.len(),
            end.files_done
        )
    })?;
    check_rows(world, job, end)?;
    if world.weather.is_mild() && world.events.is_empty() {
        must(end.state == JobState::Done, || {
            let failed = job.files(0..9, true);
            format!(
                "nothing was in its way, and it ended {:?}: {failed:?}",
                end.state
            )
        })?;
    }
    Ok(())
}

/// What the job shows agrees with itself.
pub fn check_rows(world: &World, job: &Job, end: &JobSnapshot) -> Kept {
    let rows = job.files(0..job.file_count(false), false);
    let count = |state| rows.iter().filter(|r| r.state == state).count() as u64;
    must(
        count(FileState::Done) == end.files_done
            && count(FileState::Failed) == end.files_failed
            && count(FileState::Skipped) == end.files_skipped,
        || format!("the counts are wrong: {end:?}"),
    )?;
    let under_way = |r: &FileRow| matches!(r.state, FileState::Waiting | FileState::Running);
    must(
        end.state == JobState::Paused || !rows.iter().any(under_way),
        || "it has ended, and files are still under way".to_owned(),
    )?;
    let moved: u64 = rows.iter().map(|r| r.bytes_done).sum();
    must(moved == end.bytes_done, || {
        format!("{moved} bytes in rows, {} in all", end.bytes_done)
    })?;
    for row in &rows {
        let replaced = !world.events.is_empty();
        let whole = row.bytes_done == row.bytes_total || replaced;
        must(row.state != FileState::Done || whole, || {
            format!("{} has arrived with bytes missing: {row:?}", row.name)
        })?;
        let lost = matches!(row.state, FileState::Failed | FileState::Cancelled);
        must(!lost || row.bytes_done == 0, || {
            format!("{} has not arrived and counts: {row:?}", row.name)
        })?;
    }
    let cancelled = |(_, _, event): &(_, _, Event)| *event == Event::Cancel;
    let stopped = end.problem.is_some() || world.events.iter().any(cancelled);
    must(count(FileState::Cancelled) == 0 || stopped, || {
        format!("files were cancelled that nobody cancelled: {end:?} {rows:?}")
    })
}
