//! A portal's own sign-in pages in a window of their own.
//!
//! The pages are foreign: no capability names this window, so they can give no command; their cookies
//! are in a jar that ends with the window; and what is brought back goes to the engine, never through
//! Wherry's own page. The address in view is the window's title, and cannot be set by the page.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{
    AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};
use tokio::sync::oneshot;
use wherry_engine::contract::Problem;
use wherry_engine::{Engine, HostedPages};

use crate::window::MAIN;

/// What the labels of these windows begin with.
const LABEL: &str = "hosted-";

type Answer = Arc<Mutex<Option<oneshot::Sender<SecretString>>>>;

/// Shows the pages until the user has signed in (a ticket for the engine) or closed the window (none).
pub async fn sign_in(app: &AppHandle, pages: HostedPages) -> Result<Option<String>, Problem> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let label = format!("{LABEL}{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let (done, signed_in) = oneshot::channel();
    let answer: Answer = Arc::new(Mutex::new(Some(done)));
    let window = open(app, &label, pages, &answer).map_err(|e| {
        Problem::new(
            "desktop.hosted",
            "The sign-in window could not be opened.",
            "Try again. If it stays, sign in in your browser and use a key you make there.",
        )
        .context("reason", e)
    })?;
    // Closing the window drops the sender, which ends the waiting.
    window.on_window_event(move |event| {
        if matches!(event, WindowEvent::Destroyed) {
            answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    });
    let cookie = signed_in.await.ok();
    let _ = window.close();
    crate::window::show(app);
    Ok(cookie.map(|cookie| app.state::<Engine>().keep_hosted(cookie)))
}

/// Closes what is open of such windows: nobody waits for them any more.
pub fn close(app: &AppHandle) {
    for (label, window) in app.webview_windows() {
        if label.starts_with(LABEL) {
            let _ = window.close();
        }
    }
}

fn open(
    app: &AppHandle,
    label: &str,
    pages: HostedPages,
    answer: &Answer,
) -> tauri::Result<WebviewWindow> {
    let answer = Arc::clone(answer);
    let start = pages.start.clone();
    let encrypted = start.scheme() == "https";
    let mut builder = WebviewWindowBuilder::new(app, label, WebviewUrl::External(start.clone()))
        .title(title(&start))
        .inner_size(900.0, 720.0)
        .min_inner_size(480.0, 400.0)
        // Its own jar, gone with the window.
        .incognito(true)
        .on_navigation(move |url| match url.scheme() {
            "https" => true,
            // A portal that is encrypted does not lead anywhere that is not.
            "http" => !encrypted,
            scheme => scheme == "about",
        })
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_page_load(move |window, load| {
            let url = load.url().clone();
            let _ = window.set_title(&title(&url));
            if matches!(load.event(), PageLoadEvent::Finished) && pages.is_signed_in(&url) {
                // Not here: reading cookies waits for the thread this runs on.
                let (window, answer, start) =
                    (window.clone(), Arc::clone(&answer), pages.start.clone());
                std::thread::spawn(move || bring_back(&window, &start, &answer));
            }
        });
    if let Some(main) = app.get_webview_window(MAIN) {
        builder = builder.parent(&main)?;
    }
    builder.build()
}

/// The portal's cookies, as a browser would send them.
fn bring_back(window: &WebviewWindow, start: &Url, answer: &Answer) {
    let cookies = match window.cookies_for_url(start.clone()) {
        Ok(cookies) if !cookies.is_empty() => cookies,
        Ok(_) => return,
        Err(error) => {
            tracing::warn!(%error, "the sign-in window's cookies cannot be read");
            return;
        }
    };
    let header: Vec<String> = cookies
        .iter()
        .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
        .collect();
    let done = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(done) = done {
        let _ = done.send(header.join("; ").into());
    }
}

/// What a browser's address bar is for: who is asking for the password.
fn title(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    if url.scheme() == "https" {
        format!("https://{host} – sign in")
    } else {
        format!("{}://{host} – not encrypted – sign in", url.scheme())
    }
}
