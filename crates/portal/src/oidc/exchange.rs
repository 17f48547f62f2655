//! The token endpoint: a form goes there, and tokens or a refusal come back.

use chrono::Utc;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::Oidc;
use super::tokens::{Tokens, TokensBody};
use crate::error::{PortalError, Said};
use crate::issuer::SignInMethod;
use crate::wire::{self, Answer};

const DOING: &str = "sign you in";

/// RFC 6749, section 5.2.
#[derive(Deserialize)]
struct RefusalBody {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// An issuer's no, in its own words.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    error: String,
    said: Said,
}

impl Refusal {
    /// `error` and its description came from elsewhere: with the browser, as a query.
    pub fn new(error: String, description: Option<&str>, mut said: Said) -> Self {
        let words = description
            .filter(|words| !words.trim().is_empty())
            .unwrap_or(&error);
        said.message = crate::excerpt::excerpt(words.as_bytes());
        Self { error, said }
    }

    pub fn is(&self, error: &str) -> bool {
        self.error == error
    }

    pub fn words(&self) -> &str {
        &self.said.message
    }

    pub fn explain(self, with: SignInMethod, client: &str) -> PortalError {
        let said = Box::new(self.said);
        match self.error.as_str() {
            "invalid_grant"
            | "access_denied"
            | "login_required"
            | "consent_required"
            | "interaction_required"
            | "account_selection_required" => PortalError::SignInRefused { with, said },
            "expired_token" => PortalError::SignInTimeout,
            "server_error" | "temporarily_unavailable" | "slow_down" => PortalError::Fault { said },
            // About the program, not about the person: an unknown client, a way it may not use.
            _ => PortalError::ClientRefused {
                client: client.to_owned(),
                said,
            },
        }
    }
}

impl Oidc {
    /// Asks for tokens; every refusal is the person's or the program's.
    pub(super) async fn tokens(
        &self,
        form: Vec<(&str, &str)>,
        with: SignInMethod,
    ) -> Result<Tokens, PortalError> {
        self.ask_tokens(form)
            .await?
            .map_err(|refusal| refusal.explain(with, &self.client.client_id))
    }

    /// Asks for tokens, and leaves it to the caller what a refusal means.
    pub(super) async fn ask_tokens(
        &self,
        form: Vec<(&str, &str)>,
    ) -> Result<Result<Tokens, Refusal>, PortalError> {
        let asked = Utc::now();
        // Not sent twice: a code works once, and so does a refresh token that is exchanged for a new one.
        let answer = wire::send(self.post(&self.document.token_endpoint, form)).await?;
        if let Some(refusal) = refusal(&answer)? {
            return Ok(Err(refusal));
        }
        let body: TokensBody = answer.json(DOING)?;
        Ok(Ok(body.into_tokens(asked)))
    }

    /// A form, with what says which client sends it.
    pub(super) fn post<'a>(
        &'a self,
        to: &Url,
        mut form: Vec<(&'a str, &'a str)>,
    ) -> RequestBuilder {
        let client = &self.client;
        let mut request = self
            .http
            .post(to.clone())
            .header(ACCEPT, "application/json");
        match &client.client_secret {
            Some(secret) if !self.document.secret_in_form() => {
                // RFC 6749, section 2.3.1: as in a form, and only then as in a header.
                let encode = |text: &str| -> String {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect()
                };
                let secret = encode(secret.expose_secret());
                request = request.basic_auth(encode(&client.client_id), Some(secret));
            }
            Some(secret) => {
                form.push(("client_id", &client.client_id));
                form.push(("client_secret", secret.expose_secret()));
            }
            None => form.push(("client_id", &client.client_id)),
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }
}

/// The refusal in an answer that has one; what is neither that nor a success is an error of its own.
pub(super) fn refusal(answer: &Answer) -> Result<Option<Refusal>, PortalError> {
    if answer.status.is_success() {
        return Ok(None);
    }
    if answer.status.is_redirection() {
        return Err(PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        });
    }
    match answer.try_json::<RefusalBody>() {
        Some(body) if !answer.status.is_server_error() => {
            let said = answer.said(String::new());
            let description = body.error_description.as_deref();
            Ok(Some(Refusal::new(body.error.clone(), description, said)))
        }
        _ if answer.status.is_server_error() || answer.status.as_u16() == 429 => {
            Err(PortalError::Fault {
                said: Box::new(answer.said(answer.excerpt())),
            })
        }
        _ => Err(answer.not_understood(DOING)),
    }
}
