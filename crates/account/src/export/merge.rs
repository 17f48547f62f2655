//! Putting an account into a tool's own file: said first, then done.
//!
//! Everything else in the file stays byte for byte as it is, the file before the change is kept
//! beside it, and what cannot be understood is not touched. Each step reads the files anew, so that
//! what was said and what is done differ only if somebody changed them in between, and an entry
//! that is there is never replaced without having been told to.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Body, ExportError, Facts, KeyText, Part, Place, Setting, Surroundings, Tool};
use super::{json_splice, write};
use crate::account::Account;
use crate::export::Key;
use crate::ini::{Dialect, Ini, Malformed, Section};

/// What would happen to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedChange {
    /// As the tool names it; a symbolic link is followed when it is written.
    pub file: PathBuf,
    pub change: Change,
    /// `[lab]`, or the alias's name.
    pub entry: String,
    /// The whole in words: “adds [lab] to ~/.aws/credentials”.
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The file is made.
    Creates,
    Adds,
    Replaces,
    /// It says so already.
    Same,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub changes: Vec<PlannedChange>,
    /// The files as they were before.
    pub backups: Vec<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("there is no file of {0} that Wherry could add an account to")]
    NoFile(&'static str),
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} cannot be changed, as it is damaged: {source}", path.display())]
    Malformed { path: PathBuf, source: Malformed },
    #[error("{} is encrypted with a password", path.display())]
    Encrypted { path: PathBuf },
    /// Nothing was changed.
    #[error("{entry} is in {} already", path.display())]
    Exists { path: PathBuf, entry: String },
    /// `done` files were changed before.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        path: PathBuf,
        done: usize,
        source: io::Error,
    },
}

/// What [`merge`] would do now.
pub fn plan(
    account: &Account,
    key: Key<'_>,
    tool: &'static Tool,
    entry: Option<&str>,
    here: &Surroundings,
) -> Result<Vec<PlannedChange>, MergeError> {
    let edits = edits(account, key, tool, entry, here)?;
    Ok(edits.into_iter().map(|edit| edit.plan).collect())
}

/// Puts the account into the tool's files, in place of an entry of its name only if `replace` says so.
pub fn merge(
    account: &Account,
    key: Key<'_>,
    tool: &'static Tool,
    entry: Option<&str>,
    replace: bool,
    here: &Surroundings,
    now: DateTime<Utc>,
) -> Result<Merged, MergeError> {
    let edits = edits(account, key, tool, entry, here)?;
    if let Some(edit) = edits
        .iter()
        .find(|edit| edit.plan.change == Change::Replaces && !replace)
    {
        return Err(MergeError::Exists {
            path: edit.plan.file.clone(),
            entry: edit.plan.entry.clone(),
        });
    }
    let mut merged = Merged {
        changes: Vec::new(),
        backups: Vec::new(),
    };
    let mut done = 0;
    for edit in edits {
        if edit.plan.change != Change::Same {
            let old = edit.old.as_deref().map(String::as_str);
            let backup = write::replace(&edit.real, old, &edit.new, now).map_err(|source| {
                MergeError::Write {
                    path: edit.plan.file.clone(),
                    done,
                    source,
                }
            })?;
            merged.backups.extend(backup);
            done += 1;
        }
        merged.changes.push(edit.plan);
    }
    Ok(merged)
}

struct Edit {
    plan: PlannedChange,
    /// Behind symbolic links.
    real: PathBuf,
    old: Option<Zeroizing<String>>,
    new: Zeroizing<String>,
}

fn edits(
    account: &Account,
    key: Key<'_>,
    tool: &'static Tool,
    entry: Option<&str>,
    here: &Surroundings,
) -> Result<Vec<Edit>, MergeError> {
    if tool.merges.is_none() {
        return Err(MergeError::NoFile(tool.name));
    }
    let facts = Facts::of(account, key, tool, entry)?;
    let draft = (tool.draft)(&facts);
    let edits = draft
        .parts
        .into_iter()
        .map(|part| edit(part, &facts, tool, here));
    edits.collect()
}

fn edit(
    part: Part,
    facts: &Facts,
    tool: &'static Tool,
    here: &Surroundings,
) -> Result<Edit, MergeError> {
    let place = part.place.ok_or(MergeError::NoFile(tool.name))?;
    let path = here.find(place).ok_or(MergeError::NoFile(tool.name))?;
    let unreadable = |source| MergeError::Read {
        path: path.clone(),
        source,
    };
    let real = write::behind_links(&path).map_err(unreadable)?;
    let old = write::read(&real).map_err(unreadable)?;
    if let Some(text) = &old
        && encrypted(text)
    {
        return Err(MergeError::Encrypted { path });
    }
    let text = old.as_deref().map_or("", String::as_str);
    let malformed = |source| MergeError::Malformed {
        path: path.clone(),
        source,
    };
    let put = put(part.body, place, text, facts).map_err(malformed)?;
    let change = if old.as_ref().is_some_and(|old| **old == *put.text) {
        Change::Same
    } else if old.is_none() {
        Change::Creates
    } else if put.there.is_some() {
        Change::Replaces
    } else {
        Change::Adds
    };
    let (entry, file) = (&put.entry, here.shown(&path));
    let was = put.there.unwrap_or_default();
    let words = match change {
        Change::Creates => format!("makes {file} with {entry}"),
        Change::Adds => format!("adds {entry} to {file}"),
        Change::Replaces if was.is_empty() => {
            format!("replaces {entry} in {file}; the file as it is now is kept beside it")
        }
        Change::Replaces => {
            format!("replaces {entry} in {file} ({was}); the file as it is now is kept beside it")
        }
        Change::Same => format!("leaves {file} as it is: {entry} is there already"),
    };
    Ok(Edit {
        plan: PlannedChange {
            file: path,
            change,
            entry: put.entry,
            words,
        },
        real,
        old,
        new: put.text,
    })
}

/// rclone's whole file may be encrypted; it has this line before the ciphertext.
fn encrypted(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("RCLONE_ENCRYPT_"))
}

struct Put {
    text: Zeroizing<String>,
    entry: String,
    /// What stood there, in words; absent when nothing did.
    there: Option<String>,
}

fn put(body: Body, place: Place, text: &str, facts: &Facts) -> Result<Put, Malformed> {
    match body {
        Body::Section {
            name,
            mut settings,
            keep,
        } => {
            let mut ini = Ini::parse(text, dialect(place))?;
            let old = ini.section(&name)?;
            if let Some(old) = &old {
                keep_secret(&mut settings, old, facts);
            }
            ini.put_section(&name, &settings, keep)?;
            Ok(Put {
                text: Zeroizing::new(ini.to_string()),
                entry: format!("[{name}]"),
                there: old.as_ref().map(described),
            })
        }
        Body::Settings { section, settings } => {
            let mut ini = Ini::parse(text, dialect(place))?;
            let old = ini.section(section)?;
            let holds_account =
                |old: &Section| old.get("access_key").is_some() || old.get("secret_key").is_some();
            let same_key = old.as_ref().is_some_and(|old| {
                facts
                    .key
                    .as_ref()
                    .is_some_and(|k| old.get("access_key") == Some(&k.id))
            });
            for (key, value) in settings {
                let secret = matches!(key, "secret_key" | "access_token");
                if secret && same_key && !facts.has_secret {
                    continue;
                }
                ini.put(section, key, value.as_deref().map(String::as_str))?;
            }
            Ok(Put {
                text: Zeroizing::new(ini.to_string()),
                entry: "the account".to_owned(),
                there: old.as_ref().filter(|old| holds_account(old)).map(described),
            })
        }
        Body::Alias { name, json } => {
            if text.trim().is_empty() {
                return Ok(Put {
                    text: json_splice::alone(&name, &json),
                    entry: format!("“{name}”"),
                    there: None,
                });
            }
            let old = json_splice::find(text, &name)?;
            let json = match (old, &facts.key) {
                (Some(old), Some(key)) if !facts.has_secret => alias_with_secret(&json, old, key),
                _ => json,
            };
            Ok(Put {
                text: json_splice::put(text, &name, &json)?,
                entry: format!("“{name}”"),
                there: old.map(alias_described),
            })
        }
        Body::Whole(text) => Ok(Put {
            text,
            entry: String::new(),
            there: None,
        }),
    }
}

fn dialect(place: Place) -> Dialect {
    let aws = matches!(place, Place::AwsCredentials | Place::AwsConfig);
    Dialect {
        nested: aws,
        headless: !aws,
    }
}

/// The secret that is there stays when none is given and the key is the same.
fn keep_secret(settings: &mut [Setting], old: &Section, facts: &Facts) {
    let Some(key) = facts.key.as_ref().filter(|_| !facts.has_secret) else {
        return;
    };
    let id = |name: &str| matches!(name, "aws_access_key_id" | "access_key_id");
    if !old.entries.iter().any(|e| id(&e.key) && *e.value == key.id) {
        return;
    }
    for (name, value) in settings {
        let secret = matches!(
            name.as_str(),
            "aws_secret_access_key" | "aws_session_token" | "secret_access_key" | "session_token"
        );
        if let (true, Some(kept)) = (secret, old.get(name)) {
            *value = Zeroizing::new(kept.to_owned());
        }
    }
}

/// What a section says of its store and key; nothing secret.
fn described(old: &Section) -> String {
    let first = |names: &[&str]| names.iter().find_map(|name| old.get(name));
    let place = first(&["endpoint_url", "endpoint", "host_base"])
        .or_else(|| old.nested("s3", "endpoint_url"));
    let key = first(&["aws_access_key_id", "access_key_id", "access_key"]);
    join(place, key)
}

fn join(place: Option<&str>, key: Option<&str>) -> String {
    let key = key.map(|key| format!("key {key}"));
    let parts = [place.map(str::to_owned), key];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct OldAlias {
    url: Option<String>,
    access_key: Option<String>,
    secret_key: Option<SecretString>,
    session_token: Option<SecretString>,
}

fn alias_described(old: &str) -> String {
    let old: OldAlias = serde_json::from_str(old).unwrap_or_default();
    join(old.url.as_deref(), old.access_key.as_deref())
}

fn alias_with_secret(new: &Zeroizing<String>, old: &str, key: &KeyText) -> Zeroizing<String> {
    let old: OldAlias = serde_json::from_str(old).unwrap_or_default();
    if old.access_key.as_deref() != Some(&key.id) {
        return new.clone();
    }
    let mut text = new.clone();
    for (words, kept) in [
        (super::SECRET_HERE, &old.secret_key),
        (super::TOKEN_HERE, &old.session_token),
    ] {
        if let Some(kept) = kept {
            let kept = super::boto3::quoted(kept.expose_secret());
            let words = super::boto3::quoted(words);
            text = Zeroizing::new(text.replace(words.as_str(), &kept));
        }
    }
    text
}
