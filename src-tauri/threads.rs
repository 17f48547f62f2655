//! The threads that everything but the window itself runs on: transfers, which can keep all processors
//! busy, stand back for the window, so that it is smooth meanwhile.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::platform;

/// What Tauri would make by itself, but for the priority.
pub fn start() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_name("wherry-work")
        .on_thread_start(platform::stand_back)
        .build()
}
