//! OpenStack Keystone, identity API v3: keys are the user's EC2 credentials (`OS-EC2`).
//!
//! Protocol facts are from Keystone's API reference (docs.openstack.org/api-ref/identity/v3) and its
//! source, and were checked against Keystone 30. Two kinds of Keystone are in use: older ones let an
//! *unrestricted* application credential make keys, newer ones (since 2025) let none do so.

mod address;
mod catalog;
mod federation;
mod keys;
mod portal;
mod refusal;
mod session;
mod sign_in;
mod wire;

use std::time::Duration;

use reqwest::Client;
use url::Url;
use wherry_store::HttpSettings;

pub use federation::Federation;
pub(crate) use portal::sign_in;
pub use session::{KeystoneSession, Named, Project};
pub use sign_in::{Domain, Receipt, SignIn, UserRef};

use crate::error::PortalError;
use crate::issuer::{Ability, Capabilities, Expiry, SecretShown, SignInMethod};

/// One Keystone, found and spoken to without credentials so far.
#[derive(Debug, Clone)]
pub struct Keystone {
    http: Client,
    /// `…/v3`, without a slash at the end.
    base: Url,
}

impl Keystone {
    /// Finds the Keystone somebody means by what they typed: `keystone.example.org:5000`, a whole
    /// address, with or without `/v3`. Sends no credentials.
    pub async fn discover(typed: &str, settings: &HttpSettings) -> Result<Self, PortalError> {
        let http = wherry_store::http::client(settings)?;
        let base = address::discover(typed, &http).await?;
        Ok(Self { http, base })
    }

    /// A Keystone that was found before, by its [`Keystone::url`].
    pub fn at(base: Url, settings: &HttpSettings) -> Result<Self, PortalError> {
        Ok(Self {
            http: wherry_store::http::client(settings)?,
            base,
        })
    }

    /// Its `…/v3` address, to remember it by.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// An address below `/v3`. Segments are escaped, so that an id from outside stays one segment.
    fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// What Keystone can do for somebody signed in with a password.
pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        list: Ability::Yes,
        create: Ability::Yes,
        delete: Ability::Yes,
        reset: Ability::No(
            "OpenStack cannot change a key's secret: make a new key and delete this one.".into(),
        ),
        expiry: Expiry::None,
        secret_shown: SecretShown::Again,
        new_key_revokes_old: false,
        description: None,
        lent: false,
        renewed_alone: false,
        takes_effect_within: None,
        // Ceph RGW remembers Keystone's answers for five minutes (seen with 16.2).
        honoured_after_delete: Some(Duration::from_mins(5)),
        sign_in: &[
            SignInMethod::Password,
            SignInMethod::Totp,
            SignInMethod::ApplicationCredential,
            SignInMethod::Browser,
            SignInMethod::DeviceCode,
        ],
    }
}
