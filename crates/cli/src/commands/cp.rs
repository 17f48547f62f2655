//! `cp`: files and folders to, from and within a store.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_engine::problem::from_blocked;
use wherry_transfer::journal::Entry;
use wherry_transfer::{
    Choices, DownloadPlan, DownloadRequest, DownloadSource, FileError, Job, Note, NoteKind,
    OnConflict, Receipt, ReceiptSink, Settings, UploadPlan, UploadRequest, UploadSource,
};

use crate::args::Cp;
use crate::failure::{Exit, Failure};
use crate::filtering::filter;
use crate::output::{Output, count, size};
use crate::place::{Place, Remote};
use crate::progress::{Looking, Verb, follow};
use crate::receipts::ReceiptFile;
use crate::session::{Opened, Session};
use crate::written::Wish;

pub const COPIED: Verb = Verb {
    done: "copied",
    bytes: true,
};

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    #[serde(flatten)]
    receipt: &'a Receipt,
}

#[derive(Serialize)]
struct Planned<'a> {
    event: &'static str,
    from: &'a str,
    to: &'a str,
    size: u64,
}

pub async fn run(args: Cp, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let mut places: Vec<Place> = args
        .places
        .iter()
        .map(|p: &OsString| Place::parse(p))
        .collect();
    let Some(to) = places.pop() else {
        return Err(Failure::usage("Where to?", "Name a destination."));
    };
    let mut here = Vec::new();
    let mut there = Vec::new();
    for place in places {
        match place {
            Place::Local { path, slash } => here.push((path, slash)),
            Place::Remote(remote) => {
                remote.need_bucket()?;
                there.push(remote);
            }
        }
    }
    if let Some(path) = &args.receipt {
        let shown: Vec<String> = plan_sources(&args).collect();
        let file = ReceiptFile::begin(path, shown.join(", "), "copy")?;
        session.keep_receipts(file).await;
    }
    let copied = match (to, here.is_empty(), there.is_empty()) {
        (Place::Remote(to), false, true) => {
            to.need_bucket()?;
            upload(&args, here, to, session, output).await
        }
        (Place::Local { path, slash }, true, false) => {
            download(&args, there, path, slash, session, output).await
        }
        (Place::Remote(to), true, false) => {
            to.need_bucket()?;
            super::copying::run(&args, there, to, session, output).await
        }
        (_, false, false) => Err(Failure::usage(
            "Some sources are on this computer and some in a store.",
            "Copy them with two commands.",
        )),
        _ => Err(Failure::usage(
            "Neither the source nor the destination is in a store.",
            "Write places in a store as ACCOUNT:bucket/key; for local files there is cp.",
        )),
    };
    session.save_receipts().await?;
    copied
}

pub fn settings(output: &Output, journal: Option<Entry>) -> Settings {
    let receipts = output.json.then(|| {
        let output = Output::new(true, false);
        let sink: ReceiptSink = Arc::new(move |receipt| {
            output.result(
                &Line {
                    event: "copied",
                    receipt: &receipt,
                },
                String::new,
            );
        });
        sink
    });
    Settings {
        receipts,
        journal,
        ..Settings::default()
    }
}

/// As they were given, all but the last.
fn plan_sources(args: &Cp) -> impl Iterator<Item = String> {
    let count = args.places.len().saturating_sub(1);
    let sources = args.places.iter().take(count);
    sources.map(|place| place.to_string_lossy().into_owned())
}

pub fn choices(args: &Cp) -> Choices {
    Choices::all(if args.no_clobber {
        OnConflict::Skip
    } else {
        OnConflict::Overwrite
    })
}

/// Says what the plan leaves out or renames. False when something that was wanted is left out.
pub fn tell(notes: &[Note], output: &Output) -> bool {
    let mut complete = true;
    for note in notes {
        if matches!(note.kind, NoteKind::Link | NoteKind::Special) || !note.kind.left_out() {
            output.remark(&format!(
                "{}: {}",
                visible(&note.name),
                visible(&note.kind.to_string())
            ));
        } else {
            complete = false;
            output.warning(&note.name, &note.kind.to_string());
        }
    }
    complete
}

/// Says how many files a filter left out.
pub fn filtered(number: u64, output: &Output) {
    if number > 0 {
        output.remark(&format!("{} left out by the filter", count(number, "file")));
    }
}

pub fn worse(exit: Exit, complete: bool) -> Exit {
    if exit == Exit::Done && !complete {
        Exit::Failed
    } else {
        exit
    }
}

pub fn folder_needs_r(name: &str) -> Failure {
    Failure::usage(
        format!("“{name}” is a folder."),
        "Use -r to copy it with all that is in it.",
    )
}

async fn upload(
    args: &Cp,
    from: Vec<(PathBuf, bool)>,
    to: Remote,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut sources = Vec::new();
    let several = from.len() > 1;
    let mut folders = false;
    for (path, slash) in from {
        let facts = std::fs::metadata(&path).map_err(|e| {
            let error = match e.kind() {
                std::io::ErrorKind::NotFound => FileError::Vanished { path: path.clone() },
                _ => FileError::Unreadable {
                    path: path.clone(),
                    reason: Arc::new(e),
                },
            };
            let shown = path.display().to_string();
            match error {
                FileError::Vanished { .. } => Problem::new(
                    "local.vanished",
                    format!("“{}” is not there.", visible(&shown)),
                    "Check the name.",
                ),
                other => wherry_engine::problem::from_file_error(
                    &other,
                    &wherry_engine::problem::About::default(),
                ),
            }
        })?;
        if facts.is_dir() && !args.recursive {
            return Err(folder_needs_r(&path.display().to_string()));
        }
        folders |= facts.is_dir();
        sources.push(UploadSource {
            path,
            name: None,
            contents: slash && facts.is_dir(),
        });
    }
    let into_folder = to.key.is_empty() || to.key.ends_with('/') || folders;
    if several && !into_folder {
        let words = format!(
            "“{}” is not a folder, and there are several files.",
            to.shown()
        );
        return Err(Failure::usage(
            words,
            "Put a slash at the end of the destination.",
        ));
    }
    let prefix = if into_folder {
        to.as_folder()
    } else {
        for source in &mut sources {
            source.name = Some(to.key.clone());
        }
        String::new()
    };
    let opened = session.open(&to.store).await?;
    let request = UploadRequest {
        bucket: to.bucket.clone(),
        prefix,
        sources,
        with_litter: args.with_litter,
        empty_folders: args.empty_folders,
        look_there: args.no_clobber,
    };
    let (looking, watch) = Looking::begin(output);
    let plan = UploadPlan::make(&opened.objects(), request, &watch).await;
    drop(looking);
    let mut plan = plan.map_err(|e| opened.plan_problem(&to.bucket, &e))?;
    filtered(plan.narrow(&filter(&args.filter, Utc::now())?), output);
    let complete = tell(&plan.notes, output);
    if plan.litter > 0 {
        output.remark(&format!(
            "{} left out as litter (--with-litter takes them too)",
            count(plan.litter, "file")
        ));
    }
    if args.dry_run {
        for item in 0..plan.items.len() as u32 {
            let (from, key) = (plan.path(item).display().to_string(), plan.key(item));
            planned(
                &from,
                &format!("{}/{key}", to.bucket),
                plan.items[item as usize].size,
                output,
            );
        }
        return Ok(worse(Exit::Done, complete));
    }
    let shown: Vec<String> = plan_sources(args).collect();
    let wish = Wish {
        command: "cp",
        args,
        title: format!("{} to {}", shown.join(", "), to.shown()),
        store: &opened,
        place: &to,
    };
    let settings = Settings {
        sha256: args.sha256,
        ..settings(output, wish.entry(session, output).await)
    };
    let job = Job::upload(opened.objects(), plan, &choices(args), settings).await;
    let job = job.map_err(|e| opened.problem(&to.bucket, None, &e))?;
    let exit = follow(&job, COPIED, output, |key, e| {
        opened.file_problem(&to.bucket, key, e)
    })
    .await?;
    session
        .add_receipts(&job, "", &opened.endpoint, output)
        .await?;
    Ok(worse(exit, complete))
}

async fn download(
    args: &Cp,
    from: Vec<Remote>,
    to: PathBuf,
    slash: bool,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let several = from.len() > 1;
    let is_dir = to.is_dir();
    // Each source is a plan of its own: they may be in different stores.
    for source in from {
        let opened = session.open(&source.store).await?;
        let whole_bucket = source.key.is_empty();
        let folder = whole_bucket || source.key.ends_with('/');
        if folder && !args.recursive {
            return Err(folder_needs_r(&source.shown()));
        }
        let object_too = !folder && args.recursive && is_object(&opened, &source).await;
        let recursive = args.recursive && !object_too;
        let (folder, sources) = if recursive {
            let mut into = to.clone();
            if whole_bucket && !source.bucket_slash {
                into.push(&source.bucket);
            }
            let prefix = source.as_folder();
            let contents = whole_bucket || source.key.ends_with('/');
            let wanted = if contents {
                DownloadSource::Contents { prefix }
            } else {
                DownloadSource::Folder { prefix }
            };
            (into, wanted)
        } else if is_dir || slash || several {
            (
                to.clone(),
                DownloadSource::Object {
                    key: source.key.clone(),
                    save_as: None,
                },
            )
        } else {
            let parent = to
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(".".as_ref())
                .to_owned();
            let name = to.file_name().and_then(|n| n.to_str()).map(str::to_owned);
            (
                parent,
                DownloadSource::Object {
                    key: source.key.clone(),
                    save_as: name,
                },
            )
        };
        if recursive || slash || several {
            make_folder(&folder, args.dry_run)?;
        }
        let ended = fetch(args, &source, &opened, folder, sources, session, output).await?;
        if ended != Exit::Done {
            exit = ended;
        }
    }
    Ok(exit)
}

/// `cp -r ME:bucket/name`: a folder unless there is an object of that name and no folder.
async fn is_object(opened: &Opened, source: &Remote) -> bool {
    use wherry_store::{ListRequest, ObjectStore};
    let request = ListRequest {
        bucket: source.bucket.clone(),
        prefix: source.as_folder(),
        max_keys: Some(1),
        ..ListRequest::default()
    };
    matches!(opened.store.list(request).await, Ok(page) if page.objects.is_empty())
        && opened.store.head(&source.bucket, &source.key).await.is_ok()
}

pub fn make_folder(folder: &std::path::Path, dry_run: bool) -> Result<(), Failure> {
    if dry_run {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(|e| no_folder(folder, &e))
}

/// As [`make_folder`], and it must not be there.
pub fn make_new_folder(folder: &std::path::Path) -> Result<(), Failure> {
    std::fs::create_dir(folder).map_err(|e| no_folder(folder, &e))
}

fn no_folder(folder: &std::path::Path, e: &std::io::Error) -> Failure {
    let what = format!(
        "The folder “{}” cannot be made: {e}.",
        visible(&folder.display().to_string())
    );
    Problem::new("local.folder", what, "Choose another folder.").into()
}

async fn fetch(
    args: &Cp,
    source: &Remote,
    opened: &Opened,
    folder: PathBuf,
    wanted: DownloadSource,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let request = DownloadRequest {
        bucket: source.bucket.clone(),
        sources: vec![wanted],
        // A plan needs a folder that is there; a dry run makes none.
        folder: if args.dry_run && !folder.is_dir() {
            std::env::temp_dir()
        } else {
            folder.clone()
        },
        look_there: args.no_clobber,
    };
    let (looking, watch) = Looking::begin(output);
    let plan = DownloadPlan::make(&opened.objects(), request, &watch).await;
    drop(looking);
    let mut plan = plan.map_err(|e| opened.plan_problem(&source.bucket, &e))?;
    if plan.items.is_empty() && plan.folders.is_empty() {
        let error = wherry_store::StoreError::new(
            wherry_store::ErrorKind::NoSuchKey,
            "find the object",
            "there is nothing of that name",
        );
        return Err(opened
            .problem(&source.bucket, Some(&source.key), &error)
            .into());
    }
    filtered(
        plan.narrow(&filter(&args.filter, Utc::now())?, &source.as_folder())
            .await,
        output,
    );
    let complete = tell(&plan.notes, output);
    if args.dry_run {
        for item in 0..plan.items.len() as u32 {
            let to = folder.join(wherry_transfer::names::native(plan.name(item)));
            let from = format!("{}/{}", source.bucket, plan.key(item));
            planned(
                &from,
                &to.display().to_string(),
                plan.items[item as usize].size,
                output,
            );
        }
        return Ok(worse(Exit::Done, complete));
    }
    if let Some(blocked) = &plan.blocked {
        return Err(from_blocked(blocked).into());
    }
    // One command may be several transfers.
    let wish = Wish {
        command: "cp",
        args: &(args, source.shown()),
        title: format!("{} to {}", source.shown(), folder.display()),
        store: opened,
        place: source,
    };
    let settings = Settings {
        sha256: args.sha256,
        ..settings(output, wish.entry(session, output).await)
    };
    let job = Job::download(opened.objects(), plan, choices(args), settings).await;
    let job = job.map_err(|e| opened.file_problem(&source.bucket, &source.key, &e))?;
    let exit = follow(&job, COPIED, output, |key, e| {
        opened.file_problem(&source.bucket, key, e)
    })
    .await?;
    session
        .add_receipts(&job, &opened.endpoint, "", output)
        .await?;
    Ok(worse(exit, complete))
}

pub fn planned(from: &str, to: &str, bytes: u64, output: &Output) {
    let line = || {
        format!(
            "would copy {} to {} ({})",
            visible(from),
            visible(to),
            size(bytes)
        )
    };
    output.result(
        &Planned {
            event: "would-copy",
            from,
            to,
            size: bytes,
        },
        line,
    );
}
