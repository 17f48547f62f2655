//! Linux: dragging files out through GTK, and the priority of threads.
//!
//! The `drag` crate starts a drag here, but takes its data handler away before an X11 target asks
//! for the data, so that nothing arrives; GTK does it in a few lines.

use std::cell::{OnceCell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gtk::gdk::{Device, DragAction, DragContext};
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

/// A drag that has begun and is not over.
struct Drag {
    context: DragContext,
    uris: Uris,
    missed: bool,
    ended: UnboundedSender<bool>,
}

/// What drags are dragged from: a widget of its own, as the web view has handlers for drags that belong to the
/// page; one for all drags, as GTK keeps each until the end of the program.
struct Source {
    widget: gtk::Invisible,
    /// More than one when a target still asks for the files of the one before.
    drags: RefCell<Vec<Drag>>,
}

thread_local! {
    static SOURCE: OnceCell<Rc<Source>> = const { OnceCell::new() };
}

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
    if !button_is_down(&parent, &device) {
        tracing::debug!("nothing is dragged out: the button is up again");
        return false;
    }
    let source = SOURCE.with(|source| Rc::clone(source.get_or_init(Source::new)));
    source.begin(uris, ended).is_some_and(|drag| {
        ask_at_once(&drag, &device);
        true
    })
}

impl Source {
    fn new() -> Rc<Self> {
        let source = Rc::new(Self {
            widget: gtk::Invisible::new(),
            drags: RefCell::default(),
        });
        source.widget.show();
        let widget = &source.widget;
        let of = Rc::clone(&source);
        widget.connect_drag_data_get(move |_, drag, data, _, _| {
            let Some(uris) = of.with(drag, |drag| Arc::clone(&drag.uris)) else {
                return;
            };
            let there = wait_for(&uris);
            of.with(drag, |drag| drag.missed = there.is_empty());
            let uris: Vec<&str> = there.iter().map(String::as_str).collect();
            data.set_uris(&uris);
        });
        let of = Rc::clone(&source);
        widget.connect_drag_failed(move |_, drag, why| {
            tracing::debug!(?why, "a drag out failed");
            of.with(drag, |drag| {
                drag.missed |= why != gtk::DragResult::UserCancelled;
            });
            Propagation::Proceed
        });
        let of = Rc::clone(&source);
        widget.connect_drag_end(move |_, context| {
            of.with(context, |drag| {
                let _ = drag.ended.send(!drag.missed);
            });
            of.drags
                .borrow_mut()
                .retain(|drag| drag.context != *context);
        });
        source
    }

    fn begin(&self, uris: Uris, ended: UnboundedSender<bool>) -> Option<DragContext> {
        let targets = gtk::TargetList::new(&[]);
        targets.add_uri_targets(0);
        let copy = DragAction::COPY;
        let context = self
            .widget
            .drag_begin_with_coordinates(&targets, copy, 1, None, -1, -1);
        tracing::debug!(begun = context.is_some(), "a drag out");
        let context = context?;
        self.drags.borrow_mut().push(Drag {
            context: context.clone(),
            uris,
            missed: false,
            ended,
        });
        Some(context)
    }

    fn with<T>(&self, context: &DragContext, what: impl FnOnce(&mut Drag) -> T) -> Option<T> {
        let mut drags = self.drags.borrow_mut();
        drags
            .iter_mut()
            .find(|drag| drag.context == *context)
            .map(what)
    }
}

/// What is under the pointer is asked whether it takes the files.
///
/// GDK asks when the pointer moves, and takes a release before the answer for a drop on nothing; a quick hand
/// may be where it wants to be before the drag has begun, and does not move any more.
fn ask_at_once(drag: &DragContext, pointer: &Device) {
    let Some(icon) = drag.drag_window() else {
        return;
    };
    let (screen, x, y) = pointer.position();
    if let (Some(target), protocol) = drag.drag_find_window_for_screen(&icon, &screen, x, y) {
        let copy = DragAction::COPY;
        drag.drag_motion(
            &target,
            protocol,
            x,
            y,
            copy,
            copy,
            gtk::current_event_time(),
        );
    }
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
