//! Starts one double for a test in another language: `wherry-doubles KIND`.
//!
//! Its first line of input is a JSON object of options, its first line of output one that says where it is and
//! who lives there. It runs until its input ends, so a test that is killed leaves nothing behind.

use std::io::{BufRead as _, Read as _, Write as _};

use serde::Deserialize;
use serde_json::Value;

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line).expect("input is readable");
    let (about, _running) = match start(&kind, &line) {
        Ok(started) => started,
        Err(why) => {
            eprintln!("wherry-doubles: {why}");
            std::process::exit(2);
        }
    };
    println!("{about}");
    std::io::stdout().flush().expect("output is writable");
    // Until it ends.
    let _ = input.read_to_end(&mut Vec::new());
}

/// Starts a double of this kind: what to say about it, and what to hold on to.
fn start(kind: &str, options: &str) -> Result<(Value, Box<dyn std::any::Any>), String> {
    let _: Value = read(options)?;
    Err(format!("there is no double “{kind}”"))
}

fn read<T: for<'de> Deserialize<'de>>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| format!("the options: {error}"))
}
