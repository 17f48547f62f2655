//! The two ways in from the window's page.
//!
//! The commands themselves are declared once, in `wherry_engine::commands`, with their types; see
//! there for why they are not listed again here.

use serde_json::Value;
use tauri::ipc::Channel;
use tauri::{State, Webview};
use wherry_engine::Engine;
use wherry_engine::commands::{dispatch_desk, dispatch_shell};
use wherry_engine::contract::{Event, Problem};

use crate::desktop::Desktop;
use crate::window::MAIN;

/// Commands are for Wherry's own page. No capability names another window; this holds if one ever did.
fn own(webview: &Webview) -> Result<(), Problem> {
    if webview.label() == MAIN {
        Ok(())
    } else {
        Err(Problem::fault(
            "A page that is not Wherry's gave a command.",
            webview.label(),
        ))
    }
}

/// Gives one command.
#[tauri::command]
pub async fn call(
    webview: Webview,
    engine: State<'_, Engine>,
    desktop: State<'_, Desktop>,
    command: String,
    args: Value,
) -> Result<Value, Problem> {
    own(&webview)?;
    if let Some(answer) = dispatch_shell(desktop.inner(), &command, args.clone()).await {
        return answer;
    }
    match dispatch_desk(engine.inner(), &command, args).await {
        Some(answer) => answer,
        None => Err(Problem::fault(
            "The window gave a command that does not exist.",
            command,
        )),
    }
}

/// Sends every event to the page until it is gone.
#[tauri::command]
pub async fn events(
    webview: Webview,
    engine: State<'_, Engine>,
    channel: Channel<Event>,
) -> Result<(), Problem> {
    own(&webview)?;
    let mut listener = engine.events().listen();
    tauri::async_runtime::spawn(async move {
        while let Some(event) = listener.next().await {
            if channel.send(event).is_err() {
                break;
            }
        }
    });
    Ok(())
}
