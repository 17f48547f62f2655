//! Keeps the computer from falling asleep by itself while something is transferred, if the user
//! wants that. Closing the lid is their own doing, and what runs goes on after it.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, Sender, channel};

use tauri::{AppHandle, Manager};
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{Event, JobState};

use crate::platform;

pub fn watch(app: AppHandle) {
    let (wish, wishes) = channel();
    // What holds the computer awake stays on the thread that made it, and asking may block.
    std::thread::spawn(move || hold(&wishes));
    tauri::async_runtime::spawn(async move {
        let engine = app.state::<Engine>().inner().clone();
        follow(&engine, &wish).await;
    });
}

async fn follow(engine: &Engine, wish: &Sender<bool>) {
    let mut events = engine.events().listen();
    let mut running: HashSet<String> = HashSet::new();
    let mut awake = false;
    while let Some(event) = events.next().await {
        let Event::Jobs { jobs } = event else {
            continue;
        };
        for job in jobs {
            if job.state == JobState::Running {
                running.insert(job.id);
            } else {
                running.remove(&job.id);
            }
        }
        if running.is_empty() == awake {
            awake = !running.is_empty();
            let settings = engine.settings().await;
            let wanted = awake && settings.is_ok_and(|s| s.transfers.keep_awake);
            if wish.send(wanted).is_err() {
                return;
            }
        }
    }
}

const APP: &str = "org.wherry.Wherry";
const WHY: &str = "Files are being transferred";

fn hold(wishes: &Receiver<bool>) {
    let mut held = None;
    while let Ok(wanted) = wishes.recv() {
        if !wanted {
            held = None;
        } else if held.is_none() {
            let system = keepawake::Builder::default()
                .idle(true)
                .reason(WHY)
                .app_name("Wherry")
                .app_reverse_domain(APP)
                .create();
            let system = system
                // It goes on after the sleep.
                .inspect_err(|error| tracing::info!(%error, "the system cannot be kept awake"))
                .ok();
            held = Some((system, platform::keep_awake(APP, WHY)));
        }
    }
}
