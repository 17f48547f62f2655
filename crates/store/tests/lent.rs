//! Keys that are lent: asked for with each request, replaced in the middle of what they are used for.

#![allow(clippy::unwrap_used, clippy::unnecessary_wraps)]

mod conformance;

use std::collections::{BTreeMap, VecDeque};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use conformance::{Can, get, pattern, put, read};
use secrecy::ExposeSecret;
use wherry_account::Signing;
use wherry_store::{
    Body, ContentCheck, Credentials, ErrorKind, HttpSettings, KeyLender, KeySource, LentKey,
    ListRequest, ObjectStore, S3Config, S3Store, StoreError, UploadPartRequest,
};
use wherry_testbed::{Rgw, Testbed, unique_bucket};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Gives out the keys it was given, the next one when the store calls the one before spent.
#[derive(Debug)]
struct Purse {
    keys: Mutex<VecDeque<LentKey>>,
    asked: AtomicUsize,
    spent: Mutex<Vec<String>>,
}

impl Purse {
    fn of(keys: impl IntoIterator<Item = LentKey>) -> Arc<Self> {
        Arc::new(Self {
            keys: Mutex::new(keys.into_iter().collect()),
            asked: AtomicUsize::default(),
            spent: Mutex::default(),
        })
    }

    fn next(&self) {
        self.keys.lock().unwrap().pop_front();
    }
}

#[async_trait]
impl KeyLender for Purse {
    async fn current(&self) -> Result<LentKey, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let key = self.keys.lock().unwrap().front().cloned();
        key.ok_or_else(|| {
            StoreError::new(
                ErrorKind::KeyExpired,
                "",
                "you are no longer signed in to sts.example.org",
            )
        })
    }

    fn spent(&self, access_key_id: &str) {
        self.spent.lock().unwrap().push(access_key_id.to_owned());
        let mut keys = self.keys.lock().unwrap();
        if keys
            .front()
            .is_some_and(|key| key.credentials.access_key_id == access_key_id)
        {
            keys.pop_front();
        }
    }
}

fn key(id: &str, secret: &str, token: Option<&str>, expires: Option<DateTime<Utc>>) -> LentKey {
    LentKey {
        credentials: Credentials {
            access_key_id: id.to_owned(),
            secret: secret.to_owned().into(),
            session_token: token.map(|token| token.to_owned().into()),
        },
        expires,
    }
}

fn lent(endpoint: &str, signing: Signing, purse: &Arc<Purse>) -> S3Store {
    S3Store::new(S3Config {
        signing,
        credentials: Some(KeySource::Lent(purse.clone())),
        ..S3Config::new(endpoint.parse().unwrap(), None)
    })
    .unwrap()
}

fn in_an_hour() -> Option<DateTime<Utc>> {
    Some(Utc::now() + TimeDelta::hours(1))
}

fn an_hour_ago() -> Option<DateTime<Utc>> {
    Some(Utc::now() - TimeDelta::hours(1))
}

/// A role that the gateway lends keys for, taken on with boto3, which is not our code.
fn assume_role(rgw: &Rgw) -> LentKey {
    let program = "
import sys, json, boto3
endpoint, access, secret = sys.argv[1:]
sts = boto3.client('sts', endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name='us-east-1')
key = sts.assume_role(RoleArn='arn:aws:iam:::role/Reader', RoleSessionName='test', DurationSeconds=900)['Credentials']
print(json.dumps([key['AccessKeyId'], key['SecretAccessKey'], key['SessionToken'], key['Expiration'].isoformat()]))
";
    let done = Command::new(Testbed::python())
        .args([
            "-c",
            program,
            &rgw.endpoint,
            &rgw.access_key,
            &rgw.secret_key,
        ])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let [id, secret, token, expires]: [String; 4] = serde_json::from_slice(&done.stdout).unwrap();
    key(&id, &secret, Some(&token), expires.parse().ok())
}

fn with_a_role() -> Rgw {
    let rgw = Rgw::start_private_with_sts();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/test"]},"Action":["sts:AssumeRole"]}]}"#;
    let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}"#;
    rgw.admin(&[
        "role",
        "create",
        "--role-name=Reader",
        &format!("--assume-role-policy-doc={trust}"),
    ]);
    rgw.admin(&[
        "role-policy",
        "put",
        "--role-name=Reader",
        "--policy-name=all",
        &format!("--policy-doc={may}"),
    ]);
    rgw
}

// Promise: A transfer may take longer than a key lives: an upload begun with one lent key is
// completed with the next.
#[tokio::test]
async fn an_upload_begun_with_one_key_is_completed_with_the_next() {
    let rgw = with_a_role();
    let (first, second) = (assume_role(&rgw), assume_role(&rgw));
    assert_ne!(
        first.credentials.access_key_id,
        second.credentials.access_key_id
    );
    let purse = Purse::of([first, second.clone()]);
    let store = lent(&rgw.endpoint, Signing::V4, &purse);
    let bucket = unique_bucket("lent");
    store.create_bucket(&bucket).await.unwrap();
    let upload = store
        .create_upload(&bucket, "long", None, &BTreeMap::default())
        .await
        .unwrap();
    let whole = pattern((5 << 20) + 100);
    let part = |number: u32, body: &[u8]| UploadPartRequest {
        bucket: bucket.clone(),
        key: "long".to_owned(),
        upload: upload.clone(),
        number,
        body: Body::Bytes(body.to_vec().into()),
        check: ContentCheck::default(),
    };
    let one = store.upload_part(part(1, &whole[..5 << 20])).await.unwrap();
    purse.next();
    let two = store.upload_part(part(2, &whole[5 << 20..])).await.unwrap();
    store
        .complete_upload(&bucket, "long", &upload, &[one, two])
        .await
        .unwrap();
    assert!(read(&store, get(&bucket, "long")).await.unwrap() == whole);

    // Links are signed with the key that is good now, token included, and work.
    let link = store
        .presign_get(&bucket, "long", Duration::from_mins(1))
        .await
        .unwrap();
    let id = &second.credentials.access_key_id;
    assert!(link.expose_secret().contains(id.as_str()));
    let http = wherry_store::http::client(&HttpSettings::default()).unwrap();
    let answer = http.get(link.expose_secret()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap() == whole);
}

#[tokio::test]
async fn a_lent_key_can_do_everything_by_either_signature() {
    let rgw = with_a_role();
    let purse = Purse::of([assume_role(&rgw)]);
    for signing in [Signing::V4, Signing::V2] {
        let store = lent(&rgw.endpoint, signing, &purse);
        let no_condition = Can {
            put_if_absent: false,
            ..Can::EVERYTHING
        };
        conformance::everything(&store, no_condition, unique_bucket).await;
    }
    assert!(purse.spent.lock().unwrap().is_empty());
}

/// Ceph says "access denied" to a key whose time is over; the clock says why.
#[tokio::test]
async fn a_key_that_has_run_out_is_replaced_and_the_request_made_again() {
    let rgw = with_a_role();
    let good = assume_role(&rgw);
    let over = key("gone", "secret", None, an_hour_ago());
    for signing in [Signing::V4, Signing::V2] {
        let purse = Purse::of([over.clone(), good.clone()]);
        let store = lent(&rgw.endpoint, signing, &purse);
        store.list_buckets().await.unwrap();
        assert_eq!(*purse.spent.lock().unwrap(), ["gone"]);

        // Nobody has another one: it is said as it is.
        let purse = Purse::of([over.clone(), over.clone()]);
        let store = lent(&rgw.endpoint, signing, &purse);
        let error = store.list_buckets().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::KeyExpired, "{error}");
        assert_eq!(error.status, Some(403));
    }
    // The same refusal of a key that has time left is what it says.
    let purse = Purse::of([key("gone", "secret", None, in_an_hour())]);
    let error = lent(&rgw.endpoint, Signing::V4, &purse)
        .list_buckets()
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(purse.spent.lock().unwrap().is_empty());
}

fn refusal(code: &str) -> ResponseTemplate {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><RequestId>tx1</RequestId></Error>"
    );
    ResponseTemplate::new(403).set_body_raw(body, "application/xml")
}

#[tokio::test]
async fn what_keeps_a_key_from_being_lent_is_said_in_its_own_words() {
    let server = MockServer::start().await;
    let purse = Purse::of([]);
    for signing in [Signing::V4, Signing::V2] {
        let store = lent(&server.uri(), signing, &purse);
        let error = store.put(put("b", "k", "x")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::KeyExpired);
        assert_eq!(
            error.to_string(),
            "could not upload the object: you are no longer signed in to sts.example.org"
        );
        let error = store
            .presign_get("b", "k", Duration::from_secs(1))
            .await
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::KeyExpired);
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

/// The store's clock decides, as its answer shows it: this computer's may be behind.
#[tokio::test]
async fn the_stores_clock_decides_whether_a_key_has_run_out() {
    let server = MockServer::start().await;
    let later = (Utc::now() + TimeDelta::minutes(10))
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    Mock::given(any())
        .respond_with(move |request: &Request| {
            let signed = request.headers["authorization"].to_str().unwrap().to_owned();
            if signed.contains("fresh") {
                return ResponseTemplate::new(200).set_body_raw(
                    "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
                    "application/xml",
                );
            }
            // HEAD answers have no body to say anything in.
            let answer = if request.method.as_str() == "HEAD" {
                ResponseTemplate::new(403)
            } else {
                refusal("AccessDenied")
            };
            answer.insert_header("date", later.as_str())
        })
        .mount(&server)
        .await;
    let listing = ListRequest {
        bucket: "b".to_owned(),
        ..ListRequest::default()
    };
    let over_there = Some(Utc::now() + TimeDelta::minutes(5));
    let old = key("old", "s", Some("t"), over_there);
    let fresh = key("fresh", "s", Some("t"), in_an_hour());
    let purse = Purse::of([old.clone(), fresh.clone()]);
    lent(&server.uri(), Signing::V4, &purse)
        .list(listing)
        .await
        .unwrap();
    let purse = Purse::of([old, fresh]);
    lent(&server.uri(), Signing::V2, &purse)
        .head_bucket("b")
        .await
        .unwrap();
    assert_eq!(purse.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_key_the_store_no_longer_knows_is_replaced_too() {
    for code in [
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
    ] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(refusal(code))
            .mount(&server)
            .await;
        let keys = ["a", "b", "c"].map(|id| key(id, "s", None, in_an_hour()));
        let purse = Purse::of(keys.clone());
        let store = lent(&server.uri(), Signing::V4, &purse);
        assert!(store.put(put("b", "k", "x")).await.is_err());
        // Once more, and not for ever.
        assert_eq!(*purse.spent.lock().unwrap(), ["a", "b"], "{code}");

        // Another lender over the same store.
        let other = Purse::of(keys);
        assert!(
            store
                .lent_by(other.clone())
                .unwrap()
                .head_bucket("b")
                .await
                .is_err()
        );
        assert!(other.asked.load(Ordering::Relaxed) > 0);
    }
}
