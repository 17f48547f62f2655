//! What must be true after every run, whatever happened in it.

use std::collections::BTreeSet;
use std::path::Path;

use wherry_transfer::run::disk::is_temporary;
use wherry_transfer::*;

use crate::platter::Platter;
use crate::shelves::{Deleted, Name, hex, md5_of};
use crate::world::{BUCKET, Moves, World};

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
        if world.tampered().contains(&(&receipt.to).into()) {
            continue;
        }
        arrived(world, receipt).map_err(|e| format!("{e}\n  of {receipt:?}"))?;
    }
    originals(world)?;
    deletions(world)?;
    nothing_of_others(world)?;
    nothing_of_the_users(world, receipts)
}

fn arrived(world: &World, receipt: &Receipt) -> Kept {
    match (&receipt.from, &receipt.to) {
        (End::File(path), End::Object { bucket, key }) => {
            uploaded(world, receipt, path, &(bucket.clone(), key.clone()))
        }
        (End::Object { bucket, key }, End::File(path)) => {
            downloaded(world, receipt, &(bucket.clone(), key.clone()), path)
        }
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

/// What the receipt says of the bytes is true of those that are there.
fn describes(receipt: &Receipt, bytes: &[u8], passed_here: bool) -> Kept {
    must(receipt.size == bytes.len() as u64, || {
        format!("the receipt's size is not what is there: {}", bytes.len())
    })?;
    let md5 = hex(&md5_of(bytes));
    must(receipt.md5.as_ref().is_none_or(|said| *said == md5), || {
        format!("the receipt's MD5 is not that of what is there: {md5}")
    })?;
    must(receipt.crc.is_some() || !passed_here, || {
        "the receipt has no CRC of the whole".to_owned()
    })?;
    let crc = Crc::of(bytes);
    must(receipt.crc.is_none_or(|said| said == crc), || {
        format!("the receipt's CRC is not that of what is there: {crc:?}")
    })
}

fn etag_of_what_was_there(world: &World, receipt: &Receipt, bytes: &[u8]) -> Kept {
    let store = world.store.lock();
    must(
        // An attempt that arrives when all is done, and rots only then, is nobody's fault.
        world.weather.rot > 0.0 && world.weather.late > 0.0
            || receipt.etag.as_ref().is_none_or(|etag| {
                // The same bytes once more, sent before and arriving after, may have an ETag of their own.
                let version = store.shelves.versions.get(etag);
                version.is_some_and(|version| version[..] == *bytes)
            }),
        || "the receipt's ETag is not the object's".to_owned(),
    )
}

fn uploaded(world: &World, receipt: &Receipt, path: &Path, to: &Name) -> Kept {
    let stored = world
        .object(to)
        .ok_or("a receipt for an object that is not there")?;
    etag_of_what_was_there(world, receipt, &stored.bytes)?;
    // A store that damages what it has checked, and whose ETags say nothing, cannot be found out.
    let late = world.weather.late > 0.0;
    if (receipt.proof != Proof::Etag || late) && world.weather.rot > 0.0 {
        return must(receipt.size == stored.bytes.len() as u64, || {
            "the receipt's size is not the object's".to_owned()
        });
    }
    let platter = world.disk.lock();
    let versions = platter
        .versions
        .get(path)
        .ok_or("a receipt for no source")?;
    must(versions.contains(&stored.bytes.to_vec()), || {
        "the object is no version of the file".to_owned()
    })?;
    describes(receipt, &stored.bytes, true)
}

fn downloaded(world: &World, receipt: &Receipt, from: &Name, path: &Path) -> Kept {
    let platter = world.disk.lock();
    let file = platter
        .at(path)
        .ok_or("a receipt for a file that is not there")?;
    let etag = receipt.etag.as_deref().unwrap_or_default();
    let store = world.source.lock();
    let object = store
        .shelves
        .versions
        .get(etag)
        .ok_or("a receipt for an object that never was")?;
    must(
        store.shelves.contents_of(from).any(|bytes| bytes == object),
        || "a receipt for another object".to_owned(),
    )?;
    must(file.bytes.len() == object.len(), || {
        format!("the file has {} bytes", file.bytes.len())
    })?;
    let telling = receipt.proof != Proof::Size || world.weather.turned == 0.0;
    must(!telling || file.bytes == object[..], || {
        "the file is not the object".to_owned()
    })?;
    describes(receipt, &file.bytes, true)
}

fn copied(world: &World, receipt: &Receipt, from: &Name, to: &Name) -> Kept {
    let there = world
        .object(to)
        .ok_or("a receipt for a copy that is not there")?;
    let source = world.source.lock();
    let same = source
        .shelves
        .contents_of(from)
        .any(|bytes| *bytes == there.bytes);
    drop(source);
    let unproved = receipt.proof != Proof::Etag && may_be_copied_wrong(world);
    must(same || may_be_damaged(world) || unproved, || {
        "the copy is not the original".to_owned()
    })?;
    if same {
        describes(receipt, &there.bytes, false)?;
    }
    etag_of_what_was_there(world, receipt, &there.bytes)?;
    let original = world.object(from);
    must(
        world.moves.removes_originals() == original.is_none() || !world.events.is_empty(),
        || format!("the original is there: {}", original.is_some()),
    )
}

/// Bits that turn before a store computes its ETag, or on the way from one whose ETags are no hashes
/// of the whole, are found out by nobody.
fn may_be_damaged(world: &World) -> bool {
    let weather = &world.weather;
    let bodies = world.moves.reads_disk() || world.has_two_stores();
    bodies && weather.rot > 0.0 || world.has_two_stores() && weather.turned > 0.0
}

/// Parts that a store copies by itself are proved by ETags, or not at all.
fn may_be_copied_wrong(world: &World) -> bool {
    !world.has_two_stores() && world.weather.rot > 0.0
}

/// What a sync deletes goes when everything has arrived that its plan moves.
fn deletions(world: &World) -> Kept {
    if !world.moves.syncs() {
        return Ok(());
    }
    let seen = world.seen();
    let store = world.store.lock();
    for gone in &store.shelves.deleted {
        let end = crate::world::End::Object(gone.name.clone());
        if !seen.may_go(&end, &gone.bytes) {
            continue;
        }
        let mut moves = seen.moves_at(gone.at).iter();
        let missing = moves.find(|end| match end {
            crate::world::End::Object(name) => {
                let there = store.shelves.content_at(name, gone.at).is_some();
                !there && !world.was_tampered(end)
            }
            crate::world::End::File(_) => true,
        });
        must(missing.is_none() || gone.name.1.starts_with("from"), || {
            format!("{} was deleted before {missing:?} had arrived", gone.name.1)
        })?;
    }
    drop(store);
    for gone in &world.disk.lock().erased {
        let end = crate::world::End::File(gone.path.clone());
        must(seen.may_go(&end, &gone.bytes), || {
            format!("{end:?} was deleted, and is not what the plan saw")
        })?;
        let mut moves = seen.moves_at(gone.at).iter();
        let missing = moves.find(|end| match end {
            crate::world::End::File(path) => {
                !gone.present.contains(path) && !world.was_tampered(end)
            }
            crate::world::End::Object(_) => true,
        });
        must(missing.is_none(), || {
            format!("{end:?} was deleted before {missing:?} had arrived")
        })?;
    }
    Ok(())
}

/// An original goes only when its copy is there.
fn originals(world: &World) -> Kept {
    let source = world.source.lock();
    let deleted: Vec<(u64, Name, bytes::Bytes)> = source
        .shelves
        .deleted
        .iter()
        .filter(|Deleted { name, .. }| name.1.starts_with("from"))
        .map(|d| (d.at, d.name.clone(), d.bytes.clone()))
        .collect();
    drop(source);
    let store = world.store.lock();
    for (at, name, bytes) in deleted {
        must(world.moves.removes_originals(), || {
            format!("{} was deleted", name.1)
        })?;
        let copies = store.shelves.history.keys();
        let mut copies = copies.filter(|name| name.1.starts_with("to/"));
        let proved = copies.any(|copy| store.shelves.content_at(copy, at) == Some(&bytes));
        must(
            proved || may_be_damaged(world) || may_be_copied_wrong(world),
            || format!("{} was deleted before it had arrived", name.1),
        )?;
    }
    Ok(())
}

fn nothing_of_others(world: &World) -> Kept {
    let may_replace = may_replace(world);
    for (name, before) in world.others().iter() {
        let there = world.object(name);
        if there.as_ref() == Some(before) {
            continue;
        }
        if may_replace && name.1.starts_with("to/") {
            continue;
        }
        let seen = world.seen();
        if seen.may_go(&crate::world::End::Object(name.clone()), &before.bytes) {
            continue;
        }
        let store = world.store_of(name).lock();
        let mut deleted = store.shelves.deleted.iter();
        // Of which was found out before that it was proved.
        let moved = world.moves.removes_originals()
            && there.is_none()
            && name.1.starts_with("from/")
            && deleted.any(|gone| gone.name == *name && gone.bytes == before.bytes);
        must(moved, || format!("{} was lost or overwritten", name.1))?;
    }
    Ok(())
}

fn at_the_store(world: &World, receipts: &[Receipt]) -> Kept {
    let receipted: BTreeSet<Name> = receipts
        .iter()
        .filter_map(|receipt| match &receipt.to {
            End::Object { bucket, key } => Some((bucket.clone(), key.clone())),
            End::File(_) => None,
        })
        .collect();
    let objects = world.store.lock().shelves.objects.clone();
    let platter = world.disk.lock();
    for (name, stored) in objects {
        if world.others().get(&name) == Some(&stored) || receipted.contains(&name) {
            continue;
        }
        // Its answer was lost for good, or it was stopped meanwhile: whole all the same.
        let whole = match world.moves {
            Moves::Upload | Moves::SyncUp => platter
                .versions
                .values()
                .any(|versions| versions.contains(&stored.bytes.to_vec())),
            Moves::Download | Moves::SyncDown => false,
            _ => {
                let source = world.source.lock();
                let mut ever = source.shelves.history.iter();
                ever.any(|(from, contents)| {
                    let mut contents = contents.iter();
                    from.1.starts_with("from/")
                        && contents.any(|(_, bytes)| bytes.as_ref() == Some(&stored.bytes))
                })
            }
        };
        must(
            whole || may_be_damaged(world) || may_be_copied_wrong(world),
            || format!("{} is an object of nobody's", name.1),
        )?;
    }
    let allowed = |name: &Name| {
        name.0 == BUCKET && name.1.starts_with("to/")
            || world.moves.removes_originals() && name.1.starts_with("from/")
    };
    for store in world.stores() {
        let touched = &store.lock().shelves.touched;
        must(touched.iter().all(allowed), || {
            format!("touched: {touched:?}")
        })?;
    }
    Ok(())
}

/// A sync replaces what its plan saw, and nothing else.
fn may_replace(world: &World) -> bool {
    world.choices.on_conflict == OnConflict::Overwrite && !world.moves.syncs()
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
    let may_replace = may_replace(world);
    let seen = world.seen();
    for (path, before) in &platter.users {
        if seen.may_go(&crate::world::End::File(path.clone()), before) {
            continue;
        }
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
    let store = world.source.lock();
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
            // Whole, unless bits turned that nobody could tell.
            || (planned_again || world.was_cancelled())
                && (is_an_object(world, path, &platter) || world.weather.turned > 0.0)
            // Of what came twice for one name and cannot be proved, the first stays.
            || world.weather.turned > 0.0 && !is_temporary(&name_of(path));
        must(known, || format!("{} was left behind", path.display()))?;
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// What the job shows agrees with itself and with its receipts.
pub fn check_job(world: &World, job: &Job, end: &JobSnapshot, receipts: &[Receipt]) -> Kept {
    must(
        receipts.len() as u64 + end.deleted == end.files_done,
        || {
            format!(
                "{} receipts for {} files that arrived",
                receipts.len(),
                end.files_done
            )
        },
    )?;
    check_rows(world, job, end)?;
    // A store's own copying in parts whose end is asked for twice does not know any more that it was.
    let told_twice = world.moves.copies() && world.weather.twice > 0.0;
    // A part that arrives once more and late has another ETag by then, where ETags are no hashes.
    let ways = world.store.lock().shelves.ways;
    let opaque = ways.opaque || ways.opaque_parts;
    let told_twice = told_twice || opaque && world.weather.late > 0.0;
    if world.weather.is_mild() && world.events.is_empty() && !told_twice {
        let failed = job.files(0..9, true);
        let left = |row: &FileRow| matches!(row.error, Some(FileError::LeftAlone { .. }));
        let left_alone = world.moves.syncs() && failed.iter().all(left);
        must(end.state == JobState::Done || left_alone, || {
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
    let stopped = end.problem.is_some() || world.was_cancelled();
    let mut cancelled = rows.iter().filter(|r| r.state == FileState::Cancelled);
    // What a sync deletes, when not all has arrived.
    let seen = world.seen();
    let not_begun = |row: &FileRow| seen.is_deletion(&row.name);
    must(stopped || cancelled.all(not_begun), || {
        format!("files were cancelled that nobody cancelled: {end:?} {rows:?}")
    })
}
