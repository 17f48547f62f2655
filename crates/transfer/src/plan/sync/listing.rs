//! What is below a prefix, in the order of its keys, a page ahead of whoever compares.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use wherry_store::{ListRequest, ObjectInfo, ObjectStore};

use super::side::{Aside, BATCH, Entry, Kind, Report, Trouble};
use crate::error::PlanError;
use crate::litter;
use crate::names::{self, NameComparison, Platform, local_name};
use crate::plan::filter::Filter;
use crate::plan::{Note, NoteKind, Watch};
use crate::retry::{Backoff, Patience};

pub struct Listing {
    pub store: Arc<dyn ObjectStore>,
    pub bucket: String,
    pub prefix: String,
    pub filter: Arc<Filter>,
    /// The other side is a folder: litter does not count.
    pub with_litter: bool,
    /// Keys become files of a folder that compares names like this.
    pub names_here: Option<NameComparison>,
    /// The store lists in an order of its own: have it all, then sort.
    pub whole: bool,
    pub watch: Watch,
}

type Batches = Sender<Result<Vec<Entry>, Trouble>>;

/// What is known on the way through the keys.
struct Names {
    report: Report,
    /// Each one's name begins the next one's: those that may turn out to be folders too.
    open: Vec<Entry>,
    /// As the file system sees them, where it sees several as one.
    seen: HashSet<String>,
}

impl Listing {
    /// Sends all there is, and says the rest.
    pub async fn list(self, to: Batches) -> Report {
        let mut names = Names {
            report: Report::default(),
            open: Vec::new(),
            seen: HashSet::new(),
        };
        let done = if self.whole {
            self.send_sorted(&to, &mut names).await
        } else {
            self.send_pages(&to, &mut names).await
        };
        if let Err(trouble) = done {
            let _ = to.send(Err(trouble)).await;
        }
        names.report
    }

    async fn send_pages(&self, to: &Batches, names: &mut Names) -> Result<(), Trouble> {
        let patience = Patience::new(Backoff::default(), None);
        let mut request = self.request();
        let mut last = String::new();
        loop {
            let page = self.page(&patience, &request).await?;
            let begins_after = page.objects.first().is_none_or(|o| o.key > last);
            let sorted = page.objects.is_sorted_by(|a, b| a.key < b.key);
            if !sorted || !begins_after && !last.is_empty() {
                return Err(Trouble::Unsorted);
            }
            if let Some(object) = page.objects.last() {
                last.clone_from(&object.key);
            }
            let batch = self.entries(page.objects, names);
            if !batch.is_empty() && to.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
            match page.next {
                // A store that hands out the same page again would keep us here for ever.
                Some(next) if request.continuation.as_ref() != Some(&next) => {
                    request.continuation = Some(next);
                }
                _ => return Ok(()),
            }
        }
    }

    async fn send_sorted(&self, to: &Batches, names: &mut Names) -> Result<(), Trouble> {
        let patience = Patience::new(Backoff::default(), None);
        let (mut request, mut all) = (self.request(), Vec::new());
        loop {
            let page = self.page(&patience, &request).await?;
            all.extend(page.objects);
            match page.next {
                Some(next) if request.continuation.as_ref() != Some(&next) => {
                    request.continuation = Some(next);
                }
                _ => break,
            }
        }
        all.sort_unstable_by(|a: &ObjectInfo, b| a.key.cmp(&b.key));
        all.dedup_by(|a, b| a.key == b.key);
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            let batch = self.entries(all.by_ref().take(BATCH).collect(), names);
            if to.send(Ok(batch)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn request(&self) -> ListRequest {
        ListRequest {
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            ..ListRequest::default()
        }
    }

    async fn page(
        &self,
        patience: &Patience,
        request: &ListRequest,
    ) -> Result<wherry_store::ListPage, Trouble> {
        tokio::select! {
            () = self.watch.cancel.cancelled() => Err(PlanError::Cancelled.into()),
            page = patience.with(|| self.store.list(request.clone())) => {
                page.map_err(|e| PlanError::Store(e).into())
            }
        }
    }

    fn entries(&self, objects: Vec<ObjectInfo>, names: &mut Names) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(objects.len());
        for object in objects {
            let Some(name) = object.key.strip_prefix(&self.prefix) else {
                continue;
            };
            // The marker of the very folder.
            if name.is_empty() || !self.meant(name, &mut names.report) {
                continue;
            }
            let marker = name.ends_with('/') && object.size == 0;
            let modified = object.modified.map(|m| m.timestamp_millis());
            let beyond = !marker && !self.filter.takes_facts(object.size, modified);
            let entry = Entry {
                name: name.into(),
                size: object.size,
                modified,
                etag: object.etag.map(String::into_boxed_str),
                kind: match (marker, beyond) {
                    (true, _) => Kind::Folder,
                    (_, true) => Kind::Beyond,
                    _ => Kind::File,
                },
            };
            match self.names_here {
                Some(comparison) => entries.extend(names.here(entry, comparison)),
                None => entries.push(entry),
            }
        }
        entries
    }

    fn meant(&self, name: &str, report: &mut Report) -> bool {
        let plain = name.strip_suffix('/').unwrap_or(name);
        if !self.filter.takes_name(name) {
            return false;
        }
        if self.with_litter {
            return true;
        }
        let mut above = plain.split('/');
        let last = above.next_back().unwrap_or_default();
        let litter = litter::is_litter(last) || above.any(litter::is_litter_folder);
        report.litter += u64::from(litter);
        !litter
    }
}

impl Names {
    /// The entry under the name that its file has, unless it has to be put aside.
    fn here(&mut self, entry: Entry, comparison: NameComparison) -> Option<Entry> {
        let folder = entry.kind == Kind::Folder;
        let plain = match entry.name.strip_suffix('/') {
            Some(plain) if folder => plain,
            _ => &entry.name,
        };
        let made = local_name(plain, Platform::current());
        if folder {
            if made.changed {
                self.report.markers.push(made.path);
                return None;
            }
            return Some(entry);
        }
        while self
            .open
            .last()
            .is_some_and(|above| !entry.name.starts_with(&*above.name))
        {
            self.open.pop();
        }
        let is_folder: Vec<usize> = (0..self.open.len())
            .filter(|at| entry.name.as_bytes().get(self.open[*at].name.len()) == Some(&b'/'))
            .collect();
        for at in is_folder.into_iter().rev() {
            let clashing = self.open.remove(at);
            self.clash(clashing);
        }
        self.open.push(entry.clone());
        let folds = comparison.ignores_case || comparison.ignores_unicode_form;
        let mut path = made.path.clone();
        if folds {
            let mut number = 2;
            while !self.seen.insert(comparison.fold(&path)) {
                path = names::numbered(&made.path, number);
                number += 1;
            }
        }
        if !made.changed && path == made.path {
            return Some(entry);
        }
        if entry.kind == Kind::File {
            let kind = match (path == made.path, made.shortened) {
                (false, _) => NoteKind::Clash { to: path.clone() },
                (_, true) => NoteKind::Shortened { to: path.clone() },
                _ => NoteKind::Renamed { to: path.clone() },
            };
            self.note(&entry, kind);
        }
        self.report.aside.push(Aside {
            entry,
            path: path.into(),
            sent: false,
        });
        None
    }

    /// An object whose name is also a folder's: its file gets a number.
    fn clash(&mut self, entry: Entry) {
        let path = names::numbered(&local_name(&entry.name, Platform::current()).path, 2);
        if entry.kind == Kind::File {
            self.note(&entry, NoteKind::Clash { to: path.clone() });
        }
        self.report
            .aside
            .retain(|aside| aside.entry.name != entry.name);
        self.report.aside.push(Aside {
            entry,
            path: path.into(),
            sent: true,
        });
    }

    fn note(&mut self, entry: &Entry, kind: NoteKind) {
        self.report.notes.push(Note {
            name: entry.name.clone().into_string(),
            kind,
        });
    }
}
