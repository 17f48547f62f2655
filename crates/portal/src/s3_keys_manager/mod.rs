//! CloudFerro's S3 Keys Manager, which makes keys for EODATA and the Copernicus Data Space.
//!
//! Protocol facts are from the public client CloudFerro/eosdk (src/eosdk/auth/s3_keys.py @26659d3) and its
//! tests. What the request and the answer of a secret's reset look like is not public: several shapes are
//! understood, and an answer without a secret says so.

mod keys;
mod refusal;
mod wire;

use std::fmt;
use std::sync::Arc;
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

/// Where its API begins on every server that has it.
const API: &str = "/api/user";
/// The place whose manager it is when no other is named.
const PRESET: &str = "copernicus";

#[derive(Clone)]
pub(crate) struct KeysManager {
    http: Client,
    /// `…/api/user`
    base: Url,
    user: String,
    bearer: Arc<Bearer>,
}

impl fmt::Debug for KeysManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysManager")
            .field("url", &self.base.as_str())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

pub(crate) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    let base = base(&request.url)?;
    let client = client(&base, &request.options, request.client_secret);
    let bearer = Bearer::sign_in(client, &request.proof, &request.http).await?;
    let user = match request.proof {
        Proof::Password { user, .. } => user,
        _ => bearer.user().unwrap_or_default(),
    };
    let manager = KeysManager {
        http: wherry_store::http::client(&request.http)?,
        base,
        user,
        bearer: Arc::new(bearer),
    };
    manager.look().await?;
    Ok(Arc::new(manager))
}

pub(crate) async fn resume(
    link: &IssuerLink,
    lasting: SecretString,
    http: &HttpSettings,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    let base = base(link.url.as_str())?;
    let client = client(&base, &link.options, None);
    Ok(Arc::new(KeysManager {
        http: wherry_store::http::client(http)?,
        base,
        user: link.user.clone(),
        bearer: Arc::new(Bearer::resume(client, &lasting, http).await?),
    }))
}

pub(crate) fn oidc_client(
    url: &str,
    options: &IssuerOptions,
    secret: Option<SecretString>,
) -> Option<OidcClient> {
    client(&base(url).ok()?, options, secret)
}

fn preset_url() -> Option<&'static str> {
    let preset = wherry_account::provider(PRESET)?;
    preset
        .endpoints
        .iter()
        .find_map(|endpoint| endpoint.issuer_url.as_deref())
}

fn base(typed: &str) -> Result<Url, PortalError> {
    let typed = if typed.trim().is_empty() {
        preset_url().unwrap_or_default()
    } else {
        typed
    };
    let mut url = address::secure(typed)?;
    if matches!(url.path(), "" | "/") {
        url.set_path(API);
    }
    Ok(url)
}

/// The issuer that the options name; for the preset's own manager also without options. Another manager's
/// users have their passwords elsewhere.
fn client(base: &Url, options: &IssuerOptions, secret: Option<SecretString>) -> Option<OidcClient> {
    let own = || {
        (preset_url()? == base.as_str()).then_some(())?;
        Some(&wherry_account::provider(PRESET)?.issuer_options)
    };
    let mut options = options.clone();
    if let Some(preset) = own() {
        options.oidc_issuer = options.oidc_issuer.or_else(|| preset.oidc_issuer.clone());
        options.client_id = options.client_id.or_else(|| preset.client_id.clone());
        options.scopes = options.scopes.or_else(|| preset.scopes.clone());
    }
    OidcClient::from_options(&options, secret)
}

pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        list: Ability::Yes,
        create: Ability::Yes,
        delete: Ability::Yes,
        reset: Ability::Yes,
        expiry: Expiry::Optional,
        secret_shown: SecretShown::Once,
        new_key_revokes_old: false,
        description: None,
        lent: false,
        renewed_alone: false,
        // The documentation says "some minutes"; until then the store answers InvalidAccessKeyId.
        takes_effect_within: Some(Duration::from_mins(10)),
        // The same way takes as long in the other direction.
        honoured_after_delete: Some(Duration::from_mins(10)),
        sign_in: &[
            SignInMethod::Password,
            SignInMethod::Totp,
            SignInMethod::Browser,
            SignInMethod::DeviceCode,
        ],
    }
}

#[async_trait]
impl PortalSession for KeysManager {
    fn kind(&self) -> IssuerKind {
        IssuerKind::S3KeysManager
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

    /// It does not say; the preset does.
    fn endpoints(&self) -> Vec<S3Endpoint> {
        Vec::new()
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
    fn a_password_for_the_presets_place_goes_to_no_other() {
        let issuer = |url: &str, options: &IssuerOptions| {
            let base = base(url).expect("is fine");
            client(&base, options, None).map(|client| (client.issuer.to_string(), client.client_id))
        };
        let none = IssuerOptions::default();
        let (url, id) = issuer("", &none).expect("the preset names one");
        assert!(
            url.starts_with("https://identity.dataspace.copernicus.eu/"),
            "{url}"
        );
        assert_eq!(id, "cdse-public");
        assert_eq!(
            issuer("https://s3-keys-manager.cloudferro.com/", &none),
            Some((url, id))
        );
        assert_eq!(issuer("https://keys.example.org", &none), None);
        let own = IssuerOptions {
            oidc_issuer: Some("https://login.example.org/".parse().expect("a URL")),
            client_id: Some("wherry".into()),
            ..IssuerOptions::default()
        };
        let (url, id) = issuer("https://keys.example.org", &own).expect("is named");
        assert_eq!(
            (url.as_str(), id.as_str()),
            ("https://login.example.org/", "wherry")
        );
    }
}
