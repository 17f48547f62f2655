//! Desktop notifications about keys that stop working soon.

use std::time::Duration;

use tauri::{AppHandle, Manager};
use wherry_engine::{Engine, ExpiryNotice};

/// The stages are days apart.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Looks now and every hour, for as long as the app runs.
pub fn watch(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        loop {
            let engine = app.state::<Engine>().inner().clone();
            match engine.expiry_notices(chrono::Utc::now()) {
                Ok(notices) => {
                    for notice in notices {
                        let app = app.clone();
                        // Waits for the user to do something about it.
                        std::thread::spawn(move || show(&app, &notice));
                    }
                }
                Err(problem) => tracing::warn!(code = problem.code, "keys cannot be looked at"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

fn show(app: &AppHandle, notice: &ExpiryNotice) {
    let mut notification = notify_rust::Notification::new();
    notification
        .appname("Wherry")
        .summary(&notice.title)
        .body(&notice.words);
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        notification.action("default", "Open Wherry");
        if let Some(remedy) = notice.remedy {
            notification.action("rotate", remedy);
        }
    }
    match notification.show() {
        #[cfg(all(unix, not(target_os = "macos")))]
        Ok(shown) => shown.wait_for_action(|action| {
            if matches!(action, "default" | "rotate") {
                crate::window::show(app);
                app.state::<Engine>().show_keys(notice.account.clone());
            }
        }),
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Ok(_) => {}
        // The badge in the window says the same.
        Err(error) => tracing::info!(%error, "there is no desktop notification"),
    }
}
