//! A notification of the desktop when a transfer has ended that took long or went wrong, for somebody
//! who looks at something else meanwhile.

use std::collections::HashSet;

use tauri::{AppHandle, Manager};
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{Event, JobKind, JobState, JobView};

/// Shorter ones are still remembered.
const LONG: i64 = 30_000;

pub fn watch(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        let engine = app.state::<Engine>().inner().clone();
        let mut events = engine.events().listen();
        let mut running: HashSet<String> = HashSet::new();
        while let Some(event) = events.next().await {
            let Event::Jobs { jobs } = event else {
                continue;
            };
            for job in jobs {
                if job.state == JobState::Running {
                    running.insert(job.id);
                    continue;
                }
                if running.remove(&job.id)
                    && is_news(&job)
                    && !is_looked_at(&app)
                    && engine.settings().await.is_ok_and(|s| s.transfers.notify)
                {
                    let app = app.clone();
                    // Waits for the user to do something about it.
                    std::thread::spawn(move || show(&app, &job));
                }
            }
        }
    });
}

fn is_news(job: &JobView) -> bool {
    let Some(ended) = job.ended else {
        // It waits for the user, such as for a key.
        return job.state == JobState::Paused && job.problem.is_some();
    };
    match (job.kind, job.state) {
        (JobKind::Stage, _) | (_, JobState::Cancelled) => false,
        (_, JobState::Failed | JobState::Partial) => true,
        _ => ended - job.started >= LONG,
    }
}

fn is_looked_at(app: &AppHandle) -> bool {
    app.webview_windows()
        .values()
        .any(|window| window.is_focused().unwrap_or(false))
}

fn show(app: &AppHandle, job: &JobView) {
    let (summary, body) = words(job);
    let mut notification = notify_rust::Notification::new();
    notification.appname("Wherry").summary(summary).body(&body);
    #[cfg(all(unix, not(target_os = "macos")))]
    notification.action("default", "Open Wherry");
    match notification.show() {
        #[cfg(all(unix, not(target_os = "macos")))]
        Ok(shown) => shown.wait_for_action(|action| {
            if action == "default" {
                crate::window::show(app);
            }
        }),
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Ok(_) => {
            let _ = app;
        }
        // The list of transfers says the same.
        Err(error) => tracing::info!(%error, "there is no desktop notification"),
    }
}

fn words(job: &JobView) -> (&'static str, String) {
    let summary = match job.state {
        JobState::Done => "Transfer finished",
        JobState::Partial => "Transfer finished with problems",
        JobState::Paused => "Transfer waits for you",
        _ => "Transfer failed",
    };
    let body = match &job.problem {
        Some(problem) => format!("{}. {}", job.title, problem.what),
        None if job.files_failed > 0 => {
            format!("{}. Files that failed: {}.", job.title, job.files_failed)
        }
        None => job.title.clone(),
    };
    // Some desktops take the body for markup, and names of files are anybody's.
    let body = body
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    (summary, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wherry_engine::contract::Location;

    fn job(state: JobState, seconds: i64) -> JobView {
        let ended = (state != JobState::Paused).then_some(seconds * 1000);
        JobView {
            id: "j".into(),
            kind: JobKind::Upload,
            title: "Upload <b>x</b>".into(),
            account: "a".into(),
            location: Location {
                account: "a".into(),
                bucket: "b".into(),
                prefix: String::new(),
            },
            to: None,
            folder: None,
            state,
            taken_up: false,
            undo: false,
            receipts: false,
            files_total: 1,
            files_done: 0,
            files_failed: 1,
            files_skipped: 0,
            bytes_total: 1,
            bytes_done: 0,
            rate: 0.0,
            time_left: None,
            current: None,
            problem: None,
            proven: None,
            started: 0,
            ended,
        }
    }

    #[test]
    fn only_what_took_long_or_went_wrong_is_news() {
        assert!(!is_news(&job(JobState::Done, 29)) && is_news(&job(JobState::Done, 30)));
        assert!(is_news(&job(JobState::Failed, 0)) && is_news(&job(JobState::Partial, 0)));
        assert!(!is_news(&job(JobState::Cancelled, 999)) && !is_news(&job(JobState::Paused, 0)));
        let (summary, body) = words(&job(JobState::Partial, 1));
        assert_eq!(summary, "Transfer finished with problems");
        assert_eq!(body, "Upload &lt;b&gt;x&lt;/b&gt;. Files that failed: 1.");
    }
}
