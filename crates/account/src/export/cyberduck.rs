//! Cyberduck and Mountain Duck: a bookmark, and the connection profile it refers to.
//!
//! Property lists whose values are text (iterate-ch/cyberduck, HostDictionary; iterate-ch/profiles).
//! Cyberduck keeps secrets in the system's keychain, so that no file of its holds one.

use secrecy::zeroize::Zeroizing;

use super::{Body, Draft, Facts, Part, Tool};

pub(super) const TOOL: Tool = Tool {
    id: "cyberduck",
    name: "Cyberduck bookmark",
    about: "open it, and Cyberduck has the account",
    merges: None,
    draft: bookmark,
};

pub(super) const PROFILE: Tool = Tool {
    id: "cyberduck-profile",
    name: "Cyberduck profile",
    about: "how Cyberduck speaks to this store, for everybody who uses it",
    merges: None,
    draft: profile,
};

fn bookmark(facts: &Facts) -> Draft {
    let port = facts.port.to_string();
    let mut pairs = vec![("Protocol", "s3")];
    let vendor = vendor(facts);
    if needs_profile(facts) {
        pairs.push(("Provider", &vendor));
    }
    pairs.extend([
        ("Nickname", facts.name.as_str()),
        ("UUID", &facts.id),
        ("Hostname", &facts.host_only),
        ("Port", &port),
        ("Region", &facts.region),
    ]);
    let anonymous = facts.key.is_none();
    if let Some(key) = &facts.key {
        pairs.push(("Username", &key.id));
    }
    let mut notes = Vec::new();
    if needs_profile(facts) {
        notes.push(
            "Open the Cyberduck profile first: this store's addresses, signature or plain http are not Cyberduck's own, and the bookmark refers to it."
                .to_owned(),
        );
    }
    if anonymous {
        notes.push("This account has no key: choose “Anonymous Login” in Cyberduck.".to_owned());
    } else {
        notes.push(
            "Cyberduck asks for the secret when it connects, and keeps it itself.".to_owned(),
        );
    }
    elsewhere(facts, &mut notes);
    let mut text = head();
    strings(&mut text, &pairs);
    text.push_str("</dict>\n</plist>\n");
    Draft {
        parts: vec![Part {
            place: None,
            save_as: format!("{}.duck", facts.entry),
            body: Body::Whole(text),
        }],
        notes,
        carries_secret: false,
    }
}

fn profile(facts: &Facts) -> Draft {
    let (vendor, port) = (vendor(facts), facts.port.to_string());
    let mut text = head();
    let pairs = [
        ("Protocol", "s3"),
        ("Vendor", vendor.as_str()),
        ("Description", &facts.name),
        ("Scheme", if facts.https { "https" } else { "http" }),
        ("Default Hostname", &facts.host_only),
        ("Default Port", &port),
        ("Region", &facts.region),
        (
            "Authorization",
            if facts.v2 { "AWS2" } else { "AWS4HMACSHA256" },
        ),
        ("Username Placeholder", "Access Key ID"),
        ("Password Placeholder", "Secret Access Key"),
    ];
    strings(&mut text, &pairs);
    if facts.path_style {
        text.push_str(
            "\t<key>Properties</key>\n\t<array>\n\t\t<string>s3.bucket.virtualhost.disable=true</string>\n\t</array>\n",
        );
    }
    text.push_str("</dict>\n</plist>\n");
    let mut notes =
        vec!["It names the store and no key: it can be given to colleagues.".to_owned()];
    elsewhere(facts, &mut notes);
    Draft {
        parts: vec![Part {
            place: None,
            save_as: format!("{}.cyberduckprofile", facts.entry),
            body: Body::Whole(text),
        }],
        notes,
        carries_secret: false,
    }
}

/// What Cyberduck takes from the system instead.
fn elsewhere(facts: &Facts, notes: &mut Vec<String>) {
    if facts.key.as_ref().is_some_and(|key| key.token.is_some()) {
        notes.push(
            "This is a temporary key with a session token, which a bookmark cannot hold: Cyberduck would need one of its own token profiles."
                .to_owned(),
        );
    }
    if facts.ca_file.is_some() {
        notes.push(
            "Cyberduck trusts what the system trusts: add the certificate file there.".to_owned(),
        );
    }
    if facts.proxy.is_some() {
        notes.push("Cyberduck uses the system's proxy.".to_owned());
    }
}

/// Cyberduck's own S3 is https with the bucket in the host name.
fn needs_profile(facts: &Facts) -> bool {
    facts.path_style || facts.v2 || !facts.https
}

/// Refers a bookmark to its profile.
fn vendor(facts: &Facts) -> String {
    format!("wherry-{}", facts.host.replace(':', "-"))
}

fn head() -> Zeroizing<String> {
    Zeroizing::new(String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n",
    ))
}

fn strings(text: &mut String, pairs: &[(&str, &str)]) {
    for (key, value) in pairs {
        let value = value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        text.push_str(&format!("\t<key>{key}</key>\n\t<string>{value}</string>\n"));
    }
}
