//! `mb` and `rb`: making and removing buckets.

use serde::Serialize;
use wherry_store::ObjectStore;

use crate::args::BucketArg;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::place::Remote;
use crate::session::Session;

#[derive(Serialize)]
struct Row<'a> {
    event: &'static str,
    bucket: &'a str,
}

pub async fn make(args: BucketArg, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let place = bucket(&args.place)?;
    let opened = session.open(&place.store).await?;
    let done = opened.store.create_bucket(&place.bucket).await;
    done.map_err(|e| opened.problem(&place.bucket, None, &e))?;
    output.result(
        &Row {
            event: "made",
            bucket: &place.bucket,
        },
        || format!("made {}", place.shown()),
    );
    Ok(Exit::Done)
}

pub async fn remove(args: BucketArg, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let place = bucket(&args.place)?;
    let opened = session.open(&place.store).await?;
    let done = opened.store.delete_bucket(&place.bucket).await;
    done.map_err(|e| opened.problem(&place.bucket, None, &e))?;
    output.result(
        &Row {
            event: "removed",
            bucket: &place.bucket,
        },
        || format!("removed {}", place.shown()),
    );
    Ok(Exit::Done)
}

fn bucket(text: &str) -> Result<Remote, Failure> {
    let place = Remote::parse(text)?;
    place.need_bucket()?;
    if !place.key.is_empty() {
        let words = format!("“{text}” names an object, not a bucket.");
        return Err(Failure::usage(words, "Write ACCOUNT:bucket."));
    }
    Ok(place)
}
