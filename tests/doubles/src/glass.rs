//! A store seen through a magnifying glass: its objects seem many times as large as they are. What a client does
//! with objects of hundreds of gigabytes can so be seen on a real store that holds a few megabytes.
//!
//! Sizes in heads and listings are multiplied on the way back, and the range of a part that the store is to copy is
//! divided on the way there, and signed anew. Bytes are left as they are: only what a store does by itself can
//! be seen this way.

use crate::backing::signature;
use crate::weir::{Fate, Passing, Weir};

const RANGE: &str = "x-amz-copy-source-range";

/// In front of the store at this address, which knows this secret.
pub fn magnified(store: &str, secret: &str, times: u64) -> Weir {
    let (weir, secret) = (Weir::before(store), secret.to_owned());
    weir.rule(move |asked| {
        if asked.header(RANGE).is_some() {
            let (before, head) = (asked.head.len(), smaller(asked, &secret, times));
            return Fate::Recast(Box::new(move |whole| {
                [head.as_bytes(), &whole[before..]].concat()
            }));
        }
        let is_head = asked.method == "HEAD";
        Fate::Alter(Box::new(move |answer| larger(&answer, is_head, times)))
    });
    weir
}

/// The head of a request for a part that is copied, as it has to be for what is really there.
fn smaller(asked: &Passing, secret: &str, times: u64) -> String {
    let range = asked.header(RANGE).expect("it has one");
    let bounds: Vec<u64> = range
        .trim_start_matches("bytes=")
        .split('-')
        .map(|bound| bound.parse().expect("a number"))
        .collect();
    let (start, end) = (bounds[0], bounds[1] + 1);
    assert!(
        start.is_multiple_of(times) && end.is_multiple_of(times),
        "{range} is not a range of what is really there"
    );
    let real = format!("bytes={}-{}", start / times, end / times - 1);
    let changed = Passing {
        head: asked.head.replace(range, &real),
        ..asked.clone()
    };
    let before = changed.header("authorization").expect("it is signed");
    let after = signed_anew(&changed, before, secret);
    changed.head.replace(before, &after)
}

/// The authorization for this head, in the scope and over the headers of the one it has.
fn signed_anew(asked: &Passing, authorization: &str, secret: &str) -> String {
    let field = |name: &str| {
        let (_, rest) = authorization.split_once(name).expect("Signature V4");
        rest.split([',', ' ']).next().unwrap_or_default()
    };
    let (credential, names) = (field("Credential="), field("SignedHeaders="));
    let (_, scope) = credential.split_once('/').expect("a scope");
    let value = |name: &str| asked.header(name).unwrap_or_default();
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let mut query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.contains('=') {
            true => pair.to_owned(),
            false => format!("{pair}="),
        })
        .collect();
    query.sort();
    let headers: Vec<String> = names
        .split(';')
        .map(|name| format!("{name}:{}\n", value(name)))
        .collect();
    let canonical = format!(
        "{}\n{path}\n{}\n{}\n{names}\n{}",
        asked.method,
        query.join("&"),
        headers.concat(),
        value("x-amz-content-sha256")
    );
    let (unsigned, _) = authorization.split_once("Signature=").expect("a signature");
    let signature = signature(secret, value("x-amz-date"), scope, &canonical);
    format!("{unsigned}Signature={signature}")
}

/// An answer with all sizes in it multiplied.
fn larger(answer: &[u8], to_head: bool, times: u64) -> Vec<u8> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return answer.to_vec();
    };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = &answer[end + 4..];
    let is_length = |line: &str| line.to_ascii_lowercase().starts_with("content-length:");
    let is_chunked = |line: &str| line.to_ascii_lowercase().starts_with("transfer-encoding:");
    if to_head {
        let lines = head.split("\r\n").map(|line| match line.split_once(':') {
            Some((name, length)) if is_length(line) => {
                format!("{name}: {}", multiplied(length.trim(), times))
            }
            _ => line.to_owned(),
        });
        let head: Vec<String> = lines.collect();
        return format!("{}\r\n\r\n", head.join("\r\n")).into_bytes();
    }
    let body = if head.split("\r\n").any(is_chunked) {
        unchunked(body)
    } else {
        body.to_vec()
    };
    let mut text = String::new();
    let whole = String::from_utf8_lossy(&body);
    let mut rest = &*whole;
    while let Some((before, after)) = rest.split_once("<Size>") {
        let (size, after) = after.split_once("</Size>").expect("an end");
        text += before;
        text += &format!("<Size>{}</Size>", multiplied(size, times));
        rest = after;
    }
    text += rest;
    let lines = head.split("\r\n");
    let kept: Vec<&str> = lines.filter(|l| !is_length(l) && !is_chunked(l)).collect();
    let length = text.len();
    format!(
        "{}\r\ncontent-length: {length}\r\n\r\n{text}",
        kept.join("\r\n")
    )
    .into_bytes()
}

fn multiplied(number: &str, times: u64) -> u64 {
    number.parse::<u64>().expect("a number") * times
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(line) = body.windows(2).position(|two| two == b"\r\n") {
        let length = String::from_utf8_lossy(&body[..line]);
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or_default();
        let Some(chunk) = body
            .get(line + 2..line + 2 + length)
            .filter(|c| !c.is_empty())
        else {
            break;
        };
        whole.extend_from_slice(chunk);
        body = body.get(line + 4 + length..).unwrap_or_default();
    }
    whole
}
