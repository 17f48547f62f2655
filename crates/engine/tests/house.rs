//! Rules about the tree itself: who may depend on what, what the window may do, what nobody does.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Sources below a folder, with their text.
fn sources(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("lists").flatten() {
            let (path, name) = (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            );
            if path.is_dir() && !["node_modules", "dist", "target"].contains(&name.as_str()) {
                folders.push(path);
            } else if endings.iter().any(|e| name.ends_with(e)) {
                let shown = path
                    .strip_prefix(root())
                    .expect("is inside")
                    .display()
                    .to_string();
                found.push((shown, std::fs::read_to_string(&path).expect("reads")));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no such files");
    found
}

/// Files of these that have any of the words.
fn with(sources: &[(String, String)], words: &[&str]) -> BTreeSet<String> {
    let has = |text: &str| words.iter().any(|w| text.contains(w));
    sources
        .iter()
        .filter(|(_, text)| has(text))
        .map(|(path, _)| path.clone())
        .collect()
}

// Promise: Nothing under `crates/` depends on Tauri, and no crate may use `unsafe` code.
#[test]
fn nothing_under_crates_depends_on_tauri() {
    // For this computer: what other systems need is not there without a network.
    let about = Command::new("rustc").arg("-vV").output().expect("runs");
    let about = String::from_utf8(about.stdout).expect("is text");
    let host = about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("says what it is for");
    let done = Command::new(env!("CARGO"))
        .args(["metadata", "--filter-platform", host])
        .args([
            "--format-version",
            "1",
            "--offline",
            "--locked",
            "--all-features",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let metadata: Value = serde_json::from_slice(&done.stdout).expect("is JSON");
    let nodes = metadata["resolve"]["nodes"].as_array().expect("has nodes");
    let dependencies: HashMap<&str, Vec<&str>> = nodes
        .iter()
        .map(|n| {
            let list = n["dependencies"].as_array().expect("has a list");
            (
                n["id"].as_str().expect("has an id"),
                list.iter().filter_map(Value::as_str).collect(),
            )
        })
        .collect();
    let packages = metadata["packages"].as_array().expect("has packages");
    let name = |id: &str| {
        packages
            .iter()
            .find(|p| p["id"] == id)
            .and_then(|p| p["name"].as_str())
            .expect("has a name")
    };
    let ours: Vec<&str> = packages
        .iter()
        .filter(|p| {
            p["manifest_path"]
                .as_str()
                .is_some_and(|m| m.contains("/crates/") && !m.contains("/registry/"))
        })
        .filter_map(|p| p["id"].as_str())
        .collect();
    assert!(ours.len() >= 8, "{ours:?}");
    let (mut seen, mut open) = (BTreeSet::new(), ours);
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(&dependencies[id]);
        }
    }
    let names: BTreeSet<&str> = seen.into_iter().map(name).collect();
    assert!(
        names.contains("wherry-engine") && names.contains("tokio"),
        "the graph was followed"
    );
    let windows = |n: &&&str| n.starts_with("tauri") || ["wry", "tao", "gtk", "wherry"].contains(n);
    assert_eq!(names.iter().filter(windows).count(), 0, "{names:?}");
}

// Promise: The window's pages come from inside the app: no remote origin, no inline script and no
// inline style.
#[test]
fn the_windows_pages_come_from_the_app_and_nowhere_else() {
    let conf = json("tauri.conf.json");
    let policy = conf["app"]["security"]["csp"]
        .as_str()
        .expect("has a policy");
    let mut seen = BTreeSet::new();
    for directive in policy.split(';') {
        let mut words = directive.split_whitespace();
        let name = words.next().expect("has a name");
        seen.insert(name);
        for source in words {
            let inside = ["'none'", "'self'"].contains(&source)
                || (name == "img-src" && source == "data:")
                || (name == "connect-src" && ["ipc:", "http://ipc.localhost"].contains(&source));
            assert!(inside, "{name} allows {source}");
        }
    }
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    let needed = [
        "base-uri",
        "connect-src",
        "form-action",
        "frame-ancestors",
        "script-src",
        "style-src",
    ];
    assert!(needed.iter().all(|n| seen.contains(n)), "{seen:?}");
    assert!(conf["app"]["security"]["dangerousDisableAssetCspModification"].is_null());
    let page = read("ui/index.html");
    assert!(
        !page.contains("http://") && !page.contains("https://") && !page.contains("style="),
        "{page}"
    );
}

// Promise: The window may give Wherry's own commands and hear its events, and nothing else.
#[test]
fn the_window_may_give_commands_and_hear_events_and_nothing_else() {
    let conf = json("tauri.conf.json");
    assert_eq!(conf["app"]["withGlobalTauri"], false);
    assert_eq!(
        conf["app"]["security"]["capabilities"],
        serde_json::json!(["main"])
    );
    let files: Vec<PathBuf> = std::fs::read_dir(root().join("capabilities"))
        .expect("lists")
        .flatten()
        .map(|e| e.path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let main = json("capabilities/main.json");
    assert_eq!(main["windows"], serde_json::json!(["main"]));
    assert!(main["remote"].is_null());
    let may: BTreeSet<&str> = main["permissions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        may,
        [
            "allow-call",
            "allow-events",
            "core:event:allow-listen",
            "core:event:allow-unlisten"
        ]
        .into()
    );
    let shell = read("src-tauri/lib.rs");
    assert!(
        shell.contains("generate_handler![commands::call, commands::events]"),
        "only these two are commands"
    );
    assert!(
        !read("Cargo.toml").contains("\"devtools\""),
        "the release has no developer tools"
    );
}

// Promise: One folder of the interface can reach the app, and no part of it inserts markup made
// from text.
#[test]
fn one_folder_of_the_interface_knows_tauri_and_none_inserts_markup() {
    let mut ui = sources("ui/src", &[".ts", ".svelte", ".js"]);
    ui.retain(|(path, _)| !path.contains(".test."));
    let tauri = with(&ui, &["@tauri-apps", "__TAURI"]);
    assert!(
        !tauri.is_empty() && tauri.iter().all(|p| p.starts_with("ui/src/lib/backend/")),
        "{tauri:?}"
    );
    let markup = [
        "{@html",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "srcdoc",
    ];
    assert_eq!(with(&ui, &markup), BTreeSet::new());
    let code = ["eval(", "new Function(", "javascript:"];
    assert_eq!(with(&ui, &code), BTreeSet::new());
}

// Promise: Nothing can switch the checking of certificates off.
#[test]
fn connections_are_made_in_one_place_which_cannot_be_told_to_trust_everybody() {
    let mut rust = sources("crates", &[".rs"]);
    rust.extend(sources("src-tauri", &[".rs"]));
    rust.retain(|(path, _)| !path.contains("/tests/"));
    let trusting = [
        "danger_accept_invalid",
        "accept_invalid_certs",
        "ServerCertVerified::assertion",
        "verify_none",
    ];
    assert_eq!(with(&rust, &trusting), BTreeSet::new());
    // Redirect policy, proxy and trust are settled where clients are made.
    let makers = with(
        &rust,
        &["Client::builder(", "Client::new(", "ClientConfig::builder"],
    );
    assert!(
        makers.iter().all(|p| p.starts_with("crates/store/src/")),
        "{makers:?}"
    );
    let http = read("crates/store/src/http.rs");
    assert!(http.contains("redirect(reqwest::redirect::Policy::none())"));
    // Nothing runs a program with words that came from outside.
    for (_, text) in &mut rust {
        let own = text.find("#[cfg(test)]").unwrap_or(text.len());
        text.truncate(own);
    }
    let programs = with(&rust, &["process::Command", "Command::new("]);
    assert_eq!(programs, BTreeSet::new());
}

#[test]
fn every_crate_forbids_unsafe_code() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    let manifests = sources("crates", &["Cargo.toml"]);
    assert_eq!(
        with(&manifests, &["[lints]\nworkspace = true"]).len(),
        manifests.len()
    );
}

// Promise: Nothing is uploaded, downloaded, renamed or deleted but by a plan.
#[test]
fn only_jobs_that_began_as_a_plan_touch_objects() {
    let engine = sources("crates/engine/src", &[".rs"]);
    // A plan that was kept becomes a job of the journal in one place, such a job runs from another,
    // and what is not written down is begun in a third.
    for (words, place) in [
        (
            &[
                ".add_upload(",
                ".add_download(",
                ".add_copy(",
                ".add_delete(",
                ".add_sync(",
            ][..],
            "start.rs",
        ),
        (&["Job::resume("][..], "written.rs"),
        (
            &[
                "Job::upload(",
                "Job::download(",
                "Job::delete(",
                "Job::copy(",
                "Job::copy_between(",
                "Job::sync(",
            ][..],
            "held.rs",
        ),
    ] {
        let there = format!("crates/engine/src/jobs/{place}");
        assert_eq!(with(&engine, words), [there].into());
    }
    let kept = read("crates/engine/src/jobs/start.rs");
    assert_eq!(
        kept.matches("take_plan(").count(),
        2,
        "what is run was a plan that was kept, and is taken away by that"
    );
    // Past the plans there is the making of an empty folder, which looks first, and nothing else.
    let direct = [
        "store.put(",
        "store.delete(",
        "store.copy(",
        ".copy_part(",
        ".complete_upload(",
        ".upload_part(",
    ];
    assert_eq!(
        with(&engine, &direct),
        ["crates/engine/src/browse.rs".to_owned()].into()
    );
}

// Promise: Help opens only pages that Wherry itself names, over https.
#[test]
fn help_opens_public_pages_over_https_only() {
    let pages: Vec<&str> = wherry_engine::help_pages().collect();
    assert!(
        pages.len() > 5 && pages.iter().all(|p| p.starts_with("https://")),
        "{pages:?}"
    );
}

/// What a document points at, relative to its folder.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for begin in ["](", "src=\"", "srcset=\""] {
        for (at, _) in text.match_indices(begin) {
            let rest = &text[at + begin.len()..];
            let end = rest.find([')', '"', '#']).unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
        }
    }
    found.retain(|link| !link.is_empty() && !link.starts_with("http"));
    found
}

#[test]
fn documents_point_at_what_is_there() {
    let mut documents = sources("docs", &[".md"]);
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "tests/testbed/README.md",
        "bench/README.md",
    ] {
        documents.push((name.to_owned(), read(name)));
    }
    for (document, text) in &documents {
        let folder = root()
            .join(document)
            .parent()
            .expect("is in a folder")
            .to_owned();
        for link in links(text) {
            let target = folder.join(&link);
            assert!(target.exists(), "{document} points at {link}");
            if Path::new(&link).extension().is_some_and(|e| e == "png") {
                let size = target.metadata().expect("is there").len();
                assert!(size < 150_000, "{link} has {size} bytes");
            }
        }
    }
    let readme = read("README.md");
    assert!(links(&readme).len() > 8, "{:?}", links(&readme));
    // The two commands, and every folder that is explained.
    let makefile = read("Makefile");
    assert!(makefile.contains("\nrun:") && makefile.contains("\ntest:"));
    let folders = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("/` |"));
    for (folder, _) in folders {
        assert!(
            root().join(folder).is_dir(),
            "{folder} is explained and not there"
        );
    }
}

#[test]
fn the_example_of_a_preset_is_one() {
    let text = read("docs/ADDING-A-PROVIDER.md");
    let example = text
        .split("```toml\n")
        .nth(1)
        .and_then(|t| t.split("```").next())
        .expect("has an example");
    let preset = wherry_account::Provider::parse("example", example).expect("is valid");
    assert_eq!((preset.fields.len(), preset.endpoints.len()), (1, 1));
    assert_eq!(preset.quirks.parts.large_size, Some(200 << 20));
}
