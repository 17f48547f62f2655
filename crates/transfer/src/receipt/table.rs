//! Receipts for spreadsheets: CSV as in RFC 4180, one line per file.
//!
//! Names are hostile text, and a spreadsheet runs cells that begin like a formula: those get an
//! apostrophe in front. Who needs every name as it is takes JSON.

use std::io::{self, Write};

use chrono::SecondsFormat;

use super::document::{Entry, Place};

const COLUMNS: [&str; 16] = [
    "from_store",
    "from_bucket",
    "from",
    "to_store",
    "to_bucket",
    "to",
    "size",
    "md5",
    "sha256",
    "crc64nvme",
    "etag",
    "part_size",
    "version_id",
    "proof",
    "started",
    "finished",
];

pub struct CsvWriter<W: Write>(csv::Writer<W>);

impl<W: Write> CsvWriter<W> {
    pub fn begin(out: W) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        writer.write_record(COLUMNS)?;
        Ok(Self(writer))
    }

    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let proof = serde_json::to_value(entry.proof).unwrap_or_default();
        let time =
            |t: chrono::DateTime<chrono::Utc>| t.to_rfc3339_opts(SecondsFormat::Millis, true);
        let [from_store, from_bucket, from] = place(&entry.from);
        let [to_store, to_bucket, to] = place(&entry.to);
        let cells = [
            from_store,
            from_bucket,
            from,
            to_store,
            to_bucket,
            to,
            entry.size.to_string(),
            text(&entry.md5),
            text(&entry.sha256),
            entry
                .crc64nvme
                .map_or_else(String::new, |crc| crc.to_string()),
            text(&entry.etag),
            number(entry.part_size),
            text(&entry.version_id),
            proof.as_str().unwrap_or_default().to_owned(),
            time(entry.started),
            time(entry.finished),
        ];
        self.0.write_record(cells.map(harmless))?;
        Ok(())
    }

    pub fn finish(self) -> io::Result<W> {
        self.0
            .into_inner()
            .map_err(|e| io::Error::other(e.to_string()))
    }
}

fn place(place: &Place) -> [String; 3] {
    match place {
        Place::File { path } => [String::new(), String::new(), path.clone()],
        Place::Object {
            endpoint,
            bucket,
            key,
        } => [endpoint.clone(), bucket.clone(), key.clone()],
    }
}

fn harmless(cell: String) -> String {
    // The wide ones stand for the others where people write with them.
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(formula) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::entry;
    use super::*;

    #[test]
    fn names_stay_in_their_cells_and_are_no_formulas() {
        let mut writer = CsvWriter::begin(Vec::new()).expect("begins");
        let names = [
            "plain",
            "a,b \"c\"\nd",
            "=HYPERLINK(\"http://x\")",
            "+1",
            "-1+cmd|' /C calc'!A0",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "'=1",
            "\",=1,\"",
            "a\r\n=1",
        ];
        for name in names {
            writer.add(&entry(name)).expect("adds");
        }
        let out = writer.finish().expect("finishes");
        let mut reader = csv::Reader::from_reader(&out[..]);
        let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("is one")).collect();
        let keys: Vec<&str> = rows.iter().map(|r| &r[5]).collect();
        let apostrophes = names.map(|name| {
            let harmless = ["plain", "a,b \"c\"\nd", "'=1", "\",=1,\"", "a\r\n=1"];
            let front = if harmless.contains(&name) { "" } else { "'" };
            format!("{front}{name}")
        });
        assert_eq!(keys, apostrophes);
        // No cell of the file itself begins a line or follows a comma as a formula would.
        for row in &rows {
            assert!(
                row.iter()
                    .all(|cell| !cell.starts_with(['=', '+', '-', '@']))
            );
        }
        assert_eq!(
            (&rows[0][2], &rows[0][3], &rows[0][4], &rows[0][6]),
            ("/home/me/plain", "https://store.example", "thesis", "5")
        );
        assert_eq!(
            (&rows[0][13], &rows[0][14]),
            ("etag", "1970-01-01T00:00:00.000Z")
        );
    }
}
