mod merging;

use std::fs;

use chrono::{DateTime, TimeZone, Utc};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use super::*;
use crate::account::{AccountId, KeyFacts};
use crate::import::{ImportedKey, read_keys};

fn account() -> Account {
    Account {
        id: AccountId::from("0123456789abcdef".to_owned()),
        name: "Lab & Léon".to_owned(),
        provider: "other".to_owned(),
        endpoint: "https://s3.example.org:8443".parse().expect("a URL"),
        region: "RegionOne".to_owned(),
        addressing: Addressing::Path,
        signing: Signing::V4,
        key: KeyFacts {
            access_key_id: Some("AKIDEXAMPLE".to_owned()),
            ..KeyFacts::default()
        },
        ca_file: None,
        proxy: None,
        issuer: None,
        opened_buckets: Vec::new(),
        added: DateTime::UNIX_EPOCH,
    }
}

/// With the characters that S3 secrets have and that files could trip over.
fn secret() -> SecretString {
    "wJalr/XUtn+FEMI=K7#MD;ENG".into()
}

const TOKEN: &str = "FwoGZXIvYXdzE//token+=";

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 31, 12, 0, 0)
        .single()
        .expect("a time")
}

struct Computer {
    home: TempDir,
    here: Surroundings,
}

fn computer() -> Computer {
    let home = tempfile::tempdir().expect("a folder");
    let here = Surroundings::new(Some(home.path().into()), |_| None);
    Computer { home, here }
}

impl Computer {
    fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        fs::write(&path, text).expect("writes");
        path
    }

    fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect(below)
    }

    fn merge(&self, account: &Account, id: &str, replace: bool) -> Result<Merged, MergeError> {
        let secret = secret();
        let key = Key::Given {
            secret: &secret,
            session_token: None,
        };
        merge(
            account,
            key,
            tool(id).expect("is one"),
            None,
            replace,
            &self.here,
            now(),
        )
    }
}

fn given<'a>(secret: &'a SecretString, token: Option<&'a SecretString>) -> Key<'a> {
    Key::Given {
        secret,
        session_token: token,
    }
}

fn text_of(export: &Export) -> String {
    export
        .files
        .iter()
        .map(|f| f.text.expose_secret())
        .collect()
}

/// Writes the export to files named as the tool names them and reads them back as another user's.
fn round(account: &Account, id: &str, token: Option<&SecretString>) -> ImportedKey {
    let computer = computer();
    let secret = secret();
    let export = export(
        account,
        given(&secret, token),
        tool(id).expect("is one"),
        None,
        &computer.here,
    )
    .expect("exports");
    let mut first = None;
    for file in &export.files {
        let path = computer.write(&format!("out/{}", file.save_as), file.text.expose_secret());
        first.get_or_insert(path);
    }
    let mut keys = read_keys(&first.expect("a file")).expect("reads").keys;
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.remove(0)
}

#[test]
fn what_is_written_for_a_tool_can_be_read_from_it() {
    let mut account = account();
    let ca = tempfile::NamedTempFile::new().expect("a file");
    account.ca_file = Some(ca.path().to_owned());
    account.proxy = Some("http://proxy.example.org:3128".parse().expect("a URL"));
    let token = SecretString::from(TOKEN);
    for (signing, addressing) in [
        (Signing::V4, Addressing::Path),
        (Signing::V2, Addressing::Path),
        (Signing::V4, Addressing::VirtualHost),
    ] {
        (account.signing, account.addressing) = (signing, addressing);
        for id in [
            "aws",
            "rclone",
            "s3cmd",
            "mc",
            "s3fs",
            "cyberduck",
            "winscp",
        ] {
            let key = round(&account, id, Some(&token));
            let at = format!("{id}, {signing:?}, {addressing:?}: {key:?}");
            assert_eq!(key.unusable, None, "{at}");
            assert_eq!(key.access_key_id.as_deref(), Some("AKIDEXAMPLE"), "{at}");
            assert_eq!(
                key.endpoint.as_deref(),
                Some("https://s3.example.org:8443"),
                "{at}"
            );
            let secret_kept = !matches!(id, "cyberduck" | "winscp");
            let text = |s: &Option<SecretString>| s.as_ref().map(|s| s.expose_secret().to_owned());
            assert_eq!(
                text(&key.secret),
                secret_kept.then(|| secret().expose_secret().into()),
                "{at}"
            );
            assert_eq!(
                text(&key.session_token),
                secret_kept.then(|| TOKEN.into()),
                "{at}"
            );
            if matches!(id, "aws" | "rclone" | "s3cmd" | "cyberduck" | "winscp") {
                assert_eq!(key.region.as_deref(), Some("RegionOne"), "{at}");
            }
            if matches!(id, "aws" | "rclone" | "s3cmd" | "mc" | "winscp") {
                assert_eq!(key.addressing, Some(addressing), "{at}");
            }
            if matches!(id, "rclone" | "s3cmd" | "mc") {
                assert_eq!(
                    key.signing,
                    (signing == Signing::V2).then_some(signing),
                    "{at}"
                );
            }
            if matches!(id, "aws" | "rclone" | "s3cmd") {
                assert_eq!(key.ca_file.as_deref(), Some(ca.path()), "{at}");
            }
            if matches!(id, "rclone" | "s3cmd") {
                let proxy = key.proxy.as_deref().map(|p| p.trim_end_matches('/'));
                assert_eq!(proxy, Some("http://proxy.example.org:3128"), "{at}");
            }
        }
    }
}

#[test]
fn the_secret_is_left_out_unless_it_is_given() {
    let computer = computer();
    let (account, secret) = (account(), secret());
    for tool in TOOLS {
        let key = Key::Withheld { temporary: true };
        let bare = export(&account, key, tool, None, &computer.here).expect("exports");
        assert!(!bare.contains_secret);
        let hidden = matches!(tool.id, "cyberduck" | "cyberduck-profile" | "winscp");
        assert_eq!(text_of(&bare).contains(SECRET_HERE), !hidden, "{}", tool.id);
        assert_eq!(text_of(&bare).contains(TOKEN_HERE), !hidden, "{}", tool.id);
        let full =
            export(&account, given(&secret, None), tool, None, &computer.here).expect("exports");
        assert_eq!(full.contains_secret, !hidden, "{}", tool.id);
        assert_eq!(
            text_of(&full).contains(secret.expose_secret()),
            !hidden,
            "{}",
            tool.id
        );
        assert!(!text_of(&full).contains(TOKEN_HERE));
    }
}

#[test]
fn what_a_tool_cannot_take_over_is_said() {
    let computer = computer();
    let mut account = account();
    account.signing = Signing::V2;
    account.key.expires = Some(now());
    let notes = |id: &str, account: &Account| {
        let key = Key::Withheld { temporary: false };
        export(
            account,
            key,
            tool(id).expect("is one"),
            None,
            &computer.here,
        )
        .expect("exports")
        .notes
        .join("\n")
    };
    assert!(notes("aws", &account).contains("Signature Version 2"));
    assert!(notes("winscp", &account).contains("Signature Version 2"));
    assert!(!notes("rclone", &account).contains("Signature Version 2"));
    assert!(notes("rclone", &account).contains("stops working on 31 January 2026"));
    account.signing = Signing::Anonymous;
    assert!(notes("aws", &account).contains("--no-sign-request"));
}

#[test]
fn a_store_that_is_old_fashioned_is_so_for_the_tools_too() {
    let computer = computer();
    let mut account = account();
    account.provider = "jasmin".to_owned();
    let text = |id: &str| {
        let key = Key::Withheld { temporary: false };
        text_of(
            &export(
                &account,
                key,
                tool(id).expect("is one"),
                None,
                &computer.here,
            )
            .expect("exports"),
        )
    };
    let rclone = text("rclone");
    assert!(
        rclone.contains("list_version = 1\nlist_url_encode = false\nchunk_size = 200Mi\n"),
        "{rclone}"
    );
    assert!(text("aws").contains("request_checksum_calculation = when_required"));
    assert!(text("boto3").contains("response_checksum_validation=\"when_required\""));
}

#[test]
fn names_become_what_every_tool_takes() {
    for (name, entry) in [
        ("lab", "lab"),
        ("Lab & Léon", "Lab-L-on"),
        ("my.lab", "my_lab"),
        ("1st", "s3-1st"),
        ("日本", "wherry"),
        ("  a  ", "a"),
        ("_x", "s3-x"),
        ("[a]\nb", "a-b"),
    ] {
        assert_eq!(entry_name(name), entry);
        assert_eq!(entry_name(entry), entry);
    }
}

#[test]
fn a_value_that_would_begin_another_setting_is_refused() {
    let computer = computer();
    let mut account = account();
    let try_it = |account: &Account, secret: &str, id: &str| {
        let secret = SecretString::from(secret);
        export(
            account,
            given(&secret, None),
            tool(id).expect("is one"),
            None,
            &computer.here,
        )
        .map(|_| ())
    };
    let odd = try_it(&account, "a\n[other]", "aws").expect_err("refuses");
    assert!(odd.to_string().starts_with("the secret has"), "{odd}");
    assert!(try_it(&account, "$HOME", "s3cmd").is_err());
    assert!(try_it(&account, "$HOME", "rclone").is_ok());
    account.region = "r\nx = y".to_owned();
    assert!(try_it(&account, "a", "rclone").is_err());
    let key = Key::Withheld { temporary: false };
    let named = export(
        &self::account(),
        key,
        tool("aws").expect("is one"),
        Some("a]b"),
        &computer.here,
    );
    assert!(matches!(named.map(|_| ()), Err(ExportError::Entry(_))));
}

#[test]
fn property_lists_hold_any_name() {
    let computer = computer();
    let mut account = account();
    account.name = "a <b> & \"c\"".to_owned();
    for id in ["cyberduck", "cyberduck-profile"] {
        let key = Key::Withheld { temporary: false };
        let export = export(
            &account,
            key,
            tool(id).expect("is one"),
            None,
            &computer.here,
        )
        .expect("exports");
        let text = text_of(&export);
        let value: plist::Value = plist::from_bytes(text.as_bytes()).expect("a property list");
        let dict = value.as_dictionary().expect("a dictionary");
        let name = dict
            .get("Nickname")
            .or(dict.get("Description"))
            .and_then(plist::Value::as_string);
        assert_eq!(name, Some(account.name.as_str()));
    }
}
