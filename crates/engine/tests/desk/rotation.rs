//! Rotation with each of its steps failing in turn: the account opens its store after every one.
//!
//! The portal is a double of a Swarm gateway whose keys are real ones of a Ceph gateway.

use std::time::Duration;

use http::Method;
use wherry_doubles::{Backing, Fault, Swarm, Tokens};
use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_testbed::{Rgw, Testbed};
use wherry_vault::VaultKind;

use crate::seat::*;

struct Story {
    seat: Seat,
    swarm: Swarm,
    id: String,
    first: String,
    _rgw: Rgw,
}

impl Story {
    /// An account whose key a Swarm gateway made.
    async fn begin(vault: VaultKind) -> Self {
        let rgw = Testbed::rgw();
        let tokens = Tokens::of_a_small_site(Backing::rgw(&rgw));
        let swarm = Swarm::start(tokens, "cedadev-o", None);
        let seat = Seat::with(vault);
        if vault == VaultKind::File {
            let change = VaultChange {
                choice: VaultChoice::File,
                passphrase: Some(typed("seven wherries")),
            };
            seat.engine.choose_vault(change).await.expect("makes it");
        }
        let desk = &seat.engine;
        let signed_in = desk
            .portal_sign_in(PortalRequest {
                issuer: KeySource::Swarm,
                url: swarm.url().to_owned(),
                sign_in: password(),
                options: PortalOptions::default(),
                client_secret: None,
                ca_file: None,
                proxy: None,
            })
            .await
            .expect("signs in");
        let scope = signed_in.scope.clone().expect("there is one tenancy");
        desk.portal_scope(ScopeRequest {
            session: signed_in.session.clone(),
            scope: scope.clone(),
            password: None,
        })
        .await
        .expect("opens the tenancy");
        let made = desk
            .portal_add_account(PortalAccount {
                session: signed_in.session,
                scope,
                region: String::new(),
                endpoint: rgw.endpoint.clone(),
                name: "Old data".into(),
                provider: "ceph".into(),
                signing: None,
                ca_file: None,
                wish: wish(),
            })
            .await
            .expect("makes a key");
        let story = Self {
            id: made.account.id,
            first: made.access_key_id,
            seat,
            swarm,
            _rgw: rgw,
        };
        story.works().await;
        story
    }

    async fn rotate(&self) -> Result<Rotated, Problem> {
        let request = NewKeyRequest {
            account: self.id.clone(),
            wish: wish(),
        };
        self.seat.engine.rotate_key(request).await
    }

    /// The account opens its store, with a key its portal has; says which.
    async fn works(&self) -> String {
        self.seat
            .engine
            .buckets(self.id.clone())
            .await
            .unwrap_or_else(|p| panic!("the account does not work: {p:?}"));
        let key = self.seat.account(&self.id).await.key;
        assert_eq!(key.state, KeyState::Fine, "{key:?}");
        let id = key.access_key_id.expect("has a key");
        assert!(self.at_the_portal().contains(&id), "{id}");
        // So it does for a Wherry that has just been started, from what is kept.
        id
    }

    fn at_the_portal(&self) -> Vec<String> {
        let all = self.swarm.tokens.all();
        all.into_iter().map(|token| token.name).collect()
    }

    /// Everything is as it was before: the first key and no other.
    async fn nothing_has_changed(&self) {
        assert_eq!(self.works().await, self.first);
        assert_eq!(self.at_the_portal(), std::slice::from_ref(&self.first));
    }
}

fn password() -> PortalSignIn {
    PortalSignIn::Password {
        user: "jdoe".into(),
        domain: String::new(),
        password: typed("jdoe-password"),
        totp: None,
    }
}

fn wish() -> KeyWishForm {
    let later = chrono::Utc::now() + chrono::TimeDelta::days(90);
    KeyWishForm {
        description: Some("laptop".into()),
        expires: Some(later.timestamp_millis()),
    }
}

// Promise: Rotating a key leaves the account working at every step, with the old key or with the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated() {
    let story = Story::begin(VaultKind::Session).await;
    let rotated = story.rotate().await.expect("rotates");
    assert_eq!(rotated.old_access_key_id, story.first);
    assert_eq!(rotated.old_key_left, None);
    let second = story.works().await;
    assert_eq!(second, rotated.new_key.access_key_id);
    assert_ne!(second, story.first);
    assert_eq!(story.at_the_portal(), std::slice::from_ref(&second));
    assert!(rotated.words.contains(&second) && rotated.words.contains(&story.first));
    let secret = story.seat.engine.reveal(rotated.new_key.reveal).await;
    assert!(!secret.expect("is shown once").secret.is_empty());
    // And once more, from the place the second key has in the vault.
    story.rotate().await.expect("rotates again");
    assert_ne!(story.works().await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_made_leaves_the_old_one() {
    let story = Story::begin(VaultKind::Session).await;
    for fault in [
        Fault::swallow(Method::POST, "/.TOKEN"),
        Fault::answer(Method::POST, "/.TOKEN", 503, "text/plain", "busy"),
        Fault::answer(Method::POST, "/.TOKEN", 403, "text/plain", "no"),
    ] {
        story.swarm.serving.fault(fault);
        let problem = story.rotate().await.expect_err("is not made");
        assert!(
            problem.todo.contains("goes on with the key it has"),
            "{problem:?}"
        );
        story.swarm.serving.clear_faults();
        story.nothing_has_changed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_answer_is_lost_is_used_all_the_same() {
    let story = Story::begin(VaultKind::Session).await;
    story
        .swarm
        .serving
        .fault(Fault::lose_answer(Method::POST, "/.TOKEN"));
    let rotated = story.rotate().await.expect("is found in the list");
    assert_eq!(story.works().await, rotated.new_key.access_key_id);
    assert_eq!(story.at_the_portal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_work_is_given_up() {
    let story = Story::begin(VaultKind::Session).await;
    // A token that the store has never heard of.
    let body =
        "Token 00c0ffee00c0ffee00c0ffee00c0ffee issued for jdoe in cedadev-o.s3.jc.rl.ac.uk\n";
    let odd = Fault::answer(Method::POST, "/.TOKEN", 201, "text/plain", body);
    story.swarm.serving.fault(odd);
    let problem = story
        .rotate()
        .await
        .expect_err("the store does not know it");
    assert_eq!(problem.code, "store.key-unknown", "{problem:?}");
    assert!(
        problem.todo.contains("goes on with the key it has"),
        "{problem:?}"
    );
    assert_eq!(
        story.swarm.serving.count(&Method::DELETE, "00c0ffee"),
        1,
        "it is deleted again"
    );
    story.nothing_has_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_kept_is_given_up() {
    let story = Story::begin(VaultKind::File).await;
    let vault = story.seat.engine.home().vault_file();
    let aside = vault.with_extension("aside");
    std::fs::rename(&vault, &aside).expect("moves it");
    std::fs::create_dir(&vault).expect("is in the way");
    let problem = story.rotate().await.expect_err("cannot keep it");
    assert!(
        problem.todo.contains("goes on with the key it has"),
        "{problem:?}"
    );
    std::fs::remove_dir(&vault).expect("goes");
    std::fs::rename(&aside, &vault).expect("moves it back");
    story.nothing_has_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_file_that_cannot_be_written_leaves_the_old_key() {
    let story = Story::begin(VaultKind::Session).await;
    let file = story.seat.engine.home().accounts_file();
    let aside = file.with_extension("aside");
    // After the account was read and before it is written.
    let slow = Fault::delay(Method::POST, "/.TOKEN", Duration::from_secs(2));
    story.swarm.serving.fault(slow);
    let asked = story.swarm.serving.count(&Method::POST, "/.TOKEN");
    let (problem, ()) = tokio::join!(story.rotate(), async {
        while story.swarm.serving.count(&Method::POST, "/.TOKEN") == asked {
            tokio::task::yield_now().await;
        }
        std::fs::rename(&file, &aside).expect("moves it");
        std::fs::create_dir(&file).expect("is in the way");
    });
    let problem = problem.expect_err("cannot be written");
    assert!(
        problem.todo.contains("goes on with the key it has"),
        "{problem:?}"
    );
    std::fs::remove_dir(&file).expect("goes");
    std::fs::rename(&aside, &file).expect("moves it back");
    story.nothing_has_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_key_that_cannot_be_deleted_is_said() {
    let story = Story::begin(VaultKind::Session).await;
    let no = Fault::answer(Method::DELETE, "/.TOKEN", 503, "text/plain", "busy").forever();
    story.swarm.serving.fault(no);
    let rotated = story.rotate().await.expect("works with the new key");
    let left = rotated.old_key_left.expect("is said");
    assert!(
        left.what.contains(&story.first) && left.todo.contains("works with the new key"),
        "{left:?}"
    );
    assert_eq!(story.works().await, rotated.new_key.access_key_id);
    assert_eq!(story.at_the_portal().len(), 2);
    story.swarm.serving.clear_faults();
    let key = KeyRef {
        account: story.id.clone(),
        access_key_id: story.first.clone(),
    };
    story.seat.engine.delete_key(key).await.expect("later");
    assert_eq!(story.works().await, rotated.new_key.access_key_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_do_not_rotate_at_once() {
    let story = Story::begin(VaultKind::Session).await;
    let slow = Fault::delay(Method::POST, "/.TOKEN", Duration::from_secs(2));
    story.swarm.serving.fault(slow);
    let (one, two) = tokio::join!(story.rotate(), story.rotate());
    let (done, refused) = match (one, two) {
        (Ok(done), Err(refused)) | (Err(refused), Ok(done)) => (done, refused),
        both => panic!("one rotates and one is refused: {both:?}"),
    };
    assert_eq!(refused.code, "keys.busy", "{refused:?}");
    assert!(refused.retry);
    assert_eq!(story.works().await, done.new_key.access_key_id);
    assert_eq!(story.at_the_portal().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_two_accounts_share_is_not_deleted_under_one() {
    let story = Story::begin(VaultKind::Session).await;
    let file = story.seat.engine.accounts_file();
    let mut twin = file.by_name("Old data").expect("is there");
    twin.id = wherry_account::AccountId::random();
    twin.name = "Twin".into();
    file.add(twin).expect("adds");
    let rotated = story.rotate().await.expect("rotates");
    let left = rotated.old_key_left.expect("is said");
    assert!(left.what.contains("Twin"), "{left:?}");
    assert!(story.at_the_portal().contains(&story.first));
}
