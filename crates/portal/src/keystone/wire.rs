//! Keystone's JSON, as much of it as is used. Unknown members are ignored, missing ones tolerated.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;

use super::session::{Named, Project};

#[derive(Deserialize)]
pub struct ErrorBody {
    pub error: ErrorWords,
}

#[derive(Deserialize)]
pub struct ErrorWords {
    #[serde(default)]
    pub message: String,
}

/// The `token` of `POST /v3/auth/tokens`; the token itself is in a header.
#[derive(Deserialize)]
pub struct TokenBody {
    pub token: TokenFacts,
}

#[derive(Deserialize)]
pub struct TokenFacts {
    #[serde(default)]
    pub methods: Vec<String>,
    pub user: TokenUser,
    pub expires_at: DateTime<Utc>,
    #[serde(default)]
    pub project: Option<TokenProject>,
    #[serde(default)]
    pub roles: Vec<Named>,
    #[serde(default)]
    pub catalog: Vec<Service>,
    #[serde(default)]
    pub application_credential: Option<ApplicationCredentialFacts>,
}

#[derive(Deserialize)]
pub struct TokenUser {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub domain: Option<Named>,
}

#[derive(Deserialize)]
pub struct TokenProject {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub domain: Option<Named>,
}

impl From<TokenProject> for Project {
    fn from(project: TokenProject) -> Self {
        let domain_id = project.domain.map(|d| d.id).unwrap_or_default();
        Self {
            id: project.id,
            name: project.name,
            description: String::new(),
            domain_id,
        }
    }
}

#[derive(Deserialize)]
pub struct ApplicationCredentialFacts {
    #[serde(default)]
    pub restricted: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Endpoint {
    #[serde(default)]
    pub interface: String,
    #[serde(default)]
    pub region_id: Option<String>,
    #[serde(default)]
    pub region: Option<String>,
    #[serde(default)]
    pub url: String,
}

/// The body of a 401 that carries an `Openstack-Auth-Receipt` header.
#[derive(Deserialize)]
pub struct ReceiptBody {
    pub receipt: ReceiptFacts,
    #[serde(default)]
    pub required_auth_methods: Vec<Vec<String>>,
}

#[derive(Deserialize)]
pub struct ReceiptFacts {
    pub user: TokenUser,
    #[serde(default)]
    pub methods: Vec<String>,
}

#[derive(Deserialize)]
pub struct ProjectsBody {
    pub projects: Vec<ListedProject>,
}

#[derive(Deserialize)]
pub struct ListedProject {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub domain_id: Option<String>,
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// `GET …/OS-EC2`. The secrets in it have no member here, and so are dropped while reading.
#[derive(Deserialize)]
pub struct KeysBody {
    pub credentials: Vec<ListedKey>,
}

#[derive(Deserialize)]
pub struct ListedKey {
    pub access: String,
    #[serde(default)]
    pub tenant_id: Option<String>,
}

/// `POST …/OS-EC2` and `GET …/OS-EC2/{access}`.
#[derive(Deserialize)]
pub struct KeyBody {
    pub credential: Key,
}

#[derive(Deserialize)]
pub struct Key {
    pub access: String,
    pub secret: SecretString,
    #[serde(default)]
    pub tenant_id: Option<String>,
}
