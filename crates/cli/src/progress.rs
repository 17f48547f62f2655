//! A job on the terminal: a bar while it runs, Ctrl-C to stop it, a report at its end.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_transfer::{FileError, FileState, Job, JobSnapshot, JobState, Watch};

use crate::failure::{Exit, Failure};
use crate::output::{Output, count, size};

const TICK: Duration = Duration::from_millis(120);

/// Failed files named one by one; the rest are counted.
const NAMED: usize = 1000;

#[derive(Serialize)]
struct Summary<'a> {
    event: &'static str,
    state: &'a str,
    files_total: u64,
    files_done: u64,
    files_failed: u64,
    files_skipped: u64,
    /// Of those that are done.
    files_deleted: u64,
    bytes_done: u64,
    seconds: f64,
}

/// What a job does, for words: "copied", "deleted".
#[derive(Clone, Copy)]
pub struct Verb {
    pub done: &'static str,
    /// Its size says something.
    pub bytes: bool,
}

/// A planning that takes less says nothing.
const SOON: Duration = Duration::from_millis(500);

/// Says on a terminal how much a planning has looked at, until it is dropped.
pub struct Looking(Option<ProgressBar>);

impl Looking {
    pub fn begin(output: &Output) -> (Self, Watch) {
        if !output.draws() {
            return (Self(None), Watch::default());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let (shown, begun) = (bar.clone(), Instant::now());
        let watch = Watch::telling(move |files, _| {
            if begun.elapsed() < SOON {
                return;
            }
            if shown.is_hidden() {
                shown.set_draw_target(ProgressDrawTarget::stderr());
            }
            shown.set_message(format!("{} looked at", count(files, "file")));
        });
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        (Self(Some(bar)), watch)
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Waits for the job's end and says how it went. `words` explains the error of one file.
pub async fn follow(
    job: &Job,
    verb: Verb,
    output: &Output,
    words: impl Fn(&str, &FileError) -> Problem,
) -> Result<Exit, Failure> {
    let bar = output.draws().then(|| bar(&job.snapshot(), verb));
    let mut interrupted = false;
    let end = loop {
        tokio::select! {
            end = job.wait() => break end,
            () = tokio::time::sleep(TICK), if bar.is_some() => {
                if let Some(bar) = &bar {
                    show(bar, &job.snapshot(), verb);
                }
            }
            pressed = tokio::signal::ctrl_c(), if !interrupted => {
                interrupted = pressed.is_ok();
                job.cancel();
                output.remark("Stopping …");
            }
        }
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    report(job, &end, verb, output, &words);
    match end.state {
        JobState::Done => Ok(Exit::Done),
        JobState::Cancelled => Ok(Exit::Interrupted),
        JobState::Running | JobState::Paused | JobState::Partial => Ok(Exit::Failed),
        JobState::Failed => Ok(exit_of_failed(job, &end, &words)),
    }
}

/// What stopped the job, or what its only file failed of, decides.
fn exit_of_failed(
    job: &Job,
    end: &JobSnapshot,
    words: impl Fn(&str, &FileError) -> Problem,
) -> Exit {
    let error = end.problem.clone().or_else(|| {
        let failed = job.files(0..2, true);
        (failed.len() == 1)
            .then(|| failed[0].error.clone())
            .flatten()
    });
    error.map_or(Exit::Failed, |e| Failure::from(words("", &e)).exit)
}

fn report(
    job: &Job,
    end: &JobSnapshot,
    verb: Verb,
    output: &Output,
    words: impl Fn(&str, &FileError) -> Problem,
) {
    for file in job.files(0..NAMED, true) {
        if let (FileState::Failed, Some(error)) = (file.state, &file.error) {
            output.failed_file(&file.name, &words(&file.name, error));
        }
    }
    let seconds = end
        .ended
        .map_or(0.0, |ended| (ended - end.started).as_seconds_f64());
    if output.json {
        let state = match end.state {
            JobState::Running => "running",
            JobState::Paused => "paused",
            JobState::Done => "done",
            JobState::Partial => "partial",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        };
        let summary = Summary {
            event: "summary",
            state,
            files_total: end.files_total,
            files_done: end.files_done,
            files_failed: end.files_failed,
            files_skipped: end.files_skipped,
            files_deleted: end.deleted,
            bytes_done: end.bytes_done,
            seconds,
        };
        output.result(&summary, String::new);
        return;
    }
    let moved = if verb.bytes {
        end.files_done - end.deleted
    } else {
        end.files_done
    };
    let mut line = format!("{} {}", count(moved, "file"), verb.done);
    if verb.bytes {
        line.push_str(&format!(", {} in {seconds:.1} s", size(end.bytes_done)));
    }
    if verb.bytes && end.deleted > 0 {
        line.push_str(&format!(", {} deleted", end.deleted));
    }
    for (number, words) in [
        (end.files_skipped, "left alone"),
        (end.files_failed, "failed"),
    ] {
        if number > 0 {
            line.push_str(&format!(", {number} {words}"));
        }
    }
    let left = end.files_total - end.files_done - end.files_failed - end.files_skipped;
    if left > 0 {
        line.push_str(&format!(", {left} not begun or stopped"));
    }
    output.remark(&line);
}

fn bar(now: &JobSnapshot, verb: Verb) -> ProgressBar {
    let (total, template) = if verb.bytes {
        let template =
            "{bar:30} {binary_bytes:>11} of {binary_total_bytes:<11} {prefix} {wide_msg}";
        (now.bytes_total, template)
    } else {
        (
            now.files_total,
            "{bar:30} {human_pos:>9} of {human_len:<9} {prefix} {wide_msg}",
        )
    };
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, now: &JobSnapshot, verb: Verb) {
    bar.set_position(if verb.bytes {
        now.bytes_done
    } else {
        now.files_done + now.files_failed
    });
    let left = now.time_left.map_or(String::new(), |t| {
        format!(", {} left", indicatif::HumanDuration(t))
    });
    if verb.bytes {
        bar.set_prefix(format!("{}/s{left}", size(now.rate as u64)));
    }
    bar.set_message(now.current.as_deref().map(visible).unwrap_or_default());
}
