//! Tokens with a secret: what the gateway has for S3 keys.

use async_trait::async_trait;
use chrono::Utc;
use rand::Rng;
use rand::TryRngCore as _;
use rand::distr::Alphanumeric;
use rand::rngs::OsRng;
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use wherry_vault::Secret;
use zeroize::Zeroizing;

use super::session::{LIST, SwarmSession, explain};
use super::{capabilities, wire};
use crate::error::PortalError;
use crate::issuer::{Capabilities, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};
use crate::tenancy::{self, Wanted};
use crate::wire as exchange;

const CREATE: &str = "make a key";
/// As the JASMIN portal chooses them.
const SECRET_LENGTH: usize = 64;

#[async_trait]
impl Issuer for SwarmSession {
    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    /// The user's tokens. Those without a secret, which are no S3 keys, cannot be told from the others.
    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError> {
        let answer = self.ask(Method::GET, wire::tokens(&self.gateway)).await?;
        if answer.status != StatusCode::OK {
            return Err(explain(&answer, LIST));
        }
        let rows: Vec<wire::Row> = answer.json(LIST)?;
        let keys = rows.into_iter().map(|row| row.key(self.tenancy()));
        let own = |key: &KeyRow| !key.description.as_deref().is_some_and(tenancy::is_helper);
        Ok(keys.filter(own).collect())
    }

    async fn create_key(&self, wish: &KeyWish) -> Result<IssuedKey, PortalError> {
        let wanted = Wanted::check(wish, Utc::now())?;
        // What there is now tells a key made without an answer from the others.
        let before = self.list_keys().await?;
        let secret = new_secret(&mut OsRng.unwrap_err());
        let request = self
            .request(Method::POST, wire::new_token(&self.gateway))
            .header("X-User-Secret-Key-Meta", hidden(&secret)?)
            // One token without it breaks the JASMIN portal for its owner.
            .header("X-Custom-Meta-Source", wire::latin1(&wanted.name)?)
            .header("X-User-Token-Expires-Meta", wanted.date());
        let lost = match exchange::send(request).await {
            Ok(answer) if answer.status.is_success() => match wire::made(&answer.text()) {
                Some(id) => return Ok(self.issued(id, secret, &wanted)),
                None => answer.not_understood(CREATE),
            },
            Ok(answer) => match explain(&answer, CREATE) {
                // Something in front gave up; the gateway behind it may have made the key.
                fault @ PortalError::Fault { .. } => fault,
                refused => return Err(refused),
            },
            Err(broken) => broken,
        };
        self.find_made(&before, &wanted, secret, lost).await
    }

    async fn delete_key(&self, access_key_id: &str) -> Result<Deleted, PortalError> {
        let url = wire::token(&self.gateway, access_key_id);
        let answer = self.ask(Method::DELETE, url).await?;
        match answer.status {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(Deleted::Now),
            // The gateway has no other word for a token that is not there.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => Ok(Deleted::Before),
            _ => Err(explain(&answer, "delete a key")),
        }
    }

    async fn reset_key(&self, _: &str) -> Result<IssuedKey, PortalError> {
        Err(PortalError::CannotDo {
            reason: tenancy::NO_RESET.into(),
        })
    }
}

impl SwarmSession {
    /// After a creation whose answer was lost. The secret was ours to choose, so the key that is found is as
    /// good as one that was answered; `lost` when there is none.
    async fn find_made(
        &self,
        before: &[KeyRow],
        wanted: &Wanted,
        secret: SecretString,
        lost: PortalError,
    ) -> Result<IssuedKey, PortalError> {
        tracing::warn!(%lost, "no answer to the making of a key; looking whether it was made");
        let unclear = || PortalError::Unclear {
            cause: lost.to_string(),
        };
        let after = self.list_keys().await.map_err(|_| unclear())?;
        let known = |row: &KeyRow| before.iter().any(|b| b.access_key_id == row.access_key_id);
        let mut new = after
            .into_iter()
            .filter(|row| !known(row) && wanted.fits(row));
        match (new.next(), new.next()) {
            (None, _) => Err(lost),
            (Some(row), None) => Ok(self.issued(row.access_key_id, secret, wanted)),
            // Two of the same name and date: another computer's, with a secret that is not ours.
            (Some(_), Some(_)) => Err(unclear()),
        }
    }

    fn issued(&self, access_key_id: String, secret: SecretString, wanted: &Wanted) -> IssuedKey {
        IssuedKey {
            access_key_id,
            secret: Secret::new(secret),
            expires: Some(wanted.expires()),
            scope: Some(self.tenancy().to_owned()),
            endpoint: None,
        }
    }
}

/// Letters and digits, so that the secret survives every tool's configuration file.
fn new_secret(random: &mut impl Rng) -> SecretString {
    let mut secret = Zeroizing::new(String::with_capacity(SECRET_LENGTH));
    secret.extend(
        random
            .sample_iter(Alphanumeric)
            .take(SECRET_LENGTH)
            .map(char::from),
    );
    SecretString::from(secret.as_str())
}

/// A header value that no log shows.
fn hidden(secret: &SecretString) -> Result<HeaderValue, PortalError> {
    let mut value = wire::latin1(secret.expose_secret())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn secrets_are_64_letters_and_digits_and_never_the_same() {
        let mut random = StdRng::seed_from_u64(7);
        let (one, other) = (new_secret(&mut random), new_secret(&mut random));
        let text = one.expose_secret();
        assert_eq!(text.len(), 64);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric()), "{text}");
        assert_ne!(text, other.expose_secret());
        let again = new_secret(&mut StdRng::seed_from_u64(7));
        assert_eq!(text, again.expose_secret());
    }
}
