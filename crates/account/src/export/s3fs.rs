//! The JSON file with which JASMIN's help has Python programs open a store: help.jasmin.ac.uk,
//! "Using the JASMIN object store".

use serde::Serialize;

use super::mc::json;
use super::{Body, Draft, Facts, Part, Tool, proxy_note};

pub(super) const TOOL: Tool = Tool {
    id: "s3fs",
    name: "s3fs credentials (JSON)",
    about: "the file JASMIN's examples read their key from",
    merges: None,
    draft,
};

#[derive(Serialize)]
struct Credentials<'a> {
    token: &'a str,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    endpoint_url: &'a str,
}

fn draft(facts: &Facts) -> Draft {
    let key = facts.key.as_ref();
    let mut text = json(&Credentials {
        token: key.map_or("", |k| &k.id),
        secret: key.map_or("", |k| &k.secret),
        session_token: key.and_then(|k| k.token.as_ref()).map(|t| t.as_str()),
        endpoint_url: &facts.endpoint,
    });
    text.push('\n');
    let mut notes = facts.notes();
    notes.push(
        "In Python, “token” is s3fs's key=, “secret” its secret=, and “endpoint_url” goes into client_kwargs."
            .to_owned(),
    );
    if facts.v2 {
        notes.push(
            "The file cannot say that this store wants Signature Version 2: use what is written for “s3fs and xarray” instead."
                .to_owned(),
        );
    }
    if let Some(file) = &facts.ca_file {
        notes.push(format!(
            "The file cannot name the certificate file: give s3fs client_kwargs={{\"verify\": \"{file}\"}}."
        ));
    }
    proxy_note(facts, &mut notes);
    Draft {
        parts: vec![Part {
            place: None,
            save_as: format!("{}-s3fs.json", facts.entry),
            body: Body::Whole(text),
        }],
        notes,
        carries_secret: true,
    }
}
