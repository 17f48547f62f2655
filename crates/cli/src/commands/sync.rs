//! `sync`: making one place like another, as a plan that is shown and then run.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_engine::problem::from_blocked;
use wherry_store::{ErrorKind, ObjectStore, StoreError};
use wherry_transfer::names::native;
use wherry_transfer::run::SyncStores;
use wherry_transfer::{
    Compare, FileError, Job, Moves, PlanError, Removals, Settings, SyncCounts, SyncEnd,
    SyncOptions, SyncPlan,
};

use super::cp;
use crate::args::{CompareArgs, Sync};
use crate::failure::{Exit, Failure};
use crate::filtering::filter;
use crate::output::{Output, count, size};
use crate::place::{Place, Remote};
use crate::progress::{Looking, follow};
use crate::receipts::ReceiptFile;
use crate::session::{Opened, Session};
use crate::written::Wish;

/// Deletions named before the question.
const NAMED: usize = 20;

#[derive(Serialize)]
struct Planned<'a> {
    event: &'static str,
    #[serde(flatten)]
    counts: &'a SyncCounts,
}

#[derive(Serialize)]
struct WouldDelete<'a> {
    event: &'static str,
    name: &'a str,
}

/// One end, and what its problems are about.
enum End {
    Folder(PathBuf),
    There(Remote, Opened),
}

impl End {
    async fn open(text: &OsStr, session: &Session) -> Result<Self, Failure> {
        match Place::parse(text) {
            Place::Local { path, .. } => Ok(Self::Folder(path)),
            Place::Remote(remote) => {
                remote.need_bucket()?;
                let opened = session.open(&remote.store).await?;
                Ok(Self::There(remote, opened))
            }
        }
    }

    fn sync_end(&self) -> SyncEnd {
        match self {
            Self::Folder(path) => SyncEnd::Folder(path.clone()),
            Self::There(remote, opened) => SyncEnd::Objects {
                store: opened.objects(),
                host: opened.host().to_owned(),
                bucket: remote.bucket.clone(),
                prefix: remote.as_folder(),
            },
        }
    }

    fn file_problem(&self, name: &str, error: &FileError) -> Problem {
        match self {
            Self::There(remote, opened) => opened.file_problem(&remote.bucket, name, error),
            Self::Folder(_) => wherry_engine::problem::from_file_error(
                error,
                &wherry_engine::problem::About::default(),
            ),
        }
    }
}

pub fn compare(args: CompareArgs) -> Compare {
    match (args.checksum, args.size_only) {
        (true, _) => Compare::Checksum,
        (_, true) => Compare::Size,
        _ => Compare::Time,
    }
}

pub async fn run(args: Sync, session: &Session, output: &Output) -> Result<Exit, Failure> {
    if let Some(path) = &args.receipt {
        let file = ReceiptFile::begin(path, title(&args), "sync")?;
        session.keep_receipts(file).await;
    }
    let ended = sync(args, session, output).await;
    session.save_receipts().await?;
    ended
}

async fn sync(args: Sync, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let options = SyncOptions {
        compare: compare(args.compare),
        delete: args.delete,
        insist: args.insist,
        filter: filter(&args.filter, Utc::now())?,
        with_litter: args.with_litter,
        empty_folders: args.empty_folders,
    };
    let from = End::open(&args.from, session).await?;
    let to = End::open(&args.to, session).await?;
    if let (End::Folder(_), End::Folder(_)) = (&from, &to) {
        return Err(Failure::usage(
            "Neither side of the sync is in a store.",
            "Write places in a store as ACCOUNT:bucket/folder; for local folders there is rsync.",
        ));
    }
    // A plan needs a folder that is there; a dry run makes none where it will be.
    let mut stand_in = None;
    let mut sync_to = to.sync_end();
    if let End::Folder(folder) = &to {
        if args.dry_run && !folder.is_dir() {
            let empty = StandIn::make()?;
            sync_to = SyncEnd::Folder(empty.0.clone());
            stand_in = Some(empty);
        } else {
            cp::make_folder(folder, args.dry_run)?;
        }
    }
    let (looking, watch) = Looking::begin(output);
    let plan = SyncPlan::make(from.sync_end(), sync_to, options, &watch).await;
    drop(looking);
    drop(stand_in);
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return Err(plan_problem(&from, &to, &error).await),
    };
    if let End::There(remote, opened) = &from
        && plan.counts == SyncCounts::default()
        && !args.insist
    {
        let words = "there is nothing below that name";
        let error = StoreError::new(ErrorKind::NoSuchKey, "find the objects", words);
        let key = (!remote.key.is_empty()).then_some(remote.key.as_str());
        return Err(opened.problem(&remote.bucket, key, &error).into());
    }
    let mut complete = cp::tell(plan.moves.notes(), output);
    if let Some(withheld) = plan.withheld {
        output.warning("--delete", &withheld.to_string());
        complete = false;
    }
    say(&plan.counts, output);
    if args.dry_run {
        show(&plan, &from, &to, output);
        return Ok(cp::worse(Exit::Done, complete));
    }
    let wish = wish(&args, &from, &to);
    if plan.is_empty() {
        if let Some(wish) = &wish {
            wish.nothing_left(session, output).await;
        }
        return Ok(cp::worse(Exit::Done, complete));
    }
    if let Moves::Download(moves) = &plan.moves
        && let Some(blocked) = &moves.blocked
    {
        return Err(from_blocked(blocked).into());
    }
    if !plan.removals.is_empty() && !args.yes && !confirm(&plan.removals, output)? {
        return Ok(Exit::Interrupted);
    }
    let journal = match &wish {
        Some(wish) => wish.entry(session, output).await,
        None => None,
    };
    let settings = Settings {
        sha256: args.sha256,
        ..cp::settings(output, journal)
    };
    let ended = move_and_remove(plan, &from, &to, settings, session, output).await?;
    Ok(cp::worse(ended, complete))
}

/// Of a sync that is the same when the same command is given again.
fn wish<'a>(args: &'a Sync, from: &'a End, to: &'a End) -> Option<Wish<'a>> {
    let ((End::There(place, store), _) | (End::Folder(_), End::There(place, store))) = (to, from)
    else {
        return None;
    };
    Some(Wish {
        command: "sync",
        args,
        title: title(args),
        store,
        place,
    })
}

fn title(args: &Sync) -> String {
    let (from, to) = (args.from.to_string_lossy(), args.to.to_string_lossy());
    format!("{from} to {to}")
}

async fn move_and_remove(
    plan: SyncPlan,
    from: &End,
    to: &End,
    settings: Settings,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let store = |end: &End| match end {
        End::There(_, opened) => Some(opened.objects()),
        End::Folder(_) => None,
    };
    let (one_account, one_server) = match (from, to) {
        (End::There(_, a), End::There(_, b)) => (a.same_as(b), a.host() == b.host()),
        _ => (false, false),
    };
    let stores = SyncStores {
        from: store(from),
        to: store(to),
        one_account,
        one_server,
    };
    let job = Job::sync(plan, stores, settings)
        .await
        .map_err(|e| to.file_problem("", &e))?;
    // What fails while it moves is mostly about the store that is there; of two, where it goes.
    let about = match (from, to) {
        (_, End::There(..)) => to,
        _ => from,
    };
    let words = |name: &str, e: &FileError| about.file_problem(name, e);
    let exit = follow(&job, cp::COPIED, output, words).await?;
    let endpoint = |end: &End| match end {
        End::There(_, opened) => opened.endpoint.clone(),
        End::Folder(_) => String::new(),
    };
    session
        .add_receipts(&job, &endpoint(from), &endpoint(to), output)
        .await?;
    let end = job.snapshot();
    let moves = end.files_total - end.deletes;
    if end.deleted < end.deletes && end.files_done + end.files_skipped - end.deleted < moves {
        let what = count(end.deletes - end.deleted, "file");
        let words = format!("{what} not deleted, as not everything has arrived");
        output.warning("--delete", &words);
    }
    Ok(exit)
}

fn say(counts: &SyncCounts, output: &Output) {
    if output.json {
        let planned = Planned {
            event: "plan",
            counts,
        };
        output.result(&planned, String::new);
        return;
    }
    let mut words = format!(
        "{} new, {} changed, {} the same",
        counts.fresh, counts.changed, counts.same
    );
    for (number, what) in [
        (counts.deleted, "to be deleted"),
        (counts.kept, "only there, and left"),
        (counts.left_out, "left out"),
        (counts.litter, "left out as litter"),
        (
            counts.unproven,
            "compared by size and time, as their ETags are no checksums",
        ),
    ] {
        if number > 0 {
            words.push_str(&format!(", {number} {what}"));
        }
    }
    if counts.bytes > 0 {
        words.push_str(&format!("; {} to copy", size(counts.bytes)));
    }
    output.remark(&words);
}

/// A dry run's lines.
fn show(plan: &SyncPlan, from: &End, to: &End, output: &Output) {
    let bucket = |end: &End| match end {
        End::There(remote, _) => remote.bucket.clone(),
        End::Folder(_) => String::new(),
    };
    match (&plan.moves, to) {
        (Moves::Upload(plan), _) => {
            for item in 0..plan.items.len() as u32 {
                let from = plan.path(item).display().to_string();
                let to = format!("{}/{}", plan.bucket, plan.key(item));
                cp::planned(&from, &to, plan.items[item as usize].size, output);
            }
        }
        (Moves::Download(plan), End::Folder(folder)) => {
            for item in 0..plan.items.len() as u32 {
                let from = format!("{}/{}", plan.bucket, plan.key(item));
                let to = folder.join(native(plan.name(item))).display().to_string();
                cp::planned(&from, &to, plan.items[item as usize].size, output);
            }
        }
        (Moves::Copy(plan), _) => {
            for item in &plan.items {
                let from = format!("{}/{}", bucket(from), item.from);
                let to = format!("{}/{}", bucket(to), item.to);
                cp::planned(&from, &to, item.size, output);
            }
        }
        (Moves::Download(_), End::There(..)) => {}
    }
    for item in 0..plan.removals.len() {
        let name = plan.removals.name(item);
        let line = WouldDelete {
            event: "would-delete",
            name,
        };
        output.result(&line, || format!("would delete {}", visible(name)));
    }
}

/// Shows what will go, and asks. A script has to have said it.
fn confirm(removals: &Removals, output: &Output) -> Result<bool, Failure> {
    let what = count(removals.len() as u64, "file");
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(
            format!("{what} would be deleted, and there is nobody to ask."),
            "Look at them with --dry-run, and give --yes if they are to go.",
        ));
    }
    for item in 0..removals.len().min(NAMED) {
        eprintln!("  delete {}", visible(removals.name(item)));
    }
    if removals.len() > NAMED {
        eprintln!("  and {} more", removals.len() - NAMED);
    }
    eprint!("Delete {what} once the rest has arrived? This cannot be undone. [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Both ends are read for a plan; which one an error is about is found out by asking again.
async fn plan_problem(from: &End, to: &End, error: &PlanError) -> Failure {
    if let PlanError::Name { name, reason } = error {
        let what = format!("“{}”: {reason}.", visible(name));
        return Failure::usage(what, "Choose places that do not overlap.");
    }
    let about = match (from, to) {
        (End::There(remote, opened), End::There(..))
            if opened.store.head_bucket(&remote.bucket).await.is_err() =>
        {
            Some((remote, opened))
        }
        (_, End::There(remote, opened)) | (End::There(remote, opened), _) => Some((remote, opened)),
        (End::Folder(_), End::Folder(_)) => None,
    };
    match about {
        Some((remote, opened)) => opened.plan_problem(&remote.bucket, error).into(),
        None => Failure::usage(error.to_string(), "Check the places."),
    }
}

/// An empty folder for as long as a plan is made.
struct StandIn(PathBuf);

impl StandIn {
    fn make() -> Result<Self, Failure> {
        let name = format!("wherry-dry-run-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match std::fs::create_dir(&folder) {
            Ok(()) => Ok(Self(folder)),
            Err(_) => {
                // Left by a process of the same number that was killed; only an empty one will do.
                let _ = std::fs::remove_dir(&folder);
                cp::make_new_folder(&folder)?;
                Ok(Self(folder))
            }
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let folder: &Path = &self.0;
        let _ = std::fs::remove_dir(folder);
    }
}
