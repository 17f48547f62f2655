//! `--receipt` of `cp` and `sync`: what arrived, saved as docs/RECEIPTS.md defines it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::Utc;
use wherry_engine::contract::Problem;
use wherry_engine::names::visible;
use wherry_transfer::journal::JournalError;
use wherry_transfer::receipt::{Entry, Head, JsonWriter};
use wherry_transfer::{Job, Journal};

use crate::failure::Failure;

pub struct ReceiptFile {
    writer: JsonWriter<BufWriter<File>>,
    path: PathBuf,
}

enum Trouble {
    Journal(JournalError),
    Write(std::io::Error),
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl ReceiptFile {
    /// Made before anything is moved: a place that cannot be written to is known then.
    pub fn begin(path: &Path, title: String, kind: &str) -> Result<Self, Failure> {
        let head = Head {
            title,
            kind: kind.to_owned(),
            made: Utc::now(),
            made_by: concat!("wherry-cli ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let begun = File::create(path).and_then(|file| {
            let mut writer = JsonWriter::begin(BufWriter::new(file), &head)?;
            writer.flush()?;
            Ok(writer)
        });
        Ok(Self {
            writer: begun.map_err(|e| not_saved(path, &e))?,
            path: path.to_owned(),
        })
    }

    /// From the journal, which also knows what had arrived when an earlier run was cut off.
    pub async fn add(
        &mut self,
        journal: Option<Journal>,
        job: &Job,
        from: &str,
        to: &str,
    ) -> Result<(), Failure> {
        let (Some(journal), Some(id)) = (journal, job.id()) else {
            let what = "The receipts cannot be saved, as the list of transfers cannot be used.";
            let todo = "The files were copied. Make the folder with Wherry's settings writable.";
            return Err(Problem::new("local.not-saved", what, todo).into());
        };
        journal.flush().await.map_err(Problem::from)?;
        let added = journal.each_receipt(&id, |receipt| {
            let entry = Entry::of(&receipt, from, to);
            self.writer.add(&entry).map_err(Trouble::Write)
        });
        added.map_err(|trouble| match trouble {
            Trouble::Journal(error) => Problem::from(error).into(),
            Trouble::Write(error) => not_saved(&self.path, &error),
        })
    }

    pub fn finish(self) -> Result<(), Failure> {
        let finished = self.writer.finish().and_then(|mut out| out.flush());
        finished.map_err(|e| not_saved(&self.path, &e))
    }
}

fn not_saved(path: &Path, error: &std::io::Error) -> Failure {
    let name = visible(&path.display().to_string());
    Problem::new(
        "local.not-saved",
        format!("The receipts cannot be saved in “{name}”: {error}."),
        "Choose another place, or make room there.",
    )
    .into()
}
