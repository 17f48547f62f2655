//! The log file: one a day, seven kept, with what must not be in it taken out.
//!
//! Secrets have no way into a log by their types. What could still slip through are addresses that
//! carry a signature (presigned URLs, as some library prints them), so that every line passes
//! [`redact`] on its way to the file.

use std::io::{self, Write};
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Query parameters and headers whose values sign or authorise something.
const TELLING: &[&str] = &[
    "X-Amz-Signature=",
    "X-Amz-Security-Token=",
    "X-Amz-Credential=",
    "AWSAccessKeyId=",
    "Signature=",
    "authorization: ",
    "x-auth-token: ",
    "x-subject-token: ",
    "cookie: ",
    "password=",
];

/// Starts logging to `folder`. Writing stops when the guard is dropped; nothing is logged when the
/// folder cannot be used, as Wherry works without a log.
pub fn start(folder: &Path) -> Option<WorkerGuard> {
    std::fs::create_dir_all(folder).ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("wherry")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let wanted = EnvFilter::try_from_env("WHERRY_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,wherry=info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Redacting(writer))
        .with_filter(wanted.and(filter_fn(|about| !quotes(about.target()))));
    tracing_subscriber::registry().with(lines).try_init().ok()?;
    Some(guard)
}

/// Whether it is a parser that tells every word it reads: a portal's page has a new key's secret in it. No
/// wish for more in the log changes that.
fn quotes(target: &str) -> bool {
    let by = target.split("::").next().unwrap_or(target);
    ["html5ever", "markup5ever", "selectors", "scraper"].contains(&by)
}

struct Redacting<W>(W);

struct Line<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

impl<W: Write> Write for Line<W> {
    // The formatter hands over whole events, so that no secret is split between two calls.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = redact(&String::from_utf8_lossy(bytes));
        self.0.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Replaces the values of what signs or authorises.
pub fn redact(text: &str) -> String {
    let mut out = text.to_owned();
    for name in TELLING {
        let mut from = 0;
        while let Some(at) = find_ignoring_case(&out, name, from) {
            let start = at + name.len();
            let one_word = name.ends_with('=');
            let length = out[start..]
                .find(|c: char| {
                    matches!(c, '&' | '"' | '\'' | '\n' | '\r') || (one_word && c.is_whitespace())
                })
                .unwrap_or(out.len() - start);
            out.replace_range(start..start + length, "[redacted]");
            from = start + "[redacted]".len();
        }
    }
    out
}

fn find_ignoring_case(text: &str, what: &str, from: usize) -> Option<usize> {
    let (text, what) = (text.as_bytes(), what.as_bytes());
    (from..text.len().saturating_sub(what.len() - 1))
        .find(|&i| text[i..i + what.len()].eq_ignore_ascii_case(what))
}

#[cfg(test)]
mod tests {
    use super::redact;

    // Promise: In every line of the log, what signs or authorises is replaced before the line is
    // written.
    #[test]
    fn signed_addresses_lose_what_signs_them() {
        let line = "GET https://h/b/k?X-Amz-Credential=AK%2Fx&X-Amz-Signature=abc123&x=1 Authorization: AWS4 Credential=AK, Signature=ff\nnext";
        let clean = redact(line);
        assert!(
            !clean.contains("abc123") && !clean.contains("AK"),
            "{clean}"
        );
        assert!(
            clean.contains("x=1") && clean.ends_with("\nnext"),
            "{clean}"
        );
    }

    #[test]
    fn other_text_is_left_alone() {
        let line = "päckchen Signature without a value, ünïcode";
        assert_eq!(redact(line), line);
    }
}
