//! Files of this computer that a sync deletes, each as it was when the plan was made.

use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct ErasePlan {
    pub folder: PathBuf,
    pub items: Vec<EraseItem>,
    /// Of all of them.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseItem {
    /// Relative to the folder, with `/`.
    pub path: Box<str>,
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: Option<i64>,
}

impl ErasePlan {
    /// Takes files out of the plan: they are not deleted.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&EraseItem) -> bool) {
        self.items.retain(|item| wanted(item));
        self.bytes = self.items.iter().map(|item| item.size).sum();
    }
}
