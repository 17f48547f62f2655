//! A bearer token that is always a good one, for as long as the refresh token behind it lives.

use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use wherry_store::HttpSettings;

use super::{Oidc, OidcClient, Tokens};
use crate::error::PortalError;
use crate::session::{Proof, wrong_proof};
use crate::wire::{self, Answer};

/// Renewed when it has less than this left: a request may take a while, and clocks differ.
const TOO_LITTLE: TimeDelta = TimeDelta::seconds(60);

/// What may be kept in the keychain so that a session can go on without the user.
#[derive(Deserialize)]
pub(crate) struct Lasting {
    pub refresh_token: SecretString,
    /// Of a confidential client: without it the refresh token is worth nothing.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
}

impl Lasting {
    /// # Errors
    /// [`PortalError::SignInAgain`] for what is not ours.
    pub fn read(kept: &SecretString) -> Result<Self, PortalError> {
        serde_json::from_str(kept.expose_secret()).map_err(|_| PortalError::SignInAgain)
    }

    pub fn write(&self) -> SecretString {
        let mut text = json!({"refresh_token": self.refresh_token.expose_secret()});
        if let Some(secret) = &self.client_secret {
            text["client_secret"] = secret.expose_secret().into();
        }
        text.to_string().into()
    }
}

#[derive(Debug)]
pub(crate) struct Bearer {
    /// `None` when nobody knows where these tokens came from: they are good until they run out.
    oidc: Option<Oidc>,
    tokens: RwLock<Tokens>,
    /// Held while renewing: a refresh token may be good once, so two must not be sent.
    renewing: tokio::sync::Mutex<()>,
}

impl Bearer {
    pub fn new(oidc: Option<Oidc>, tokens: Tokens) -> Self {
        Self {
            oidc,
            tokens: RwLock::new(tokens),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// Signs in with a password, or takes over what somebody signed in with elsewhere. `client` may be
    /// missing for tokens, which are then good until they run out.
    pub async fn sign_in(
        client: Option<OidcClient>,
        proof: &Proof,
        http: &HttpSettings,
    ) -> Result<Self, PortalError> {
        if !matches!(proof, Proof::Password { .. } | Proof::Tokens(_)) {
            return Err(wrong_proof());
        }
        let oidc = match client {
            Some(client) => Some(Oidc::discover(client, http).await?),
            None => None,
        };
        let tokens = match (&oidc, proof) {
            (_, Proof::Tokens(tokens)) => tokens.clone(),
            (Some(oidc), proof) => oidc.by_proof(proof).await?,
            (None, _) => {
                return Err(PortalError::CannotDo {
                    reason: "Wherry does not know where you sign in for this portal: give the address of its \
                             OpenID Connect issuer, and the client id."
                        .into(),
                });
            }
        };
        Ok(Self::new(oidc, tokens))
    }

    /// Goes on with what was kept: asks for new tokens at once.
    pub async fn resume(
        client: Option<OidcClient>,
        lasting: &SecretString,
        http: &HttpSettings,
    ) -> Result<Self, PortalError> {
        let kept = Lasting::read(lasting)?;
        let client = client.ok_or(PortalError::SignInAgain)?;
        let client = OidcClient {
            client_secret: kept.client_secret,
            ..client
        };
        let oidc = Oidc::discover(client, http).await?;
        let tokens = oidc.refresh(&kept.refresh_token).await?;
        Ok(Self::new(Some(oidc), tokens))
    }

    fn tokens(&self) -> Tokens {
        self.tokens
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The access token, renewed first when it is about to run out.
    pub async fn access(&self) -> Result<SecretString, PortalError> {
        let now = Utc::now();
        if !ends_soon(&self.tokens(), now) {
            return Ok(self.tokens().access);
        }
        let _alone = self.renewing.lock().await;
        let tokens = self.tokens();
        // Somebody else may have done it meanwhile.
        if !ends_soon(&tokens, now) {
            return Ok(tokens.access);
        }
        match (&self.oidc, &tokens.refresh) {
            (Some(oidc), Some(refresh)) => {
                let new = oidc.refresh(refresh).await?;
                let access = new.access.clone();
                *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = new;
                Ok(access)
            }
            // Its last minute is better than none.
            _ if tokens.expires.is_none_or(|expires| expires > now) => Ok(tokens.access),
            _ => Err(PortalError::SignInAgain),
        }
    }

    /// All the tokens, renewed as in [`Bearer::access`].
    pub async fn good(&self) -> Result<Tokens, PortalError> {
        self.access().await?;
        Ok(self.tokens())
    }

    /// Whether there is something to renew the tokens with.
    pub fn is_renewable(&self) -> bool {
        self.oidc.is_some() && self.tokens().refresh.is_some()
    }

    /// Sends a request with the access token. A portal that would not have it, which clocks that differ or
    /// an issuer that ends sessions early may be the cause of, is asked once more with a new one.
    ///
    /// # Errors
    /// [`PortalError::SignInAgain`] when the portal does not know the user any more.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, PortalError> {
        self.send_by(request, wire::send).await
    }

    /// As [`Bearer::send`], for requests that may be sent twice without harm.
    pub async fn send_again(&self, request: RequestBuilder) -> Result<Answer, PortalError> {
        self.send_by(request, wire::send_again).await
    }

    async fn send_by<F: Future<Output = Result<Answer, PortalError>>>(
        &self,
        request: RequestBuilder,
        send: impl Fn(RequestBuilder) -> F,
    ) -> Result<Answer, PortalError> {
        let second = request.try_clone();
        let token = self.access().await?;
        let answer = send(request.bearer_auth(token.expose_secret())).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        tracing::info!(host = answer.host(), said = %answer.excerpt(), "the token was not accepted");
        self.distrust(&token);
        let (Some(second), token) = (second, self.access().await?) else {
            return Err(PortalError::SignInAgain);
        };
        let answer = send(second.bearer_auth(token.expose_secret())).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(PortalError::SignInAgain);
        }
        Ok(answer)
    }

    /// Treats this access token as run out, unless it has been replaced meanwhile.
    pub fn distrust(&self, access: &SecretString) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.access.expose_secret() == access.expose_secret() {
            tokens.expires = Some(DateTime::UNIX_EPOCH);
        }
    }

    pub fn user(&self) -> Option<String> {
        self.tokens().user()
    }

    /// Whether asking anything is pointless: run out, and nothing to renew it with.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        !self.is_renewable() && self.tokens().expires.is_some_and(|expires| expires <= now)
    }

    /// Changes with every renewal at an issuer that gives a new refresh token each time.
    pub fn lasting(&self) -> Option<SecretString> {
        let oidc = self.oidc.as_ref()?;
        let lasting = Lasting {
            refresh_token: self.tokens().refresh?,
            client_secret: oidc.client.client_secret.clone(),
        };
        Some(lasting.write())
    }

    pub async fn sign_out(&self) {
        if let (Some(oidc), Some(refresh)) = (&self.oidc, self.tokens().refresh) {
            oidc.revoke(&refresh).await;
        }
    }
}

fn ends_soon(tokens: &Tokens, now: DateTime<Utc>) -> bool {
    tokens
        .expires
        .is_some_and(|expires| expires <= now + TOO_LITTLE)
}
