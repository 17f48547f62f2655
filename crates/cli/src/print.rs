//! What goes to standard output, and problems to standard error.

use std::io::Write;

use serde_json::{Value, json};
use wherry_engine::contract::Problem;

/// One JSON object. A closed pipe (`| head`) is no reason to complain.
pub fn line(value: &Value) {
    text(&value.to_string());
}

pub fn text(line: &str) {
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}

pub fn problem(problem: &Problem, as_json: bool) {
    if as_json {
        let value = json!({ "problem": problem });
        let _ = writeln!(std::io::stderr().lock(), "{value}");
        return;
    }
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{}", problem.what);
    if !problem.todo.is_empty() {
        let _ = writeln!(out, "{}", problem.todo);
    }
    for (label, value) in &problem.context {
        let _ = writeln!(out, "  {label}: {value}");
    }
}

/// `1234567` as `1.2 MiB`.
pub fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}
