//! What Wherry shows to stores, to other programs on this computer, and to the window.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::{Value, json};
use wherry_engine::commands::{Desk, dispatch_desk};
use wherry_engine::contract::*;

use crate::seat::*;

// Promise: Arguments that a command does not understand are refused without being repeated.
#[tokio::test]
async fn arguments_that_are_not_understood_are_not_repeated() {
    let seat = Seat::new();
    for (command, args) in [
        (
            "add_account",
            json!({ "name": 3, "secret": "hunter2hunter2" }),
        ),
        (
            "give_secret",
            json!({ "secret": { "hunter2hunter2": "hunter2hunter2" } }),
        ),
        (
            "portal_sign_in",
            json!({ "url": "x", "signIn": { "kind": "hunter2hunter2" } }),
        ),
        ("choose_vault", json!("hunter2hunter2")),
        ("reveal", json!({ "hunter2hunter2": 1 })),
    ] {
        let refused = dispatch_desk(&seat.engine, command, args)
            .await
            .expect("is a command");
        let refused = refused.expect_err("is not understood");
        assert_eq!(refused.code, "app.arguments");
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }
    assert!(
        dispatch_desk(&seat.engine, "no_such_command", Value::Null)
            .await
            .is_none()
    );
}

/// Accepts anything, and hands over what was sent to it.
fn listener() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = format!("http://{}", listener.local_addr().expect("has one"));
    let (sender, sent) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = vec![0; 65536];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let _ = sender.send(String::from_utf8_lossy(&buffer[..read]).into_owned());
            let body = "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    (address, sent)
}

// Promise: A store gets a signature made with the secret, and never the secret itself.
#[tokio::test(flavor = "multi_thread")]
async fn stores_get_a_signature_and_never_the_secret() {
    let seat = Seat::new();
    let (address, sent) = listener();
    for (signing, begins) in [
        (SigningView::V4, "AWS4-HMAC-SHA256 Credential=AKIA1/"),
        (SigningView::V2, "AWS AKIA1:"),
    ] {
        let account = AccountForm {
            signing: Some(signing),
            ..form(
                &format!("{signing:?}"),
                &address,
                "AKIA1",
                "wJalrXUtnFEMI-K7MDENG",
            )
        };
        let id = seat.engine.add_account(account).await.expect("saves").id;
        seat.engine.buckets(id).await.expect("answers");
        let request = sent.recv().expect("a request");
        assert!(
            request.to_ascii_lowercase().contains("authorization: aws"),
            "{request}"
        );
        assert!(request.contains(begins), "{request}");
        assert!(!request.contains("wJalrXUtnFEMI"), "{request}");
    }
}

// Promise: The practice store listens on this computer's own address only.
// Promise: It answers to its own key only, which is made at random.
#[tokio::test(flavor = "multi_thread")]
async fn the_practice_store_is_on_loopback_and_wants_its_key() {
    let seat = Seat::new();
    let account = seat.engine.start_practice().await.expect("starts");
    let endpoint: url::Url = account.endpoint.parse().expect("is an address");
    assert_eq!(endpoint.host_str(), Some("127.0.0.1"));
    #[cfg(target_os = "linux")]
    {
        let port = format!(":{:04X}", endpoint.port().expect("has one"));
        let table = std::fs::read_to_string("/proc/net/tcp").expect("is there")
            + &std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
        let listens = |line: &&str| {
            line.split_whitespace()
                .nth(1)
                .is_some_and(|a| a.ends_with(&port))
                && line.contains(" 0A ")
        };
        let listening: Vec<&str> = table.lines().filter(listens).collect();
        assert_eq!(listening.len(), 1, "{table}");
        assert!(
            listening[0].contains(&format!("0100007F{port}")),
            "{listening:?}"
        );
    }
    let id = account.key.access_key_id.expect("has a key");
    let wrong = seat
        .engine
        .test_account(form("Wrong", &account.endpoint, &id, "a guess"))
        .await
        .expect("tries");
    assert!(!wrong.ok && wrong.buckets.is_none(), "{wrong:?}");
    let unsigned = AccountForm {
        signing: Some(SigningView::Anonymous),
        ..form("Nobody", &account.endpoint, "", "")
    };
    assert_eq!(
        seat.engine
            .test_account(unsigned)
            .await
            .expect("tries")
            .buckets,
        None
    );
    // Another practice store has another key.
    let other = Seat::new();
    assert_ne!(
        other
            .engine
            .start_practice()
            .await
            .expect("starts")
            .key
            .access_key_id,
        Some(id)
    );
}

// Promise: A damaged account file or a damaged encrypted file is told and never written over.
#[tokio::test]
async fn a_damaged_account_file_is_told_and_left_alone() {
    let seat = Seat::new();
    let file = seat.engine.home().accounts_file();
    std::fs::create_dir_all(file.parent().expect("has one")).expect("makes it");
    std::fs::write(&file, "format = 1\n[[account]\nname = ").expect("writes");
    let before = std::fs::read(&file).expect("reads");
    let problem = seat
        .engine
        .accounts()
        .await
        .map(|_| ())
        .expect_err("cannot be read");
    assert_eq!(problem.code, "accounts.damaged", "{problem:?}");
    let problem = seat
        .engine
        .add_account(form("Lab", "http://127.0.0.1:9", "AKIA1", "its-secret"))
        .await;
    assert_eq!(
        problem.map(|_| ()).expect_err("is not overwritten").code,
        "accounts.damaged"
    );
    assert_eq!(std::fs::read(&file).expect("reads"), before);
}
