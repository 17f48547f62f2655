//! How far a body has gone while it is still going.
//!
//! A part may take minutes over a slow line; a bar that only moves between parts looks dead.
//! Whoever sends wraps the call in [`metered`]; the bytes taken by the connection meanwhile are
//! added to the meter. What a request that fails has added is the caller's to take back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts bytes handed to the network. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

tokio::task_local! {
    static METER: Meter;
}

/// Runs `work` with its request bodies counted by `meter`.
pub async fn metered<T>(meter: Meter, work: impl Future<Output = T>) -> T {
    METER.scope(meter, work).await
}

pub(crate) fn current() -> Option<Meter> {
    METER.try_with(Clone::clone).ok()
}
