//! Plans of the usual kinds, with less in them.

use super::Filter;
use crate::plan::{
    Conflict, CopyItem, CopyPlan, DownloadItem, DownloadPlan, UploadItem, UploadPlan,
};

impl UploadPlan {
    /// Leaves out what the filter does not take: by the names below what was chosen, or the file's
    /// own name where it was chosen by itself. Returns how many.
    pub fn narrow(&mut self, filter: &Filter) -> u64 {
        let before = self.items.len();
        let names: Vec<Option<String>> = (0..before as u32)
            .map(|at| {
                let alone = self.items[at as usize].relative.is_empty();
                let name = self.path(at).file_name()?.to_str()?.to_owned();
                alone.then_some(name)
            })
            .collect();
        self.retain(|at, item| {
            let name = names[at].as_deref().unwrap_or(&item.relative);
            if item.folder {
                return filter.takes_name(name);
            }
            filter.takes(name, item.size, Some(item.modified))
        });
        self.bytes = self.items.iter().map(|i| i.size).sum();
        (before - self.items.len()) as u64
    }

    pub(crate) fn retain(&mut self, wanted: impl FnMut(usize, &UploadItem) -> bool) {
        let (items, numbers) = some(std::mem::take(&mut self.items), wanted);
        self.items = items;
        self.conflicts = renumbered(std::mem::take(&mut self.conflicts), &numbers);
        self.other_keys = std::mem::take(&mut self.other_keys)
            .into_iter()
            .filter_map(|(item, key)| Some((number(&numbers, item)?, key)))
            .collect();
    }
}

impl DownloadPlan {
    pub(crate) fn retain(&mut self, wanted: impl FnMut(usize, &DownloadItem) -> bool) {
        let items = std::mem::take(&mut self.items);
        let conflicts = std::mem::take(&mut self.conflicts);
        (self.items, self.conflicts) = keep(items, conflicts, wanted);
    }

    /// Leaves out what the filter does not take, by the names below `prefix`. Returns how many.
    pub async fn narrow(&mut self, filter: &Filter, prefix: &str) -> u64 {
        let before = self.items.len();
        let items = std::mem::take(&mut self.items);
        let conflicts = std::mem::take(&mut self.conflicts);
        (self.items, self.conflicts) = keep(items, conflicts, |_, item| {
            filter.takes(below(&item.key, prefix), item.size, item.modified)
        });
        // Paths, not keys: they are as good for what is only a folder.
        self.folders
            .retain(|folder| filter.takes_name(&format!("{folder}/")));
        self.weigh().await;
        (before - self.items.len()) as u64
    }
}

impl CopyPlan {
    /// Leaves out what the filter does not take, by the names below `prefix`. Sizes count, times do
    /// not: a plan of copies does not know them. Returns how many.
    pub fn narrow(&mut self, filter: &Filter, prefix: &str) -> u64 {
        let before = self.items.len();
        self.retain(|_, item| filter.takes(below(&item.from, prefix), item.size, None));
        self.bytes = self.items.iter().map(|i| i.size).sum();
        (before - self.items.len()) as u64
    }

    pub(crate) fn retain(&mut self, wanted: impl FnMut(usize, &CopyItem) -> bool) {
        let items = std::mem::take(&mut self.items);
        let conflicts = std::mem::take(&mut self.conflicts);
        (self.items, self.conflicts) = keep(items, conflicts, wanted);
    }
}

/// Of a key chosen by itself, its last name.
fn below<'a>(key: &'a str, prefix: &str) -> &'a str {
    match key.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() && (prefix.is_empty() || prefix.ends_with('/')) => rest,
        _ => key.rsplit_once('/').map_or(key, |(_, name)| name),
    }
}

/// Some of the items, and their conflicts under their new numbers.
pub(crate) fn keep<T>(
    items: Vec<T>,
    conflicts: Vec<Conflict>,
    mut wanted: impl FnMut(usize, &T) -> bool,
) -> (Vec<T>, Vec<Conflict>) {
    let (kept, numbers) = some(items, &mut wanted);
    (kept, renumbered(conflicts, &numbers))
}

type Numbers = Vec<Option<u32>>;

fn some<T>(items: Vec<T>, mut wanted: impl FnMut(usize, &T) -> bool) -> (Vec<T>, Numbers) {
    let mut numbers = Vec::with_capacity(items.len());
    let mut kept = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let wanted = wanted(at, &item);
        numbers.push(wanted.then_some(kept.len() as u32));
        if wanted {
            kept.push(item);
        }
    }
    (kept, numbers)
}

fn number(numbers: &Numbers, item: u32) -> Option<u32> {
    numbers.get(item as usize).copied().flatten()
}

fn renumbered(conflicts: Vec<Conflict>, numbers: &Numbers) -> Vec<Conflict> {
    conflicts
        .into_iter()
        .filter_map(|conflict| {
            let item = number(numbers, conflict.item)?;
            Some(Conflict { item, ..conflict })
        })
        .collect()
}
