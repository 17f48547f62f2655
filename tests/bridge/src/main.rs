//! The engine behind a plain HTTP door on loopback, so that the user interface can be tested in an
//! ordinary browser against a real store. Part of the tests; the app has no such door.
//!
//! `POST /call` takes `{command, args}` and answers `{ok}` or `{problem}`; `GET /events` streams
//! every event as server-sent events; anything else is a file of the built interface, served with
//! the same content security policy as in the app. What only a window can do is answered by
//! [`shell::Stand`], which a test tells what the user "picks" by `POST /test/picks`.

mod door;
mod shell;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use wherry_account::Home;
use wherry_engine::Engine;
use wherry_vault::VaultKind;

#[derive(Parser)]
#[command(about = "Serves Wherry's interface and engine to a browser, for tests.")]
struct Options {
    /// The interface as `npm run build:bridge` builds it.
    #[arg(long, default_value = "ui/dist-bridge")]
    ui: PathBuf,
    /// 0 means any free port; the address is printed as JSON.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Configuration and data; a temporary folder when absent.
    #[arg(long)]
    home: Option<PathBuf>,
    /// keychain, file or session.
    #[arg(long, default_value = "session")]
    vault: VaultKind,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let temporary = tempfile::tempdir()?;
    let home = Home::at(options.home.unwrap_or_else(|| temporary.path().to_owned()));
    let engine = Engine::new(home, Some(options.vault));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await?;
    println!(
        "{}",
        serde_json::json!({ "url": format!("http://{}", listener.local_addr()?) })
    );
    let door = Arc::new(door::Door::new(engine.clone(), options.ui));
    tokio::select! {
        result = door::serve(listener, door) => result?,
        // A test ends the bridge by closing its standard input, also by dying.
        () = shell::input_ends() => {}
    }
    engine.shut_down().await;
    Ok(())
}
