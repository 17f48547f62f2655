//! Getting a key lent: `PUT /apis/sts/token`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::CONTENT_LENGTH;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;
use wherry_vault::Secret;

use super::{CraySts, capabilities};
use crate::address;
use crate::error::PortalError;
use crate::issuer::{Capabilities, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};
use crate::wire::{self, Answer};

const SERVICE: &str = "a Cray token service (/apis/sts/token)";
const LEND: &str = "lend you a key";

#[derive(Deserialize)]
struct LentBody {
    #[serde(rename = "Credentials")]
    credentials: Lent,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Lent {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: SecretString,
    expiration: DateTime<Utc>,
    /// May be null.
    #[serde(default, rename = "EndpointURL")]
    endpoint_url: Option<String>,
}

/// `application/problem+json`, RFC 9457.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

#[async_trait]
impl Issuer for CraySts {
    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError> {
        capabilities().list.check()?;
        Ok(Vec::new())
    }

    /// Lends a key. Asked twice when the connection breaks: a lent key that nobody saw ends by itself, and
    /// there is no list to find it in.
    async fn create_key(&self, wish: &KeyWish) -> Result<IssuedKey, PortalError> {
        if wish.description.is_some() || wish.expires.is_some() {
            return Err(PortalError::Wish {
                why: "Keys here last one hour and carry no description.".into(),
            });
        }
        let url = address::below(&self.base, &["apis", "sts", "token"]);
        // Gateways refuse a PUT that does not say how long its body is.
        let request = self.http.put(url).header(CONTENT_LENGTH, 0);
        let answer = self.bearer.send_again(request).await?;
        if !answer.status.is_success() {
            return Err(explain(&answer));
        }
        let LentBody { credentials: lent } = answer.json(LEND)?;
        let endpoint = lent.endpoint_url.as_deref().and_then(|text| {
            let url = Url::parse(text.trim()).ok()?;
            matches!(url.scheme(), "http" | "https").then_some(url)
        });
        self.remember_endpoint(endpoint.as_ref());
        Ok(IssuedKey {
            access_key_id: lent.access_key_id,
            secret: Secret::new(lent.secret_access_key)
                .with_session_token(Some(lent.session_token)),
            expires: Some(lent.expiration),
            scope: None,
            endpoint,
        })
    }

    async fn delete_key(&self, _: &str) -> Result<Deleted, PortalError> {
        capabilities().delete.check()?;
        Ok(Deleted::Before)
    }

    async fn reset_key(&self, _: &str) -> Result<IssuedKey, PortalError> {
        capabilities().reset.check()?;
        self.create_key(&KeyWish::default()).await
    }
}

impl CraySts {
    /// Whether there may be a token service at this address. A gateway need not let anybody see the
    /// service's state, so only what is clearly something else is refused.
    pub(super) async fn look(&self) -> Result<(), PortalError> {
        let url = address::below(&self.base, &["apis", "sts", "healthz"]);
        let answer = wire::send_again(self.http.get(url)).await?;
        if answer.status.is_redirection() {
            return Err(explain(&answer));
        }
        let json = answer.try_json::<serde_json::Value>().is_some();
        if answer.status.is_success() && !json {
            return Err(not_it(&answer));
        }
        Ok(())
    }
}

fn not_it(answer: &Answer) -> PortalError {
    PortalError::NotAPortal {
        host: answer.host().to_owned(),
        wanted: SERVICE,
        excerpt: answer.excerpt(),
    }
}

fn explain(answer: &Answer) -> PortalError {
    let words = || match answer.try_json::<Problem>() {
        Some(Problem { title, detail }) => {
            let words = if detail.trim().is_empty() {
                title
            } else {
                detail
            };
            crate::excerpt::excerpt(words.as_bytes())
        }
        None => answer.excerpt(),
    };
    match answer.status {
        status if status.is_redirection() => PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        },
        StatusCode::UNAUTHORIZED => PortalError::SignInAgain,
        StatusCode::FORBIDDEN => PortalError::NotPermitted {
            doing: "have a key",
            said: Box::new(answer.said(words())),
        },
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => not_it(answer),
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            PortalError::Fault {
                said: Box::new(answer.said(words())),
            }
        }
        _ => answer.not_understood(LEND),
    }
}
