//! Everything Wherry does, without a window.
//!
//! [`Engine`] puts the crates together and speaks the [`contract`]; the desktop app, the browser
//! test harness and `wherry-cli` stand on it. It knows no Tauri.

pub mod commands;
pub mod contract;
pub mod typescript;
