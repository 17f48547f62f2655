//! The conformance suite against a real Ceph gateway, by every way of signing and reaching it,
//! and what is particular to real servers: clocks, wrong keys, wrong addresses, links.

#![allow(clippy::unwrap_used, clippy::unnecessary_wraps)]

mod conformance;

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use conformance::{Can, get, pattern, put, read};
use secrecy::ExposeSecret;
use wherry_account::{Addressing, DeleteMode, ListVersion, Signing};
use wherry_store::{
    CopyPartRequest, CopyRequest, Credentials, ErrorKind, HttpSettings, KeyVerdict, ListRequest,
    ObjectStore, S3Config, S3Store, StoreError,
};
use wherry_testbed::{Rgw, Testbed, unique_bucket};

/// Ceph 16 does not look at `If-None-Match` on PUT.
const CEPH: Can = Can {
    put_if_absent: false,
    ..Can::EVERYTHING
};

fn key(id: &str, secret: &str) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: id.to_owned(),
        secret: secret.to_owned().into(),
        session_token: None,
    })
}

fn config(rgw: &Rgw) -> S3Config {
    S3Config::new(
        rgw.endpoint.parse().unwrap(),
        key(&rgw.access_key, &rgw.secret_key),
    )
}

fn config_tls(rgw: &Rgw) -> S3Config {
    let http = HttpSettings {
        ca_file: Some(rgw.ca_file.clone()),
        proxy: None,
    };
    S3Config {
        endpoint: rgw.tls_endpoint.parse().unwrap(),
        http,
        ..config(rgw)
    }
}

fn open(config: S3Config) -> S3Store {
    S3Store::new(config).unwrap()
}

#[tokio::test]
async fn signature_v4_over_http() {
    let rgw = Testbed::rgw();
    conformance::everything(&open(config(&rgw)), CEPH, unique_bucket).await;
}

#[tokio::test]
async fn signature_v4_over_https() {
    let rgw = Testbed::rgw();
    conformance::everything(&open(config_tls(&rgw)), CEPH, unique_bucket).await;
}

fn config_virtual_host(rgw: &Rgw) -> S3Config {
    let endpoint = rgw.localhost_endpoint.parse().unwrap();
    S3Config {
        endpoint,
        addressing: Addressing::VirtualHost,
        ..config(rgw)
    }
}

#[tokio::test]
async fn signature_v4_by_virtual_host() {
    let rgw = Testbed::rgw();
    let store = open(config_virtual_host(&rgw));
    assert!(
        store
            .object_url("some-bucket", "k")
            .starts_with("http://some-bucket.localhost:")
    );
    conformance::everything(&store, CEPH, unique_bucket).await;
}

#[tokio::test]
async fn signature_v2_over_http_with_old_listings_and_single_deletes() {
    let rgw = Testbed::rgw();
    let mut config = S3Config {
        signing: Signing::V2,
        ..config(&rgw)
    };
    config.quirks.list_version = ListVersion::V1;
    config.quirks.delete = DeleteMode::Single;
    conformance::everything(&open(config), CEPH, unique_bucket).await;
}

#[tokio::test]
async fn signature_v2_over_https() {
    let rgw = Testbed::rgw();
    conformance::everything(
        &open(S3Config {
            signing: Signing::V2,
            ..config_tls(&rgw)
        }),
        CEPH,
        unique_bucket,
    )
    .await;
}

#[tokio::test]
async fn signature_v2_by_virtual_host() {
    let rgw = Testbed::rgw();
    let config = S3Config {
        signing: Signing::V2,
        ..config_virtual_host(&rgw)
    };
    conformance::everything(&open(config), CEPH, unique_bucket).await;
}

#[tokio::test]
async fn listings_without_url_encoding() {
    let rgw = Testbed::rgw();
    let mut config = config(&rgw);
    config.quirks.list_url_encoding = Some(false);
    let store = open(config);
    conformance::listings(&store, &unique_bucket("plain")).await;
    let bucket = unique_bucket("plain-keys");
    store.create_bucket(&bucket).await.unwrap();
    for key in ["a+b c%20d", "<&>", "日本"] {
        store.put(put(&bucket, key, "x")).await.unwrap();
    }
    assert_eq!(
        conformance::all_keys(&store, &bucket, "", 1000).await,
        ["<&>", "a+b c%20d", "日本"]
    );
    conformance::remove(&store, &bucket).await;
}

// Promise: Objects too large for one copy request are copied in parts, and keep their metadata.
#[tokio::test]
async fn large_copies_go_in_parts_and_keep_what_belongs_to_the_object() {
    let rgw = Testbed::rgw();
    let store = open(S3Config {
        copy_whole_up_to: 6 << 20,
        copy_part_size: 5 << 20,
        ..config(&rgw)
    });
    let bucket = unique_bucket("large-copy");
    store.create_bucket(&bucket).await.unwrap();
    let body = pattern((11 << 20) + 3);
    let mut request = put(&bucket, "from/../a b+ü", body.clone());
    request.content_type = Some("application/x-hdf5".to_owned());
    request
        .metadata
        .insert("station".to_owned(), "Chilbolton".to_owned());
    store.put(request).await.unwrap();
    let copy = CopyRequest {
        from_bucket: bucket.clone(),
        from_key: "from/../a b+ü".to_owned(),
        to_bucket: bucket.clone(),
        to_key: "to".to_owned(),
    };
    let (whole, part) = (store.copies_whole_up_to(), store.copy_part_size());
    assert_eq!((whole, part), (6 << 20, 5 << 20));
    let original = store.head(&bucket, &copy.from_key).await.unwrap();
    let upload = store.create_copy_upload(&copy).await.unwrap();
    let piece = |number: u32, etag: Option<&str>| {
        let start = u64::from(number - 1) * part;
        store.copy_part(CopyPartRequest {
            copy: copy.clone(),
            upload: upload.clone(),
            number,
            range: start..(start + part).min(body.len() as u64),
            if_match: etag.map(str::to_owned),
        })
    };
    let mut parts = Vec::new();
    for number in [2, 1, 3] {
        // Ceph 16 does not look at the condition; whoever copies looks at the source once more.
        parts.push(piece(number, original.etag.as_deref()).await.unwrap());
    }
    parts.sort_by_key(|part| part.number);
    let listed = store.list_parts(&bucket, "to", &upload).await.unwrap();
    assert_eq!(listed, parts);
    store
        .complete_upload(&bucket, "to", &upload, &parts)
        .await
        .unwrap();
    let late = piece(1, None).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::NoSuchUpload);
    let head = store.head(&bucket, "to").await.unwrap();
    assert!(
        head.etag.unwrap().ends_with("-3"),
        "was not copied in parts"
    );
    assert_eq!(head.content_type.as_deref(), Some("application/x-hdf5"));
    assert_eq!(
        head.metadata.get("station").map(String::as_str),
        Some("Chilbolton")
    );
    assert!(read(&store, get(&bucket, "to")).await.unwrap() == body);

    let missing = CopyRequest {
        from_key: "missing".to_owned(),
        ..copy.clone()
    };
    let begun = store.create_copy_upload(&missing).await;
    assert_eq!(begun.unwrap_err().kind, ErrorKind::NoSuchKey);
    let upload = store.create_copy_upload(&copy).await.unwrap();
    let piece = CopyPartRequest {
        copy: missing,
        upload: upload.clone(),
        number: 1,
        range: 0..part,
        if_match: None,
    };
    let copied = store.copy_part(piece).await;
    assert_eq!(copied.unwrap_err().kind, ErrorKind::NoSuchKey);
    store.abort_upload(&bucket, "to", &upload).await.unwrap();
    assert!(store.list_uploads(&bucket, "").await.unwrap().is_empty());
    conformance::remove(&store, &bucket).await;
}

#[derive(Debug)]
struct Off(i64);
impl TimeSource for Off {
    fn now(&self) -> SystemTime {
        let by = Duration::from_secs(self.0.unsigned_abs());
        if self.0 < 0 {
            SystemTime::now() - by
        } else {
            SystemTime::now() + by
        }
    }
}

// Promise: A computer's clock that is wrong is noticed from the store's answer and corrected for
// the requests to that store.
#[tokio::test]
async fn a_wrong_clock_is_noticed_once_and_corrected() {
    let rgw = Testbed::rgw();
    for signing in [Signing::V4, Signing::V2] {
        for minutes in [20, -20] {
            let time = SharedTimeSource::new(Off(minutes * 60));
            let store = open(S3Config {
                time,
                signing,
                ..config(&rgw)
            });
            let bucket = unique_bucket("clock");
            assert_eq!(store.clock_offset(), 0);
            store.create_bucket(&bucket).await.unwrap();
            assert!(
                (store.clock_offset() + minutes * 60).abs() <= 5,
                "{}",
                store.clock_offset()
            );
            store.put(put(&bucket, "k", "v")).await.unwrap();
            let link = store
                .presign_get(&bucket, "k", Duration::from_mins(1))
                .await
                .unwrap();
            let fetched = fetch(link.expose_secret()).await;
            assert_eq!((fetched.0, fetched.1.as_slice()), (200, b"v".as_slice()));
            conformance::remove(&store, &bucket).await;

            // A refusal without a body says it as well: HEAD as the first request, many at once.
            let time = SharedTimeSource::new(Off(minutes * 60));
            let store = open(S3Config {
                time,
                signing,
                ..config(&rgw)
            });
            let heads = (0..6).map(|_| store.head_bucket(&rgw.limited_bucket));
            for head in futures::future::join_all(heads).await {
                head.unwrap();
            }
            let probe = open(S3Config {
                time: SharedTimeSource::new(Off(minutes * 60)),
                signing,
                ..config(&rgw)
            });
            let probe = probe.probe().await.unwrap();
            assert!(
                (probe.clock_offset + minutes * 60).abs() <= 5,
                "{}",
                probe.clock_offset
            );
        }
    }
}

/// Fetches a link as a browser would: by its text alone. Not by `reqwest`, whose addresses fold dots.
async fn fetch(link: &str) -> (u16, Vec<u8>) {
    use http_body_util::{BodyExt, Empty};
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http::<Empty<bytes::Bytes>>();
    // Not every system knows the names below localhost; the gateway goes by the Host header.
    let uri: http::Uri = link.parse().unwrap();
    let here = format!(
        "http://127.0.0.1:{}{}",
        uri.port_u16().unwrap(),
        uri.path_and_query().unwrap()
    );
    let request = http::Request::get(here).header("host", uri.authority().unwrap().as_str());
    let answer = client
        .request(request.body(Empty::new()).unwrap())
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (
        status,
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
}

// Promise: A link for others stops working at its time, at the latest after seven days.
// Promise: A link that lets others fetch an object does not outlive seven days.
#[tokio::test]
async fn links_work_without_a_key_until_they_expire() {
    let rgw = Testbed::rgw();
    let bucket = unique_bucket("links");
    for signing in [Signing::V4, Signing::V2] {
        for virtual_host in [false, true] {
            let config = if virtual_host {
                config_virtual_host(&rgw)
            } else {
                config(&rgw)
            };
            let config = S3Config { signing, ..config };
            let store = open(config.clone());
            store.create_bucket(&bucket).await.unwrap();
            for key in ["plain", "a b+c%2F?#&ü.txt", "../../x", "a//b", "/abs"] {
                store.put(put(&bucket, key, key.to_owned())).await.unwrap();
                let link = store
                    .presign_get(&bucket, key, Duration::from_mins(10))
                    .await
                    .unwrap();
                assert!(!format!("{link:?}").contains("Signature"));
                let (status, body) = fetch(link.expose_secret()).await;
                assert_eq!(
                    (status, body.as_slice()),
                    (200, key.as_bytes()),
                    "{signing:?} {key}"
                );
                let (status, _) = fetch(&store.object_url(&bucket, key)).await;
                assert_eq!(status, 403, "the plain address of a private object");
            }
            // An hour ago, a link for a minute was made.
            let old = open(S3Config {
                time: SharedTimeSource::new(Off(-3600)),
                ..config
            });
            let link = old
                .presign_get(&bucket, "plain", Duration::from_mins(1))
                .await
                .unwrap();
            assert_eq!(fetch(link.expose_secret()).await.0, 403);
            let too_long = store
                .presign_get(&bucket, "plain", Duration::from_hours(8 * 24))
                .await;
            assert!(too_long.is_err());
            conformance::remove(&store, &bucket).await;
        }
    }
}

async fn probe_error(config: S3Config) -> StoreError {
    open(config).probe().await.unwrap_err()
}

#[tokio::test]
async fn trying_an_account_tells_what_is_wrong() {
    let rgw = Testbed::rgw();
    for signing in [Signing::V4, Signing::V2] {
        let good = S3Config {
            signing,
            ..config(&rgw)
        };
        let probe = open(good.clone()).probe().await.unwrap();
        assert_eq!(probe.key, KeyVerdict::Accepted);
        assert!(!probe.denied_listing);
        assert!(
            probe
                .buckets
                .unwrap()
                .iter()
                .any(|bucket| bucket.name == rgw.limited_bucket)
        );
        assert!(probe.clock_offset.abs() <= 5);

        let error = probe_error(S3Config {
            credentials: key("nobody", &rgw.secret_key).map(Into::into),
            ..good.clone()
        })
        .await;
        assert_eq!(error.kind, ErrorKind::KeyUnknown, "{error}");
        let error = probe_error(S3Config {
            credentials: key(&rgw.access_key, "wrong").map(Into::into),
            ..good.clone()
        })
        .await;
        assert_eq!(error.kind, ErrorKind::SecretWrong, "{error}");
    }
    let good = config(&rgw);
    let anonymous = open(S3Config {
        credentials: None,
        ..good.clone()
    })
    .probe()
    .await
    .unwrap();
    assert_eq!(anonymous.key, KeyVerdict::Anonymous);

    // http and https mixed up, an authority nobody knows, another name, nobody there.
    let tls_port = url::Url::parse(&rgw.tls_endpoint).unwrap().port().unwrap();
    let mixed = S3Config {
        endpoint: rgw.tls_endpoint.replace("https:", "http:").parse().unwrap(),
        ..good.clone()
    };
    let error = probe_error(mixed).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.message.contains("https://"), "{error}");
    let mixed = S3Config {
        endpoint: rgw.endpoint.replace("http:", "https:").parse().unwrap(),
        ..config_tls(&rgw)
    };
    let error = probe_error(mixed).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.message.contains("http://"), "{error}");
    let unknown = S3Config {
        http: HttpSettings::default(),
        ..config_tls(&rgw)
    };
    let error = probe_error(unknown).await;
    assert_eq!(error.kind, ErrorKind::CertificateUntrusted, "{error}");
    let other_name = format!("https://127.0.0.2:{tls_port}");
    let other_name = S3Config {
        endpoint: other_name.parse().unwrap(),
        ..config_tls(&rgw)
    };
    let error = probe_error(other_name).await;
    assert!(
        matches!(error.kind, ErrorKind::Tls | ErrorKind::Unreachable),
        "{error}"
    );
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = probe_error(S3Config {
        endpoint: format!("http://127.0.0.1:{free}").parse().unwrap(),
        ..good.clone()
    })
    .await;
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    let error = probe_error(S3Config {
        endpoint: "http://s3.nowhere.invalid".parse().unwrap(),
        ..good
    })
    .await;
    assert_eq!(error.kind, ErrorKind::HostUnknown, "{error}");
    assert!(error.message.contains("s3.nowhere.invalid"), "{error}");
}

#[tokio::test]
async fn a_key_that_may_do_little_still_works_where_it_may() {
    let rgw = Testbed::rgw();
    let limited = open(S3Config {
        credentials: key(&rgw.limited.access_key, &rgw.limited.secret_key).map(Into::into),
        ..config(&rgw)
    });
    limited.head_bucket(&rgw.limited_bucket).await.unwrap();
    let keys = conformance::all_keys(&limited, &rgw.limited_bucket, "", 1000).await;
    assert!(keys.contains(&"about.txt".to_owned()), "{keys:?}");
    let error = limited
        .put(put(&rgw.limited_bucket, "k", "v"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(!error.message.is_empty());
    let probe = limited.probe().await.unwrap();
    assert_eq!(probe.key, KeyVerdict::Accepted, "{probe:?}");

    let other = open(S3Config {
        credentials: key(&rgw.other.access_key, &rgw.other.secret_key).map(Into::into),
        ..config(&rgw)
    });
    let bucket = unique_bucket("taken");
    other.create_bucket(&bucket).await.unwrap();
    let test = open(config(&rgw));
    let error = test.create_bucket(&bucket).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BucketExists, "{error}");
    let listing = ListRequest {
        bucket: bucket.clone(),
        ..ListRequest::default()
    };
    assert_eq!(
        test.list(listing).await.unwrap_err().kind,
        ErrorKind::Denied
    );
    assert_eq!(
        test.head_bucket(&bucket).await.unwrap_err().kind,
        ErrorKind::Denied
    );
    other.delete_bucket(&bucket).await.unwrap();
}

/// With the token service on, Ceph says "access denied" to a wrong key and a wrong secret too.
#[tokio::test]
async fn a_store_that_denies_everything_alike_is_said_to_do_so() {
    let rgw = Rgw::start_private_with_sts();
    let wrong = [key("nobody", "secret"), key(&rgw.access_key, "wrong")];
    for credentials in wrong {
        let probe = open(S3Config {
            credentials: credentials.map(Into::into),
            ..config(&rgw)
        })
        .probe()
        .await
        .unwrap();
        assert!(probe.denied_listing);
        assert_eq!(probe.key, KeyVerdict::Unconfirmed);
    }
    let probe = open(config(&rgw)).probe().await.unwrap();
    assert_eq!(probe.key, KeyVerdict::Accepted);
}

#[tokio::test]
async fn how_full_a_bucket_is_can_be_asked() {
    let rgw = Rgw::start_private();
    let store = open(config(&rgw));
    let bucket = unique_bucket("usage");
    store.create_bucket(&bucket).await.unwrap();
    store.put(put(&bucket, "one", "12345")).await.unwrap();
    let usage = store.usage(&bucket).await.unwrap().unwrap();
    assert_eq!((usage.used, usage.limit, usage.free()), (5, None, None));
    let admin = |arguments: &str| rgw.admin(&arguments.split(' ').collect::<Vec<_>>());
    admin(&format!(
        "quota set --quota-scope=bucket --bucket={bucket} --max-size=8192"
    ));
    admin(&format!(
        "quota enable --quota-scope=bucket --bucket={bucket}"
    ));
    let usage = store.usage(&bucket).await.unwrap().unwrap();
    assert_eq!(usage.free(), Some(8187), "{usage:?}");
    let missing = store.usage(&unique_bucket("gone")).await.unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NoSuchBucket);
}

#[tokio::test]
async fn over_quota_is_said_so_and_can_be_cleaned_up() {
    let rgw = Rgw::start_private();
    let store = open(config(&rgw));
    let bucket = unique_bucket("quota");
    store.create_bucket(&bucket).await.unwrap();
    let admin = |arguments: &str| rgw.admin(&arguments.split(' ').collect::<Vec<_>>());
    admin(&format!(
        "quota set --quota-scope=bucket --bucket={bucket} --max-objects=2"
    ));
    admin(&format!(
        "quota enable --quota-scope=bucket --bucket={bucket}"
    ));
    rgw.restart();
    let store = open(config(&rgw));
    for name in ["one", "two"] {
        store.put(put(&bucket, name, "x")).await.unwrap();
    }
    let error = store
        .put(put(&bucket, "three", pattern(8 << 20)))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::QuotaExceeded, "{error}");
    let outcomes = store
        .delete(&bucket, vec!["one".to_owned(), "two".to_owned()])
        .await;
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
}
