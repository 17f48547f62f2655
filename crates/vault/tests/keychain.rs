//! The keychain, against a real GNOME Keyring on a private session bus, looked at with `secret-tool`.
//!
//! Each test runs itself again inside the keychain that `tests/testbed/testbed keychain` sets up; the
//! `#[ignore]`d ones below are those second halves.
#![cfg(target_os = "linux")]

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use wherry_account::{Account, AccountId, Addressing, Home, KeyFacts, Signing};
use wherry_vault::{Secret, Vault, VaultError, VaultKind, VaultStatus};

/// Runs one of the ignored tests of this file where `testbed keychain` puts it.
fn inside(state: &[&str], test: &str) {
    let testbed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/testbed/testbed");
    let mut command = Command::new(testbed);
    command
        .arg("keychain")
        .args(state)
        .arg("--")
        .arg(env::current_exe().expect("knows itself"));
    run_half(command, test);
}

fn run_half(mut command: Command, test: &str) {
    let output = command
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .output()
        .expect("starts");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{test}: {}\n{out}\n{err}",
        output.status
    );
}

fn vault() -> Vault {
    Vault::open(VaultKind::Keychain, &Home::at("/nonexistent"))
}

fn account(id: &str, name: &str, access_key_id: &str) -> Account {
    Account {
        id: AccountId::from(id.to_owned()),
        name: name.to_owned(),
        provider: "other".to_owned(),
        endpoint: "http://127.0.0.1:9".parse().expect("a URL"),
        region: "us-east-1".to_owned(),
        addressing: Addressing::Path,
        signing: Signing::V4,
        key: KeyFacts {
            access_key_id: Some(access_key_id.to_owned()),
            ..KeyFacts::default()
        },
        ca_file: None,
        proxy: None,
        issuer: None,
        opened_buckets: Vec::new(),
        added: chrono::DateTime::UNIX_EPOCH,
    }
}

fn secret_tool(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("secret-tool")
        .args(arguments)
        .output()
        .expect("secret-tool runs");
    let mut text = String::from_utf8(output.stdout).expect("text");
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

fn look_up(username: &str) -> Option<String> {
    let (found, secret) = secret_tool(&["lookup", "service", "Wherry", "username", username]);
    found.then_some(secret)
}

#[test]
fn a_secret_is_kept_where_a_person_finds_it_and_goes_when_told() {
    inside(&[], "half_keeps_and_forgets");
}

// Promise: The secret of a key is kept in the operating system's keychain, under the account's
// name.
#[tokio::test]
#[ignore = "runs inside a private keychain"]
async fn half_keeps_and_forgets() {
    let vault = vault();
    assert_eq!(vault.status().await, VaultStatus::Ready);
    let id = AccountId::from("f00d".to_owned());
    assert!(vault.load(&id).await.expect("looks").is_none());

    let first = Secret::new("wJalrXUtnFEMI/K7MDENG+bPx".into());
    vault
        .store(&account("f00d", "Göttingen lab", "AKIA1"), &first)
        .await
        .expect("stores");
    assert_eq!(
        look_up("f00d").as_deref(),
        Some("wJalrXUtnFEMI/K7MDENG+bPx")
    );
    let (_, listed) = secret_tool(&["search", "--all", "service", "Wherry"]);
    assert!(
        listed.contains("label = Wherry: Göttingen lab (AKIA1)"),
        "{listed}"
    );

    // Another program's process, as far as the keychain can tell.
    let seen = self::vault()
        .load(&id)
        .await
        .expect("loads")
        .expect("is there");
    assert_eq!(
        seen.access_key().expose_secret(),
        "wJalrXUtnFEMI/K7MDENG+bPx"
    );
    assert!(seen.session_token().is_none());

    let second = Secret::new("second".into())
        .with_session_token(Some("t".repeat(2000).into()))
        .with_renewal(Some("refresh".into()));
    vault
        .store(&account("f00d", "Lab", "AKIA2"), &second)
        .await
        .expect("replaces");
    assert_eq!(look_up("f00d").as_deref(), Some("second"));
    let seen = vault.load(&id).await.expect("loads").expect("is there");
    assert_eq!(
        seen.session_token().map(ExposeSecret::expose_secret),
        Some("t".repeat(2000).as_str())
    );
    assert_eq!(
        seen.renewal().map(ExposeSecret::expose_secret),
        Some("refresh")
    );
    assert_eq!(look_up("f00d:renewal").as_deref(), Some("refresh"));
    let (_, listed) = secret_tool(&["search", "--all", "service", "Wherry"]);
    assert!(listed.contains("label = Wherry: Lab (AKIA2)\n"), "{listed}");
    assert!(!listed.contains("AKIA1"), "{listed}");

    vault
        .store(
            &account("f00d", "Lab", "AKIA3"),
            &Secret::new("third".into()),
        )
        .await
        .expect("replaces");
    let seen = vault.load(&id).await.expect("loads").expect("is there");
    assert!(
        seen.session_token().is_none(),
        "an old token must not go with a new secret"
    );
    assert!(seen.renewal().is_none());
    vault
        .store(&account("f00d", "Lab", "AKIA2"), &second)
        .await
        .expect("replaces");

    let other = account("beef", "Other", "AKIA9");
    vault
        .store(&other, &Secret::new("stays".into()))
        .await
        .expect("stores");
    vault.delete(&id).await.expect("deletes");
    vault.delete(&id).await.expect("deletes again");
    for entry in ["f00d", "f00d:session-token", "f00d:renewal"] {
        assert_eq!(look_up(entry), None, "{entry} is left behind");
    }
    assert!(vault.load(&id).await.expect("looks").is_none());
    assert_eq!(look_up("beef").as_deref(), Some("stays"));

    // Locked while Wherry runs, as a keychain program does after a while.
    let lock = Command::new("dbus-send")
        .args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets",
        ])
        .args([
            "org.freedesktop.Secret.Service.Lock",
            "array:objpath:/org/freedesktop/secrets/collection/login",
        ])
        .output()
        .expect("dbus-send runs");
    assert!(lock.status.success(), "{lock:?}");
    assert_eq!(vault.status().await, VaultStatus::Locked);
    let refused = vault.load(&other.id).await;
    assert!(
        matches!(refused, Err(VaultError::Unavailable(VaultStatus::Locked))),
        "{refused:?}"
    );
}

#[test]
fn a_locked_keychain_says_so_and_the_secret_goes_nowhere() {
    inside(&["--locked"], "half_locked");
}

#[tokio::test]
#[ignore = "runs inside a private keychain"]
async fn half_locked() {
    let vault = vault();
    assert_eq!(vault.status().await, VaultStatus::Locked);
    let refused = vault
        .store(
            &account("f00d", "Lab", "AKIA1"),
            &Secret::new("unkept".into()),
        )
        .await;
    assert!(
        matches!(refused, Err(VaultError::Unavailable(VaultStatus::Locked))),
        "{refused:?}"
    );
    assert_eq!(
        vault.retry().await,
        VaultStatus::Locked,
        "there is nobody here to ask"
    );
}

#[test]
fn a_session_without_a_keychain_says_so_and_trying_again_works_once_there_is_one() {
    inside(&["--absent"], "half_absent");
}

// Promise: Where there is no usable keychain, nothing is kept until the user has chosen one of two
// other ways.
#[tokio::test]
#[ignore = "runs inside a session without a keychain"]
async fn half_absent() {
    let vault = vault();
    assert_eq!(vault.status().await, VaultStatus::NoService);
    let lab = account("f00d", "Lab", "AKIA1");
    for refused in [
        vault.store(&lab, &Secret::new("s".into())).await,
        vault.load(&lab.id).await.map(drop),
    ] {
        assert!(
            matches!(
                refused,
                Err(VaultError::Unavailable(VaultStatus::NoService))
            ),
            "{refused:?}"
        );
    }
    assert_eq!(vault.retry().await, VaultStatus::NoService);

    let home = env::temp_dir().join(format!("wherry-vault-{}", std::process::id()));
    std::fs::create_dir_all(&home).expect("makes a folder");
    let mut keyring = Command::new("gnome-keyring-daemon")
        .args(["--unlock", "--foreground", "--components=secrets"])
        .env("XDG_DATA_HOME", &home)
        .env_remove("DISPLAY")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    keyring
        .stdin
        .take()
        .expect("its input")
        .write_all(b"pw")
        .expect("takes the password");

    let deadline = Instant::now() + Duration::from_secs(20);
    while vault.retry().await != VaultStatus::Ready && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stored = vault
        .store(&lab, &Secret::new("kept after all".into()))
        .await;
    let found = look_up("f00d");
    keyring.kill().and_then(|()| keyring.wait()).expect("stops");
    std::fs::remove_dir_all(&home).expect("clears up");
    stored.expect("stores");
    assert_eq!(found.as_deref(), Some("kept after all"));

    // And back: the keychain has died under an open connection.
    let lost = vault.load(&lab.id).await;
    assert!(
        matches!(lost, Err(VaultError::Unavailable(VaultStatus::NoService))),
        "{lost:?}"
    );
}

#[test]
fn without_a_session_bus_it_says_so() {
    let empty = env::temp_dir();
    let mut command = Command::new(env::current_exe().expect("knows itself"));
    command
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env("XDG_RUNTIME_DIR", empty.join("no-such-folder"));
    run_half(command, "half_no_bus");
    let mut command = Command::new(env::current_exe().expect("knows itself"));
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    run_half(command, "half_no_bus");
}

#[tokio::test]
#[ignore = "runs without a session bus"]
async fn half_no_bus() {
    let vault = vault();
    assert_eq!(vault.status().await, VaultStatus::NoBus);
    let refused = vault
        .store(&account("f00d", "Lab", "AKIA1"), &Secret::new("s".into()))
        .await;
    assert!(
        matches!(refused, Err(VaultError::Unavailable(VaultStatus::NoBus))),
        "{refused:?}"
    );
    assert_eq!(vault.retry().await, VaultStatus::NoBus);
}

// Promise: The other is to be asked each time: then a secret is in memory only, and gone when
// Wherry ends.
#[tokio::test]
async fn asked_each_time_means_in_memory_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let home = Home::at(dir.path());
    let vault = Vault::open(VaultKind::Session, &home);
    assert_eq!(vault.status().await, VaultStatus::Ready);
    let lab = account("f00d", "Lab", "AKIA1");
    vault
        .store(&lab, &Secret::new(SecretString::from("here")))
        .await
        .expect("stores");
    let seen = vault
        .clone()
        .load(&lab.id)
        .await
        .expect("loads")
        .expect("is there");
    assert_eq!(seen.access_key().expose_secret(), "here");
    assert!(
        Vault::open(VaultKind::Session, &home)
            .load(&lab.id)
            .await
            .expect("looks")
            .is_none()
    );
    assert_eq!(
        std::fs::read_dir(dir.path()).expect("lists").count(),
        0,
        "nothing is written"
    );
}
