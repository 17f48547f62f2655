//! macOS and Windows: dragging files out through the `drag` crate.

use drag::{DragItem, Image, Options};
use tauri::WebviewWindow;
use wherry_engine::Staged;
use wherry_engine::contract::Problem;

/// What hangs on the pointer while dragging.
const PICTURE: &[u8] = include_bytes!("../../icons/32x32.png");

/// Drags these files; answers when the drag is over, wherever it ended, or false when it could not
/// begin: here it cannot before they are there.
pub async fn drag_out(window: &WebviewWindow, staged: Staged) -> Result<bool, Problem> {
    let Some(paths) = staged.here() else {
        return Ok(false);
    };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let on = window.clone();
    window
        .run_on_main_thread(move || {
            let item = DragItem::Files(paths);
            let picture = Image::Raw(PICTURE.to_vec());
            let ended = tell.clone();
            let over = move |_, _| {
                let _ = ended.send(true);
            };
            if drag::start_drag(&on, item, picture, over, Options::default()).is_err() {
                let _ = tell.send(false);
            }
        })
        .map_err(|e| Problem::fault("The drag could not begin.", e))?;
    Ok(told.recv().await.unwrap_or(false))
}

/// These systems prefer the window in front by themselves.
pub fn stand_back() {}

/// There is one way to ask these systems, which is not the desktop's.
pub fn keep_awake(_app: &str, _why: &str) -> Option<()> {
    None
}
