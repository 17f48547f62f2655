//! Signing in.

use super::*;

#[tokio::test]
async fn the_gateway_is_found_however_its_address_is_typed() {
    let gateway = gateway();
    let host = gateway
        .url()
        .split_once("://")
        .expect("has a scheme")
        .1
        .to_owned();
    for typed in [
        gateway.url().to_owned(),
        format!(" {host}/ "),
        format!("{}/.TOKEN/", gateway.url()),
        format!("{}/.TOKEN/?format=json", gateway.url()),
    ] {
        let session = sign_in(request(&typed, JDOE)).await;
        let session = session.unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(
            session.url().as_str(),
            format!("{}/", gateway.url()),
            "{typed}"
        );
    }
    for (typed, code) in [
        ("", "address"),
        ("https://jdoe:pw@host", "address"),
        ("http://127.0.0.1:9", "unreachable"),
        ("gateway.invalid:81", "host-unknown"),
    ] {
        let error = sign_in(request(typed, JDOE)).await.expect_err("refuses");
        assert_eq!(error.code(), code, "{typed}: {error}");
    }
    // Nobody was told the password before it was clear who answers.
    let first = &gateway.serving.asked()[0];
    assert!(first.header("authorization").is_none(), "{first:?}");
}

#[tokio::test]
async fn over_tls_only_an_authority_that_is_trusted() {
    let rgw = Testbed::rgw();
    let tls = Tls::of_test_bed(&rgw.ca_file);
    let gateway = Swarm::start(
        Tokens::of_a_small_site(Backing::none()),
        "cedadev-o",
        Some(&tls),
    );
    let error = sign_in(request(gateway.url(), JDOE))
        .await
        .expect_err("is not trusted");
    assert_eq!(error.code(), "certificate-untrusted", "{error}");
    let trusting = SignInRequest {
        http: HttpSettings {
            ca_file: Some(rgw.ca_file.clone()),
            proxy: None,
        },
        ..request(gateway.url(), JDOE)
    };
    sign_in(trusting).await.expect("signs in");
}

#[tokio::test]
async fn who_may_not_sign_in_is_told_why() {
    let gateway = gateway();
    let refused = |who| {
        let request = request(gateway.url(), who);
        async move { sign_in(request).await.expect_err("refuses") }
    };
    let wrong = refused(("jdoe", "wrong")).await;
    assert_eq!(wrong.code(), "sign-in-refused", "{wrong}");
    let outsider = refused(("newcomer", "newcomer-password")).await;
    assert_eq!(outsider.code(), "not-permitted", "{outsider}");
    for error in [wrong, outsider] {
        let words = format!("{error} {} {:?} {error:?}", error.way_on(), error.context());
        assert!(!words.contains("password\""), "{words}");
        assert!(
            !words.contains("newcomer-password") && !words.contains("Basic "),
            "{words}"
        );
    }
    let cookie = SignInRequest {
        proof: Proof::Cookie("session=x".into()),
        ..request(gateway.url(), JDOE)
    };
    assert_eq!(
        sign_in(cookie).await.expect_err("refuses").code(),
        "cannot-do"
    );
}

#[tokio::test]
async fn what_is_not_a_gateway_is_told() {
    let gateway = gateway();
    let page =
        "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Intranet</body></html>";
    let html = Fault::answer(Method::GET, "/.TOKEN", 200, "text/html", page).forever();
    gateway.serving.fault(html);
    let error = sign_in(request(gateway.url(), JDOE))
        .await
        .expect_err("refuses");
    assert_eq!(error.code(), "not-a-portal", "{error}");
    assert_eq!(error.context(), [("Answer", "Welcome Intranet".to_owned())]);
    assert!(!error.way_on().contains("Horizon") && !error.way_on().contains("OpenStack"));
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_asks_for_a_new_sign_in() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    gateway.tokens.out_of_order(Some(401));
    let error = session.list_keys().await.expect_err("is refused");
    assert!(matches!(error, PortalError::SignInAgain), "{error}");
}

#[tokio::test]
async fn a_gateway_is_one_tenancy() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    // By its address: the double has no name.
    let scope = session.scope().expect("has one");
    assert_eq!(
        session.scopes().await.expect("lists"),
        std::slice::from_ref(&scope)
    );
    assert!(!scope.asks_password);
    session.open(&scope.id, None).await.expect("opens its own");
    let other = session
        .open("survey-o", None)
        .await
        .expect_err("is another gateway's");
    assert_eq!(other.code(), "no-project", "{other}");
}
