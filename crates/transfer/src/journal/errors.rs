//! Errors of files, written down so that they can still be explained in the next session.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wherry_store::{ErrorKind, StoreError};

use super::paths::PathText;
use crate::error::FileError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
enum Written {
    Store {
        kind: String,
        doing: String,
        message: String,
        status: Option<u16>,
        code: Option<String>,
        request_id: Option<String>,
        redirect: Option<String>,
        clock_offset: Option<i64>,
    },
    Vanished {
        path: PathText,
    },
    Unreadable {
        path: PathText,
        reason: String,
    },
    ChangedHere {
        path: PathText,
    },
    ChangedThere {
        key: String,
    },
    Mismatch {
        name: String,
        expected: String,
        found: String,
    },
    DiskFull {
        folder: PathText,
    },
    NotWritable {
        path: PathText,
        reason: String,
    },
    InTheWay {
        path: PathText,
    },
    Detour {
        path: PathText,
    },
    TooLarge {
        size: u64,
        limit: u64,
    },
    LeftAlone {
        name: String,
    },
}

pub fn write(error: &FileError) -> String {
    let text = |path: &PathBuf| PathText::from(path.clone());
    let written = match error {
        FileError::Store(e) => Written::Store {
            kind: format!("{:?}", e.kind),
            doing: e.doing.to_owned(),
            message: e.message.clone(),
            status: e.status,
            code: e.code.clone(),
            request_id: e.request_id.clone(),
            redirect: e.redirect.clone(),
            clock_offset: e.clock_offset,
        },
        FileError::Vanished { path } => Written::Vanished { path: text(path) },
        FileError::Unreadable { path, reason } => Written::Unreadable {
            path: text(path),
            reason: reason.to_string(),
        },
        FileError::ChangedHere { path } => Written::ChangedHere { path: text(path) },
        FileError::ChangedThere { key } => Written::ChangedThere { key: key.clone() },
        FileError::Mismatch {
            name,
            expected,
            found,
        } => Written::Mismatch {
            name: name.clone(),
            expected: expected.clone(),
            found: found.clone(),
        },
        FileError::DiskFull { folder } => Written::DiskFull {
            folder: text(folder),
        },
        FileError::NotWritable { path, reason } => Written::NotWritable {
            path: text(path),
            reason: reason.to_string(),
        },
        FileError::InTheWay { path } => Written::InTheWay { path: text(path) },
        FileError::Detour { path } => Written::Detour { path: text(path) },
        FileError::TooLarge { size, limit } => Written::TooLarge {
            size: *size,
            limit: *limit,
        },
        // Of jobs that are not written down.
        FileError::Differs { name, .. } | FileError::Unproven { name } => {
            Written::ChangedThere { key: name.clone() }
        }
        FileError::LeftAlone { name } => Written::LeftAlone { name: name.clone() },
    };
    serde_json::to_string(&written).unwrap_or_default()
}

/// `None` for what another version wrote and this one does not know.
pub fn read(text: &str) -> Option<FileError> {
    let reason = |words: String| Arc::new(io::Error::other(words));
    Some(match serde_json::from_str(text).ok()? {
        Written::Store {
            kind,
            doing,
            message,
            status,
            code,
            request_id,
            redirect,
            clock_offset,
        } => FileError::Store(StoreError {
            kind: kind_named(&kind),
            doing: doing_named(&doing),
            message,
            status,
            code,
            request_id,
            redirect,
            clock_offset,
        }),
        Written::Vanished { path } => FileError::Vanished { path: path.into() },
        Written::Unreadable {
            path,
            reason: words,
        } => FileError::Unreadable {
            path: path.into(),
            reason: reason(words),
        },
        Written::ChangedHere { path } => FileError::ChangedHere { path: path.into() },
        Written::ChangedThere { key } => FileError::ChangedThere { key },
        Written::Mismatch {
            name,
            expected,
            found,
        } => FileError::Mismatch {
            name,
            expected,
            found,
        },
        Written::DiskFull { folder } => FileError::DiskFull {
            folder: folder.into(),
        },
        Written::NotWritable {
            path,
            reason: words,
        } => FileError::NotWritable {
            path: path.into(),
            reason: reason(words),
        },
        Written::InTheWay { path } => FileError::InTheWay { path: path.into() },
        Written::Detour { path } => FileError::Detour { path: path.into() },
        Written::TooLarge { size, limit } => FileError::TooLarge { size, limit },
        Written::LeftAlone { name } => FileError::LeftAlone { name },
    })
}

fn kind_named(name: &str) -> ErrorKind {
    let named = |kind: &ErrorKind| format!("{kind:?}") == name;
    ErrorKind::ALL
        .into_iter()
        .find(named)
        .unwrap_or(ErrorKind::Other)
}

/// What was being done is a word of the program's; these are the ones of transfers.
fn doing_named(words: &str) -> &'static str {
    const DOING: [&str; 12] = [
        "upload the object",
        "download the object",
        "copy the object",
        "delete the object",
        "delete the objects",
        "delete the original",
        "begin the upload",
        "upload a part",
        "complete the upload",
        "abort the upload",
        "look at the object",
        "list the objects",
    ];
    DOING
        .into_iter()
        .find(|known| *known == words)
        .unwrap_or("transfer the object")
}
