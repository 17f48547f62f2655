//! macOS and Windows: dragging files out through the `drag` crate.

use std::path::PathBuf;

use drag::{DragItem, Image, Options};
use tauri::WebviewWindow;
use wherry_engine::contract::Problem;

/// What hangs on the pointer while dragging.
const PICTURE: &[u8] = include_bytes!("../../icons/32x32.png");

/// Begins a drag with these files; true when the desktop has taken it over.
pub async fn drag_out(window: &WebviewWindow, paths: Vec<PathBuf>) -> Result<bool, Problem> {
    let (answer, begun) = tokio::sync::oneshot::channel();
    let on = window.clone();
    window
        .run_on_main_thread(move || {
            let item = DragItem::Files(paths);
            let picture = Image::Raw(PICTURE.to_vec());
            let started = drag::start_drag(&on, item, picture, |_, _| {}, Options::default());
            let _ = answer.send(started.is_ok());
        })
        .map_err(|e| Problem::fault("The drag could not begin.", e))?;
    Ok(begun.await.unwrap_or(false))
}
