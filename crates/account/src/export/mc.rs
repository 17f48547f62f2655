//! MinIO's client: an alias in `config.json` (minio/mc, cmd/config-v10.go).

use secrecy::zeroize::Zeroizing;
use serde::Serialize;

use super::{Body, Draft, Facts, Part, Place, Tool, proxy_note};

pub(super) const TOOL: Tool = Tool {
    id: "mc",
    name: "MinIO client",
    about: "mc, for any S3 store",
    merges: Some(Place::Mc),
    draft,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alias<'a> {
    url: &'a str,
    access_key: &'a str,
    secret_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    api: &'a str,
    path: &'a str,
}

fn draft(facts: &Facts) -> Draft {
    let key = facts.key.as_ref();
    let alias = Alias {
        url: &facts.endpoint,
        access_key: key.map_or("", |k| &k.id),
        secret_key: key.map_or("", |k| &k.secret),
        session_token: key.and_then(|k| k.token.as_ref()).map(|t| t.as_str()),
        api: if facts.v2 { "S3v2" } else { "S3v4" },
        path: if facts.path_style { "on" } else { "off" },
    };
    let mut notes = facts.notes();
    notes.push(format!("Use it with `mc ls {}`.", facts.entry));
    if let Some(file) = &facts.ca_file {
        notes.push(format!(
            "The certificate file is not in this file: copy {file} to the folder certs/CAs beside it."
        ));
    }
    proxy_note(facts, &mut notes);
    Draft {
        parts: vec![Part {
            place: Some(Place::Mc),
            save_as: "config.json".to_owned(),
            body: Body::Alias {
                name: facts.entry.clone(),
                json: json(&alias),
            },
        }],
        notes,
        carries_secret: true,
    }
}

/// Of plain text and numbers, so that it cannot fail.
pub(super) fn json(value: &impl Serialize) -> Zeroizing<String> {
    Zeroizing::new(serde_json::to_string_pretty(value).unwrap_or_default())
}
