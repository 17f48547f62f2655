//! The servers come up, are what they claim to be, and are gone afterwards.

#![allow(
    clippy::unwrap_used,
    reason = "in a test, the line that failed is what one wants to know"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use wherry_testbed::{Keychain, Keystone, Rgw, Testbed, unique_bucket};

fn address(url: &str) -> SocketAddr {
    let host = url.trim_start_matches("http://").split('/').next().unwrap();
    host.replace("localhost", "127.0.0.1").parse().unwrap()
}

fn get(url: &str) -> String {
    ask("GET", url, "")
}

/// The answer to a request with this form, which may be empty.
fn ask(method: &str, url: &str, form: &str) -> String {
    let host = address(url);
    let path = url
        .trim_start_matches("http://")
        .split_once('/')
        .map_or("", |(_, path)| path);
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_gateway_speaks_s3() {
    let rgw = Testbed::rgw();
    assert!(get(&rgw.endpoint).contains("ListAllMyBucketsResult"));
    assert!(rgw.ca_file.exists());
}

#[test]
fn keystone_speaks_identity_v3_and_its_catalog_leads_to_the_gateway() {
    let (keystone, rgw) = Testbed::both();
    assert!(
        get(&keystone.url).contains("\"v3."),
        "{}",
        get(&keystone.url)
    );
    assert_eq!(keystone.regions[0].object_store, rgw.swift_endpoint);
}

#[test]
fn the_openid_provider_is_one_and_its_codes_are_good_once() {
    let oidc = Testbed::oidc();
    let document = get(&format!("{}/.well-known/openid-configuration", oidc.issuer));
    assert!(
        document.contains(&format!("\"issuer\":\"{}\"", oidc.issuer)),
        "{document}"
    );
    let sign_in = |code: &str| {
        let form = format!(
            "grant_type=password&client_id={}&username={}&password={}&totp={code}",
            oidc.client, oidc.tom.name, oidc.tom.password
        );
        ask("POST", &format!("{}/token", oidc.issuer), &form)
    };
    let code = oidc.code();
    let tokens = sign_in(&code);
    let (_, token) = tokens
        .split_once("\"access_token\":\"")
        .unwrap_or_else(|| panic!("{tokens}"));
    let token = token.split_once('"').unwrap().0;
    assert_eq!(oidc.owner(token).as_deref(), Some("tom"));
    assert_eq!(oidc.owner(&token[1..]), None);
    for refused in [code.as_str(), "", "12345"] {
        assert!(sign_in(refused).contains("Invalid user credentials"));
    }
}

#[test]
fn a_private_gateway_restarts_in_place_and_is_gone_when_dropped() {
    let rgw = Rgw::start_private();
    let endpoint = address(&rgw.endpoint);
    rgw.restart();
    assert!(rgw.admin(&["bucket", "list"]).contains(&rgw.limited_bucket));
    assert!(get(&rgw.endpoint).contains("ListAllMyBucketsResult"));
    drop(rgw);
    assert!(TcpStream::connect(endpoint).is_err());
}

/// The chain this test bed exists for, seen by an independent client.
#[test]
fn a_credential_made_in_keystone_works_on_the_gateway_until_it_is_deleted() {
    let (keystone, rgw) = Testbed::both();
    let done = Command::new(Testbed::python())
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/ec2_credential.py"
        ))
        .args([
            &keystone.url,
            &keystone.demo_project,
            &rgw.endpoint,
            &unique_bucket("ec2"),
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(said.trim(), "made: b'hello'; deleted: InvalidAccessKeyId");
}

#[test]
fn a_gateway_with_a_memory_honours_a_deleted_credential_until_it_restarts() {
    let (keystone, rgw) = Keystone::start_private_with_cache();
    let mut python = Command::new(Testbed::python());
    python
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/ec2_credential.py"
        ))
        .args([
            &keystone.url,
            &keystone.demo_project,
            &rgw.endpoint,
            &unique_bucket("ec2"),
        ])
        .arg("--then-run")
        .args([
            concat!(env!("CARGO_MANIFEST_DIR"), "/testbed"),
            "rgw",
            "restart",
        ])
        .arg(rgw.ca_file.ancestors().nth(3).unwrap());
    let done = python.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(
        said.trim(),
        "made: b'hello'; deleted: still honoured; restarted: InvalidAccessKeyId"
    );
}

#[test]
fn a_keychain_keeps_a_secret_is_locked_or_is_not_there() {
    let script = "printf s3cret | secret-tool store --label=x a b; secret-tool lookup a b";
    let look = |keychain: Keychain| {
        let done = keychain.beside("sh").args(["-c", script]).output().unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        )
    };
    assert_eq!(look(Keychain::Unlocked), "s3cret");
    assert!(look(Keychain::Locked).contains("locked collection"));
    assert!(look(Keychain::Absent).contains("org.freedesktop.secrets was not provided"));
}

/// Also when the one that asked is killed and cannot say goodbye.
#[test]
fn servers_do_not_outlive_a_killed_test() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/testbed");
    let mut shell = Command::new("sh")
        .args(["-c", "sleep 600 | \"$0\" hold --rgw", script])
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(shell.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let about: serde_json::Value = serde_json::from_str(&line).unwrap();
    let endpoint = address(about["rgw"]["endpoint"].as_str().unwrap());
    TcpStream::connect(endpoint).unwrap();
    // The whole group, as a runner does with a test that took too long.
    let killed = Command::new("kill")
        .args(["-TERM", "--", &format!("-{}", shell.id())])
        .status()
        .unwrap();
    assert!(killed.success());
    // The script has this pipe too: it ends when the script has.
    said.read_line(&mut line).unwrap();
    shell.wait().unwrap();
    assert!(TcpStream::connect(endpoint).is_err());
}

#[test]
fn bucket_names_are_valid_and_never_twice_the_same() {
    let names: std::collections::HashSet<_> = (0..100).map(|_| unique_bucket("a_Prefix")).collect();
    assert_eq!(names.len(), 100);
    for name in names {
        assert!(name.starts_with("a-prefix-") && name.len() <= 63);
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        );
    }
}
