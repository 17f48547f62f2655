//! What arrived with a job and how that is known: shown, and saved for others.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wherry_store::ObjectStore;
use wherry_transfer::journal::{Journal, JournalError};
use wherry_transfer::receipt::{BagitWriter, CsvWriter, Entry, Found, Head, JsonWriter, Place};
use wherry_transfer::run::{sums_of_file, sums_of_object};
use wherry_transfer::{Proof, Receipt};

use super::history::{off_thread, shown};
use super::record::Record;
use crate::contract::{
    Problem, ReceiptFormat, ReceiptView, Receipts, ReceiptsRequest, SaveReceipts, SavedReceipts,
};
use crate::engine::Engine;

const MOST_ROWS: usize = 500;
/// Receipts held at once while they are saved.
const PAGE: usize = 500;

impl Engine {
    pub(crate) async fn receipts_page(
        &self,
        request: ReceiptsRequest,
    ) -> Result<Receipts, Problem> {
        let journal = self.journal().await?;
        off_thread(move || {
            let total = journal.receipt_count(&request.job)?;
            let count = request.count.min(MOST_ROWS);
            let receipts = journal.receipts(&request.job, request.from, count)?;
            Ok::<_, JournalError>(Receipts {
                total,
                receipts: receipts.iter().map(view).collect(),
            })
        })
        .await
    }

    pub(crate) async fn save_receipts_of(
        &self,
        save: SaveReceipts,
    ) -> Result<SavedReceipts, Problem> {
        let journal = self.journal().await?;
        journal.flush().await?;
        let record = self.record_or_past(&save.job)?;
        let path = PathBuf::from(&save.path);
        let unwritten = |e: std::io::Error| not_saved(&save.path, &e);
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).map_err(unwritten)?;
        let saved = match save.format {
            ReceiptFormat::Bagit => {
                self.bagit(&journal, &record, Hash::Md5, file.as_file())
                    .await
            }
            ReceiptFormat::BagitSha256 => {
                self.bagit(&journal, &record, Hash::Sha256, file.as_file())
                    .await
            }
            format => {
                let head = Head {
                    title: record.title.clone(),
                    kind: kind_word(&record),
                    made: self.now(),
                    made_by: concat!("Wherry ", env!("CARGO_PKG_VERSION")).to_owned(),
                };
                let out = file.as_file().try_clone().map_err(unwritten)?;
                let (id, stores) = (record.id.clone(), record.facts.stores.clone());
                off_thread(move || written_out(&journal, &id, &stores, format, &head, out)).await
            }
        };
        let saved = saved.map_err(|e| match e.code.as_str() {
            "io" => Problem {
                code: "local.not-saved".into(),
                ..e
            }
            .context("file", &save.path),
            _ => e,
        })?;
        file.persist(&path).map_err(|e| unwritten(e.error))?;
        Ok(saved)
    }

    /// A line per file, with a hash of the whole: as it was computed on the way, else of the local
    /// file while it is what was moved, else of the object.
    async fn bagit(
        &self,
        journal: &Journal,
        record: &Record,
        hash: Hash,
        out: &std::fs::File,
    ) -> Result<SavedReceipts, Problem> {
        // Of two places, the one it went to.
        let facts = &record.facts;
        let place = facts.to.as_ref().unwrap_or(&facts.location);
        let store: Option<Arc<dyn ObjectStore>> = match self.open(&place.account).await {
            Ok(opened) => Some(Arc::new(opened.store)),
            Err(_) => None,
        };
        let mut writer = BagitWriter::begin(BufWriter::new(out));
        let mut saved = SavedReceipts {
            files: 0,
            left_out: 0,
        };
        let mut from = 0;
        loop {
            let (reading, id) = (journal.clone(), record.id.clone());
            let page = off_thread(move || reading.receipts(&id, from, PAGE)).await?;
            if page.is_empty() {
                break;
            }
            from += page.len();
            for receipt in &page {
                let entry = entry(receipt, &record.facts.stores);
                match whole(hash, &entry, store.as_ref()).await {
                    Some(sum) => {
                        writer
                            .add(&payload_path(&entry, &place.prefix), &sum)
                            .map_err(|e| io_problem(&e))?;
                        saved.files += 1;
                    }
                    None => saved.left_out += 1,
                }
            }
        }
        writer.finish().map_err(|e| io_problem(&e))?;
        Ok(saved)
    }
}

/// Which one a manifest has.
#[derive(Clone, Copy)]
enum Hash {
    Md5,
    Sha256,
}

async fn whole(hash: Hash, entry: &Entry, store: Option<&Arc<dyn ObjectStore>>) -> Option<String> {
    let known = match hash {
        Hash::Md5 => &entry.md5,
        Hash::Sha256 => &entry.sha256,
    };
    if known.is_some() {
        return known.clone();
    }
    let of = |found: Found| match hash {
        Hash::Md5 => Some(found.md5),
        Hash::Sha256 => found.sha256,
    };
    if let Some(path) = entry.file()
        && let Ok(Some(found)) = sums_of_file(entry, path).await
    {
        return of(found);
    }
    match sums_of_object(entry, store?).await {
        Ok(found) => found.and_then(of),
        Err(error) => {
            tracing::info!(%error, "an object could not be read for a manifest");
            None
        }
    }
}

pub(super) fn entry(receipt: &Receipt, stores: &(String, String)) -> Entry {
    Entry::of(receipt, &stores.0, &stores.1)
}

fn written_out(
    journal: &Journal,
    id: &str,
    stores: &(String, String),
    format: ReceiptFormat,
    head: &Head,
    out: impl Write,
) -> Result<SavedReceipts, Problem> {
    enum Out<W: Write> {
        Json(JsonWriter<W>),
        Csv(Box<CsvWriter<W>>),
    }
    let out = BufWriter::new(out);
    let io = |e: std::io::Error| io_problem(&e);
    let mut writer = if format == ReceiptFormat::Csv {
        Out::Csv(Box::new(CsvWriter::begin(out).map_err(io)?))
    } else {
        Out::Json(JsonWriter::begin(out, head).map_err(io)?)
    };
    let mut files = 0;
    journal.each_receipt::<Problem>(id, |receipt| {
        let entry = entry(&receipt, stores);
        files += 1;
        match &mut writer {
            Out::Json(writer) => writer.add(&entry),
            Out::Csv(writer) => writer.add(&entry),
        }
        .map_err(io)
    })?;
    let finished = match writer {
        Out::Json(writer) => writer.finish().and_then(|mut out| out.flush()),
        Out::Csv(writer) => writer.finish().and_then(|mut out| out.flush()),
    };
    finished.map_err(io)?;
    Ok(SavedReceipts { files, left_out: 0 })
}

/// Below the folder that was moved, as a bag has it.
fn payload_path(entry: &Entry, prefix: &str) -> String {
    let ((Place::Object { key, .. }, _) | (_, Place::Object { key, .. })) =
        (&entry.to, &entry.from)
    else {
        return entry.to.shown();
    };
    key.strip_prefix(prefix).unwrap_or(key).to_owned()
}

fn kind_word(record: &Record) -> String {
    serde_json::to_value(record.facts.kind)
        .ok()
        .and_then(|kind| kind.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn io_problem(error: &std::io::Error) -> Problem {
    Problem::new(
        "io",
        format!("The receipts could not be saved: {error}."),
        "Choose another place, or make room there.",
    )
}

fn not_saved(path: &str, error: &std::io::Error) -> Problem {
    Problem {
        code: "local.not-saved".into(),
        ..io_problem(error)
    }
    .context("file", crate::names::visible(path))
}

fn view(receipt: &Receipt) -> ReceiptView {
    ReceiptView {
        from: shown(&receipt.from),
        to: shown(&receipt.to),
        size: receipt.size,
        md5: receipt.md5.clone(),
        sha256: receipt.sha256.clone(),
        crc64nvme: receipt.crc.map(|crc| crc.to_string()),
        etag: receipt.etag.clone(),
        part_size: receipt.part_size,
        version_id: receipt.version_id.clone(),
        proof: proof_words(receipt.proof).to_owned(),
        started: receipt.started.timestamp_millis(),
        finished: receipt.finished.timestamp_millis(),
    }
}

fn proof_words(proof: Proof) -> &'static str {
    match proof {
        Proof::Etag => "the store's ETag is the hash of the bytes",
        Proof::PartMd5 => "the store checked the hash of every part when it took it",
        Proof::Size => "the number of bytes: the store keeps no hash that could be compared",
    }
}
