//! Two sides, both in order, compared name by name.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinSet;
use wherry_account::{MultipartEtag, PartLimits};

use super::hash::{self, Verdict};
use super::side::{Entry, Kind, Side, Trouble};
use super::{Compare, SyncCounts};
use crate::error::PlanError;
use crate::names;
use crate::parts::{Cut, cut};
use crate::plan::Watch;
use crate::verify::{EtagForm, form_of};

/// Which way bytes go; what counts as the same depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From a folder to a prefix.
    Up,
    /// From a prefix to a folder.
    Down,
    /// From a prefix to a prefix.
    Across,
}

/// How two of one name are compared.
#[derive(Clone)]
pub struct Comparison {
    pub way: Way,
    pub by: Compare,
    /// Where the files are; unused between prefixes.
    pub folder: PathBuf,
    /// Of the store whose ETags are compared with files.
    pub etags: MultipartEtag,
    pub limits: PartLimits,
    pub watch: Watch,
}

/// What the comparison found, each part in order.
#[derive(Debug, Default)]
pub struct Found {
    pub fresh: Vec<Entry>,
    pub changed: Vec<(Entry, There)>,
    pub only_there: Vec<Entry>,
    /// Files of the source, whatever becomes of them.
    pub source: u64,
    pub counts: SyncCounts,
}

/// What is at the destination in the place of something.
#[derive(Debug, Clone, Copy)]
pub struct There {
    pub size: u64,
    pub modified: Option<i64>,
}

/// Files read at once for their hashes: as many as there are processors, within reason.
fn readers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8))
}

pub struct Merge {
    comparison: Arc<Comparison>,
    found: Found,
    reading: JoinSet<(Entry, There, Verdict)>,
    /// Names left out at the source, which cover what is below them at the destination.
    covers: Vec<Box<str>>,
}

impl Merge {
    pub fn new(comparison: Comparison) -> Self {
        Self {
            comparison: Arc::new(comparison),
            found: Found::default(),
            reading: JoinSet::new(),
            covers: Vec::new(),
        }
    }

    pub async fn all(mut self, mut from: Side, mut to: Side) -> Result<Found, Trouble> {
        loop {
            let order = match (from.peek(), to.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.name.cmp(&b.name),
            };
            if order.is_le()
                && let Some(here) = from.take().await?
            {
                let there = if order.is_eq() {
                    to.take().await?
                } else {
                    None
                };
                self.here(here, there, to.peek()).await;
            } else if order.is_gt()
                && let Some(there) = to.take().await?
            {
                self.only_there(there, from.peek());
            }
            let seen = self.found.source + self.found.only_there.len() as u64;
            if seen.is_multiple_of(1000) {
                self.comparison.watch.saw(seen, self.found.counts.bytes);
            }
        }
        while let Some(read) = self.reading.join_next().await {
            self.read(read);
        }
        if self.comparison.watch.cancel.is_cancelled() {
            return Err(PlanError::Cancelled.into());
        }
        self.found
            .changed
            .sort_unstable_by(|a, b| a.0.name.cmp(&b.0.name));
        Ok(self.found)
    }

    async fn here(&mut self, here: Entry, there: Option<Entry>, next_there: Option<&Entry>) {
        match here.kind {
            Kind::LeftOut => {
                self.found.counts.left_out += 1;
                self.covers.push(here.name.trim_end_matches('/').into());
            }
            Kind::Beyond => {
                self.found.source += 1;
                self.found.counts.left_out += 1;
            }
            Kind::Folder if self.comparison.way != Way::Across => {
                let there = there.is_some()
                    || next_there.is_some_and(|next| next.name.starts_with(&*here.name));
                if !there {
                    self.found.fresh.push(here);
                }
            }
            Kind::Folder | Kind::File => {
                self.found.source += 1;
                match there {
                    None => self.fresh(here),
                    // Something stands there that is not to be replaced, such as a link.
                    Some(there) if there.kind == Kind::LeftOut => self.found.counts.left_out += 1,
                    Some(there) => self.pair(here, &there).await,
                }
            }
        }
    }

    fn fresh(&mut self, here: Entry) {
        self.found.counts.fresh += 1;
        self.found.counts.bytes += here.size;
        self.found.fresh.push(here);
    }

    fn changed(&mut self, here: Entry, there: There) {
        self.found.counts.changed += 1;
        self.found.counts.bytes += here.size;
        self.found.changed.push((here, there));
    }

    /// Compares two of one name. A file that has to be read is read beside the rest.
    pub async fn pair(&mut self, here: Entry, there: &Entry) {
        let stands = There {
            size: there.size,
            modified: there.modified,
        };
        match self.comparison.unread(&here, there) {
            Unread::Same => self.found.counts.same += 1,
            Unread::Changed => self.changed(here, stands),
            Unread::Unproven => self.judge(here, stands, Verdict::Unknown),
            Unread::Read { etag } => {
                while self.reading.len() >= readers() {
                    if let Some(read) = self.reading.join_next().await {
                        self.read(read);
                    }
                }
                let comparison = Arc::clone(&self.comparison);
                self.reading
                    .spawn_blocking(move || comparison.read(here, stands, &etag));
            }
        }
    }

    fn read(&mut self, read: Result<(Entry, There, Verdict), tokio::task::JoinError>) {
        let Ok((here, there, verdict)) = read else {
            tracing::error!("a comparison panicked");
            self.comparison.watch.cancel.cancel();
            return;
        };
        self.judge(here, there, verdict);
    }

    fn judge(&mut self, here: Entry, there: There, verdict: Verdict) {
        match verdict {
            Verdict::Same => self.found.counts.same += 1,
            Verdict::Different => self.changed(here, there),
            Verdict::Unknown => {
                self.found.counts.unproven += 1;
                if self.comparison.in_time(&here, there.modified) {
                    self.found.counts.same += 1;
                } else {
                    self.changed(here, there);
                }
            }
        }
    }

    fn only_there(&mut self, there: Entry, next_here: Option<&Entry>) {
        // In order: what is past `d/…` cannot be below `d` any more.
        self.covers
            .retain(|cover| *there.name < *format!("{cover}0"));
        let covered = self.covers.iter().any(|cover| {
            there
                .name
                .strip_prefix(&**cover)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        match there.kind {
            // A marker of a folder that has something in it at the source.
            Kind::Folder if next_here.is_some_and(|next| next.name.starts_with(&*there.name)) => {}
            // An empty folder on this computer.
            Kind::Folder if self.comparison.way == Way::Down => {}
            Kind::Folder | Kind::File if !covered => self.found.only_there.push(there),
            _ => {}
        }
    }

    /// For what is compared after the rest.
    pub async fn settle(mut self) -> Found {
        while let Some(read) = self.reading.join_next().await {
            self.read(read);
        }
        self.found
    }

    pub fn resume(comparison: Comparison, found: Found) -> Self {
        Self {
            found,
            ..Self::new(comparison)
        }
    }

    pub fn add_fresh(&mut self, here: Entry) {
        self.fresh(here);
    }
}

enum Unread {
    Same,
    Changed,
    /// Their ETags cannot be compared.
    Unproven,
    /// Only the bytes can tell.
    Read {
        etag: Box<str>,
    },
}

impl Comparison {
    fn unread(&self, here: &Entry, there: &Entry) -> Unread {
        if here.size != there.size {
            return Unread::Changed;
        }
        match self.by {
            Compare::Size => Unread::Same,
            Compare::Time if self.in_time(here, there.modified) => Unread::Same,
            Compare::Time if self.way == Way::Across && same_etags(here, there) == Some(true) => {
                Unread::Same
            }
            Compare::Time => Unread::Changed,
            Compare::Checksum if self.way == Way::Across => match same_etags(here, there) {
                Some(true) => Unread::Same,
                Some(false) => Unread::Changed,
                None => Unread::Unproven,
            },
            Compare::Checksum => {
                let object = if self.way == Way::Up { there } else { here };
                let etag = object.etag.clone().unwrap_or_default();
                Unread::Read { etag }
            }
        }
    }

    /// As far as times tell, what is there came from what is here as it is.
    fn in_time(&self, here: &Entry, there: Option<i64>) -> bool {
        let (Some(here), Some(there)) = (here.modified, there) else {
            return false;
        };
        match self.way {
            // A downloaded file has its object's time; file systems keep it to two seconds or better.
            Way::Down => (here - there).abs() <= 2000,
            // Stored after the last change. To the millisecond: a file that is sent once too often
            // does no harm, and one that is not sent does.
            Way::Up | Way::Across => there >= here,
        }
    }

    fn read(&self, here: Entry, there: There, etag: &str) -> (Entry, There, Verdict) {
        let parts = self.etags == MultipartEtag::Md5OfParts;
        if !hash::speaks(Some(etag), here.size, parts) {
            return (here, there, Verdict::Unknown);
        }
        let ours = match cut(here.size, &self.limits) {
            Cut::Parts { size, .. } => Some(size),
            Cut::Whole | Cut::TooLarge { .. } => None,
        };
        let path = self.folder.join(names::native(&here.name));
        let compared = hash::compare(&path, here.size, etag, ours, &self.watch.cancel);
        // A file that cannot be read now fails where it is moved, with words for it.
        let verdict = compared.unwrap_or(Verdict::Different);
        (here, there, verdict)
    }
}

/// Whether two objects have the same bytes, where both ETags say so: of one request each, or of the
/// same parts.
fn same_etags(a: &Entry, b: &Entry) -> Option<bool> {
    let (a, b) = (a.etag.as_deref()?, b.etag.as_deref()?);
    if a == b && form_of(a) != EtagForm::Other {
        return Some(true);
    }
    (form_of(a) == EtagForm::Whole && form_of(b) == EtagForm::Whole).then_some(false)
}
