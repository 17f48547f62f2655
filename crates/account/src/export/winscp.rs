//! WinSCP: a session to import from an INI file (winscp.net/eng/docs/config).
//!
//! WinSCP writes secrets in an obfuscated form of its own, which protects nothing; they are left out
//! and WinSCP asks.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::entry::{section, set};
use super::{Body, Draft, Facts, Part, Tool};

pub(super) const TOOL: Tool = Tool {
    id: "winscp",
    name: "WinSCP",
    about: "a session to import, on Windows",
    merges: None,
    draft,
};

/// What WinSCP itself writes as %XX in a session's name; a slash would make a folder.
const NAME: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'\\')
    .add(b'*')
    .add(b'?')
    .add(b'%')
    .add(b'/')
    .add(b'[')
    .add(b']');

fn draft(facts: &Facts) -> Draft {
    let mut settings = Vec::new();
    let mut put = |key: &str, value: &str| set(&mut settings, key, value);
    put("HostName", &facts.host_only);
    put("PortNumber", &facts.port.to_string());
    if let Some(key) = &facts.key {
        put("UserName", &key.id);
    }
    // S3; TLS from the start or none.
    put("FSProtocol", "7");
    put("Ftps", if facts.https { "1" } else { "0" });
    put("S3DefaultRegion", &facts.region);
    put("S3UrlStyle", if facts.path_style { "1" } else { "0" });
    let mut notes = vec![
        "In WinSCP: Tools, Import/Restore Configuration, and choose this file. It asks for the secret when it connects."
            .to_owned(),
    ];
    if facts.key.as_ref().is_some_and(|key| key.token.is_some()) {
        notes.push(
            "This is a temporary key: enter its session token in the session's Advanced settings, under S3.".to_owned(),
        );
    }
    if facts.v2 {
        notes.push(
            "This account signs with Signature Version 2, which WinSCP cannot: it works only if the store takes Version 4 too."
                .to_owned(),
        );
    }
    if facts.key.is_none() {
        notes.push("This account has no key, and WinSCP cannot connect without one.".to_owned());
    }
    if facts.ca_file.is_some() {
        notes.push(
            "WinSCP trusts what Windows trusts, and asks about other certificates.".to_owned(),
        );
    }
    if let Some(proxy) = &facts.proxy {
        notes.push(format!(
            "Set the proxy {proxy} in the session's Advanced settings."
        ));
    }
    let name = utf8_percent_encode(&facts.name, NAME);
    let mut text = section(&format!("Sessions\\{name}"), &settings);
    // WinSCP writes its settings without spaces, and Windows' lines.
    *text = text.replace(" = ", "=").replace('\n', "\r\n");
    Draft {
        parts: vec![Part {
            place: None,
            save_as: "WinSCP.ini".to_owned(),
            body: Body::Whole(text),
        }],
        notes,
        carries_secret: false,
    }
}
