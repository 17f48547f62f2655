//! What is printed, for people or for programs.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;

use crate::failure::Failure;

pub struct Output {
    pub json: bool,
    quiet: bool,
}

impl Output {
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// A result: an object for programs, or else a line for people. Keys in the line have to be
    /// made visible by the caller.
    pub fn result(&self, value: &impl Serialize, line: impl FnOnce() -> String) {
        let mut out = io::stdout().lock();
        let written = if self.json {
            serde_json::to_writer(&mut out, value)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
        } else {
            writeln!(out, "{}", line())
        };
        if written.is_err() {
            // Whoever reads has stopped: `wherry-cli ls … | head`.
            std::process::exit(0);
        }
    }

    /// A remark for people.
    pub fn remark(&self, words: &str) {
        if !self.quiet && !self.json {
            eprintln!("{words}");
        }
    }

    /// Something that was not done, or not quite: said also when quiet, as it changes the exit code.
    pub fn warning(&self, name: &str, words: &str) {
        if self.json {
            let warning = Warning {
                event: "warning",
                name,
                words,
            };
            self.result(&warning, String::new);
        } else {
            eprintln!("{}: {words}", visible(name));
        }
    }

    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let error = Failed {
                event: "error",
                name: None,
                problem: &failure.problem,
            };
            self.result(&error, String::new);
        }
        eprintln!("wherry-cli: {}", sentence(&failure.problem));
    }

    /// One file of many.
    pub fn failed_file(&self, name: &str, problem: &Problem) {
        if self.json {
            self.result(
                &Failed {
                    event: "failed",
                    name: Some(name),
                    problem,
                },
                String::new,
            );
        } else {
            eprintln!("{}: {}", visible(name), sentence(problem));
        }
    }

    /// Whether bars are drawn: somebody is looking.
    pub fn draws(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }
}

#[derive(Serialize)]
struct Warning<'a> {
    event: &'static str,
    name: &'a str,
    words: &'a str,
}

#[derive(Serialize)]
struct Failed<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    problem: &'a Problem,
}

fn sentence(problem: &Problem) -> String {
    let mut words = format!("{} {}", problem.what, problem.todo);
    let context: Vec<String> = problem
        .context
        .iter()
        .map(|(k, v)| format!("{k}: {}", visible(v)))
        .collect();
    if !context.is_empty() {
        words.push_str(&format!(" ({})", context.join(", ")));
    }
    words
}

/// 1024-based.
pub fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// "1 file", "2 files".
pub fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}
