//! The S3 Keys Manager: against a strict double of it, with a real OpenID Connect provider in front and a
//! real store behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions};
use wherry_doubles::{Backing, Bearers, Fault, Propagation, ResetAnswer, S3KeysManager};
use wherry_portal::oidc::Tokens;
use wherry_portal::{
    Ability, Deleted, IssuedKey, KeyWish, PortalError, PortalSession, Proof, SignInRequest, resume,
    sign_in,
};
use wherry_store::{
    Credentials, ErrorKind, HttpSettings, ObjectStore, S3Config, S3Store, StoreError,
};
use wherry_testbed::{Member, Oidc, Rgw, Testbed};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEYS: &str = "/credentials";

fn options(oidc: &Oidc) -> IssuerOptions {
    IssuerOptions {
        oidc_issuer: Some(oidc.issuer.parse().expect("a URL")),
        client_id: Some(oidc.client.clone()),
        ..IssuerOptions::default()
    }
}

fn request(url: &str, options: IssuerOptions, proof: Proof) -> SignInRequest {
    SignInRequest {
        kind: IssuerKind::S3KeysManager,
        url: url.to_owned(),
        http: HttpSettings::default(),
        options,
        client_secret: None,
        proof,
    }
}

fn password(who: &Member, code: Option<String>) -> Proof {
    Proof::Password {
        user: who.name.clone(),
        domain: String::new(),
        password: who.password.as_str().into(),
        code: code.map(SecretString::from),
    }
}

async fn alice(manager: &S3KeysManager, oidc: &Oidc) -> Arc<dyn PortalSession> {
    let proof = password(&oidc.alice, None);
    sign_in(request(&manager.url(), options(oidc), proof))
        .await
        .expect("signs in")
}

fn without_store(oidc: &Oidc) -> S3KeysManager {
    S3KeysManager::start(Bearers::of(oidc), Backing::none(), None)
}

async fn opens(rgw: &Rgw, key: &IssuedKey) -> Result<(), StoreError> {
    let credentials = Credentials {
        access_key_id: key.access_key_id.clone(),
        secret: key.secret.access_key().clone(),
        session_token: None,
    };
    let endpoint = rgw.endpoint.parse().expect("a URL");
    let store = S3Store::new(S3Config::new(endpoint, Some(credentials))).expect("a store");
    store.list_buckets().await.map(drop)
}

async fn ids(session: &dyn PortalSession) -> Vec<String> {
    let rows = session.list_keys().await.expect("lists");
    rows.into_iter().map(|row| row.access_key_id).collect()
}

async fn make(session: &dyn PortalSession) -> Result<IssuedKey, PortalError> {
    session.create_key(&KeyWish::default()).await
}

#[tokio::test]
async fn a_key_from_birth_to_death() {
    let (oidc, rgw) = (Testbed::oidc(), Testbed::rgw());
    let manager = S3KeysManager::start(Bearers::of(&oidc), Backing::rgw(&rgw), None);
    let session = alice(&manager, &oidc).await;
    assert_eq!(session.user(), "alice");
    assert_eq!(session.url().as_str(), manager.url());
    assert_eq!(session.capabilities().reset, Ability::Yes);
    assert_eq!(session.scopes().await.expect("one")[0].id, "");
    assert!(ids(&*session).await.is_empty());

    let key = make(&*session).await.expect("makes a key");
    assert_eq!(key.expires, None);
    opens(&rgw, &key).await.expect("opens the store");
    let expires = (Utc::now() + TimeDelta::days(30)).trunc_subsecs(0);
    let wish = KeyWish {
        expires: Some(expires),
        ..KeyWish::default()
    };
    let second = session.create_key(&wish).await.expect("makes another");
    assert_eq!(second.expires, Some(expires));
    let rows = session.list_keys().await.expect("lists");
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].expires, rows[1].expires), (None, Some(expires)));

    let reset = session
        .reset_key(&key.access_key_id)
        .await
        .expect("has a new secret");
    assert_eq!(reset.access_key_id, key.access_key_id);
    opens(&rgw, &reset).await.expect("the new secret works");
    opens(&rgw, &key).await.expect_err("the old one does not");

    let id = &key.access_key_id;
    assert_eq!(session.delete_key(id).await.expect("goes"), Deleted::Now);
    assert_eq!(
        session.delete_key(id).await.expect("is gone"),
        Deleted::Before
    );
    opens(&rgw, &reset).await.expect_err("opens nothing more");
    assert_eq!(ids(&*session).await, [second.access_key_id]);
    for made in [&key.secret, &reset.secret] {
        let secret = made.access_key().expose_secret();
        assert!(!format!("{session:?} {made:?}").contains(secret));
    }
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let session = alice(&manager, &oidc).await;
    let mut made = Vec::new();
    for _ in 0..8 {
        made.push(make(&*session).await.expect("is made").access_key_id);
    }
    let before = manager.serving.count(&Method::GET, KEYS);
    assert_eq!(ids(&*session).await, made);
    // Three at a time.
    assert_eq!(manager.serving.count(&Method::GET, KEYS) - before, 3);
}

#[tokio::test]
async fn a_wish_that_cannot_be_is_refused_before_anybody_is_asked() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let session = alice(&manager, &oidc).await;
    for wish in [
        KeyWish {
            expires: Some(Utc::now() - TimeDelta::seconds(1)),
            ..KeyWish::default()
        },
        KeyWish {
            description: Some("my laptop".into()),
            ..KeyWish::default()
        },
    ] {
        let refused = session.create_key(&wish).await.expect_err("refuses");
        assert_eq!(refused.code(), "wish", "{refused}");
    }
    assert_eq!(manager.serving.count(&Method::POST, KEYS), 0);

    // What only the manager knows to be too much.
    let detail = r#"{"detail":[{"loc":["body"],"msg":"at most two years","type":"x"}]}"#;
    let fault = Fault::answer(Method::POST, KEYS, 422, "application/json", detail);
    manager.serving.fault(fault);
    let refused = make(&*session).await.expect_err("refuses");
    assert_eq!(refused.code(), "wish", "{refused}");
    assert!(
        refused.to_string().contains("at most two years"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_last_key_there_may_be_is_told() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    manager.most(1);
    let session = alice(&manager, &oidc).await;
    make(&*session).await.expect("is made");
    let full = make(&*session).await.expect_err("is refused");
    assert_eq!(full.code(), "key-limit", "{full}");
    let said = full.said().expect("was said");
    assert_eq!(said.message, "Max number of credentials reached");
}

#[tokio::test]
async fn a_new_secret_is_found_in_whatever_the_answer_looks_like() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let session = alice(&manager, &oidc).await;
    let id = make(&*session).await.expect("is made").access_key_id;
    for shape in [
        ResetAnswer::Secret,
        ResetAnswer::SecretKey,
        ResetAnswer::Whole,
        ResetAnswer::Covered,
        ResetAnswer::BareText,
    ] {
        manager.answer_resets_with(shape);
        let reset = session
            .reset_key(&id)
            .await
            .unwrap_or_else(|e| panic!("{shape:?}: {e}"));
        assert_eq!(
            reset.secret.access_key().expose_secret(),
            manager.credentials()[0].secret,
            "{shape:?}"
        );
    }
    manager.answer_resets_with(ResetAnswer::Nothing);
    let lost = session.reset_key(&id).await.expect_err("has no secret");
    assert_eq!(lost.code(), "orphan", "{lost}");
    assert!(lost.to_string().contains(&id), "{lost}");

    // An answer that is lost is asked for again: the secret that counts is the last one.
    manager.answer_resets_with(ResetAnswer::Whole);
    manager
        .serving
        .fault(Fault::lose_answer(Method::PATCH, KEYS));
    let reset = session.reset_key(&id).await.expect("is asked again");
    let last = &manager.credentials()[0].secret;
    assert_eq!(reset.secret.access_key().expose_secret(), last);

    let unknown = session.reset_key("UNKNOWN").await.expect_err("is refused");
    assert_eq!(unknown.code(), "not-understood", "{unknown}");
    assert_eq!(
        unknown.said().expect("was said").message,
        "Credential not found"
    );
}

#[tokio::test]
async fn after_a_lost_answer_the_list_tells_what_became_of_the_key() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let session = alice(&manager, &oidc).await;
    make(&*session).await.expect("is made");

    manager.serving.fault(Fault::swallow(Method::POST, KEYS));
    let lost = make(&*session).await.expect_err("never arrived");
    assert_eq!(lost.code(), "interrupted", "{lost}");
    assert!(lost.is_transient());
    assert_eq!(manager.credentials().len(), 1);

    for fault in [
        Fault::lose_answer(Method::POST, KEYS),
        Fault::instead_of_answer(Method::POST, KEYS, 504, "text/html", "<html>Timeout</html>"),
    ] {
        manager.serving.fault(fault);
        let posts = manager.serving.count(&Method::POST, KEYS);
        let orphaned = make(&*session).await.expect_err("the secret is lost");
        let newest = manager.credentials().pop().expect("was made").access_id;
        let PortalError::Orphan { access_key_id } = &orphaned else {
            panic!("{orphaned:?}")
        };
        assert_eq!(*access_key_id, newest);
        // Asked once: a second time would have made a second key.
        assert_eq!(manager.serving.count(&Method::POST, KEYS), posts + 1);
        let deleted = session.delete_key(access_key_id).await.expect("goes");
        assert_eq!(deleted, Deleted::Now);
    }

    // The list before it is slow, the one after it does not come.
    for fault in [
        Fault::lose_answer(Method::POST, KEYS),
        Fault::delay(Method::GET, KEYS, Duration::from_millis(1)),
        Fault::answer(Method::GET, KEYS, 503, "text/plain", "busy"),
    ] {
        manager.serving.fault(fault);
    }
    let unclear = make(&*session).await.expect_err("nobody knows");
    assert_eq!(unclear.code(), "unclear", "{unclear}");
}

#[tokio::test]
async fn a_new_key_may_take_a_while_to_open_the_store() {
    let (oidc, rgw) = (Testbed::oidc(), Testbed::rgw());
    let manager = S3KeysManager::start(Bearers::of(&oidc), Backing::rgw(&rgw), None);
    manager.propagate_by(Propagation::WhenTold);
    let session = alice(&manager, &oidc).await;
    assert!(session.capabilities().takes_effect_within.is_some());
    let key = make(&*session).await.expect("makes a key");
    let early = opens(&rgw, &key).await.expect_err("is not known yet");
    assert_eq!(early.kind, ErrorKind::KeyUnknown, "{early}");
    manager.propagate().await;
    opens(&rgw, &key).await.expect("opens the store");
}

#[tokio::test]
async fn a_one_time_code_goes_with_the_password() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let ask = |code| {
        let proof = password(&oidc.tom, code);
        sign_in(request(&manager.url(), options(&oidc), proof))
    };
    let refused = ask(None).await.expect_err("wants a code");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
    let session = ask(Some(oidc.code())).await.expect("signs in");
    assert_eq!(session.user(), "tom");
    make(&*session).await.expect("makes a key");
    assert_eq!(manager.credentials()[0].owner, "tom");
    // Everybody sees their own keys.
    assert!(ids(&*alice(&manager, &oidc).await).await.is_empty());
}

fn link(session: &dyn PortalSession, options: IssuerOptions) -> IssuerLink {
    IssuerLink {
        kind: session.kind(),
        url: session.url().clone(),
        user: session.user().to_owned(),
        domain: String::new(),
        scope_id: String::new(),
        scope_name: String::new(),
        region: String::new(),
        options,
    }
}

#[tokio::test]
async fn a_session_goes_on_with_what_was_kept_until_that_is_dead() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let first = alice(&manager, &oidc).await;
    let link = link(&*first, options(&oidc));
    let kept = first.lasting().expect("lasts");
    let http = HttpSettings::default();
    let second = resume(&link, kept.clone(), &http).await.expect("goes on");
    assert_eq!(second.user(), "alice");
    make(&*second).await.expect("makes a key");
    // What is kept changes with each use, and the old is worth nothing.
    let new = second.lasting().expect("lasts");
    assert_ne!(kept.expose_secret(), new.expose_secret());
    let third = resume(&link, new, &http).await.expect("goes on");
    assert_eq!(ids(&*third).await.len(), 1);

    let last = third.lasting().expect("lasts");
    third.sign_out().await;
    for dead in [kept, last, "{}".into(), "garbage".into()] {
        let ended = resume(&link, dead, &http).await.expect_err("is dead");
        assert_eq!(ended.code(), "sign-in-again", "{ended}");
    }
}

#[tokio::test]
async fn a_client_with_a_secret_goes_on_with_it() {
    let oidc = Testbed::oidc();
    let manager = without_store(&oidc);
    let (id, secret) = oidc.confidential.clone();
    let options = IssuerOptions {
        client_id: Some(id),
        ..options(&oidc)
    };
    let request = SignInRequest {
        client_secret: Some(secret.into()),
        ..request(&manager.url(), options.clone(), password(&oidc.alice, None))
    };
    let first = sign_in(request).await.expect("signs in");
    let kept = first.lasting().expect("lasts");
    let second = resume(&link(&*first, options), kept, &HttpSettings::default())
        .await
        .expect("goes on");
    assert!(ids(&*second).await.is_empty());
}

fn tokens(access: &str, refresh: Option<&str>, expires: Option<DateTime<Utc>>) -> Proof {
    Proof::Tokens(Tokens {
        access: access.into(),
        id: None,
        refresh: refresh.map(SecretString::from),
        expires,
    })
}

/// An issuer that gives the access token `new` for the refresh token `good`, and nothing else.
async fn issuer_of_new_tokens() -> MockServer {
    let server = MockServer::start().await;
    let issuer = server.uri();
    let document = json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token")});
    Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(ResponseTemplate::new(200).set_body_json(document))
        .mount(&server)
        .await;
    let new = json!({"access_token": "new", "expires_in": 300});
    Mock::given(method("POST"))
        .and(path("/token"))
        .and(body_string_contains("refresh_token=good"))
        .respond_with(ResponseTemplate::new(200).set_body_json(new))
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .respond_with(ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"})))
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_token_is_renewed_when_it_runs_out_and_when_the_portal_would_not_have_it() {
    let issuer = issuer_of_new_tokens().await;
    let owners = BTreeMap::from([("new".to_owned(), "alice".to_owned())]);
    let manager = S3KeysManager::start(Bearers::Fixed(owners), Backing::none(), None);
    let options = IssuerOptions {
        oidc_issuer: Some(issuer.uri().parse().expect("a URL")),
        client_id: Some("wherry".into()),
        ..IssuerOptions::default()
    };
    let ask = |proof| sign_in(request(&manager.url(), options.clone(), proof));
    let soon = Some(Utc::now() + TimeDelta::seconds(20));
    let later = Some(Utc::now() + TimeDelta::hours(1));
    for (expires, told_off) in [(soon, 0), (later, 1)] {
        let before = manager.serving.asked().len();
        let session = ask(tokens("old", Some("good"), expires))
            .await
            .expect("is renewed");
        assert_eq!(manager.serving.asked().len() - before, 1 + told_off);
        // Once renewed, the token is used.
        assert!(ids(&*session).await.is_empty());
        assert_eq!(manager.serving.asked().len() - before, 2 + told_off);
        assert!(!session.is_expired(Utc::now() + TimeDelta::days(1)));
    }
    for proof in [
        tokens("old", Some("dead"), later),
        tokens("old", None, later),
    ] {
        let ended = ask(proof).await.expect_err("is over");
        assert_eq!(ended.code(), "sign-in-again", "{ended}");
    }
}

#[tokio::test]
async fn many_requests_at_once_renew_a_token_once() {
    let issuer = issuer_of_new_tokens().await;
    let owners = [("old", "alice"), ("new", "alice")].map(|(t, n)| (t.to_owned(), n.to_owned()));
    let manager = S3KeysManager::start(Bearers::Fixed(owners.into()), Backing::none(), None);
    let options = IssuerOptions {
        oidc_issuer: Some(issuer.uri().parse().expect("a URL")),
        client_id: Some("wherry".into()),
        ..IssuerOptions::default()
    };
    let soon = Some(Utc::now() + TimeDelta::seconds(20));
    let proof = tokens("old", Some("good"), soon);
    let session = sign_in(request(&manager.url(), options, proof))
        .await
        .expect("signs in");
    let all: Vec<_> = (0..8)
        .map(|_| {
            let session = Arc::clone(&session);
            tokio::spawn(async move { ids(&*session).await })
        })
        .collect();
    for one in all {
        assert!(one.await.expect("ends").is_empty());
    }
    let asked = issuer.received_requests().await.expect("are recorded");
    let renewals = asked.iter().filter(|r| r.url.path() == "/token").count();
    assert_eq!(renewals, 1);
}

#[tokio::test]
async fn tokens_of_nobody_knows_where_are_good_until_they_run_out() {
    let owners = BTreeMap::from([("t".to_owned(), "alice".to_owned())]);
    let manager = S3KeysManager::start(Bearers::Fixed(owners), Backing::none(), None);
    let ask = |proof| sign_in(request(&manager.url(), IssuerOptions::default(), proof));
    let now = Utc::now();
    let session = ask(tokens("t", Some("r"), Some(now + TimeDelta::hours(1))))
        .await
        .expect("signs in");
    assert!(session.lasting().is_none());
    assert!(!session.is_expired(now) && session.is_expired(now + TimeDelta::hours(2)));
    let over = ask(tokens("t", None, Some(now)))
        .await
        .expect_err("is over");
    assert_eq!(over.code(), "sign-in-again", "{over}");
    let lost = ask(password(&Testbed::oidc().alice, None))
        .await
        .expect_err("goes nowhere");
    assert_eq!(lost.code(), "cannot-do", "{lost}");
    assert!(lost.to_string().contains("OpenID Connect"), "{lost}");
    let odd = ask(Proof::Cookie("a=b".into()))
        .await
        .expect_err("is no proof");
    assert_eq!(odd.code(), "cannot-do", "{odd}");
}

#[tokio::test]
async fn what_is_no_keys_manager_is_told_apart() {
    let (oidc, rgw) = (Testbed::oidc(), Testbed::rgw());
    let manager = without_store(&oidc);
    let ask = |url: String| {
        let proof = password(&oidc.alice, None);
        sign_in(request(&url, options(&oidc), proof))
    };
    // The address of the server alone will do.
    ask(manager.serving.url.clone()).await.expect("is found");
    for (url, code) in [
        (rgw.endpoint.clone(), "not-understood"),
        (format!("{}/nowhere", manager.serving.url), "not-a-portal"),
        ("http://127.0.0.1:9".into(), "unreachable"),
        ("ftp://x".into(), "address"),
    ] {
        let error = ask(url.clone()).await.expect_err("is none");
        assert_eq!(error.code(), code, "{url}: {error:?}");
    }
    let page = "<html><head><title>Sign in</title></head></html>";
    for (status, code) in [
        (200, "not-understood"),
        (403, "not-understood"),
        (500, "portal-fault"),
        (302, "redirected"),
    ] {
        let fault = Fault::answer(Method::GET, KEYS, status, "text/html", page);
        manager.serving.fault(fault);
        let error = ask(manager.url()).await.expect_err("is a page");
        assert_eq!(error.code(), code, "{status}: {error}");
    }
    let denied = Fault::answer(
        Method::GET,
        KEYS,
        403,
        "application/json",
        r#"{"detail":"No."}"#,
    );
    manager.serving.fault(denied);
    let error = ask(manager.url()).await.expect_err("is denied");
    assert_eq!(error.code(), "not-permitted", "{error}");
}
