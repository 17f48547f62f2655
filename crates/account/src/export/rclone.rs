//! rclone: a remote of type `s3` in `rclone.conf` (rclone.org/s3).

use super::entry::{set, set_key};
use super::{Body, Draft, Facts, Part, Place, Tool};

pub(super) const TOOL: Tool = Tool {
    id: "rclone",
    name: "rclone",
    about: "copying, syncing and mounting from the command line",
    merges: Some(Place::Rclone),
    draft,
};

fn draft(facts: &Facts) -> Draft {
    let mut settings = Vec::new();
    set(&mut settings, "type", "s3");
    set(
        &mut settings,
        "provider",
        if facts.amazon() { "AWS" } else { "Other" },
    );
    set_key(
        &mut settings,
        facts,
        ["access_key_id", "secret_access_key", "session_token"],
    );
    set(&mut settings, "region", &facts.region);
    set(&mut settings, "endpoint", &facts.endpoint);
    set(
        &mut settings,
        "force_path_style",
        if facts.path_style { "true" } else { "false" },
    );
    if facts.v2 {
        set(&mut settings, "v2_auth", "true");
    }
    set(
        &mut settings,
        "list_version",
        if facts.lists_v1() { "1" } else { "2" },
    );
    if let Some(encoded) = facts.quirks.list_url_encoding {
        set(&mut settings, "list_url_encode", &encoded.to_string());
    }
    if let Some(size) = facts.quirks.parts.large_size {
        set(&mut settings, "chunk_size", &format!("{}Mi", size >> 20));
    }
    let mut notes = facts.notes();
    notes.push(format!("Use it with `rclone lsd {}:`.", facts.entry));
    if let Some(file) = &facts.ca_file {
        set(&mut settings, "override.ca_cert", file);
    }
    if let Some(proxy) = &facts.proxy {
        set(
            &mut settings,
            "override.http_proxy",
            proxy.as_str().trim_end_matches('/'),
        );
    }
    if facts.ca_file.is_some() || facts.proxy.is_some() {
        notes.push(
            "The certificate file and the proxy of one remote need a current rclone (1.73); an older one takes --ca-cert, and HTTPS_PROXY from its environment."
                .to_owned(),
        );
    }
    Draft {
        parts: vec![Part {
            place: Some(Place::Rclone),
            save_as: "rclone.conf".to_owned(),
            body: Body::Section {
                name: facts.entry.clone(),
                settings,
                keep: &[],
            },
        }],
        notes,
        carries_secret: true,
    }
}
