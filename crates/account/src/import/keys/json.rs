//! JSON: mc's `config.json` (minio/mc, versions 8 to 10), the file JASMIN's examples give s3fs, and
//! the credentials a token service answers with.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;

use super::{ImportedKey, ImportedKeys, address, owned, stem};
use crate::import::ImportError;
use crate::ini::Malformed;
use crate::provider::{Addressing, Signing};

/// All of them at once; which one it is shows in what is there.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Document {
    aliases: Option<BTreeMap<String, Alias>>,
    /// mc's older name for them.
    hosts: Option<BTreeMap<String, Alias>>,
    // s3fs
    token: Option<SecretString>,
    key: Option<String>,
    secret: Option<SecretString>,
    session_token: Option<SecretString>,
    endpoint_url: Option<String>,
    client_kwargs: Option<ClientArguments>,
    #[serde(rename = "Credentials")]
    credentials: Option<Lent>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Alias {
    url: String,
    access_key: String,
    secret_key: Option<SecretString>,
    session_token: Option<SecretString>,
    api: String,
    path: String,
    /// Older than `path`.
    lookup: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClientArguments {
    endpoint_url: Option<String>,
    region_name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct Lent {
    access_key_id: String,
    secret_access_key: Option<SecretString>,
    session_token: Option<SecretString>,
    #[serde(rename = "EndpointURL")]
    endpoint_url: Option<String>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<ImportedKeys, ImportError> {
    let document: Document =
        serde_json::from_str(text).map_err(|error| ImportError::Malformed {
            path: path.to_owned(),
            source: Malformed {
                line: error.line().max(1),
                what: if error.is_data() {
                    "has something else than such a file would"
                } else {
                    "is not valid JSON"
                },
            },
        })?;
    let aliases = document.aliases.or(document.hosts);
    if let Some(aliases) = aliases {
        return Ok(ImportedKeys {
            tool: "MinIO client",
            keys: aliases.into_iter().map(|(n, a)| alias(&n, &a)).collect(),
        });
    }
    if let Some(lent) = document.credentials {
        let mut key = ImportedKey::named(&stem(path));
        key.endpoint = lent.endpoint_url.and_then(|url| address(&url, true));
        key.access_key_id = owned(Some(&lent.access_key_id));
        key.secret = filled(lent.secret_access_key.as_ref());
        key.session_token = filled(lent.session_token.as_ref());
        key.note("This is a temporary key: it stops working when its time is over.");
        return Ok(ImportedKeys {
            tool: "token service",
            keys: one(key),
        });
    }
    let mut key = ImportedKey::named(&stem(path));
    let arguments = document.client_kwargs.unwrap_or_default();
    let endpoint = document.endpoint_url.or(arguments.endpoint_url);
    key.endpoint = endpoint.and_then(|url| address(&url, true));
    key.region = arguments.region_name;
    key.secret = filled(document.secret.as_ref());
    if let Some(id) = document.key {
        // s3fs's own words: its token is a session token.
        key.access_key_id = owned(Some(&id));
        key.session_token =
            filled(document.token.as_ref()).or(filled(document.session_token.as_ref()));
    } else {
        let id = document
            .token
            .as_ref()
            .map(secrecy::ExposeSecret::expose_secret);
        key.access_key_id = owned(id);
        key.session_token = filled(document.session_token.as_ref());
    }
    Ok(ImportedKeys {
        tool: "s3fs",
        keys: one(key),
    })
}

fn one(key: ImportedKey) -> Vec<ImportedKey> {
    key.access_key_id
        .is_some()
        .then_some(key)
        .into_iter()
        .collect()
}

fn alias(name: &str, alias: &Alias) -> ImportedKey {
    let mut key = ImportedKey::named(name);
    key.endpoint = address(&alias.url, true);
    if key.endpoint.is_none() {
        key.unusable = Some("It has no address.".to_owned());
    }
    key.access_key_id = owned(Some(&alias.access_key));
    key.secret = filled(alias.secret_key.as_ref());
    key.session_token = filled(alias.session_token.as_ref());
    key.signing = match (&key.access_key_id, alias.api.to_ascii_lowercase().as_str()) {
        (None, _) => {
            key.note("It has no key: only public buckets can be read.");
            Some(Signing::Anonymous)
        }
        (_, "s3v2") => Some(Signing::V2),
        _ => None,
    };
    let old = match alias.lookup.as_str() {
        "path" => "on",
        "dns" => "off",
        other => other,
    };
    key.addressing = match (alias.path.as_str(), old) {
        ("on", _) | ("" | "auto", "on") => Some(Addressing::Path),
        ("off", _) | ("" | "auto", "off") => Some(Addressing::VirtualHost),
        _ => None,
    };
    key
}

fn filled(secret: Option<&SecretString>) -> Option<SecretString> {
    super::secret(secret.map(secrecy::ExposeSecret::expose_secret))
}
