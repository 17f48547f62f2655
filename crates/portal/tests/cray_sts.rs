//! The Cray token service: against a strict double of it, with a real OpenID Connect provider for the
//! system's Keycloak, and a real store with its own token service behind.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions};
use wherry_doubles::{Backing, Bearers, Cray, Fault, Trouble};
use wherry_portal::{
    Ability, Expiry, IssuedKey, KeyWish, PortalError, PortalSession, Proof, SignInRequest, resume,
    sign_in,
};
use wherry_store::{Credentials, HttpSettings, ObjectStore, S3Config, S3Store, StoreError};
use wherry_testbed::{Oidc, Rgw, Testbed, unique_bucket};

const TOKEN: &str = "/apis/sts/token";

fn options(oidc: &Oidc) -> IssuerOptions {
    IssuerOptions {
        oidc_issuer: Some(oidc.issuer.parse().expect("a URL")),
        ..IssuerOptions::default()
    }
}

fn request(url: &str, oidc: &Oidc, password: &str) -> SignInRequest {
    SignInRequest {
        kind: IssuerKind::CraySts,
        url: url.to_owned(),
        http: HttpSettings::default(),
        options: options(oidc),
        client_secret: None,
        proof: Proof::Password {
            user: oidc.alice.name.clone(),
            domain: String::new(),
            password: password.into(),
            code: None,
        },
    }
}

async fn alice(cray: &Cray, oidc: &Oidc) -> Arc<dyn PortalSession> {
    sign_in(request(cray.url(), oidc, &oidc.alice.password))
        .await
        .expect("signs in")
}

async fn lend(session: &dyn PortalSession) -> Result<IssuedKey, PortalError> {
    session.create_key(&KeyWish::default()).await
}

fn store(endpoint: &str, key: &IssuedKey, token: Option<SecretString>) -> S3Store {
    let credentials = Credentials {
        access_key_id: key.access_key_id.clone(),
        secret: key.secret.access_key().clone(),
        session_token: token,
    };
    let endpoint = endpoint.parse().expect("a URL");
    S3Store::new(S3Config::new(endpoint, Some(credentials))).expect("a store")
}

async fn opens(rgw: &Rgw, key: &IssuedKey, token: Option<SecretString>) -> Result<(), StoreError> {
    let store = store(&rgw.endpoint, key, token);
    store.create_bucket(&unique_bucket("cray")).await.map(drop)
}

#[tokio::test]
async fn a_key_is_lent_for_an_hour_and_opens_the_store_with_its_token_only() {
    let (oidc, rgw) = (Testbed::oidc(), Rgw::start_private_with_sts());
    let cray = Cray::start(Bearers::of(&oidc), Backing::rgw(&rgw), true, None);
    let session = alice(&cray, &oidc).await;
    assert_eq!(session.user(), "alice");
    assert!(session.endpoints().is_empty());
    let key = lend(&*session).await.expect("lends a key");
    let left = key.expires.expect("ends") - Utc::now();
    assert!(
        left > TimeDelta::minutes(59) && left <= TimeDelta::hours(1),
        "{left}"
    );
    let token = key.secret.session_token().cloned();
    opens(&rgw, &key, token).await.expect("opens the store");
    opens(&rgw, &key, None).await.expect_err("wants the token");
    let endpoint = key.endpoint.as_ref().expect("is named").as_str();
    assert_eq!(endpoint.trim_end_matches('/'), rgw.endpoint);
    assert_eq!(session.endpoints()[0].url.as_str(), endpoint);
    assert_eq!(cray.lent()[0].to, "alice");
    let secret = key.secret.access_key().expose_secret();
    assert!(!format!("{key:?} {session:?}").contains(secret));
}

#[tokio::test]
async fn what_it_cannot_do_it_says_without_asking() {
    let oidc = Testbed::oidc();
    let cray = Cray::start(Bearers::of(&oidc), Backing::none(), false, None);
    let session = alice(&cray, &oidc).await;
    let can = session.capabilities();
    assert!(can.lent && can.create == Ability::Yes);
    assert_eq!(can.expiry, Expiry::Fixed(Duration::from_hours(1)));
    let asked = cray.serving.asked().len();
    let refused = [
        session.list_keys().await.map(drop).expect_err("no list"),
        session.delete_key("k").await.map(drop).expect_err("no end"),
        session
            .reset_key("k")
            .await
            .map(drop)
            .expect_err("no reset"),
    ];
    for (error, ability) in refused.iter().zip([can.list, can.delete, can.reset]) {
        assert_eq!(error.code(), "cannot-do", "{error}");
        assert_eq!(ability, Ability::No(error.to_string().into()));
    }
    let wish = KeyWish {
        expires: Some(Utc::now() + TimeDelta::days(1)),
        ..KeyWish::default()
    };
    let wished = session.create_key(&wish).await.expect_err("one hour");
    assert_eq!(wished.code(), "wish", "{wished}");
    assert_eq!(cray.serving.asked().len(), asked);
}

#[tokio::test]
async fn an_address_that_it_does_not_tell_or_nobody_can_use_is_no_obstacle() {
    let oidc = Testbed::oidc();
    let cray = Cray::start(Bearers::of(&oidc), Backing::none(), false, None);
    let session = alice(&cray, &oidc).await;
    for (told, known) in [
        (None, None),
        (Some(""), None),
        (Some("rgw-vip.nmn"), None),
        (
            Some("http://rgw-vip.nmn:8080"),
            Some("http://rgw-vip.nmn:8080/"),
        ),
    ] {
        cray.endpoint(told);
        let key = lend(&*session).await.expect("lends a key");
        let endpoint = key.endpoint.as_ref().map(url::Url::as_str);
        assert_eq!(endpoint, known, "{told:?}");
        assert_eq!(session.endpoints().len(), usize::from(known.is_some()));
    }
}

#[tokio::test]
async fn trouble_behind_the_gateway_is_its_own() {
    let oidc = Testbed::oidc();
    let cray = Cray::start(Bearers::of(&oidc), Backing::none(), false, None);
    let session = alice(&cray, &oidc).await;
    for (trouble, words) in [
        (Trouble::Store, "The server encountered an internal error"),
        (Trouble::Setup, "Error"),
    ] {
        cray.trouble(Some(trouble));
        let error = lend(&*session).await.expect_err("is in trouble");
        assert_eq!(error.code(), "portal-fault", "{error}");
        assert!(error.is_transient());
        let said = &error.said().expect("was said").message;
        assert!(said.contains(words), "{said}");
    }
    cray.trouble(None);
    lend(&*session).await.expect("is over it");

    // An answer that is lost is asked for again.
    cray.serving.fault(Fault::lose_answer(Method::PUT, TOKEN));
    let key = lend(&*session).await.expect("is asked again");
    let lent = cray.lent();
    assert_eq!(lent.len(), 3);
    assert_eq!(lent[2].access_key_id, key.access_key_id);

    let html = "<html><body>Bad gateway</body></html>";
    for (status, code) in [
        (502, "portal-fault"),
        (403, "not-permitted"),
        (404, "not-a-portal"),
        (200, "not-understood"),
        (302, "redirected"),
    ] {
        let fault = Fault::answer(Method::PUT, TOKEN, status, "text/html", html);
        cray.serving.fault(fault);
        let error = lend(&*session).await.expect_err("is no key");
        assert_eq!(error.code(), code, "{status}: {error}");
    }
}

#[tokio::test]
async fn the_next_key_is_lent_without_the_user_until_the_sign_in_is_dead() {
    let oidc = Testbed::oidc();
    let cray = Cray::start(Bearers::of(&oidc), Backing::none(), false, None);
    let first = alice(&cray, &oidc).await;
    let link = IssuerLink {
        kind: IssuerKind::CraySts,
        url: first.url().clone(),
        user: first.user().to_owned(),
        domain: String::new(),
        scope_id: String::new(),
        scope_name: String::new(),
        region: String::new(),
        options: options(&oidc),
    };
    let http = HttpSettings::default();
    let mut kept = first.lasting().expect("lasts");
    for _ in 0..3 {
        let session = resume(&link, kept, &http).await.expect("goes on");
        assert_eq!(session.user(), "alice");
        lend(&*session).await.expect("lends a key");
        kept = session.lasting().expect("lasts");
    }
    assert_eq!(cray.lent().len(), 3);
    let last = resume(&link, kept.clone(), &http).await.expect("goes on");
    // The old refresh token was used up by that, and its second use ends the new one as well.
    for dead in [kept, last.lasting().expect("lasts")] {
        let ended = resume(&link, dead, &http).await.expect_err("is dead");
        assert_eq!(ended.code(), "sign-in-again", "{ended}");
    }
}

#[tokio::test]
async fn who_may_not_and_what_is_no_gateway_is_told() {
    let oidc = Testbed::oidc();
    let cray = Cray::start(Bearers::of(&oidc), Backing::none(), false, None);
    let wrong = sign_in(request(cray.url(), &oidc, "wrong"))
        .await
        .expect_err("refuses");
    assert_eq!(wrong.code(), "sign-in-refused", "{wrong}");
    assert_eq!(cray.serving.asked().len(), 0, "the gateway is not asked");

    let ask = |url: &str| sign_in(request(url, &oidc, &oidc.alice.password));
    ask(&format!("{}{TOKEN}", cray.url()))
        .await
        .expect("the service's own address will do");
    let nobody = ask("http://127.0.0.1:9").await.expect_err("is not there");
    assert_eq!(nobody.code(), "unreachable", "{nobody}");
    let page = Fault::answer(
        Method::GET,
        "healthz",
        200,
        "text/html",
        "<html>Hello</html>",
    );
    cray.serving.fault(page);
    let other = ask(cray.url()).await.expect_err("is a web site");
    assert_eq!(other.code(), "not-a-portal", "{other}");

    // A gateway that trusts another Keycloak.
    let strange = Cray::start(
        Bearers::Fixed(std::collections::BTreeMap::new()),
        Backing::none(),
        false,
        None,
    );
    let session = alice(&strange, &oidc).await;
    let refused = lend(&*session).await.expect_err("is not let through");
    assert_eq!(refused.code(), "sign-in-again", "{refused}");
}
