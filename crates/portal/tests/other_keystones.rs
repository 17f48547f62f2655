//! Keystones that cannot be had for a test: older ones, ones with a second factor, ones behind gateways
//! that answer for them. Their words are from Keystone's source and API reference.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wherry_portal::keystone::{Keystone, KeystoneSession, SignIn, UserRef};
use wherry_portal::{Deleted, Issuer, KeyWish, PortalError};
use wherry_store::HttpSettings;
use wiremock::matchers::{body_json, body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEYS: &str = "/v3/users/u1/credentials/OS-EC2";

fn error(code: u16, message: &str) -> ResponseTemplate {
    let body = json!({"error": {"code": code, "title": "T", "message": message}});
    ResponseTemplate::new(code)
        .insert_header("x-openstack-request-id", "req-1")
        .set_body_json(body)
}

fn token(methods: &[&str]) -> Value {
    json!({"token": {
        "methods": methods,
        "user": {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}},
        "expires_at": "2030-01-01T00:00:00.000000Z",
        "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "r", "name": "member"}],
        "catalog": [],
    }})
}

fn signed_in(methods: &[&str]) -> ResponseTemplate {
    ResponseTemplate::new(201)
        .insert_header("X-Subject-Token", "gAAAA-token")
        .set_body_json(token(methods))
}

async fn keystone(server: &MockServer) -> Keystone {
    let version = json!({"version": {"id": "v3.8", "status": "stable"}});
    Mock::given(method("GET"))
        .and(path("/v3"))
        .respond_with(ResponseTemplate::new(200).set_body_json(version))
        .mount(server)
        .await;
    Keystone::discover(&format!("{}/v3", server.uri()), &HttpSettings::default())
        .await
        .expect("finds it")
}

fn password(code: Option<&str>) -> SignIn {
    SignIn::Password {
        user: UserRef::named("alice", "Default"),
        password: "pw-of-alice".into(),
        code: code.map(Into::into),
    }
}

async fn session(server: &MockServer, methods: &[&str]) -> KeystoneSession {
    let keystone = keystone(server).await;
    Mock::given(path("/v3/auth/tokens"))
        .respond_with(signed_in(methods))
        .mount(server)
        .await;
    keystone.sign_in(&password(None)).await.expect("signs in")
}

async fn list_is(server: &MockServer, credentials: Value) {
    let body = json!({"credentials": credentials, "links": {}});
    Mock::given(method("GET"))
        .and(path(KEYS))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(server)
        .await;
}

async fn create_gives(server: &MockServer, response: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(KEYS))
        .respond_with(response)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_completes_the_sign_in() {
    let server = MockServer::start().await;
    let keystone = keystone(&server).await;
    let receipt = json!({
        "receipt": {"methods": ["password"], "user": {"id": "u1", "name": "alice"}, "expires_at": "2030-01-01T00:00:00Z"},
        "required_auth_methods": [["totp", "password"]],
    });
    let totp = json!({"auth": {"identity": {"methods": ["totp"], "totp": {"user": {"id": "u1", "passcode": "123456"}}}}});
    Mock::given(path("/v3/auth/tokens"))
        .and(header("Openstack-Auth-Receipt", "gAAAA-receipt"))
        .and(body_json(totp))
        .respond_with(signed_in(&["password", "totp"]))
        .expect(1)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(path("/v3/auth/tokens"))
        .and(body_partial_json(
            json!({"auth": {"identity": {"methods": ["password"]}}}),
        ))
        .respond_with(
            ResponseTemplate::new(401)
                .insert_header("Openstack-Auth-Receipt", "gAAAA-receipt")
                .set_body_json(receipt),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v3/auth/tokens"))
        .respond_with(error(401, "Invalid TOTP passcode"))
        .with_priority(9)
        .mount(&server)
        .await;

    let asked = keystone
        .sign_in(&password(None))
        .await
        .expect_err("wants a code");
    assert_eq!(asked.code(), "needs-second-factor");
    assert!(
        asked.way_on().contains("six-digit code"),
        "{}",
        asked.way_on()
    );
    assert!(!format!("{asked:?}").contains("gAAAA"), "{asked:?}");
    let PortalError::NeedsSecondFactor(challenge) = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(challenge.asks, [["totp"]]);
    let wrong = keystone
        .second_factor(&challenge, &"000000".into())
        .await
        .expect_err("is wrong");
    assert_eq!(wrong.code(), "code-refused", "{wrong}");
    let session = keystone
        .second_factor(&challenge, &"123456".into())
        .await
        .expect("signs in");
    assert_eq!(session.user().name, "alice");
}

#[tokio::test]
async fn a_code_given_at_once_goes_with_the_password() {
    let server = MockServer::start().await;
    let keystone = keystone(&server).await;
    let user = |member: &str, value: &str| json!({"user": {"name": "alice", "domain": {"name": "Default"}, member: value}});
    let both = json!({"auth": {"identity": {
        "methods": ["password", "totp"], "password": user("password", "pw-of-alice"), "totp": user("passcode", "123456"),
    }}});
    Mock::given(body_json(both))
        .respond_with(signed_in(&["password", "totp"]))
        .expect(1)
        .mount(&server)
        .await;
    keystone
        .sign_in(&password(Some("123456")))
        .await
        .expect("signs in");
}

#[tokio::test]
async fn an_expired_password_is_not_a_wrong_one() {
    let server = MockServer::start().await;
    let keystone = keystone(&server).await;
    let words = "The password is expired and needs to be changed for user: u1.";
    Mock::given(path("/v3/auth/tokens"))
        .respond_with(error(401, words))
        .mount(&server)
        .await;
    let refused = keystone
        .sign_in(&password(None))
        .await
        .expect_err("is refused");
    assert_eq!(refused.code(), "password-expired", "{refused}");
}

#[tokio::test]
async fn older_keystones_words_for_a_restricted_credential_are_known() {
    let server = MockServer::start().await;
    let session = session(&server, &["application_credential"]).await;
    list_is(&server, json!([])).await;
    let words = "You are not authorized to perform the requested action: Using method 'application_credential' is not \
                 allowed for managing additional application credentials.";
    create_gives(&server, error(403, words)).await;
    let refused = session
        .create_key(&KeyWish::default())
        .await
        .expect_err("is refused");
    assert_eq!(refused.code(), "restricted-credential", "{refused}");
    assert!(
        refused.way_on().contains("unrestricted"),
        "{}",
        refused.way_on()
    );
    assert_eq!(
        refused.said().and_then(|said| said.request_id.as_deref()),
        Some("req-1")
    );
}

#[tokio::test]
async fn refusals_to_make_a_key_are_told_apart() {
    for (response, code, words) in [
        (
            error(
                403,
                "Unable to create additional credentials, maximum of 10 already exceeded for user.",
            ),
            "key-limit",
            "10 keys",
        ),
        (
            error(
                403,
                "You are not authorized to perform the requested action: identity:ec2_create_credential.",
            ),
            "not-permitted",
            "make a key",
        ),
        (
            error(401, "The request you have made requires authentication."),
            "sign-in-again",
            "signed in",
        ),
        (error(429, "slow down"), "portal-fault", "HTTP 429"),
        (
            error(404, "Could not find project: p1."),
            "not-understood",
            "make a key",
        ),
        (
            ResponseTemplate::new(302).insert_header(
                "Location",
                "https://login.example.org/?next=tokentokentokentoken",
            ),
            "redirected",
            "https://login.example.org/",
        ),
        (
            ResponseTemplate::new(200).set_body_raw(
                "<html><body>Welcome to our proxy</body></html>",
                "text/html",
            ),
            "not-understood",
            "make a key",
        ),
        (
            ResponseTemplate::new(503).set_body_raw(
                "<html><title>503</title>Down for maintenance</html>",
                "text/html",
            ),
            "portal-fault",
            "HTTP 503",
        ),
    ] {
        let server = MockServer::start().await;
        let session = session(&server, &["password"]).await;
        list_is(&server, json!([])).await;
        create_gives(&server, response).await;
        let refused = session
            .create_key(&KeyWish::default())
            .await
            .expect_err(code);
        assert_eq!(refused.code(), code, "{refused:?}");
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(
            !format!("{refused:?}{:?}", refused.context()).contains("tokentoken"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_gives_up_does_not_cost_the_key() {
    let server = MockServer::start().await;
    let session = session(&server, &["password"]).await;
    let old = json!({"access": "old", "secret": "s-old", "tenant_id": "p1"});
    let elsewhere = json!({"access": "elsewhere", "secret": "s-else", "tenant_id": "p2"});
    let made = json!({"access": "made", "secret": "s-made", "tenant_id": "p1"});
    let list = |credentials: Value| {
        ResponseTemplate::new(200).set_body_json(json!({"credentials": credentials}))
    };
    Mock::given(method("GET"))
        .and(path(KEYS))
        .respond_with(list(json!([old])))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    list_is(&server, json!([old, elsewhere, made])).await;
    Mock::given(method("GET"))
        .and(path(format!("{KEYS}/made")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"credential": made})))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(KEYS))
        .respond_with(error(504, "Gateway Timeout"))
        .expect(1)
        .mount(&server)
        .await;
    let key = session
        .create_key(&KeyWish::default())
        .await
        .expect("is found");
    assert_eq!(
        (
            key.access_key_id.as_str(),
            key.secret.access_key().expose_secret()
        ),
        ("made", "s-made")
    );
}

#[tokio::test]
async fn two_new_keys_after_a_lost_answer_are_not_guessed_between() {
    let server = MockServer::start().await;
    let session = session(&server, &["password"]).await;
    let list = |names: &[&str]| {
        let all: Vec<Value> = names
            .iter()
            .map(|n| json!({"access": n, "secret": "s", "tenant_id": "p1"}))
            .collect();
        ResponseTemplate::new(200).set_body_json(json!({"credentials": all}))
    };
    Mock::given(method("GET"))
        .and(path(KEYS))
        .respond_with(list(&[]))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(KEYS))
        .respond_with(list(&["a", "b"]))
        .mount(&server)
        .await;
    create_gives(&server, error(502, "Bad Gateway")).await;
    let unclear = session
        .create_key(&KeyWish::default())
        .await
        .expect_err("cannot be known");
    assert_eq!(unclear.code(), "unclear", "{unclear:?}");
    assert!(
        unclear.way_on().contains("list of keys"),
        "{}",
        unclear.way_on()
    );
}

#[tokio::test]
async fn deleting_what_is_gone_is_no_failure_but_a_page_of_html_is() {
    let server = MockServer::start().await;
    let session = session(&server, &["password"]).await;
    Mock::given(method("DELETE"))
        .and(path(format!("{KEYS}/gone")))
        .respond_with(error(404, "Could not find credential: x."))
        .mount(&server)
        .await;
    let page = ResponseTemplate::new(404).set_body_raw("<html>no such page</html>", "text/html");
    Mock::given(method("DELETE"))
        .and(path(format!("{KEYS}/page")))
        .respond_with(page)
        .mount(&server)
        .await;
    assert_eq!(
        session.delete_key("gone").await.expect("is gone"),
        Deleted::Before
    );
    assert_eq!(
        session.delete_key("page").await.expect_err("is odd").code(),
        "not-understood"
    );
}

#[tokio::test]
async fn addresses_that_lead_elsewhere_are_told() {
    let server = MockServer::start().await;
    let settings = HttpSettings::default();
    let page = "<!DOCTYPE html><html><head><title>Horizon</title></head><body>Log in</body></html>";
    Mock::given(path("/v3"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(page, "text/html"))
        .mount(&server)
        .await;
    let dashboard = Keystone::discover(&server.uri(), &settings)
        .await
        .expect_err("is a dashboard");
    assert_eq!(dashboard.code(), "not-a-portal", "{dashboard}");

    server.reset().await;
    let away =
        ResponseTemplate::new(301).insert_header("Location", "https://keystone.example.org/v3?x=y");
    Mock::given(method("GET"))
        .respond_with(away)
        .mount(&server)
        .await;
    let moved = Keystone::discover(&server.uri(), &settings)
        .await
        .expect_err("leads away");
    assert_eq!(moved.code(), "redirected", "{moved}");
    assert!(
        moved
            .to_string()
            .ends_with("on to https://keystone.example.org/v3"),
        "{moved}"
    );

    server.reset().await;
    let v2 = json!({"versions": {"values": [{"id": "v2.0", "status": "stable"}]}});
    Mock::given(path("/"))
        .respond_with(ResponseTemplate::new(300).set_body_json(v2))
        .mount(&server)
        .await;
    assert_eq!(
        Keystone::discover(&server.uri(), &settings)
            .await
            .expect_err("is too old")
            .code(),
        "not-a-portal"
    );

    server.reset().await;
    Mock::given(path("/identity/v3"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"version": {"id": "v3.14"}})))
        .mount(&server)
        .await;
    let found = Keystone::discover(&server.uri(), &settings)
        .await
        .expect("finds it below /identity");
    assert_eq!(found.url().path(), "/identity/v3");

    server.reset().await;
    let slash = ResponseTemplate::new(308).insert_header("Location", "/v3/");
    Mock::given(path("/v3"))
        .respond_with(slash)
        .mount(&server)
        .await;
    let version = ResponseTemplate::new(200).set_body_json(json!({"version": {"id": "v3.14"}}));
    Mock::given(path("/v3/"))
        .respond_with(version)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let typed = format!("{}/v3", server.uri());
    assert_eq!(
        Keystone::discover(&typed, &settings)
            .await
            .expect("is one")
            .url()
            .path(),
        "/v3"
    );
    let other = Keystone::discover(&typed, &settings)
        .await
        .expect_err("only redirects");
    assert_eq!(other.code(), "not-a-portal", "{other}");
}

// Promise: Redirects are never followed: the store or the portal that sends Wherry elsewhere is
// named, and asked nothing more.
#[tokio::test]
async fn redirects_are_never_followed_with_a_password() {
    let (server, thief) = (MockServer::start().await, MockServer::start().await);
    let keystone = keystone(&server).await;
    let away = ResponseTemplate::new(307)
        .insert_header("Location", format!("{}/v3/auth/tokens", thief.uri()));
    Mock::given(path("/v3/auth/tokens"))
        .respond_with(away)
        .mount(&server)
        .await;
    let refused = keystone
        .sign_in(&password(None))
        .await
        .expect_err("does not follow");
    assert_eq!(refused.code(), "redirected", "{refused}");
    assert!(
        thief
            .received_requests()
            .await
            .is_some_and(|requests| requests.is_empty())
    );
}
