//! What every portal has in common: keys that can be listed, made and deleted, as far as it can.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;
use wherry_account::{IssuerKind, IssuerOptions};
use wherry_vault::Secret;

use crate::error::PortalError;
use crate::{cray_sts, keystone, s3_keys_manager, sts};

/// Whether something can be done, and if not, the reason to show beside the greyed-out control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ability {
    Yes,
    /// A sentence for the user.
    No(Cow<'static, str>),
}

impl Ability {
    pub fn is_yes(&self) -> bool {
        *self == Self::Yes
    }

    /// The refusal to give when somebody asks for it all the same.
    pub(crate) fn check(&self) -> Result<(), PortalError> {
        match self {
            Self::Yes => Ok(()),
            Self::No(reason) => Err(PortalError::CannotDo {
                reason: reason.clone(),
            }),
        }
    }
}

/// When keys of a portal stop working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Never by themselves.
    None,
    /// When the user asks for it.
    Optional,
    /// A date must be given.
    Required,
    /// Always this long after they are made.
    Fixed(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretShown {
    /// Only in the answer that makes the key.
    Once,
    /// The portal itself would show it again. Wherry does not.
    Again,
}

/// What may be written beside a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptionLimit {
    /// In characters.
    pub most: usize,
    pub required: bool,
}

/// Ways to prove to a portal who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMethod {
    Password,
    /// A six-digit code beside the password.
    Totp,
    /// A name and secret made for one program, in place of a person's password.
    ApplicationCredential,
    /// In the user's own browser, which comes back to Wherry (OpenID Connect, code and PKCE).
    Browser,
    /// In any browser, also on a telephone, with a code to type there (OAuth device flow).
    DeviceCode,
    /// On the portal's own pages, in a window of Wherry's without any of its powers.
    HostedWindow,
    /// With an S3 key that may take on a role.
    AccessKey,
}

/// What a portal can do, as data that the interface is drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    pub list: Ability,
    pub create: Ability,
    pub delete: Ability,
    /// A new secret for the same access key id. Where it is missing, a new key and then deleting the
    /// old one does the same.
    pub reset: Ability,
    pub expiry: Expiry,
    pub secret_shown: SecretShown,
    /// Making a key stops the one before from working.
    pub new_key_revokes_old: bool,
    /// `None`: keys carry no description there.
    pub description: Option<DescriptionLimit>,
    /// Keys are lent for a while ([`Expiry::Fixed`]) and lent anew by Wherry before they run out; there is
    /// no list of them, and nothing to delete.
    pub lent: bool,
    /// Wherry can have a lent key lent anew without the user: something other than a password is kept for it.
    pub renewed_alone: bool,
    /// How long it may take until the store knows a new key; `None` when it does at once.
    pub takes_effect_within: Option<Duration>,
    /// How long a store may go on honouring a key that the portal has deleted.
    pub honoured_after_delete: Option<Duration>,
    pub sign_in: &'static [SignInMethod],
}

/// What this kind of portal can do for somebody who may do everything there; a session's own
/// [`Issuer::capabilities`] may be less. `None` for kinds that make no keys over the network, or not yet.
pub fn capabilities(kind: IssuerKind) -> Option<Capabilities> {
    match kind {
        IssuerKind::Keystone => Some(keystone::capabilities()),
        IssuerKind::JasminPortal => Some(crate::jasmin::capabilities()),
        IssuerKind::Swarm => Some(crate::swarm::capabilities()),
        IssuerKind::S3KeysManager => Some(s3_keys_manager::capabilities()),
        IssuerKind::CraySts => Some(cray_sts::capabilities()),
        IssuerKind::None | IssuerKind::Practice => None,
        IssuerKind::StsWebIdentity | IssuerKind::StsLdap | IssuerKind::StsAssumeRole => {
            Some(sts::capabilities(kind, &IssuerOptions::default()))
        }
    }
}

/// A key as a portal lists it. Some portals list secrets too: those are dropped while reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    pub access_key_id: String,
    pub description: Option<String>,
    pub created: Option<DateTime<Utc>>,
    pub expires: Option<DateTime<Utc>>,
    /// What the key opens, in the portal's own terms: for Keystone the project's id.
    pub scope: Option<String>,
}

/// What a new key shall be like, as far as the portal's [`Capabilities`] allow a wish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyWish {
    pub description: Option<String>,
    pub expires: Option<DateTime<Utc>>,
}

/// A key that was just made: the one time its secret is here.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    pub access_key_id: String,
    pub secret: Secret,
    pub expires: Option<DateTime<Utc>>,
    /// As in [`KeyRow::scope`].
    pub scope: Option<String>,
    /// Where the portal says the key is for; most say nothing.
    pub endpoint: Option<Url>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    Now,
    /// The portal no longer knew it.
    Before,
}

/// A signed-in session with a portal.
#[async_trait]
pub trait Issuer: Send + Sync {
    /// What this session may do, as far as it is known before trying.
    fn capabilities(&self) -> Capabilities;

    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError>;

    /// Makes a key. When the answer gets lost, implementations find out by listing whether the key
    /// was made, and never make a second one.
    async fn create_key(&self, wish: &KeyWish) -> Result<IssuedKey, PortalError>;

    async fn delete_key(&self, access_key_id: &str) -> Result<Deleted, PortalError>;

    /// A new secret for this access key id; the old secret stops working.
    async fn reset_key(&self, access_key_id: &str) -> Result<IssuedKey, PortalError>;
}
