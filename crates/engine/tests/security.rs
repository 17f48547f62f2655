//! What docs/SECURITY.md says about secrets, held against a running engine.

mod desk;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

use desk::*;
use serde::Serialize;
use serde_json::{Value, json};
use wherry_account::Home;
use wherry_engine::Engine;
use wherry_engine::commands::{Desk, dispatch_desk};
use wherry_engine::contract::*;
use wherry_testbed::{Testbed, unique_bucket};
use wherry_vault::{Vault, VaultKind};

const PASSPHRASE: &str = "seven wherries on the Yare";

/// Runs one of the ignored tests of this file in a process of its own, whose log is at its most
/// talkative. The log is one per process.
fn alone(test: &str) {
    let done = Command::new(std::env::current_exe().expect("knows itself"))
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("WHERRY_LOG", "trace")
        .output()
        .expect("starts");
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(
        done.status.success() && out.contains("1 passed"),
        "{out}\n{err}"
    );
}

async fn use_file(seat: &Seat) {
    let change = VaultChange {
        choice: VaultChoice::File,
        passphrase: Some(typed(PASSPHRASE)),
    };
    seat.engine
        .choose_vault(change)
        .await
        .expect("makes or opens the file");
}

// Promise: No file of Wherry's holds a secret, a password, a passphrase or a sign-in's token in
// readable form.
// Promise: Apart from that one look, no answer to the window has a secret in it.
// Promise: Even at its most talkative the log has no secret, no password and no token.
#[test]
fn no_disk_no_log_and_no_answer_has_a_secret() {
    alone("half_uses_everything");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a process of its own"]
async fn half_uses_everything() {
    let (bed, rgw) = Testbed::both();
    let log = tempfile::tempdir().expect("a folder");
    let writing = wherry_engine::log::start(log.path()).expect("logs");
    let mut secrets = vec![
        PASSPHRASE.to_owned(),
        bed.alice.password.clone(),
        rgw.secret_key.clone(),
    ];
    // How every token of Keystone's begins.
    secrets.push("gAAAAA".into());
    let seats = [Seat::with(VaultKind::Session), Seat::with(VaultKind::File)];
    for seat in &seats {
        let (desk, mut answers) = (&seat.engine, Vec::new());
        let mut seen = |answer: &dyn erased::Json| answers.push(answer.text());
        if desk.vault().await.expect("answers").choice == VaultChoice::File {
            use_file(seat).await;
        }
        let sign_in = KeystoneSignIn::Password {
            user: bed.alice.name.clone(),
            domain: bed.domain.clone(),
            password: typed(&bed.alice.password),
            totp: None,
        };
        let request = KeystoneRequest {
            url: bed.url.clone(),
            sign_in,
            ca_file: None,
            proxy: None,
        };
        let signed_in = desk.keystone_sign_in(request).await.expect("signs in");
        let request = ProjectRequest {
            session: signed_in.session.clone(),
            project: bed.demo_project.clone(),
        };
        let places = desk
            .keystone_project(request)
            .await
            .expect("opens the project");
        seen(&places);
        let wish = KeystoneAccount {
            session: signed_in.session.clone(),
            project: bed.demo_project.clone(),
            region: places.endpoints[0].region.clone(),
            endpoint: places.endpoints[0].url.clone(),
            name: "Made".into(),
            provider: "openstack".into(),
            signing: None,
            ca_file: None,
        };
        let made = desk.keystone_add_account(wish).await.expect("makes a key");
        seen(&signed_in);
        seen(&made);
        secrets.push(
            desk.reveal(made.reveal.clone())
                .await
                .expect("is shown")
                .secret,
        );
        let own = form("Own", &rgw.endpoint, &rgw.access_key, &rgw.secret_key);
        seen(&desk.test_account(own.clone()).await.expect("tries"));
        // The gateway knows this key itself; for the other one it asks Keystone at each request.
        let own = desk.add_account(own).await.expect("saves");
        seen(&own);
        let wrong = form("Wrong", &rgw.endpoint, &rgw.access_key, "the-wrong-secret");
        secrets.push("the-wrong-secret".into());
        seen(&desk.test_account(wrong).await.expect("tries").problem);

        let id = own.id.clone();
        let name = unique_bucket("quiet");
        desk.create_bucket(bucket(&id, &name))
            .await
            .expect("makes a bucket");
        let top = place(&id, &name, "");
        let here = seat.files(
            "here",
            &[("a.txt", b"a"), ("large.bin", &vec![7; 17 << 20])],
        );
        let upload = PlanWhat::Upload {
            to: top.clone(),
            paths: vec![here.display().to_string()],
        };
        let plan = seat.plan(upload).await.expect("plans");
        seen(&plan);
        assert_eq!(
            seat.runs(&plan, OnConflict::Skip).await.state,
            JobState::Done
        );
        let object = ObjectRef {
            account: id.clone(),
            bucket: name.clone(),
            key: "here/a.txt".into(),
        };
        seen(&desk.object_details(object.clone()).await.expect("knows it"));
        let link = desk
            .object_link(LinkRequest {
                object,
                seconds: 600,
            })
            .await
            .expect("makes a link");
        let signature = link
            .url
            .split("X-Amz-Signature=")
            .nth(1)
            .expect("is signed")
            .to_owned();
        secrets.push(signature.split('&').next().expect("has one").to_owned());
        seen(
            &seat
                .lists(&place(&id, &name, "here/"))
                .await
                .expect("lists"),
        );
        let delete = PlanWhat::Delete {
            selection: selection(&top, &seat.lists(&top).await.expect("lists")),
        };
        assert_eq!(seat.does(delete).await.state, JobState::Done);
        desk.delete_bucket(bucket(&id, &name))
            .await
            .expect("clears up");
        let id = made.account.id.clone();
        seen(&desk.buckets(id.clone()).await.expect("lists"));
        seen(&desk.account_keys(id.clone()).await.expect("asks"));
        seen(&desk.accounts().await.expect("lists"));
        seen(&desk.jobs().await.expect("lists"));
        seen(&desk.app_info().await.expect("says"));
        seen(&desk.settings().await.expect("says"));
        let key = KeyRef {
            account: id,
            access_key_id: made.access_key_id,
        };
        seen(&desk.delete_key(key).await.expect("deletes"));
        let told = answers.join("\n");
        for secret in &secrets {
            assert!(!told.contains(secret.as_str()), "an answer has {secret}");
        }
    }
    drop(writing);
    let written: u64 = files_below(log.path())
        .iter()
        .map(|f| f.metadata().expect("is there").len())
        .sum();
    assert!(written > 10_000, "the log was written: {written}");
    for secret in &secrets {
        assert_eq!(
            files_with(secret, log.path()),
            Vec::<std::path::PathBuf>::new(),
            "the log has {secret}"
        );
        for seat in &seats {
            assert_eq!(
                files_with(secret, seat.home.path()),
                Vec::<std::path::PathBuf>::new(),
                "a file has {secret}"
            );
        }
    }
}

/// Answers as the window gets them.
mod erased {
    pub trait Json {
        fn text(&self) -> String;
    }

    impl<T: super::Serialize> Json for T {
        fn text(&self) -> String {
            serde_json::to_string(self).expect("is JSON")
        }
    }
}

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
            "keystone_sign_in",
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

// Promise: A key that was deleted elsewhere is noticed when its portal is asked.
// Promise: A sign-in ends with the process: the password is asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_a_session_secret_end_with_the_process() {
    let (bed, _rgw) = Testbed::both();
    let seat = Seat::new();
    let sign_in = KeystoneSignIn::Password {
        user: bed.alice.name.clone(),
        domain: bed.domain.clone(),
        password: typed(&bed.alice.password),
        totp: None,
    };
    let request = KeystoneRequest {
        url: bed.url.clone(),
        sign_in: sign_in.clone(),
        ca_file: None,
        proxy: None,
    };
    let signed_in = seat
        .engine
        .keystone_sign_in(request)
        .await
        .expect("signs in");
    let request = ProjectRequest {
        session: signed_in.session.clone(),
        project: bed.demo_project.clone(),
    };
    let places = seat
        .engine
        .keystone_project(request)
        .await
        .expect("opens the project");
    let wish = KeystoneAccount {
        session: signed_in.session,
        project: bed.demo_project.clone(),
        region: places.endpoints[0].region.clone(),
        endpoint: places.endpoints[0].url.clone(),
        name: "Made".into(),
        provider: "openstack".into(),
        signing: None,
        ca_file: None,
    };
    let made = seat
        .engine
        .keystone_add_account(wish)
        .await
        .expect("makes a key");
    let secret = seat
        .engine
        .reveal(made.reveal.clone())
        .await
        .expect("is shown")
        .secret;
    let id = made.account.id;
    assert!(
        seat.engine
            .account_keys(id.clone())
            .await
            .expect("asks")
            .cannot_list
            .is_none()
    );

    let again = Engine::new(seat.engine.home().clone(), Some(VaultKind::Session));
    let keys = again.account_keys(id.clone()).await.expect("answers");
    let problem = keys.cannot_list.expect("is not signed in");
    assert_eq!(
        (problem.code.as_str(), &problem.remedies[..]),
        (
            "portal.sign-in",
            &[Remedy::SignIn {
                account: id.clone()
            }][..]
        )
    );
    let problem = again
        .buckets(id.clone())
        .await
        .map(|_| ())
        .expect_err("has no secret");
    assert_eq!(problem.code, "account.secret-missing", "{problem:?}");
    assert!(
        problem.remedies.contains(&Remedy::GiveSecret {
            account: id.clone()
        }),
        "{problem:?}"
    );
    assert_eq!(
        again
            .reveal(made.reveal)
            .await
            .map(|_| ())
            .expect_err("is gone")
            .code,
        "keys.revealed"
    );
    let give = |text: &str| GivenSecret {
        account: id.clone(),
        secret: typed(text),
        session_token: None,
    };
    let refused = again
        .give_secret(give("not that one"))
        .await
        .map(|_| ())
        .expect_err("is tried first");
    assert!(
        ["store.secret-wrong", "store.key-unknown"].contains(&refused.code.as_str()),
        "{refused:?}"
    );
    again
        .give_secret(give(&format!(" {secret}\n")))
        .await
        .expect("is the right one");
    again.buckets(id.clone()).await.expect("works");
    let request = AccountSignIn {
        account: id.clone(),
        sign_in,
    };
    let keys = again.account_sign_in(request).await.expect("signs in");
    assert!(
        keys.keys
            .iter()
            .any(|k| k.access_key_id == made.access_key_id)
    );

    // Deleted elsewhere: seen the next time the portal is asked.
    let key = KeyRef {
        account: id.clone(),
        access_key_id: made.access_key_id,
    };
    let elsewhere = seat.engine.delete_key(key).await;
    elsewhere.expect("deletes");
    let keys = again.account_keys(id).await.expect("asks");
    assert_eq!(keys.key.state, KeyState::DeletedAtPortal);
}

// Promise: The account file holds no secret.
// Promise: Removing an account removes its secret.
#[tokio::test]
async fn removing_an_account_takes_its_secret_along() {
    let seat = Seat::with(VaultKind::File);
    use_file(&seat).await;
    let ours = seat
        .engine
        .add_account(form("Lab", "http://127.0.0.1:9", "AKIA1", "its-secret"))
        .await
        .expect("saves");
    let kept = async || {
        let vault = Vault::open(VaultKind::File, &Home::at(seat.engine.home().config()));
        vault
            .unlock(PASSPHRASE.to_owned().into())
            .await
            .expect("opens");
        vault
            .load(&ours.id.clone().into())
            .await
            .expect("reads")
            .is_some()
    };
    assert!(kept().await);
    let file = std::fs::read_to_string(seat.engine.home().accounts_file()).expect("is text");
    assert!(
        file.contains("AKIA1") && !file.contains("its-secret"),
        "{file}"
    );
    seat.engine
        .remove_account(ours.id.clone())
        .await
        .expect("removes");
    assert!(!kept().await);
    assert!(
        !std::fs::read_to_string(seat.engine.home().accounts_file())
            .expect("is text")
            .contains("AKIA1")
    );
}

/// Accepts anything, and hands over what was sent to it.
fn listener() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = format!("http://{}", listener.local_addr().expect("has one"));
    let (sender, sent) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 65536];
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
