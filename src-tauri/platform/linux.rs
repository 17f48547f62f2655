//! Linux: dragging files out through GTK, and the priority of threads.
//!
//! The `drag` crate starts a drag here, but takes its data handler away before an X11 target asks
//! for the data, so that nothing arrives; GTK does it in a few lines.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gtk::glib::{MainContext, Propagation};
use gtk::prelude::*;
use tauri::WebviewWindow;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use url::Url;
use wherry_engine::Staged;
use wherry_engine::contract::Problem;

/// Files that were dropped before they were there are waited for so long; other programs lose patience
/// after five seconds.
const PATIENCE: Duration = Duration::from_secs(4);

/// The files as other programs want them, once they are there; none when they could not be fetched.
type Uris = Arc<OnceLock<Vec<String>>>;

/// Drags these files; answers when the drag is over, or false when it could not begin or nothing got
/// the files.
///
/// The pointer's button must be down. The files may still be on their way: they are asked for at the
/// drop, and a quick hand lets go before they are there.
pub async fn drag_out(window: &WebviewWindow, staged: Staged) -> Result<bool, Problem> {
    let uris = Uris::default();
    let coming = Arc::clone(&uris);
    let fetching = tauri::async_runtime::spawn(async move {
        let paths = staged.arrive().await.unwrap_or_default();
        let found = paths.iter().filter_map(|path| uri(path)).collect();
        let _ = coming.set(found);
        // Who waits for them, waits on the main thread.
        MainContext::default().wakeup();
    });
    let (tell, mut told) = unbounded_channel();
    let on = window.clone();
    window
        .run_on_main_thread(move || {
            if !begin(&on, uris, tell.clone()) {
                let _ = tell.send(false);
            }
        })
        .map_err(|e| Problem::fault("The drag could not begin.", e))?;
    let got = told.recv().await.unwrap_or(false);
    fetching.abort();
    Ok(got)
}

fn uri(path: &Path) -> Option<String> {
    Url::from_file_path(path).ok().map(String::from)
}

fn begin(window: &WebviewWindow, uris: Uris, ended: UnboundedSender<bool>) -> bool {
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
    if !button_is_down(&parent, &device) {
        tracing::debug!("nothing is dragged out: the button is up again");
        return false;
    }
    // A widget of its own: the web view has handlers for drags that belong to the page.
    let source = gtk::Invisible::for_screen(&screen);
    source.show();
    let missed = Rc::new(Cell::new(false));
    let late = Rc::clone(&missed);
    source.connect_drag_data_get(move |_, _, data, _, _| {
        let there = wait_for(&uris);
        late.set(there.is_empty());
        let uris: Vec<&str> = there.iter().map(String::as_str).collect();
        data.set_uris(&uris);
    });
    let nowhere = Rc::clone(&missed);
    source.connect_drag_failed(move |_, _, why| {
        tracing::debug!(?why, "a drag out failed");
        nowhere.set(nowhere.get() || why != gtk::DragResult::UserCancelled);
        Propagation::Proceed
    });
    source.connect_drag_end(move |source, _| {
        let _ = ended.send(!missed.get());
        // The target may still be asking when the drag ends, so the source goes a moment later.
        let source = source.clone();
        gtk::glib::idle_add_local_once(move || source.hide());
    });
    let targets = gtk::TargetList::new(&[]);
    targets.add_uri_targets(0);
    let begun = source
        .drag_begin_with_coordinates(&targets, gtk::gdk::DragAction::COPY, 1, None, -1, -1)
        .is_some();
    tracing::debug!(begun, "a drag out");
    begun
}

/// GTK wants the data at once, so the rest of the window goes on from in here meanwhile.
fn wait_for(uris: &Uris) -> &[String] {
    let until = Instant::now() + PATIENCE;
    let bell = gtk::glib::timeout_add_local(PATIENCE, || gtk::glib::ControlFlow::Continue);
    while uris.get().is_none() && Instant::now() < until {
        gtk::main_iteration_do(true);
    }
    bell.remove();
    uris.get().map_or(&[], Vec::as_slice)
}

fn button_is_down(window: &gtk::ApplicationWindow, pointer: &gtk::gdk::Device) -> bool {
    window.window().is_some_and(|surface| {
        let (_, _, _, state) = surface.device_position(pointer);
        state.contains(gtk::gdk::ModifierType::BUTTON1_MASK)
    })
}

/// Enough beside the threads of the window; other programs are hardly preferred by it.
const NICER: i32 = 5;

/// The calling thread leaves the processors to the window first.
pub fn stand_back() {
    // Linux has a priority for each thread, whatever the call is named.
    if let Err(error) = rustix::process::setpriority_process(None, NICER) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
