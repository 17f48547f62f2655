//! HPE Cray CSM's token service, which lends keys for an hour.
//!
//! Protocol facts are from its source (Cray-HPE/cray-sts @28b10b6), from running it, and from the system's
//! documentation (Cray-HPE/docs-csm @6f4bfb9). The service itself knows no users: the system's gateway lets
//! through who shows an access token of the system's Keycloak.

mod lending;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Client;
use secrecy::SecretString;
use url::Url;
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions};
use wherry_store::HttpSettings;

use crate::address;
use crate::error::PortalError;
use crate::issuer::{Ability, Capabilities, Expiry, SecretShown, SignInMethod};
use crate::oidc::{Bearer, OidcClient};
use crate::session::{PortalSession, Proof, S3Endpoint, SignInRequest};

/// Cray-HPE/docs-csm: how the documentation itself signs in.
const REALM: &str = "/keycloak/realms/shasta";
const CLIENT: &str = "shasta";

#[derive(Clone)]
pub(crate) struct CraySts {
    http: Client,
    /// The system's API gateway.
    base: Url,
    user: String,
    bearer: Arc<Bearer>,
    /// What the last lent key was said to be for.
    endpoint: Arc<RwLock<Option<Url>>>,
}

impl fmt::Debug for CraySts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CraySts")
            .field("url", &self.base.as_str())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

pub(crate) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    let base = base(&request.url)?;
    let client = client(&base, &request.options, request.client_secret)?;
    let bearer = Bearer::sign_in(Some(client), &request.proof, &request.http).await?;
    let user = match request.proof {
        Proof::Password { user, .. } => user,
        _ => bearer.user().unwrap_or_default(),
    };
    let session = CraySts::new(base, user, bearer, &request.http)?;
    session.look().await?;
    Ok(Arc::new(session))
}

pub(crate) async fn resume(
    link: &IssuerLink,
    lasting: SecretString,
    http: &HttpSettings,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    let base = base(link.url.as_str())?;
    let client = client(&base, &link.options, None)?;
    let bearer = Bearer::resume(Some(client), &lasting, http).await?;
    Ok(Arc::new(CraySts::new(
        base,
        link.user.clone(),
        bearer,
        http,
    )?))
}

pub(crate) fn oidc_client(
    url: &str,
    options: &IssuerOptions,
    secret: Option<SecretString>,
) -> Option<OidcClient> {
    client(&base(url).ok()?, options, secret).ok()
}

fn base(typed: &str) -> Result<Url, PortalError> {
    let mut url = address::secure(typed)?;
    let path = url.path().to_owned();
    for service in ["/apis/sts/token", "/apis/sts", "/apis"] {
        if let Some(before) = path.strip_suffix(service) {
            url.set_path(before);
            break;
        }
    }
    Ok(url)
}

/// The system's Keycloak: `auth.cmn.…` beside `api.cmn.…`, otherwise on the same host.
fn client(
    base: &Url,
    options: &IssuerOptions,
    secret: Option<SecretString>,
) -> Result<OidcClient, PortalError> {
    let mut options = options.clone();
    if options.oidc_issuer.is_none() {
        let mut issuer = base.clone();
        let host = base.host_str().unwrap_or_default();
        if let Some(domain) = host.strip_prefix("api.") {
            issuer
                .set_host(Some(&format!("auth.{domain}")))
                .map_err(|_| PortalError::Address {
                    typed: base.to_string(),
                    why: "it names no server",
                })?;
        }
        issuer.set_path(REALM);
        options.oidc_issuer = Some(issuer);
    }
    options.client_id.get_or_insert_with(|| CLIENT.to_owned());
    OidcClient::from_options(&options, secret).ok_or(PortalError::SignInAgain)
}

pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        list: Ability::No(
            "Keys here are lent for an hour, and nobody keeps a list of them.".into(),
        ),
        create: Ability::Yes,
        delete: Ability::No(
            "A lent key cannot be given back early: it ends within the hour.".into(),
        ),
        reset: Ability::No(
            "Wherry gets a new key, with a new secret, before this one ends.".into(),
        ),
        expiry: Expiry::Fixed(Duration::from_hours(1)),
        secret_shown: SecretShown::Once,
        new_key_revokes_old: false,
        description: None,
        lent: true,
        renewed_alone: true,
        takes_effect_within: None,
        honoured_after_delete: None,
        sign_in: &[
            SignInMethod::Password,
            SignInMethod::Totp,
            SignInMethod::Browser,
            SignInMethod::DeviceCode,
        ],
    }
}

impl CraySts {
    fn new(
        base: Url,
        user: String,
        bearer: Bearer,
        http: &HttpSettings,
    ) -> Result<Self, PortalError> {
        Ok(Self {
            http: wherry_store::http::client(http)?,
            base,
            user,
            bearer: Arc::new(bearer),
            endpoint: Arc::default(),
        })
    }

    fn remember_endpoint(&self, endpoint: Option<&Url>) {
        *self
            .endpoint
            .write()
            .unwrap_or_else(PoisonError::into_inner) = endpoint.cloned();
    }
}

#[async_trait]
impl PortalSession for CraySts {
    fn kind(&self) -> IssuerKind {
        IssuerKind::CraySts
    }

    fn url(&self) -> &Url {
        &self.base
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.bearer.is_expired(now)
    }

    async fn open(
        &self,
        _: &str,
        _: Option<SecretString>,
    ) -> Result<Arc<dyn PortalSession>, PortalError> {
        Ok(Arc::new(self.clone()))
    }

    /// Known once a key was lent, and often an address that is reachable inside the system only.
    fn endpoints(&self) -> Vec<S3Endpoint> {
        let endpoint = self.endpoint.read().unwrap_or_else(PoisonError::into_inner);
        let known = endpoint.as_ref().map(|url| S3Endpoint {
            region: String::new(),
            url: url.clone(),
        });
        known.into_iter().collect()
    }

    fn lasting(&self) -> Option<SecretString> {
        self.bearer.lasting()
    }

    async fn sign_out(&self) {
        self.bearer.sign_out().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keycloak_is_found_from_the_gateways_address() {
        for (typed, url, issuer) in [
            (
                "api.cmn.alps.example.org",
                "https://api.cmn.alps.example.org/",
                "https://auth.cmn.alps.example.org/keycloak/realms/shasta",
            ),
            (
                "https://api.cmn.x.org:8443/apis/sts/token/",
                "https://api.cmn.x.org:8443/",
                "https://auth.cmn.x.org:8443/keycloak/realms/shasta",
            ),
            (
                "https://gateway.x.org",
                "https://gateway.x.org/",
                "https://gateway.x.org/keycloak/realms/shasta",
            ),
        ] {
            let base = base(typed).expect("is fine");
            assert_eq!(base.as_str(), url, "{typed}");
            let client = client(&base, &IssuerOptions::default(), None).expect("is found");
            assert_eq!(client.issuer.as_str(), issuer);
            assert_eq!(client.client_id, "shasta");
        }
    }

    #[test]
    fn what_the_user_says_goes_before_what_is_derived() {
        let options = IssuerOptions {
            oidc_issuer: Some("https://login.example.org/realms/x".parse().expect("a URL")),
            client_id: Some("wherry".into()),
            scopes: Some("openid offline_access".into()),
            ..IssuerOptions::default()
        };
        let base = base("api.cmn.x.org").expect("is fine");
        let client = client(&base, &options, None).expect("is named");
        assert_eq!(client.issuer.as_str(), "https://login.example.org/realms/x");
        assert_eq!(client.client_id, "wherry");
        assert_eq!(client.scopes, ["openid", "offline_access"]);
    }
}
