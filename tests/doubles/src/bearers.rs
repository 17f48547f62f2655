//! Who a bearer token belongs to: what the gateway in front of a portal finds out.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;
use wherry_store::HttpSettings;

/// What judges the tokens that a double is shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bearers {
    /// The test bed's OpenID Connect provider, by its address.
    Issuer(String),
    /// Tokens and their owners.
    Fixed(BTreeMap<String, String>),
}

impl Bearers {
    pub fn of(oidc: &wherry_testbed::Oidc) -> Self {
        Self::Issuer(oidc.issuer.clone())
    }

    pub(crate) async fn who(&self, headers: &HeaderMap) -> Option<String> {
        let token = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")?;
        match self {
            Self::Fixed(owners) => owners.get(token).cloned(),
            Self::Issuer(issuer) => {
                let http = wherry_store::http::client(&HttpSettings::default())
                    .expect("a client without options");
                let answer = http
                    .get(format!("{issuer}/test/bearer"))
                    .bearer_auth(token)
                    .send()
                    .await
                    .expect("the issuer answers");
                let about: Value = answer.json().await.expect("the issuer speaks JSON");
                Some(about.get("name")?.as_str()?.to_owned())
            }
        }
    }
}
