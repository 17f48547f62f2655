//! `clouds.yaml`, as docs.openstack.org/openstacksdk/latest/user/config/configuration.html has it.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;

use super::{Given, ImportError, ImportedCloud, OidcGiven, text_of};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    clouds: Option<BTreeMap<String, Option<Cloud>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cloud {
    auth_type: Option<String>,
    auth: Option<Members>,
    /// Some files have the members of `auth` here.
    #[serde(flatten)]
    outside: Outside,
    region_name: Option<String>,
    regions: Option<Vec<Region>>,
    cacert: Option<String>,
    verify: Option<bool>,
    profile: Option<String>,
    /// The older word for `profile`.
    #[serde(rename = "cloud")]
    vendor: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Outside {
    auth_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Region {
    Name(String),
    Detailed { name: String },
}

/// Text is taken as it is written, so that an id of digits stays one.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Members {
    auth_url: Option<String>,
    username: Option<String>,
    user_id: Option<String>,
    password: Option<SecretString>,
    user_domain_name: Option<String>,
    user_domain_id: Option<String>,
    project_name: Option<String>,
    project_id: Option<String>,
    tenant_name: Option<String>,
    tenant_id: Option<String>,
    project_domain_name: Option<String>,
    project_domain_id: Option<String>,
    domain_name: Option<String>,
    domain_id: Option<String>,
    application_credential_id: Option<String>,
    application_credential_name: Option<String>,
    application_credential_secret: Option<SecretString>,
    identity_provider: Option<String>,
    protocol: Option<String>,
    discovery_endpoint: Option<String>,
    access_token_endpoint: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    openid_scope: Option<String>,
    access_token: Option<SecretString>,
}

/// All clouds of the file, by name.
pub fn read(path: &Path, text: &str) -> Result<Vec<ImportedCloud>, ImportError> {
    let clouds = parse(path, text)?;
    let (mut secure, problem) = secure_beside(path);
    let clouds = clouds.into_iter().map(|(name, cloud)| {
        let mut given = cloud.given();
        given.notes.extend(problem.clone());
        if let Some(more) = secure.remove(&name) {
            given.fill(more.given());
        }
        given.into_cloud(name, path)
    });
    Ok(clouds.collect())
}

fn parse(path: &Path, text: &str) -> Result<BTreeMap<String, Cloud>, ImportError> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    let document: Document = serde_yaml_ng::from_str(text).map_err(|error| ImportError::Yaml {
        path: path.to_owned(),
        line: error.location().map(|at| at.line()),
    })?;
    let clouds = document.clouds.unwrap_or_default().into_iter();
    Ok(clouds
        .map(|(name, cloud)| (name, cloud.unwrap_or_default()))
        .collect())
}

/// The file with the secrets that openstacksdk merges in, if there is one; or why it was left out.
fn secure_beside(path: &Path) -> (BTreeMap<String, Cloud>, Option<String>) {
    for name in ["secure.yaml", "secure.yml"] {
        let beside = path.with_file_name(name);
        if beside == path || !beside.is_file() {
            continue;
        }
        return match text_of(&beside).and_then(|text| parse(&beside, &text)) {
            Ok(clouds) => (clouds, None),
            Err(problem) => (
                BTreeMap::new(),
                Some(format!("{problem}, so no secret is taken from it.")),
            ),
        };
    }
    (BTreeMap::new(), None)
}

impl Cloud {
    fn given(self) -> Given {
        let mut notes = Vec::new();
        if self.verify == Some(false) {
            notes.push(
                "The file turns certificate checks off (verify: false). Wherry keeps them on; if the cloud has its \
                 own authority, choose its certificate file."
                    .to_owned(),
            );
        }
        if let Some(profile) = self.profile.or(self.vendor) {
            notes.push(format!(
                "The profile “{profile}” is not known here; what it would add is missing."
            ));
        }
        let mut regions = self
            .regions
            .unwrap_or_default()
            .into_iter()
            .map(|region| match region {
                Region::Name(name) | Region::Detailed { name } => name,
            });
        let auth = self.auth.unwrap_or_default();
        Given {
            auth_type: self.auth_type,
            auth_url: auth.auth_url.or(self.outside.auth_url),
            user: auth.username,
            user_id: auth.user_id,
            user_domain: auth.user_domain_name.or_else(|| auth.domain_name.clone()),
            user_domain_id: auth.user_domain_id.or_else(|| auth.domain_id.clone()),
            project: auth.project_name.or(auth.tenant_name),
            project_id: auth.project_id.or(auth.tenant_id),
            project_domain: auth.project_domain_name.or(auth.domain_name),
            project_domain_id: auth.project_domain_id.or(auth.domain_id),
            region: self.region_name.or_else(|| regions.next()),
            password: auth.password,
            credential_id: auth.application_credential_id,
            credential_name: auth.application_credential_name,
            credential_secret: auth.application_credential_secret,
            oidc: OidcGiven {
                discovery_endpoint: auth.discovery_endpoint,
                access_token_endpoint: auth.access_token_endpoint,
                client_id: auth.client_id,
                client_secret: auth.client_secret,
                scopes: auth.openid_scope,
                identity_provider: auth.identity_provider,
                protocol: auth.protocol,
                access_token: auth.access_token,
            },
            ca_file: self.cacert,
            notes,
        }
    }
}

impl Given {
    /// Takes what `secure.yaml` has; it goes before what `clouds.yaml` has.
    fn fill(&mut self, secure: Self) {
        macro_rules! take {
            ($($member:ident).+) => { if secure.$($member).+.is_some() { self.$($member).+ = secure.$($member).+; } };
            ($($($member:ident).+),+) => { $(take!($($member).+);)+ };
        }
        take!(
            auth_type,
            auth_url,
            user,
            user_id,
            user_domain,
            user_domain_id,
            project,
            project_id,
            project_domain,
            project_domain_id,
            region,
            password,
            credential_id,
            credential_name,
            credential_secret,
            ca_file,
            oidc.discovery_endpoint,
            oidc.access_token_endpoint,
            oidc.client_id,
            oidc.client_secret,
            oidc.scopes,
            oidc.identity_provider,
            oidc.protocol,
            oidc.access_token
        );
        self.notes.extend(secure.notes);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::import::CloudMethod;

    const CLOUDS: &str = r#"
clouds:
  wiit:
    auth:
      auth_url: https://identity.example.org:5000/v3
      username: "alice"
      password: 'p: "q" #r'
      project_name: demo
      project_domain_name: Default
      user_domain_name: Default
      project_id: 00123456789012345678901234567890
    region_name: RegionOne
    interface: public
    identity_api_version: 3
  laptop:
    auth_type: v3applicationcredential
    auth:
      auth_url: https://keystone.example.org:5000
      application_credential_id: 1e10
      application_credential_secret: s3cr3t
    regions:
      - name: WAW3-1
      - WAW3-2
    verify: false
  sso:
    auth_type: v3oidcaccesstoken
    auth: {auth_url: https://sso.example.org/v3, username: bob, password: unused}
  institution:
    auth_type: v3oidcpassword
    auth:
      auth_url: https://sso.example.org/v3
      username: bob
      password: bobs
      identity_provider: institution
      protocol: openid
      discovery_endpoint: https://i.example.org/realms/x/.well-known/openid-configuration
      client_id: openstack
      client_secret: cl13nt
  unfinished:
"#;

    fn clouds(text: &str) -> Vec<ImportedCloud> {
        read(Path::new("/nowhere/clouds.yaml"), text).expect("reads")
    }

    fn cloud(name: &str) -> ImportedCloud {
        clouds(CLOUDS)
            .into_iter()
            .find(|cloud| cloud.name == name)
            .expect("is there")
    }

    fn secret(cloud: &ImportedCloud) -> Option<&str> {
        cloud.secret.as_ref().map(ExposeSecret::expose_secret)
    }

    #[test]
    fn several_clouds_with_several_sign_ins() {
        let wiit = cloud("wiit");
        assert_eq!(wiit.method, CloudMethod::Password);
        assert_eq!(
            wiit.auth_url.as_deref(),
            Some("https://identity.example.org:5000/v3")
        );
        assert_eq!(secret(&wiit), Some(r#"p: "q" #r"#));
        assert_eq!(
            wiit.project_id.as_deref(),
            Some("00123456789012345678901234567890"),
            "ids are text"
        );
        assert_eq!(
            (wiit.region.as_deref(), wiit.unusable()),
            (Some("RegionOne"), None)
        );

        let laptop = cloud("laptop");
        let id = Some("1e10".to_owned());
        assert_eq!(
            laptop.method,
            CloudMethod::ApplicationCredential { id, name: None }
        );
        assert_eq!(
            (secret(&laptop), laptop.region.as_deref()),
            (Some("s3cr3t"), Some("WAW3-1"))
        );
        assert!(
            laptop.notes[0].contains("keeps them on"),
            "{:?}",
            laptop.notes
        );

        let sso = cloud("sso");
        assert_eq!(sso.method, CloudMethod::Oidc("v3oidcaccesstoken".into()));
        assert!(sso.unusable().expect("says so").contains("OpenID Connect"));
        assert_eq!(secret(&sso), None, "an unused password is not kept");

        let institution = cloud("institution");
        assert_eq!(institution.unusable(), None);
        assert_eq!(secret(&institution), Some("bobs"));
        let oidc = institution.oidc.expect("is one");
        assert_eq!(
            (oidc.issuer.map(String::from), oidc.client_id),
            (
                Some("https://i.example.org/realms/x".into()),
                Some("openstack".into())
            )
        );

        assert!(
            cloud("unfinished")
                .unusable()
                .expect("says so")
                .contains("auth_url")
        );
    }

    #[test]
    fn debugging_shows_no_password() {
        let shown = format!("{:?}", clouds(CLOUDS));
        assert!(
            !["s3cr3t", "#r", "cl13nt", "bobs"]
                .iter()
                .any(|secret| shown.contains(secret)),
            "{shown}"
        );
    }

    #[test]
    fn secrets_are_taken_from_the_file_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("clouds.yaml");
        let read = || {
            read(
                &path,
                "clouds: {a: {auth: {auth_url: https://k, username: u}}, b: {}}",
            )
            .expect("reads")
        };
        assert_eq!(secret(&read()[0]), None);
        let secure = dir.path().join("secure.yaml");
        fs::write(
            &secure,
            "clouds: {a: {auth: {password: 0777}}, c: {auth: {password: other}}}",
        )
        .expect("writes");
        let clouds = read();
        assert_eq!(
            (clouds.len(), secret(&clouds[0]), secret(&clouds[1])),
            (2, Some("0777"), None)
        );
        assert_eq!(clouds[0].user.as_deref(), Some("u"));
        fs::write(&secure, "clouds: [hunter2").expect("writes");
        let note = &read()[0].notes[0];
        assert!(
            note.contains("secure.yaml is not valid YAML") && !note.contains("hunter2"),
            "{note}"
        );
    }

    #[test]
    fn mistakes_are_told_by_line_without_quoting_a_password() {
        for (text, line) in [
            ("clouds:\n  a:\n    auth: hunter2\n", 3),
            ("clouds:\n  a:\n    auth:\n      password: [hunter2]\n", 4),
            ("clouds:\n  a: {auth: {password: \"hunter2}}\n", 3),
            ("clouds: hunter2", 1),
        ] {
            let Err(error) = read(Path::new("clouds.yaml"), text) else {
                panic!("{text} is accepted")
            };
            let words = error.to_string();
            assert!(!words.contains("hunter2"), "{words}");
            assert!(words.contains(&format!("line {line}")), "{text}: {words}");
        }
    }

    // Promise: A file made to fill the memory is refused.
    #[test]
    fn files_made_to_fill_the_memory_are_refused() {
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (one, next) in ('a'..='h').zip('b'..='i') {
            let list = vec![format!("*{one}"); 9].join(",");
            bomb = format!("{bomb}{next}: &{next} [{list}]\n");
        }
        bomb += "clouds: {x: {regions: *i}}\n";
        assert!(matches!(
            read(Path::new("c.yaml"), &bomb),
            Err(ImportError::Yaml { .. })
        ));
        let deep = format!("clouds: {}{}", "{a: ".repeat(5000), "}".repeat(5000));
        assert!(matches!(
            read(Path::new("c.yaml"), &deep),
            Err(ImportError::Yaml { .. })
        ));
    }
}
