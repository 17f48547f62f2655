//! Starts one double for a test in another language: `wherry-doubles KIND`.
//!
//! Its first line of input is a JSON object of options, its first line of output one that says where it is and
//! who lives there. Every further line of input is a JSON object with something to `do`, answered by a line.
//! It runs until its input ends, so a test that is killed leaves nothing behind.

mod kinds;

use std::io::{BufRead as _, Write as _};

use serde_json::{Value, json};

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut lines = std::io::stdin()
        .lock()
        .lines()
        .map(|line| line.expect("input is readable"));
    let options = lines.next().unwrap_or_default();
    let running = match kinds::start(&kind, &options) {
        Ok(running) => running,
        Err(why) => {
            eprintln!("wherry-doubles: {why}");
            std::process::exit(2);
        }
    };
    say(&running.about);
    for line in lines {
        let done = serde_json::from_str(&line)
            .map_err(|error| error.to_string())
            .and_then(|deed: Value| (running.on_deed)(&deed));
        say(&done.unwrap_or_else(|why| json!({"error": why})));
    }
}

fn say(line: &Value) {
    println!("{line}");
    std::io::stdout().flush().expect("output is writable");
}
