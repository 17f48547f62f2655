//! The AWS tools' `credentials` and `config`, and S3 Browser's `s3_endpoint` in the former.
//!
//! docs.aws.amazon.com/sdkref/latest/guide/file-format.html and feature-ss-endpoints.html.

use std::path::{Path, PathBuf};

use super::{ImportedKey, address, owned, secret};
use crate::import::{existing, text_of};
use crate::ini::{Dialect, Ini, Section};
use crate::provider::{Addressing, Signing};

pub(super) fn is_profile(section: &Section) -> bool {
    ["aws_access_key_id", "aws_secret_access_key", "endpoint_url"]
        .iter()
        .any(|key| section.get(key).is_some())
}

/// A profile, with what both files say of it.
struct Profile {
    name: String,
    sections: Vec<Section>,
}

impl Profile {
    fn get(&self, key: &str) -> Option<&str> {
        self.sections.iter().find_map(|s| s.get(key))
    }

    fn nested(&self, key: &str, inner: &str) -> Option<&str> {
        self.sections.iter().find_map(|s| s.nested(key, inner))
    }
}

pub(super) fn read(path: &Path, sections: Vec<Section>) -> Vec<ImportedKey> {
    let (beside, problem) = beside(path);
    let mut profiles: Vec<Profile> = Vec::new();
    let mut services: Vec<Section> = Vec::new();
    // Profiles only of the file that was chosen; the other one completes them.
    for (own, section) in sections
        .into_iter()
        .map(|s| (true, s))
        .chain(beside.into_iter().map(|s| (false, s)))
    {
        if section.name.starts_with("services ") {
            services.push(section);
            continue;
        }
        if section.name.starts_with("sso-session ") || section.name.is_empty() {
            continue;
        }
        let name = section
            .name
            .strip_prefix("profile ")
            .unwrap_or(&section.name);
        let name = name.trim().trim_matches(['"', '\'']).to_owned();
        match profiles.iter_mut().find(|p| p.name == name) {
            Some(profile) => profile.sections.push(section),
            None if own => profiles.push(Profile {
                name,
                sections: vec![section],
            }),
            None => {}
        }
    }
    let key = |profile: &Profile| {
        let mut key = key(profile, &services, path);
        if profile.sections.len() == 1 {
            key.notes.extend(problem.clone());
        }
        key
    };
    profiles.iter().map(key).collect()
}

fn key(profile: &Profile, services: &[Section], path: &Path) -> ImportedKey {
    let mut key = ImportedKey::named(&profile.name);
    let service = profile.get("services").and_then(|name| {
        services
            .iter()
            .find(|s| s.name.trim_start_matches("services ").trim() == name)
    });
    // The more particular one counts.
    let endpoint = service
        .and_then(|s| s.nested("s3", "endpoint_url"))
        .or_else(|| profile.nested("s3", "endpoint_url"))
        .or_else(|| profile.get("endpoint_url"))
        .or_else(|| profile.get("s3_endpoint"));
    key.endpoint = endpoint.and_then(|text| address(text, true));
    key.region = owned(profile.get("region"));
    key.addressing = match profile
        .nested("s3", "addressing_style")
        .or_else(|| service.and_then(|s| s.nested("s3", "addressing_style")))
    {
        Some("path") => Some(Addressing::Path),
        Some("virtual") => Some(Addressing::VirtualHost),
        _ => None,
    };
    if profile.nested("s3", "signature_version") == Some("s3") {
        key.signing = Some(Signing::V2);
    }
    key.access_key_id = owned(profile.get("aws_access_key_id"));
    key.secret = secret(profile.get("aws_secret_access_key"));
    key.session_token = secret(profile.get("aws_session_token"));
    if key.session_token.is_some() {
        key.note("This is a temporary key: it stops working when its time is over.");
    }
    if let Some(file) = profile.get("ca_bundle") {
        key.ca_file = existing(file, path, &mut key.notes);
    }
    if key.access_key_id.is_none() {
        key.unusable = Some(without_key(profile));
    }
    key.means_amazon();
    key
}

fn without_key(profile: &Profile) -> String {
    let has = |key: &str| profile.get(key).is_some();
    let why = if has("credential_process") {
        "It gets its key from a program (credential_process), and Wherry runs no programs from files."
    } else if has("sso_session") || has("sso_start_url") {
        "It gets its keys from Amazon's single sign-on, which Wherry cannot."
    } else if has("role_arn") {
        "It takes on a role with another profile's key, which Wherry cannot from a file."
    } else {
        "It has no access key."
    };
    why.to_owned()
}

/// The other one of the two files, which the tools read together; or why it was left out.
fn beside(path: &Path) -> (Vec<Section>, Option<String>) {
    let other = match path.file_name().and_then(|name| name.to_str()) {
        Some("credentials") => "config",
        Some("config") => "credentials",
        _ => return (Vec::new(), None),
    };
    let other: PathBuf = path.with_file_name(other);
    if !other.is_file() {
        return (Vec::new(), None);
    }
    let dialect = Dialect {
        nested: true,
        headless: true,
    };
    let problem = match text_of(&other) {
        Ok(text) => match Ini::parse(&text, dialect) {
            Ok(ini) => return (ini.sections(), None),
            Err(malformed) => format!("In {}, {malformed}", other.display()),
        },
        Err(error) => error.to_string(),
    };
    (
        Vec::new(),
        Some(format!("{problem}, so nothing is taken from it.")),
    )
}
