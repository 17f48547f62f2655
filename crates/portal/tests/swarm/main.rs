//! Against a double of Swarm's Content Gateway, with a real store behind it.

#[path = "../opened/mod.rs"]
mod opened;

mod entering;
mod lost;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use reqwest::Method;
use secrecy::ExposeSecret;
use url::Url;
use wherry_account::{IssuerKind, IssuerOptions};
use wherry_doubles::{Backing, Fault, Full, Swarm, Tls, Token, Tokens};
use wherry_portal::{
    Ability, Deleted, Expiry, IssuedKey, KeyWish, PortalError, PortalSession, Proof, SignInRequest,
    capabilities, sign_in,
};
use wherry_store::{Body, ContentCheck, ErrorKind, HttpSettings, ObjectStore as _, PutRequest};
use wherry_testbed::Testbed;

const JDOE: (&str, &str) = ("jdoe", "jdoe-password");

fn gateway() -> Swarm {
    Swarm::start(Tokens::of_a_small_site(Backing::none()), "cedadev-o", None)
}

fn request(url: &str, (user, password): (&str, &str)) -> SignInRequest {
    SignInRequest {
        kind: IssuerKind::Swarm,
        url: url.to_owned(),
        http: HttpSettings::default(),
        options: IssuerOptions::default(),
        client_secret: None,
        proof: Proof::Password {
            user: user.to_owned(),
            domain: String::new(),
            password: password.into(),
            code: None,
        },
    }
}

async fn jdoe(gateway: &Swarm) -> Arc<dyn PortalSession> {
    sign_in(request(gateway.url(), JDOE))
        .await
        .expect("signs in")
}

fn in_days(days: u64) -> DateTime<Utc> {
    let day = Utc::now().date_naive() + Days::new(days);
    day.and_time(NaiveTime::MIN).and_utc()
}

fn wish(name: &str, days: u64) -> KeyWish {
    KeyWish {
        description: Some(name.to_owned()),
        expires: Some(in_days(days)),
    }
}

fn token(name: &str, source: Option<&str>) -> Token {
    Token {
        name: name.to_owned(),
        owner: "jdoe".to_owned(),
        tenancy: "cedadev-o".to_owned(),
        source: source.map(str::to_owned),
        secret: Some("x".to_owned()),
        made: Utc::now(),
        expires: in_days(9),
    }
}

#[tokio::test]
async fn a_key_from_birth_to_death() {
    let rgw = Testbed::rgw();
    let gateway = Swarm::start(
        Tokens::of_a_small_site(Backing::rgw(&rgw)),
        "cedadev-o",
        None,
    );
    let session = jdoe(&gateway).await;
    assert_eq!(
        (session.kind(), session.user()),
        (IssuerKind::Swarm, "jdoe")
    );
    assert!(session.lasting().is_none() && !session.is_expired(Utc::now()));
    assert_eq!(
        session.capabilities(),
        capabilities(IssuerKind::Swarm).expect("is known")
    );
    assert_eq!(session.capabilities().expiry, Expiry::Required);
    assert!(session.list_keys().await.expect("lists").is_empty());

    let made = session
        .create_key(&wish("Jané's laptop", 30))
        .await
        .expect("makes a key");
    assert_eq!(made.expires, Some(in_days(30)));
    let rows = session.list_keys().await.expect("lists");
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(row.access_key_id, made.access_key_id);
    assert_eq!(row.description.as_deref(), Some("Jané's laptop"));
    assert_eq!(row.expires, Some(in_days(30)));
    assert!(
        row.created
            .is_some_and(|at| (Utc::now() - at) < TimeDelta::minutes(5))
    );

    // What the gateway was told: the name always, no cookie wanted, and the secret that was kept.
    let asked = gateway.serving.asked();
    let post = asked
        .iter()
        .find(|a| a.method == Method::POST)
        .expect("was asked");
    assert_eq!(post.path, "/.TOKEN/?setcookie=false");
    assert!(
        post.header("x-custom-meta-source").is_none()
            && post.headers.contains_key("x-custom-meta-source")
    );
    assert_eq!(
        post.header("x-user-token-expires-meta"),
        Some(in_days(30).format("%Y-%m-%d").to_string().as_str())
    );
    let secret = made.secret.access_key().expose_secret();
    assert_eq!(post.header("x-user-secret-key-meta"), Some(secret));
    assert_eq!(secret.len(), 64);

    // The endpoint it names opens with that key.
    let endpoint = &session.endpoints()[0].url;
    assert_eq!(endpoint.as_str().trim_end_matches('/'), gateway.url());
    opened::at(endpoint, &made)
        .await
        .expect("the key opens the store");

    assert_eq!(
        session
            .delete_key(&made.access_key_id)
            .await
            .expect("deletes"),
        Deleted::Now
    );
    opened::at(endpoint, &made)
        .await
        .expect_err("the key is gone");
    assert_eq!(
        session
            .delete_key(&made.access_key_id)
            .await
            .expect("is gone"),
        Deleted::Before
    );
    assert_eq!(
        session.delete_key("../never?was").await.expect("never was"),
        Deleted::Before
    );
    let reset = session.reset_key("x").await.expect_err("cannot");
    assert_eq!(reset.code(), "cannot-do");
    assert!(matches!(session.capabilities().reset, Ability::No(_)));
}

/// Uploads two objects, is told that the store is full, and deletes them all the same.
async fn fill_and_empty(endpoint: &Url, key: &IssuedKey, full: impl Fn(bool)) {
    let store = opened::store(endpoint, key);
    let bucket = wherry_testbed::unique_bucket("tenancy");
    let put = |name: &str| {
        store.put(PutRequest {
            bucket: bucket.clone(),
            key: name.to_owned(),
            body: Body::Bytes(Bytes::from_static(b"data")),
            check: ContentCheck::default(),
            content_type: None,
            metadata: BTreeMap::new(),
            if_absent: false,
        })
    };
    store.create_bucket(&bucket).await.expect("makes a bucket");
    let again = store.create_bucket(&bucket).await.expect_err("is there");
    assert_eq!(again.status, Some(409), "{again}");
    for name in ["a", "b"] {
        put(name).await.expect("uploads");
    }
    full(true);
    let refused = put("c").await.expect_err("is full");
    assert!(!refused.kind.is_transient(), "{refused}");
    assert!(
        matches!(refused.status, Some(403 | 507)) && refused.kind != ErrorKind::Other,
        "{refused}"
    );
    let deleted = store.delete(&bucket, vec!["a".into(), "b".into()]).await;
    assert!(
        deleted.iter().all(|one| one.result.is_ok()) && deleted.len() == 2,
        "{deleted:?}"
    );
    full(false);
    store.delete_bucket(&bucket).await.expect("is empty");
}

/// Over its quota a tenancy refuses what takes space, and POST `?delete`; it can still be emptied.
#[tokio::test]
async fn a_full_tenancy_can_be_emptied() {
    let rgw = Testbed::rgw();
    let tokens = Tokens::of_a_small_site(Backing::rgw(&rgw));
    let gateway = Swarm::start(tokens, "cedadev-o", None);
    let session = jdoe(&gateway).await;
    let made = session
        .create_key(&wish("cleaning", 2))
        .await
        .expect("makes a key");
    let endpoint = session.endpoints()[0].url.clone();
    for full in [Full::FORBIDDEN, Full::INSUFFICIENT_STORAGE] {
        fill_and_empty(&endpoint, &made, |is_full| {
            gateway.full(is_full.then_some(full));
        })
        .await;
    }
    session
        .delete_key(&made.access_key_id)
        .await
        .expect("deletes");
}

#[tokio::test]
async fn helper_keys_are_hidden_and_odd_rows_are_shown() {
    let gateway = gateway();
    gateway.write_utc();
    gateway
        .tokens
        .put(token("aaaa", Some("JASMIN account auth access key")));
    gateway
        .tokens
        .put(token("bbbb", Some("JASMIN account auth access key S3")));
    gateway.tokens.put(token("cccc", None));
    gateway.tokens.put(token("dddd", Some("laptop")));
    let session = jdoe(&gateway).await;
    let rows = session.list_keys().await.expect("lists");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.access_key_id.as_str(), row.description.as_deref()))
        .collect();
    assert_eq!(shown, [("cccc", None), ("dddd", Some("laptop"))]);
    assert!(rows.iter().all(|row| row.expires == Some(in_days(9))));
}

#[tokio::test]
async fn impossible_wishes_are_refused_before_the_gateway_is_asked() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    let today = KeyWish {
        description: Some("laptop".to_owned()),
        expires: Some(Utc::now()),
    };
    for wish in [
        wish("a name that is far too long for it", 5),
        wish("ключ", 5),
        wish("", 5),
        today,
        wish("laptop", 40_000),
        KeyWish {
            expires: None,
            ..wish("laptop", 5)
        },
    ] {
        let error = session.create_key(&wish).await.expect_err("refuses");
        assert_eq!(error.code(), "wish", "{wish:?}: {error}");
    }
    assert_eq!(gateway.serving.count(&Method::POST, ""), 0);
}
