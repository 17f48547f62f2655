//! Signing in to any portal, and what a signed-in session is to the rest of Wherry.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;
use wherry_account::import::ImportedCloud;
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions};
use wherry_store::HttpSettings;
use wherry_vault::Secret;

use crate::error::PortalError;
use crate::issuer::Issuer;
use crate::keystone;
use crate::oidc::{OidcClient, Tokens};

/// One region's S3 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Endpoint {
    pub region: String,
    pub url: Url,
}

/// What keys can be for: Keystone's project, JASMIN's tenancy. A portal whose keys are for everything
/// the user has there has one, with an empty id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub id: String,
    pub name: String,
    pub description: String,
    /// The portal asks for the password once more before it opens this one.
    pub asks_password: bool,
}

/// What a person proves who they are with. Used once, then wiped.
#[derive(Debug, Clone)]
pub enum Proof {
    Password {
        user: String,
        /// Keystone only; empty elsewhere.
        domain: String,
        password: SecretString,
        /// The six digits of an authenticator app.
        code: Option<SecretString>,
    },
    ApplicationCredential {
        id: String,
        secret: SecretString,
    },
    /// A cloud of a `clouds.yaml` or RC file, with the secret it has or the user typed.
    Imported {
        cloud: Box<ImportedCloud>,
        secret: SecretString,
    },
    /// Signed in at an OpenID Connect issuer before, in a browser or with a device code.
    Tokens(Tokens),
    /// What a hosted window brought back: the portal's session cookie, `name=value`.
    Cookie(SecretString),
    /// An S3 key that may take on a role.
    AccessKey {
        access_key_id: String,
        secret: Secret,
    },
}

#[derive(Debug, Clone)]
pub struct SignInRequest {
    pub kind: IssuerKind,
    /// As typed: `keystone.example.org:5000` is enough.
    pub url: String,
    pub http: HttpSettings,
    pub options: IssuerOptions,
    /// Of a confidential OpenID Connect client.
    pub client_secret: Option<SecretString>,
    pub proof: Proof,
}

/// Somebody signed in. It lives in memory only; [`PortalSession::lasting`] is what may outlive it.
#[async_trait]
pub trait PortalSession: Issuer + std::fmt::Debug {
    fn kind(&self) -> IssuerKind;

    /// The portal's address, to remember it by.
    fn url(&self) -> &Url;

    fn user(&self) -> &str;

    /// Keystone: the domain the user is in.
    #[allow(
        clippy::unnecessary_literal_bound,
        reason = "the portal that has domains borrows its own"
    )]
    fn domain(&self) -> &str {
        ""
    }

    fn is_expired(&self, now: DateTime<Utc>) -> bool;

    /// What there is to choose from; one without a name where a key opens whatever the user may.
    async fn scopes(&self) -> Result<Vec<Scope>, PortalError> {
        Ok(vec![Scope::default()])
    }

    /// The one this session works in, if it is chosen.
    fn scope(&self) -> Option<Scope> {
        Some(Scope::default())
    }

    /// A session that works in this one.
    async fn open(
        &self,
        scope: &str,
        password: Option<SecretString>,
    ) -> Result<Arc<dyn PortalSession>, PortalError>;

    /// Where the objects are, as far as the portal says; empty when it does not.
    fn endpoints(&self) -> Vec<S3Endpoint>;

    /// What the user agreed to have kept in the keychain so that [`resume`] can go on without them:
    /// a refresh token, never a password.
    fn lasting(&self) -> Option<SecretString> {
        None
    }

    /// Ends the session at the portal, as far as that goes.
    async fn sign_out(&self);
}

/// Signs in to a portal of any kind.
pub async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    match request.kind {
        IssuerKind::Keystone => keystone::sign_in(request).await,
        IssuerKind::JasminPortal => crate::jasmin::sign_in(request).await,
        IssuerKind::Swarm => crate::swarm::sign_in(request).await,
        IssuerKind::S3KeysManager => crate::s3_keys_manager::sign_in(request).await,
        IssuerKind::CraySts => crate::cray_sts::sign_in(request).await,
        IssuerKind::StsWebIdentity | IssuerKind::StsLdap | IssuerKind::StsAssumeRole => {
            crate::sts::sign_in(request).await
        }
        IssuerKind::None | IssuerKind::Practice => Err(PortalError::CannotDo {
            reason: "There is no portal to sign in to.".into(),
        }),
    }
}

/// Goes on with what [`PortalSession::lasting`] kept, without the user.
///
/// # Errors
/// [`PortalError::SignInAgain`] when it is no longer good, or this portal has nothing that lasts.
pub async fn resume(
    link: &IssuerLink,
    lasting: SecretString,
    http: &HttpSettings,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    match link.kind {
        IssuerKind::S3KeysManager => crate::s3_keys_manager::resume(link, lasting, http).await,
        IssuerKind::CraySts => crate::cray_sts::resume(link, lasting, http).await,
        IssuerKind::StsWebIdentity | IssuerKind::StsLdap | IssuerKind::StsAssumeRole => {
            crate::sts::resume(link, lasting, http).await
        }
        _ => Err(PortalError::SignInAgain),
    }
}

/// Where somebody signs in for this portal, when that is an OpenID Connect issuer: what the options say,
/// and for what they do not say what is usual there. `None` when it is not known.
pub fn oidc_client(
    kind: IssuerKind,
    url: &str,
    options: &IssuerOptions,
    client_secret: Option<SecretString>,
) -> Option<OidcClient> {
    match kind {
        IssuerKind::S3KeysManager => {
            crate::s3_keys_manager::oidc_client(url, options, client_secret)
        }
        IssuerKind::CraySts => crate::cray_sts::oidc_client(url, options, client_secret),
        _ => OidcClient::from_options(options, client_secret),
    }
}

/// The refusal of a portal that was shown a proof it has no use for.
pub(crate) fn wrong_proof() -> PortalError {
    PortalError::CannotDo {
        reason: "This portal is signed in to in another way.".into(),
    }
}
