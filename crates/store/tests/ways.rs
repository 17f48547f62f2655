//! The way to the store: proxies of every kind, connections that break, stall or never come about.

#![allow(clippy::unwrap_used, clippy::unnecessary_wraps)]

mod conformance;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use conformance::{get, pattern, put, read};
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use wherry_store::progress::{Meter, metered};
use wherry_store::{
    CompletedPart, Credentials, ErrorKind, HttpSettings, ObjectStore, Patience, Rates, S3Config,
    S3Store, Throttle, UploadId,
};
use wherry_testbed::{Rgw, Testbed, unique_bucket};

fn credentials(rgw: &Rgw) -> Option<Credentials> {
    let secret = rgw.secret_key.clone().into();
    Some(Credentials {
        access_key_id: rgw.access_key.clone(),
        secret,
        session_token: None,
    })
}

/// A proxy that counts what went through it, and wants `user:pass` where it can.
async fn proxy(
    serve: fn(TcpStream) -> futures::future::BoxFuture<'static, Option<()>>,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let counted = counted.clone();
            tokio::spawn(async move {
                if serve(client).await.is_some() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    (address, count)
}

async fn head_of(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Plain requests with whole addresses, and CONNECT.
fn http_proxy(mut client: TcpStream) -> futures::future::BoxFuture<'static, Option<()>> {
    Box::pin(async move {
        let head = head_of(&mut client).await?;
        let authorized = head
            .to_ascii_lowercase()
            .contains("proxy-authorization: basic dxnlcjpwyxnz");
        if !authorized {
            client
                .write_all(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
                )
                .await
                .ok()?;
            return None;
        }
        let (verb, rest) = head.split_once(' ')?;
        let target = rest.split_once(' ')?.0;
        if verb == "CONNECT" {
            let mut server = TcpStream::connect(target.replace("localhost", "127.0.0.1"))
                .await
                .ok()?;
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            copy_bidirectional(&mut client, &mut server).await.ok();
        } else {
            // One request per connection is enough here: ask the server to close.
            let (host, path) = target.strip_prefix("http://")?.split_once('/')?;
            let mut server = TcpStream::connect(host).await.ok()?;
            let head = head.replacen(target, &format!("/{path}"), 1);
            let head = head.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
            server.write_all(head.as_bytes()).await.ok()?;
            copy_bidirectional(&mut client, &mut server).await.ok();
        }
        Some(())
    })
}

/// RFC 1928, with the user name and password of RFC 1929.
fn socks_proxy(mut client: TcpStream) -> futures::future::BoxFuture<'static, Option<()>> {
    Box::pin(async move {
        let mut greeting = [0; 2];
        client.read_exact(&mut greeting).await.ok()?;
        let mut methods = vec![0; greeting[1] as usize];
        client.read_exact(&mut methods).await.ok()?;
        methods.contains(&2).then_some(())?;
        client.write_all(&[5, 2]).await.ok()?;
        let mut text = Vec::new();
        client.read_u8().await.ok()?;
        for _ in 0..2 {
            let mut word = vec![0; client.read_u8().await.ok()? as usize];
            client.read_exact(&mut word).await.ok()?;
            text.push(word);
        }
        let good = text == [b"user".to_vec(), b"pass".to_vec()];
        client.write_all(&[1, u8::from(!good)]).await.ok()?;
        good.then_some(())?;
        let mut request = [0; 4];
        client.read_exact(&mut request).await.ok()?;
        let host = match request[3] {
            1 => {
                let mut ip = [0; 4];
                client.read_exact(&mut ip).await.ok()?;
                std::net::Ipv4Addr::from(ip).to_string()
            }
            3 => {
                let mut name = vec![0; client.read_u8().await.ok()? as usize];
                client.read_exact(&mut name).await.ok()?;
                String::from_utf8(name)
                    .ok()?
                    .replace("localhost", "127.0.0.1")
            }
            _ => return None,
        };
        let port = client.read_u16().await.ok()?;
        let mut server = TcpStream::connect((host.as_str(), port)).await.ok()?;
        client
            .write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])
            .await
            .ok()?;
        copy_bidirectional(&mut client, &mut server).await.ok();
        Some(())
    })
}

#[tokio::test]
async fn proxies_of_every_kind() {
    let rgw = Testbed::rgw();
    let (http, http_count) = proxy(http_proxy).await;
    let (socks, socks_count) = proxy(socks_proxy).await;
    for (address, count) in [
        (format!("http://user:pass@{http}"), &http_count),
        (format!("socks5h://user:pass@{socks}"), &socks_count),
        (format!("socks5://user:pass@{socks}"), &socks_count),
    ] {
        for (endpoint, ca_file) in [
            (&rgw.endpoint, None),
            (&rgw.tls_endpoint, Some(rgw.ca_file.clone())),
        ] {
            let http = HttpSettings {
                ca_file,
                proxy: Some(address.parse().unwrap()),
            };
            assert!(
                !format!("{http:?}").contains("pass"),
                "a proxy's password in a debug text"
            );
            let config = S3Config {
                http: http.clone(),
                ..S3Config::new(endpoint.parse().unwrap(), credentials(&rgw))
            };
            let before = count.load(Ordering::Relaxed);
            {
                let store = S3Store::new(config).unwrap();
                let bucket = unique_bucket("proxy");
                store
                    .create_bucket(&bucket)
                    .await
                    .unwrap_or_else(|e| panic!("{address} {endpoint}: {e}"));
                store
                    .put(put(&bucket, "../k", pattern(200_000)))
                    .await
                    .unwrap();
                assert!(read(&store, get(&bucket, "../k")).await.unwrap() == pattern(200_000));
                conformance::remove(&store, &bucket).await;
                // The portals' client goes the same way.
                let client = wherry_store::http::client(&http).unwrap();
                assert!(
                    client
                        .get(endpoint.as_str())
                        .send()
                        .await
                        .unwrap()
                        .status()
                        .is_success()
                );
            }
            // Counted when a connection ends.
            let patience = Instant::now() + Duration::from_secs(10);
            while count.load(Ordering::Relaxed) == before {
                assert!(
                    Instant::now() < patience,
                    "{address} was not used for {endpoint}"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for address in [
        format!("http://user:wrong@{http}"),
        format!("socks5h://user:wrong@{socks}"),
        format!("http://{free}"),
        format!("socks5h://{free}"),
        "http://proxy.nowhere.invalid:3128".to_owned(),
    ] {
        for (endpoint, ca_file) in [
            (&rgw.endpoint, None),
            (&rgw.tls_endpoint, Some(rgw.ca_file.clone())),
        ] {
            let http = HttpSettings {
                ca_file,
                proxy: Some(address.parse().unwrap()),
            };
            let config = S3Config {
                http,
                ..S3Config::new(endpoint.parse().unwrap(), credentials(&rgw))
            };
            let error = S3Store::new(config).unwrap().probe().await.unwrap_err();
            assert_eq!(
                error.kind,
                ErrorKind::Proxy,
                "{address} {endpoint}: {error}"
            );
            assert!(!error.message.contains("wrong"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_portals_client_explains_itself() {
    let rgw = Testbed::rgw();
    let client = wherry_store::http::client(&HttpSettings::default()).unwrap();
    let trusting = wherry_store::http::client(&HttpSettings {
        ca_file: Some(rgw.ca_file.clone()),
        proxy: None,
    })
    .unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(
        trusting
            .get(&rgw.tls_endpoint)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    for (client, url, kind) in [
        (
            &client,
            rgw.tls_endpoint.clone(),
            ErrorKind::CertificateUntrusted,
        ),
        (
            &client,
            rgw.endpoint.replace("http:", "https:"),
            ErrorKind::Tls,
        ),
        (
            &client,
            format!("http://{free}/secret?token=x"),
            ErrorKind::Unreachable,
        ),
        (
            &client,
            "https://keystone.nowhere.invalid/v3".to_owned(),
            ErrorKind::HostUnknown,
        ),
    ] {
        let error = client.get(&url).send().await.unwrap_err();
        let (found, message) = wherry_store::http::explain(&error);
        assert_eq!(found, kind, "{url}: {message}");
        assert!(!message.contains("token"), "{message}");
    }
}

/// A server that lets a test decide what it does with each connection.
async fn server<F>(mut serve: impl FnMut(TcpStream) -> F + Send + 'static) -> url::Url
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(client));
        }
    });
    format!("http://{address}").parse().unwrap()
}

fn impatient(endpoint: url::Url) -> S3Store {
    let patience = Patience {
        connect: Duration::from_millis(500),
        window: Duration::from_millis(300),
        least: 1000,
        answer: Duration::from_millis(600),
    };
    S3Store::new(S3Config {
        patience,
        ..S3Config::new(endpoint, None)
    })
    .unwrap()
}

const HEADERS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\netag: \"e\"\r\n\r\n";

async fn first_error(store: &S3Store) -> wherry_store::StoreError {
    let mut body = store.get(get("b", "k")).await.unwrap().body;
    while let Some(piece) = body.next().await {
        if let Err(error) = piece {
            assert!(body.next().await.is_none(), "an error ends the stream");
            return error;
        }
    }
    panic!("the body ended as if it were complete");
}

#[tokio::test]
async fn a_download_that_is_cut_short_is_an_error() {
    let endpoint = server(|mut client| async move {
        head_of(&mut client).await;
        client.write_all(HEADERS).await.ok();
        client.write_all(&[7; 5000]).await.ok();
    })
    .await;
    let error = first_error(&impatient(endpoint)).await;
    assert_eq!(error.kind, ErrorKind::Interrupted, "{error}");
}

#[tokio::test]
async fn a_download_that_trickles_is_given_up() {
    let endpoint = server(|mut client| async move {
        head_of(&mut client).await;
        client.write_all(HEADERS).await.ok();
        // Never idle for long, and never getting anywhere.
        while client.write_all(&[7; 10]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let error = first_error(&impatient(endpoint)).await;
    assert_eq!(error.kind, ErrorKind::Interrupted, "{error}");
    assert!(error.message.contains("next to nothing"), "{error}");
}

#[tokio::test]
async fn a_slow_reader_is_not_a_stall() {
    let endpoint = server(|mut client| async move {
        head_of(&mut client).await;
        client.write_all(HEADERS).await.ok();
        client.write_all(&vec![7; 100_000]).await.ok();
        client.shutdown().await.ok();
    })
    .await;
    let mut body = impatient(endpoint).get(get("b", "k")).await.unwrap().body;
    let mut count = 0;
    while let Some(piece) = body.next().await {
        count += piece.unwrap().len();
        // Longer than the whole window, and this end's own doing.
        tokio::time::sleep(Duration::from_millis(if count < 50_000 { 350 } else { 0 })).await;
    }
    assert_eq!(count, 100_000);
}

#[tokio::test]
async fn an_upload_that_nobody_takes_is_given_up() {
    let endpoint = server(|mut client| async move {
        head_of(&mut client).await;
        futures::future::pending::<()>().await;
    })
    .await;
    let store = impatient(endpoint);
    let meter = Meter::default();
    let error = metered(meter.clone(), store.put(put("b", "k", pattern(32 << 20))))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted, "{error}");
    assert!(
        meter.bytes() > 0 && meter.bytes() < 32 << 20,
        "{} bytes went into the buffers",
        meter.bytes()
    );
}

// Promise: A connection over which almost nothing comes is given up, and one that is waiting for a
// store at work is not.
#[tokio::test]
async fn silence_after_an_upload_is_given_up_but_not_when_the_store_has_work_to_do() {
    let endpoint = server(|mut client| async move {
        let head = head_of(&mut client).await.unwrap_or_default();
        if !(head.starts_with("POST ") && head.contains("uploadId=")) {
            futures::future::pending::<()>().await;
        }
        // Much longer than the patience for an ordinary answer.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let body = "<CompleteMultipartUploadResult><ETag>&quot;e-1&quot;</ETag></CompleteMultipartUploadResult>";
        let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<?xml version=\"1.0\"?>";
        client.write_all(answer.as_bytes()).await.ok();
        // Signs of life, far below what counts as moving.
        for _ in 0..15 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.write_all(b" ").await.ok();
        }
        client.write_all(body.as_bytes()).await.ok();
        client.shutdown().await.ok();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.ok();
    })
    .await;
    let store = impatient(endpoint);
    let error = store.put(put("b", "k", "small")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Interrupted, "{error}");
    assert!(error.message.contains("no answer"), "{error}");
    let part = CompletedPart {
        number: 1,
        etag: "e".to_owned(),
        size: 5,
    };
    let done = store
        .complete_upload("b", "k", &UploadId("u".to_owned()), &[part])
        .await
        .unwrap();
    assert_eq!(done.etag.as_deref(), Some("e-1"));
}

#[tokio::test]
async fn a_refusal_in_the_middle_of_an_upload_is_heard() {
    // As a store over quota does it: it answers without reading the body.
    let endpoint = server(|mut client| async move {
        head_of(&mut client).await;
        let body = "<?xml version=\"1.0\"?><Error><Code>QuotaExceeded</Code></Error>";
        let answer = format!(
            "HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(answer.as_bytes()).await.ok();
        let mut sink = vec![0; 1 << 16];
        while client.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    })
    .await;
    let error = impatient(endpoint)
        .put(put("b", "k", pattern(32 << 20)))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::QuotaExceeded, "{error}");
}

#[tokio::test]
async fn tls_that_never_answers_is_unreachable() {
    let endpoint = server(|client| async move {
        futures::future::pending::<()>().await;
        drop(client);
    })
    .await;
    let mut endpoint = endpoint;
    let port = endpoint.port();
    endpoint.set_scheme("https").unwrap();
    endpoint.set_port(port).unwrap();
    let error = impatient(endpoint).probe().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
}

// The limits of a few kB/s are below what the impatient store takes for a stall.
#[tokio::test]
async fn a_limit_slows_bodies_down_and_is_no_stall() {
    let endpoint = server(|mut client| async move {
        let head = head_of(&mut client).await.unwrap_or_default();
        if head.starts_with("PUT") {
            let mut body = vec![0; 3000];
            client.read_exact(&mut body).await.ok();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: \"e\"\r\n\r\n";
            client.write_all(answer).await.ok();
        } else {
            client.write_all(HEADERS).await.ok();
            client.write_all(&vec![7; 100_000]).await.ok();
            client.shutdown().await.ok();
        }
    })
    .await;
    let throttle = Throttle::new(Rates {
        upload: Some(2000),
        download: Some(100_000),
    });
    let fast = impatient(endpoint);
    let slow = fast.throttled(throttle.clone()).unwrap();
    let begin = Instant::now();
    slow.put(put("b", "first", pattern(3000))).await.unwrap();
    slow.put(put("b", "waits for the debt of the first", pattern(3000)))
        .await
        .unwrap();
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(1100), "{took:?}");

    let begin = Instant::now();
    let mut body = slow.get(get("b", "k")).await.unwrap().body;
    let mut count = 0;
    while let Some(piece) = body.next().await {
        count += piece.unwrap().len();
        if count > 30_000 {
            throttle.set(Rates::default());
        }
    }
    assert_eq!(count, 100_000);
    assert!(
        begin.elapsed() < Duration::from_mins(1),
        "the limit went away"
    );

    throttle.set(Rates {
        upload: Some(1),
        download: Some(1),
    });
    fast.put(put("b", "unlimited", pattern(3000)))
        .await
        .unwrap();
    fast.put(put("b", "unlimited", pattern(3000)))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_meter_sees_an_upload_on_its_way() {
    let rgw = Testbed::rgw();
    let store = S3Store::new(S3Config::new(
        rgw.endpoint.parse().unwrap(),
        credentials(&rgw),
    ))
    .unwrap();
    let bucket = unique_bucket("meter");
    store.create_bucket(&bucket).await.unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&pattern(3 << 20)).unwrap();
    for body in [
        wherry_store::Body::Bytes(pattern(3 << 20).into()),
        wherry_store::Body::File {
            path: file.path().to_owned(),
            offset: 0,
            length: 3 << 20,
        },
    ] {
        let meter = Meter::default();
        let mut request = put(&bucket, "k", "");
        request.body = body;
        metered(meter.clone(), store.put(request)).await.unwrap();
        assert_eq!(meter.bytes(), 3 << 20);
    }
    conformance::remove(&store, &bucket).await;
}
