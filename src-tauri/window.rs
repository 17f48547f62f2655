//! The one window.

use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_window_state::StateFlags;

/// Size and place come back at the next start. Not whether it is visible: a start shows it.
pub const REMEMBERED: StateFlags = StateFlags::from_bits_truncate(
    StateFlags::SIZE.bits() | StateFlags::POSITION.bits() | StateFlags::MAXIMIZED.bits(),
);

pub const MAIN: &str = "main";

pub fn open(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Wherry")
        .inner_size(1100.0, 720.0)
        .min_inner_size(560.0, 400.0)
        // Pages never navigate away from the app's own files.
        .on_navigation(|url| {
            let own = matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost");
            own || (cfg!(dev) && url.host_str() == Some("localhost"))
        })
        .build()?;
    Ok(())
}

/// Brings the window to the front.
pub fn show(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}
