//! s5cmd 2.3: `cp` and `sync` (github.com/peak/s5cmd). It knows one store at a time, and of filters
//! `--exclude` and `--include`, whose `*` goes over slashes.

use super::quote::{ShellLine, export};
use super::{Cannot, Errand, KeyThere, Spot, StoreThere, Work};
use crate::plan::Compare;
use crate::plan::filter::Pattern;
use wherry_account::{Addressing, Signing};

/// What is left out as litter there: the same names, but for other capitals and editors' swap files,
/// which its patterns cannot say.
const LITTER: [&str; 9] = [
    ".DS_Store",
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".localized",
    ".apdisk",
    "._*",
    "~$*",
    ".~lock.*",
];

pub fn command(errand: &Errand, notes: &mut Vec<String>) -> Result<String, Cannot> {
    let store = the_store(errand)?;
    let spec = errand.filter.spec();
    if spec.min_size.is_some()
        || spec.max_size.is_some()
        || spec.since.is_some()
        || spec.until.is_some()
    {
        return cannot("s5cmd cannot choose by size or time; rclone can");
    }
    let filters = filters(errand, notes)?;
    if !filters.is_empty() && matches!(errand.work, Work::Sync { delete: true, .. }) {
        return cannot(
            "s5cmd would delete at the destination what a filter leaves out; use rclone, or sync without --delete",
        );
    }
    let mut text = String::new();
    text.push_str(&export("AWS_REGION", &store.region));
    let mut command = ShellLine::new("s5cmd")
        .and("--endpoint-url")
        .and(store.endpoint());
    match &store.key {
        KeyThere::Profile(profile) => command = command.and("--profile").and(profile),
        KeyThere::Environment => {}
        KeyThere::None => command = command.and("--no-sign-request"),
    }
    if store.lists_v1() {
        command = command.and("--use-list-objects-v1");
    }
    command = match errand.work {
        Work::One { no_clobber } => {
            let command = command.line(&["cp", "--raw"]);
            clobbering(command, no_clobber)
        }
        Work::Copy { no_clobber } => clobbering(command.line(&["cp"]), no_clobber),
        Work::Sync { compare, delete } => {
            let mut command = command.line(&["sync"]);
            match compare {
                Compare::Checksum => {
                    return cannot("s5cmd does not compare checksums; rclone does");
                }
                Compare::Size => command = command.line(&["--size-only"]),
                Compare::Time => notes.push(
                    "What is newer at the destination is left alone by s5cmd, also when its size is another; Wherry replaces it then."
                        .into(),
                ),
            }
            if delete {
                command = command.line(&["--delete"]);
            }
            command
        }
    };
    if errand.uploads() {
        command = command.line(&["--no-follow-symlinks"]);
    }
    if let Some(size) = store.quirks.parts.large_size {
        command = command.line(&["--part-size", &(size >> 20).to_string()]);
    }
    for (flag, pattern) in filters {
        command = command.line(&[flag, &pattern]);
    }
    let one = matches!(errand.work, Work::One { .. });
    let (from, to) = (source(&errand.from, one)?, place(&errand.to, one)?);
    text.push_str(&command.line(&[&from, &to]).done());
    text.push('\n');
    Ok(text)
}

fn cannot<T>(words: &str) -> Result<T, Cannot> {
    Err(Cannot(words.to_owned()))
}

fn clobbering(command: ShellLine, no_clobber: bool) -> ShellLine {
    if no_clobber {
        command.line(&["--no-clobber"])
    } else {
        command
    }
}

fn the_store(errand: &Errand) -> Result<&StoreThere, Cannot> {
    let stores = errand.stores();
    let [store] = stores[..] else {
        return cannot("s5cmd works with one store at a time; rclone copies between two");
    };
    if store.signing == Signing::V2 {
        return cannot("s5cmd does not know Signature Version 2; rclone does");
    }
    if store.addressing == Addressing::VirtualHost && !store.is_amazon() {
        return cannot(
            "s5cmd puts the bucket into the path, which this store does not take; use rclone",
        );
    }
    Ok(store)
}

fn filters(
    errand: &Errand,
    notes: &mut Vec<String>,
) -> Result<Vec<(&'static str, String)>, Cannot> {
    let mut all = Vec::new();
    for pattern in errand.filter.exclude() {
        all.extend(wildcards(pattern)?.into_iter().map(|p| ("--exclude", p)));
    }
    if errand.leaves_litter() && !matches!(errand.work, Work::Sync { delete: true, .. }) {
        notes.push(
            "Of what systems and editors leave behind, swap files and names in other capitals are not left out by s5cmd."
                .into(),
        );
        for name in LITTER {
            all.push(("--exclude", name.to_owned()));
            all.push(("--exclude", format!("*/{name}")));
        }
    } else if errand.leaves_litter() {
        notes.push(
            "With --delete, s5cmd takes .DS_Store, Thumbs.db and the like along: leaving them out would delete them at the destination."
                .into(),
        );
    }
    for pattern in errand.filter.include() {
        all.extend(wildcards(pattern)?.into_iter().map(|p| ("--include", p)));
    }
    Ok(all)
}

/// The patterns that together mean the same there, where a star goes over slashes and every pattern is
/// for the whole name: a star can only stand at an end.
fn wildcards(pattern: &Pattern) -> Result<Vec<String>, Cannot> {
    let text = pattern.text();
    let unknown = || {
        Cannot(format!(
            "the pattern “{}” has no equal in s5cmd, whose * goes over slashes; rclone knows it",
            text.escape_debug()
        ))
    };
    let (anchored, rest) = match text.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (folder, rest) = match rest.strip_suffix('/') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let front = rest.starts_with('*');
    let middle = rest.strip_prefix('*').unwrap_or(rest);
    let (middle, back) = match middle.strip_suffix('*') {
        Some(middle) => (middle, true),
        None => (middle, false),
    };
    // A star in front must not take a slash with it: right only at any depth, and before one name.
    let front_fits = !front || (!anchored && !middle.contains('/'));
    let special = middle.contains(['*', '?', '[', ']', '{', '}', '\\']);
    if special || middle.is_empty() || !front_fits || (front && back) {
        return Err(unknown());
    }
    let heads: &[&str] = match (front, anchored) {
        (true, _) => &["*"],
        (false, true) => &[""],
        (false, false) => &["", "*/"],
    };
    // `name*` fits whatever begins so, and what is below it too, which is all that begins so.
    let tails: &[&str] = match (back, folder) {
        (true, true) => return Err(unknown()),
        (true, false) => &["*"],
        (false, true) => &["/*"],
        (false, false) => &["", "/*"],
    };
    Ok(heads
        .iter()
        .flat_map(|head| {
            tails
                .iter()
                .map(move |tail| format!("{head}{middle}{tail}"))
        })
        .collect())
}

fn source(spot: &Spot, one: bool) -> Result<String, Cannot> {
    let place = place(spot, one)?;
    match spot {
        Spot::Store { .. } if !one => Ok(format!("{place}*")),
        _ => Ok(place),
    }
}

fn place(spot: &Spot, one: bool) -> Result<String, Cannot> {
    let text = match spot {
        Spot::Path(path) if path.contains("://") || path.starts_with('-') => format!("./{path}"),
        Spot::Path(path) => path.clone(),
        Spot::Store { bucket, key, .. } => format!("s3://{bucket}/{key}"),
    };
    if one {
        return Ok(text);
    }
    if text.contains(['*', '?', '[']) {
        return cannot(
            "s5cmd would read a character of the folder's name as a wildcard; use rclone",
        );
    }
    Ok(if text.ends_with('/') {
        text
    } else {
        format!("{text}/")
    })
}
