//! One account: where its store is and which key opens it. Nothing here is secret.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::provider::{Addressing, IssuerKind, Signing};

/// Names an account for ever, also after it is renamed; the keychain entry hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for AccountId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What Wherry knows about the key an account uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct KeyFacts {
    /// Absent for anonymous accounts.
    pub access_key_id: Option<String>,
    /// When Wherry made it; unknown for keys typed in.
    pub created: Option<DateTime<Utc>>,
    pub expires: Option<DateTime<Utc>>,
    /// When its issuer was told to delete it. The store may honour it for some minutes yet.
    pub deleted: Option<DateTime<Utc>>,
    /// The name of its secret in the vault, when that is not the account's id: a new key's secret gets
    /// a name of its own, so that up to the moment the account file changes the old key is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_as: Option<AccountId>,
    /// When this computer last opened the store with it, to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<DateTime<Utc>>,
    /// How few days were left when the user was last told that it runs out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_days_left: Option<i64>,
}

/// What a portal must be told beside its address. None of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct IssuerOptions {
    /// Where the user signs in when that is not the portal itself: an OpenID Connect issuer, the address
    /// below which `/.well-known/openid-configuration` is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_issuer: Option<Url>,
    /// The OpenID Connect client, a public one unless the user has a secret for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Separated by spaces; `openid` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// Keystone federation: the name Keystone has for the identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<String>,
    /// Keystone federation: `openid` in most places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// STS: the role to take on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// STS: how the store's log shall name the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// STS: how long a lent key shall last, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
}

/// The portal that made the key, so that it can be asked again. Passwords are never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerLink {
    pub kind: IssuerKind,
    /// Keystone: the identity service's `…/v3` address.
    pub url: Url,
    #[serde(default)]
    pub user: String,
    /// Keystone: the user's domain, by name.
    #[serde(default)]
    pub domain: String,
    /// What the key is for, in the portal's terms: Keystone's project, JASMIN's tenancy.
    #[serde(default, alias = "project_id")]
    pub scope_id: String,
    #[serde(default, alias = "project_name")]
    pub scope_name: String,
    /// The region of the service catalog the endpoint came from.
    #[serde(default)]
    pub region: String,
    #[serde(default)]
    pub options: IssuerOptions,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// Unique among accounts, the user's own word for it; `wherry-cli` addresses begin with it.
    pub name: String,
    /// A provider preset's id.
    pub provider: String,
    pub endpoint: Url,
    pub region: String,
    pub addressing: Addressing,
    pub signing: Signing,
    #[serde(default)]
    pub key: KeyFacts,
    /// A PEM file with the certificate authority of this store, beside the system's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// `http://…`, `https://…` or `socks5://…`; none means the system's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<IssuerLink>,
    /// Buckets opened by name, for keys that may not list buckets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened_buckets: Vec<String>,
    pub added: DateTime<Utc>,
}

/// Why a name cannot be an account's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    #[error("the account needs a name")]
    Empty,
    #[error("the name is longer than 64 characters")]
    Long,
    #[error("the name may not contain “{0}”")]
    Character(char),
    #[error("there is already an account named “{0}”")]
    Taken(String),
}

impl Account {
    /// What the vault keeps this account's secret under.
    pub fn secret_name(&self) -> &AccountId {
        self.key.kept_as.as_ref().unwrap_or(&self.id)
    }

    /// Checks a name by itself. `:` and `/` would make `ACCOUNT:bucket/key` ambiguous.
    pub fn check_name(name: &str) -> Result<(), NameProblem> {
        if name.trim().is_empty() {
            return Err(NameProblem::Empty);
        }
        if name.chars().count() > 64 {
            return Err(NameProblem::Long);
        }
        match name
            .chars()
            .find(|c| matches!(c, ':' | '/' | '\\') || c.is_control())
        {
            Some(c) => Err(NameProblem::Character(c)),
            None => Ok(()),
        }
    }
}
