//! Patterns over names, as rsync and rclone have them, made into regular expressions.
//!
//! Not with the `globset` crate: its `?` fits one byte, and names are text (`é` has two). What is
//! made here is also handed to other tools as it is, see [`crate::elsewhere`], so that a pattern
//! means the same there.
//!
//! | in the pattern | fits |
//! |---|---|
//! | `*`, `?` | any characters, one character, but no `/` |
//! | `**` | any characters, `/` too; as a folder's name (`a/**/b`) also no folder at all |
//! | `[a-z]`, `[!a-z]` | one character of these, one that is none of these and no `/` |
//! | `{jpg,png}` | one of these |
//! | `\` | the next character as it is |
//! | `/` at the beginning | the top of the folder; other patterns fit at any depth |
//! | `/` at the end | folders only |
//!
//! A pattern that fits a folder fits all that is in it.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// A pattern that says nothing, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pub pattern: String,
    pub reason: &'static str,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the pattern “{}” cannot be read: {}",
            self.pattern.escape_debug(),
            self.reason
        )
    }
}

impl std::error::Error for PatternError {}

/// One pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    folders_only: bool,
}

impl Pattern {
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let error = |reason| PatternError {
            pattern: text.to_owned(),
            reason,
        };
        let (expression, folders_only) = expression(text).map_err(error)?;
        // Fails for patterns of absurd size only.
        let regex = Regex::new(&expression).map_err(|_| error("it is too large"))?;
        Ok(Self {
            text: text.to_owned(),
            regex,
            folders_only,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Anchored at both ends, for the whole relative name of a file. No flags before it but `(?s)`.
    pub fn expression(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether it fits a file's relative name, with `/`.
    pub fn fits(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }

    /// Whether it fits all there can be in a folder, given without its slash.
    pub fn fits_folder(&self, folder: &str) -> bool {
        if self.folders_only {
            self.regex.is_match(&format!("{folder}/"))
        } else {
            self.regex.is_match(folder)
        }
    }
}

type Reading<'a> = Peekable<Chars<'a>>;

fn expression(text: &str) -> Result<(String, bool), &'static str> {
    let (anchored, rest) = match text.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    // `a\/` ends in a slash all the same: an escaped slash is a slash.
    let (folders_only, rest) = match rest.strip_suffix('/') {
        Some(rest) => (true, rest.strip_suffix('\\').unwrap_or(rest)),
        None => (false, rest),
    };
    if rest.is_empty() {
        return Err("it is empty");
    }
    let mut made = String::from(if anchored { "(?s)^" } else { "(?s)^(?:.*/)?" });
    let mut reading = rest.chars().peekable();
    // The beginning counts as the beginning of a folder's name, for `**/`.
    alternative(&mut reading, &mut made, 0, true)?;
    made.push_str(if folders_only { "/.*$" } else { "(?:/.*)?$" });
    Ok((made, folders_only))
}

/// Reads up to the end, or inside braces up to a comma or the closing one, which is left.
fn alternative(
    reading: &mut Reading<'_>,
    made: &mut String,
    depth: u32,
    begins: bool,
) -> Result<(), &'static str> {
    let mut begins = begins;
    while let Some(c) = reading.peek().copied() {
        if depth > 0 && matches!(c, ',' | '}') {
            return Ok(());
        }
        reading.next();
        let slash = c == '/';
        match c {
            '*' if reading.next_if_eq(&'*').is_some() => {
                while reading.next_if_eq(&'*').is_some() {}
                if begins && reading.next_if_eq(&'/').is_some() {
                    made.push_str("(?:.*/)?");
                    continue;
                }
                made.push_str(".*");
            }
            '*' => made.push_str("[^/]*"),
            '?' => made.push_str("[^/]"),
            '[' => class(reading, made)?,
            '{' => braces(reading, made, depth, begins)?,
            '\\' => literal(
                reading
                    .next()
                    .ok_or("it ends in a backslash, which wants a character after it")?,
                made,
            ),
            c => literal(c, made),
        }
        begins = slash;
    }
    if depth > 0 {
        return Err("a { is not closed");
    }
    Ok(())
}

fn braces(
    reading: &mut Reading<'_>,
    made: &mut String,
    depth: u32,
    begins: bool,
) -> Result<(), &'static str> {
    if depth >= 8 {
        return Err("braces are nested too deeply");
    }
    made.push_str("(?:");
    loop {
        alternative(reading, made, depth + 1, begins)?;
        match reading.next() {
            Some(',') => made.push('|'),
            _ => break,
        }
    }
    made.push(')');
    Ok(())
}

fn class(reading: &mut Reading<'_>, made: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a [ is not closed";
    let negated = reading.next_if(|c| matches!(c, '!' | '^')).is_some();
    made.push_str(if negated { "[^/" } else { "[" });
    let mut first = true;
    loop {
        let mut from = reading.next().ok_or(OPEN)?;
        if from == ']' && !first {
            break;
        }
        first = false;
        if from == '\\' {
            from = reading.next().ok_or(OPEN)?;
        }
        literal(from, made);
        // A hyphen at the end is a hyphen.
        let mut ahead = reading.clone();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
            reading.next();
            let mut to = reading.next().ok_or(OPEN)?;
            if to == '\\' {
                to = reading.next().ok_or(OPEN)?;
            }
            if to < from {
                return Err("a range in [ ] runs backwards");
            }
            made.push('-');
            literal(to, made);
        }
    }
    made.push(']');
    Ok(())
}

fn literal(c: char, made: &mut String) {
    made.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, fitting: &[&str], others: &[&str]) {
        let made = Pattern::new(pattern).unwrap();
        for name in fitting {
            assert!(made.fits(name), "{pattern} should fit {name:?}");
        }
        for name in others {
            assert!(!made.fits(name), "{pattern} should not fit {name:?}");
        }
    }

    // Promise: In a pattern, `*` and `?` stand for characters of one name and `**` for folders too;
    // a slash at its beginning means the top of the folder, and one that fits a folder fits all that
    // is in it.
    #[test]
    fn patterns_mean_what_people_expect() {
        check(
            "*.tmp",
            &["a.tmp", "d/a.tmp", ".tmp", "x.tmp/inside"],
            &["a.tmp2", "tmp"],
        );
        check("/*.tmp", &["a.tmp"], &["d/a.tmp"]);
        check(
            "**/cache/**",
            &["cache/x", "a/cache/x", "a/b/cache/x/y"],
            &["cache", "a/cache", "cached/x"],
        );
        check("cache/", &["cache/x", "a/cache/x"], &["cache", "a/cache"]);
        check("cache", &["cache", "cache/x", "a/cache/x"], &["cached"]);
        check("/a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/xb", "z/a/b"]);
        check("a**z", &["a/b/z", "az", "q/a1z"], &["a/b/y"]);
        check("?.nc", &["é.nc", "日.nc", "d/a.nc"], &["ab.nc", "/.nc"]);
        check(
            "*.{jpg,pn[gG]}",
            &["a.jpg", "a.png", "b/a.pnG"],
            &["a.jpeg", "a.pn"],
        );
        check("[!a-c]x", &["dx", "éx"], &["ax", "q/bx", "a/x"]);
        check("[]-]", &["]", "-"], &["a"]);
        check("\\*", &["*", "a/*"], &["x"]);
        check("/data/2024", &["data/2024", "data/2024/x"], &["data/20245"]);
        check("a.b(c)+|^$#&&~~", &["a.b(c)+|^$#&&~~"], &["aXb"]);
        check("line\nbreak*", &["line\nbreak here"], &["line"]);
    }

    #[test]
    fn a_folder_is_left_out_as_a_whole_only_where_all_of_it_is() {
        let fits = |pattern: &str, folder: &str| Pattern::new(pattern).unwrap().fits_folder(folder);
        assert!(fits("cache", "a/cache") && fits("cache/", "cache"));
        assert!(fits("*", "a") && !fits("*.tmp", "a"));
        assert!(!fits("/a/*.tmp", "a") && !fits("a/x", "a"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (pattern, words) in [
            ("", "empty"),
            ("/", "empty"),
            ("a[", "["),
            ("a[b", "["),
            ("{a,b", "{"),
            ("a\\", "backslash"),
            ("[z-a]", "backwards"),
        ] {
            let error = Pattern::new(pattern).unwrap_err().to_string();
            assert!(error.contains(words), "{pattern}: {error}");
        }
        assert!(Pattern::new(&"{".repeat(1000)).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_text_panics_and_no_name_is_forgotten(text in "[ab/*?\\[\\]{},!\\\\é.-]{0,12}", name in "[ab/é.]{1,8}") {
            if let Ok(pattern) = Pattern::new(&text) {
                // All or nothing below a folder that it fits.
                if pattern.fits_folder(&name) {
                    let inside = format!("{name}/x");
                    prop_assert!(pattern.fits(&inside));
                }
            }
        }

        #[test]
        fn a_name_with_its_special_characters_quoted_fits_itself_and_nothing_else(
            name in "[a*?\\[\\]{},!\\\\é. -]{1,10}", other in "[a*?\\[\\]{},!\\\\é. -]{1,10}",
        ) {
            let quoted: String = name.chars().flat_map(|c| ['\\', c]).collect();
            let pattern = Pattern::new(&format!("/{quoted}")).unwrap();
            prop_assert!(pattern.fits(&name));
            prop_assert_eq!(pattern.fits(&other), other == name);
        }

        /// Against a matcher that tries everything, for stars and question marks.
        #[test]
        fn stars_agree_with_a_plain_matcher(text in "[ab/*?]{1,7}", name in "[ab/]{1,9}") {
            prop_assume!(!text.contains("**") && !text.starts_with('/') && !text.ends_with('/'));
            let plain = (0..=name.len())
                .filter(|at| *at == 0 || name.as_bytes()[at - 1] == b'/')
                .any(|from| (from..=name.len())
                    .filter(|to| *to == name.len() || name.as_bytes()[*to] == b'/')
                    .any(|to| plainly(text.as_bytes(), &name.as_bytes()[from..to])));
            prop_assert_eq!(Pattern::new(&text).unwrap().fits(&name), plain);
        }
    }

    fn plainly(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                plainly(rest, name)
                    || name
                        .split_first()
                        .is_some_and(|(c, more)| *c != b'/' && plainly(pattern, more))
            }
            (Some((b'?', rest)), Some((c, more))) => *c != b'/' && plainly(rest, more),
            (Some((p, rest)), Some((c, more))) => p == c && plainly(rest, more),
            _ => false,
        }
    }
}
