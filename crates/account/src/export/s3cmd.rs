//! s3cmd: its one account in `.s3cfg` (s3tools.org/kb).
//!
//! s3cmd reads all sections as one, so that a file holds one account. Another is a file of its own,
//! which `s3cmd -c FILE` takes.

use secrecy::zeroize::Zeroizing;

use super::{Body, Draft, Facts, Part, Place, Tool};

pub(super) const TOOL: Tool = Tool {
    id: "s3cmd",
    name: "s3cmd",
    about: "one store from the command line",
    merges: Some(Place::S3cmd),
    draft,
};

/// The section s3cmd writes.
pub(super) const SECTION: &str = "default";

fn draft(facts: &Facts) -> Draft {
    let text = |value: &str| Some(Zeroizing::new(value.to_owned()));
    let yes = |value: bool| text(if value { "True" } else { "False" });
    let key = facts.key.as_ref();
    let proxy = facts
        .proxy
        .as_ref()
        .filter(|proxy| proxy.scheme() == "http");
    let settings = vec![
        ("access_key", key.and_then(|k| text(&k.id))),
        ("secret_key", key.and_then(|k| text(&k.secret))),
        (
            "access_token",
            key.and_then(|k| k.token.as_ref()).and_then(|t| text(t)),
        ),
        ("host_base", text(&facts.host)),
        (
            "host_bucket",
            if facts.path_style {
                text(&facts.host)
            } else {
                text(&format!("%(bucket)s.{}", facts.host))
            },
        ),
        ("use_https", yes(facts.https)),
        ("signature_v2", yes(facts.v2)),
        ("bucket_location", text(&facts.region)),
        ("ca_certs_file", facts.ca_file.as_deref().and_then(text)),
        (
            "proxy_host",
            proxy.and_then(|p| p.host_str()).and_then(text),
        ),
        (
            "proxy_port",
            proxy
                .and_then(url::Url::port_or_known_default)
                .and_then(|port| text(&port.to_string())),
        ),
    ];
    let mut notes = facts.notes();
    notes.push(format!(
        "s3cmd has one account per file. To have several, save this as a file of its own and use it with `s3cmd -c FILE ls`; `{}.s3cfg` would be a name.",
        facts.entry
    ));
    if facts.proxy.is_some() && proxy.is_none() {
        notes.push("s3cmd can only use an http:// proxy, so this one is left out.".to_owned());
    }
    if facts.key.is_none() {
        notes.push(
            "s3cmd asks for a key even where none is needed; it may not read public buckets."
                .to_owned(),
        );
    }
    Draft {
        parts: vec![Part {
            place: Some(Place::S3cmd),
            save_as: format!("{}.s3cfg", facts.entry),
            body: Body::Settings {
                section: SECTION,
                settings,
            },
        }],
        notes,
        carries_secret: true,
    }
}
