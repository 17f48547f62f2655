//! Work that blocks, on threads made for that.

use std::future::pending;

use tokio::task::{JoinError, spawn_blocking};

/// The error is that of work that panicked.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    match spawn_blocking(work).await {
        // Only where the runtime is about to end, and whoever waits with it. Were this an error, what
        // the file has at the store would be taken for a failure's and aborted, in the last moment.
        Err(error) if error.is_cancelled() => pending().await,
        done => done,
    }
}
