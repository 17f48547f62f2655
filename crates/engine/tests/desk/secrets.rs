//! Where secrets are, and where they are not.

use std::process::Command;

use serde::Serialize;
use wherry_account::Home;
use wherry_engine::Engine;
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_testbed::{Testbed, unique_bucket};
use wherry_vault::{Vault, VaultKind};

use crate::keys::{by_password, in_demo, wish};
use crate::seat::*;

const PASSPHRASE: &str = "seven wherries on the Yare";

/// In a process of its own, whose log is at its most talkative. The log is one per process.
fn alone(test: &str) {
    let mut command = Command::new(std::env::current_exe().expect("knows itself"));
    command.env("WHERRY_LOG", "trace");
    passes_alone(command, test);
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
// Promise: Apart from that one look, and from the text for another tool that was asked for with it, no answer
// to the window has a secret in it.
// Promise: Even at its most talkative the log has no secret, no password and no token.
#[test]
fn no_disk_no_log_and_no_answer_has_a_secret() {
    alone("secrets::half_uses_everything");
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
        let (signed_in, places) = in_demo(seat, &bed).await;
        seen(&places);
        let place_of_store = &places.endpoints[0];
        let wish = wish(
            &signed_in.session,
            &bed.demo_project,
            place_of_store,
            "Made",
        );
        let made = desk.portal_add_account(wish).await.expect("makes a key");
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

// Promise: A key that was deleted elsewhere is noticed when its portal is asked.
// Promise: A sign-in ends with the process: the password is asked for again. Where a portal gives a token
// to go on with instead, that is kept with the key, in the keychain.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_a_session_secret_end_with_the_process() {
    let (bed, _rgw) = Testbed::both();
    let seat = Seat::new();
    let (signed_in, places) = in_demo(&seat, &bed).await;
    let wish = wish(
        &signed_in.session,
        &bed.demo_project,
        &places.endpoints[0],
        "Made",
    );
    let made = seat
        .engine
        .portal_add_account(wish)
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
        password: None,
        client_secret: None,
        account: id.clone(),
        sign_in: by_password(&bed.alice, &bed.domain),
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
