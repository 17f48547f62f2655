//! Linux: dragging files out through GTK.
//!
//! The `drag` crate starts a drag here, but takes its data handler away before an X11 target asks
//! for the data, so that nothing arrives; GTK does it in a few lines.

use std::path::PathBuf;

use gtk::prelude::*;
use tauri::WebviewWindow;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use url::Url;
use wherry_engine::contract::Problem;

/// Drags these files; answers when the drag is over, wherever it ended, or false when it could not
/// begin.
///
/// The pointer's button must be down. The files exist already: the other program reads them the
/// moment they are dropped.
pub async fn drag_out(window: &WebviewWindow, paths: Vec<PathBuf>) -> Result<bool, Problem> {
    let uris: Vec<String> = paths
        .iter()
        .filter_map(|path| Url::from_file_path(path).ok())
        .map(String::from)
        .collect();
    let (tell, mut told) = unbounded_channel();
    let on = window.clone();
    window
        .run_on_main_thread(move || {
            if !begin(&on, uris, tell.clone()) {
                let _ = tell.send(false);
            }
        })
        .map_err(|e| Problem::fault("The drag could not begin.", e))?;
    Ok(told.recv().await.unwrap_or(false))
}

fn begin(window: &WebviewWindow, uris: Vec<String>, ended: UnboundedSender<bool>) -> bool {
    let Ok(parent) = window.gtk_window() else {
        return false;
    };
    let Some(device) = parent
        .display()
        .default_seat()
        .and_then(|seat| seat.pointer())
    else {
        return false;
    };
    let Some(screen) = gtk::prelude::WidgetExt::screen(&parent) else {
        return false;
    };
    if uris.is_empty() || !button_is_down(&parent, &device) {
        return false;
    }
    // A widget of its own: the web view has handlers for drags that belong to the page.
    let source = gtk::Invisible::for_screen(&screen);
    source.show();
    source.connect_drag_data_get(move |_, _, data, _, _| {
        let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
        data.set_uris(&uris);
    });
    source.connect_drag_end(move |source, _| {
        let _ = ended.send(true);
        // The target may still be asking when the drag ends, so the source goes a moment later.
        let source = source.clone();
        gtk::glib::idle_add_local_once(move || source.hide());
    });
    let targets = gtk::TargetList::new(&[]);
    targets.add_uri_targets(0);
    source
        .drag_begin_with_coordinates(&targets, gtk::gdk::DragAction::COPY, 1, None, -1, -1)
        .is_some()
}

fn button_is_down(window: &gtk::ApplicationWindow, pointer: &gtk::gdk::Device) -> bool {
    window.window().is_some_and(|surface| {
        let (_, _, _, state) = surface.device_position(pointer);
        state.contains(gtk::gdk::ModifierType::BUTTON1_MASK)
    })
}
