//! What a transfer is called in the queue, in the history and in notifications.
//!
//! Among several transfers one knows one's own by the name of what it is about, and not by there being one
//! of it. So what was chosen alone is named, and only several things are counted.

use std::path::Path;

use crate::names::visible;

/// The name, where there is only one.
pub(super) fn only_name<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<String> {
    let name = names.next()?;
    let alone = names.next().is_none();
    alone.then(|| format!("“{}”", visible(&shortened(name))))
}

/// A title within another one: the quotation marks that are in it already become inner ones.
pub(super) fn quoted(title: &str) -> String {
    format!("“{}”", title.replace('“', "‘").replace('”', "’"))
}

pub(super) fn file_name(path: &str) -> &str {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.unwrap_or(path)
}

/// A name may have a thousand letters; its beginning and its end are what one knows it by.
fn shortened(name: &str) -> String {
    const BEGINNING: usize = 44;
    const END: usize = 19;
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= BEGINNING + 1 + END {
        return name.to_owned();
    }
    let (beginning, end) = (&letters[..BEGINNING], &letters[letters.len() - END..]);
    beginning.iter().chain(&['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_alone_is_named() {
        let named = |names: &[&'static str]| only_name(names.iter().copied());
        assert_eq!(named(&["lidar.las"]).as_deref(), Some("“lidar.las”"));
        assert_eq!(named(&["lidar.las", "run7"]), None);
        assert_eq!(named(&[]), None);
        assert_eq!(file_name("/home/ada/run7/"), "run7");
        assert_eq!(file_name("/"), "/");
    }

    #[test]
    fn a_title_within_a_title_has_inner_marks() {
        let title = quoted("Upload “run7” to thesis/");
        assert_eq!(title, "“Upload ‘run7’ to thesis/”");
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        let name = format!("sonar-{}-2026-03-01.nc", "ü".repeat(1000));
        let short = shortened(&name);
        assert_eq!(short.chars().count(), 64);
        assert!(short.starts_with("sonar-ü") && short.ends_with("ü-2026-03-01.nc"));
        let whole = "ü".repeat(64);
        assert_eq!(shortened(&whole), whole);
    }

    #[test]
    fn a_name_cannot_write_over_the_title() {
        let title = only_name(["a\u{202e}fdp.exe\n"].into_iter());
        assert_eq!(title.as_deref(), Some("“a⟨202E⟩fdp.exe␊”"));
    }
}
