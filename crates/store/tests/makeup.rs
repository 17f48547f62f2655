//! What a store says an object was made of: what makes a copy in parts comparable with its original.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use wherry_store::*;
use wherry_testbed::{Testbed, unique_bucket};
use wiremock::matchers::{method, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const COUNT: (&str, &str) = ("x-amz-mp-parts-count", "2");

fn open(server: &MockServer) -> S3Store {
    let key = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG".to_owned().into(),
        session_token: None,
    };
    S3Store::new(S3Config::new(server.uri().parse().unwrap(), Some(key))).unwrap()
}

/// Of the first of two parts.
fn head(lines: &[(&str, &str)]) -> ResponseTemplate {
    let answer = ResponseTemplate::new(206)
        .insert_header("etag", "\"5d41402abc4b2a76b9719d911017c592-2\"")
        .set_body_raw(vec![0; 5 << 10], "binary/octet-stream");
    lines.iter().fold(answer, |answer, (name, value)| {
        answer.insert_header(*name, *value)
    })
}

#[tokio::test]
async fn what_an_object_is_made_of_is_told_by_stores_that_know_the_question() {
    let kind = "x-amz-server-side-encryption";
    let customer = "x-amz-server-side-encryption-customer-algorithm";
    for (answer, first_part, encrypted) in [
        (head(&[COUNT]), Some(5 << 10), false),
        // As Ceph 16 does: this is the size of the whole.
        (head(&[]), None, false),
        (head(&[COUNT, (kind, "AES256")]), Some(5 << 10), false),
        (head(&[COUNT, (kind, "aws:kms")]), Some(5 << 10), true),
        (head(&[(customer, "AES256")]), None, true),
        (ResponseTemplate::new(400), None, false),
        (ResponseTemplate::new(416), None, false),
        (ResponseTemplate::new(501), None, false),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("HEAD"))
            .and(query_param("partNumber", "1"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let makeup = open(&server).makeup("bucket", "key").await.unwrap();
        let expected = Makeup {
            first_part,
            encrypted,
        };
        assert_eq!(makeup, expected);
    }
}

#[tokio::test]
async fn a_busy_store_is_asked_again_what_an_object_is_made_of() {
    let server = MockServer::start().await;
    Mock::given(method("HEAD"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("HEAD"))
        .respond_with(head(&[COUNT]))
        .mount(&server)
        .await;
    let makeup = open(&server).makeup("bucket", "key").await.unwrap();
    assert_eq!(makeup.first_part, Some(5 << 10));
}

// When this fails, there is a gateway that tells, and its copies in parts need no guess.
#[tokio::test]
async fn ceph_16_does_not_tell() {
    let rgw = Testbed::rgw();
    let key = Credentials {
        access_key_id: rgw.access_key.clone(),
        secret: rgw.secret_key.clone().into(),
        session_token: None,
    };
    let endpoint = rgw.endpoint.parse().unwrap();
    let store = S3Store::new(S3Config::new(endpoint, Some(key))).unwrap();
    let bucket = unique_bucket("makeup");
    store.create_bucket(&bucket).await.unwrap();
    let (metadata, key) = (BTreeMap::new(), "in parts");
    let upload = store.create_upload(&bucket, key, None, &metadata).await;
    let upload = upload.unwrap();
    let mut parts = Vec::new();
    for (number, length) in [(1, 5 << 20), (2, 1000)] {
        let request = UploadPartRequest {
            bucket: bucket.clone(),
            key: key.to_owned(),
            upload: upload.clone(),
            number,
            body: Body::Bytes(vec![number as u8; length].into()),
            check: ContentCheck::default(),
        };
        parts.push(store.upload_part(request).await.unwrap());
    }
    let completed = store.complete_upload(&bucket, key, &upload, &parts).await;
    completed.unwrap();
    let makeup = store.makeup(&bucket, key).await.unwrap();
    assert_eq!(makeup, Makeup::default());
    let whole = store.head(&bucket, key).await.unwrap();
    assert_eq!(whole.size, (5 << 20) + 1000);
    store.delete(&bucket, vec![key.to_owned()]).await;
    store.delete_bucket(&bucket).await.unwrap();
}
