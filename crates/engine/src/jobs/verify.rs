//! Looking again whether what arrived is still there, byte for byte.

use std::collections::HashMap;

use wherry_transfer::journal::JournalError;
use wherry_transfer::receipt::{Entry, ReadError, read_json};

use super::held::Held;
use super::history::off_thread;
use super::plans::count;
use super::receipts::entry;
use super::record::{Facts, Numbers, Record};
use super::titles::quoted;
use crate::contract::{JobKind, JobView, Location, Problem, VerifySide, VerifyWhat};
use crate::engine::Engine;
use crate::names::visible;

impl Engine {
    pub(crate) async fn verify_again(&self, what: VerifyWhat) -> Result<JobView, Problem> {
        self.watch_limits();
        let (entries, location, side, title) = match what {
            VerifyWhat::Job { job, side } => {
                let journal = self.journal().await?;
                journal.flush().await?;
                let record = self.record_or_past(&job)?;
                let stores = record.facts.stores.clone();
                let entries = off_thread(move || {
                    let mut entries = Vec::new();
                    journal.each_receipt::<JournalError>(&job, |receipt| {
                        entries.push(entry(&receipt, &stores));
                        Ok(())
                    })?;
                    Ok::<_, JournalError>(entries)
                })
                .await?;
                // Of two places, the one it went to.
                let facts = &record.facts;
                let location = facts.to.clone().unwrap_or_else(|| facts.location.clone());
                (entries, location, side, record.title.clone())
            }
            VerifyWhat::File {
                path,
                account,
                side,
            } => {
                self.account(&account)?;
                let shown = path.clone();
                let read = off_thread(move || {
                    let file = std::fs::File::open(&path).map_err(ReadError::from);
                    file.and_then(read_json).map_err(|e| unreadable(&path, &e))
                });
                let (head, entries) = read.await?;
                let location = Location {
                    account,
                    bucket: String::new(),
                    prefix: String::new(),
                };
                tracing::debug!(shown, "a receipt was read");
                (entries, location, side, head.title)
            }
        };
        let files = side == VerifySide::Computer;
        let entries: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| {
                if files {
                    entry.file().is_some()
                } else {
                    entry.object().is_some()
                }
            })
            .collect();
        if entries.is_empty() {
            let what = if files {
                "Nothing of it is on this computer."
            } else {
                "Nothing of it is at a store."
            };
            return Err(Problem::new(
                "verify.nothing",
                what,
                "Check the other side of the transfer.",
            ));
        }
        let accounts: HashMap<String, String> = entries
            .iter()
            .filter_map(Entry::object)
            .map(|(endpoint, ..)| (endpoint.to_owned(), location.account.clone()))
            .collect();
        let title = format!(
            "Check {} of {}",
            count(entries.len() as u64, "file"),
            quoted(&visible(&title))
        );
        let numbers = Numbers {
            files_total: entries.len() as u64,
            bytes_total: entries.iter().map(|e| e.size).sum(),
            ..Numbers::default()
        };
        let facts = Facts {
            kind: JobKind::Verify,
            location,
            to: None,
            touched: Vec::new(),
            folder: None,
            tops: Vec::new(),
            fresh: Vec::new(),
            folders: 0,
            stores: (String::new(), String::new()),
            undoes: None,
            undone: false,
            stranger: false,
        };
        let work = Held::Recheck {
            entries,
            accounts,
            files,
            read: side == VerifySide::StoreRead,
        };
        let record = self.enqueue(Record::held(self, title, facts, numbers, work));
        Ok(record.view())
    }
}

fn unreadable(path: &str, error: &ReadError) -> Problem {
    let todo = match error {
        ReadError::Io(_) => "Make sure it is there and you may read it.",
        ReadError::NotAReceipt => {
            "Choose a file that Wherry saved with “Save receipts” as JSON. CSV and BagIt files are for other programs."
        }
        ReadError::Newer => "Use that version of Wherry, or a newer one.",
        ReadError::Damaged(_) => "Save the receipts again where the transfer was made.",
    };
    Problem::new(
        "verify.receipt",
        format!("The receipt cannot be used: {error}."),
        todo,
    )
    .context("file", visible(path))
}
