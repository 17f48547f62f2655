//! An account in the words of other tools.
//!
//! One file per tool, each a pure function from the account's [`Facts`] to what the tool reads. The
//! secret is left out unless it is given; words that say where it goes stand in its place. What a
//! tool cannot take over is said in the notes rather than dropped in silence. [`merge`] puts the
//! same into the tool's own file.

mod aws;
mod boto3;
mod cyberduck;
mod entry;
mod json_splice;
mod locate;
mod mc;
mod merge;
mod rclone;
mod s3cmd;
mod s3fs;
mod winscp;
mod write;
mod xarray;

use std::path::PathBuf;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

pub use locate::Surroundings;
pub use merge::{Change, MergeError, Merged, PlannedChange, merge, plan};

use crate::account::{Account, KeyFacts};
use crate::atomic::write_private;
use crate::provider::{Addressing, ChecksumMode, ListVersion, Quirks, Signing, provider};

/// Stands where the secret goes.
const SECRET_HERE: &str = "PUT-THE-SECRET-ACCESS-KEY-HERE";
const TOKEN_HERE: &str = "PUT-THE-SESSION-TOKEN-HERE";

/// A tool, as data.
pub struct Tool {
    /// As the command line has it: `s3cmd`.
    pub id: &'static str,
    pub name: &'static str,
    /// What one does with it, in a few words.
    pub about: &'static str,
    /// The tool's own file, if Wherry can add the account to it; the first where there are two.
    merges: Option<Place>,
    draft: fn(&Facts) -> Draft,
}

impl Tool {
    /// Where the tool's own file is, if Wherry can add an account to it.
    pub fn own_file(&self, here: &Surroundings) -> Option<PathBuf> {
        here.find(self.merges?)
    }
}

/// All tools, in the order a chooser shows them.
pub const TOOLS: &[Tool] = &[
    aws::TOOL,
    rclone::TOOL,
    s3cmd::TOOL,
    mc::TOOL,
    boto3::TOOL,
    xarray::TOOL,
    s3fs::TOOL,
    cyberduck::TOOL,
    cyberduck::PROFILE,
    winscp::TOOL,
];

pub fn tool(id: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.id == id)
}

/// The secret half of the account's key.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// Left out; `temporary` says that the key has a session token too.
    Withheld { temporary: bool },
    Given {
        secret: &'a SecretString,
        session_token: Option<&'a SecretString>,
    },
}

/// Why an account cannot be written down for a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    #[error("{what} has a character that cannot be written down for {tool}")]
    Odd {
        what: &'static str,
        tool: &'static str,
    },
    #[error(
        "“{0}” cannot be the name of an entry: use letters, digits, “-”, “_” and “.”, and begin with a letter"
    )]
    Entry(String),
}

/// What one tool reads, as text.
pub struct Export {
    pub tool: &'static Tool,
    /// The name of the entry in the tool's file.
    pub entry: String,
    pub files: Vec<ExportedFile>,
    /// What is different there, and what is lost.
    pub notes: Vec<String>,
    pub contains_secret: bool,
    /// Whether it would contain the secret if that were given.
    pub can_hold_secret: bool,
}

pub struct ExportedFile {
    /// Where the tool looks for it; absent for what may be anywhere.
    pub place: Option<PathBuf>,
    /// A name to save it under.
    pub save_as: String,
    /// May hold the secret.
    pub text: SecretString,
}

/// Writes an account down for a tool, under `entry` or a name made from the account's.
pub fn export(
    account: &Account,
    key: Key<'_>,
    tool: &'static Tool,
    entry: Option<&str>,
    here: &Surroundings,
) -> Result<Export, ExportError> {
    let facts = Facts::of(account, key, tool, entry)?;
    let draft = (tool.draft)(&facts);
    let files = draft.parts.into_iter().map(|part| {
        let text = part.body.text();
        ExportedFile {
            place: part.place.and_then(|place| here.find(place)),
            save_as: part.save_as,
            text: SecretString::from(text.as_str()),
        }
    });
    Ok(Export {
        tool,
        entry: facts.entry.clone(),
        files: files.collect(),
        notes: draft.notes,
        contains_secret: facts.has_secret && draft.carries_secret,
        can_hold_secret: facts.key.is_some() && draft.carries_secret,
    })
}

/// Which of a tool's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    AwsCredentials,
    AwsConfig,
    Rclone,
    S3cmd,
    Mc,
}

/// What a tool's function makes.
struct Draft {
    parts: Vec<Part>,
    notes: Vec<String>,
    /// Some tools hide the secret in ways of their own, and Wherry leaves it to them.
    carries_secret: bool,
}

struct Part {
    place: Option<Place>,
    save_as: String,
    body: Body,
}

type Setting = (String, Zeroizing<String>);

/// What is put into a file, so that it can be shown by itself and merged into another.
enum Body {
    /// A whole section of an INI file.
    Section {
        name: String,
        settings: Vec<Setting>,
        /// What a user may have set there that has nothing to do with the account.
        keep: &'static [&'static str],
    },
    /// Some of the settings of the one section there is; `None` takes one away.
    Settings {
        section: &'static str,
        settings: Vec<(&'static str, Option<Zeroizing<String>>)>,
    },
    /// A member of `aliases` in mc's file.
    Alias {
        name: String,
        json: Zeroizing<String>,
    },
    Whole(Zeroizing<String>),
}

impl Body {
    fn text(&self) -> Zeroizing<String> {
        match self {
            Self::Section { name, settings, .. } => entry::section(name, settings),
            Self::Settings { section, settings } => {
                let there = settings.iter().filter_map(|(key, value)| {
                    value.as_ref().map(|v| ((*key).to_owned(), v.clone()))
                });
                entry::section(section, &there.collect::<Vec<_>>())
            }
            Self::Alias { name, json } => json_splice::alone(name, json),
            Self::Whole(text) => text.clone(),
        }
    }
}

/// An account as the tools' functions want it: checked, and with words where a secret is withheld.
struct Facts {
    entry: String,
    name: String,
    /// Without a slash at its end.
    endpoint: String,
    /// With the port, if it is not the scheme's own.
    host: String,
    host_only: String,
    port: u16,
    https: bool,
    region: String,
    path_style: bool,
    v2: bool,
    /// `None` for public buckets only.
    key: Option<KeyText>,
    has_secret: bool,
    expires: Option<String>,
    ca_file: Option<String>,
    proxy: Option<url::Url>,
    quirks: Quirks,
    /// Stable per account, for tools that name a bookmark for ever.
    id: String,
}

struct KeyText {
    id: String,
    secret: Zeroizing<String>,
    token: Option<Zeroizing<String>>,
}

impl Facts {
    fn of(
        account: &Account,
        key: Key<'_>,
        tool: &'static Tool,
        entry: Option<&str>,
    ) -> Result<Self, ExportError> {
        let entry = match entry.map(str::trim).filter(|e| !e.is_empty()) {
            Some(entry) if entry_name(entry) == entry => entry.to_owned(),
            Some(entry) => return Err(ExportError::Entry(entry.to_owned())),
            None => entry_name(&account.name),
        };
        let url = &account.endpoint;
        let anonymous = account.signing == Signing::Anonymous;
        let (secret, token, has_secret) = match key {
            Key::Withheld { temporary } => (
                Zeroizing::new(SECRET_HERE.to_owned()),
                temporary.then(|| Zeroizing::new(TOKEN_HERE.to_owned())),
                false,
            ),
            Key::Given {
                secret,
                session_token,
            } => (
                Zeroizing::new(secret.expose_secret().to_owned()),
                session_token.map(|t| Zeroizing::new(t.expose_secret().to_owned())),
                true,
            ),
        };
        let key = account
            .key
            .access_key_id
            .clone()
            .filter(|_| !anonymous)
            .map(|id| KeyText { id, secret, token });
        let facts = Self {
            entry,
            name: account.name.clone(),
            endpoint: url.as_str().trim_end_matches('/').to_owned(),
            host: match (url.host_str(), url.port()) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                (host, _) => host.unwrap_or_default().to_owned(),
            },
            host_only: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or(443),
            https: url.scheme() == "https",
            region: account.region.clone(),
            path_style: account.addressing == Addressing::Path,
            v2: account.signing == Signing::V2,
            has_secret: has_secret && key.is_some(),
            key,
            expires: until(&account.key),
            ca_file: account.ca_file.as_ref().map(|p| p.display().to_string()),
            proxy: account.proxy.clone(),
            quirks: provider(&account.provider).map_or_else(Quirks::default, |p| p.quirks.clone()),
            id: account.id.to_string(),
        };
        facts.check(tool)?;
        Ok(facts)
    }

    /// A line break in a value would begin another setting.
    fn check(&self, tool: &'static Tool) -> Result<(), ExportError> {
        let odd = |what| ExportError::Odd {
            what,
            tool: tool.name,
        };
        let wrong = |text: &str| text.chars().any(char::is_control) || text.trim() != text;
        if let Some(key) = &self.key {
            // s3cmd takes such a value for the name of a variable.
            let variable = |text: &str| tool.id == s3cmd::TOOL.id && text.starts_with('$');
            if wrong(&key.id) || variable(&key.id) {
                return Err(odd("the access key id"));
            }
            if wrong(&key.secret) || variable(&key.secret) {
                return Err(odd("the secret"));
            }
            if key.token.as_ref().is_some_and(|token| wrong(token)) {
                return Err(odd("the session token"));
            }
        }
        if wrong(&self.region) {
            return Err(odd("the region"));
        }
        if self.ca_file.as_deref().is_some_and(wrong) {
            return Err(odd("the certificate file's path"));
        }
        Ok(())
    }

    fn amazon(&self) -> bool {
        self.host_only.ends_with(".amazonaws.com")
    }

    /// Stores that reject the newer SDKs' checksums.
    fn old_checksums(&self) -> bool {
        self.quirks.checksums == ChecksumMode::WhenRequired
    }

    fn lists_v1(&self) -> bool {
        self.quirks.list_version == ListVersion::V1
    }

    /// What is true of every tool.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match &self.key {
            None => {
                notes.push("This account has no key: only public buckets can be read.".to_owned());
            }
            Some(_) if !self.has_secret => {
                notes.push(
                    "The secret is left out; put it where the capital letters say so.".to_owned(),
                );
            }
            Some(_) => {}
        }
        let temporary = self.key.as_ref().is_some_and(|key| key.token.is_some());
        match &self.expires {
            Some(date) if temporary => notes.push(format!(
                "This is a temporary key: it stops working on {date}, and is not renewed for other tools. Export it again then."
            )),
            Some(date) => notes.push(format!("This key stops working on {date}.")),
            None if temporary => notes.push(
                "This is a temporary key, and is not renewed for other tools. Export it again when it has run out.".to_owned(),
            ),
            None => {}
        }
        notes
    }
}

fn until(key: &KeyFacts) -> Option<String> {
    key.expires
        .map(|at| at.format("%-d %B %Y, %H:%M UTC").to_string())
}

/// A name that every tool takes: mc is the strictest, as it wants a letter first.
pub fn entry_name(account: &str) -> String {
    let mut name = String::new();
    for c in account.trim().chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            name.push(c);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-').replace('.', "_");
    match name.chars().next() {
        Some(c) if c.is_ascii_alphabetic() => name,
        Some(_) => format!("s3-{}", name.trim_start_matches(['-', '_'])),
        None => "wherry".to_owned(),
    }
}

/// A proxy is for one account here and for a whole program there.
fn proxy_note(facts: &Facts, notes: &mut Vec<String>) {
    if let Some(proxy) = &facts.proxy {
        notes.push(format!(
            "The proxy {proxy} is not in this file: set HTTPS_PROXY and HTTP_PROXY to it before the tool runs."
        ));
    }
}

/// Saves an export where the user wants it, for its owner only.
pub fn save(path: &std::path::Path, text: &SecretString) -> std::io::Result<()> {
    let path = write::behind_links(path)?;
    write_private(&path, text.expose_secret().as_bytes())
}

#[cfg(test)]
mod tests;
