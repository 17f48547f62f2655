//! Answers that real stores give and the gateway in the other tests does not: scripted, so that
//! what becomes of each can be checked.

#![allow(clippy::unwrap_used)]

mod conformance;

use std::time::Duration;

use conformance::{get, put, read};
use secrecy::ExposeSecret;
use wherry_account::{Addressing, Signing};
use wherry_store::{
    CompletedPart, CopyPartRequest, CopyRequest, Credentials, ErrorKind, GetRequest, ListRequest,
    ObjectStore, S3Config, S3Store, StoreError, UploadId,
};
use wiremock::matchers::{
    any, body_string_contains, header_exists, method, path, query_param, query_param_contains,
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG";

fn config(server: &MockServer) -> S3Config {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: SECRET.to_owned().into(),
        session_token: Some("the-session-token".to_owned().into()),
    };
    S3Config::new(server.uri().parse().unwrap(), Some(credentials))
}

fn open(server: &MockServer) -> S3Store {
    S3Store::new(config(server)).unwrap()
}

fn xml(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}"),
        "application/xml",
    )
}

fn refusal(status: u16, code: &str) -> ResponseTemplate {
    xml(
        status,
        &format!("<Error><Code>{code}</Code><Message></Message><RequestId>tx1</RequestId></Error>"),
    )
}

async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn probe(answer: ResponseTemplate) -> StoreError {
    open(&always(answer).await).probe().await.unwrap_err()
}

fn listing(bucket: &str) -> ListRequest {
    ListRequest {
        bucket: bucket.to_owned(),
        ..ListRequest::default()
    }
}

// Promise: A web page, or anything else that is not S3, is recognised and not taken for a store.
#[tokio::test]
async fn what_is_not_a_store_is_recognised() {
    let html = "<!DOCTYPE html><html><body>Welcome to nginx!</body></html>";
    for (answer, word) in [
        (
            ResponseTemplate::new(200).set_body_raw(html, "text/html"),
            "a web page",
        ),
        (
            ResponseTemplate::new(404).set_body_raw(html, "text/html"),
            "a web page",
        ),
        (
            ResponseTemplate::new(403).set_body_raw(html, "text/html"),
            "a web page",
        ),
        (
            ResponseTemplate::new(405).set_body_raw(html, "text/html"),
            "a web page",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("{\"versions\": []}", "application/json"),
            "JSON",
        ),
        (
            ResponseTemplate::new(401).set_body_raw("{\"error\": {}}", "application/json"),
            "JSON",
        ),
        (ResponseTemplate::new(200), "not an S3 answer"),
        (
            xml(200, "<feed><title>not S3</title></feed>"),
            "something else",
        ),
    ] {
        let error = probe(answer).await;
        assert_eq!(error.kind, ErrorKind::NotS3, "{error}");
        assert!(error.message.contains(word), "{error}");
    }
    // A page where an object should be, as a captive portal gives.
    let server = always(ResponseTemplate::new(200).set_body_raw(html, "text/html")).await;
    let store = open(&server);
    assert_eq!(
        read(&store, get("b", "k")).await.unwrap_err().kind,
        ErrorKind::NotS3
    );
    assert_eq!(
        store.head("b", "k").await.unwrap_err().kind,
        ErrorKind::NotS3
    );
    assert_eq!(
        store.list(listing("b")).await.unwrap_err().kind,
        ErrorKind::NotS3
    );
}

#[tokio::test]
async fn refusals_have_their_kind_and_words() {
    for (status, code, kind) in [
        (403, "InvalidAccessKeyId", ErrorKind::KeyUnknown),
        (403, "SignatureDoesNotMatch", ErrorKind::SecretWrong),
        (400, "ExpiredToken", ErrorKind::KeyExpired),
        (403, "QuotaExceeded", ErrorKind::QuotaExceeded),
        (507, "InsufficientStorage", ErrorKind::QuotaExceeded),
        (403, "UserSuspended", ErrorKind::Denied),
        (400, "BadDigest", ErrorKind::Damaged),
        (400, "RequestTimeout", ErrorKind::Interrupted),
        (501, "NotImplemented", ErrorKind::Unsupported),
        (503, "SlowDown", ErrorKind::SlowDown),
        (500, "InternalError", ErrorKind::ServerFault),
        (400, "SomethingNew", ErrorKind::Other),
    ] {
        let store = open(&always(refusal(status, code)).await);
        let error = store.put(put("b", "k", "v")).await.unwrap_err();
        assert_eq!(
            (error.kind, error.status, error.code.as_deref()),
            (kind, Some(status), Some(code))
        );
        assert!(error.message.len() > 10, "no words for {code}");
        assert!(
            error
                .to_string()
                .starts_with("could not upload the object: "),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    let store = open(&always(refusal(200, "InternalError")).await);
    let part = CompletedPart {
        number: 1,
        etag: "e".to_owned(),
        size: 1,
    };
    let error = store
        .complete_upload("b", "k", &UploadId("u".to_owned()), &[part])
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::ServerFault, "{error}");
    let copy = CopyRequest {
        from_bucket: "b".to_owned(),
        from_key: "k".to_owned(),
        to_bucket: "b".to_owned(),
        to_key: "l".to_owned(),
    };
    let error = store.copy(copy).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ServerFault, "{error}");
}

#[tokio::test]
async fn a_part_is_copied_of_the_object_that_is_meant_or_of_none() {
    let server = always(refusal(412, "PreconditionFailed")).await;
    let part = CopyPartRequest {
        copy: CopyRequest {
            from_bucket: "b".to_owned(),
            from_key: "a k".to_owned(),
            to_bucket: "b".to_owned(),
            to_key: "l".to_owned(),
        },
        upload: UploadId("u".to_owned()),
        number: 2,
        range: 10..20,
        if_match: Some("e".to_owned()),
    };
    let error = open(&server).copy_part(part).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Changed, "{error}");
    let asked = &server.received_requests().await.unwrap()[0];
    let said = |name: &str| asked.headers[name].to_str().unwrap().to_owned();
    assert_eq!(said("x-amz-copy-source"), "b/a%20k");
    assert_eq!(said("x-amz-copy-source-if-match"), "\"e\"");
    assert_eq!(said("x-amz-copy-source-range"), "bytes=10-19");
}

// Promise: Redirects are never followed: the store or the portal that sends Wherry elsewhere is
// named, and asked nothing more.
#[tokio::test]
async fn redirects_are_reported_and_never_followed() {
    let elsewhere = MockServer::start().await;
    let body =
        "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.other.example</Endpoint></Error>";
    let to_elsewhere = elsewhere.uri();
    let login = format!("{}/login?token=secret", elsewhere.uri());
    for (answer, to) in [
        (
            xml(301, body).insert_header("x-amz-bucket-region", "eu-west-2"),
            "eu-west-2",
        ),
        (xml(307, body), "b.s3.other.example"),
        (
            ResponseTemplate::new(302).insert_header("location", login.as_str()),
            to_elsewhere.as_str(),
        ),
        (
            xml(
                400,
                "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>",
            ),
            "eu-central-1",
        ),
    ] {
        let store = open(&always(answer).await);
        for error in [
            store.list(listing("b")).await.unwrap_err(),
            store.put(put("b", "k", "v")).await.unwrap_err(),
            store.get(get("b", "k")).await.map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(
                (error.kind, error.redirect.as_deref()),
                (ErrorKind::Redirect, Some(to)),
                "{error}"
            );
            assert!(!error.to_string().contains("secret"));
        }
    }
    assert!(
        elsewhere.received_requests().await.unwrap().is_empty(),
        "a redirect was followed"
    );
}

// Promise: Where a store refuses to delete many objects at once, they are deleted one by one.
#[tokio::test]
async fn a_refused_bulk_delete_becomes_single_ones() {
    for (refused, learnt) in [
        (refusal(501, "NotImplemented"), true),
        (refusal(403, "QuotaExceeded"), false),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(refused)
            .expect(if learnt { 1 } else { 2 })
            .mount(&server)
            .await;
        Mock::given(method("DELETE"))
            .and(path("/b/locked"))
            .respond_with(refusal(403, "AccessDenied"))
            .mount(&server)
            .await;
        Mock::given(method("DELETE"))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
        let store = open(&server);
        for _ in 0..2 {
            let keys = ["one", "locked", "two"].map(str::to_owned).to_vec();
            let outcomes = store.delete("b", keys).await;
            assert_eq!(outcomes.len(), 3);
            for outcome in outcomes {
                match outcome.key.as_str() {
                    "locked" => assert_eq!(outcome.result.unwrap_err().kind, ErrorKind::Denied),
                    _ => outcome.result.unwrap(),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_bulk_delete_carries_its_md5_and_reports_each_key() {
    let server = MockServer::start().await;
    let answer = "<DeleteResult><Deleted><Key>one</Key></Deleted>\
        <Error><Key>locked</Key><Code>AccessDenied</Code><Message>Signature=abc</Message></Error>\
        <Error><Key>busy</Key><Code>SlowDown</Code></Error></DeleteResult>";
    Mock::given(method("POST"))
        .and(query_param("delete", ""))
        .and(header_exists("content-md5"))
        .and(body_string_contains("<Key>locked</Key>"))
        .respond_with(xml(200, answer))
        .expect(1)
        .mount(&server)
        .await;
    // The busy one and the one it says nothing about are asked for again.
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(204))
        .expect(2)
        .mount(&server)
        .await;
    let keys = ["one", "locked", "busy", "unsaid"]
        .map(str::to_owned)
        .to_vec();
    let outcomes = open(&server).delete("b", keys).await;
    for outcome in &outcomes {
        match (&outcome.result, outcome.key.as_str()) {
            (Err(error), "locked") => {
                assert_eq!(error.kind, ErrorKind::Denied);
                assert!(!error.message.contains("abc"), "{error}");
            }
            (result, key) => assert!(result.is_ok(), "{key}: {result:?}"),
        }
    }
    let sent = server.received_requests().await.unwrap();
    for request in sent {
        let odd = request.headers.keys().find(|name| {
            let name = name.as_str();
            name.starts_with("x-amz-checksum")
                || name.starts_with("x-amz-sdk")
                || name.starts_with("amz-sdk")
                || matches!(
                    name,
                    "x-amz-trailer" | "x-amz-user-agent" | "transfer-encoding" | "content-encoding"
                )
        });
        assert_eq!(odd, None, "{} {}", request.method, request.url);
    }
}

#[tokio::test]
async fn listings_fall_back_to_the_first_version() {
    let server = MockServer::start().await;
    Mock::given(query_param("list-type", "2"))
        .respond_with(refusal(501, "NotImplemented"))
        .expect(1)
        .mount(&server)
        .await;
    let second = "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>\
        <Contents><Key>a%2Bb+c%20d</Key><Size>3</Size></Contents></ListBucketResult>";
    Mock::given(query_param("marker", "z<"))
        .respond_with(xml(200, second))
        .expect(1)
        .mount(&server)
        .await;
    let first = "<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
        <Contents><Key>a</Key><Size>3</Size><ETag>&quot;e&quot;</ETag></Contents>\
        <CommonPrefixes><Prefix>z%3C</Prefix></CommonPrefixes></ListBucketResult>";
    Mock::given(any())
        .respond_with(xml(200, first))
        .expect(2)
        .mount(&server)
        .await;
    let store = open(&server);
    let page = store.list(listing("b")).await.unwrap();
    assert_eq!(
        (
            page.objects[0].key.as_str(),
            page.objects[0].etag.as_deref()
        ),
        ("a", Some("e"))
    );
    assert_eq!(page.prefixes, ["z<"]);
    let next = ListRequest {
        continuation: page.next,
        ..listing("b")
    };
    let page = store.list(next).await.unwrap();
    assert_eq!((page.objects[0].key.as_str(), page.next), ("a+b c d", None));
    store.list(listing("b")).await.unwrap();
}

#[tokio::test]
async fn a_listing_that_would_go_in_circles_is_an_error() {
    let stuck =
        "<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>";
    let store = open(&always(xml(200, stuck)).await);
    assert_eq!(
        store.list(listing("b")).await.unwrap_err().kind,
        ErrorKind::Other
    );
}

#[tokio::test]
async fn a_busy_store_is_asked_again_for_listings_and_not_for_uploads() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(refusal(503, "SlowDown"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let empty =
        "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>";
    Mock::given(method("GET"))
        .respond_with(xml(200, empty))
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .respond_with(refusal(503, "SlowDown"))
        .expect(1)
        .mount(&server)
        .await;
    let store = open(&server);
    assert!(store.list(listing("b")).await.unwrap().objects.is_empty());
    assert_eq!(
        store.put(put("b", "k", "v")).await.unwrap_err().kind,
        ErrorKind::SlowDown
    );
}

#[tokio::test]
async fn a_store_that_ignores_ranges_is_cut_to_measure() {
    let answer = ResponseTemplate::new(200)
        .set_body_string("0123456789")
        .insert_header("etag", "\"e\"");
    let store = open(&always(answer).await);
    let request = GetRequest {
        range: Some(3..6),
        ..get("b", "k")
    };
    let answer = store.get(request.clone()).await.unwrap();
    assert_eq!((answer.head.size, answer.length), (10, 3));
    assert_eq!(read(&store, request).await.unwrap(), b"345");
    let wrong = ResponseTemplate::new(206)
        .set_body_string("012")
        .insert_header("etag", "\"e\"")
        .insert_header("content-range", "bytes 0-2/10");
    let store = open(&always(wrong).await);
    let request = GetRequest {
        range: Some(3..6),
        ..get("b", "k")
    };
    assert_eq!(
        read(&store, request).await.unwrap_err().kind,
        ErrorKind::Interrupted
    );
}

/// What every request must look like, whoever signs it.
// Promise: Over plain HTTP a Signature V4 covers the bytes that are sent.
#[tokio::test]
async fn requests_carry_what_they_should_and_nothing_else() {
    let server = always(ResponseTemplate::new(200).insert_header("etag", "\"e\"")).await;
    let upload = |signing| {
        let store = S3Store::new(S3Config {
            signing,
            ..config(&server)
        })
        .unwrap();
        async move {
            let mut request = put("b", "k", "hello");
            request.check.md5 = Some([9; 16]);
            store.put(request).await.unwrap();
        }
    };
    for signing in [Signing::V4, Signing::V2, Signing::Anonymous] {
        upload(signing).await;
    }
    let sent = server.received_requests().await.unwrap();
    let header = |request: &Request, name: &str| {
        request
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    for request in &sent {
        assert_eq!(request.body, b"hello");
        assert_eq!(header(request, "content-length"), "5");
        assert_eq!(header(request, "content-md5"), "CQkJCQkJCQkJCQkJCQkJCQ==");
        assert!(header(request, "user-agent").starts_with("Wherry/"));
        for name in [
            "x-amz-checksum-crc32",
            "x-amz-sdk-checksum-algorithm",
            "x-amz-trailer",
            "content-encoding",
            "transfer-encoding",
            "expect",
            "x-amz-user-agent",
            "amz-sdk-request",
            "amz-sdk-invocation-id",
        ] {
            assert_eq!(header(request, name), "", "{name}");
        }
    }
    let [v4, v2, anonymous] = sent.as_slice() else {
        panic!("three requests")
    };
    // The hash of "hello": over plain HTTP the signature covers the bytes.
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(header(v4, "x-amz-content-sha256"), hash);
    assert!(header(v4, "authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    assert_eq!(header(v4, "x-amz-security-token"), "the-session-token");
    assert!(header(v2, "authorization").starts_with("AWS AKIDEXAMPLE:"));
    assert_eq!(header(v2, "x-amz-security-token"), "the-session-token");
    assert!(!header(v2, "date").is_empty());
    assert_eq!(header(v2, "x-amz-content-sha256"), "");
    assert_eq!(header(anonymous, "authorization"), "");
}

// Promise: Types that hold a secret print a placeholder instead.
// Promise: What a store or a portal says is repeated without anything that signs or authorises.
#[tokio::test]
async fn secrets_stay_inside() {
    // A store that quotes the request in its refusal, as some do to help.
    let quoting = "<Error><Code>AccessDenied</Code><Message>Access denied for \
        GET /b?X-Amz-Credential=AKIDEXAMPLE&amp;X-Amz-Signature=0123456789abcdef</Message></Error>";
    let server = always(xml(403, quoting)).await;
    let config = config(&server);
    let store = S3Store::new(config.clone()).unwrap();
    let error = store.list_buckets().await.unwrap_err();
    let link = store
        .presign_get("b", "k", Duration::from_mins(1))
        .await
        .unwrap();
    assert!(link.expose_secret().contains("X-Amz-Signature="));
    for text in [
        format!("{error} {error:?}"),
        format!("{config:?}"),
        format!("{store:?}"),
        format!("{link:?}"),
    ] {
        for secret in [
            SECRET,
            "the-session-token",
            "0123456789abcdef",
            "X-Amz-Signature",
        ] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn a_bucket_with_a_strange_name_stays_one_path_segment() {
    let server = always(refusal(404, "NoSuchBucket")).await;
    let virtual_host = S3Config {
        addressing: Addressing::VirtualHost,
        ..config(&server)
    };
    for config in [config(&server), virtual_host] {
        let store = S3Store::new(config).unwrap();
        let error = store.list(listing("a/b?acl&x=#")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoSuchBucket, "{error}");
    }
    for request in server.received_requests().await.unwrap() {
        assert!(
            request.url.path().starts_with("/a%2Fb%3Facl%26x%3D%23"),
            "{}",
            request.url
        );
    }
}

#[tokio::test]
async fn a_denied_key_is_told_from_a_wrong_one_where_the_store_tells() {
    let nowhere = || query_param_contains("max-keys", "1");
    // Knows who asks: a wrong secret gets another answer.
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(refusal(403, "AccessDenied"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(refusal(403, "SignatureDoesNotMatch"))
        .mount(&server)
        .await;
    let found = open(&server).probe().await.unwrap();
    assert_eq!(
        (found.key, found.denied_listing),
        (wherry_store::KeyVerdict::Accepted, true)
    );
    // Denies both lists of buckets, but only the right key learns that a bucket does not exist.
    let server = MockServer::start().await;
    Mock::given(nowhere())
        .respond_with(refusal(404, "NoSuchBucket"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(refusal(403, "AccessDenied"))
        .mount(&server)
        .await;
    assert_eq!(
        open(&server).probe().await.unwrap().key,
        wherry_store::KeyVerdict::Accepted
    );
    // Denies everything.
    let server = always(refusal(403, "AccessDenied")).await;
    assert_eq!(
        open(&server).probe().await.unwrap().key,
        wherry_store::KeyVerdict::Unconfirmed
    );
}
