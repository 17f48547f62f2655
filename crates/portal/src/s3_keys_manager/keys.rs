//! The life of a key at the manager.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use wherry_vault::Secret;

use super::wire::{ListBody, Made, ResetBody};
use super::{KeysManager, capabilities, refusal};
use crate::address;
use crate::error::PortalError;
use crate::issuer::{Capabilities, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};

const MANAGER: &str = "an S3 Keys Manager";
const LIST: &str = "list your keys";
const CREATE: &str = "make a key";
const RESET: &str = "give a key a new secret";
/// It may answer with fewer at a time.
const PAGE: usize = 100;
/// Nobody has as many keys; a server that goes on for ever is stopped here.
const MOST: usize = 10_000;

#[async_trait]
impl Issuer for KeysManager {
    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError> {
        let mut rows: Vec<KeyRow> = Vec::new();
        let mut offset = 0;
        while offset < MOST {
            let ListBody { credentials, count } = self.page(offset, PAGE).await?;
            let got = credentials.len();
            offset += got;
            for listed in credentials {
                let expires = listed.expires();
                // A key made or deleted between two pages moves the others.
                if rows.iter().any(|row| row.access_key_id == listed.access_id) {
                    continue;
                }
                rows.push(KeyRow {
                    access_key_id: listed.access_id,
                    description: None,
                    created: None,
                    expires,
                    scope: None,
                });
            }
            // Without a count, a page that is not full is the last one.
            if got == 0 || count.map_or(got < PAGE, |count| offset >= count) {
                break;
            }
        }
        Ok(rows)
    }

    async fn create_key(&self, wish: &KeyWish) -> Result<IssuedKey, PortalError> {
        check(wish, Utc::now())?;
        // What there is now tells a key made without an answer from the others.
        let before = self.list_keys().await?;
        let body = match wish.expires {
            Some(at) => json!({"expiration_date": at.to_rfc3339_opts(SecondsFormat::Secs, true)}),
            None => json!({}),
        };
        let request = self.request(Method::POST, &["credentials"]).json(&body);
        let lost = match self.bearer.send(request).await {
            Ok(answer) if answer.status.is_success() => {
                match answer.try_json::<Made>().map(|made| (made.expires(), made)) {
                    Some((
                        expires,
                        Made {
                            access_id: Some(access_key_id),
                            secret: Some(secret),
                            ..
                        },
                    )) => {
                        return Ok(IssuedKey {
                            access_key_id,
                            secret: Secret::new(secret),
                            expires: expires.or(wish.expires),
                            scope: None,
                            endpoint: None,
                        });
                    }
                    _ => answer.not_understood(CREATE),
                }
            }
            Ok(answer) => match refusal::explain(&answer, CREATE) {
                // A gateway in front gave up; the manager behind it may have made the key.
                fault @ PortalError::Fault { .. } => fault,
                refused => return Err(refused),
            },
            Err(broken @ PortalError::Connection { .. }) => broken,
            Err(refused) => return Err(refused),
        };
        Err(self.find_made(&before, lost).await)
    }

    async fn delete_key(&self, access_key_id: &str) -> Result<Deleted, PortalError> {
        let request = self.request(Method::DELETE, &["credentials", "access_id", access_key_id]);
        let answer = self.bearer.send_again(request).await?;
        match answer.status {
            StatusCode::NO_CONTENT | StatusCode::OK => Ok(Deleted::Now),
            StatusCode::NOT_FOUND if refusal::words(&answer).is_some() => Ok(Deleted::Before),
            _ => Err(refusal::explain(&answer, "delete a key")),
        }
    }

    /// May be asked twice when an answer is lost: the first new secret, which nobody saw, is replaced by
    /// the second.
    async fn reset_key(&self, access_key_id: &str) -> Result<IssuedKey, PortalError> {
        let path = ["credentials", "access_id", access_key_id, "secret_key"];
        let request = self.request(Method::PATCH, &path).json(&json!({}));
        let answer = self.bearer.send_again(request).await?;
        if !answer.status.is_success() {
            return Err(refusal::explain(&answer, RESET));
        }
        let made = answer.try_json::<ResetBody>().map(ResetBody::credential);
        let expires = made.as_ref().and_then(Made::expires);
        let bare = || answer.try_json::<secrecy::SecretString>();
        let Some(secret) = made.and_then(|made| made.secret).or_else(bare) else {
            tracing::warn!(status = %answer.status, answer = %answer.excerpt(), "a reset without a secret");
            return Err(PortalError::Orphan {
                access_key_id: access_key_id.to_owned(),
            });
        };
        Ok(IssuedKey {
            access_key_id: access_key_id.to_owned(),
            secret: Secret::new(secret),
            expires,
            scope: None,
            endpoint: None,
        })
    }
}

impl KeysManager {
    /// Whether there is a manager at this address that knows the user.
    pub(super) async fn look(&self) -> Result<(), PortalError> {
        self.page(0, 1).await.map(drop)
    }

    async fn page(&self, offset: usize, limit: usize) -> Result<ListBody, PortalError> {
        let mut url = address::below(&self.base, &["credentials"]);
        url.query_pairs_mut()
            .append_pair("offset", &offset.to_string())
            .append_pair("limit", &limit.to_string());
        let answer = self.bearer.send_again(self.http.get(url)).await?;
        if answer.status == StatusCode::OK {
            return answer.json(LIST);
        }
        if answer.status == StatusCode::NOT_FOUND {
            return Err(PortalError::NotAPortal {
                host: answer.host().to_owned(),
                wanted: MANAGER,
                excerpt: answer.excerpt(),
            });
        }
        Err(refusal::explain(&answer, LIST))
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http.request(method, address::below(&self.base, path))
    }

    /// After a creation whose answer was lost: what became of it. A key that was made is of no use, as its
    /// secret was in that answer only. It is not reset here: it may be another window's, made meanwhile.
    async fn find_made(&self, before: &[KeyRow], lost: PortalError) -> PortalError {
        tracing::warn!(%lost, "no answer to the making of a key; looking whether it was made");
        let unclear = || PortalError::Unclear {
            cause: lost.to_string(),
        };
        let Ok(after) = self.list_keys().await else {
            return unclear();
        };
        let known = |row: &&KeyRow| {
            let mut before = before.iter();
            !before.any(|old| old.access_key_id == row.access_key_id)
        };
        let new: Vec<&KeyRow> = after.iter().filter(known).collect();
        match new.as_slice() {
            [] => lost,
            [row] => PortalError::Orphan {
                access_key_id: row.access_key_id.clone(),
            },
            _ => unclear(),
        }
    }
}

fn check(wish: &KeyWish, now: DateTime<Utc>) -> Result<(), PortalError> {
    if wish.description.is_some() {
        return Err(PortalError::Wish {
            why: "Keys carry no description there.".into(),
        });
    }
    match wish.expires {
        Some(at) if at <= now => Err(PortalError::Wish {
            why: "A key cannot expire in the past.".into(),
        }),
        _ => Ok(()),
    }
}
