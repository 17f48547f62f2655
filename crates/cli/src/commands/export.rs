//! `export`: an account in the words of another tool, printed or put into the tool's own file.

use serde::Serialize;
use wherry_engine::commands::Desk;
use wherry_engine::contract::{ExportRequest, MergeRequest, MergedView};

use crate::args::Export;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::session::Session;

#[derive(Serialize)]
struct Row<'a> {
    tool: &'a str,
    entry: &'a str,
    files: Vec<File<'a>>,
    notes: &'a [String],
    contains_secret: bool,
}

#[derive(Serialize)]
struct File<'a> {
    place: Option<&'a str>,
    save_as: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Merged<'a> {
    event: &'static str,
    file: &'a str,
    entry: &'a str,
    words: &'a str,
}

#[derive(Serialize)]
struct Kept<'a> {
    event: &'static str,
    file: &'a str,
}

pub async fn run(args: Export, session: &Session, output: &Output) -> Result<Exit, Failure> {
    let request = ExportRequest {
        account: session.account_id(&args.account)?,
        tool: args.tool,
        with_secret: args.with_secret,
        entry: args.entry,
    };
    session.unlock().await?;
    if args.merge {
        let merge = MergeRequest {
            export: request,
            replace: args.replace,
        };
        said(&session.engine.merge_into_tool(merge).await?, output);
        return Ok(Exit::Done);
    }
    let export = session.engine.export_account(request).await?;
    let row = Row {
        tool: &export.tool,
        entry: &export.entry,
        files: export
            .files
            .iter()
            .map(|file| File {
                place: file.place.as_deref(),
                save_as: &file.save_as,
                text: &file.text,
            })
            .collect(),
        notes: &export.notes,
        contains_secret: export.contains_secret,
    };
    output.result(&row, || {
        let several = export.files.len() > 1;
        let text = |file: &wherry_engine::contract::ExportedFileView| {
            let place = file.place.as_deref().unwrap_or(&file.save_as);
            let text = file.text.trim_end();
            // A comment to all tools that have several files.
            if several {
                format!("# {place}\n{text}")
            } else {
                text.to_owned()
            }
        };
        let texts: Vec<String> = export.files.iter().map(text).collect();
        texts.join("\n\n")
    });
    for note in &export.notes {
        output.remark(note);
    }
    if export.contains_secret {
        output.remark("The secret is in this text: whoever can read it can use the key.");
    }
    Ok(Exit::Done)
}

fn said(merged: &MergedView, output: &Output) {
    for change in &merged.changes {
        let row = Merged {
            event: "merged",
            file: &change.file,
            entry: &change.entry,
            words: &change.words,
        };
        output.result(&row, || change.words.clone());
    }
    for backup in &merged.backups {
        let row = Kept {
            event: "backup",
            file: backup,
        };
        output.result(&row, || format!("the file as it was is {backup}"));
    }
}
