//! Signing in at an OpenID Connect issuer, for the portals that trust one: with a password where the issuer
//! takes one, in the user's own browser, or with a code typed in any browser.
//!
//! The standards are OpenID Connect Discovery 1.0, RFC 6749 (and 8252, 7636, 9207 for the browser's way) and
//! RFC 8628. The requests are few and small, and written here rather than left to a crate: the crates there
//! are keep tokens as plain, serialisable text, and drop what a user must be told about a refusal.
//!
//! An ID token is never trusted for anything here. The portal that is shown a token judges it; Wherry takes
//! from it the name to greet somebody by.

mod bearer;
mod browser;
mod device;
mod document;
mod exchange;
mod tokens;

use std::fmt;

use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wherry_account::IssuerOptions;
use wherry_store::HttpSettings;

pub(crate) use bearer::Bearer;
pub use browser::BrowserSignIn;
pub use device::DevicePrompt;
pub use tokens::Tokens;

use crate::error::PortalError;
use crate::issuer::SignInMethod;
use crate::session::Proof;
use document::Document;

/// Who Wherry is to an issuer.
#[derive(Debug, Clone)]
pub struct OidcClient {
    /// The address below which `/.well-known/openid-configuration` is found.
    pub issuer: Url,
    pub client_id: String,
    /// Of a confidential client; desktop programs mostly have none.
    pub client_secret: Option<SecretString>,
    pub scopes: Vec<String>,
}

impl OidcClient {
    /// The client that a portal's options describe, `None` when they name no issuer or no client.
    pub fn from_options(options: &IssuerOptions, secret: Option<SecretString>) -> Option<Self> {
        let scopes = options.scopes.as_deref().unwrap_or("openid");
        Some(Self {
            issuer: options.oidc_issuer.clone()?,
            client_id: options.client_id.clone()?,
            client_secret: secret,
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

/// How an issuer lets somebody sign in, as far as it says. An issuer that says nothing perhaps does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    pub password: bool,
    pub device: bool,
    pub browser: bool,
}

/// An issuer that was found, and is spoken to as one client.
#[derive(Clone)]
pub struct Oidc {
    http: Client,
    client: OidcClient,
    document: Document,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc")
            .field("issuer", &self.client.issuer.as_str())
            .field("client_id", &self.client.client_id)
            .finish_non_exhaustive()
    }
}

impl Oidc {
    /// Finds out where the issuer wants to be asked. Sends no credentials.
    pub async fn discover(client: OidcClient, http: &HttpSettings) -> Result<Self, PortalError> {
        let http = wherry_store::http::client(http)?;
        let document = document::fetch(&client.issuer, &http).await?;
        Ok(Self {
            http,
            client,
            document,
        })
    }

    pub fn client(&self) -> &OidcClient {
        &self.client
    }

    pub fn ways(&self) -> Ways {
        self.document.ways()
    }

    /// Signs in with a password, and a one-time code where the issuer wants one beside it (Keycloak's
    /// `totp`). Issuers do not say which of them was wrong.
    pub async fn by_password(
        &self,
        user: &str,
        password: &SecretString,
        code: Option<&SecretString>,
    ) -> Result<Tokens, PortalError> {
        let method = match code {
            None => SignInMethod::Password,
            Some(_) => SignInMethod::Totp,
        };
        let mut form = vec![
            ("grant_type", "password"),
            ("username", user),
            ("password", password.expose_secret()),
        ];
        let scopes = self.client.scopes.join(" ");
        form.push(("scope", &scopes));
        if let Some(code) = code {
            form.push(("totp", code.expose_secret()));
        }
        self.tokens(form, method).await
    }

    /// New tokens for a refresh token. Many issuers give a new refresh token with them, and the old one is
    /// dead from then on; where none comes, the old one is in the answer.
    ///
    /// # Errors
    /// [`PortalError::SignInAgain`] when the refresh token is dead.
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Tokens, PortalError> {
        let form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        match self.ask_tokens(form).await? {
            Ok(tokens) => Ok(Tokens {
                refresh: tokens.refresh.or_else(|| Some(refresh_token.clone())),
                ..tokens
            }),
            Err(refusal) if refusal.is("invalid_grant") => {
                tracing::info!(said = %refusal.words(), "the refresh token is dead");
                Err(PortalError::SignInAgain)
            }
            Err(refusal) => Err(refusal.explain(SignInMethod::Browser, &self.client.client_id)),
        }
    }

    /// Ends what a refresh token stands for. That it fails is of no consequence: tokens run out.
    pub async fn revoke(&self, refresh_token: &SecretString) {
        let Some(endpoint) = &self.document.revocation_endpoint else {
            return;
        };
        let form = vec![
            ("token", refresh_token.expose_secret()),
            ("token_type_hint", "refresh_token"),
        ];
        if let Err(error) = crate::wire::send(self.post(endpoint, form)).await {
            tracing::debug!(%error, "the refresh token was not revoked");
        }
    }

    /// Signs in with what somebody proved, where that is the issuer's to judge.
    pub(crate) async fn by_proof(&self, proof: &Proof) -> Result<Tokens, PortalError> {
        match proof {
            Proof::Password {
                user,
                password,
                code,
                ..
            } => self.by_password(user, password, code.as_ref()).await,
            Proof::Tokens(tokens) => Ok(tokens.clone()),
            _ => Err(crate::session::wrong_proof()),
        }
    }
}
