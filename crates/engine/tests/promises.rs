//! Holds docs/SEMANTICS.md and docs/SECURITY.md to their word.
//!
//! Every bullet there is quoted by a test, in comments right above it that begin with `Promise:`;
//! and every promise that a test quotes still stands in one of the documents, word for word.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 2] = ["docs/SEMANTICS.md", "docs/SECURITY.md"];
const WHERE_TESTS_ARE: [&str; 4] = ["crates", "src-tauri", "tests", "ui"];
const NOT_OURS: [&str; 4] = ["node_modules", "target", "dist", "gen"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The bullets of a document, each on one line.
fn bullets(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(first) = line.strip_prefix("- ") {
            found.push(first.trim().to_owned());
            open = true;
        } else if open && line.starts_with("  ") && !line.trim().is_empty() {
            let last = found.last_mut().expect("a bullet is open");
            last.push(' ');
            last.push_str(line.trim());
        } else {
            open = false;
        }
    }
    found
}

/// The promises quoted in a source file, each with the line that follows its comment.
fn quoted(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let comment = line
            .strip_prefix("//")
            .filter(|c| !c.starts_with(['/', '!']));
        match comment.map(str::trim) {
            Some(words) => match words.strip_prefix("Promise: ") {
                Some(first) => open.push(first.to_owned()),
                None => {
                    if let Some(last) = open.last_mut() {
                        last.push(' ');
                        last.push_str(words);
                    }
                }
            },
            // Attributes stand between a comment and its function.
            None if line.starts_with("#[") => {}
            None => found.extend(open.drain(..).map(|promise| (promise, line.to_owned()))),
        }
    }
    found.extend(open.into_iter().map(|promise| (promise, String::new())));
    found
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = WHERE_TESTS_ARE.iter().map(|f| root().join(f)).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("lists").flatten() {
            let (path, name) = (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            );
            if path.is_dir() {
                if !NOT_OURS.contains(&name.as_str()) && !name.starts_with('.') {
                    open.push(path);
                }
            } else if [".rs", ".ts", ".mjs"].iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.retain(|path| !path.ends_with("crates/engine/tests/promises.rs"));
    found
}

/// What begins a test, or a part of one, in Rust and in the window's tests.
fn begins_a_test(line: &str) -> bool {
    ["fn ", "test(", "windowTest(", "it(", "step(", "describe("]
        .iter()
        .any(|word| line.contains(word))
}

#[test]
fn every_promise_is_tested_and_every_tested_promise_is_made() {
    let mut made = BTreeSet::new();
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root().join(document)).expect("is there");
        let bullets = bullets(&text);
        assert!(
            bullets.len() > 20,
            "{document} has its bullets: {bullets:?}"
        );
        for bullet in bullets {
            assert!(
                bullet.ends_with('.'),
                "{document}: “{bullet}” is a sentence"
            );
            made.insert(bullet);
        }
    }
    let mut tested: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("is text");
        let shown = path
            .strip_prefix(root())
            .expect("is inside")
            .display()
            .to_string();
        for (promise, below) in quoted(&text) {
            assert!(
                begins_a_test(&below),
                "{shown}: “{promise}” is not right above a test but above “{below}”"
            );
            let has_tests = [".test.ts", ".mjs"].iter().any(|e| shown.ends_with(e))
                || text.contains("::test")
                || text.contains("#[test]")
                // Run by the tests of every store.
                || shown == "crates/store/tests/conformance/mod.rs";
            assert!(has_tests, "{shown} quotes a promise and has no tests");
            tested.entry(promise).or_default().push(shown.clone());
        }
    }
    let untested: Vec<&String> = made.iter().filter(|p| !tested.contains_key(*p)).collect();
    let unmade: Vec<_> = tested.iter().filter(|(p, _)| !made.contains(*p)).collect();
    assert!(
        untested.is_empty(),
        "promised, and quoted by no test:\n{untested:#?}"
    );
    assert!(
        unmade.is_empty(),
        "quoted by tests, and in no document:\n{unmade:#?}"
    );
}

#[test]
fn bullets_and_quotes_are_read_as_people_read_them() {
    let text = "# T\n\n- One thing, which\n  goes on.\n- Two.\n\n*Background.* Not\n  this.\n";
    assert_eq!(bullets(text), ["One thing, which goes on.", "Two."]);
    let source = "    // Promise: One thing, which\n    // goes on.\n    // Promise: Two.\n    #[test]\n    fn x() {}\n// other\nfn y() {}";
    let found = quoted(source);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(p, l)| (p.as_str(), l.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("One thing, which goes on.", "fn x() {}"),
            ("Two.", "fn x() {}")
        ]
    );
}
