//! Against a double of the JASMIN Object Store Portal, with a real store behind it.

#[path = "../opened/mod.rs"]
mod opened;

mod entering;
mod lost;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use reqwest::Method;
use secrecy::ExposeSecret;
use wherry_account::{IssuerKind, IssuerOptions};
use wherry_doubles::{Backing, Fault, Jasmin, JasminOptions, Swarm, Tls, Token, Tokens};
use wherry_portal::{
    Ability, Deleted, Expiry, KeyWish, PortalError, PortalSession, Proof, SignInRequest,
    capabilities, sign_in,
};
use wherry_store::HttpSettings;
use wherry_testbed::Testbed;

const PASSWORD: &str = "jdoe-password";
const KEYS: &str = "/access-keys";
const CREATE: &str = "/create-keys";

fn portal() -> Jasmin {
    Jasmin::start(
        Tokens::of_a_small_site(Backing::none()),
        &JasminOptions::default(),
    )
}

fn request(portal: &str, cookie: &str) -> SignInRequest {
    SignInRequest {
        kind: IssuerKind::JasminPortal,
        url: portal.to_owned(),
        http: HttpSettings::default(),
        options: IssuerOptions::default(),
        client_secret: None,
        proof: Proof::Cookie(cookie.into()),
    }
}

async fn signed_in(portal: &Jasmin, user: &str) -> Arc<dyn PortalSession> {
    let request = request(portal.url(), &portal.session_of(user));
    sign_in(request).await.expect("signs in")
}

/// `jdoe` in the tenancy `cedadev-o`.
async fn inside(portal: &Jasmin) -> Arc<dyn PortalSession> {
    let session = signed_in(portal, "jdoe").await;
    session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect("opens")
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

fn token(name: &str, source: Option<&str>, expires: DateTime<Utc>) -> Token {
    Token {
        name: name.to_owned(),
        owner: "jdoe".to_owned(),
        tenancy: "cedadev-o".to_owned(),
        source: source.map(str::to_owned),
        secret: Some("x".to_owned()),
        made: Utc::now(),
        expires,
    }
}

/// Everything an error has to say, which must not be a secret.
fn words(error: &PortalError) -> String {
    format!("{error} {} {:?} {error:?}", error.way_on(), error.context())
}

#[tokio::test]
async fn a_key_from_birth_to_death() {
    let rgw = Testbed::rgw();
    let tokens = Tokens::of_a_small_site(Backing::rgw(&rgw));
    tokens.move_to(rgw.endpoint.trim_start_matches("http://"));
    let portal = Jasmin::start(tokens, &JasminOptions::default());

    let session = signed_in(&portal, "jdoe").await;
    assert_eq!(
        (session.kind(), session.user()),
        (IssuerKind::JasminPortal, "jdoe")
    );
    assert!(session.lasting().is_none() && session.scope().is_none());
    let scopes = session.scopes().await.expect("lists tenancies");
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(names, ["cedadev-o", "survey-o"]);
    assert!(scopes.iter().all(|scope| scope.asks_password));
    let early = session
        .create_key(&wish("laptop", 3))
        .await
        .expect_err("needs a tenancy");
    assert_eq!(early.code(), "cannot-do", "{early}");
    assert!(matches!(session.capabilities().list, Ability::No(_)));

    let session = session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect("opens");
    assert_eq!(
        session.scope().map(|scope| scope.id).as_deref(),
        Some("cedadev-o")
    );
    assert_eq!(
        session.capabilities(),
        capabilities(IssuerKind::JasminPortal).expect("is known")
    );
    assert_eq!(session.capabilities().expiry, Expiry::Required);
    // The portal's own two are there, and not shown.
    assert_eq!(portal.tokens.all().len(), 2);
    assert!(session.list_keys().await.expect("lists").is_empty());

    let made = session
        .create_key(&wish("Jané's <b> & \"laptop\"", 30))
        .await
        .expect("makes a key");
    assert_eq!(made.expires, Some(in_days(30)));
    assert_eq!(made.secret.access_key().expose_secret().len(), 64);
    let rows = session.list_keys().await.expect("lists");
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(row.access_key_id, made.access_key_id);
    assert_eq!(row.description.as_deref(), Some("Jané's <b> & \"laptop\""));
    assert_eq!(row.expires, Some(in_days(30)));
    assert!(
        row.created
            .is_some_and(|at| Utc::now() - at < TimeDelta::days(2))
    );

    let endpoints = session.endpoints();
    let [outside, inside] = endpoints.as_slice() else {
        panic!("{endpoints:?}")
    };
    assert_eq!(
        (outside.region.as_str(), inside.region.as_str()),
        ("From anywhere", "Inside JASMIN")
    );
    assert_eq!(inside.url.as_str().trim_end_matches('/'), rgw.endpoint);
    opened::at(&inside.url, &made)
        .await
        .expect("the key opens the store");

    assert_eq!(
        session
            .delete_key(&made.access_key_id)
            .await
            .expect("deletes"),
        Deleted::Now
    );
    opened::at(&inside.url, &made)
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
        session.reset_key("x").await.expect_err("cannot").code(),
        "cannot-do"
    );

    // Addresses never end in a slash, and the overview was shown before the password was given.
    let asked = portal.serving.asked();
    assert!(asked.iter().all(|a| !a.path.ends_with('/')), "{asked:?}");
    let first = asked
        .iter()
        .position(|a| a.method == Method::POST)
        .expect("was asked");
    assert!(asked[..first].iter().any(|a| a.path == "/object-store"));

    session.sign_out().await;
    let ended = session.list_keys().await.expect_err("is signed out");
    assert!(matches!(ended, PortalError::SignInAgain), "{ended}");
}

#[tokio::test]
async fn impossible_wishes_are_refused_before_the_portal_is_asked() {
    let portal = portal();
    let session = inside(&portal).await;
    let posts = portal.serving.count(&Method::POST, "");
    let at = |expires| KeyWish {
        expires,
        ..wish("laptop", 0)
    };
    for wish in [
        wish("a name that is far too long for it", 5),
        wish("żółw", 5),
        wish("two\nlines", 5),
        wish(" ", 5),
        KeyWish::default(),
        at(None),
        at(Some(Utc::now())),
        at(Some(Utc::now() - TimeDelta::days(400))),
        wish("laptop", 40_000),
    ] {
        let error = session.create_key(&wish).await.expect_err("refuses");
        assert_eq!(error.code(), "wish", "{wish:?}: {error}");
    }
    assert_eq!(portal.serving.count(&Method::POST, ""), posts);
    // Spaces at the ends would be the portal's end too; they are nobody's wish.
    session
        .create_key(&wish("  laptop ", 5))
        .await
        .expect("makes a key");
    let rows = session.list_keys().await.expect("lists");
    assert_eq!(rows[0].description.as_deref(), Some("laptop"));
}

#[tokio::test]
async fn keys_made_deleted_and_expired_elsewhere() {
    let portal = portal();
    let session = inside(&portal).await;
    let now = Utc::now();
    portal
        .tokens
        .put(token("older", Some("older"), now - TimeDelta::days(9)));
    portal
        .tokens
        .put(token("old", Some("old"), now - TimeDelta::days(4)));
    let rows = session.list_keys().await.expect("lists");
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(row.access_key_id, "old", "of the ended keys the latest");
    assert!(row.expires.is_some_and(|at| at < now));

    let made = session
        .create_key(&wish("laptop", 3))
        .await
        .expect("makes a key");
    assert_eq!(
        session.list_keys().await.expect("lists").len(),
        1,
        "ended keys are not shown beside others"
    );
    portal.tokens.delete_elsewhere(&made.access_key_id).await;
    assert_eq!(
        session
            .delete_key(&made.access_key_id)
            .await
            .expect("is gone"),
        Deleted::Before
    );
    // An ended key that is not shown can be deleted all the same.
    session.delete_key("older").await.expect("deletes");
    assert!(portal.tokens.find("older").is_none());

    portal.tokens.out_of_order(Some(503));
    let error = session.delete_key("old").await.expect_err("is away");
    assert_eq!(error.code(), "portal-fault", "{error}");
}

/// A key of the Swarm gateway carries what the portal needs to go on working.
#[tokio::test]
async fn a_key_made_at_the_gateway_does_not_break_the_portal() {
    let tokens = Tokens::of_a_small_site(Backing::none());
    let portal = Jasmin::start(tokens.clone(), &JasminOptions::default());
    let gateway = Swarm::start(tokens, "cedadev-o", None);
    let at_gateway = SignInRequest {
        kind: IssuerKind::Swarm,
        proof: Proof::Password {
            user: "jdoe".into(),
            domain: String::new(),
            password: PASSWORD.into(),
            code: None,
        },
        ..request(gateway.url(), "")
    };
    let made = sign_in(at_gateway).await.expect("signs in");
    made.create_key(&wish("from the gateway", 5))
        .await
        .expect("makes a key");
    let rows = inside(&portal).await.list_keys().await.expect("lists");
    assert_eq!(rows[0].description.as_deref(), Some("from the gateway"));
}
