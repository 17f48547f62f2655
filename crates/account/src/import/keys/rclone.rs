//! rclone's `rclone.conf`: remotes of type `s3` (rclone.org/s3).

use std::path::Path;

use super::{ImportedKey, address, owned, secret, yes};
use crate::import::existing;
use crate::ini::Section;
use crate::provider::{Addressing, Signing};

pub(super) fn read(path: &Path, sections: &[Section]) -> Vec<ImportedKey> {
    sections
        .iter()
        .filter(|section| !section.name.is_empty())
        .map(|section| remote(path, section))
        .collect()
}

fn remote(path: &Path, section: &Section) -> ImportedKey {
    let mut key = ImportedKey::named(&section.name);
    let kind = section.get("type").unwrap_or_default();
    if kind != "s3" {
        let kind: String = kind.chars().filter(|c| !c.is_control()).take(40).collect();
        key.unusable = Some(format!("It is a remote of type “{kind}”, not s3."));
        return key;
    }
    key.endpoint = section.get("endpoint").and_then(|text| address(text, true));
    key.region = owned(section.get("region"));
    key.addressing = yes(section.get("force_path_style")).map(|path| {
        if path {
            Addressing::Path
        } else {
            Addressing::VirtualHost
        }
    });
    key.access_key_id = owned(section.get("access_key_id"));
    key.secret = secret(section.get("secret_access_key"));
    key.session_token = secret(section.get("session_token"));
    if yes(section.get("v2_auth")) == Some(true) {
        key.signing = Some(Signing::V2);
    }
    if key.session_token.is_some() {
        key.note("This is a temporary key: it stops working when its time is over.");
    }
    if let Some(file) = section.get("override.ca_cert") {
        key.ca_file = existing(file, path, &mut key.notes);
    }
    key.proxy = owned(section.get("override.http_proxy"));
    if key.access_key_id.is_none() {
        if yes(section.get("env_auth")) == Some(true) {
            key.unusable = Some(
                "It takes its key from the environment (env_auth), where Wherry does not look."
                    .to_owned(),
            );
        } else {
            key.signing = Some(Signing::Anonymous);
            key.note("It has no key: only public buckets can be read.");
        }
    }
    let amazon = section
        .get("provider")
        .is_none_or(|p| p.eq_ignore_ascii_case("aws"));
    if amazon {
        key.means_amazon();
    }
    key
}
