//! From object keys to file names and back. The only place in Wherry that makes a path from a key.
//!
//! A key is any text; a file name is not. [`local_name`] turns a key into a relative path component
//! by component: what the file system takes is left as it is, the rest is replaced by characters
//! that look alike, so that a person still recognises the name and [`original`] can undo it:
//!
//! | in the key | in the file name |
//! |---|---|
//! | NUL and control characters, newline included | their pictures, `␀` to `␟` and `␡` |
//! | a component that is `.` or `..` | `．`, `．．` |
//! | an empty component (`a//b`, `/a`, `a/` that has bytes) | `‛` |
//! | one of these replacements itself, or `‛` | `‛` before it |
//! | on Windows: `< > : " \ \| ? *` | `＜ ＞ ： ＂ ＼ ｜ ？ ＊` |
//! | on Windows: a dot or a space at the end | `．`, `␠` |
//! | on Windows: `CON`, `nul.txt`, `COM1` … | `‛` before it |
//! | a component longer than the system allows | its beginning, `‛`, 16 hex digits of its MD5, the ending |
//!
//! Only the last one cannot be undone from the name alone; the plan says both names.
//! The result never has a component that is empty, `.`, `..`, or holds a separator, so joined to a
//! folder it stays in that folder. (Downloads go through a directory handle all the same.)

use std::path::{Component, Path, PathBuf};

use md5::{Digest, Md5};

use crate::verify::hex;

/// The system the files are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Unix,
    Windows,
}

impl Platform {
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else {
            Self::Unix
        }
    }

    /// Length as the system counts it: bytes on Unix, UTF-16 units on Windows.
    fn length(self, text: &str) -> usize {
        match self {
            Self::Unix => text.len(),
            Self::Windows => text.encode_utf16().count(),
        }
    }
}

/// What a component may measure.
const LONGEST: usize = 255;

/// What a component that is longer is cut to, leaving room for " (12)".
const CUT: usize = 240;

/// Escapes what follows it; by itself, an empty component.
const QUOTE: char = '‛';

/// Replacements that stand for a character of the key wherever they are found.
const WINDOWS: [(char, char); 8] = [
    ('<', '＜'),
    ('>', '＞'),
    (':', '：'),
    ('"', '＂'),
    ('\\', '＼'),
    ('|', '｜'),
    ('?', '？'),
    ('*', '＊'),
];

const DOT: char = '．';
const SPACE: char = '␠';
const DELETE: char = '␡';

/// A key's place in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalName {
    /// Relative, with `/` between components on every system.
    pub path: String,
    /// The key spells it differently.
    pub changed: bool,
    /// A component was cut, so the key cannot be read off the name.
    pub shortened: bool,
    /// The key ends in `/`: with no bytes it is a folder marker, and `path` is the folder.
    pub folder: Option<String>,
}

/// Maps a key, or the part of one below the folder that is being fetched.
pub fn local_name(key: &str, platform: Platform) -> LocalName {
    let (mut path, mut changed, mut shortened) = (String::with_capacity(key.len()), false, false);
    let mut folder = None;
    let mut components = key.split('/').peekable();
    while let Some(component) = components.next() {
        if component.is_empty() && components.peek().is_none() && !path.is_empty() {
            folder = Some(path.clone());
        }
        if !path.is_empty() {
            path.push('/');
        }
        let name = component_name(component, platform);
        let name = if platform.length(&name) > LONGEST {
            shortened = true;
            shorten(&name, component, platform)
        } else {
            name
        };
        changed |= name != component;
        path.push_str(&name);
    }
    LocalName {
        path,
        changed,
        shortened,
        folder,
    }
}

fn component_name(component: &str, platform: Platform) -> String {
    if component.is_empty() {
        return QUOTE.to_string();
    }
    let windows = platform == Platform::Windows;
    let dots = component == "." || component == "..";
    let mut name = String::with_capacity(component.len());
    if windows && is_reserved(component) {
        name.push(QUOTE);
    }
    let last = component.chars().count() - 1;
    for (at, c) in component.chars().enumerate() {
        match c {
            '\0'..='\u{1f}' => name.extend(char::from_u32(0x2400 + c as u32)),
            '\u{7f}' => name.push(DELETE),
            '.' if dots || (windows && at == last) => name.push(DOT),
            ' ' if windows && at == last => name.push(SPACE),
            _ if is_replacement(c) => name.extend([QUOTE, c]),
            _ => match WINDOWS.iter().find(|(from, _)| windows && *from == c) {
                Some((_, to)) => name.push(*to),
                None => name.push(c),
            },
        }
    }
    name
}

/// The same on every system, so that a name made on one is read back on another.
fn is_replacement(c: char) -> bool {
    original_of(c).is_some() || c == QUOTE
}

fn original_of(c: char) -> Option<char> {
    match c {
        '\u{2400}'..='\u{241f}' => char::from_u32(c as u32 - 0x2400),
        DELETE => Some('\u{7f}'),
        SPACE => Some(' '),
        DOT => Some('.'),
        _ => WINDOWS
            .iter()
            .find(|(_, to)| *to == c)
            .map(|(from, _)| *from),
    }
}

/// Undoes [`local_name`], where nothing was shortened. Names it never makes come back unchanged.
pub fn original(path: &str) -> String {
    let component = |name: &str| {
        let mut key = String::with_capacity(name.len());
        let mut characters = name.chars();
        while let Some(c) = characters.next() {
            match c {
                QUOTE => key.extend(characters.next()),
                _ => key.push(original_of(c).unwrap_or(c)),
            }
        }
        key
    };
    path.split('/').map(component).collect::<Vec<_>>().join("/")
}

/// Names that Windows keeps for devices, with or without an extension.
fn is_reserved(component: &str) -> bool {
    let stem = component
        .split(['.', ':'])
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let Some(port) = stem
        .strip_prefix("COM")
        .or_else(|| stem.strip_prefix("LPT"))
    else {
        return false;
    };
    matches!(
        port,
        "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
    )
}

fn shorten(name: &str, component: &str, platform: Platform) -> String {
    let digest = Md5::digest(component.as_bytes());
    let mark = hex(&digest[..8]);
    // A short ending is kept, for the programs that go by it.
    let ending = match name.rfind('.') {
        Some(at) if at > 0 && platform.length(&name[at..]) <= 16 => &name[at..],
        _ => "",
    };
    let room = CUT - mark.len() - platform.length(ending) - QUOTE.len_utf8();
    let mut beginning = String::new();
    for c in name[..name.len() - ending.len()].chars() {
        beginning.push(c);
        if platform.length(&beginning) > room {
            beginning.pop();
            break;
        }
    }
    format!("{beginning}{QUOTE}{mark}{ending}")
}

/// How a file system compares names; found out by trying, see [`crate::run`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameComparison {
    pub ignores_case: bool,
    pub ignores_unicode_form: bool,
}

impl NameComparison {
    /// Two paths that a file system takes for the same have the same folded form.
    pub fn fold(self, path: &str) -> String {
        use unicode_normalization::UnicodeNormalization;
        let mut folded = path.to_owned();
        if self.ignores_unicode_form {
            folded = folded.nfc().collect();
        }
        if self.ignores_case {
            // Upper first: `ß` and `ſ` meet their capitals, as file systems have it.
            folded = folded.to_uppercase().to_lowercase();
        }
        folded
    }
}

/// The part of a key that a local path below a dropped folder becomes; `None` when it is no text.
///
/// Names are stored as they are, whatever their Unicode form; only separators are made `/`.
pub fn key_of(relative: &Path) -> Option<String> {
    let mut key = String::new();
    for component in relative.components() {
        let Component::Normal(name) = component else {
            return None;
        };
        if !key.is_empty() {
            key.push('/');
        }
        key.push_str(name.to_str()?);
    }
    Some(key)
}

/// A relative path with `/` as this system writes it.
pub fn native(path: &str) -> PathBuf {
    path.split('/').collect()
}

/// `photo.jpg` becomes `photo (2).jpg`: the name beside one that is taken.
pub fn numbered(path: &str, number: u32) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(f, n)| (f, n));
    let (stem, ending) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    let slash = if path.contains('/') { "/" } else { "" };
    format!("{folder}{slash}{stem} ({number}){ending}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn unix(key: &str) -> String {
        local_name(key, Platform::Unix).path
    }

    fn windows(key: &str) -> String {
        local_name(key, Platform::Windows).path
    }

    #[test]
    fn ordinary_names_stay() {
        for key in [
            "a",
            "a/b.txt",
            "Ünï/日本.nc",
            ".hidden",
            "a b/c+d=e%20",
            "back\\slash",
            "C:",
            "100%",
            "a ",
        ] {
            let name = local_name(key, Platform::Unix);
            assert_eq!((name.path.as_str(), name.changed), (key, false));
        }
    }

    #[test]
    fn hostile_keys_stay_inside() {
        for (key, expected) in [
            ("../../x", "．．/．．/x"),
            ("/abs", "‛/abs"),
            ("a//b", "a/‛/b"),
            ("..", "．．"),
            ("a/./b", "a/．/b"),
            ("nul\0", "nul␀"),
            ("line\nbreak", "line␊break"),
            ("␊", "‛␊"),
        ] {
            assert_eq!(unix(key), expected, "{key:?}");
        }
    }

    #[test]
    fn windows_gets_names_it_can_hold() {
        for (key, expected) in [
            ("C:\\Windows\\x", "C：＼Windows＼x"),
            ("con", "‛con"),
            ("nul.txt", "‛nul.txt"),
            ("COM¹", "‛COM¹"),
            ("console", "console"),
            ("dot.", "dot．"),
            ("space ", "space␠"),
            ("a:stream", "a：stream"),
            ("what?*", "what？＊"),
        ] {
            assert_eq!(windows(key), expected, "{key:?}");
        }
    }

    #[test]
    fn a_key_that_ends_in_a_slash_knows_its_folder() {
        let name = local_name("a/b/", Platform::Unix);
        assert_eq!(
            (name.folder.as_deref(), name.path.as_str()),
            (Some("a/b"), "a/b/‛")
        );
    }

    // Promise: A name that is too long for this computer is cut and marked with a hash, so that two
    // long names stay apart.
    #[test]
    fn long_components_are_cut_and_stay_apart() {
        let (a, b) = (
            format!("{}a.nc", "x".repeat(1000)),
            format!("{}b.nc", "x".repeat(1000)),
        );
        let (short, other) = (
            local_name(&a, Platform::Unix),
            local_name(&b, Platform::Unix),
        );
        assert!(
            short.shortened
                && short.path.len() <= CUT
                && short.path.rsplit('.').next() == Some("nc")
        );
        assert_ne!(short.path, other.path);
    }

    #[test]
    fn file_systems_compare_in_their_own_way() {
        let mac = NameComparison {
            ignores_case: true,
            ignores_unicode_form: true,
        };
        assert_eq!(mac.fold("Caf\u{e9}"), mac.fold("cafe\u{301}"));
        let linux = NameComparison::default();
        assert_ne!(linux.fold("A"), linux.fold("a"));
    }

    #[test]
    fn numbers_go_before_the_ending() {
        assert_eq!(numbered("a/photo.jpg", 2), "a/photo (2).jpg");
        assert_eq!(numbered(".bashrc", 3), ".bashrc (3)");
        assert_eq!(numbered("a.b/README", 2), "a.b/README (2)");
    }

    fn keys() -> impl Strategy<Value = String> {
        "([a-c]|[./\\\\:‛．␀␠＊]|con|\\PC|[\u{0}-\u{1f} ]|x{235,260}){1,12}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        // Promise: A key that cannot be a file name on this computer is saved under a changed name
        // from which the key can be read back.
        #[test]
        fn paths_stay_inside_are_distinct_and_can_be_undone(
            all in prop::collection::hash_set(keys(), 1..40),
            windows in any::<bool>(),
        ) {
            let platform = if windows { Platform::Windows } else { Platform::Unix };
            let mut seen = HashMap::new();
            for key in &all {
                let name = local_name(key, platform);
                for component in name.path.split('/') {
                    prop_assert!(!component.is_empty() && component != "." && component != "..");
                    prop_assert!(!component.contains(['\0', '/']));
                    prop_assert!(component.len() <= 1024 && platform.length(component) <= 255);
                    if windows {
                        prop_assert!(!component.contains(['\\', ':', '*', '?', '"', '<', '>', '|']));
                        prop_assert!(!component.ends_with(['.', ' ']) && !is_reserved(component));
                    }
                }
                let joined = Path::new("/chosen").join(native(&name.path));
                prop_assert!(joined.starts_with("/chosen"));
                prop_assert!(joined.components().all(|c| matches!(c, Component::Normal(_) | Component::RootDir)));
                prop_assert_eq!(name.changed, &name.path != key);
                if !name.shortened {
                    prop_assert_eq!(&original(&name.path), key);
                }
                if let Some(other) = seen.insert(name.path.clone(), key) {
                    panic!("{other:?} and {key:?} are both {}", name.path);
                }
            }
        }
    }
}
