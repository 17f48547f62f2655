//! Following a job on the terminal, and what it came to.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_engine::problem::{About, from_file_error};
use wherry_transfer::{FileState, Job, JobSnapshot, JobState};

use crate::outcome::{Answer, INTERRUPTED, PARTIAL};
use crate::print;
use crate::session::Session;

const TICK: Duration = Duration::from_millis(100);
/// Rows looked at at once, so that a job of a million files is not copied.
const ROWS: usize = 1000;

/// Waits for a job to end, showing how it goes; Ctrl-C stops it, and it cleans up behind itself.
pub async fn follow(session: &Session, job: &Job, about: &About) -> Answer<ExitCode> {
    let bar = bar(session, job);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut stopped = false;
    let end = loop {
        tokio::select! {
            end = job.wait() => break end,
            _ = &mut interrupted, if !stopped => {
                stopped = true;
                job.cancel();
            }
            () = tokio::time::sleep(TICK) => {
                let now = job.snapshot();
                bar.set_length(if now.bytes_total > 0 { now.bytes_total } else { now.files_total });
                bar.set_position(if now.bytes_total > 0 { now.bytes_done } else { now.files_done });
                bar.set_message(now.current.as_deref().map(visible).unwrap_or_default());
            }
        }
    };
    bar.finish_and_clear();
    report(session, job, &end, about);
    if stopped {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    match (end.state, &end.problem) {
        (_, Some(error)) => Err(from_file_error(error, about)),
        (JobState::Done, None) => Ok(ExitCode::SUCCESS),
        (JobState::Partial, None) => Ok(ExitCode::from(PARTIAL)),
        _ => Ok(ExitCode::FAILURE),
    }
}

fn bar(session: &Session, job: &Job) -> ProgressBar {
    let options = &session.options;
    if options.json || options.no_progress || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let now = job.snapshot();
    let template = if now.bytes_total > 0 {
        "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}  {wide_msg}"
    } else {
        "{bar:30} {pos}/{len}  {wide_msg}"
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(now.bytes_total.max(now.files_total)).with_style(style)
}

/// With `--json` a line a file; else the files that failed, and one line in the end.
fn report(session: &Session, job: &Job, end: &JobSnapshot, about: &About) {
    let json_wanted = session.options.json;
    let only_failed = !json_wanted;
    let total = job.file_count(only_failed);
    for from in (0..total).step_by(ROWS) {
        for row in job.files(from..(from + ROWS).min(total), only_failed) {
            let problem: Option<Problem> = row.error.as_ref().map(|e| from_file_error(e, about));
            if json_wanted {
                let state = match row.state {
                    FileState::Done => "done",
                    FileState::Skipped => "skipped",
                    FileState::Failed => "failed",
                    FileState::Waiting | FileState::Running | FileState::Cancelled => "cancelled",
                };
                print::line(
                    &json!({ "name": row.name, "size": row.bytes_total, "state": state, "problem": problem }),
                );
            } else if let Some(problem) = problem {
                eprintln!("{}: {}", visible(&row.name), problem.what);
            }
        }
    }
    if !json_wanted {
        let mut words = format!("{} of {} done", end.files_done, end.files_total);
        if end.files_skipped > 0 {
            words += &format!(", {} skipped", end.files_skipped);
        }
        if end.files_failed > 0 {
            words += &format!(", {} failed", end.files_failed);
        }
        if end.bytes_done > 0 {
            words += &format!(", {}", print::size(end.bytes_done));
        }
        eprintln!("{words}");
    }
}
