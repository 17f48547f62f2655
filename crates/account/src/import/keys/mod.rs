//! S3 keys in the files of other tools: which format a file has is seen from what is in it.
//!
//! Files are read and never executed: a profile that gets its key from a program is named and not
//! used. What the file does not say is absent; what Wherry cannot take over is said in the notes.

mod aws;
mod cyberduck;
mod json;
mod passwd;
mod rclone;
mod s3cmd;
mod winscp;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::{ImportError, text_of};
use crate::ini::{Dialect, Ini, Section};
use crate::provider::{Addressing, Signing};

/// One account of another tool.
#[derive(Debug, Clone, Default)]
pub struct ImportedKey {
    /// Its name there.
    pub name: String,
    /// The store's address; absent where the tool's file does not say it.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub signing: Option<Signing>,
    pub addressing: Option<Addressing>,
    /// Absent where the file has none: then it is asked for, or the account is for public buckets.
    pub access_key_id: Option<String>,
    pub secret: Option<SecretString>,
    pub session_token: Option<SecretString>,
    pub ca_file: Option<PathBuf>,
    pub proxy: Option<String>,
    /// What was left out or is to be known, in words.
    pub notes: Vec<String>,
    /// Why it cannot be an account here; something that can be asked for is no reason.
    pub unusable: Option<String>,
}

/// The keys of a file, and which tool's it is.
#[derive(Debug)]
pub struct ImportedKeys {
    /// “rclone”.
    pub tool: &'static str,
    pub keys: Vec<ImportedKey>,
}

/// More entries than anybody has; a file with more is not somebody's own.
const MOST_KEYS: usize = 500;

/// Reads `.s3cfg`, the AWS tools' `credentials` and `config` (each with the other beside it),
/// `rclone.conf`, mc's `config.json`, the JSON file for s3fs, `passwd-s3fs`, a Cyberduck bookmark or
/// `WinSCP.ini`, whichever it is.
pub fn read_keys(path: &Path) -> Result<ImportedKeys, ImportError> {
    let text = text_of(path)?;
    let mut found = understand(path, &text)?;
    found
        .keys
        .retain(|key| !key.name.is_empty() || key.access_key_id.is_some());
    found.keys.truncate(MOST_KEYS);
    for key in &mut found.keys {
        key.name = shown(&key.name);
        key.take_amazon();
    }
    if found.keys.is_empty() {
        return Err(ImportError::NoKeys {
            path: path.to_owned(),
        });
    }
    Ok(found)
}

fn understand(path: &Path, text: &str) -> Result<ImportedKeys, ImportError> {
    let start = text.trim_start();
    let of = |tool, keys| ImportedKeys { tool, keys };
    if start.starts_with('{') {
        return json::read(path, text);
    }
    if start.starts_with('<') {
        return Ok(of("Cyberduck", cyberduck::read(path, text)?));
    }
    if text.lines().any(|line| line.starts_with("RCLONE_ENCRYPT_")) {
        return Err(ImportError::Encrypted {
            path: path.to_owned(),
        });
    }
    let no_keys = || ImportError::NoKeys {
        path: path.to_owned(),
    };
    let sections = text.lines().any(|line| line.trim_start().starts_with('['));
    if !sections {
        let keys = passwd::read(path, text);
        if !keys.is_empty() {
            return Ok(of("s3fs", keys));
        }
    }
    // Where lines belong to is read in the AWS tools' way; it makes no difference to the others
    // until one of them is recognised.
    let parse = |nested| {
        let dialect = Dialect {
            nested,
            headless: true,
        };
        Ini::parse(text, dialect).map(|ini| ini.sections())
    };
    // What has no section is no damaged file, but none of these.
    let malformed = |source| match sections {
        true => ImportError::Malformed {
            path: path.to_owned(),
            source,
        },
        false => no_keys(),
    };
    let flat = parse(false).map_err(malformed)?;
    let some = |is: fn(&Section) -> bool| flat.iter().any(is);
    if some(|s| winscp::session(&s.name).is_some()) {
        return Ok(of("WinSCP", winscp::read(&flat)));
    }
    if some(|s| s.get("type").is_some()) {
        return Ok(of("rclone", rclone::read(path, &flat)));
    }
    if some(|s| s.get("access_key").is_some() || s.get("host_base").is_some()) {
        return Ok(of("s3cmd", s3cmd::read(path, &flat)));
    }
    if some(aws::is_profile) || some(|s| s.name.starts_with("profile ")) {
        let nested = parse(true).map_err(malformed)?;
        return Ok(of("AWS", aws::read(path, nested)));
    }
    Err(no_keys())
}

impl ImportedKey {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    fn note(&mut self, words: impl Into<String>) {
        self.notes.push(words.into());
    }

    /// A tool that has no endpoint for a key means Amazon.
    fn means_amazon(&mut self) {
        if self.endpoint.is_some() || self.unusable.is_some() {
            return;
        }
        let region = self
            .region
            .clone()
            .unwrap_or_else(|| "us-east-1".to_owned());
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.chars().all(fits) {
            self.endpoint = Some(format!("https://s3.{region}.amazonaws.com"));
            self.note("The file names no endpoint, which means Amazon's own S3. If the key is for another store, enter its address.");
        }
        self.region = Some(region);
    }

    /// Amazon's newer regions have no path-style addresses.
    fn take_amazon(&mut self) {
        let amazon = self
            .endpoint
            .as_deref()
            .and_then(|e| Url::parse(e).ok())
            .is_some_and(|url| {
                url.host_str()
                    .is_some_and(|host| host.ends_with(".amazonaws.com"))
            });
        if amazon && self.addressing.is_none() {
            self.addressing = Some(Addressing::VirtualHost);
        }
    }
}

/// An address as tools have it: with or without the scheme.
fn address(text: &str, https: bool) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return None;
    }
    Some(if text.contains("://") {
        text.to_owned()
    } else {
        format!("{}://{text}", if https { "https" } else { "http" })
    })
}

fn secret(text: Option<&str>) -> Option<SecretString> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(SecretString::from)
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// As Go's and Python's readers take it.
fn yes(text: Option<&str>) -> Option<bool> {
    match text?.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "t" => Some(true),
        "false" | "no" | "off" | "0" | "f" => Some(false),
        _ => None,
    }
}

/// A name as an account can have it; the file's may be hostile.
fn shown(name: &str) -> String {
    let plain = name.chars().map(|c| {
        if c.is_control() || matches!(c, ':' | '/' | '\\') {
            '-'
        } else {
            c
        }
    });
    plain.take(64).collect::<String>().trim().to_owned()
}

/// The file's own name, for what has none inside.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.trim_start_matches('.');
    if stem.is_empty() {
        "imported".to_owned()
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests;
