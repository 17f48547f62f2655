//! What differs between operating systems, one file each.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
pub use linux::{drag_out, stand_back};
#[cfg(target_os = "linux")]
pub use session::keep_awake;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::{drag_out, keep_awake, stand_back};
