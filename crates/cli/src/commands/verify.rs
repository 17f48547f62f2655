//! `verify`: what a receipt says, looked at again.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use serde::Serialize;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_engine::problem::{About, from_file_error, from_store};
use wherry_store::{ObjectStore, S3Config, S3Store};
use wherry_transfer::receipt::{Entry, ReadError, read_json};
use wherry_transfer::run::{Proven, Recheck, Side};
use wherry_transfer::{Job, Settings};

use crate::args::Verify;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::place::{Remote, StoreRef};
use crate::progress::{Verb, follow};
use crate::session::{Opened, Session};

const CHECKED: Verb = Verb {
    done: "found unchanged",
    bytes: true,
};

#[derive(Serialize)]
struct Proved {
    event: &'static str,
    #[serde(flatten)]
    proven: Proven,
}

pub async fn run(args: Verify, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let place = args.place.as_deref().map(Remote::parse).transpose()?;
    let read = File::open(&args.receipt).map_err(ReadError::from);
    let (head, mut entries) = read
        .and_then(read_json)
        .map_err(|e| unreadable(&args, &e))?;
    if let Some(place) = &place {
        entries.retain(|entry| is_at(entry, place));
    }
    if args.local {
        entries.retain(|entry| entry.file().is_some());
    } else {
        entries.retain(|entry| entry.object().is_some());
    }
    if entries.is_empty() {
        let what = "The receipt has nothing that could be looked at there.";
        let todo = if args.local {
            "Leave --local out to check the objects."
        } else {
            "Use --local to check files, or name another place."
        };
        return Err(Problem::new("verify.nothing", what, todo).into());
    }
    output.remark(&format!("Checking “{}”.", visible(&head.title)));
    // Files are read without a store; the job wants one, as it may be about objects.
    let (side, opened) = if args.local {
        let moved = args.moved.as_deref().and_then(|pair| match pair {
            [from, to] => Some((from.clone(), to.clone())),
            _ => None,
        });
        (Side::Computer(moved), None)
    } else {
        let (stores, first) = stores(&entries, place.as_ref(), session).await?;
        (Side::Store(stores), Some(first))
    };
    let store: Arc<dyn ObjectStore> = match &opened {
        Some(opened) => opened.objects(),
        None => Arc::new(nowhere()?),
    };
    let what = Recheck {
        entries,
        side,
        read: args.read,
    };
    let job = Job::recheck(store, what, Settings::default());
    let exit = follow(&job, CHECKED, output, |name, e| match &opened {
        Some(opened) => opened.file_problem("", name, e),
        None => from_file_error(e, &About::default()),
    })
    .await?;
    if let Some(proven) = job.snapshot().proven.filter(|p| p.files() > 0) {
        if output.json {
            let event = "proved";
            output.result(&Proved { event, proven }, String::new);
        } else {
            output.remark(&proven.to_string());
        }
    }
    Ok(exit)
}

/// A store that is never asked: making one connects nothing.
fn nowhere() -> Result<S3Store, Failure> {
    let address = url::Url::parse("http://localhost")
        .map_err(|e| Problem::fault("The files could not be read.", e))?;
    let store = S3Store::new(S3Config::new(address, None));
    Ok(store.map_err(|e| from_store(&e, &About::default()))?)
}

fn is_at(entry: &Entry, place: &Remote) -> bool {
    entry.object().is_some_and(|(_, bucket, key)| {
        place.bucket.is_empty() || (bucket == place.bucket && key.starts_with(&place.key))
    })
}

/// The store of each address in the receipt: that of the place, else of the account of this address.
async fn stores(
    entries: &[Entry],
    place: Option<&Remote>,
    session: &Session,
) -> Result<(HashMap<String, Arc<dyn ObjectStore>>, Opened), Failure> {
    let mut stores: HashMap<String, Arc<dyn ObjectStore>> = HashMap::new();
    let mut first = None;
    for (endpoint, ..) in entries.iter().filter_map(Entry::object) {
        if stores.contains_key(endpoint) {
            continue;
        }
        let named = match place {
            Some(place) => place.store.clone(),
            None => account_at(endpoint, session)?,
        };
        let opened = session.open(&named).await?;
        stores.insert(endpoint.to_owned(), opened.objects());
        first.get_or_insert(opened);
    }
    match first {
        Some(first) => Ok((stores, first)),
        None => Err(Failure::usage(
            "The receipt names no store.",
            "Use --local to check files.",
        )),
    }
}

fn account_at(endpoint: &str, session: &Session) -> Result<StoreRef, Failure> {
    let accounts = session
        .engine
        .accounts_file()
        .list()
        .map_err(Problem::from)?;
    let mut at = accounts
        .into_iter()
        .filter(|a| a.endpoint.as_str().trim_end_matches('/') == endpoint);
    match (at.next(), at.next()) {
        (Some(account), None) => Ok(StoreRef::Account(account.name)),
        (None, _) => Err(Failure::usage(
            format!("There is no account for {}.", visible(endpoint)),
            "Name one: wherry-cli verify RECEIPT ACCOUNT:",
        )),
        (Some(_), Some(_)) => Err(Failure::usage(
            format!("There are several accounts for {}.", visible(endpoint)),
            "Name one: wherry-cli verify RECEIPT ACCOUNT:",
        )),
    }
}

fn unreadable(args: &Verify, error: &ReadError) -> Failure {
    let name = visible(&args.receipt.display().to_string());
    let problem = Problem::new(
        "verify.receipt",
        format!("The receipt “{name}” cannot be used: {error}."),
        "It is a file that Wherry has saved as JSON.",
    );
    let exit = match error {
        ReadError::Io(e) if e.kind() == std::io::ErrorKind::NotFound => Exit::NotThere,
        _ => Exit::Failed,
    };
    Failure { problem, exit }
}
