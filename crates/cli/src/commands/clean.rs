//! `clean`: unfinished multipart uploads of a bucket, which are seen by nobody and cost quota.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_store::{ObjectStore, UploadInfo};

use crate::args::Clean;
use crate::failure::{Exit, Failure};
use crate::filtering::time;
use crate::output::{Output, count, size};
use crate::place::Remote;
use crate::session::{Opened, Session};

/// Uploads that the store is asked about at once.
const AT_ONCE: usize = 8;

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    key: &'a str,
    upload: &'a str,
    started: Option<String>,
    bytes: Option<u64>,
    owner: Option<&'a str>,
}

pub async fn run(args: Clean, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let place = Remote::parse(&args.place)?;
    place.need_bucket()?;
    let before = time(&args.older_than, Utc::now())?;
    let opened = session.open(&place.store).await?;
    let found = opened
        .store
        .list_uploads(&place.bucket, &place.key)
        .await
        .map_err(|e| opened.problem(&place.bucket, None, &e))?;
    let used = in_use(session, &place.bucket).await?;
    let total = found.len();
    let old: Vec<UploadInfo> = found
        .into_iter()
        // One whose beginning is not known may be of a moment ago.
        .filter(|u| u.started.is_some_and(|t| t <= before))
        .filter(|u| !used.contains(&u.upload.0))
        .collect();
    if old.len() < total {
        output.remark(&format!(
            "{} left alone: younger than {}, or of a transfer that is going on",
            count((total - old.len()) as u64, "upload"),
            args.older_than
        ));
    }
    let sizes = measure(&opened, &place, &old).await;
    let event = if args.dry_run {
        "would-clean"
    } else {
        "unfinished"
    };
    for (upload, bytes) in old.iter().zip(&sizes) {
        say(event, upload, *bytes, output);
    }
    if args.dry_run || old.is_empty() {
        if old.is_empty() {
            output.remark("There is nothing to clean up.");
        }
        return Ok(Exit::Done);
    }
    let bytes: u64 = sizes.iter().flatten().sum();
    if !args.yes && !confirm(old.len(), bytes, &place, output)? {
        return Ok(Exit::Interrupted);
    }
    let mut exit = Exit::Done;
    let opened = &opened;
    let bucket = place.bucket.as_str();
    let outcomes: Vec<_> = futures::stream::iter(&old)
        .map(|upload| async move {
            let aborted = opened
                .store
                .abort_upload(bucket, &upload.key, &upload.upload)
                .await;
            (upload, aborted)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut cleaned = 0;
    for (upload, aborted) in outcomes {
        match aborted {
            Ok(()) => cleaned += 1,
            Err(e) => {
                exit = Exit::Failed;
                let problem = opened.problem(bucket, Some(&upload.key), &e);
                output.failed_file(&upload.key, &problem);
            }
        }
    }
    output.remark(&format!(
        "{} cleaned up, {}",
        count(cleaned, "upload"),
        size(bytes)
    ));
    Ok(exit)
}

/// Ids of uploads that transfers of this computer have not finished with.
async fn in_use(session: &Session, bucket: &str) -> Result<HashSet<String>, Failure> {
    let journal = session.engine.journal().await?;
    let halves = journal.half_uploads(bucket).map_err(Problem::from)?;
    Ok(halves
        .into_iter()
        .filter(|half| {
            journal
                .job(&half.job)
                .is_ok_and(|job| !job.state.has_ended())
        })
        .filter_map(|half| half.upload.map(|id| id.0))
        .collect())
}

async fn measure(opened: &Opened, place: &Remote, uploads: &[UploadInfo]) -> Vec<Option<u64>> {
    let bucket = place.bucket.as_str();
    futures::stream::iter(uploads)
        .map(|upload| async move {
            let parts = opened
                .store
                .list_parts(bucket, &upload.key, &upload.upload)
                .await;
            Some(parts.ok()?.iter().map(|part| part.size).sum())
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

fn say(event: &'static str, upload: &UploadInfo, bytes: Option<u64>, output: &Output) {
    let shown = |t: DateTime<Utc>| t.format("%Y-%m-%d %H:%M:%SZ").to_string();
    let line = Line {
        event,
        key: &upload.key,
        upload: &upload.upload.0,
        started: upload
            .started
            .map(|t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        bytes,
        owner: upload.owner.as_deref(),
    };
    output.result(&line, || {
        format!(
            "{:20}  {:>12}  {}",
            upload.started.map(shown).unwrap_or_default(),
            bytes.map_or_else(|| "?".to_owned(), size),
            visible(&upload.key)
        )
    });
}

/// Who is not asked has to say so: parts that are aborted are gone.
fn confirm(uploads: usize, bytes: u64, place: &Remote, output: &Output) -> Result<bool, Failure> {
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(
            "Nobody can be asked here whether to clean up.",
            "Give --yes to do it, or --dry-run to see what it would be.",
        ));
    }
    eprint!(
        "Abort {} with {} in the bucket “{}”? Somebody may still be sending them. [y/N] ",
        count(uploads as u64, "upload"),
        size(bytes),
        place.bucket
    );
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
