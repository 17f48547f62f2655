//! `rm`.

use std::process::ExitCode;

use clap::Args;
use wherry_engine::problem::from_plan_error;
use wherry_transfer::{DeletePlan, Job, Settings, Watch};

use crate::outcome::{Answer, usage};
use crate::progress;
use crate::session::Session;

#[derive(Args)]
pub struct Rm {
    /// ACCOUNT:bucket/key or s3://bucket/key
    address: String,
    /// Everything below the address.
    #[arg(short, long)]
    recursive: bool,
}

pub async fn run(session: &Session, rm: Rm) -> Answer<ExitCode> {
    let place = session.remote(&rm.address)?;
    if place.is_folder() && !rm.recursive {
        return Err(usage(
            "That is a folder or a bucket: add -r to delete everything in it.",
            &rm.address,
        ));
    }
    let store = session.open(&place).await?;
    let about = session.about(&place);
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    if rm.recursive {
        // `rm -r a` means the folder a/ and the object a, and not the object ab.
        if !place.is_folder() {
            objects.push(place.key.clone());
            prefixes.push(format!("{}/", place.key));
        } else {
            prefixes.push(place.key.clone());
        }
    } else {
        objects.push(place.key.clone());
    }
    let watch = Watch::default();
    let plan = DeletePlan::make(&store, &place.bucket, objects, prefixes, &watch).await;
    let plan = plan.map_err(|e| from_plan_error(&e, &about))?;
    if plan.keys.is_empty() && !place.key.is_empty() {
        return Err(wherry_engine::contract::Problem::new(
            "store.no-object",
            "There is nothing at that address.",
            "Check the address; names are exact, capital and small letters differ.",
        )
        .context("address", rm.address));
    }
    let job = Job::delete(store, plan, Settings::default());
    progress::follow(session, &job, &about).await
}
