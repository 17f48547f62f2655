//! Plans as rows, and rows as plans again.
//!
//! What all rows share is in the spec; a row has the rest. A job that goes on does what its plan
//! said when it was confirmed, and looks at nothing anew.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::jobs::Kind;
use super::paths::PathText;
use crate::error::FileError;
use crate::plan::{
    CopyItem, CopyPlan, Decided, DeletePlan, DownloadItem, DownloadPlan, EraseItem, ErasePlan,
    Removals, Seen, UploadItem, UploadPlan, UploadRoot,
};
use crate::receipt::End;
use crate::run::FileState;
use crate::run::disk::temporary_name;

/// A row is a folder and not a file.
pub const FOLDER: u8 = 1;
/// What is at its destination may be replaced.
pub const OVERWRITE: u8 = 2;

/// A row of a sync that deletes what it names, once all the others have arrived.
pub const REMOVAL: u8 = 4;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "work")]
pub enum Spec {
    Upload {
        bucket: String,
        prefix: String,
        roots: Vec<(PathText, String)>,
        overwrite_any: bool,
    },
    Download {
        bucket: String,
        /// What the keys of most rows have before their names.
        prefix: String,
        folder: PathText,
        overwrite_any: bool,
    },
    Copy {
        from_bucket: String,
        to_bucket: String,
        remove_originals: bool,
        overwrite_any: bool,
    },
    Delete {
        bucket: String,
    },
}

/// A file as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What lists show.
    pub name: String,
    /// The other end, where the name and the spec do not say it.
    pub other: Option<String>,
    pub root: u32,
    pub size: u64,
    pub modified: Option<i64>,
    pub etag: Option<String>,
    pub flags: u8,
    pub state: FileState,
}

/// A job as it was when it was last written.
pub struct Restored {
    pub work: RestoredWork,
    /// What goes after that.
    pub removals: Removals,
    pub states: RowStates,
}

/// Of the rows that are not waiting. There may be a million, and few have an error.
pub type RowStates = Vec<(u32, FileState, Option<Box<FileError>>)>;

pub enum RestoredWork {
    Upload(UploadPlan, Decided),
    Download(DownloadPlan, Decided),
    Copy(CopyPlan, Decided),
    Delete(DeletePlan),
}

fn state_of(
    row: u32,
    decided: &Decided,
    skipped: &std::collections::HashSet<u32>,
) -> (u8, FileState) {
    let flags = if decided.overwrite.contains(&row) {
        OVERWRITE
    } else {
        0
    };
    let state = if skipped.contains(&row) {
        FileState::Skipped
    } else {
        FileState::Waiting
    };
    (flags, state)
}

/// A plan that is about to be written down.
pub struct Planned<'a> {
    pub kind: Kind,
    pub spec: Spec,
    pub rows: Box<dyn Iterator<Item = Row> + Send + 'a>,
    pub files: u64,
    pub bytes: u64,
}

pub fn upload<'a>(plan: &'a UploadPlan, decided: &'a Decided) -> Planned<'a> {
    let skipped: std::collections::HashSet<u32> = decided.skip.iter().copied().collect();
    let roots = plan
        .roots
        .iter()
        .map(|root| (root.path.clone().into(), root.key.clone()))
        .collect();
    let rows = plan.items.iter().zip(0u32..).map(move |(item, row)| {
        let (flags, state) = state_of(row, decided, &skipped);
        let name = plan.name(row);
        let tail = root_tail(&plan.roots, item.root, &plan.prefix);
        let as_path = name.strip_prefix(tail) == Some(&*item.relative);
        Row {
            other: (!as_path).then(|| item.relative.to_string()),
            name,
            root: item.root,
            size: item.size,
            modified: Some(item.modified),
            etag: None,
            flags: flags | if item.folder { FOLDER } else { 0 },
            state,
        }
    });
    Planned {
        kind: Kind::Upload,
        spec: Spec::Upload {
            bucket: plan.bucket.clone(),
            prefix: plan.prefix.clone(),
            roots,
            overwrite_any: decided.overwrite_any,
        },
        rows: Box::new(rows),
        files: plan.items.len() as u64,
        bytes: plan.items.iter().map(|i| i.size).sum(),
    }
}

impl<'a> Planned<'a> {
    /// With what goes after that.
    pub fn then(self, removals: &'a Removals) -> Self {
        let removed: Box<dyn Iterator<Item = Row> + Send + 'a> = match removals {
            Removals::None => return self,
            Removals::Objects(plan) => Box::new(deleted(plan)),
            Removals::Files(plan) => Box::new(plan.items.iter().map(|item| Row {
                size: item.size,
                modified: item.modified,
                ..Row::named(&item.path)
            })),
        };
        let removed = removed.map(|row| Row {
            flags: REMOVAL,
            ..row
        });
        Self {
            rows: Box::new(self.rows.chain(removed)),
            files: self.files + removals.len() as u64,
            ..self
        }
    }
}

/// What a root's key has after the plan's prefix.
fn root_tail<'a>(roots: &'a [UploadRoot], root: u32, prefix: &str) -> &'a str {
    let key = roots.get(root as usize).map_or("", |root| &root.key);
    key.strip_prefix(prefix).unwrap_or(key)
}

pub fn download<'a>(plan: &'a DownloadPlan, decided: &'a Decided) -> Planned<'a> {
    let skipped: std::collections::HashSet<u32> = decided.skip.iter().copied().collect();
    let prefix = plan
        .items
        .first()
        .and_then(|item| item.key.strip_suffix(&*item.path))
        .unwrap_or_default()
        .to_owned();
    let before = prefix.clone();
    let files = plan.items.iter().zip(0u32..).map(move |(item, row)| {
        let (flags, state) = state_of(row, decided, &skipped);
        let derived = item.key.strip_prefix(&*before) == Some(&*item.path);
        Row {
            name: item.path.to_string(),
            other: (!derived).then(|| item.key.to_string()),
            root: 0,
            size: item.size,
            modified: item.modified,
            etag: item.etag.as_deref().map(str::to_owned),
            flags,
            state,
        }
    });
    let folders = plan.folders.iter().map(|folder| Row {
        name: folder.clone(),
        other: None,
        root: 0,
        size: 0,
        modified: None,
        etag: None,
        flags: FOLDER,
        state: FileState::Waiting,
    });
    Planned {
        kind: Kind::Download,
        spec: Spec::Download {
            bucket: plan.bucket.clone(),
            prefix,
            folder: plan.folder.clone().into(),
            overwrite_any: decided.overwrite_any,
        },
        rows: Box::new(files.chain(folders)),
        files: (plan.items.len() + plan.folders.len()) as u64,
        bytes: plan.items.iter().map(|i| i.size).sum(),
    }
}

pub fn copy<'a>(plan: &'a CopyPlan, decided: &'a Decided) -> Planned<'a> {
    let skipped: std::collections::HashSet<u32> = decided.skip.iter().copied().collect();
    let rows = plan.items.iter().zip(0u32..).map(move |(item, row)| {
        let (flags, state) = state_of(row, decided, &skipped);
        Row {
            name: item.from.to_string(),
            other: Some(item.to.to_string()),
            root: 0,
            size: item.size,
            modified: None,
            etag: item.etag.as_deref().map(str::to_owned),
            flags,
            state,
        }
    });
    Planned {
        kind: Kind::Copy,
        spec: Spec::Copy {
            from_bucket: plan.from_bucket.clone(),
            to_bucket: plan.to_bucket.clone(),
            remove_originals: plan.remove_originals,
            overwrite_any: decided.overwrite_any,
        },
        rows: Box::new(rows),
        files: plan.items.len() as u64,
        bytes: plan.items.iter().map(|i| i.size).sum(),
    }
}

impl Row {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            other: None,
            root: 0,
            size: 0,
            modified: None,
            etag: None,
            flags: 0,
            state: FileState::Waiting,
        }
    }
}

/// What was seen of an object takes the place of its ETag.
fn deleted(plan: &DeletePlan) -> impl Iterator<Item = Row> + Send {
    plan.keys.iter().enumerate().map(|(at, key)| Row {
        etag: plan.seen.get(at).copied().flatten().map(Seen::text),
        ..Row::named(key)
    })
}

pub fn delete(plan: &DeletePlan) -> Planned<'_> {
    let rows = deleted(plan);
    Planned {
        kind: Kind::Delete,
        spec: Spec::Delete {
            bucket: plan.bucket.clone(),
        },
        rows: Box::new(rows),
        files: plan.keys.len() as u64,
        bytes: 0,
    }
}

impl Spec {
    /// Where a row comes from and where it goes. Nowhere, for one that is deleted.
    pub fn ends(&self, row: &Row) -> (End, Option<End>) {
        let object = |bucket: &str, key: String| End::Object {
            bucket: bucket.to_owned(),
            key,
        };
        if row.flags & REMOVAL != 0 {
            let gone = match self {
                Self::Upload { bucket, .. } | Self::Delete { bucket } => {
                    object(bucket, row.name.clone())
                }
                Self::Copy { to_bucket, .. } => object(to_bucket, row.name.clone()),
                Self::Download { folder, .. } => {
                    let folder: PathBuf = folder.clone().into();
                    End::File(folder.join(crate::names::native(&row.name)))
                }
            };
            return (gone, None);
        }
        match self {
            Self::Upload {
                bucket,
                prefix,
                roots,
                ..
            } => {
                let root = roots.get(row.root as usize);
                let relative = row.other.as_deref().unwrap_or_else(|| {
                    let key = root.map_or("", |(_, key)| key);
                    let tail = key.strip_prefix(&**prefix).unwrap_or(key);
                    row.name.strip_prefix(tail).unwrap_or(&row.name)
                });
                let path = root.map_or_else(PathBuf::new, |(path, _)| path.clone().into());
                let path = if relative.is_empty() {
                    path
                } else {
                    path.join(crate::names::native(relative))
                };
                let to = object(bucket, format!("{prefix}{}", row.name));
                (End::File(path), Some(to))
            }
            Self::Download {
                bucket,
                prefix,
                folder,
                ..
            } => {
                let key = match &row.other {
                    Some(key) => key.clone(),
                    None => format!("{prefix}{}", row.name),
                };
                let folder: PathBuf = folder.clone().into();
                let path = folder.join(crate::names::native(&row.name));
                (object(bucket, key), Some(End::File(path)))
            }
            Self::Copy {
                from_bucket,
                to_bucket,
                ..
            } => {
                let to = row.other.clone().unwrap_or_default();
                (
                    object(from_bucket, row.name.clone()),
                    Some(object(to_bucket, to)),
                )
            }
            Self::Delete { bucket } => (object(bucket, row.name.clone()), None),
        }
    }

    /// The folder that a download writes into.
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Download { folder, .. } => Some(folder.clone().into()),
            _ => None,
        }
    }

    /// The plan again, as it was decided, and what goes after it.
    pub fn restore(self, mut rows: Vec<Row>) -> (RestoredWork, Removals) {
        // They come last.
        let moved = rows.partition_point(|row| row.flags & REMOVAL == 0);
        let removals = self.removals(rows.split_off(moved));
        (self.restore_moves(rows), removals)
    }

    fn removals(&self, rows: Vec<Row>) -> Removals {
        if rows.is_empty() {
            return Removals::None;
        }
        match self {
            Self::Upload { bucket, .. }
            | Self::Delete { bucket }
            | Self::Copy {
                to_bucket: bucket, ..
            } => Removals::Objects(delete_plan(bucket.clone(), rows)),
            Self::Download { folder, .. } => Removals::Files(ErasePlan {
                folder: folder.clone().into(),
                bytes: rows.iter().map(|row| row.size).sum(),
                items: rows
                    .into_iter()
                    .map(|row| EraseItem {
                        path: row.name.into_boxed_str(),
                        size: row.size,
                        modified: row.modified,
                    })
                    .collect(),
            }),
        }
    }

    fn restore_moves(self, rows: Vec<Row>) -> RestoredWork {
        let mut decided = Decided::default();
        for (row, at) in rows.iter().zip(0u32..) {
            if row.flags & OVERWRITE != 0 {
                decided.overwrite.insert(at);
            }
            if row.state == FileState::Skipped {
                decided.skip.push(at);
            }
        }
        let bytes = rows.iter().map(|row| row.size).sum();
        match self {
            Self::Upload {
                bucket,
                prefix,
                roots,
                overwrite_any,
            } => {
                decided.overwrite_any = overwrite_any;
                let roots: Vec<UploadRoot> = roots
                    .into_iter()
                    .map(|(path, key)| UploadRoot {
                        path: path.into(),
                        key,
                    })
                    .collect();
                let mut plan = UploadPlan::restored(bucket, prefix, roots, bytes);
                for (row, at) in rows.into_iter().zip(0u32..) {
                    let tail = root_tail(&plan.roots, row.root, &plan.prefix);
                    let relative = match row.other {
                        Some(relative) => {
                            let key = format!("{}{}", plan.prefix, row.name);
                            plan.other_keys.insert(at, key);
                            relative
                        }
                        None => row.name.strip_prefix(tail).unwrap_or(&row.name).to_owned(),
                    };
                    plan.items.push(UploadItem {
                        relative: relative.into_boxed_str(),
                        size: row.size,
                        modified: row.modified.unwrap_or_default(),
                        root: row.root,
                        folder: row.flags & FOLDER != 0,
                    });
                }
                RestoredWork::Upload(plan, decided)
            }
            Self::Download {
                bucket,
                prefix,
                folder,
                overwrite_any,
            } => {
                decided.overwrite_any = overwrite_any;
                let mut plan = DownloadPlan::restored(bucket, folder.into(), bytes);
                for row in rows {
                    if row.flags & FOLDER != 0 {
                        plan.folders.push(row.name);
                        continue;
                    }
                    let key = row.other.unwrap_or_else(|| format!("{prefix}{}", row.name));
                    plan.items.push(DownloadItem {
                        key: key.into_boxed_str(),
                        path: row.name.into_boxed_str(),
                        size: row.size,
                        modified: row.modified,
                        etag: row.etag.map(String::into_boxed_str),
                    });
                }
                RestoredWork::Download(plan, decided)
            }
            Self::Copy {
                from_bucket,
                to_bucket,
                remove_originals,
                overwrite_any,
            } => {
                decided.overwrite_any = overwrite_any;
                let mut plan = CopyPlan::restored(from_bucket, to_bucket, remove_originals, bytes);
                for row in rows {
                    plan.items.push(CopyItem {
                        from: row.name.into_boxed_str(),
                        to: row.other.unwrap_or_default().into_boxed_str(),
                        size: row.size,
                        etag: row.etag.map(String::into_boxed_str),
                    });
                }
                RestoredWork::Copy(plan, decided)
            }
            Self::Delete { bucket } => RestoredWork::Delete(delete_plan(bucket, rows)),
        }
    }
}

fn delete_plan(bucket: String, rows: Vec<Row>) -> DeletePlan {
    let seen = |row: &Row| row.etag.as_deref().and_then(Seen::read);
    DeletePlan {
        bucket,
        seen: rows.iter().map(seen).collect(),
        keys: rows.into_iter().map(|r| r.name.into_boxed_str()).collect(),
        ..DeletePlan::default()
    }
}

/// The name of a download's draft: made of the job and the row, it is known before it is made
/// without being written down one by one.
pub fn draft_name(job: &str, row: u32) -> String {
    let mut bytes = uuid::Uuid::try_parse(job).unwrap_or_default().into_bytes();
    bytes[12..].copy_from_slice(&row.to_be_bytes());
    temporary_name(bytes)
}
