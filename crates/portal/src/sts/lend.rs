//! Having one key lent: a form posted, credentials read.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use url::form_urlencoded::Serializer;
use wherry_account::IssuerOptions;
use wherry_vault::Secret;
use zeroize::Zeroizing;

use super::role_key::RoleKey;
use super::signed::signed;
use super::{USUAL, refusal, xml};
use crate::error::PortalError;
use crate::issuer::{IssuedKey, SignInMethod};
use crate::wire::{self, Answer};

pub const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const DOING: &str = "lend a key";

/// A store that lends keys, and on what terms.
#[derive(Debug, Clone)]
pub struct Lender {
    http: Client,
    url: Url,
    options: IssuerOptions,
}

/// What a key is lent for.
pub enum Pledge<'a> {
    /// A token of an OpenID Connect issuer.
    WebIdentity(&'a SecretString),
    Ldap {
        user: &'a str,
        password: &'a SecretString,
    },
    AccessKey(&'a RoleKey),
}

impl Pledge<'_> {
    pub(super) fn method(&self) -> SignInMethod {
        match self {
            // However the token was got, the store judges the person, not a password.
            Self::WebIdentity(_) => SignInMethod::Browser,
            Self::Ldap { .. } => SignInMethod::Password,
            Self::AccessKey(_) => SignInMethod::AccessKey,
        }
    }
}

/// A key, and whose it is as far as the store says.
pub struct Lent {
    pub key: IssuedKey,
    pub subject: Option<String>,
}

impl Lender {
    /// # Errors
    /// [`PortalError::Wish`] for a life of the key that no store grants.
    pub fn new(http: Client, url: Url, options: IssuerOptions) -> Result<Self, PortalError> {
        if options.duration.is_some_and(|seconds| seconds < 900) {
            return Err(PortalError::Wish {
                why: "a lent key lasts 15 minutes at least (900 seconds)".into(),
            });
        }
        Ok(Self { http, url, options })
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    pub fn options(&self) -> &IssuerOptions {
        &self.options
    }

    pub async fn lend(&self, pledge: &Pledge<'_>) -> Result<Lent, PortalError> {
        let now = SystemTime::now();
        let answer = self.post(pledge, now).await?;
        // A clock that is wrong is no reason to send somebody away: the store has told the time.
        let answer = match refusal::skew(&answer, now.into()) {
            Some(offset) if matches!(pledge, Pledge::AccessKey(_)) => {
                self.post(pledge, moved(now, offset)).await?
            }
            _ => answer,
        };
        if answer.status != StatusCode::OK && answer.status != StatusCode::CREATED {
            return Err(refusal::explain(&answer, pledge.method(), &self.options));
        }
        let lent = xml::lent(&answer.text()).ok_or_else(|| refusal::foreign(&answer))?;
        let key = lent.credentials;
        Ok(Lent {
            key: IssuedKey {
                access_key_id: key.access_key_id,
                secret: Secret::new(key.secret_access_key).with_session_token(key.session_token),
                expires: key.expiration,
                scope: None,
                endpoint: None,
            },
            subject: lent.subject.filter(|subject| !subject.is_empty()),
        })
    }

    /// Asking twice does no harm: a key nobody got dies by itself.
    async fn post(&self, pledge: &Pledge<'_>, now: SystemTime) -> Result<Answer, PortalError> {
        let body = self.form(pledge);
        let request = self
            .http
            .post(self.url.clone())
            .header("content-type", FORM);
        let request = match pledge {
            Pledge::AccessKey(key) => signed(request, &self.url, &body, key, now)?,
            _ => request,
        };
        wire::send_again(request.body(body.as_bytes().to_vec())).await
    }

    fn form(&self, pledge: &Pledge<'_>) -> Zeroizing<String> {
        let mut form = Serializer::new(String::new());
        let action = match pledge {
            Pledge::WebIdentity(_) => "AssumeRoleWithWebIdentity",
            Pledge::Ldap { .. } => "AssumeRoleWithLDAPIdentity",
            Pledge::AccessKey(_) => "AssumeRole",
        };
        form.append_pair("Action", action)
            .append_pair("Version", "2011-06-15");
        match pledge {
            Pledge::WebIdentity(token) => {
                form.append_pair("WebIdentityToken", token.expose_secret());
            }
            Pledge::Ldap { user, password } => {
                form.append_pair("LDAPUsername", user)
                    .append_pair("LDAPPassword", password.expose_secret());
            }
            Pledge::AccessKey(_) => {}
        }
        // MinIO takes a role only where it has a role policy, and none with LDAP.
        if !matches!(pledge, Pledge::Ldap { .. }) {
            if let Some(role) = self.options.role_arn.as_deref().filter(|r| !r.is_empty()) {
                form.append_pair("RoleArn", role);
            }
            form.append_pair("RoleSessionName", &self.session_name());
        }
        let seconds = self.options.duration.unwrap_or(USUAL).to_string();
        form.append_pair("DurationSeconds", &seconds);
        // Ceph does not take `+` for a space. What is a plus itself is `%2B` by now.
        Zeroizing::new(Zeroizing::new(form.finish()).replace('+', "%20"))
    }

    /// Two to 64 of the characters that Amazon allows.
    fn session_name(&self) -> String {
        let given = self.options.session_name.as_deref().unwrap_or_default();
        let fits = |c: &char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c);
        let name: String = given.chars().filter(fits).take(64).collect();
        if name.len() < 2 {
            "wherry".to_owned()
        } else {
            name
        }
    }
}

fn moved(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 {
        time.checked_sub(by)
    } else {
        time.checked_add(by)
    };
    moved.unwrap_or(time)
}

/// Seconds from `now` to the time in a `Date` header.
pub(super) fn ahead(date: &str, now: DateTime<Utc>) -> Option<i64> {
    let theirs = DateTime::parse_from_rfc2822(date).ok()?;
    Some((theirs.with_timezone(&Utc) - now).num_seconds())
}
