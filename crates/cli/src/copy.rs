//! `cp`: up, down, and inside one store.
//!
//! As with rsync, a slash at the end of a source means what is in it, and as with `aws s3 cp`, what
//! exists is replaced unless `--no-clobber` is given.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_engine::problem::{About, from_blocked, from_file_error, from_plan_error, from_store};
use wherry_store::ObjectStore;
use wherry_transfer::{
    Choices, CopyPlan, CopyRequest, DownloadPlan, DownloadRequest, DownloadSource, Job, Note,
    OnConflict, Settings, UploadPlan, UploadRequest, UploadSource, Watch,
};

use crate::address::{Address, Remote};
use crate::outcome::{Answer, usage};
use crate::progress;
use crate::session::Session;

#[derive(Args)]
pub struct Cp {
    /// A file or folder here, ACCOUNT:bucket/key or s3://bucket/key
    source: String,
    /// Likewise
    destination: String,
    /// Folders and what is below them.
    #[arg(short, long)]
    recursive: bool,
    /// Keep what exists at the destination.
    #[arg(long)]
    no_clobber: bool,
}

pub async fn run(session: &Session, cp: Cp) -> Answer<ExitCode> {
    match (
        session.address(&cp.source),
        session.address(&cp.destination),
    ) {
        (Address::Local(_), Address::Remote(to)) => up(session, &cp, &to).await,
        (Address::Remote(from), Address::Local(to)) => down(session, &cp, &from, &to).await,
        (Address::Remote(from), Address::Remote(to)) => across(session, &cp, &from, &to).await,
        (Address::Local(_), Address::Local(_)) => Err(session.not_an_address(&cp.destination)),
    }
}

impl Cp {
    fn choices(&self) -> Choices {
        if self.no_clobber {
            return Choices::all(OnConflict::Skip);
        }
        Choices {
            include_same: true,
            ..Choices::all(OnConflict::Overwrite)
        }
    }

    fn contents(&self) -> bool {
        self.source.ends_with('/') || (cfg!(windows) && self.source.ends_with('\\'))
    }
}

async fn up(session: &Session, cp: &Cp, to: &Remote) -> Answer<ExitCode> {
    let path = PathBuf::from(&cp.source);
    let facts = std::fs::metadata(&path).map_err(|e| {
        Problem::new(
            "cli.missing",
            format!("“{}” cannot be read: {e}.", visible(&cp.source)),
            "Check the path.",
        )
    })?;
    if to.bucket.is_empty() {
        return Err(usage("The destination names no bucket.", &cp.destination));
    }
    let folder = facts.is_dir();
    if folder && !cp.recursive {
        return Err(usage(
            "That is a folder: add -r to copy it with what is in it.",
            &cp.source,
        ));
    }
    // `cp file acct:bucket/name` gives it that name; everything else goes below the destination.
    let (prefix, name) = match folder || to.is_folder() {
        true => (below(&to.key), None),
        false => (String::new(), Some(to.key.clone())),
    };
    let store = session.open(to).await?;
    let about = session.about(to);
    let request = UploadRequest {
        bucket: to.bucket.clone(),
        prefix,
        sources: vec![UploadSource {
            path,
            name,
            contents: folder && cp.contents(),
        }],
        with_litter: true,
        empty_folders: false,
        look_there: cp.no_clobber,
    };
    let watch = Watch::default();
    let plan = UploadPlan::make(&store, request, &watch).await;
    let plan = plan.map_err(|e| from_plan_error(&e, &about))?;
    notes(&plan.notes);
    let left_out = plan.notes.iter().any(|n| n.kind.left_out());
    let choices = cp.choices();
    let job = Job::upload(store, plan, &choices, Settings::default()).await;
    let job = job.map_err(|e| from_store(&e, &about))?;
    finish(session, &job, &about, left_out).await
}

async fn down(session: &Session, cp: &Cp, from: &Remote, to: &Path) -> Answer<ExitCode> {
    if from.bucket.is_empty() {
        return Err(usage("The source names no bucket.", &cp.source));
    }
    if from.is_folder() && !cp.recursive {
        return Err(usage(
            "That is a folder or a bucket: add -r to copy what is in it.",
            &cp.source,
        ));
    }
    let store = session.open(from).await?;
    let about = session.about(from);
    let (source, folder) = download_source(cp, from, to);
    std::fs::create_dir_all(&folder).map_err(|e| {
        Problem::new(
            "local.folder",
            format!("The folder {} cannot be made: {e}.", folder.display()),
            "Choose another destination.",
        )
    })?;
    let request = DownloadRequest {
        bucket: from.bucket.clone(),
        sources: vec![source],
        folder,
        look_there: cp.no_clobber,
    };
    let watch = Watch::default();
    let plan = DownloadPlan::make(&store, request, &watch).await;
    let plan = plan.map_err(|e| from_plan_error(&e, &about))?;
    if let Some(blocked) = &plan.blocked {
        return Err(from_blocked(blocked));
    }
    notes(&plan.notes);
    if let Some(key) = plan.missing.first() {
        return Err(Problem::new(
            "store.no-object",
            format!("There is no object “{}”.", visible(key)),
            "Check the address; names are exact. For a folder add -r.",
        ));
    }
    if plan.items.is_empty() && plan.folders.is_empty() && !from.key.is_empty() {
        return Err(Problem::new(
            "cli.missing",
            "There is nothing at that address.",
            "Check it; names are exact.",
        ));
    }
    let left_out = plan.notes.iter().any(|n| n.kind.left_out());
    let job = Job::download(store, plan, cp.choices(), Settings::default());
    let job = job.await.map_err(|e| from_file_error(&e, &about))?;
    finish(session, &job, &about, left_out).await
}

fn download_source(cp: &Cp, from: &Remote, to: &Path) -> (DownloadSource, PathBuf) {
    if cp.recursive {
        // A bucket has no name of its own below it, so that it is always its contents.
        let source = if from.key.is_empty() || cp.contents() {
            DownloadSource::Contents {
                prefix: from.key.clone(),
            }
        } else {
            DownloadSource::Folder {
                prefix: below(&from.key),
            }
        };
        return (source, to.to_owned());
    }
    let into = to.is_dir()
        || cp.destination.ends_with('/')
        || cp.destination.ends_with(std::path::MAIN_SEPARATOR);
    let key = from.key.clone();
    match (into, to.file_name()) {
        (false, Some(name)) => {
            let folder = to
                .parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            let save_as = Some(name.to_string_lossy().into_owned());
            (DownloadSource::Object { key, save_as }, folder.to_owned())
        }
        _ => (DownloadSource::Object { key, save_as: None }, to.to_owned()),
    }
}

async fn across(session: &Session, cp: &Cp, from: &Remote, to: &Remote) -> Answer<ExitCode> {
    if from.whose != to.whose {
        return Err(usage(
            "Both ends of a copy inside the store must be of one account.",
            &cp.destination,
        ));
    }
    if from.bucket.is_empty() || to.bucket.is_empty() {
        return Err(usage("Both addresses must name a bucket.", &cp.source));
    }
    if from.is_folder() && !cp.recursive {
        return Err(usage(
            "That is a folder or a bucket: add -r to copy what is in it.",
            &cp.source,
        ));
    }
    let last = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
    let (source, target) = match (cp.recursive, from.is_folder()) {
        (true, true) => (from.key.clone(), below(&to.key)),
        (true, false) => (
            below(&from.key),
            format!("{}{}/", below(&to.key), last(&from.key)),
        ),
        (false, _) if to.is_folder() => {
            (from.key.clone(), format!("{}{}", to.key, last(&from.key)))
        }
        (false, _) => (from.key.clone(), to.key.clone()),
    };
    let store: Arc<dyn ObjectStore> = session.open(from).await?;
    let about = session.about(from);
    let request = CopyRequest {
        from_bucket: from.bucket.clone(),
        from: source,
        to_bucket: to.bucket.clone(),
        to: target,
        remove_originals: false,
    };
    let watch = Watch::default();
    let plan = CopyPlan::make(&store, request, &watch).await;
    let plan = plan.map_err(|e| from_plan_error(&e, &about))?;
    notes(&plan.notes);
    let left_out = plan.notes.iter().any(|n| n.kind.left_out());
    let choices = cp.choices();
    let job = Job::copy(store, plan, &choices, Settings::default()).await;
    let job = job.map_err(|e| from_store(&e, &about))?;
    finish(session, &job, &about, left_out).await
}

/// A prefix that things can be put below: empty, or ending in a slash.
fn below(key: &str) -> String {
    if key.is_empty() || key.ends_with('/') {
        key.to_owned()
    } else {
        format!("{key}/")
    }
}

fn notes(notes: &[Note]) {
    for note in notes {
        eprintln!("{}: {}", visible(&note.name), note.kind);
    }
}

/// What was left out did not arrive either, and a script should know.
async fn finish(session: &Session, job: &Job, about: &About, left_out: bool) -> Answer<ExitCode> {
    let code = progress::follow(session, job, about).await?;
    if left_out && code == ExitCode::SUCCESS {
        return Ok(ExitCode::from(crate::outcome::PARTIAL));
    }
    Ok(code)
}
