//! The same work for another computer: a command for rclone or s5cmd, and a Slurm batch script.
//!
//! For data that is too much for a laptop and near a cluster. No secret is written: the command says
//! where it is to be found there. What a tool cannot do with the same meaning is refused in words and
//! never done nearly.

mod quote;
mod rclone;
mod s5cmd;
mod slurm;

use std::fmt;

use url::Url;
use wherry_account::{Account, Addressing, Cluster, ListVersion, Provider, Quirks, Signing};

use crate::plan::Compare;
use crate::plan::filter::Filter;

/// The program that is to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Rclone,
    S5cmd,
}

impl Tool {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rclone => "rclone",
            Self::S5cmd => "s5cmd",
        }
    }
}

/// Where the key is found on the other computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyThere {
    /// In a section of `~/.aws/credentials`, which both tools read.
    Profile(String),
    /// In `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Environment,
    /// Public buckets need none.
    None,
}

/// A store as the other computer reaches it.
#[derive(Debug, Clone)]
pub struct StoreThere {
    /// A word for the tool's configuration: small letters, digits and `_`.
    pub name: String,
    /// What Wherry calls the account; empty for none.
    pub account: String,
    pub endpoint: Url,
    pub region: String,
    pub addressing: Addressing,
    pub signing: Signing,
    pub quirks: Quirks,
    pub key: KeyThere,
    /// Its certificate authority has to be brought along.
    pub own_ca: bool,
    /// Keys are lent for an hour or so.
    pub lent: bool,
}

#[derive(Debug, Clone)]
pub enum Spot {
    /// A path on the other computer.
    Path(String),
    Store {
        store: Box<StoreThere>,
        bucket: String,
        /// An object's key; for folders empty or with a `/` at its end.
        key: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// One file or object.
    One {
        no_clobber: bool,
    },
    /// All that is in a folder.
    Copy {
        no_clobber: bool,
    },
    Sync {
        compare: Compare,
        delete: bool,
    },
}

#[derive(Debug, Clone)]
pub struct Errand {
    pub from: Spot,
    pub to: Spot,
    pub work: Work,
    pub filter: Filter,
    /// Take `.DS_Store` and its like too, where files are sent.
    pub with_litter: bool,
}

/// Why a tool cannot do it with the same meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cannot(pub String);

impl fmt::Display for Cannot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cannot {}

/// What to take there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// For a shell; several lines.
    pub command: String,
    /// A Slurm batch script around it.
    pub script: String,
    /// What must be there first, and what is a little different.
    pub notes: Vec<String>,
}

/// Writes it down. `cluster` is where it will run, when its facts are known.
pub fn write(errand: &Errand, tool: Tool, cluster: Option<&Cluster>) -> Result<Written, Cannot> {
    errand.check()?;
    let mut notes = Vec::new();
    let command = match tool {
        Tool::Rclone => rclone::command(errand, &mut notes)?,
        Tool::S5cmd => s5cmd::command(errand, &mut notes)?,
    };
    errand.say_keys(&mut notes);
    let script = slurm::script(&command, tool, errand, cluster);
    if let Some(cluster) = cluster {
        notes.extend(cluster.notes.iter().cloned());
    }
    Ok(Written {
        command,
        script,
        notes,
    })
}

impl StoreThere {
    /// An account's store. `inside` has the preset's address for its own cluster, where there is one.
    pub fn of_account(account: &Account, preset: Option<&Provider>, inside: bool) -> Self {
        let there = preset
            .filter(|_| inside)
            .and_then(|preset| preset.address_inside(&account.endpoint));
        let name = config_name(&account.name);
        let anonymous =
            account.signing == Signing::Anonymous || account.key.access_key_id.is_none();
        Self {
            key: if anonymous && !lends(account) {
                KeyThere::None
            } else {
                KeyThere::Profile(name.clone())
            },
            name,
            account: account.name.clone(),
            endpoint: there.unwrap_or_else(|| account.endpoint.clone()),
            region: account.region.clone(),
            addressing: account.addressing,
            signing: account.signing,
            quirks: preset.map(|p| p.quirks.clone()).unwrap_or_default(),
            own_ca: account.ca_file.is_some(),
            lent: lends(account),
        }
    }

    fn lists_v1(&self) -> bool {
        self.quirks.list_version == ListVersion::V1
    }

    fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    fn is_amazon(&self) -> bool {
        self.endpoint
            .host_str()
            .is_some_and(|host| host.ends_with(".amazonaws.com"))
    }
}

fn lends(account: &Account) -> bool {
    use wherry_account::IssuerKind::{CraySts, StsAssumeRole, StsLdap, StsWebIdentity};
    account.issuer.as_ref().is_some_and(|issuer| {
        matches!(
            issuer.kind,
            CraySts | StsAssumeRole | StsLdap | StsWebIdentity
        )
    })
}

/// A word that is a name to every tool.
pub fn config_name(name: &str) -> String {
    let mut word: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    if !word.starts_with(|c: char| c.is_ascii_lowercase()) {
        word.insert_str(0, "s3_");
    }
    word
}

impl Errand {
    fn check(&self) -> Result<(), Cannot> {
        let texts = [&self.from, &self.to].map(|spot| match spot {
            Spot::Path(path) => path.clone(),
            Spot::Store { bucket, key, .. } => format!("{bucket}/{key}"),
        });
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(Cannot(
                "a name has a NUL in it, which no command can be given".into(),
            ));
        }
        match (&self.from, &self.to) {
            (Spot::Path(_), Spot::Path(_)) => Err(Cannot(
                "neither side is in a store; for files there is rsync".into(),
            )),
            _ => Ok(()),
        }
    }

    fn stores(&self) -> Vec<&StoreThere> {
        let mut stores: Vec<&StoreThere> = Vec::new();
        for spot in [&self.from, &self.to] {
            if let Spot::Store { store, .. } = spot
                && !stores.iter().any(|s| s.name == store.name)
            {
                stores.push(store);
            }
        }
        stores
    }

    fn uploads(&self) -> bool {
        matches!(self.from, Spot::Path(_))
    }

    /// Litter is left out: from what is sent, and from both sides of a sync with a folder.
    fn leaves_litter(&self) -> bool {
        let folder = matches!(self.from, Spot::Path(_)) || matches!(self.to, Spot::Path(_));
        !self.with_litter
            && match self.work {
                Work::One { .. } => false,
                Work::Copy { .. } => self.uploads(),
                Work::Sync { .. } => folder,
            }
    }

    fn say_keys(&self, notes: &mut Vec<String>) {
        for store in self.stores() {
            match &store.key {
                KeyThere::Profile(profile) => notes.push(format!(
                    "The key is read from the section [{profile}] of ~/.aws/credentials on the other computer. `wherry-cli export {} aws --with-secret --entry {profile}` prints the section here; make the file readable by you only (chmod 600).",
                    quote::word(&store.account)
                )),
                KeyThere::Environment => notes.push(
                    "The key is read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which must be set on the other computer.".into(),
                ),
                KeyThere::None => {}
            }
            if store.lent {
                notes.push(format!(
                    "The keys of “{}” are lent for a short time and are not renewed by other tools: a long transfer will end with an error when its key does.",
                    store.name
                ));
            }
            if store.own_ca {
                notes.push(format!(
                    "The store of “{}” has a certificate authority of its own: take its file along, and name it in AWS_CA_BUNDLE (for rclone, in RCLONE_CA_CERT).",
                    store.name
                ));
            }
        }
    }
}
