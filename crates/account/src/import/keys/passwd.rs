//! The `passwd-s3fs` of s3fs-fuse: `ID:SECRET` or `BUCKET:ID:SECRET`, one to a line.

use std::path::Path;

use super::{ImportedKey, owned, secret, stem};

/// Nothing when a line is of another shape: then it is another file.
pub(super) fn read(path: &Path, text: &str) -> Vec<ImportedKey> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Option<Vec<_>> = lines.map(|line| line_key(path, line)).collect();
    keys.unwrap_or_default()
}

fn line_key(path: &Path, line: &str) -> Option<ImportedKey> {
    let parts: Vec<&str> = line.split(':').collect();
    let (bucket, id, secret_text) = match parts.as_slice() {
        [id, secret] => (None, *id, *secret),
        [bucket, id, secret] => (Some(*bucket), *id, *secret),
        _ => return None,
    };
    // A setting, a sentence or an address is no key.
    let word = |text: &str| !text.is_empty() && !text.contains([' ', '\t', '=', '"', '\'', '<']);
    let base64 = |text: &str| {
        text.len() >= 8
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+/=_-.".contains(c))
    };
    if !word(id) || !base64(secret_text) || secret_text.starts_with("//") {
        return None;
    }
    let mut key = ImportedKey::named(&match bucket {
        Some(bucket) => bucket.to_owned(),
        None => stem(path),
    });
    key.access_key_id = owned(Some(id));
    key.secret = secret(Some(secret_text));
    key.note("The file does not say where the store is: enter its address.");
    if let Some(bucket) = bucket {
        key.note(format!(
            "The key is meant for the bucket “{}”: open it by its name.",
            super::shown(bucket)
        ));
    }
    Some(key)
}
