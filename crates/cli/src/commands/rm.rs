//! `rm`: deleting objects, as a plan that is shown and then run.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use wherry_engine::names::visible;
use wherry_transfer::{DeletePlan, Job, Settings};

use crate::args::Rm;
use crate::failure::{Exit, Failure};
use crate::output::{Output, count, size};
use crate::place::Remote;
use crate::progress::{Looking, Verb, follow};
use crate::session::{Opened, Session};

#[derive(Serialize)]
struct Planned<'a> {
    event: &'static str,
    key: &'a str,
}

pub async fn run(args: Rm, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for (place, objects, prefixes) in by_bucket(&args)? {
        let opened = session.open(&place.store).await?;
        let (store, (looking, watch)) = (opened.objects(), Looking::begin(output));
        let plan = DeletePlan::make(&store, &place.bucket, objects, prefixes, &watch)
            .await
            .map_err(|e| opened.plan_problem(&place.bucket, &e))?;
        drop(looking);
        // `rm -r folder` may name a folder, an object, or both.
        for key in plan
            .missing
            .iter()
            .filter(|key| !args.recursive || plan.keys.is_empty() && !key.is_empty())
        {
            output.warning(key, "there is no such object");
            exit = Exit::NotThere;
        }
        if plan.keys.is_empty() {
            continue;
        }
        if args.dry_run {
            for key in &plan.keys {
                output.result(
                    &Planned {
                        event: "would-delete",
                        key,
                    },
                    || format!("would delete {}", visible(key)),
                );
            }
            continue;
        }
        if !args.yes && !confirm(&plan, &place, output) {
            return Ok(Exit::Interrupted);
        }
        let ended = delete(plan, &place, &opened, output).await?;
        if ended != Exit::Done {
            exit = ended;
        }
    }
    Ok(exit)
}

type Wanted = (Remote, Vec<String>, Vec<String>);

/// Places of one bucket become one plan.
fn by_bucket(args: &Rm) -> Result<Vec<Wanted>, Failure> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for text in &args.places {
        let place = Remote::parse(text)?;
        place.need_bucket()?;
        let folder = place.key.is_empty() || place.key.ends_with('/');
        if folder && !args.recursive {
            let words = format!("“{text}” is a folder.");
            return Err(Failure::usage(words, "Use -r to delete all that is in it."));
        }
        let at = wanted
            .iter()
            .position(|(p, ..)| p.store == place.store && p.bucket == place.bucket);
        let at = at.unwrap_or_else(|| {
            wanted.push((place.clone(), Vec::new(), Vec::new()));
            wanted.len() - 1
        });
        if args.recursive {
            wanted[at].2.push(place.as_folder());
        }
        if !folder {
            wanted[at].1.push(place.key);
        }
    }
    Ok(wanted)
}

/// Asks on a terminal. A script has been written by somebody who meant it.
fn confirm(plan: &DeletePlan, place: &Remote, output: &Output) -> bool {
    if output.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return true;
    }
    let what = match &plan.keys[..] {
        [only] => format!("“{}” ({})", visible(only), size(plan.bytes)),
        all => format!(
            "{}, {}",
            count(all.len() as u64, "object"),
            size(plan.bytes)
        ),
    };
    eprint!(
        "Delete {what} from the bucket “{}”? This cannot be undone. [y/N] ",
        place.bucket
    );
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes")
}

async fn delete(
    plan: DeletePlan,
    place: &Remote,
    opened: &Opened,
    output: &Output,
) -> Result<Exit, Failure> {
    let job = Job::delete(opened.objects(), plan, Settings::default());
    let verb = Verb {
        done: "deleted",
        bytes: false,
    };
    follow(&job, verb, output, |key, e| {
        opened.file_problem(&place.bucket, key, e)
    })
    .await
}
