//! OpenStack RC files: shell scripts that set `OS_…` variables. Read, never run.
//!
//! Plain assignments are understood, with quoting and with variables the file has set before. Nothing
//! comes from this process's environment. What only a shell could evaluate is left out and said so.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::shell::{self, Command, Piece, Word};
use super::{Given, ImportedCloud, OidcGiven};

/// `None`: set to something that only a shell could tell, or asked from the user.
type Variables = BTreeMap<String, Option<Zeroizing<String>>>;

/// The cloud of the file; `None` when it sets nothing an RC file would.
pub fn read(path: &Path, text: &str) -> Option<ImportedCloud> {
    let mut script = Script::default();
    script.follow(&shell::commands(text));
    script.cloud(path)
}

#[derive(Default)]
struct Script {
    variables: Variables,
    notes: Vec<String>,
}

impl Script {
    fn follow(&mut self, commands: &[Command]) {
        let mut rest = commands;
        while let Some((command, after)) = rest.split_first() {
            let first = command
                .words
                .first()
                .filter(|word| !word.quoted)
                .and_then(Word::text)
                .unwrap_or_default();
            // `name ()` is a function's head; its body is a block.
            let function = is_bracket(after.first(), "(") && is_bracket(after.get(1), ")");
            if let (Some(_), false) = (block_end(&first), function) {
                let length = block_length(rest);
                self.block(&rest[..length]);
                rest = &rest[length..];
            } else if first == "function" || function {
                let head = if function { 3 } else { 1 };
                let body = rest.get(head..).map_or(0, block_length);
                let name = command
                    .words
                    .last()
                    .and_then(Word::text)
                    .unwrap_or_default();
                self.note(
                    command.line,
                    &format!("the function {} is not run", shorten(&name)),
                );
                rest = rest.get(head + body..).unwrap_or_default();
            } else {
                self.simple(command, &first);
                rest = after;
            }
        }
    }

    fn note(&mut self, line: usize, what: &str) {
        self.notes.push(format!("Line {line}: {what}."));
    }

    /// `if … fi` and its like. Whether its lines would run, only a shell could tell.
    fn block(&mut self, commands: &[Command]) {
        let Some(command) = commands.first() else {
            return;
        };
        let harmless = commands.iter().all(|command| {
            let words: Vec<String> = command
                .words
                .iter()
                .map(|word| word.text().unwrap_or_default())
                .collect();
            let words: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .filter(|word| !is_keyword(word))
                .collect();
            !matches!(words.first(), Some(&program) if !is_harmless(program) && program != "unset")
        });
        // The dashboard's own files have `if [ -z "$X" ]; then unset X; fi`, which changes nothing here.
        if !harmless {
            self.note(
                command.line,
                "what depends on a condition is shell code, which Wherry does not run",
            );
        }
    }

    fn simple(&mut self, command: &Command, first: &str) {
        let words = match first {
            "export" | "declare" | "typeset" | "readonly" | "local" => &command.words[1..],
            "unset" => {
                for name in command.words.iter().filter_map(Word::text) {
                    self.variables.remove(&name);
                }
                return;
            }
            "read" => {
                for name in command
                    .words
                    .iter()
                    .skip(1)
                    .filter_map(Word::text)
                    .filter(|word| !word.starts_with('-'))
                {
                    self.variables.insert(name, None);
                }
                return;
            }
            harmless if is_harmless(harmless) && !harmless.is_empty() => return,
            _ => &command.words[..],
        };
        let exporting = words.len() < command.words.len();
        let is_option =
            |word: &Word| exporting && word.text().is_some_and(|text| text.starts_with('-'));
        let plain_name =
            |word: &Word| exporting && word.text().is_some_and(|text| !text.contains('='));
        let assignments: Vec<&Word> = words
            .iter()
            .filter(|word| !is_option(word) && !plain_name(word))
            .collect();
        let set: Option<Vec<(String, Word)>> =
            assignments.iter().map(|word| word.assignment()).collect();
        match set {
            Some(set) if command.depends && !set.is_empty() => {
                self.note(
                    command.line,
                    "an assignment that depends on another command is left out",
                );
            }
            Some(set) => {
                for (name, value) in set {
                    let value = self.value(&name, &value, command.line);
                    self.variables.insert(name, value);
                }
            }
            None => {
                let program = command
                    .words
                    .iter()
                    .find(|word| word.assignment().is_none());
                let program = program.and_then(Word::text).unwrap_or_default();
                let what = match program.as_str() {
                    "" => "a command is not run".to_owned(),
                    "source" | "." => {
                        "another file would be read here, which Wherry does not do".to_owned()
                    }
                    program => format!("the program {} is not run", shorten(program)),
                };
                self.note(command.line, &what);
            }
        }
    }

    fn value(&mut self, name: &str, word: &Word, line: usize) -> Option<Zeroizing<String>> {
        let mut value = Zeroizing::new(String::new());
        for piece in &word.pieces {
            match piece {
                Piece::Text(text) => value.push_str(text),
                Piece::Variable(other) => match self.variables.get(other) {
                    Some(Some(known)) => value.push_str(known),
                    // The user is asked for it, here as there.
                    Some(None) => return None,
                    None => {
                        if name.starts_with("OS_") {
                            self.note(
                                line,
                                &format!("{name} needs ${other}, which the file does not set"),
                            );
                        }
                        return None;
                    }
                },
                Piece::Code => {
                    if name.starts_with("OS_") {
                        self.note(
                            line,
                            &format!(
                                "{name} would be what a command prints; Wherry runs no commands"
                            ),
                        );
                    }
                    return None;
                }
            }
        }
        Some(value)
    }

    /// A variable with something in it.
    fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        self.variables
            .remove(name)
            .flatten()
            .filter(|value| !value.is_empty())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).map(|value| value.as_str().to_owned())
    }

    fn secret(&mut self, name: &str) -> Option<SecretString> {
        self.take(name).map(|value| value.as_str().into())
    }

    fn cloud(mut self, path: &Path) -> Option<ImportedCloud> {
        if !self.variables.keys().any(|name| name.starts_with("OS_")) {
            return None;
        }
        if self
            .text("OS_INSECURE")
            .is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
        {
            self.notes.push(
                "The file turns certificate checks off (OS_INSECURE); Wherry keeps them on.".into(),
            );
        }
        let given = Given {
            auth_type: self.text("OS_AUTH_TYPE"),
            auth_url: self.text("OS_AUTH_URL"),
            user: self.text("OS_USERNAME"),
            user_id: self.text("OS_USER_ID"),
            user_domain: self.text("OS_USER_DOMAIN_NAME"),
            user_domain_id: self.text("OS_USER_DOMAIN_ID"),
            project: self
                .text("OS_PROJECT_NAME")
                .or_else(|| self.text("OS_TENANT_NAME")),
            project_id: self
                .text("OS_PROJECT_ID")
                .or_else(|| self.text("OS_TENANT_ID")),
            project_domain: self.text("OS_PROJECT_DOMAIN_NAME"),
            project_domain_id: self.text("OS_PROJECT_DOMAIN_ID"),
            region: self.text("OS_REGION_NAME"),
            password: self.secret("OS_PASSWORD"),
            credential_id: self.text("OS_APPLICATION_CREDENTIAL_ID"),
            credential_name: self.text("OS_APPLICATION_CREDENTIAL_NAME"),
            credential_secret: self.secret("OS_APPLICATION_CREDENTIAL_SECRET"),
            oidc: OidcGiven {
                discovery_endpoint: self.text("OS_DISCOVERY_ENDPOINT"),
                access_token_endpoint: self.text("OS_ACCESS_TOKEN_ENDPOINT"),
                client_id: self.text("OS_CLIENT_ID"),
                client_secret: self.secret("OS_CLIENT_SECRET"),
                scopes: self.text("OS_OPENID_SCOPE"),
                identity_provider: self.text("OS_IDENTITY_PROVIDER"),
                protocol: self.text("OS_PROTOCOL"),
                access_token: self.secret("OS_ACCESS_TOKEN"),
            },
            ca_file: self.text("OS_CACERT"),
            notes: self.notes,
        };
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let name = ["-openrc", "_openrc", ".openrc"]
            .iter()
            .find_map(|end| stem.strip_suffix(end))
            .unwrap_or(&stem);
        Some(given.into_cloud(name.to_owned(), path))
    }
}

fn is_bracket(command: Option<&Command>, bracket: &str) -> bool {
    command.is_some_and(|command| match command.words.as_slice() {
        [word] => !word.quoted && word.text().as_deref() == Some(bracket),
        _ => false,
    })
}

/// Programs that only print, test or leave.
fn is_harmless(program: &str) -> bool {
    matches!(
        program,
        "" | "echo"
            | "printf"
            | "true"
            | "false"
            | ":"
            | "["
            | "[["
            | "test"
            | "exit"
            | "return"
            | "read"
            | "stty"
            | "set"
            | "shopt"
    )
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "if" | "then" | "else" | "elif" | "fi" | "!" | "{" | "}" | "do" | "done"
    )
}

/// What ends the block that this word begins.
fn block_end(word: &str) -> Option<&'static str> {
    Some(match word {
        "if" => "fi",
        "for" | "while" | "until" | "select" => "done",
        "case" => "esac",
        "{" => "}",
        "(" => ")",
        _ => return None,
    })
}

/// How many commands the block that begins `commands` has; all of them, when it does not end.
fn block_length(commands: &[Command]) -> usize {
    let mut open: Vec<&str> = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        // Keywords stand at the beginning of a command, or after another keyword there.
        for word in command
            .words
            .iter()
            .take_while(|word| !word.quoted)
            .filter_map(Word::text)
        {
            if open.last() == Some(&word.as_str()) {
                open.pop();
            } else if let Some(end) = block_end(&word) {
                open.push(end);
            } else if !is_keyword(&word) {
                break;
            }
        }
        if open.is_empty() {
            return index + 1;
        }
    }
    commands.len()
}

fn shorten(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = name.rsplit('/').next().unwrap_or_default();
    format!("“{}”", name.chars().take(40).collect::<String>())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::import::CloudMethod;

    fn cloud(text: &str) -> ImportedCloud {
        read(Path::new("/nowhere/demo-openrc.sh"), text).expect("is an RC file")
    }

    fn secret(cloud: &ImportedCloud) -> Option<&str> {
        cloud.secret.as_ref().map(ExposeSecret::expose_secret)
    }

    /// As the OpenStack dashboard writes it.
    const DASHBOARD: &str = r#"#!/usr/bin/env bash
# To use an OpenStack cloud you need to authenticate against the Identity
# service named keystone, which returns a **Token** and **Service Catalog**.
export OS_AUTH_URL=https://keystone.example.org:5000
export OS_PROJECT_ID=7893bee2000542b1849d04fb2b59b008
export OS_PROJECT_NAME="demo"
export OS_USER_DOMAIN_NAME="Default"
if [ -z "$OS_USER_DOMAIN_NAME" ]; then unset OS_USER_DOMAIN_NAME; fi
export OS_PROJECT_DOMAIN_ID="default"
if [ -z "$OS_PROJECT_DOMAIN_ID" ]; then unset OS_PROJECT_DOMAIN_ID; fi
# unset v2.0 items in case set
unset OS_TENANT_ID
unset OS_TENANT_NAME
export OS_USERNAME="alice"
# With Keystone you pass the keystone password.
echo "Please enter your OpenStack Password for project $OS_PROJECT_NAME as user $OS_USERNAME: "
read -sr OS_PASSWORD_INPUT
export OS_PASSWORD=$OS_PASSWORD_INPUT
export OS_REGION_NAME="RegionOne"
# Don't leave a blank variable, unset it if it was empty
if [ -z "$OS_REGION_NAME" ]; then unset OS_REGION_NAME; fi
export OS_INTERFACE=public
export OS_IDENTITY_API_VERSION=3
"#;

    #[test]
    fn the_dashboards_file_is_read_without_a_word() {
        let cloud = cloud(DASHBOARD);
        assert_eq!(cloud.name, "demo");
        assert_eq!(
            cloud.auth_url.as_deref(),
            Some("https://keystone.example.org:5000")
        );
        assert_eq!(
            (cloud.user.as_deref(), cloud.user_domain.as_deref()),
            (Some("alice"), Some("Default"))
        );
        assert_eq!(
            (cloud.project.as_deref(), cloud.project_domain_id.as_deref()),
            (Some("demo"), Some("default"))
        );
        assert_eq!(
            cloud.project_id.as_deref(),
            Some("7893bee2000542b1849d04fb2b59b008")
        );
        assert_eq!(cloud.region.as_deref(), Some("RegionOne"));
        assert_eq!(
            (&cloud.method, secret(&cloud)),
            (&CloudMethod::Password, None)
        );
        assert_eq!(
            (cloud.notes.as_slice(), cloud.unusable()),
            ([].as_slice(), None)
        );
    }

    #[test]
    fn an_application_credential_is_one() {
        let cloud = cloud(
            "export OS_AUTH_TYPE=v3applicationcredential\nexport OS_AUTH_URL=https://k/v3\n\
             export OS_APPLICATION_CREDENTIAL_ID=ab12\nexport OS_APPLICATION_CREDENTIAL_SECRET='s$x`y`'\n",
        );
        let id = Some("ab12".to_owned());
        assert_eq!(
            cloud.method,
            CloudMethod::ApplicationCredential { id, name: None }
        );
        assert_eq!(secret(&cloud), Some("s$x`y`"));
        assert!(!format!("{cloud:?}").contains("s$x"));
    }

    #[test]
    fn variables_are_the_files_own_only() {
        let cloud = cloud(
            "H=k.example.org\nOS_AUTH_URL=\"https://${H}:5000/v3\" OS_USERNAME=$HOME\nOS_PASSWORD=pre$H'post'\n",
        );
        assert_eq!(
            cloud.auth_url.as_deref(),
            Some("https://k.example.org:5000/v3")
        );
        assert_eq!(secret(&cloud), Some("prek.example.orgpost"));
        assert_eq!(cloud.user, None, "the environment is not looked at");
        assert_eq!(
            cloud.notes,
            ["Line 2: OS_USERNAME needs $HOME, which the file does not set."]
        );
    }

    // Promise: A `clouds.yaml` or RC file is read and never executed; what in it is shell code is
    // left out and told by line.
    #[test]
    fn shell_code_never_runs_and_each_piece_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let mark = dir.path().join("ran");
        let touch = format!("touch {}", mark.display());
        let script = format!(
            r#"export OS_AUTH_URL=https://k/v3
{touch}
export OS_PASSWORD=$({touch}; echo pw)
export OS_USERNAME=`{touch}`
eval "{touch}"
source /etc/profile
. <({touch})
if true; then {touch}; export OS_PROJECT_NAME=evil; fi
OS_REGION_NAME=evil {touch}
f() {{ {touch}; OS_PROJECT_ID=evil; }}
trap '{touch}' EXIT
true && OS_USER_DOMAIN_NAME=evil
cat <<END | sh
{touch}
OS_PROJECT_DOMAIN_NAME=evil
END
export OS_CACERT="${{X:=$({touch})}}"
export OS_PROJECT_DOMAIN_ID=kept
"#
        );
        let cloud = cloud(&script);
        assert!(!mark.exists(), "the file's code was run");
        assert_eq!(cloud.auth_url.as_deref(), Some("https://k/v3"));
        assert_eq!(cloud.project_domain_id.as_deref(), Some("kept"));
        let evil = [
            &cloud.user,
            &cloud.project,
            &cloud.project_id,
            &cloud.region,
            &cloud.user_domain,
            &cloud.project_domain,
        ];
        assert!(evil.iter().all(|value| value.is_none()), "{cloud:?}");
        assert_eq!((secret(&cloud), &cloud.ca_file), (None, &None));
        let told = |line: usize| {
            cloud
                .notes
                .iter()
                .any(|note| note.starts_with(&format!("Line {line}: ")))
        };
        for line in [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17] {
            assert!(told(line), "line {line} is not told: {:#?}", cloud.notes);
        }
    }

    #[test]
    fn a_sign_in_through_the_institution_is_told_and_not_tried() {
        let cloud = cloud(
            "export OS_AUTH_URL=https://keystone.cloudferro.com:5000/v3\nexport OS_AUTH_TYPE=v3oidcaccesstoken\n\
             read -p 'user: ' U\nTOKEN=$(curl -s https://identity.example.org/token -d \"u=$U\")\n\
             export OS_ACCESS_TOKEN=$TOKEN\n",
        );
        assert_eq!(cloud.method, CloudMethod::Oidc("v3oidcaccesstoken".into()));
        assert!(
            cloud
                .unusable()
                .expect("says so")
                .contains("application credential")
        );
    }

    #[test]
    fn a_sign_in_through_the_institution_that_is_all_there_can_be_tried() {
        let cloud = cloud(
            "export OS_AUTH_URL=https://keystone.cloudferro.com:5000/v3\nexport OS_AUTH_TYPE=v3oidcaccesstoken\n\
             export OS_IDENTITY_PROVIDER=ident_cloudferro-cloud_provider\nexport OS_PROTOCOL=openid\n\
             export OS_ACCESS_TOKEN=\"$(curl https://identity.example.org/token)\"\n",
        );
        assert_eq!(cloud.unusable(), None);
        assert!(cloud.secret.is_none(), "the user is asked for the token");
        let oidc = cloud.oidc.expect("is one");
        assert!(oidc.takes_access_token);
        assert_eq!(
            oidc.identity_provider.as_deref(),
            Some("ident_cloudferro-cloud_provider")
        );
    }

    #[test]
    fn scripts_that_are_no_rc_files_are_none() {
        for text in ["", "echo hi", "A=b", "#!/bin/sh\nrm -rf /\n"] {
            assert!(read(Path::new("rc"), text).is_none(), "{text}");
        }
    }
}
