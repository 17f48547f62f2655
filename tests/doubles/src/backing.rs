//! The real store behind the doubles: a key that a double gives out is made known to a Ceph gateway.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use wherry_store::HttpSettings;

/// What Signature V4 leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// Of nothing at all.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Where the keys of a double work.
#[derive(Debug, Clone, Default)]
pub struct Backing(Option<Arc<Gateway>>);

/// A Ceph gateway, and a key of somebody there who may use its admin API.
#[derive(Debug, Clone, Deserialize)]
pub struct Gateway {
    pub url: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Whose keys the new ones are to be.
    #[serde(default = "test_user")]
    pub uid: String,
}

fn test_user() -> String {
    "test".to_owned()
}

impl Backing {
    /// The keys open nothing.
    pub fn none() -> Self {
        Self(None)
    }

    pub fn gateway(gateway: Gateway) -> Self {
        Self(Some(Arc::new(gateway)))
    }

    /// The keys are further ones of the test bed's user `test`.
    pub fn rgw(rgw: &wherry_testbed::Rgw) -> Self {
        Self::gateway(Gateway {
            url: rgw.endpoint.clone(),
            access_key_id: rgw.access_key.clone(),
            secret_access_key: rgw.secret_key.clone(),
            uid: test_user(),
        })
    }

    /// The gateway's address, without a slash at the end.
    pub fn url(&self) -> Option<&str> {
        self.0
            .as_ref()
            .map(|gateway| gateway.url.trim_end_matches('/'))
    }

    /// Makes a key work.
    ///
    /// # Panics
    /// When the gateway refuses.
    pub async fn open(&self, access_key_id: &str, secret: &str) {
        let Some(gateway) = &self.0 else { return };
        let query = [
            ("access-key", access_key_id),
            ("generate-key", "False"),
            ("key", ""),
            ("key-type", "s3"),
            ("secret-key", secret),
            ("uid", &gateway.uid),
        ];
        let (status, body) = gateway.admin(Method::PUT, &query).await;
        assert!(status == 200, "the gateway took no key: {status} {body}");
    }

    /// Makes a key stop working.
    ///
    /// # Panics
    /// When the gateway refuses; a key that it does not know is fine.
    pub async fn close(&self, access_key_id: &str) {
        let Some(gateway) = &self.0 else { return };
        let query = [
            ("access-key", access_key_id),
            ("key", ""),
            ("key-type", "s3"),
        ];
        let (status, body) = gateway.admin(Method::DELETE, &query).await;
        assert!(
            matches!(status, 200 | 403 | 404),
            "the gateway keeps a key: {status} {body}"
        );
    }
}

impl Gateway {
    /// A request to `/admin/user`, its query sorted, signed with Signature V4.
    async fn admin(&self, method: Method, query: &[(&str, &str)]) -> (u16, String) {
        let url = self.url.trim_end_matches('/');
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let query: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)))
            .collect();
        let query = query.join("&");
        let stamp = Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
        let names = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n/admin/user\n{query}\nhost:{host}\nx-amz-content-sha256:{EMPTY_SHA256}\n\
             x-amz-date:{stamp}\n\n{names}\n{EMPTY_SHA256}"
        );
        let scope = format!("{}/us-east-1/s3/aws4_request", &stamp[..8]);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
            hex(&Sha256::digest(canonical))
        );
        let mut key = format!("AWS4{}", self.secret_access_key).into_bytes();
        for part in scope.split('/').chain([to_sign.as_str()]) {
            key = hmac(&key, part);
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key_id,
            hex(&key)
        );
        let client =
            wherry_store::http::client(&HttpSettings::default()).expect("a client without options");
        let answer = client
            .request(method, format!("{url}/admin/user?{query}"))
            .header("x-amz-content-sha256", EMPTY_SHA256)
            .header("x-amz-date", stamp)
            .header("authorization", authorization)
            .send()
            .await
            .expect("the gateway answers");
        (
            answer.status().as_u16(),
            answer.text().await.unwrap_or_default(),
        )
    }
}

fn hmac(key: &[u8], data: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(data.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
