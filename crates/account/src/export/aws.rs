//! The AWS command line and everything built on Amazon's SDKs: `~/.aws/credentials` and `config`.
//!
//! docs.aws.amazon.com/sdkref/latest/guide/file-format.html; `endpoint_url` in a profile and the
//! checksum settings are of 2023 and 2025.

use super::entry::{set, set_key};
use super::{Body, Draft, Facts, Part, Place, Tool, proxy_note};

pub(super) const TOOL: Tool = Tool {
    id: "aws",
    name: "AWS command line",
    about: "aws s3, and programs built on Amazon's SDKs",
    merges: Some(Place::AwsCredentials),
    draft,
};

/// How the answers look is the user's own choice.
const KEEP: &[&str] = &[
    "output",
    "cli_pager",
    "cli_auto_prompt",
    "cli_history",
    "cli_timestamp_format",
    "retry_mode",
    "max_attempts",
];

fn draft(facts: &Facts) -> Draft {
    let mut credentials = Vec::new();
    set_key(
        &mut credentials,
        facts,
        [
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
        ],
    );
    let mut config = Vec::new();
    set(&mut config, "region", &facts.region);
    set(&mut config, "endpoint_url", &facts.endpoint);
    if let Some(file) = &facts.ca_file {
        set(&mut config, "ca_bundle", file);
    }
    if facts.old_checksums() && !facts.amazon() {
        set(&mut config, "request_checksum_calculation", "when_required");
        set(&mut config, "response_checksum_validation", "when_required");
    }
    let style = if facts.path_style { "path" } else { "virtual" };
    set(
        &mut config,
        "s3",
        &format!("\n  addressing_style = {style}"),
    );

    let mut notes = facts.notes();
    let profile = &facts.entry;
    if facts.key.is_some() {
        notes.push(format!(
            "Use it with `aws --profile {profile} s3 ls`; it needs version 2.13 of the AWS command line, or 1.29."
        ));
    } else {
        notes.push(format!(
            "Use it with `aws --profile {profile} --no-sign-request s3 ls s3://BUCKET`."
        ));
    }
    if facts.v2 {
        notes.push(
            "This account signs with Signature Version 2, which the AWS command line no longer can: it works only if the store takes Version 4 too."
                .to_owned(),
        );
    }
    proxy_note(facts, &mut notes);

    let mut parts = Vec::new();
    if facts.key.is_some() {
        parts.push(Part {
            place: Some(Place::AwsCredentials),
            save_as: "credentials".to_owned(),
            body: Body::Section {
                name: facts.entry.clone(),
                settings: credentials,
                keep: &[],
            },
        });
    }
    parts.push(Part {
        place: Some(Place::AwsConfig),
        save_as: "config".to_owned(),
        body: Body::Section {
            // The one profile whose name stands alone.
            name: match facts.entry.as_str() {
                "default" => "default".to_owned(),
                name => format!("profile {name}"),
            },
            settings: config,
            keep: KEEP,
        },
    });
    Draft {
        parts,
        notes,
        carries_secret: true,
    }
}
