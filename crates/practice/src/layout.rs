//! Where on disk a key lies, and which key a file on disk is.
//!
//! An ordinary key is its own path. What a file system cannot hold is escaped, one component at a
//! time, so that every key of S3 has a place of its own inside its bucket's folder:
//!
//! | key | place | |
//! |---|---|---|
//! | `a/b.txt` | `a/b.txt` | |
//! | `a/` | `a/%(folder)` | a folder marker |
//! | `a//b` | `a/%(empty)/b` | |
//! | `../x` | `%2E%2E/x` | also control characters, `%`, and what Windows forbids |
//! | `a` where `a/b` exists too | `a%(object)` | |
//! | a component over 200 bytes | `first-200-bytes%(more)/the-rest` | |
//!
//! `%` itself is escaped, so `%(` never comes from a key. File systems that ignore case (macOS,
//! Windows) cannot keep `A` and `a` apart; the practice store does not either.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::PathBuf;

pub const FOLDER: &str = "%(folder)";
pub const EMPTY: &str = "%(empty)";
pub const OBJECT: &str = "%(object)";
pub const MORE: &str = "%(more)";

/// File systems allow 255 bytes a name; this leaves room for a suffix.
const LONGEST: usize = 200;

/// The path of a key relative to its bucket's folder, as if no directory stood in its place.
pub fn path_of(key: &str) -> PathBuf {
    let mut path = PathBuf::new();
    let mut components = key.split('/').peekable();
    while let Some(component) = components.next() {
        let last = components.peek().is_none();
        match component {
            "" if last => path.push(FOLDER),
            "" => path.push(EMPTY),
            _ => path.extend(pieces(component)),
        }
    }
    path
}

/// The file names that one component of a key becomes: one, unless it is very long.
pub fn pieces(component: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let reserved = is_reserved(component);
    let count = component.chars().count();
    let only_dots = component == "." || component == "..";
    for (at, c) in component.chars().enumerate() {
        let mut escaped = String::new();
        let forbidden =
            c.is_control() || matches!(c, '%' | '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*');
        let trailing = at + 1 == count && matches!(c, '.' | ' ');
        if forbidden || trailing || only_dots || (reserved && at == 0) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(c);
        }
        if piece.len() + escaped.len() > LONGEST {
            piece.push_str(MORE);
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push_str(&escaped);
    }
    pieces.push(piece);
    pieces
}

/// Names that Windows keeps for devices, with or without an extension.
fn is_reserved(component: &str) -> bool {
    let stem = component
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit() && c != '0'))
}

/// What a file name without its suffix says; `None` when no key is stored under such a name.
pub fn unescape(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a directory entry stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Name {
    /// The directory itself is an object whose key ends in `/`.
    Marker,
    /// An object named so.
    Object(String),
    /// What lies inside has this component before a `/`.
    Folder(String),
    /// What lies inside continues this beginning of a component. Still escaped.
    More(String),
}

/// Reads a directory entry; `None` for what no key could have made.
pub fn name_of(entry: &OsStr, is_dir: bool) -> Option<Name> {
    let entry = entry.to_str()?;
    if is_dir {
        return if entry == EMPTY {
            Some(Name::Folder(String::new()))
        } else if let Some(beginning) = entry.strip_suffix(MORE) {
            Some(Name::More(beginning.to_owned()))
        } else {
            Some(Name::Folder(entry.to_owned()))
        };
    }
    match entry {
        FOLDER => Some(Name::Marker),
        _ => Some(Name::Object(
            entry.strip_suffix(OBJECT).unwrap_or(entry).to_owned(),
        )),
    }
}

/// The component whose pieces these are, when it would be written exactly so.
pub fn component_of(pieces_read: &[String], last: &str) -> Option<String> {
    let mut whole = String::new();
    for piece in pieces_read.iter().map(String::as_str).chain([last]) {
        whole.push_str(piece);
    }
    let component = unescape(&whole)?;
    let written = pieces(&component);
    let same = written.len() == pieces_read.len() + 1
        && written.last().is_some_and(|w| w == last)
        && written
            .iter()
            .zip(pieces_read)
            .all(|(w, r)| w.strip_suffix(MORE) == Some(r));
    (same && !component.is_empty() && !component.contains('/')).then_some(component)
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_keys_are_their_own_path() {
        for key in ["a", "a/b.txt", "Ünï/日本.nc", ".hidden", "a b/c+d=e"] {
            assert_eq!(path_of(key), Path::new(key), "{key}");
        }
    }

    #[test]
    fn odd_keys_have_a_place_inside() {
        for (key, path) in [
            ("../../x", "%2E%2E/%2E%2E/x"),
            ("/abs", "%(empty)/abs"),
            ("a//b", "a/%(empty)/b"),
            ("a/", "a/%(folder)"),
            ("50%", "50%25"),
            ("C:\\x", "C%3A%5Cx"),
            ("nul.txt", "%6Eul.txt"),
            ("dot.", "dot%2E"),
            ("line\nbreak", "line%0Abreak"),
        ] {
            assert_eq!(path_of(key), Path::new(path), "{key}");
        }
    }

    proptest! {
        #[test]
        fn every_component_comes_back(component in "[^/\u{0}]{1,300}|[.]{1,3}|con|%[0-9a-f]{2}") {
            let mut read = pieces(&component);
            let last = read.pop().unwrap();
            let read: Vec<String> = read.iter().map(|p| p.strip_suffix(MORE).unwrap().to_owned()).collect();
            prop_assert_eq!(component_of(&read, &last), Some(component));
        }

        #[test]
        fn no_key_leaves_the_folder(key in "([a.%/\\\\:]|\\PC|[\u{0}-\u{1f}]){1,400}") {
            let path = path_of(&key);
            for part in path.components() {
                let Component::Normal(name) = part else { panic!("{part:?}") };
                prop_assert!(name.len() <= 255);
            }
        }
    }
}
