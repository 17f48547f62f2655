//! Everything Wherry does, without a window.
//!
//! [`Engine`] puts the crates together and speaks the [`contract`]; the desktop app, the browser
//! test harness and `wherry-cli` stand on it. It knows no Tauri.

mod accounts;
mod browse;
pub mod commands;
pub mod contract;
mod desk;
mod engine;
mod events;
mod hand_over;
mod jobs;
mod keys;
mod lent;
mod listing;
pub mod log;
pub mod names;
mod practice;
pub mod problem;
mod settings;
pub mod typescript;

pub use engine::Engine;
pub use events::{Events, Listener};
pub use jobs::{JobPatience, Staged};
pub use keys::ExpiryNotice;
pub use wherry_portal::HostedPages;

/// The pages of documentation that Wherry itself names; no other is opened for the window.
pub fn help_pages() -> impl Iterator<Item = &'static str> {
    wherry_account::providers()
        .iter()
        .map(|p| p.help_url.as_str())
}
