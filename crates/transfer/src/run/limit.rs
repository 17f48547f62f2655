//! How many files of a job go at once, where somebody has said so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Clones share the number, which counts for files that are begun from then on.
#[derive(Debug, Clone, Default)]
pub struct FileLimit(Arc<AtomicU32>);

impl FileLimit {
    /// `None`: as many as do the line good.
    pub fn set(&self, files: Option<u32>) {
        self.0.store(files.unwrap_or(0), Relaxed);
    }

    pub(super) fn at_most(&self, slots: usize) -> usize {
        match self.0.load(Relaxed) {
            0 => slots,
            files => slots.min(files as usize),
        }
    }
}
