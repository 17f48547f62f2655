//! Copies that `cp` makes inside a store and from one store into another.

use chrono::Utc;
use wherry_store::{ErrorKind, StoreError};
use wherry_transfer::{Choices, CopyPlan, CopyRequest, Job, Settings, Watch};

use super::cp::{COPIED, choices, filtered, folder_needs_r, planned, settings, tell, worse};
use crate::args::Cp;
use crate::failure::{Exit, Failure};
use crate::filtering::filter;
use crate::output::Output;
use crate::place::Remote;
use crate::progress::follow;
use crate::session::Session;
use crate::written::Wish;

pub async fn run(
    args: &Cp,
    from: Vec<Remote>,
    to: Remote,
    session: &Session,
    output: &Output,
) -> Result<Exit, Failure> {
    let destination = session.open(&to.store).await?;
    let filter = filter(&args.filter, Utc::now())?;
    // What a plan of copies knows of an object is its size.
    if filter.spec().since.is_some() || filter.spec().until.is_some() {
        return Err(Failure::usage(
            "Copies inside and between stores cannot be chosen by time.",
            "Use `sync` with --since and --until, which looks at times.",
        ));
    }
    let several = from.len() > 1;
    let mut exit = Exit::Done;
    for source in from {
        let opened = session.open(&source.store).await?;
        let folder = source.key.is_empty() || source.key.ends_with('/');
        if folder && !args.recursive {
            return Err(folder_needs_r(&source.shown()));
        }
        let into_folder = to.key.is_empty() || to.key.ends_with('/') || args.recursive || several;
        let (from, into) = if args.recursive {
            let name = match (folder, source.key.is_empty(), source.bucket_slash) {
                (true, true, false) => format!("{}/", source.bucket),
                (true, ..) => String::new(),
                (false, ..) => format!("{}/", source.last_name()),
            };
            (source.as_folder(), format!("{}{name}", to.as_folder()))
        } else if into_folder {
            (
                source.key.clone(),
                format!("{}{}", to.as_folder(), source.last_name()),
            )
        } else {
            (source.key.clone(), to.key.clone())
        };
        let request = CopyRequest {
            from_bucket: source.bucket.clone(),
            from,
            to_bucket: to.bucket.clone(),
            to: into,
            remove_originals: false,
        };
        let within = opened.same_as(&destination);
        let (store, target) = (opened.objects(), destination.objects());
        let watch = Watch::default();
        let plan = if within {
            CopyPlan::make(&store, request, &watch).await
        } else {
            CopyPlan::between(&store, &target, request, &watch).await
        };
        let mut plan = plan.map_err(|e| match &e {
            wherry_transfer::PlanError::Store(e) => {
                opened.problem(&source.bucket, Some(&source.key), e)
            }
            e => opened.plan_problem(&source.bucket, e),
        })?;
        if plan.items.is_empty() && plan.notes.is_empty() {
            let words = "there is nothing of that name";
            let error = StoreError::new(ErrorKind::NoSuchKey, "find the object", words);
            let key = Some(source.key.as_str());
            return Err(opened.problem(&source.bucket, key, &error).into());
        }
        let narrowed = plan.narrow(&filter, &source.as_folder());
        filtered(narrowed, output);
        let complete = tell(&plan.notes, output);
        if args.dry_run {
            for item in &plan.items {
                let (from, to) = (
                    format!("{}/{}", source.bucket, item.from),
                    format!("{}/{}", to.bucket, item.to),
                );
                planned(&from, &to, item.size, output);
            }
            continue;
        }
        let choices = Choices {
            include_same: !args.no_clobber,
            ..choices(args)
        };
        let wish = Wish {
            command: "cp",
            args: &(args, source.shown(), opened.named()),
            title: format!("{} to {}", source.shown(), to.shown()),
            store: &destination,
            place: &to,
        };
        let settings = Settings {
            sha256: args.sha256,
            ..settings(output, wish.entry(session, output).await)
        };
        let job = if within {
            Job::copy(store, plan, &choices, settings).await
        } else {
            let one_server = opened.host() == destination.host();
            Job::copy_between(store, target, one_server, plan, &choices, settings).await
        };
        let job = job.map_err(|e| destination.problem(&to.bucket, None, &e))?;
        let ended = follow(&job, COPIED, output, |key, e| {
            opened.file_problem(&source.bucket, key, e)
        })
        .await?;
        session
            .add_receipts(&job, &opened.endpoint, &destination.endpoint, output)
            .await?;
        if worse(ended, complete) != Exit::Done {
            exit = worse(ended, complete);
        }
    }
    Ok(exit)
}
