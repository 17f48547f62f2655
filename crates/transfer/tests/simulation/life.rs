//! One life of the process after the other, until all is moved that can be.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use wherry_transfer::journal::Entry;
use wherry_transfer::*;

use crate::events::Event;
use crate::promises;
use crate::weather::Weather;
use crate::world::{BUCKET, Moves, World};

/// More than any job here takes, however often it has to wait.
const ENDLESS: Duration = Duration::from_hours(7 * 24);

pub fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Runs the world's job once, with all that goes wrong; then again what failed, in fair weather.
/// Says the trace.
pub fn without_a_journal(seed: u64, aloud: bool) -> Result<u64, String> {
    let world = Arc::new(World::of(seed, aloud));
    if aloud {
        println!("{}", world.describe());
    }
    runtime().block_on(async {
        world.fate.begin_life(None, None);
        let job = plan(&world, None).await?;
        world.break_weather(&world.weather);
        let happening = tokio::spawn(happen(Arc::clone(&world), job.clone()));
        let end = ended(&job).await?;
        happening.abort();
        // What is still on its way arrives, before anybody looks.
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.catch_up();
        check(&world, &job, &end)?;
        nothing_unfinished(&world)?;

        world.break_weather(&Weather::calm());
        world.lock_out(false);
        if job.retry_failed() {
            let end = ended(&job).await?;
            check(&world, &job, &end)?;
            // A copy whose original is gone is only known again by an ETag that stayed the same, and one that
            // is made later than it was answered, or twice, by none.
            let Weather { late, twice, .. } = world.weather;
            let copied_late = world.moves.copies() && late + twice > 0.0;
            // What was changed since a sync saw it stays.
            let excused = !world.events.is_empty()
                || world.moves.syncs()
                || world.weather.rot + world.weather.turned > 0.0
                || world.moves.removes_originals()
                || copied_late;
            if end.state != JobState::Done && !excused {
                let failed = job.files(0..9, true);
                return Err(format!(
                    "in fair weather it ended {:?}: {failed:?}",
                    end.state
                ));
            }
        }
        Ok::<_, String>(())
    })?;
    Ok(world.fate.trace())
}

fn check(world: &World, job: &Job, end: &JobSnapshot) -> Result<(), String> {
    let receipts = world
        .receipts
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    promises::check(world, &receipts, false)?;
    promises::check_job(world, job, end, &receipts)
}

pub fn lost(world: &World) -> bool {
    let Weather {
        lost, late, twice, ..
    } = world.weather;
    lost + late + twice > 0.0
}

/// Without a journal, an upload is only known while its answers come.
fn nothing_unfinished(world: &World) -> Result<(), String> {
    let Weather {
        refused, storms, ..
    } = world.weather;
    let stopped = |(_, _, event): &(_, _, Event)| matches!(event, Event::Cancel | Event::Locked);
    let excused = refused > 0.05 || storms || lost(world);
    let left = world.unfinished().len();
    if left > 0 && !excused && !world.events.iter().any(stopped) {
        return Err(format!("{left} uploads are left unfinished"));
    }
    Ok(())
}

pub async fn ended(job: &Job) -> Result<JobSnapshot, String> {
    tokio::time::timeout(ENDLESS, job.wait())
        .await
        .map_err(|_| format!("it never ends: {:?}", job.files(0..9, false)))
}

pub async fn happen(world: Arc<World>, job: Job) {
    let begun = tokio::time::Instant::now();
    for (after, row, event) in world.events.clone() {
        tokio::time::sleep_until(begun + after).await;
        if world.happen(row, event) {
            job.cancel();
        }
    }
}

/// Plans and starts the world's job.
pub async fn plan(world: &World, journal: Option<Entry>) -> Result<Job, String> {
    let (store, choices) = (world.handle(), world.choices.clone());
    let settings = Settings {
        journal,
        ..world.settings()
    };
    let watch = Watch::default();
    let said = |e: &dyn std::fmt::Display| e.to_string();
    match world.moves {
        Moves::Upload => {
            let request = UploadRequest {
                bucket: BUCKET.into(),
                prefix: "to/".into(),
                sources: vec![UploadSource {
                    path: world.folder().to_owned(),
                    name: None,
                    contents: true,
                }],
                with_litter: false,
                empty_folders: false,
                look_there: true,
            };
            let plan = UploadPlan::make(&store, request, &watch).await;
            let plan = plan.map_err(|e| said(&e))?;
            let job = Job::upload(store, plan, &choices, settings).await;
            job.map_err(|e| said(&e))
        }
        Moves::Download => {
            let request = DownloadRequest {
                bucket: BUCKET.into(),
                sources: vec![DownloadSource::Contents {
                    prefix: "from/".into(),
                }],
                folder: world.folder().to_owned(),
                look_there: true,
            };
            let plan = DownloadPlan::make(&store, request, &watch).await;
            let plan = plan.map_err(|e| said(&e))?;
            let job = Job::download(store, plan, choices, settings).await;
            job.map_err(|e| said(&e))
        }
        Moves::SyncUp | Moves::SyncDown | Moves::SyncAcross => world.sync(settings).await,
        Moves::Copy | Moves::Rename | Moves::Relay | Moves::Emigrate => {
            let request = CopyRequest {
                from_bucket: world.source_bucket().into(),
                from: "from/".into(),
                to_bucket: BUCKET.into(),
                to: "to/".into(),
                remove_originals: world.moves.removes_originals(),
            };
            let job = if world.has_two_stores() {
                let from = world.source_handle();
                let plan = CopyPlan::between(&from, &store, request, &watch).await;
                let plan = plan.map_err(|e| said(&e))?;
                Job::copy_between(from, store, false, plan, &choices, settings).await
            } else {
                let plan = CopyPlan::make(&store, request, &watch).await;
                let plan = plan.map_err(|e| said(&e))?;
                Job::copy(store, plan, &choices, settings).await
            };
            job.map_err(|e| said(&e))
        }
    }
}
