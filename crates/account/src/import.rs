//! What other tools write down: where a cloud is (`clouds.yaml` and OpenStack RC files), and S3 keys
//! ([`read_keys`]).
//!
//! Files come from dashboards, colleagues and downloads, so they are read and never executed: an RC
//! file is a shell script, and what in it is more than plain assignments is left out, with a note that
//! says which line and why. Secrets found on the way go into [`SecretString`] at once.

mod clouds_yaml;
mod keys;
mod oidc;
mod openrc;
mod shell;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

pub use keys::{ImportedKey, ImportedKeys, read_keys};
pub use oidc::ImportedOidc;
use oidc::OidcGiven;

use crate::ini::Malformed;

/// Far more than any such file holds.
const MOST: u64 = 1 << 20;

/// How a file wants its user to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudMethod {
    Password,
    /// By id, or by a name that is unique per user.
    ApplicationCredential {
        id: Option<String>,
        name: Option<String>,
    },
    /// OpenID Connect, by keystoneauth's name for the variety: `v3oidcpassword`.
    Oidc(String),
    /// Anything else, by keystoneauth's name for it.
    Other(String),
}

impl fmt::Display for CloudMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password => f.write_str("password"),
            Self::ApplicationCredential { .. } => f.write_str("application credential"),
            Self::Oidc(kind) => write!(f, "single sign-on ({kind})"),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// One cloud, as a file describes it. What the file does not say is absent, not guessed.
#[derive(Debug, Clone)]
pub struct ImportedCloud {
    /// The cloud's name in `clouds.yaml`; of an RC file, the file's.
    pub name: String,
    /// Keystone's address, as written.
    pub auth_url: Option<String>,
    pub user: Option<String>,
    pub user_id: Option<String>,
    pub user_domain: Option<String>,
    pub user_domain_id: Option<String>,
    pub project: Option<String>,
    pub project_id: Option<String>,
    pub project_domain: Option<String>,
    pub project_domain_id: Option<String>,
    pub region: Option<String>,
    pub method: CloudMethod,
    /// Of a sign-in through the institution.
    pub oidc: Option<ImportedOidc>,
    /// The password, the application credential's secret or the access token; the user is asked when it is
    /// absent.
    pub secret: Option<SecretString>,
    pub ca_file: Option<PathBuf>,
    /// What was left out and why, in words for the user.
    pub notes: Vec<String>,
}

impl ImportedCloud {
    /// Why Wherry cannot sign in to this cloud with what the file says; a missing secret is no reason.
    pub fn unusable(&self) -> Option<String> {
        if self.auth_url.is_none() {
            return Some("The file does not say where Keystone is (auth_url).".into());
        }
        match &self.method {
            CloudMethod::Password if self.user.is_none() && self.user_id.is_none() => {
                Some("The file does not say who signs in (username).".into())
            }
            CloudMethod::ApplicationCredential { id: None, name: None } => {
                Some("The file names no application credential.".into())
            }
            CloudMethod::ApplicationCredential { id: None, .. } if self.user.is_none() && self.user_id.is_none() => {
                Some("The file gives its application credential by name only, without the user it belongs to.".into())
            }
            CloudMethod::Password | CloudMethod::ApplicationCredential { .. } => None,
            CloudMethod::Oidc(kind) => self.oidc.as_ref()?.unusable(kind, self.user.as_deref()),
            CloudMethod::Other(kind) => Some(format!(
                "Wherry does not know the sign-in “{}”.",
                kind.chars().filter(|c| !c.is_control()).take(60).collect::<String>()
            )),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is too large for a file of accounts", path.display())]
    Large { path: PathBuf },
    #[error("{} is not a text file", path.display())]
    NotText { path: PathBuf },
    /// Without the parser's own words, which may quote a password.
    #[error("{} is not valid YAML{}", path.display(), line.map(|n| format!(": look at line {n}")).unwrap_or_default())]
    Yaml { path: PathBuf, line: Option<usize> },
    #[error("{} describes no OpenStack cloud", path.display())]
    Nothing { path: PathBuf },
    #[error("{} has no S3 key that Wherry could find", path.display())]
    NoKeys { path: PathBuf },
    #[error("{} is damaged: {source}", path.display())]
    Malformed { path: PathBuf, source: Malformed },
    #[error("{} is encrypted with a password", path.display())]
    Encrypted { path: PathBuf },
}

/// Reads a `clouds.yaml` (with the `secure.yaml` beside it) or an RC file, whichever it is.
pub fn read(path: &Path) -> Result<Vec<ImportedCloud>, ImportError> {
    let text = text_of(path)?;
    let clouds = if is_yaml(path, &text) {
        clouds_yaml::read(path, &text)?
    } else {
        openrc::read(path, &text).into_iter().collect()
    };
    if clouds.is_empty() {
        Err(ImportError::Nothing {
            path: path.to_owned(),
        })
    } else {
        Ok(clouds)
    }
}

fn is_yaml(path: &Path, text: &str) -> bool {
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    extension.is_some_and(|e| e == "yaml" || e == "yml" || e == "json")
        || text.lines().any(|line| line.trim_end() == "clouds:")
}

fn text_of(path: &Path) -> Result<String, ImportError> {
    let unreadable = |source| ImportError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // A device or a pipe might never end.
    if !metadata.is_file() {
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MOST {
        return Err(ImportError::Large {
            path: path.to_owned(),
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| ImportError::NotText {
        path: path.to_owned(),
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// What both formats say, in keystoneauth's terms.
#[derive(Default)]
struct Given {
    auth_type: Option<String>,
    auth_url: Option<String>,
    user: Option<String>,
    user_id: Option<String>,
    user_domain: Option<String>,
    user_domain_id: Option<String>,
    project: Option<String>,
    project_id: Option<String>,
    project_domain: Option<String>,
    project_domain_id: Option<String>,
    region: Option<String>,
    password: Option<SecretString>,
    credential_id: Option<String>,
    credential_name: Option<String>,
    credential_secret: Option<SecretString>,
    oidc: OidcGiven,
    ca_file: Option<String>,
    notes: Vec<String>,
}

impl Given {
    /// `path` is the file all of it was in.
    fn into_cloud(self, name: String, path: &Path) -> ImportedCloud {
        let mut notes = self.notes;
        let method = method(self.auth_type, self.credential_id, self.credential_name);
        let mut given = self.oidc;
        let access_token = given.access_token.take();
        let oidc = match &method {
            CloudMethod::Oidc(kind) => Some(given.into_oidc(kind)),
            _ => None,
        };
        let secret = match method {
            CloudMethod::Oidc(_) if oidc.as_ref().is_some_and(|oidc| oidc.takes_access_token) => {
                access_token
            }
            CloudMethod::Password | CloudMethod::Oidc(_) => self.password,
            CloudMethod::ApplicationCredential { .. } => self.credential_secret,
            CloudMethod::Other(_) => None,
        };
        ImportedCloud {
            name,
            auth_url: self.auth_url,
            user: self.user,
            user_id: self.user_id,
            user_domain: self.user_domain,
            user_domain_id: self.user_domain_id,
            project: self.project,
            project_id: self.project_id,
            project_domain: self.project_domain,
            project_domain_id: self.project_domain_id,
            region: self.region,
            method,
            oidc,
            secret,
            ca_file: self
                .ca_file
                .and_then(|file| existing(&file, path, &mut notes)),
            notes,
        }
    }
}

fn method(auth_type: Option<String>, id: Option<String>, name: Option<String>) -> CloudMethod {
    let kind = auth_type.unwrap_or_default();
    let credential = CloudMethod::ApplicationCredential { id, name };
    match kind.as_str() {
        "" if credential
            != (CloudMethod::ApplicationCredential {
                id: None,
                name: None,
            }) =>
        {
            credential
        }
        "" | "password" | "v3password" | "v3multifactor" => CloudMethod::Password,
        "v3applicationcredential" => credential,
        oidc if oidc.starts_with("v3oidc") => CloudMethod::Oidc(kind),
        _ => CloudMethod::Other(kind),
    }
}

/// A certificate file named in `beside`, if it is there.
fn existing(file: &str, beside: &Path, notes: &mut Vec<String>) -> Option<PathBuf> {
    let home = || std::env::home_dir();
    let named = match file.strip_prefix("~/") {
        Some(rest) => home()?.join(rest),
        None => beside.parent().unwrap_or(Path::new("")).join(file),
    };
    if named.is_file() {
        return Some(named);
    }
    notes.push(format!(
        "The certificate file {} is not there; choose it yourself.",
        named.display()
    ));
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("writes");
        (dir, path)
    }

    #[test]
    fn what_is_no_such_file_is_told_apart() {
        let (dir, path) = file("x.sh", b"#!/bin/sh\necho hello\n");
        assert!(matches!(read(&path), Err(ImportError::Nothing { .. })));
        assert!(matches!(
            read(&dir.path().join("gone")),
            Err(ImportError::Read { .. })
        ));
        assert!(matches!(read(dir.path()), Err(ImportError::Read { .. })));
        let (_dir, path) = file("x", b"\x7fELF\xff\xfe");
        assert!(matches!(read(&path), Err(ImportError::NotText { .. })));
        let (_dir, path) = file("x", &vec![b'#'; (MOST + 1) as usize]);
        assert!(matches!(read(&path), Err(ImportError::Large { .. })));
    }

    #[test]
    fn a_file_is_taken_for_what_it_is_whatever_its_name() {
        let (_dir, path) = file(
            "download",
            b"\xef\xbb\xbfclouds:\n  a: {auth: {auth_url: 'https://k/v3', username: u}}\n",
        );
        assert_eq!(read(&path).expect("reads")[0].name, "a");
        let (_dir, path) = file(
            "demo-openrc.sh",
            b"export OS_AUTH_URL=https://k/v3\r\nexport OS_USERNAME=u\r\n",
        );
        let clouds = read(&path).expect("reads");
        assert_eq!(
            (clouds[0].name.as_str(), clouds[0].user.as_deref()),
            ("demo", Some("u"))
        );
    }

    #[test]
    fn a_certificate_file_is_looked_for_beside_the_file() {
        let (dir, path) = file("rc", b"OS_AUTH_URL=https://k/v3\nOS_CACERT=ca.pem\n");
        let cloud = read(&path).expect("reads").remove(0);
        assert_eq!(cloud.ca_file, None);
        assert!(
            cloud.notes[0].contains("ca.pem is not there"),
            "{:?}",
            cloud.notes
        );
        fs::write(dir.path().join("ca.pem"), "").expect("writes");
        assert_eq!(
            read(&path).expect("reads")[0].ca_file,
            Some(dir.path().join("ca.pem"))
        );
    }

    #[test]
    fn nothing_here_can_start_a_program() {
        let sources = [
            include_str!("import/clouds_yaml.rs"),
            include_str!("import/oidc.rs"),
            include_str!("import/openrc.rs"),
            include_str!("import/shell.rs"),
            include_str!("import/keys/mod.rs"),
            include_str!("import/keys/aws.rs"),
            include_str!("import/keys/cyberduck.rs"),
            include_str!("import/keys/json.rs"),
            include_str!("import/keys/passwd.rs"),
            include_str!("import/keys/rclone.rs"),
            include_str!("import/keys/s3cmd.rs"),
            include_str!("import/keys/winscp.rs"),
        ];
        for source in sources {
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(
                !code.contains("std::process") && !code.contains("Command::new"),
                "{code}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in ".{0,300}", yaml in any::<bool>()) {
            let path = Path::new(if yaml { "clouds.yaml" } else { "rc" });
            if yaml {
                let _ = clouds_yaml::read(path, &text);
            } else {
                let _ = openrc::read(path, &text);
            }
        }

        #[test]
        fn no_shell_makes_it_fall_over(
            text in "(export |OS_PASSWORD=|OS_AUTH_URL=|x|'|\"|\\$\\(|\\)|`|\\$\\{|\\}|\\$|\\\\|\n|;|&&|\\|\\||<<E|<<|#| |if |fi|\\{|\\(|read -s |case |esac){0,60}"
        ) {
            let _ = openrc::read(Path::new("rc"), &text);
        }
    }
}
