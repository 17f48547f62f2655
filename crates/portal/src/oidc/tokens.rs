//! What an issuer gives after a sign-in.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// What an issuer gave after a sign-in. In memory only, but for the refresh token.
#[derive(Clone)]
pub struct Tokens {
    /// The bearer token.
    pub access: SecretString,
    pub id: Option<SecretString>,
    pub refresh: Option<SecretString>,
    /// Of the access token.
    pub expires: Option<DateTime<Utc>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// RFC 6749, section 5.1.
#[derive(Deserialize)]
pub(super) struct TokensBody {
    access_token: SecretString,
    #[serde(default)]
    id_token: Option<SecretString>,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<i64>,
}

/// A number, which some issuers write as text.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
        Nothing(()),
    }
    Ok(match Written::deserialize(from)? {
        Written::Number(number) => Some(number as i64),
        Written::Text(text) => text.trim().parse().ok(),
        Written::Nothing(()) => None,
    })
}

impl TokensBody {
    /// `asked` is when the request was sent: from then on the access token grows old.
    pub fn into_tokens(self, asked: DateTime<Utc>) -> Tokens {
        let expires = self
            .expires_in
            .and_then(|seconds| asked.checked_add_signed(TimeDelta::try_seconds(seconds)?));
        Tokens {
            access: self.access_token,
            id: self.id_token,
            refresh: self.refresh_token,
            expires,
        }
    }
}

impl Tokens {
    /// Who signed in, to greet them by: from the ID token or, where that is a JWT too, the access token.
    /// Nobody has checked its signature.
    pub fn user(&self) -> Option<String> {
        let tokens = [self.id.as_ref(), Some(&self.access)];
        tokens.into_iter().flatten().find_map(|token| {
            let claims = claims(token)?;
            let named = [claims.preferred_username, claims.email, claims.sub];
            let mut named = named.into_iter().flatten();
            named.find(|name| !name.trim().is_empty() && !name.chars().any(char::is_control))
        })
    }
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    sub: Option<String>,
}

fn claims(token: &SecretString) -> Option<Claims> {
    let payload = token.expose_secret().split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Tokens {
        let body: TokensBody = serde_json::from_str(json).expect("reads");
        body.into_tokens(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn how_long_a_token_lasts_is_read_however_it_is_written() {
        let lasts = |expires: &str| {
            let tokens = read(&format!(r#"{{"access_token":"a"{expires}}}"#));
            tokens.expires.map(|at| at.timestamp())
        };
        for (written, seconds) in [
            ("", None),
            (r#","expires_in":300"#, Some(300)),
            (r#","expires_in":300.0"#, Some(300)),
            (r#","expires_in":"300""#, Some(300)),
            (r#","expires_in":null"#, None),
            (r#","expires_in":"soon""#, None),
            (r#","expires_in":1e300"#, None),
        ] {
            assert_eq!(lasts(written), seconds, "{written}");
        }
    }

    #[test]
    fn somebody_is_greeted_by_what_the_tokens_say_and_by_nothing_odd() {
        let jwt = |claims: &str| format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let user = |id: &str, access: &str| {
            read(&format!(
                r#"{{"access_token":"{access}","id_token":"{id}"}}"#
            ))
            .user()
        };
        let alice = jwt(r#"{"sub":"8f3c","preferred_username":"alice","email":"a@example.org"}"#);
        assert_eq!(user(&alice, "opaque").as_deref(), Some("alice"));
        assert_eq!(user("opaque", &alice).as_deref(), Some("alice"));
        assert_eq!(
            user(&jwt(r#"{"sub":"8f3c"}"#), "x").as_deref(),
            Some("8f3c")
        );
        let hostile = jwt(r#"{"preferred_username":"a\u001b[2J","sub":" "}"#);
        for odd in ["", "a.b", "a.!!.c", hostile.as_str(), &jwt("[]")] {
            assert_eq!(user(odd, "x"), None, "{odd}");
        }
    }

    #[test]
    fn tokens_do_not_show_themselves() {
        let tokens = read(r#"{"access_token":"sesame-1","refresh_token":"sesame-2"}"#);
        assert!(!format!("{tokens:?}").contains("sesame"), "{tokens:?}");
    }
}
