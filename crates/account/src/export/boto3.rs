//! A Python program with boto3 that lists the buckets.

use secrecy::zeroize::Zeroizing;

use super::{Body, Draft, Facts, Part, Tool};

pub(super) const TOOL: Tool = Tool {
    id: "boto3",
    name: "boto3",
    about: "a Python program of your own",
    merges: None,
    draft,
};

fn draft(facts: &Facts) -> Draft {
    let mut text = Zeroizing::new(String::from(
        "import boto3\nfrom botocore.config import Config\n",
    ));
    if facts.key.is_none() {
        text.push_str("from botocore import UNSIGNED\n");
    }
    if needs_own_path(facts) {
        text.push_str(OWN_PATH);
    }
    text.push_str("\ns3 = boto3.client(\n    \"s3\",\n");
    let mut argument = |name: &str, value: &str| {
        text.push_str(&format!("    {name}="));
        text.push_str(&quoted(value));
        text.push_str(",\n");
    };
    argument("endpoint_url", &facts.endpoint);
    argument("region_name", &facts.region);
    if let Some(key) = &facts.key {
        argument("aws_access_key_id", &key.id);
        argument("aws_secret_access_key", &key.secret);
        if let Some(token) = &key.token {
            argument("aws_session_token", token);
        }
    }
    if let Some(file) = &facts.ca_file {
        argument("verify", file);
    }
    text.push_str("    config=Config(\n");
    for (name, value) in config(facts) {
        text.push_str(&format!("        {name}={value},\n"));
    }
    text.push_str("    ),\n)\n\n");
    if needs_own_path(facts) {
        text.push_str("s3.meta.events.register(\"before-sign.s3\", sign_own_path)\n\n");
    }
    text.push_str(if facts.key.is_some() {
        "for bucket in s3.list_buckets()[\"Buckets\"]:\n    print(bucket[\"Name\"])\n"
    } else {
        "# Without a key only what is public can be read:\n# s3.list_objects_v2(Bucket=\"BUCKET\")\n"
    });
    let mut notes = facts.notes();
    if facts.has_secret {
        notes.push(
            "A program with a secret in it should not be shared or put under version control."
                .to_owned(),
        );
    }
    if facts.old_checksums() && !facts.amazon() {
        notes.push("It needs boto3 1.36 or newer.".to_owned());
    }
    Draft {
        parts: vec![Part {
            place: None,
            save_as: format!("{}_boto3.py", facts.entry.replace('-', "_")),
            body: Body::Whole(text),
        }],
        notes,
        carries_secret: true,
    }
}

/// botocore signs the addresses that Amazon would have, which end in a slash after the bucket, and
/// sends others.
pub(super) const OWN_PATH: &str = "\n\ndef sign_own_path(request, **_):\n    # Signature Version 2 covers the path as it is sent.\n    request.auth_path = None\n\n";

pub(super) fn needs_own_path(facts: &Facts) -> bool {
    facts.v2 && facts.path_style && facts.key.is_some()
}

/// The members of botocore's `Config`, as Python.
pub(super) fn config(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut members = Vec::new();
    members.push((
        "signature_version",
        match (&facts.key, facts.v2) {
            (None, _) => "UNSIGNED".to_owned(),
            (_, true) => "\"s3\"".to_owned(),
            (_, false) => "\"s3v4\"".to_owned(),
        },
    ));
    let style = if facts.path_style { "path" } else { "virtual" };
    members.push(("s3", format!("{{\"addressing_style\": \"{style}\"}}")));
    if facts.old_checksums() && !facts.amazon() {
        members.push((
            "request_checksum_calculation",
            "\"when_required\"".to_owned(),
        ));
        members.push((
            "response_checksum_validation",
            "\"when_required\"".to_owned(),
        ));
    }
    if let Some(proxy) = &facts.proxy {
        let proxy = quoted(proxy.as_str().trim_end_matches('/'));
        let both = format!("{{\"http\": {p}, \"https\": {p}}}", p = proxy.as_str());
        members.push(("proxies", both));
    }
    members
}

/// A JSON string is a Python string.
pub(super) fn quoted(text: &str) -> Zeroizing<String> {
    Zeroizing::new(serde_json::Value::from(text).to_string())
}
