//! The binary, as tests in other languages use it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Tells a double each line, and returns what it said to each; then ends its input and waits for its end.
fn talk(kind: &str, lines: &[Value]) -> Vec<Value> {
    let mut double = Command::new(env!("CARGO_BIN_EXE_wherry-doubles"))
        .arg(kind)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = double.stdin.take().expect("is piped");
    let mut output = BufReader::new(double.stdout.take().expect("is piped")).lines();
    let said = lines
        .iter()
        .map(|line| {
            writeln!(input, "{line}").expect("it listens");
            let line = output.next().expect("it answers").expect("is text");
            serde_json::from_str(&line).expect("is JSON")
        })
        .collect();
    drop(input);
    assert!(double.wait().expect("it ends").success());
    said
}

#[test]
fn a_portal_says_where_it_is_and_does_what_it_is_told() {
    let said = talk(
        "jasmin",
        &[
            json!({"cookie_for_plain_http": true}),
            json!({"do": "session", "user": "jdoe"}),
            json!({"do": "keys"}),
            json!({"do": "full", "status": 507}),
            json!({"do": "end-sessions"}),
            json!({"do": "asked"}),
            json!({"do": "somersaults"}),
        ],
    );
    let url = said[0]["url"].as_str().expect("an address");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_ne!(said[0]["institution_url"], said[0]["url"]);
    assert_eq!(said[0]["people"][0]["name"], "jdoe");
    let store = said[0]["store_url"].as_str().expect("an address");
    let location = said[0]["tenancies"][0]["location"]
        .as_str()
        .expect("a host");
    assert_eq!(store, format!("http://{location}"));
    assert!(
        said[1]["cookie"]
            .as_str()
            .expect("a cookie")
            .starts_with("session=")
    );
    assert_eq!(said[2], json!({"keys": []}));
    assert_eq!((&said[3], &said[4]), (&json!({}), &json!({})));
    assert_eq!(said[5], json!({"asked": []}));
    assert!(
        said[6]["error"]
            .as_str()
            .expect("words")
            .contains("somersaults")
    );
}

#[test]
fn what_it_does_not_know_it_refuses() {
    for (kind, options) in [("nothing", "{}"), ("swarm", "{\"rwg\": 1}"), ("swarm", "")] {
        let mut double = Command::new(env!("CARGO_BIN_EXE_wherry-doubles"))
            .arg(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut input = double.stdin.take().expect("is piped");
        writeln!(input, "{options}").expect("it listens");
        drop(input);
        let done = double.wait_with_output().expect("it ends");
        assert_eq!(done.status.code(), Some(2), "{kind} {options}");
        assert!(done.stdout.is_empty() && done.stderr.starts_with(b"wherry-doubles: "));
    }
}
