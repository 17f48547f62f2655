//! The shell: the window, its menu of native dialogs, and nothing that a crate could do.
//!
//! Every command arrives through [`commands::call`] and goes to the engine, or to [`Desktop`] when
//! only a window can carry it out. What differs between operating systems is in `platform`.

mod awake;
mod commands;
mod desktop;
mod endings;
mod hosted;
mod notices;
mod platform;
mod threads;
mod window;

use std::process::ExitCode;

use tauri::{Manager, RunEvent};
use wherry_account::Home;
use wherry_engine::{Engine, log};
use wherry_vault::VaultKind;

use desktop::Desktop;

/// Runs until the last window is closed.
pub fn run() -> ExitCode {
    let Some(home) = Home::from_env() else {
        eprintln!("Wherry does not know where your home folder is: set HOME or WHERRY_HOME.");
        return ExitCode::FAILURE;
    };
    let vault = match std::env::var("WHERRY_VAULT") {
        Ok(kind) => match kind.parse::<VaultKind>() {
            Ok(kind) => Some(kind),
            Err(error) => {
                eprintln!("WHERRY_VAULT: {error}");
                return ExitCode::FAILURE;
            }
        },
        Err(_) => None,
    };
    // For as long as the app runs.
    let _threads = match threads::start() {
        Ok(threads) => {
            tauri::async_runtime::set(threads.handle().clone());
            threads
        }
        Err(error) => {
            eprintln!("Wherry cannot start: the system gives it no threads ({error}).");
            return ExitCode::FAILURE;
        }
    };
    let _log = log::start(&home.logs());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "Wherry starts");
    match build(Engine::new(home, vault)) {
        Ok(app) => {
            app.run(|app, event| {
                if let RunEvent::Exit = event {
                    app.state::<Desktop>().leave();
                    let engine = app.state::<Engine>().inner().clone();
                    tauri::async_runtime::block_on(engine.shut_down());
                    tracing::info!("Wherry ends");
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window cannot be made");
            eprintln!("Wherry cannot open its window: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build(engine: Engine) -> tauri::Result<tauri::App> {
    tauri::Builder::default()
        // First: a second start hands over to the window that is open already.
        .plugin(tauri_plugin_single_instance::init(|app, _args, _folder| {
            window::show(app);
        }))
        .plugin(
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(window::REMEMBERED)
                .build(),
        )
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_opener::init())
        .invoke_handler(tauri::generate_handler![commands::call, commands::events])
        .setup(|app| {
            // Here and not earlier: a second start has handed over and ended before this.
            let tidying = engine.clone();
            std::thread::spawn(move || tidying.tidy());
            let taking_up = engine.clone();
            app.manage(engine);
            awake::watch(app.handle().clone());
            endings::watch(app.handle().clone());
            tauri::async_runtime::spawn(async move { taking_up.take_up().await });
            app.manage(Desktop::new(app.handle().clone()));
            window::open(app.handle())?;
            notices::watch(app.handle().clone());
            Ok(())
        })
        .build(tauri::generate_context!())
}
