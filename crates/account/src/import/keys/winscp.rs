//! `WinSCP.ini`: sessions whose protocol is S3. Its obfuscated passwords are not read.

use percent_encoding::percent_decode_str;

use super::{ImportedKey, owned};
use crate::ini::Section;
use crate::provider::Addressing;

pub(super) fn session(section: &str) -> Option<String> {
    let name = section.strip_prefix("Sessions\\")?;
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    // WinSCP marks names that are UTF-8.
    Some(name.trim_start_matches('\u{feff}').to_owned())
}

pub(super) fn read(sections: &[Section]) -> Vec<ImportedKey> {
    sections
        .iter()
        .filter_map(|section| Some((session(&section.name)?, section)))
        .filter(|(name, _)| name != "Default Settings")
        .map(|(name, section)| key(&name, section))
        .collect()
}

fn key(name: &str, section: &Section) -> ImportedKey {
    let mut key = ImportedKey::named(name);
    if section.get("fsprotocol") != Some("7") {
        key.unusable = Some("It is a session of another protocol, not S3.".to_owned());
        return key;
    }
    let https = section.get("ftps") != Some("0");
    let host = section.get("hostname").unwrap_or("s3.amazonaws.com");
    let port = section
        .get("portnumber")
        .and_then(|port| port.parse::<u16>().ok())
        .filter(|&port| port != if https { 443 } else { 80 });
    key.region = owned(section.get("s3defaultregion"));
    if host != "s3.amazonaws.com" {
        let scheme = if https { "https" } else { "http" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        key.endpoint = Some(format!("{scheme}://{host}{port}"));
    }
    key.addressing = match section.get("s3urlstyle") {
        Some("1") => Some(Addressing::Path),
        Some("0") => Some(Addressing::VirtualHost),
        _ => None,
    };
    key.access_key_id = section
        .get("username")
        .map(|user| percent_decode_str(user).decode_utf8_lossy().into_owned());
    key.note("WinSCP hides the secret in a way of its own; enter it yourself.");
    if key.access_key_id.is_none() {
        key.unusable = Some("It has no access key.".to_owned());
    }
    if host == "s3.amazonaws.com" {
        key.means_amazon();
    }
    key
}
