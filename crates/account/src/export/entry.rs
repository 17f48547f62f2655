//! Sections of INI files, as text by themselves.

use secrecy::zeroize::Zeroizing;

use super::{Facts, Setting};

pub(super) fn section(name: &str, settings: &[Setting]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!("[{name}]\n"));
    for (key, value) in settings {
        text.push_str(key);
        text.push_str(if value.starts_with('\n') { " =" } else { " = " });
        text.push_str(value);
        text.push('\n');
    }
    text
}

pub(super) fn set(settings: &mut Vec<Setting>, key: &str, value: &str) {
    settings.push((key.to_owned(), Zeroizing::new(value.to_owned())));
}

/// Access key id, secret and session token under a tool's names for them.
pub(super) fn set_key(settings: &mut Vec<Setting>, facts: &Facts, names: [&str; 3]) {
    if let Some(key) = &facts.key {
        set(settings, names[0], &key.id);
        set(settings, names[1], &key.secret);
        if let Some(token) = &key.token {
            set(settings, names[2], token);
        }
    }
}
