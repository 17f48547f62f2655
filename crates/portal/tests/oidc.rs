//! Against a real OpenID Connect provider: every way to sign in, and how long it lasts.

mod person;

use chrono::{TimeDelta, Utc};
use person::Person;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;
use wherry_portal::PortalError;
use wherry_portal::oidc::{BrowserSignIn, Oidc, OidcClient, Tokens, Ways};
use wherry_store::HttpSettings;
use wherry_testbed::{Member, Testbed};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn client(issuer: &str, id: &str) -> OidcClient {
    OidcClient {
        issuer: issuer.parse().expect("a URL"),
        client_id: id.to_owned(),
        client_secret: None,
        scopes: vec!["openid".into(), "profile".into()],
    }
}

async fn discover(client: OidcClient) -> Result<Oidc, PortalError> {
    Oidc::discover(client, &HttpSettings::default()).await
}

async fn issuer(bed: &wherry_testbed::Oidc) -> Oidc {
    discover(client(&bed.issuer, &bed.client))
        .await
        .expect("finds the issuer")
}

async fn by_password(oidc: &Oidc, who: &Member, code: Option<&str>) -> Result<Tokens, PortalError> {
    let code = code.map(SecretString::from);
    let password = SecretString::from(who.password.as_str());
    oidc.by_password(&who.name, &password, code.as_ref()).await
}

fn owner(bed: &wherry_testbed::Oidc, tokens: &Tokens) -> Option<String> {
    bed.owner(tokens.access.expose_secret())
}

#[tokio::test]
async fn a_password_gives_tokens_that_the_issuer_vouches_for() {
    let bed = Testbed::oidc();
    let oidc = issuer(&bed).await;
    let all = Ways {
        password: true,
        device: true,
        browser: true,
    };
    assert_eq!(oidc.ways(), all);
    let tokens = by_password(&oidc, &bed.alice, None)
        .await
        .expect("signs in");
    assert_eq!(owner(&bed, &tokens).as_deref(), Some("alice"));
    assert_eq!(tokens.user().as_deref(), Some("alice"));
    let left = tokens.expires.expect("says when") - Utc::now();
    assert!(
        left > TimeDelta::seconds(240) && left <= TimeDelta::seconds(300),
        "{left}"
    );

    let wrong = Member {
        password: "alicepw2".into(),
        ..bed.alice.clone()
    };
    let refused = by_password(&oidc, &wrong, None).await.expect_err("refuses");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
    let said = refused.said().expect("was said");
    assert_eq!(said.message, "Invalid user credentials");
    assert!(!format!("{refused:?} {oidc:?} {tokens:?}").contains("alicepw"));
}

#[tokio::test]
async fn a_one_time_code_works_once() {
    let bed = Testbed::oidc();
    let oidc = issuer(&bed).await;
    let code = bed.code();
    let tokens = by_password(&oidc, &bed.tom, Some(&code))
        .await
        .expect("signs in");
    assert_eq!(owner(&bed, &tokens).as_deref(), Some("tom"));
    for wrong in [code.as_str(), "000000x"] {
        let refused = by_password(&oidc, &bed.tom, Some(wrong))
            .await
            .expect_err("refuses");
        assert_eq!(refused.code(), "code-refused", "{refused}");
    }
    // Without one the provider does not say that it wants one.
    let refused = by_password(&oidc, &bed.tom, None)
        .await
        .expect_err("refuses");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
}

#[tokio::test]
async fn a_client_with_a_secret_shows_it_and_one_that_may_not_is_told_apart_from_a_wrong_password()
{
    let bed = Testbed::oidc();
    let (id, secret) = &bed.confidential;
    let with = |secret: &str| OidcClient {
        client_secret: Some(secret.into()),
        ..client(&bed.issuer, id)
    };
    let oidc = discover(with(secret)).await.expect("finds it");
    let tokens = by_password(&oidc, &bed.alice, None)
        .await
        .expect("signs in");
    let refresh = tokens.refresh.expect("lasts");
    oidc.refresh(&refresh).await.expect("is renewed");
    for wrong in [with("wrong"), client(&bed.issuer, "nobody")] {
        let oidc = discover(wrong).await.expect("finds it");
        let refused = by_password(&oidc, &bed.alice, None)
            .await
            .expect_err("refuses");
        assert_eq!(refused.code(), "client-refused", "{refused}");
        assert!(refused.way_on().contains("client id"), "{refused}");
    }
    let limited = discover(client(&bed.issuer, &bed.password_client))
        .await
        .expect("finds it");
    let tokens = by_password(&limited, &bed.alice, None)
        .await
        .expect("signs in");
    assert_eq!(owner(&bed, &tokens).as_deref(), Some("alice"));
    let refused = limited.device().await.expect_err("refuses");
    assert_eq!(refused.code(), "client-refused", "{refused}");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_a_new_one_and_a_dead_one_asks_for_a_new_sign_in() {
    let bed = Testbed::oidc();
    let oidc = issuer(&bed).await;
    let first = by_password(&oidc, &bed.alice, None)
        .await
        .expect("signs in");
    let old = first.refresh.expect("lasts");
    let second = oidc.refresh(&old).await.expect("is renewed");
    assert_eq!(owner(&bed, &second).as_deref(), Some("alice"));
    let new = second.refresh.expect("lasts");
    assert_ne!(old.expose_secret(), new.expose_secret(), "is replaced");
    // The provider takes the use of an old one for a theft, and ends the new one too.
    for dead in [&old, &new, &SecretString::from("garbage")] {
        let ended = oidc.refresh(dead).await.expect_err("is dead");
        assert_eq!(ended.code(), "sign-in-again", "{ended}");
    }

    let again = by_password(&oidc, &bed.alice, None)
        .await
        .expect("signs in");
    let refresh = again.refresh.expect("lasts");
    oidc.revoke(&refresh).await;
    let ended = oidc.refresh(&refresh).await.expect_err("is revoked");
    assert_eq!(ended.code(), "sign-in-again", "{ended}");
}

#[tokio::test]
async fn somebody_signs_in_in_the_browser_and_it_comes_back() {
    let bed = Testbed::oidc();
    let settings = HttpSettings {
        ca_file: Some(bed.ca_file.clone()),
        proxy: None,
    };
    let oidc = Oidc::discover(client(&bed.tls_issuer, &bed.client), &settings)
        .await
        .expect("finds it over TLS");
    let browser = oidc.browser().await.expect("opens a port");
    assert_eq!(browser.address().scheme(), "https");
    let address = browser.address().clone();
    let waiting = tokio::spawn(browser.wait());
    let mut alice = Person::new(&bed.alice).trusting(bed.ca_file.clone());
    let page = alice.open(&address).await;
    assert_eq!(
        (page.url.host_str(), page.status),
        (Some("127.0.0.1"), 200),
        "{}",
        page.text
    );
    assert!(page.text.contains("go back to Wherry"), "{}", page.text);
    let tokens = waiting.await.expect("ends").expect("signs in");
    assert_eq!(tokens.user().as_deref(), Some("alice"));
    let renewed = oidc
        .refresh(&tokens.refresh.expect("lasts"))
        .await
        .expect("is renewed");
    assert_eq!(renewed.user().as_deref(), Some("alice"));
}

#[tokio::test]
async fn somebody_who_says_no_in_the_browser_is_not_signed_in() {
    let bed = Testbed::oidc();
    let browser = issuer(&bed).await.browser().await.expect("opens a port");
    let address = browser.address().clone();
    let waiting = tokio::spawn(browser.wait());
    let page = Person::new(&bed.alice).unwilling().open(&address).await;
    assert!(page.text.contains("You are not signed in"), "{}", page.text);
    let refused = waiting.await.expect("ends").expect_err("is refused");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
    let said = refused.said().expect("was said");
    assert_eq!(said.message, "The user said no");
}

/// What a program on this computer, or a page in the browser, could send to the port.
async fn ask(browser: &Url, target: &str) -> String {
    let redirect = browser
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri")
        .expect("comes back somewhere")
        .1;
    let redirect: Url = redirect.parse().expect("a URL");
    let host = format!("127.0.0.1:{}", redirect.port().expect("has a port"));
    let mut stream = TcpStream::connect(&host).await.expect("listens");
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("takes it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers");
    answer
}

fn value(browser: &Url, name: &str) -> String {
    let mut pairs = browser.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .expect("is there")
        .1
        .into_owned()
}

async fn began(bed: &wherry_testbed::Oidc) -> (Url, BrowserSignIn) {
    let browser = issuer(bed).await.browser().await.expect("opens a port");
    (browser.address().clone(), browser)
}

#[tokio::test]
async fn what_is_not_the_answer_of_this_sign_in_is_turned_away() {
    let bed = Testbed::oidc();
    let (address, browser) = began(&bed).await;
    assert_eq!(value(&address, "code_challenge_method"), "S256");
    assert_eq!(value(&address, "scope"), "openid profile");
    let state = value(&address, "state");
    assert_ne!(state, value(&began(&bed).await.0, "state"));
    let waiting = tokio::spawn(browser.wait());
    // A browser opens connections that it does not use; they hold nobody up.
    let redirect: Url = value(&address, "redirect_uri").parse().expect("a URL");
    let port = redirect.port().expect("has a port");
    let _idle = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("listens");

    for (target, status) in [
        ("/favicon.ico", "404"),
        ("/", "404"),
        ("/?code=stolen&state=guessed", "400"),
        ("/?code=stolen", "400"),
        (&format!("/?code=a&state={state}&state=b"), "400"),
        (&format!("/?code=a&error=b&state={state}"), "400"),
        (
            &format!("/?code=a&state={state}&iss=https%3A%2F%2Fevil.example"),
            "400",
        ),
    ] {
        let answer = ask(&address, target).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{target}: {answer}"
        );
        assert!(answer.contains("not the sign-in"), "{answer}");
        assert!(!waiting.is_finished(), "{target}");
    }

    let page = Person::new(&bed.alice).open(&address).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let tokens = waiting.await.expect("ends").expect("signs in");
    assert_eq!(owner(&bed, &tokens).as_deref(), Some("alice"));
    // The port is closed behind it.
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_code_that_the_issuer_never_gave_signs_nobody_in() {
    let bed = Testbed::oidc();
    let (address, browser) = began(&bed).await;
    let state = value(&address, "state");
    let waiting = tokio::spawn(browser.wait());
    ask(&address, &format!("/?code=invented&state={state}")).await;
    let refused = waiting.await.expect("ends").expect_err("is refused");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
}

#[tokio::test]
async fn nobody_comes_back_from_the_browser() {
    let bed = Testbed::oidc();
    let (address, browser) = began(&bed).await;
    let shown = format!("{browser:?}");
    assert!(!shown.contains(&value(&address, "state")), "{shown}");
    let ended = browser
        .within(std::time::Duration::from_millis(20))
        .wait()
        .await
        .expect_err("ends");
    assert_eq!(ended.code(), "sign-in-timeout", "{ended}");
}

#[tokio::test]
async fn somebody_types_the_code_on_another_device() {
    let bed = Testbed::oidc();
    let oidc = issuer(&bed).await;
    let prompt = oidc.device().await.expect("gives a code");
    assert!(prompt.expires > Utc::now() && prompt.code.len() >= 8);
    assert!(prompt.address.as_str().starts_with(&bed.issuer));
    let with_code = prompt.address_with_code.clone().expect("has one");
    let page = Person::new(&bed.alice).open(&with_code).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let tokens = oidc.await_device(&prompt).await.expect("signs in");
    assert_eq!(owner(&bed, &tokens).as_deref(), Some("alice"));

    // The code is used up.
    let ended = oidc.await_device(&prompt).await.expect_err("is over");
    assert_eq!(ended.code(), "sign-in-refused", "{ended}");
}

#[tokio::test]
async fn somebody_says_no_on_the_other_device_while_wherry_waits() {
    let bed = Testbed::oidc();
    let oidc = issuer(&bed).await;
    let prompt = oidc.device().await.expect("gives a code");
    let with_code = prompt.address_with_code.clone().expect("has one");
    let waiting = tokio::spawn(async move { oidc.await_device(&prompt).await });
    Person::new(&bed.alice).unwilling().open(&with_code).await;
    let refused = waiting.await.expect("ends").expect_err("is refused");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
}

#[tokio::test]
async fn an_issuer_is_found_however_its_address_is_written() {
    let bed = Testbed::oidc();
    for address in [
        format!("{}/", bed.issuer),
        format!("{}/.well-known/openid-configuration", bed.issuer),
    ] {
        let found = discover(client(&address, &bed.client)).await;
        assert!(found.is_ok(), "{address}: {found:?}");
    }
    let untrusted = discover(client(&bed.tls_issuer, &bed.client))
        .await
        .expect_err("is not trusted");
    assert_eq!(untrusted.code(), "certificate-untrusted", "{untrusted}");
}

fn document(issuer: &str) -> serde_json::Value {
    json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token")})
}

#[tokio::test]
async fn a_document_only_below_a_slash_is_found_and_one_of_somebody_else_refused() {
    const DOCUMENT: &str = "/.well-known/openid-configuration";
    let server = MockServer::start().await;
    let elsewhere = ResponseTemplate::new(302).insert_header("location", "https://evil.example/");
    for (bare, found) in [
        (ResponseTemplate::new(404), true),
        (
            ResponseTemplate::new(301).insert_header("location", format!("{DOCUMENT}/")),
            true,
        ),
        (elsewhere, false),
    ] {
        server.reset().await;
        Mock::given(path(DOCUMENT))
            .respond_with(bare)
            .mount(&server)
            .await;
        Mock::given(path(format!("{DOCUMENT}/")))
            .respond_with(ResponseTemplate::new(200).set_body_json(document(&server.uri())))
            .mount(&server)
            .await;
        let asked = discover(client(&server.uri(), "wherry")).await;
        match asked {
            Ok(_) => assert!(found),
            Err(error) => assert!(!found && error.code() == "redirected", "{error}"),
        }
    }

    for (body, code) in [
        (document("https://evil.example"), "not-a-portal"),
        (json!({"hello": "world"}), "not-a-portal"),
    ] {
        server.reset().await;
        Mock::given(path(DOCUMENT))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let refused = discover(client(&server.uri(), "wherry"))
            .await
            .expect_err("refuses");
        assert_eq!(refused.code(), code, "{refused}");
    }
}

#[tokio::test]
async fn what_is_not_json_from_the_issuer_is_a_fault_or_not_understood() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(document(&server.uri())))
        .mount(&server)
        .await;
    let oidc = discover(client(&server.uri(), "wherry"))
        .await
        .expect("finds it");
    let password = SecretString::from("sesame");
    let html = "<html><body>Gateway</body></html>";
    for (status, body, code) in [
        (502, html, "portal-fault"),
        (200, html, "not-understood"),
        (400, html, "not-understood"),
        (200, r#"{"token_type":"Bearer"}"#, "not-understood"),
        (
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            "portal-fault",
        ),
        (302, "", "redirected"),
    ] {
        let answer = ResponseTemplate::new(status)
            .set_body_string(body)
            .insert_header("location", "https://evil.example/?token=x");
        let mock = Mock::given(path("/token"))
            .and(body_string_contains("password=sesame"))
            .and(header("accept", "application/json"))
            .respond_with(answer)
            .mount_as_scoped(&server)
            .await;
        let error = oidc
            .by_password("alice", &password, None)
            .await
            .expect_err("fails");
        drop(mock);
        assert_eq!(error.code(), code, "{status} {body}: {error}");
        assert!(!format!("{error:?}").contains("token=x"), "{error:?}");
    }
}

#[tokio::test]
async fn an_old_refresh_token_stays_where_no_new_one_is_given() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(document(&server.uri())))
        .mount(&server)
        .await;
    Mock::given(path("/token"))
        .and(body_string_contains("grant_type=refresh_token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "a"})))
        .mount(&server)
        .await;
    let oidc = discover(client(&server.uri(), "wherry"))
        .await
        .expect("finds it");
    let tokens = oidc.refresh(&"old".into()).await.expect("is renewed");
    assert_eq!(tokens.refresh.expect("is kept").expose_secret(), "old");
}
