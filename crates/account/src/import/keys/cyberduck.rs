//! Cyberduck's bookmarks (`.duck`): a property list; the secret is in the system's keychain.

use std::path::Path;

use serde::Deserialize;

use super::{ImportedKey, owned, stem};
use crate::import::ImportError;
use crate::ini::Malformed;
use crate::provider::{Addressing, Signing};

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Bookmark {
    protocol: String,
    provider: Option<String>,
    nickname: Option<String>,
    hostname: String,
    port: Option<String>,
    username: Option<String>,
    region: Option<String>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<Vec<ImportedKey>, ImportError> {
    let bookmark: Bookmark = plist::from_bytes(text.as_bytes()).map_err(|_| {
        // The parser counts bytes, which would help nobody.
        ImportError::Malformed {
            path: path.to_owned(),
            source: Malformed {
                line: 1,
                what: "does not begin a Cyberduck bookmark that can be read",
            },
        }
    })?;
    let mut key =
        ImportedKey::named(&owned(bookmark.nickname.as_deref()).unwrap_or_else(|| stem(path)));
    if bookmark.protocol != "s3" {
        let protocol: String = bookmark
            .protocol
            .chars()
            .filter(|c| !c.is_control())
            .take(40)
            .collect();
        key.unusable = Some(format!("It is a bookmark for “{protocol}”, not for S3."));
        return Ok(vec![key]);
    }
    let port = bookmark.port.as_deref().and_then(|p| p.parse::<u16>().ok());
    // The scheme is in the profile, which a bookmark only names.
    let (scheme, port) = match port {
        None | Some(443) => ("https", String::new()),
        Some(80) => ("http", String::new()),
        Some(port) => ("https", format!(":{port}")),
    };
    let amazon = bookmark.hostname.is_empty() || bookmark.hostname == "s3.amazonaws.com";
    key.region = owned(bookmark.region.as_deref());
    if !amazon {
        key.endpoint = Some(format!("{scheme}://{}{port}", bookmark.hostname));
    }
    let user = owned(bookmark.username.as_deref());
    if user.as_deref() == Some("anonymous") {
        key.signing = Some(Signing::Anonymous);
    } else {
        key.access_key_id = user;
        key.note("Cyberduck keeps the secret elsewhere; enter it yourself.");
    }
    if bookmark.provider.is_some() {
        key.addressing = Some(Addressing::Path);
        key.note("The bookmark belongs to a connection profile; check the address, and whether it is https.");
    }
    if amazon {
        key.means_amazon();
    }
    Ok(vec![key])
}
