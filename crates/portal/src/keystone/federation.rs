//! Signing in at Keystone with a sign-in at the institution: OpenID Connect, then `OS-FEDERATION`.
//!
//! What keystoneauth does as `v3oidcpassword` and `v3oidcaccesstoken`: an access token is shown at an address
//! that names the identity provider and the protocol, and a token without a project comes back. A web
//! server's module, not Keystone, judges the access token there, so a refusal is a page.

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use wherry_account::IssuerOptions;
use wherry_account::import::ImportedCloud;
use wherry_store::HttpSettings;

use super::session::KeystoneSession;
use super::{Keystone, refusal};
use crate::error::PortalError;
use crate::issuer::SignInMethod;
use crate::oidc::{Oidc, OidcClient, Tokens};
use crate::session::Proof;
use crate::wire;

/// What nearly every place calls it.
const USUAL_PROTOCOL: &str = "openid";
const DOING: &str = "sign you in";

/// How Keystone knows the institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federation {
    pub identity_provider: String,
    pub protocol: String,
}

impl Federation {
    /// `None` when the options name no identity provider.
    pub fn from_options(options: &IssuerOptions) -> Option<Self> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        Some(Self {
            identity_provider: filled(&options.identity_provider)?,
            protocol: filled(&options.protocol).unwrap_or_else(|| USUAL_PROTOCOL.to_owned()),
        })
    }
}

/// The tokens to show, if this is a sign-in at the institution: those somebody has, or new ones for the
/// password that is the institution's.
pub(super) async fn tokens(
    proof: &Proof,
    options: &IssuerOptions,
    client_secret: Option<SecretString>,
    http: &HttpSettings,
) -> Result<Option<Tokens>, PortalError> {
    match (proof, OidcClient::from_options(options, client_secret)) {
        (Proof::Tokens(tokens), _) => Ok(Some(tokens.clone())),
        (Proof::Password { .. }, Some(client)) => {
            let oidc = Oidc::discover(client, http).await?;
            oidc.by_proof(proof).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// What an RC file or `clouds.yaml` says about such a sign-in, as options and a proof. `None` when it lacks
/// something, or goes on in a browser.
pub(super) fn imported(
    cloud: &ImportedCloud,
    secret: &SecretString,
) -> Option<(IssuerOptions, Option<SecretString>, Proof)> {
    let oidc = cloud.oidc.as_ref()?;
    let options = IssuerOptions {
        oidc_issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        scopes: oidc.scopes.clone(),
        identity_provider: Some(oidc.identity_provider.clone()?),
        protocol: oidc.protocol.clone(),
        ..IssuerOptions::default()
    };
    let proof = if oidc.takes_access_token {
        Proof::Tokens(Tokens {
            access: secret.clone(),
            id: None,
            refresh: None,
            expires: None,
        })
    } else {
        Proof::Password {
            user: cloud.user.clone()?,
            domain: String::new(),
            password: secret.clone(),
            code: None,
        }
    };
    Some((options, oidc.client_secret.clone(), proof))
}

impl Keystone {
    /// Signs in with an access token of the institution's. The session is in no project yet.
    pub async fn sign_in_federated(
        &self,
        federation: &Federation,
        tokens: &Tokens,
    ) -> Result<KeystoneSession, PortalError> {
        let path = [
            "OS-FEDERATION",
            "identity_providers",
            &federation.identity_provider,
            "protocols",
            &federation.protocol,
            "auth",
        ];
        let request = self
            .http
            .post(self.below(&path))
            .bearer_auth(tokens.access.expose_secret());
        let answer = wire::send_again(request).await?;
        // Keystone's own refusal is one for a person it has no place for and for names it does not know;
        // the page of the web server in front of it is about the token.
        let refused = || {
            let words = match refusal::words(&answer) {
                Some(words) => format!(
                    "{words} (identity provider “{}”, protocol “{}”)",
                    federation.identity_provider, federation.protocol
                ),
                None => answer.excerpt(),
            };
            Box::new(answer.said(words))
        };
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(PortalError::SignInRefused {
                with: SignInMethod::Browser,
                said: refused(),
            }),
            // So Keystone 30 of an unknown identity provider; of an unknown protocol it says 401.
            StatusCode::NOT_FOUND => {
                tracing::info!(said = %refused().message, "unknown to this Keystone");
                Err(PortalError::CannotDo {
                    reason: format!(
                        "{} knows no identity provider “{}” with the protocol “{}”: take both names from the RC file \
                         that your dashboard offers.",
                        answer.host(),
                        federation.identity_provider,
                        federation.protocol
                    )
                    .into(),
                })
            }
            _ => self.session(&answer, DOING),
        }
    }
}
