//! Work that is one small thing per row and keeps nothing of its own: looking again at what
//! arrived, and taking away what was made.

use std::sync::Arc;

use async_trait::async_trait;

use super::Shared;
use super::job::Stopped;
use super::recheck::Proven;

#[async_trait]
pub(super) trait Each: Send + Sync + 'static {
    fn rows(&self) -> usize;
    fn name(&self, row: u32) -> String;
    /// Bytes that will be looked at, at most.
    fn size(&self, row: u32) -> u64;
    /// Of a verification.
    fn proven(&self) -> Option<Proven> {
        None
    }
    async fn run(&self, row: u32, shared: &Arc<Shared>) -> Result<(), Stopped>;
}
