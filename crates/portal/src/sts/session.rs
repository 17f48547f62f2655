//! Somebody to whom a store lends keys.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wherry_account::{IssuerKind, IssuerLink};
use wherry_store::HttpSettings;

use super::capabilities;
use super::lend::{Lender, Lent, Pledge};
use super::role_key::RoleKey;
use crate::address;
use crate::error::PortalError;
use crate::issuer::{Ability, Capabilities, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};
use crate::oidc::{Bearer, OidcClient, Tokens};
use crate::session::{PortalSession, Proof, S3Endpoint, SignInRequest, wrong_proof};
use crate::wire;

#[derive(Clone)]
pub struct StsSession(Arc<Inner>);

struct Inner {
    kind: IssuerKind,
    lender: Lender,
    user: String,
    held: Held,
    /// Lent while signing in, and not given out yet.
    first: Mutex<Option<IssuedKey>>,
}

/// What keys are lent for.
enum Held {
    WebIdentity(Box<Bearer>),
    /// The password is forgotten: there is the first key, and no other.
    Ldap,
    AccessKey(RoleKey),
}

impl fmt::Debug for StsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StsSession")
            .field("kind", &self.0.kind)
            .field("url", &self.0.lender.url().as_str())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    let SignInRequest {
        kind,
        url,
        http,
        options,
        client_secret,
        proof,
    } = request;
    let client = wherry_store::http::client(&http)?;
    let (url, ()) = address::discover(
        &url,
        |text| address::parse(&url, text),
        |found: Url| {
            let client = client.clone();
            async move {
                // Whatever it says: no store tells whether it lends keys before it is asked for one.
                wire::send_again(client.get(found.clone())).await?;
                Ok((found, ()))
            }
        },
    )
    .await?;
    let lender = Lender::new(client, url, options)?;
    let (user, held, first) = match (kind, proof) {
        (IssuerKind::StsWebIdentity, proof) => {
            let client = OidcClient::from_options(lender.options(), client_secret);
            let bearer = Bearer::sign_in(client, &proof, &http).await?;
            let user = bearer.user().unwrap_or_default();
            (user, Held::WebIdentity(Box::new(bearer)), None)
        }
        (IssuerKind::StsLdap, Proof::Password { user, password, .. }) => {
            let pledge = Pledge::Ldap {
                user: &user,
                password: &password,
            };
            let lent = lender.lend(&pledge).await?;
            (user, Held::Ldap, Some(lent))
        }
        (
            IssuerKind::StsAssumeRole,
            Proof::AccessKey {
                access_key_id,
                secret,
            },
        ) => {
            let user = access_key_id.clone();
            let key = RoleKey {
                access_key_id,
                secret,
            };
            (user, Held::AccessKey(key), None)
        }
        _ => return Err(wrong_proof()),
    };
    let mut inner = Inner {
        kind,
        lender,
        user,
        held,
        first: Mutex::default(),
    };
    let Lent { key, subject } = match first {
        Some(lent) => lent,
        None => inner.lend().await?,
    };
    if inner.user.is_empty() {
        inner.user = subject.unwrap_or_default();
    }
    *lock(&inner.first) = Some(key);
    Ok(Arc::new(StsSession(Arc::new(inner))))
}

/// Asks the store for nothing yet.
pub(super) async fn resume(
    link: &IssuerLink,
    lasting: &SecretString,
    http: &HttpSettings,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    let held = match link.kind {
        IssuerKind::StsWebIdentity => {
            let client = OidcClient::from_options(&link.options, None);
            Held::WebIdentity(Box::new(Bearer::resume(client, lasting, http).await?))
        }
        IssuerKind::StsAssumeRole => {
            Held::AccessKey(RoleKey::read(lasting).ok_or(PortalError::SignInAgain)?)
        }
        _ => return Err(PortalError::SignInAgain),
    };
    let client = wherry_store::http::client(http)?;
    let lender = Lender::new(client, link.url.clone(), link.options.clone())?;
    Ok(Arc::new(StsSession(Arc::new(Inner {
        kind: link.kind,
        lender,
        user: link.user.clone(),
        held,
        first: Mutex::default(),
    }))))
}

/// Has a key lent for a token; once more for a new one where the store does not take it, as identity
/// tokens may end sooner than what is said of access tokens.
async fn lend_to(bearer: &Bearer, lender: &Lender) -> Result<Lent, PortalError> {
    let tokens = bearer.good().await?;
    match lend_for(&tokens, lender).await {
        Err(PortalError::SignInRefused { .. } | PortalError::SignInAgain)
            if bearer.is_renewable() =>
        {
            tracing::info!("the token was not taken; asking for a new one");
            bearer.distrust(&tokens.access);
            lend_for(&bearer.good().await?, lender).await
        }
        done => done,
    }
}

/// The identity token is what the protocol means. Some stores are set up for the access token
/// instead, where that is a JWT too.
async fn lend_for(tokens: &Tokens, lender: &Lender) -> Result<Lent, PortalError> {
    let Some(id) = &tokens.id else {
        return lender.lend(&Pledge::WebIdentity(&tokens.access)).await;
    };
    match lender.lend(&Pledge::WebIdentity(id)).await {
        Err(PortalError::SignInRefused { .. } | PortalError::SignInAgain)
            if is_jwt(&tokens.access) =>
        {
            lender.lend(&Pledge::WebIdentity(&tokens.access)).await
        }
        done => done,
    }
}

/// Three parts with dots between.
fn is_jwt(token: &SecretString) -> bool {
    token.expose_secret().split('.').count() == 3
}

impl Inner {
    async fn lend(&self) -> Result<Lent, PortalError> {
        match &self.held {
            Held::WebIdentity(bearer) => lend_to(bearer, &self.lender).await,
            Held::Ldap => Err(PortalError::SignInAgain),
            Held::AccessKey(key) => self.lender.lend(&Pledge::AccessKey(key)).await,
        }
    }

    fn refuse<T>(ability: &Ability) -> Result<T, PortalError> {
        ability.check()?;
        Err(wrong_proof())
    }
}

#[async_trait]
impl Issuer for StsSession {
    fn capabilities(&self) -> Capabilities {
        capabilities(self.0.kind, self.0.lender.options())
    }

    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError> {
        Inner::refuse(&self.capabilities().list)
    }

    async fn create_key(&self, _: &KeyWish) -> Result<IssuedKey, PortalError> {
        let first = lock(&self.0.first).take();
        match first {
            Some(key) => Ok(key),
            None => Ok(self.0.lend().await?.key),
        }
    }

    async fn delete_key(&self, _: &str) -> Result<Deleted, PortalError> {
        Inner::refuse(&self.capabilities().delete)
    }

    async fn reset_key(&self, _: &str) -> Result<IssuedKey, PortalError> {
        Inner::refuse(&self.capabilities().reset)
    }
}

#[async_trait]
impl PortalSession for StsSession {
    fn kind(&self) -> IssuerKind {
        self.0.kind
    }

    fn url(&self) -> &Url {
        self.0.lender.url()
    }

    fn user(&self) -> &str {
        &self.0.user
    }

    fn is_expired(&self, now: DateTime<Utc>) -> bool {
        let first = lock(&self.0.first);
        if first
            .as_ref()
            .is_some_and(|key| key.expires.is_none_or(|end| end > now))
        {
            return false;
        }
        match &self.0.held {
            Held::Ldap => true,
            Held::AccessKey(_) => false,
            Held::WebIdentity(bearer) => bearer.is_expired(now),
        }
    }

    async fn open(
        &self,
        _: &str,
        _: Option<SecretString>,
    ) -> Result<Arc<dyn PortalSession>, PortalError> {
        Ok(Arc::new(self.clone()))
    }

    /// The store lends its own keys, but for Amazon, whose token service has an address of its own.
    fn endpoints(&self) -> Vec<S3Endpoint> {
        let url = self.0.lender.url().clone();
        if url.host_str().is_some_and(|host| host.starts_with("sts.")) {
            return Vec::new();
        }
        vec![S3Endpoint {
            region: String::new(),
            url,
        }]
    }

    fn lasting(&self) -> Option<SecretString> {
        match &self.0.held {
            Held::WebIdentity(bearer) => bearer.lasting(),
            Held::Ldap => None,
            Held::AccessKey(key) => key.write(),
        }
    }

    /// A lent key cannot be given back.
    async fn sign_out(&self) {
        *lock(&self.0.first) = None;
        if let Held::WebIdentity(bearer) = &self.0.held {
            bearer.sign_out().await;
        }
    }
}
