//! rclone: `copy`, `copyto` and `sync`, with its remotes in variables (rclone.org/docs, /s3,
//! /filtering).

use super::quote::{ShellLine, export};
use super::{Cannot, Errand, KeyThere, Spot, StoreThere, Work};
use crate::litter;
use crate::plan::Compare;
use crate::plan::filter::Pattern;
use wherry_account::{Addressing, Signing};

pub fn command(errand: &Errand, notes: &mut Vec<String>) -> Result<String, Cannot> {
    let spec = errand.filter.spec();
    let facts = spec.min_size.is_some()
        || spec.max_size.is_some()
        || spec.since.is_some()
        || spec.until.is_some();
    if facts && matches!(errand.work, Work::Sync { delete: true, .. }) {
        return Err(Cannot(
            "rclone would delete at the destination what a size or a time leaves out at the source; sync without --delete, or without these filters"
                .into(),
        ));
    }
    let mut text = String::new();
    for store in errand.stores() {
        text.push_str(&remote(store));
    }
    let verb = match errand.work {
        Work::One { .. } => "copyto",
        Work::Copy { .. } | Work::Sync { delete: false, .. } => "copy",
        Work::Sync { delete: true, .. } => "sync",
    };
    let mut command = ShellLine::new("rclone").and(verb).line(&["--fast-list"]);
    match errand.work {
        Work::One { no_clobber } | Work::Copy { no_clobber } => {
            if no_clobber {
                command = command.line(&["--ignore-existing"]);
            }
        }
        Work::Sync { compare, .. } => command = comparing(command, compare, errand, notes),
    }
    // Times that any store has: rclone's own are in metadata that others do not write.
    let server_time = match errand.work {
        Work::Sync { .. } => true,
        Work::One { .. } | Work::Copy { .. } => spec.since.is_some() || spec.until.is_some(),
    };
    if server_time && !errand.uploads() || matches!(errand.work, Work::Sync { .. }) {
        command = command.line(&["--use-server-modtime"]);
    }
    for rule in rules(errand) {
        command = command.line(&["--filter", &rule]);
    }
    if let Some(size) = spec.min_size {
        command = command.line(&["--min-size", &format!("{size}B")]);
    }
    if let Some(size) = spec.max_size {
        command = command.line(&["--max-size", &format!("{size}B")]);
    }
    let moment =
        |t: chrono::DateTime<chrono::Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    if let Some(since) = spec.since {
        command = command.line(&["--max-age", &moment(since)]);
    }
    if let Some(until) = spec.until {
        command = command.line(&["--min-age", &moment(until)]);
    }
    command = command.line(&["--stats-one-line", "--stats", "1m"]).line(&[
        "--",
        &place(&errand.from)?,
        &place(&errand.to)?,
    ]);
    text.push_str(&command.done());
    text.push('\n');
    Ok(text)
}

fn comparing(
    command: ShellLine,
    compare: Compare,
    errand: &Errand,
    notes: &mut Vec<String>,
) -> ShellLine {
    match compare {
        Compare::Size => command.line(&["--size-only"]),
        Compare::Checksum => command.line(&["--checksum"]),
        // A downloaded file has its object's time.
        Compare::Time if matches!(errand.to, Spot::Path(_)) => {
            command.line(&["--modify-window", "2s"])
        }
        Compare::Time => {
            notes.push(
                "What is newer at the destination is left alone by rclone, also when its size is another; Wherry replaces it then."
                    .into(),
            );
            command.line(&["--update"])
        }
    }
}

/// rclone takes the first rule that fits.
fn rules(errand: &Errand) -> Vec<String> {
    let mut rules = Vec::new();
    for pattern in errand.filter.exclude() {
        rules.extend(rule('-', pattern));
    }
    if errand.leaves_litter() {
        rules.push(format!("- /{{{{{}}}}}", litter::EXPRESSION));
    }
    for pattern in errand.filter.include() {
        rules.extend(rule('+', pattern));
    }
    if !errand.filter.include().is_empty() {
        rules.push("- **".into());
    }
    rules
}

/// As it was typed where it means the same to rclone; else as the expression it stands for. `.` of
/// rclone's `**` does not fit a line break, hence the flag.
fn rule(sign: char, pattern: &Pattern) -> Vec<String> {
    const ALL: &str = "{{(?s).*}}";
    let text = pattern.text();
    let same = |c: char| c.is_alphanumeric() || " _-.~/*?=@#%".contains(c);
    let simple = text.chars().all(same)
        && !text.contains("**")
        && !text.contains("//")
        && !text.ends_with(' ');
    if !simple {
        let expression = pattern
            .expression()
            .trim_start_matches("(?s)^")
            .trim_end_matches('$');
        return vec![format!("{sign} /{{{{(?s){expression}}}}}")];
    }
    match text.strip_suffix('/') {
        Some(folder) => vec![format!("{sign} {folder}/{ALL}")],
        None => vec![format!("{sign} {text}"), format!("{sign} {text}/{ALL}")],
    }
}

/// A remote without a file: rclone reads it from variables of its name.
fn remote(store: &StoreThere) -> String {
    let name = store.name.to_ascii_uppercase();
    let mut text = String::new();
    let mut set = |key: &str, value: &str| {
        text.push_str(&export(&format!("RCLONE_CONFIG_{name}_{key}"), value));
    };
    set("TYPE", "s3");
    set("PROVIDER", if store.is_amazon() { "AWS" } else { "Other" });
    match &store.key {
        KeyThere::Profile(profile) => {
            set("ENV_AUTH", "true");
            set("PROFILE", profile);
        }
        KeyThere::Environment => set("ENV_AUTH", "true"),
        KeyThere::None => {}
    }
    set("ENDPOINT", store.endpoint());
    set("REGION", &store.region);
    let path_style = store.addressing == Addressing::Path;
    set(
        "FORCE_PATH_STYLE",
        if path_style { "true" } else { "false" },
    );
    if store.signing == Signing::V2 {
        set("V2_AUTH", "true");
    }
    set("LIST_VERSION", if store.lists_v1() { "1" } else { "2" });
    if let Some(encoded) = store.quirks.list_url_encoding {
        set("LIST_URL_ENCODE", &encoded.to_string());
    }
    if let Some(size) = store.quirks.parts.large_size {
        set("CHUNK_SIZE", &format!("{}Mi", size >> 20));
    }
    // Keys that may not list or make buckets are common, and the bucket is there.
    set("NO_CHECK_BUCKET", "true");
    text
}

fn place(spot: &Spot) -> Result<String, Cannot> {
    match spot {
        // A name with a colon in it would be taken for a remote.
        Spot::Path(path) if path.contains(':') && !path.starts_with(['/', '.']) => {
            Ok(format!("./{path}"))
        }
        Spot::Path(path) => Ok(path.clone()),
        Spot::Store { store, bucket, key } => {
            let odd = |c: &str| c.is_empty() || c == "." || c == "..";
            let plain = key.strip_suffix('/').unwrap_or(key);
            if !plain.is_empty() && plain.split('/').any(odd) {
                return Err(Cannot(format!(
                    "rclone reads “{}” as a path and would change it",
                    key.escape_debug()
                )));
            }
            Ok(format!("{}:{bucket}/{key}", store.name))
        }
    }
}
