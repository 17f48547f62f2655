//! Plans and files that could not be moved, for people.

use std::path::Path;

use wherry_transfer::{Blocked, FileError, PlanError};

use crate::contract::{Problem, Remedy};
use crate::problem::{About, from_store};

/// 1024-based with the units that file managers show.
pub(crate) fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB", "TiB"] {
        if amount < 1024.0 || unit == "TiB" {
            return if unit == "bytes" {
                format!("{bytes} bytes")
            } else {
                format!("{amount:.1} {unit}")
            };
        }
        amount /= 1024.0;
    }
    unreachable!("the last unit returns")
}

fn shown(path: &Path) -> String {
    crate::names::visible(&path.display().to_string())
}

/// The file's own name in the sentence; its whole path is in the context.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    crate::names::visible(&name.to_string_lossy())
}

pub fn from_plan_error(error: &PlanError, about: &About) -> Problem {
    match error {
        PlanError::Cancelled => {
            Problem::new("transfer.cancelled", "Cancelled.", "Nothing was changed.")
        }
        PlanError::Store(error) => from_store(error, about),
        PlanError::Folder { folder, reason } => Problem::new(
            "local.folder",
            format!("The folder “{}” cannot be used: {reason}.", name(folder)),
            "Choose another folder.",
        )
        .remedy(Remedy::ChooseFolder)
        .context("folder", shown(folder)),
        PlanError::Name { name, reason } => Problem::new(
            "browse.name",
            format!(
                "“{}” cannot be a name: {reason}.",
                crate::names::visible(name)
            ),
            "Choose another.",
        ),
    }
}

pub fn from_blocked(blocked: &Blocked) -> Problem {
    match blocked {
        Blocked::NotEnoughSpace {
            folder,
            needed,
            free,
        } => Problem::new(
            "local.disk-full",
            format!(
                "There is not enough room: {} are needed and {} are free.",
                size(*needed),
                size(*free)
            ),
            "Make room on that disk, or choose another folder.",
        )
        .remedy(Remedy::ChooseFolder)
        .context("folder", shown(folder)),
        Blocked::NotWritable { folder, reason } => Problem::new(
            "local.read-only",
            format!("Nothing can be saved in “{}”: {reason}.", name(folder)),
            "Choose a folder you may write to.",
        )
        .remedy(Remedy::ChooseFolder)
        .context("folder", shown(folder)),
    }
}

pub fn from_file_error(error: &FileError, about: &About) -> Problem {
    match error {
        FileError::Store(error) => from_store(error, about),
        FileError::Vanished { path } => Problem::new(
            "local.vanished",
            format!("“{}” is no longer there.", name(path)),
            "It was moved or deleted after you chose it. Nothing of it was uploaded.",
        )
        .context("file", shown(path)),
        FileError::Unreadable { path, reason } => Problem::new(
            "local.unreadable",
            format!("“{}” cannot be read: {reason}.", name(path)),
            "Make sure you may read it, and try again.",
        )
        .retryable()
        .context("file", shown(path)),
        FileError::ChangedHere { path } => Problem::new(
            "local.changed",
            format!("“{}” was changed while it was being uploaded.", name(path)),
            "Nothing half-old and half-new was kept. Try again once no program writes to it.",
        )
        .retryable()
        .context("file", shown(path)),
        FileError::ChangedThere { key } => Problem::new(
            "store.changed",
            format!("“{}” was replaced in the store meanwhile.", crate::names::visible(key)),
            "Nothing half-old and half-new was kept. Try again to get it as it is now.",
        )
        .retryable(),
        FileError::Mismatch { name, expected, found } => Problem::new(
            "transfer.mismatch",
            format!("“{}” did not arrive intact.", crate::names::visible(name)),
            "The damaged copy was not kept. Try again; if it happens often, something on the way changes data.",
        )
        .retryable()
        .context("expected", expected)
        .context("found", found),
        FileError::DiskFull { folder } => Problem::new(
            "local.disk-full",
            "The disk is full.",
            "Make room and try again, or choose another folder. The files that have arrived are complete.",
        )
        .retryable()
        .context("folder", shown(folder)),
        FileError::NotWritable { path, reason } => Problem::new(
            "local.read-only",
            format!("“{}” cannot be saved: {reason}.", name(path)),
            "Make sure you may write to that folder, and try again.",
        )
        .retryable()
        .context("file", shown(path)),
        FileError::InTheWay { path } => Problem::new(
            "local.in-the-way",
            format!("“{}” appeared after the plan was made, and was left alone.", name(path)),
            "Start it again to be asked what to do with it.",
        )
        .context("file", shown(path)),
        FileError::Detour { path } => Problem::new(
            "local.detour",
            format!("“{}” is a link or a file where a folder should be, and was not followed.", name(path)),
            "Move it away, or choose another folder.",
        )
        .context("file", shown(path)),
        FileError::TooLarge { size: bytes, limit } => Problem::new(
            "store.too-large",
            format!("The file has {}, and this store takes at most {} in one object.", size(*bytes), size(*limit)),
            "Split it into smaller files, for instance one archive a year.",
        ),
        FileError::Differs { name, expected, found } => Problem::new(
            "verify.differs",
            format!("“{}” is not what its receipt says.", crate::names::visible(name)),
            "Somebody has changed or replaced it, or it was damaged. If the other side is still right, transfer it again.",
        )
        .context("expected", expected)
        .context("found", found),
        FileError::Unproven { name } => Problem::new(
            "verify.unproven",
            format!("“{}” has the right size, but its receipt knows no hash of it.", crate::names::visible(name)),
            "Compare it with its original by reading both.",
        ),
        FileError::LeftAlone { name } => Problem::new(
            "transfer.left-alone",
            format!("“{}” was changed meanwhile, and was left alone.", crate::names::visible(name)),
            "Delete it yourself if it is not wanted.",
        ),
    }
}
