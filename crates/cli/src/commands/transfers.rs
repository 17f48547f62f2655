//! `transfers`: what the journal knows, and going on with it.

use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_transfer::journal::{HistoryFilter, JobRecord, Journal, JournalError, Kind, State};
use wherry_transfer::{Job, ResumeError, Settings};

use crate::args::TransfersCommand;
use crate::failure::{Exit, Failure};
use crate::output::{Output, count, size};
use crate::place::StoreRef;
use crate::progress::{Verb, follow};
use crate::session::{Opened, Session};

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    state: &'a str,
    title: &'a str,
    files_total: u64,
    files_done: u64,
    files_failed: u64,
    bytes_total: u64,
    bytes_done: u64,
    started: Option<String>,
    ended: Option<String>,
}

pub async fn run(
    command: TransfersCommand,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let journal = session.engine.journal().await?;
    match command {
        TransfersCommand::List { ended, search } => list(&journal, ended, search, output),
        TransfersCommand::Resume { id } => resume(&journal, id, session, output).await,
        TransfersCommand::Clear { id } => {
            match id {
                Some(id) => {
                    let job = find(&journal, &id)?;
                    journal.remove(&job.id).await.map_err(Problem::from)?;
                }
                None => journal.clear_history().await.map_err(Problem::from)?,
            }
            Ok(Exit::Done)
        }
    }
}

fn list(journal: &Journal, ended: usize, search: String, output: &Output) -> Result<Exit, Failure> {
    let cut_off = journal.cut_off().map_err(Problem::from)?;
    for job in journal.queue().map_err(Problem::from)? {
        if !job.title.contains(&search) {
            continue;
        }
        let was_cut_off = cut_off.iter().any(|c| c.id == job.id);
        let state = if was_cut_off {
            "cut off"
        } else {
            job.state.name()
        };
        say(&job, state, output);
    }
    let filter = HistoryFilter {
        search,
        ..HistoryFilter::default()
    };
    let (mut left, mut after) = (ended, None);
    while left > 0 {
        let page = journal
            .history(&filter, after.as_deref(), left.min(500))
            .map_err(Problem::from)?;
        left -= page.jobs.len();
        for job in &page.jobs {
            say(job, job.state.name(), output);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(Exit::Done)
}

fn say(job: &JobRecord, state: &str, output: &Output) {
    let time =
        |t: chrono::DateTime<chrono::Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let line = Line {
        id: &job.id,
        state,
        title: &job.title,
        files_total: job.files_total,
        files_done: job.files_done + job.files_skipped,
        files_failed: job.files_failed,
        bytes_total: job.bytes_total,
        bytes_done: job.bytes_done,
        started: job.started.map(time),
        ended: job.ended.map(time),
    };
    output.result(&line, || {
        format!(
            "{}  {state:9}  {:>7} of {:<7} {:>11}  {}",
            &job.id[..job.id.len().min(8)],
            line.files_done,
            line.files_total,
            size(job.bytes_total),
            visible(&job.title)
        )
    });
}

/// By its id, or the beginning of it that only one has.
fn find(journal: &Journal, id: &str) -> Result<JobRecord, Failure> {
    if let Ok(job) = journal.job(id) {
        return Ok(job);
    }
    let mut found = journal.queue().map_err(Problem::from)?;
    let mut after = None;
    loop {
        let page = journal
            .history(&HistoryFilter::default(), after.as_deref(), 500)
            .map_err(Problem::from)?;
        found.extend(page.jobs);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.retain(|job| job.id.starts_with(id));
    match (found.pop(), found.is_empty()) {
        (Some(job), true) => Ok(job),
        (Some(_), false) => Err(Failure::usage(
            format!("Several transfers begin with “{id}”."),
            "Give more of the id.",
        )),
        (None, _) => Err(Failure {
            problem: Problem::new(
                "transfers.unknown",
                format!("There is no transfer “{}”.", visible(id)),
                "`wherry-cli transfers list` shows them.",
            ),
            exit: Exit::NotThere,
        }),
    }
}

async fn resume(
    journal: &Journal,
    id: Option<String>,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let jobs = match id {
        Some(id) => vec![find(journal, &id)?],
        None => {
            let mut jobs = journal.queue().map_err(Problem::from)?;
            let cut_off = journal.cut_off().map_err(Problem::from)?;
            jobs.retain(|job| {
                job.state != State::Running || cut_off.iter().any(|c| c.id == job.id)
            });
            jobs
        }
    };
    if jobs.is_empty() {
        output.remark("There is nothing to go on with.");
    }
    let mut exit = Exit::Done;
    for job in jobs {
        output.remark(&format!(
            "{} ({} to go)",
            visible(&job.title),
            count(job.files_total - job.files_done - job.files_skipped, "file")
        ));
        let ended = match go_on(journal, &job, session, output).await {
            Ok(ended) => ended,
            Err(failure) => {
                output.failure(&failure);
                failure.exit
            }
        };
        if ended != Exit::Done {
            exit = ended;
        }
        if ended == Exit::Interrupted {
            break;
        }
    }
    Ok(exit)
}

async fn go_on(
    journal: &Journal,
    job: &JobRecord,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    if job.kind == Kind::Copy && job.details.get("to").is_none_or(|to| !to.is_null()) {
        return Err(command_again(
            "It copies from one store into another, and knows only one of them.",
        ));
    }
    let opened = store_of(job, session).await?;
    let resumed = Job::resume(
        journal,
        &job.id,
        opened.objects(),
        None,
        Settings::default(),
    )
    .await;
    let running = resumed.map_err(|e| match e {
        ResumeError::Journal(JournalError::Taken) => {
            let what = "It is being run already.";
            Failure::from(Problem::new(
                "transfer.elsewhere",
                what,
                "Watch and steer it there.",
            ))
        }
        ResumeError::Journal(e) => Problem::from(e).into(),
        ResumeError::Folder(e) => opened.file_problem("", "", &e).into(),
    })?;
    let verb = Verb {
        done: if job.kind == Kind::Delete {
            "deleted"
        } else {
            "copied"
        },
        bytes: job.kind != Kind::Delete,
    };
    follow(&running, verb, output, |key, e| {
        opened.file_problem("", key, e)
    })
    .await
}

/// The account whose id the job has; or the environment, when that is the store it was begun with.
async fn store_of(job: &JobRecord, session: &Session) -> Result<Opened, Failure> {
    if let Some(host) = job.place.strip_prefix("s3://") {
        let opened = session.open(&StoreRef::Environment).await?;
        if opened.host() != host {
            return Err(command_again(&format!("It was begun with {host}.")));
        }
        return Ok(opened);
    }
    let accounts = session
        .engine
        .accounts_file()
        .list()
        .map_err(Problem::from)?;
    let account = accounts.into_iter().find(|a| a.id.to_string() == job.place);
    let Some(account) = account else {
        return Err(command_again("Its account is no longer there."));
    };
    let opened = session.open(&StoreRef::Account(account.name)).await?;
    Ok(opened)
}

fn command_again(why: &str) -> Failure {
    Problem::new(
        "transfers.command",
        format!("This transfer cannot be gone on with from here. {why}"),
        "Give the command that began it once more: that goes on with it.",
    )
    .into()
}
