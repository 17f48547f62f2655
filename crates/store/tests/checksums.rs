//! The checksum of the whole that some stores keep, and say when they are asked.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use wherry_store::*;
use wiremock::matchers::{header, header_exists, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

const CRC: &str = "rosUhgp5mIg=";

fn open(server: &MockServer) -> S3Store {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG".to_owned().into(),
        session_token: None,
    };
    S3Store::new(S3Config::new(
        server.uri().parse().unwrap(),
        Some(credentials),
    ))
    .unwrap()
}

fn found() -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("ETag", "\"e\"")
        .insert_header("Content-Length", "9")
}

#[tokio::test]
async fn it_is_said_when_it_is_asked_for() {
    let server = MockServer::start().await;
    Mock::given(method("HEAD"))
        .and(header("x-amz-checksum-mode", "ENABLED"))
        .respond_with(found().insert_header("x-amz-checksum-crc64nvme", CRC))
        .expect(1)
        .mount(&server)
        .await;
    let (head, crc) = open(&server).head_with_checksum("b", "k").await.unwrap();
    assert_eq!((head.etag.as_deref(), head.size), (Some("e"), 9));
    assert_eq!(crc.as_deref(), Some(CRC));
}

#[tokio::test]
async fn a_store_that_has_none_says_the_rest() {
    let server = MockServer::start().await;
    Mock::given(method("HEAD"))
        .respond_with(found())
        .mount(&server)
        .await;
    let (head, crc) = open(&server).head_with_checksum("b", "k").await.unwrap();
    assert_eq!((head.size, crc), (9, None));
}

/// Who may look at an object that is encrypted with a managed key may not be allowed its checksum.
#[tokio::test]
async fn who_may_not_have_it_is_told_the_rest() {
    let server = MockServer::start().await;
    for refusal in [403, 501] {
        server.reset().await;
        Mock::given(method("HEAD"))
            .and(header_exists("x-amz-checksum-mode"))
            .respond_with(ResponseTemplate::new(refusal))
            .with_priority(1)
            .expect(1..)
            .mount(&server)
            .await;
        Mock::given(method("HEAD"))
            .respond_with(found())
            .expect(1)
            .mount(&server)
            .await;
        let (head, crc) = open(&server).head_with_checksum("b", "k").await.unwrap();
        assert_eq!((head.size, crc), (9, None), "{refusal}");
    }
    server.reset().await;
    Mock::given(method("HEAD"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    let error = open(&server).head_with_checksum("b", "k").await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::NoSuchKey);
}

#[tokio::test]
async fn what_was_stored_is_heard_of_with_the_answer() {
    let server = MockServer::start().await;
    let put = ResponseTemplate::new(200)
        .insert_header("ETag", "\"e\"")
        .insert_header("x-amz-checksum-crc64nvme", CRC);
    Mock::given(method("PUT"))
        .respond_with(put)
        .mount(&server)
        .await;
    let completed = format!(
        "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag><ChecksumCRC64NVME>{CRC}</ChecksumCRC64NVME></CompleteMultipartUploadResult>"
    );
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(completed, "application/xml"))
        .mount(&server)
        .await;
    let store = open(&server);
    let request = PutRequest {
        bucket: "b".to_owned(),
        key: "k".to_owned(),
        body: Body::Bytes("123456789".into()),
        check: ContentCheck::default(),
        content_type: None,
        metadata: BTreeMap::new(),
        if_absent: false,
    };
    let outcome = store.put(request).await.unwrap();
    assert_eq!(outcome.crc64nvme.as_deref(), Some(CRC));
    let (upload, etag) = (UploadId("u".to_owned()), "e".to_owned());
    let part = CompletedPart {
        number: 1,
        etag,
        size: 9,
    };
    let outcome = store.complete_upload("b", "k", &upload, &[part]).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.etag.as_deref(), Some("e-1"));
    assert_eq!(outcome.crc64nvme.as_deref(), Some(CRC));
}
