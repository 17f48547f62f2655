//! The real store behind the doubles: a key that a double gives out is made known to a Ceph gateway.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

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

/// What lent keys are of.
const ROLE: &str = "Lending";

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
        let (status, body) = gateway.change_user(Method::PUT, &query).await;
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
        let (status, body) = gateway.change_user(Method::DELETE, &query).await;
        assert!(
            matches!(status, 200 | 403 | 404),
            "the gateway keeps a key: {status} {body}"
        );
    }

    /// A temporary key of the gateway's own token service, for one hour: its id, secret and session token.
    ///
    /// # Panics
    /// When there is no gateway, or its token service is off.
    pub async fn lend(&self, session: &str) -> (String, String, String) {
        let gateway = self.0.as_ref().expect("a gateway to lend keys of");
        gateway.make_role().await;
        let role = format!("arn:aws:iam:::role/{ROLE}");
        let query = [
            ("Action", "AssumeRole"),
            ("DurationSeconds", "3600"),
            ("RoleArn", &role),
            ("RoleSessionName", session),
            ("Version", "2011-06-15"),
        ];
        let (status, body) = gateway.ask(Method::POST, "/", "sts", &query).await;
        assert!(status == 200, "the gateway lends no key: {status} {body}");
        let member = |name: &str| {
            let (_, rest) = body
                .split_once(&format!("<{name}>"))
                .unwrap_or_else(|| panic!("no {name} in {body}"));
            rest.split('<').next().unwrap_or_default().to_owned()
        };
        (
            member("AccessKeyId"),
            member("SecretAccessKey"),
            member("SessionToken"),
        )
    }
}

impl Gateway {
    /// Several doubles change the one user's keys at once, and of two such changes that meet the gateway
    /// answers one with 500.
    async fn change_user(&self, method: Method, query: &[(&str, &str)]) -> (u16, String) {
        let mut tries = 0;
        loop {
            let answer = self.ask(method.clone(), "/admin/user", "s3", query).await;
            tries += 1;
            if answer.0 != 500 || tries == 40 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(25 * tries)).await;
        }
    }

    /// A role that the keys' owner may take on, and that may do everything in S3.
    async fn make_role(&self) {
        // The gateway cannot read a policy with spaces in it.
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["arn:aws:iam:::user/{}"]}},"Action":["sts:AssumeRole"]}}]}}"#,
            self.uid
        );
        let create = [
            ("Action", "CreateRole"),
            ("AssumeRolePolicyDocument", &trust),
            ("Path", "/"),
            ("RoleName", ROLE),
            ("Version", "2010-05-08"),
        ];
        let (status, body) = self.ask(Method::POST, "/", "iam", &create).await;
        // 409: it is there.
        assert!(matches!(status, 200 | 409), "no role: {status} {body}");
        let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}"#;
        let allow = [
            ("Action", "PutRolePolicy"),
            ("PolicyDocument", all),
            ("PolicyName", "everything"),
            ("RoleName", ROLE),
            ("Version", "2010-05-08"),
        ];
        let (status, body) = self.ask(Method::POST, "/", "iam", &allow).await;
        assert!(status == 200, "no policy: {status} {body}");
    }

    /// A request signed with Signature V4. What is asked for goes into the query, sorted; of a POST into its
    /// body, where the gateway looks for an `Action`.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        service: &str,
        asked: &[(&str, &str)],
    ) -> (u16, String) {
        let url = self.url.trim_end_matches('/');
        let host = url.split_once("://").map_or(url, |(_, host)| host);
        let asked: Vec<String> = asked
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)))
            .collect();
        let asked = asked.join("&");
        let (query, body) = match method {
            Method::POST => (String::new(), asked),
            _ => (asked, String::new()),
        };
        let digest = hex(&Sha256::digest(&body));
        let stamp = Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
        let names = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{digest}\n\
             x-amz-date:{stamp}\n\n{names}\n{digest}"
        );
        let scope = format!("{}/us-east-1/{service}/aws4_request", &stamp[..8]);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key_id,
            signature(&self.secret_access_key, &stamp, &scope, &canonical)
        );
        let client =
            wherry_store::http::client(&HttpSettings::default()).expect("a client without options");
        let answer = client
            .request(method, format!("{url}{path}?{query}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-amz-content-sha256", digest)
            .header("x-amz-date", stamp)
            .header("authorization", authorization)
            .body(body)
            .send()
            .await
            .expect("the gateway answers");
        (
            answer.status().as_u16(),
            answer.text().await.unwrap_or_default(),
        )
    }
}

/// Signature V4 of this canonical request.
pub(crate) fn signature(secret: &str, stamp: &str, scope: &str, canonical: &str) -> String {
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/').chain([to_sign.as_str()]) {
        key = hmac(&key, part);
    }
    hex(&key)
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
