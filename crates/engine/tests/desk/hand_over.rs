//! Accounts written down for other tools, and taken from their files. Putting them into the tools' own
//! files is tested from the command line, which can be given a home folder of its own.

use std::fs;

use secrecy::SecretString;
use wherry_engine::commands::{Desk, dispatch_desk};
use wherry_engine::contract::*;
use wherry_testbed::Testbed;

use crate::seat::*;

const SECRET: &str = "wJalrXUtnFEMI-K7MDENG";

fn request(account: &str, tool: &str, with_secret: bool) -> ExportRequest {
    ExportRequest {
        account: account.to_owned(),
        tool: tool.to_owned(),
        with_secret,
        entry: None,
    }
}

// Promise: An account is written down for another tool without its secret, unless that is asked for.
#[tokio::test]
async fn a_tool_gets_the_secret_only_when_it_is_asked_for() {
    let seat = Seat::new();
    let form = form("My lab", "https://s3.example.org", "AKIDLAB", SECRET);
    let id = seat.engine.add_account(form).await.expect("saves").id;
    let tools = seat.engine.export_tools().await.expect("lists");
    assert!(tools.len() >= 8, "{tools:?}");
    for tool in tools {
        let text = |export: &ExportView| serde_json::to_string(export).expect("is JSON");
        let bare = request(&id, &tool.id, false);
        let bare = seat.engine.export_account(bare).await.expect("writes");
        assert!(
            !bare.contains_secret && !text(&bare).contains(SECRET),
            "{}",
            tool.id
        );
        assert!(text(&bare).contains("s3.example.org"), "{}", tool.id);
        let full = request(&id, &tool.id, true);
        let full = seat.engine.export_account(full).await.expect("writes");
        assert_eq!(full.contains_secret, full.can_hold_secret, "{}", tool.id);
        assert_eq!(
            text(&full).contains(SECRET),
            full.can_hold_secret,
            "{}",
            tool.id
        );
    }
    let unknown = seat
        .engine
        .export_account(request(&id, "telepathy", false))
        .await;
    assert!(unknown.err().expect("refuses").todo.contains("rclone"));
}

#[tokio::test]
async fn what_is_saved_is_for_its_owner_only() {
    let seat = Seat::new();
    let form = form("My lab", "https://s3.example.org", "AKIDLAB", SECRET);
    let id = seat.engine.add_account(form).await.expect("saves").id;
    let path = seat
        .files("out", &[("lab.s3cfg", b"old")])
        .join("lab.s3cfg");
    let save = SaveExport {
        export: request(&id, "s3cmd", true),
        file: 0,
        path: path.display().to_string(),
    };
    seat.engine.save_export(save.clone()).await.expect("saves");
    assert!(
        fs::read_to_string(&path)
            .expect("is there")
            .contains(SECRET)
    );
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(&path).expect("is there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }
    let nowhere = SaveExport {
        path: seat.home.path().join("no/such/x").display().to_string(),
        ..save.clone()
    };
    assert_eq!(
        seat.engine
            .save_export(nowhere)
            .await
            .expect_err("fails")
            .code,
        "export.write"
    );
    let other = SaveExport { file: 7, ..save };
    assert_eq!(
        seat.engine
            .save_export(other)
            .await
            .expect_err("fails")
            .code,
        "app.stale"
    );
}

#[tokio::test]
async fn a_secret_that_is_nowhere_is_asked_for() {
    let seat = Seat::new();
    let form = form("My lab", "https://s3.example.org", "AKIDLAB", SECRET);
    let id = seat.engine.add_account(form).await.expect("saves").id;
    // A new process whose secrets were in memory.
    let seat = Seat {
        engine: wherry_engine::Engine::new(
            seat.engine.home().clone(),
            Some(wherry_vault::VaultKind::Session),
        ),
        home: seat.home,
    };
    let export = seat.engine.export_account(request(&id, "aws", false)).await;
    assert!(!export.expect("writes").contains_secret);
    let refused = seat.engine.export_account(request(&id, "aws", true)).await;
    let refused = refused.err().expect("has no secret");
    assert_eq!(refused.code, "account.secret-missing");
    assert_eq!(refused.remedies, [Remedy::GiveSecret { account: id }]);
}

// Promise: The secrets in another tool's file go to where yours are kept, and never to the window.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_another_tool_become_accounts() {
    let rgw = Testbed::rgw();
    let seat = Seat::new();
    let conf = format!(
        "[lab]\ntype = s3\nprovider = Ceph\nendpoint = {}\naccess_key_id = {}\nsecret_access_key = {}\n\n\
         [nowhere]\ntype = s3\nprovider = Other\naccess_key_id = A\n\n[drive]\ntype = drive\n\n\
         [jasmin]\ntype = s3\nprovider = Other\nendpoint = https://cedadev-o.s3-ext.jc.rl.ac.uk\naccess_key_id = J\nsecret_access_key = js\n",
        rgw.endpoint, rgw.access_key, rgw.secret_key
    );
    let file = seat
        .files("rclone", &[("rclone.conf", conf.as_bytes())])
        .join("rclone.conf");
    let found = dispatch_desk(
        &seat.engine,
        "import_keys",
        file.display().to_string().into(),
    )
    .await;
    let found = found.expect("is a command").expect("reads").to_string();
    assert!(!found.contains(&rgw.secret_key), "{found}");
    let found = seat
        .engine
        .import_keys(file.display().to_string())
        .await
        .expect("reads");
    assert_eq!((found.tool.as_str(), found.keys.len()), ("rclone", 4));
    assert!(found.keys[0].has_secret && found.keys[2].unusable.is_some());
    assert_eq!(
        found.keys[3].provider, "jasmin",
        "the preset is known by the address"
    );
    let add = |key: usize, name: &str| AddImported {
        import: found.import.clone(),
        key,
        name: name.to_owned(),
        endpoint: None,
        secret: None,
        provider: None,
    };
    let lab = seat.engine.add_imported(add(0, "lab")).await.expect("adds");
    seat.engine
        .buckets(lab.id.clone())
        .await
        .expect("the key works");
    assert_eq!(lab.endpoint.trim_end_matches('/'), rgw.endpoint);
    for (key, name, code) in [
        (0, "lab", "accounts.name"),
        (1, "nowhere", "accounts.endpoint"),
        (2, "drive", "import.unusable"),
        (9, "x", "app.stale"),
    ] {
        let refused = seat.engine.add_imported(add(key, name)).await;
        assert_eq!(refused.expect_err(name).code, code, "{name}");
    }
    let completed = AddImported {
        endpoint: Some(rgw.endpoint.clone()),
        secret: Some(SecretString::from("s").into()),
        ..add(1, "nowhere")
    };
    seat.engine.add_imported(completed).await.expect("adds");
    let again = seat
        .engine
        .import_keys(file.display().to_string())
        .await
        .expect("reads");
    assert!(again.keys[0].taken && !again.keys[3].taken);
    seat.engine
        .forget_import(found.import.clone())
        .await
        .expect("forgets");
    let gone = seat.engine.add_imported(add(3, "jasmin")).await;
    assert_eq!(gone.expect_err("is forgotten").code, "app.stale");
}

#[tokio::test]
async fn files_that_are_no_such_file_are_told_apart() {
    let seat = Seat::new();
    for (name, text, code) in [
        ("notes.txt", "nothing here\n", "import.keys"),
        (
            "rc.sh",
            "export OS_AUTH_URL=https://k/v3\nexport OS_USERNAME=u\n",
            "import.cloud",
        ),
        ("config.json", "{\"aliases\": {", "import.malformed"),
        (
            "rclone.conf",
            "RCLONE_ENCRYPT_V0:\nabc\n",
            "import.encrypted",
        ),
    ] {
        let path = seat.files("in", &[(name, text.as_bytes())]).join(name);
        let refused = seat.engine.import_keys(path.display().to_string()).await;
        assert_eq!(refused.expect_err(name).code, code);
    }
}
