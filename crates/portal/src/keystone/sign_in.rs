//! Signing in: by password, with a one-time code, or with an application credential.

use std::fmt;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use wherry_account::import::{CloudMethod, ImportedCloud};

use super::session::KeystoneSession;
use super::wire::{ReceiptBody, TokenBody};
use super::{Keystone, refusal};
use crate::error::{Challenge, PortalError};
use crate::issuer::SignInMethod;
use crate::wire::{self, Answer};

const DOING: &str = "sign you in";
const RECEIPT: &str = "openstack-auth-receipt";

/// A domain, by name or, where that is all there is, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    Name(String),
    Id(String),
}

/// A user, as somebody would write them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    Name { name: String, domain: Domain },
    Id(String),
}

impl UserRef {
    pub fn named(name: impl Into<String>, domain: impl Into<String>) -> Self {
        Self::Name {
            name: name.into(),
            domain: Domain::Name(domain.into()),
        }
    }

    fn json(&self) -> Map<String, Value> {
        let value = match self {
            Self::Name {
                name,
                domain: Domain::Name(domain),
            } => json!({"name": name, "domain": {"name": domain}}),
            Self::Name {
                name,
                domain: Domain::Id(domain),
            } => json!({"name": name, "domain": {"id": domain}}),
            Self::Id(id) => json!({"id": id}),
        };
        value.as_object().cloned().unwrap_or_default()
    }
}

/// How to prove who one is.
#[derive(Debug, Clone)]
pub enum SignIn {
    Password {
        user: UserRef,
        password: SecretString,
        /// The six digits, when the user knows that they will be asked for.
        code: Option<SecretString>,
    },
    ApplicationCredential {
        id: String,
        secret: SecretString,
    },
    /// An application credential by its name, which is unique only per user.
    NamedApplicationCredential {
        name: String,
        user: UserRef,
        secret: SecretString,
    },
}

impl SignIn {
    fn method(&self) -> SignInMethod {
        match self {
            Self::Password { code: None, .. } => SignInMethod::Password,
            Self::Password { code: Some(_), .. } => SignInMethod::Totp,
            Self::ApplicationCredential { .. } | Self::NamedApplicationCredential { .. } => {
                SignInMethod::ApplicationCredential
            }
        }
    }

    fn identity(&self) -> Value {
        match self {
            Self::Password {
                user,
                password,
                code,
            } => {
                let with = |member: &str, secret: &SecretString| {
                    let mut user = user.json();
                    user.insert(member.to_owned(), secret.expose_secret().into());
                    json!({"user": user})
                };
                let mut identity =
                    json!({"methods": ["password"], "password": with("password", password)});
                if let Some(code) = code {
                    identity["methods"] = json!(["password", "totp"]);
                    identity["totp"] = with("passcode", code);
                }
                identity
            }
            Self::ApplicationCredential { id, secret } => json!({
                "methods": ["application_credential"],
                "application_credential": {"id": id, "secret": secret.expose_secret()},
            }),
            Self::NamedApplicationCredential { name, user, secret } => json!({
                "methods": ["application_credential"],
                "application_credential": {"name": name, "user": user.json(), "secret": secret.expose_secret()},
            }),
        }
    }
}

/// The first half of a sign-in, to be completed by a code.
#[derive(Clone)]
pub struct Receipt {
    value: SecretString,
    user: String,
}

#[cfg(test)]
impl Receipt {
    pub(crate) fn none() -> Self {
        Self {
            value: "".into(),
            user: String::new(),
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(kept from view)")
    }
}

impl Keystone {
    /// Signs in. A project is not asked for yet, because Keystone gives a wrong password and a wrong
    /// project the same answer; the session is in the user's default project, in the application
    /// credential's, or in none.
    pub async fn sign_in(&self, sign_in: &SignIn) -> Result<KeystoneSession, PortalError> {
        let auth = json!({"identity": sign_in.identity()});
        let answer = self.authenticate(&auth, None).await?;
        self.conclude(&answer, sign_in.method())
    }

    /// Completes a sign-in that was answered with [`PortalError::NeedsSecondFactor`].
    pub async fn second_factor(
        &self,
        challenge: &Challenge,
        code: &SecretString,
    ) -> Result<KeystoneSession, PortalError> {
        let Receipt { value, user } = &challenge.receipt;
        let totp = json!({"user": {"id": user, "passcode": code.expose_secret()}});
        let auth = json!({"identity": {"methods": ["totp"], "totp": totp}});
        let answer = self.authenticate(&auth, Some(value)).await?;
        self.conclude(&answer, SignInMethod::Totp)
    }

    pub(super) async fn authenticate(
        &self,
        auth: &Value,
        receipt: Option<&SecretString>,
    ) -> Result<Answer, PortalError> {
        let mut request = self
            .http
            .post(self.below(&["auth", "tokens"]))
            .json(&json!({"auth": auth}));
        if let Some(receipt) = receipt {
            request = request.header(RECEIPT, refusal::hidden(receipt)?);
        }
        wire::send_again(request).await
    }

    fn conclude(
        &self,
        answer: &Answer,
        method: SignInMethod,
    ) -> Result<KeystoneSession, PortalError> {
        // An application credential that does not exist is a 404, for whatever reason.
        let unknown = answer.status == StatusCode::NOT_FOUND && refusal::words(answer).is_some();
        if answer.status == StatusCode::UNAUTHORIZED || unknown {
            return Err(unaccepted(answer, method));
        }
        self.session(answer, DOING)
    }

    /// Reads a token from the answer that brought it.
    pub(super) fn session(
        &self,
        answer: &Answer,
        doing: &'static str,
    ) -> Result<KeystoneSession, PortalError> {
        if answer.status != StatusCode::CREATED && answer.status != StatusCode::OK {
            return Err(refusal::explain(answer, doing));
        }
        let TokenBody { token } = answer.json(doing)?;
        let value = answer
            .header("x-subject-token")
            .ok_or_else(|| answer.not_understood(doing))?;
        Ok(KeystoneSession::new(self.clone(), value.into(), token))
    }
}

fn unaccepted(answer: &Answer, method: SignInMethod) -> PortalError {
    if let (Some(value), Some(body)) = (answer.header(RECEIPT), answer.try_json::<ReceiptBody>()) {
        let done = &body.receipt.methods;
        let asks = body.required_auth_methods.into_iter();
        let asks = asks
            .map(|set| {
                set.into_iter()
                    .filter(|method| !done.contains(method))
                    .collect()
            })
            .collect();
        let receipt = Receipt {
            value: value.into(),
            user: body.receipt.user.id,
        };
        return PortalError::NeedsSecondFactor(Box::new(Challenge { asks, receipt }));
    }
    let Some(message) = refusal::words(answer) else {
        return answer.not_understood(DOING);
    };
    let expired = message.to_ascii_lowercase().contains("password is expired");
    let said = Box::new(answer.said(message));
    if expired {
        PortalError::PasswordExpired { said }
    } else {
        PortalError::SignInRefused { with: method, said }
    }
}

impl SignIn {
    /// The sign-in that a cloud from a file wants, with the secret that the file or the user gave.
    /// `None` when the file lacks what is needed; [`ImportedCloud::unusable`] says what.
    pub fn imported(cloud: &ImportedCloud, secret: SecretString) -> Option<Self> {
        let user = || {
            let domain = match (&cloud.user_domain, &cloud.user_domain_id) {
                (Some(name), _) => Domain::Name(name.clone()),
                (None, Some(id)) => Domain::Id(id.clone()),
                // Keystone's own default, which every installation has.
                (None, None) => Domain::Id("default".to_owned()),
            };
            match (&cloud.user_id, &cloud.user) {
                (Some(id), _) => Some(UserRef::Id(id.clone())),
                (None, Some(name)) => Some(UserRef::Name {
                    name: name.clone(),
                    domain,
                }),
                (None, None) => None,
            }
        };
        match &cloud.method {
            CloudMethod::Password => Some(Self::Password {
                user: user()?,
                password: secret,
                code: None,
            }),
            CloudMethod::ApplicationCredential { id: Some(id), .. } => {
                Some(Self::ApplicationCredential {
                    id: id.clone(),
                    secret,
                })
            }
            CloudMethod::ApplicationCredential {
                name: Some(name), ..
            } => Some(Self::NamedApplicationCredential {
                name: name.clone(),
                user: user()?,
                secret,
            }),
            CloudMethod::ApplicationCredential { .. }
            | CloudMethod::Oidc(_)
            | CloudMethod::Other(_) => None,
        }
    }
}
