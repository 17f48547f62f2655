use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join(name);
    fs::write(&path, text).expect("writes");
    (dir, path)
}

fn keys(name: &str, text: &str) -> Vec<ImportedKey> {
    let (_dir, path) = file(name, text);
    read_keys(&path).expect(text).keys
}

fn secret_of(key: &ImportedKey) -> Option<&str> {
    key.secret.as_ref().map(ExposeSecret::expose_secret)
}

#[test]
fn aws_profiles_of_both_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let credentials = dir.path().join("credentials");
    fs::write(
        &credentials,
        "[default]\naws_access_key_id = D\naws_secret_access_key = ds\n\n\
         [lab]\naws_access_key_id = L\naws_secret_access_key = ls\naws_session_token = lt\n\
         [browser]\naws_access_key_id=B\naws_secret_access_key=bs\ns3_endpoint = browser.example.org:9000\n",
    )
    .expect("writes");
    fs::write(
        dir.path().join("config"),
        "[default]\nregion = eu-west-2\n[profile lab]\nregion = RegionOne\nservices = lab-s\nendpoint_url = https://all.example.org\n\
         s3 =\n  addressing_style = path\n[services lab-s]\ns3 =\n  endpoint_url = https://s3.example.org/\n\
         [profile sso]\nsso_session = x\n[sso-session x]\nsso_region = y\n[profile prog]\ncredential_process = /bin/echo hello\n",
    )
    .expect("writes");
    let found = read_keys(&credentials).expect("reads");
    assert_eq!(found.tool, "AWS");
    let names: Vec<_> = found.keys.iter().map(|k| k.name.as_str()).collect();
    assert_eq!(names, ["default", "lab", "browser"]);
    let [default, lab, browser] = found.keys.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        default.endpoint.as_deref(),
        Some("https://s3.eu-west-2.amazonaws.com")
    );
    assert_eq!(default.addressing, Some(Addressing::VirtualHost));
    assert!(default.notes[0].contains("Amazon's own"), "{default:?}");
    assert_eq!(
        lab.endpoint.as_deref(),
        Some("https://s3.example.org"),
        "the services section counts more"
    );
    assert_eq!(
        (lab.region.as_deref(), lab.addressing),
        (Some("RegionOne"), Some(Addressing::Path))
    );
    assert_eq!(secret_of(lab), Some("ls"));
    assert!(lab.session_token.is_some() && lab.notes[0].contains("temporary"));
    assert_eq!(
        browser.endpoint.as_deref(),
        Some("https://browser.example.org:9000")
    );

    let config = read_keys(&dir.path().join("config")).expect("reads").keys;
    let by_name = |name: &str| config.iter().find(|k| k.name == name).expect(name);
    assert_eq!(
        secret_of(by_name("lab")),
        Some("ls"),
        "completed from the file beside it"
    );
    assert!(
        by_name("sso")
            .unusable
            .as_deref()
            .is_some_and(|w| w.contains("single sign-on"))
    );
    assert!(
        by_name("prog")
            .unusable
            .as_deref()
            .is_some_and(|w| w.contains("runs no programs"))
    );
    assert!(config.iter().all(|k| k.name != "browser" && k.name != "x"));
}

#[test]
fn a_damaged_file_beside_it_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("credentials");
    fs::write(
        &path,
        "[a]\naws_access_key_id = A\naws_secret_access_key = s\n",
    )
    .expect("writes");
    fs::write(dir.path().join("config"), "[profile a\nhunter2\n").expect("writes");
    let key = read_keys(&path).expect("reads").keys.remove(0);
    let notes = key.notes.join(" ");
    assert!(
        notes.contains("line 1 begins a section") && !notes.contains("hunter2"),
        "{notes}"
    );
}

#[test]
fn rclone_remotes() {
    let found = keys(
        "rclone.conf",
        "[lab]\ntype = s3\nprovider = Ceph\naccess_key_id = A\nsecret_access_key = s\nendpoint = s3.example.org\nv2_auth = true\n\n\
         [drive]\ntype = drive\ntoken = {\"access_token\":\"hunter2\"}\n[public]\ntype = s3\nprovider = Other\nendpoint = http://p\n\
         [env]\ntype = s3\nenv_auth = true\n[amazon]\ntype=s3\nprovider=AWS\naccess_key_id=B\nsecret_access_key=t\nregion=eu-west-1\n",
    );
    let by_name = |name: &str| found.iter().find(|k| k.name == name).expect(name);
    let lab = by_name("lab");
    assert_eq!(lab.endpoint.as_deref(), Some("https://s3.example.org"));
    assert_eq!(
        (lab.signing, secret_of(lab)),
        (Some(Signing::V2), Some("s"))
    );
    assert!(
        by_name("drive")
            .unusable
            .as_deref()
            .is_some_and(|w| w.contains("“drive”"))
    );
    assert_eq!(by_name("public").signing, Some(Signing::Anonymous));
    assert!(by_name("env").unusable.is_some());
    assert_eq!(
        by_name("amazon").endpoint.as_deref(),
        Some("https://s3.eu-west-1.amazonaws.com")
    );
    let (_dir, path) = file(
        "rclone.conf",
        "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nxyz\n",
    );
    assert!(matches!(
        read_keys(&path),
        Err(ImportError::Encrypted { .. })
    ));
}

#[test]
fn s3cmd_mc_s3fs_and_the_rest() {
    let key = keys(".s3cfg", "[default]\naccess_key = A\nsecret_key = \"s\"\nhost_base = h:81\nhost_bucket = h:81\nuse_https = False\nsignature_v2 = True\nbucket_location = US\n").remove(0);
    assert_eq!(key.name, "s3cmd");
    assert_eq!(key.endpoint.as_deref(), Some("http://h:81"));
    assert_eq!(
        (
            key.signing,
            key.addressing,
            secret_of(&key),
            key.region.as_deref()
        ),
        (Some(Signing::V2), Some(Addressing::Path), Some("s"), None)
    );
    let key = keys(
        ".s3cfg",
        "[default]\naccess_key = A\nsecret_key = $SECRET\nhost_base = h\n",
    )
    .remove(0);
    assert!(
        secret_of(&key).is_none() && key.notes[0].contains("variable"),
        "{key:?}"
    );

    let found = keys(
        "config.json",
        r#"{"version":"10","aliases":{"play":{"url":"https://play.example.org","accessKey":"A","secretKey":"s","api":"s3v4","path":"auto"},"public":{"url":"http://p:9000","accessKey":"","secretKey":"","api":"","path":"on"}}}"#,
    );
    assert_eq!(
        (
            found[0].name.as_str(),
            secret_of(&found[0]),
            found[0].signing
        ),
        ("play", Some("s"), None)
    );
    assert_eq!(
        (found[1].signing, found[1].addressing),
        (Some(Signing::Anonymous), Some(Addressing::Path))
    );

    let key = keys(
        "jasmin.json",
        r#"{"token":"A","secret":"s","endpoint_url":"https://t.example.org"}"#,
    )
    .remove(0);
    assert_eq!(
        (
            key.name.as_str(),
            key.access_key_id.as_deref(),
            secret_of(&key)
        ),
        ("jasmin", Some("A"), Some("s"))
    );
    assert!(key.session_token.is_none());
    let key = keys("s3.json", r#"{"key":"A","secret":"s","token":"t","client_kwargs":{"endpoint_url":"https://k","region_name":"r"}}"#).remove(0);
    assert_eq!(
        (
            key.access_key_id.as_deref(),
            key.endpoint.as_deref(),
            key.region.as_deref()
        ),
        (Some("A"), Some("https://k"), Some("r"))
    );
    assert!(key.session_token.is_some());
    let key = keys("sts.json", r#"{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"x","EndpointURL":null}}"#).remove(0);
    assert_eq!(
        (key.access_key_id.as_deref(), key.endpoint),
        (Some("A"), None)
    );

    let found = keys(
        ".passwd-s3fs",
        "# mine\nAKID:secret+/12=\nbucket:AK2:secret+/34=\n",
    );
    assert_eq!(
        (
            found[0].name.as_str(),
            found[0].access_key_id.as_deref(),
            secret_of(&found[0])
        ),
        ("passwd-s3fs", Some("AKID"), Some("secret+/12="))
    );
    assert_eq!(found[1].name, "bucket");

    let key = keys("WinSCP.ini", "[Configuration\\Interface]\nx=y\n[Sessions\\My%20lab]\nHostName=h\nPortNumber=443\nUserName=A\nPassword=A35C4\nFSProtocol=7\nFtps=1\nS3UrlStyle=1\n").remove(0);
    assert_eq!(
        (
            key.name.as_str(),
            key.endpoint.as_deref(),
            key.access_key_id.as_deref()
        ),
        ("My lab", Some("https://h"), Some("A"))
    );
    assert!(key.secret.is_none());

    let key = keys("x.duck", "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>Protocol</key><string>sftp</string><key>Hostname</key><string>h</string></dict></plist>").remove(0);
    assert!(key.unusable.as_deref().is_some_and(|w| w.contains("sftp")));
}

#[test]
fn hostile_files_get_words() {
    let deep = format!("{{\"aliases\":{}", "{\"a\":".repeat(5000));
    // Entities are not expanded.
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE p [<!ENTITY a \"xxxxxxxxxx\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">]><plist><dict><key>Protocol</key><string>&b;</string></dict></plist>";
    let shown = format!("{:?}", keys("x.duck", bomb));
    assert!(!shown.contains("xxxx"), "{shown}");
    for text in [
        "",
        "{",
        "{\"aliases\": \"hunter2\"}",
        "{\"aliases\": {\"a\": 7}}",
        deep.as_str(),
        "<plist>",
        "<?xml version=\"1.0\"?><html/>",
        "[a\nhunter2",
        "[a]\nhunter2\n",
        "[a]\nx = y\n",
        "hunter2",
        "see http://example.org\n",
        "clouds:\n  a: {auth: {password: hunter2}}\n",
        "export OS_AUTH_URL=https://k/v3\nexport OS_PASSWORD=hunter2\n",
    ] {
        let (_dir, path) = file("file", text);
        let error = read_keys(&path).map(|k| format!("{k:?}")).expect_err(text);
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[test]
fn names_cannot_be_hostile() {
    let key = keys(
        "r",
        "[a/b:c\u{7}]\ntype = s3\naccess_key_id = A\nsecret_access_key = s\nendpoint = h\n",
    )
    .remove(0);
    assert_eq!(key.name, "a-b-c-");
    assert!(
        !format!("{key:?}").contains("\"s\""),
        "debugging shows no secret"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_fall_over(
        text in "(\\[|\\]|profile |Sessions\\\\|type = s3|=|:|\\{|\\}|\"aliases\"|\"|access_key|aws_access_key_id|\n|  |s3|<plist>|<dict>|é|%zz|%41|,|null|7){0,40}"
    ) {
        let _ = understand(Path::new("credentials"), &text);
    }
}
