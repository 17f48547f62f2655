//! Asking a store what it has, as far as a plan needs it and with as few requests as that takes.

use std::sync::Arc;

use wherry_store::flat::{self, Below};
use wherry_store::{ErrorKind, ListPage, ListRequest, ObjectInfo, ObjectStore, StoreError};

use super::Watch;
use crate::error::PlanError;
use crate::names;
use crate::retry::{Backoff, Patience};

/// A store and bucket to ask, patiently.
pub struct Asker {
    store: Arc<dyn ObjectStore>,
    bucket: String,
    patience: Patience,
    watch: Watch,
}

impl Asker {
    pub fn new(store: &Arc<dyn ObjectStore>, bucket: &str, watch: &Watch) -> Self {
        Self {
            store: Arc::clone(store),
            bucket: bucket.to_owned(),
            patience: Patience::new(Backoff::default(), None),
            watch: watch.clone(),
        }
    }

    pub fn patient(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    async fn page(&self, request: ListRequest) -> Result<ListPage, PlanError> {
        let asked = self.patience.with(|| self.store.list(request.clone()));
        tokio::select! {
            () = self.watch.cancel.cancelled() => Err(PlanError::Cancelled),
            page = asked => Ok(page?),
        }
    }

    /// Every object under a prefix, in pages and in the store's order; several are asked for at once.
    pub async fn each(
        &self,
        prefix: &str,
        take: impl FnMut(Vec<ObjectInfo>),
    ) -> Result<(), PlanError> {
        let below = Below {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            at_once: flat::AT_ONCE,
        };
        flat::list(below, |request| self.page(request), take).await
    }

    /// Which of these keys exist. `keys` are sorted and distinct; `found` gets their index.
    ///
    /// Walks keys and listing side by side and leaps over what lies between them, so that three
    /// files into a folder of a million objects cost three small requests, and 100,000 files into
    /// a folder that has them all cost a hundred.
    pub async fn find(
        &self,
        keys: &[String],
        mut found: impl FnMut(usize, ObjectInfo),
    ) -> Result<(), PlanError> {
        let sorted = leap(&self.bucket, keys, |request| self.page(request), &mut found);
        if sorted.await? {
            return Ok(());
        }
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
            return Ok(());
        };
        self.find_unsorted(keys, common_prefix(first, last), found)
            .await
    }

    /// For stores that list in an order of their own, or do not know `start-after`.
    async fn find_unsorted(
        &self,
        keys: &[String],
        prefix: &str,
        mut found: impl FnMut(usize, ObjectInfo),
    ) -> Result<(), PlanError> {
        // The sorted part was reported already; a second report of the same object is harmless.
        self.each(prefix, |objects| {
            for object in objects {
                if let Ok(at) = keys.binary_search(&object.key) {
                    found(at, object);
                }
            }
        })
        .await
    }
}

/// Which of these keys exist, as [`Asker::find`] does it, with whatever asks for the pages. False
/// when the store does not list in order, and what was found is not all.
pub(crate) async fn leap<E, F: Future<Output = Result<ListPage, E>>>(
    bucket: &str,
    keys: &[String],
    page: impl Fn(ListRequest) -> F,
    mut found: impl FnMut(usize, ObjectInfo),
) -> Result<bool, E> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
        return Ok(true);
    };
    let prefix = common_prefix(first, last);
    let mut next = 0;
    let mut listed = String::new();
    while let Some(wanted) = keys.get(next) {
        let before = just_before(wanted);
        let after = if before > listed.as_str() {
            before
        } else {
            listed.as_str()
        };
        let page = page(ListRequest {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            start_after: (!after.is_empty()).then(|| after.to_owned()),
            max_keys: Some((2 * (keys.len() - next)).clamp(10, 1000) as u32),
            ..ListRequest::default()
        })
        .await?;
        let Some(end) = page.objects.last().map(|o| o.key.clone()) else {
            break;
        };
        let sorted = page.objects.is_sorted_by(|a, b| a.key < b.key);
        if !sorted || page.objects[0].key.as_str() <= after {
            return Ok(false);
        }
        for object in page.objects {
            while keys.get(next).is_some_and(|k| *k < object.key) {
                next += 1;
            }
            if keys.get(next) == Some(&object.key) {
                found(next, object);
                next += 1;
            }
        }
        if page.next.is_none() {
            break;
        }
        listed = end;
    }
    Ok(true)
}

/// A key that sorts before this one, with little between them.
fn just_before(key: &str) -> &str {
    let mut characters = key.chars();
    characters.next_back();
    characters.as_str()
}

pub(crate) fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y);
    match same {
        Some(((at, _), _)) => &a[..at],
        None => &a[..a.len().min(b.len())],
    }
}

/// The first numbered name beside `key` that nobody has: neither the store nor `taken`.
pub(crate) async fn numbered_key(
    store: &Arc<dyn ObjectStore>,
    bucket: &str,
    key: &str,
    taken: impl Fn(&str) -> bool,
) -> Result<String, StoreError> {
    let patience = Patience::new(Backoff::default(), None);
    let mut number = 2;
    loop {
        let name = names::numbered(key, number);
        number += 1;
        if taken(&name) {
            continue;
        }
        match patience.with(|| store.head(bucket, &name)).await {
            Ok(_) => {}
            Err(e) if e.kind == ErrorKind::NoSuchKey => return Ok(name),
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_cut_between_characters() {
        assert_eq!(common_prefix("data/é1", "data/è2"), "data/");
        assert_eq!(common_prefix("a", "ab"), "a");
        assert_eq!(just_before("aé"), "a");
    }
}
