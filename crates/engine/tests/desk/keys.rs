//! A key's life, from the sign-in to files in a bucket and the key's end, against a real Keystone and
//! a real Ceph gateway.

use wherry_engine::commands::Desk;
use wherry_engine::contract::*;
use wherry_testbed::{Keystone, Person, Testbed, unique_bucket};
use wherry_vault::VaultKind;

use crate::seat::*;

pub fn password(url: &str, person: &Person, domain: &str) -> PortalRequest {
    PortalRequest {
        issuer: KeySource::Keystone,
        options: PortalOptions::default(),
        client_secret: None,
        url: url.to_owned(),
        sign_in: by_password(person, domain),
        ca_file: None,
        proxy: None,
    }
}

pub fn by_password(person: &Person, domain: &str) -> PortalSignIn {
    PortalSignIn::Password {
        user: person.name.clone(),
        domain: domain.to_owned(),
        password: typed(&person.password),
        totp: None,
    }
}

pub fn wish(session: &str, project: &str, place: &PortalEndpoint, name: &str) -> PortalAccount {
    PortalAccount {
        session: session.to_owned(),
        scope: project.to_owned(),
        region: place.region.clone(),
        endpoint: place.url.clone(),
        name: name.to_owned(),
        provider: "openstack".into(),
        signing: None,
        ca_file: None,
        wish: KeyWishForm::default(),
    }
}

/// Alice, signed in, with project `demo` open.
pub async fn in_demo(seat: &Seat, bed: &Keystone) -> (SignedIn, ScopePlaces) {
    let signed_in = seat
        .engine
        .portal_sign_in(password(&bed.url, &bed.alice, &bed.domain))
        .await
        .expect("signs in");
    let request = ScopeRequest {
        session: signed_in.session.clone(),
        scope: bed.demo_project.clone(),
        password: None,
    };
    let places = seat
        .engine
        .portal_scope(request)
        .await
        .expect("opens the project");
    (signed_in, places)
}

// Promise: A key that was deleted at its portal is said to be gone there, and that the store may
// honour it for some minutes yet.
// Promise: Once the store refuses a deleted key, the account says so and offers a new one.
// Promise: The secret of a new key is shown once: the window gets a ticket for it, and a second use
// is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_shown_once_used_deleted_refused_and_replaced() {
    let (bed, rgw) = Keystone::start_private_with_cache();
    let seat = Seat::new();
    let desk = &seat.engine;

    let (signed_in, places) = in_demo(&seat, &bed).await;
    assert_eq!(signed_in.user, "alice");
    assert_eq!(
        signed_in
            .scopes
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>(),
        ["demo", "survey"]
    );
    assert_eq!(signed_in.scope, None, "of two projects the user chooses");
    assert!(places.keys.is_empty() && places.cannot_create.is_none());
    let store = places
        .endpoints
        .iter()
        .find(|e| e.region == "RegionOne")
        .expect("is in the catalog");
    assert_eq!(store.url.trim_end_matches('/'), rgw.endpoint);

    let made = desk
        .portal_add_account(wish(
            &signed_in.session,
            &bed.demo_project,
            store,
            "Field work",
        ))
        .await;
    let made = made.expect("makes a key");
    let id = made.account.id.clone();
    assert_eq!(
        (made.account.key.state, made.account.key.source),
        (KeyState::Fine, KeySource::Keystone)
    );
    let shown = desk.reveal(made.reveal.clone()).await.expect("is shown");
    assert_eq!(
        (shown.access_key_id.as_str(), shown.secret.len()),
        (made.access_key_id.as_str(), 32)
    );
    let again = desk
        .reveal(made.reveal)
        .await
        .map(|_| ())
        .expect_err("not twice");
    assert_eq!(again.code, "keys.revealed");

    let name = unique_bucket("story");
    desk.create_bucket(bucket(&id, &name))
        .await
        .expect("makes a bucket");
    let listed = desk.buckets(id.clone()).await.expect("lists buckets");
    assert!(listed.buckets.iter().any(|b| b.name == name) && listed.denied.is_none());

    let large: Vec<u8> = (0..20_000_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let files: &[(&str, &[u8])] = &[
        ("about.txt", b"Level readings of the lake.\n"),
        ("M\u{fc}ggelsee/day 1+2.csv", b"1,2.5\n2,2.7\n"),
        ("M\u{fc}ggelsee/none.bin", b""),
        ("raw/noise.bin", &large),
    ];
    let trip = seat.files("trip", files);
    let top = place(&id, &name, "");
    let upload = PlanWhat::Upload {
        to: top.clone(),
        paths: vec![trip.display().to_string()],
    };
    let job = seat.does(upload).await;
    assert_eq!(
        (job.state, job.files_done, job.bytes_done),
        (JobState::Done, 4, job.bytes_total)
    );
    assert_eq!(seat.names(&top).await, ["trip"]);
    let inside = place(&id, &name, "trip/");
    let rows = seat.lists(&inside).await.expect("lists");
    let seen: Vec<_> = rows
        .iter()
        .map(|r| (r.kind, r.name.as_str(), r.size))
        .collect();
    let expected = [
        (RowKind::Folder, "M\u{fc}ggelsee", None),
        (RowKind::Folder, "raw", None),
        (RowKind::Object, "about.txt", Some(28)),
    ];
    assert_eq!(seen, expected);

    let target = seat.home.path().join("downloads");
    std::fs::create_dir(&target).expect("makes it");
    let download = PlanWhat::Download {
        selection: selection(&top, &seat.lists(&top).await.expect("lists")),
        folder: target.display().to_string(),
    };
    let job = seat.does(download).await;
    assert_eq!((job.state, job.files_done), (JobState::Done, 4));
    for (path, bytes) in files {
        assert!(
            std::fs::read(target.join("trip").join(path)).expect("arrived") == *bytes,
            "{path}"
        );
    }

    let key = KeyRef {
        account: id.clone(),
        access_key_id: made.access_key_id.clone(),
    };
    let deleted = desk.delete_key(key.clone()).await.expect("deletes");
    assert!(
        deleted.words.contains("is gone from 127.0.0.1") && !deleted.was_already_gone,
        "{}",
        deleted.words
    );
    assert!(
        deleted.words.contains("may honour it for some minutes yet"),
        "{}",
        deleted.words
    );
    assert!(
        desk.delete_key(key)
            .await
            .expect("is gone")
            .was_already_gone
    );
    // And that is so: the gateway remembers.
    seat.lists(&top).await.expect("is honoured still");
    assert_eq!(seat.account(&id).await.key.state, KeyState::DeletedAtPortal);

    rgw.restart();
    let refused = seat
        .lists(&top)
        .await
        .expect_err("the gateway has asked Keystone anew");
    assert_eq!(refused.code, "store.key-deleted", "{refused:?}");
    assert!(
        refused.what.contains("was deleted") && refused.todo.contains("new key"),
        "{refused:?}"
    );
    assert_eq!(
        refused.remedies,
        [Remedy::NewKey {
            account: id.clone()
        }]
    );
    assert_eq!(seat.account(&id).await.key.state, KeyState::Refused);

    let second = desk
        .create_key(NewKeyRequest {
            account: id.clone(),
            wish: KeyWishForm::default(),
        })
        .await
        .expect("makes another");
    assert_ne!(second.access_key_id, made.access_key_id);
    assert_ne!(
        desk.reveal(second.reveal).await.expect("is shown").secret,
        shown.secret
    );
    assert_eq!(
        seat.names(&top).await,
        ["trip"],
        "everything is still there"
    );
    assert_eq!(seat.account(&id).await.key.state, KeyState::Fine);
    let keys = desk
        .account_keys(id.clone())
        .await
        .expect("asks the portal");
    let keys: Vec<_> = keys
        .keys
        .iter()
        .map(|k| (k.access_key_id.as_str(), k.used_by.as_deref()))
        .collect();
    assert_eq!(keys, [(second.access_key_id.as_str(), Some("Field work"))]);
}

// Promise: A new key whose secret cannot be kept is deleted again at its portal.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_secret_cannot_be_kept_is_deleted_again() {
    let (bed, _rgw) = Testbed::both();
    let seat = Seat::with(VaultKind::File);
    let desk = &seat.engine;
    let change = VaultChange {
        choice: VaultChoice::File,
        passphrase: Some(typed("seven wherries")),
    };
    desk.choose_vault(change).await.expect("makes the file");
    let (signed_in, places) = in_demo(&seat, &bed).await;
    let mine = async || {
        let request = ScopeRequest {
            session: signed_in.session.clone(),
            scope: bed.demo_project.clone(),
            password: None,
        };
        let keys = desk.portal_scope(request).await.expect("lists").keys;
        keys.into_iter()
            .map(|k| k.access_key_id)
            .collect::<Vec<_>>()
    };
    let before = mine().await;
    // The vault looks fine, and fails at the moment it is needed.
    let file = desk.home().vault_file();
    let good = std::fs::read(&file).expect("is there");
    std::fs::write(&file, "not what it was").expect("is damaged");
    let wanted = wish(
        &signed_in.session,
        &bed.demo_project,
        &places.endpoints[0],
        "Unkept",
    );
    let refused = desk
        .portal_add_account(wanted.clone())
        .await
        .map(|_| ())
        .expect_err("cannot be kept");
    assert!(refused.code.starts_with("vault."), "{refused:?}");
    assert!(
        refused
            .context
            .iter()
            .any(|(_, value)| value.contains("deleted again")),
        "{refused:?}"
    );
    let only_theirs = |now: Vec<String>| now.into_iter().filter(|k| !before.contains(k)).count();
    assert_eq!(only_theirs(mine().await), 0, "no key is left at the portal");
    assert!(
        desk.accounts().await.expect("lists").is_empty(),
        "no account either"
    );

    // The same while an account has its key renewed: it goes on with the key it has.
    std::fs::write(&file, &good).expect("is put back");
    let made = desk.portal_add_account(wanted).await.expect("makes a key");
    let id = made.account.id;
    std::fs::write(&file, "not what it was").expect("is damaged");
    let refused = desk
        .create_key(NewKeyRequest {
            account: id.clone(),
            wish: KeyWishForm::default(),
        })
        .await
        .map(|_| ())
        .expect_err("cannot be kept");
    assert!(
        refused
            .context
            .iter()
            .any(|(_, value)| value.contains("deleted again")),
        "{refused:?}"
    );
    assert_eq!(
        seat.account(&id).await.key.access_key_id,
        Some(made.access_key_id.clone())
    );
    let key = KeyRef {
        account: id,
        access_key_id: made.access_key_id,
    };
    desk.delete_key(key).await.expect("clears up");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_sign_in_is_said() {
    let (bed, rgw) = Testbed::both();
    let seat = Seat::new();
    let refused = async |request| {
        seat.engine
            .portal_sign_in(request)
            .await
            .map(|_| ())
            .expect_err("refuses")
    };
    let wrong = Person {
        password: "not hers".into(),
        ..bed.alice.clone()
    };
    let problem = refused(password(&bed.url, &wrong, &bed.domain)).await;
    assert_eq!(problem.code, "portal.sign-in-refused");
    assert!(!format!("{problem:?}").contains("not hers"));
    assert_eq!(
        refused(password(&rgw.endpoint, &bed.alice, "Default"))
            .await
            .code,
        "portal.not-a-portal"
    );
    assert_eq!(
        refused(password(&bed.url, &bed.bob, &bed.domain))
            .await
            .code,
        "portal.no-project"
    );
    assert_eq!(
        refused(password(&bed.tls_url, &bed.alice, &bed.domain))
            .await
            .code,
        "portal.certificate-untrusted"
    );
    let trusting = PortalRequest {
        ca_file: Some(bed.ca_file.display().to_string()),
        ..password(&bed.tls_url, &bed.alice, &bed.domain)
    };
    seat.engine
        .portal_sign_in(trusting)
        .await
        .expect("trusts the file");
    let nameless = Person {
        name: " ".into(),
        ..bed.alice.clone()
    };
    assert_eq!(
        refused(password(&bed.url, &nameless, "")).await.code,
        "portal.missing"
    );

    // An application credential of Keystone's usual kind signs in and may not make keys.
    let credential = PortalRequest {
        sign_in: PortalSignIn::ApplicationCredential {
            id: bed.application_credential.id.clone(),
            secret: typed(&bed.application_credential.secret),
        },
        ..password(&bed.url, &bed.alice, "")
    };
    let signed_in = seat
        .engine
        .portal_sign_in(credential)
        .await
        .expect("signs in");
    assert_eq!(signed_in.scope.as_deref(), Some(bed.demo_project.as_str()));
    let request = ScopeRequest {
        session: signed_in.session,
        scope: bed.demo_project.clone(),
        password: None,
    };
    match seat.engine.portal_scope(request).await {
        Ok(places) => assert!(places.cannot_create.is_some()),
        Err(problem) => {
            assert_eq!(problem.code, "portal.restricted-credential", "{problem:?}");
            assert!(
                problem.todo.contains("user name and password"),
                "{problem:?}"
            );
        }
    }
}

// Promise: A password goes over plain http only to this computer, or where the address was typed
// with http.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_over_plain_http_only_when_that_was_asked_for() {
    let bed = Testbed::keystone();
    let seat = Seat::new();
    let sign_in = async |url: String| {
        seat.engine
            .portal_sign_in(password(&url, &bed.alice, &bed.domain))
            .await
    };
    let port = url::Url::parse(&bed.url)
        .expect("an address")
        .port()
        .expect("has one");
    // Linux takes this address for its own, and Wherry cannot know that: to it, it is another computer.
    let refused = sign_in(format!("0.0.0.0:{port}"))
        .await
        .map(|_| ())
        .expect_err("would be readable on the way");
    assert_eq!(refused.code, "portal.only-unencrypted", "{refused:?}");
    assert!(
        refused.todo.contains("could be read on the way"),
        "{refused:?}"
    );
    sign_in(format!("127.0.0.1:{port}"))
        .await
        .expect("stays inside this computer");
    sign_in(format!("http://0.0.0.0:{port}"))
        .await
        .expect("was asked for");
}
