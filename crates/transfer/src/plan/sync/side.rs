//! One side of a sync as a stream of names in order, whatever it is: a folder or a prefix.
//!
//! Both sides come in the order of their bytes, so they are compared as two sorted lists are: the
//! memory it takes does not grow with their length.

use tokio::sync::mpsc;

use crate::error::PlanError;
use crate::plan::Note;

/// Entries handed over at once, and batches waiting: what one side may be ahead of the other.
pub const BATCH: usize = 1000;
pub const AHEAD: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative, with `/`; of folders with one at the end.
    pub name: Box<str>,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: Option<i64>,
    pub etag: Option<Box<str>>,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    /// Of an empty folder, or a folder marker: no bytes.
    Folder,
    /// Too small, too old and so on: it is there, and it is not meant.
    Beyond,
    /// There, but neither moved nor replaced, nor is what may be below it: a link, a device, a
    /// folder that cannot be read.
    LeftOut,
}

/// What else there is to say of a side that was read to its end.
#[derive(Debug, Default)]
pub struct Report {
    pub notes: Vec<Note>,
    pub litter: u64,
    pub folders: u64,
    /// Something could not be read: what is missing here may be there all the same.
    pub incomplete: bool,
    /// Objects whose files have other names than their keys.
    pub aside: Vec<Aside>,
    /// Folder markers whose folders have other names than their keys.
    pub markers: Vec<String>,
}

/// An object that becomes a file of another name.
#[derive(Debug, Clone)]
pub struct Aside {
    /// Its name is that of the key.
    pub entry: Entry,
    pub path: Box<str>,
    /// It has been in the stream too, and has to be taken out again.
    pub sent: bool,
}

/// Why a stream ended early.
#[derive(Debug)]
pub enum Trouble {
    Plan(PlanError),
    /// This store does not list in order; it has to be listed whole and sorted.
    Unsorted,
}

impl From<PlanError> for Trouble {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

pub type Batches = mpsc::Receiver<Result<Vec<Entry>, Trouble>>;

/// Where the comparison reads from.
pub struct Side {
    batches: Batches,
    at: std::vec::IntoIter<Entry>,
    next: Option<Entry>,
}

impl Side {
    pub async fn open(batches: Batches) -> Result<Self, Trouble> {
        let mut side = Self {
            batches,
            at: Vec::new().into_iter(),
            next: None,
        };
        side.next = side.pull().await?;
        Ok(side)
    }

    pub fn peek(&self) -> Option<&Entry> {
        self.next.as_ref()
    }

    pub async fn take(&mut self) -> Result<Option<Entry>, Trouble> {
        let next = self.pull().await?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    async fn pull(&mut self) -> Result<Option<Entry>, Trouble> {
        loop {
            if let Some(entry) = self.at.next() {
                return Ok(Some(entry));
            }
            match self.batches.recv().await {
                Some(batch) => self.at = batch?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}
