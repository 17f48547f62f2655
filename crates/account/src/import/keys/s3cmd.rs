//! s3cmd's `.s3cfg`: one account, whose settings s3cmd collects from all sections.

use std::path::Path;

use super::{ImportedKey, address, owned, secret, stem, yes};
use crate::import::existing;
use crate::ini::Section;
use crate::provider::{Addressing, Signing};

pub(super) fn read(path: &Path, sections: &[Section]) -> Vec<ImportedKey> {
    // The last one counts, and quotes around a value are not part of it.
    let get = |key: &str| {
        let found = sections.iter().rev().find_map(|s| s.get(key))?;
        let bare = found.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        Some(bare.unwrap_or(found))
    };
    let mut key = ImportedKey::named(&match stem(path) {
        name if name == "s3cfg" => "s3cmd".to_owned(),
        name => name,
    });
    let https = yes(get("use_https")).unwrap_or(true);
    let base = get("host_base").unwrap_or("s3.amazonaws.com");
    let default_host = base == "s3.amazonaws.com";
    if !default_host {
        key.endpoint = address(base, https);
    }
    key.region = owned(get("bucket_location")).filter(|region| region != "US");
    key.addressing = get("host_bucket").map(|host| {
        if host.contains("(bucket)") {
            Addressing::VirtualHost
        } else {
            Addressing::Path
        }
    });
    if yes(get("signature_v2")) == Some(true) {
        key.signing = Some(Signing::V2);
    }
    // What begins with a dollar sign is the name of a variable there.
    let plain = |name: &str| get(name).filter(|value| !value.starts_with('$'));
    key.access_key_id = owned(plain("access_key"));
    key.secret = secret(plain("secret_key"));
    key.session_token = secret(plain("access_token"));
    if get("secret_key").is_some() && key.secret.is_none() {
        key.note("The secret is in a variable of the environment, where Wherry does not look; enter it yourself.");
    }
    if let Some(file) = get("ca_certs_file") {
        key.ca_file = existing(file, path, &mut key.notes);
    }
    if yes(get("check_ssl_certificate")) == Some(false) {
        key.note(
            "The file turns certificate checks off. Wherry keeps them on; if the store has its own authority, choose its certificate file.",
        );
    }
    if let Some(host) = get("proxy_host") {
        let port = get("proxy_port").unwrap_or("3128");
        key.proxy = Some(format!("http://{host}:{port}"));
    }
    if key.access_key_id.is_none() {
        key.unusable = Some("It has no access key.".to_owned());
    }
    if default_host {
        key.means_amazon();
    }
    vec![key]
}
