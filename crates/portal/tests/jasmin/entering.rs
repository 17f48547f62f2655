//! Signing in, and opening a tenancy.

use super::*;

#[tokio::test]
async fn the_portal_is_found_however_its_address_is_typed() {
    let rgw = Testbed::rgw();
    let options = JasminOptions {
        tls: Some(Tls::of_test_bed(&rgw.ca_file)),
        ..JasminOptions::default()
    };
    let portal = Jasmin::start(Tokens::of_a_small_site(Backing::none()), &options);
    let cookie = portal.session_of("jdoe");
    let untrusted = sign_in(request(portal.url(), &cookie))
        .await
        .expect_err("is not trusted");
    assert_eq!(untrusted.code(), "certificate-untrusted", "{untrusted}");

    let host = portal
        .url()
        .split_once("://")
        .expect("has a scheme")
        .1
        .to_owned();
    let value = cookie.split_once('=').expect("has a name").1;
    for (typed, cookie) in [
        (host.clone(), cookie.as_str()),
        (format!("{}/object-store", portal.url()), &cookie),
        (portal.url().to_owned(), value),
    ] {
        let trusting = SignInRequest {
            http: HttpSettings {
                ca_file: Some(rgw.ca_file.clone()),
                proxy: None,
            },
            ..request(&typed, cookie)
        };
        let session = sign_in(trusting)
            .await
            .unwrap_or_else(|e| panic!("{typed}: {e}"));
        assert_eq!(
            session.url().as_str(),
            format!("{}/", portal.url()),
            "{typed}"
        );
        session
            .open("cedadev-o", Some(PASSWORD.into()))
            .await
            .expect("opens");
    }
    // Nobody was shown the cookie before it was clear who answers.
    let asked = portal.serving.asked();
    assert!(asked[0].header("cookie").is_none(), "{asked:?}");
}

/// A redirect to the same portal without encryption would show the cookie to everybody on the way.
#[tokio::test]
async fn a_redirect_to_plain_http_is_refused() {
    let rgw = Testbed::rgw();
    let options = JasminOptions {
        tls: Some(Tls::of_test_bed(&rgw.ca_file)),
        ..JasminOptions::default()
    };
    let portal = Jasmin::start(Tokens::of_a_small_site(Backing::none()), &options);
    let trusting = SignInRequest {
        http: HttpSettings {
            ca_file: Some(rgw.ca_file.clone()),
            proxy: None,
        },
        ..request(portal.url(), &portal.session_of("jdoe"))
    };
    let session = sign_in(trusting).await.expect("signs in");
    // What the double answers to a slash at the end, as its original does.
    let client = wherry_store::http::client(&HttpSettings {
        ca_file: Some(rgw.ca_file.clone()),
        proxy: None,
    })
    .expect("a client");
    let slash = client
        .get(format!("{}/object-store/cedadev-o/", portal.url()))
        .header("cookie", portal.session_of("jdoe"))
        .send()
        .await
        .expect("answers");
    assert_eq!(slash.status(), 307);
    assert!(
        slash.headers()["location"]
            .to_str()
            .expect("text")
            .starts_with("http://")
    );

    let plain = "http://localhost/object-store/cedadev-o";
    portal
        .serving
        .fault(Fault::redirect(Method::GET, KEYS, 307, plain));
    let error = session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect_err("refuses");
    assert_eq!(error.code(), "redirected", "{error}");
}

#[tokio::test]
async fn a_session_that_ended_asks_for_a_new_sign_in() {
    let portal = portal();
    let never = sign_in(request(
        portal.url(),
        "session=0123456789abcdef0123456789abcdef",
    ))
    .await;
    let never = never.expect_err("was never signed in");
    assert!(matches!(never, PortalError::SignInAgain), "{never}");
    assert_eq!(
        sign_in(request(portal.url(), "a=b; c=d"))
            .await
            .expect_err("is odd")
            .code(),
        "wish"
    );

    let session = inside(&portal).await;
    portal.end_sessions();
    for error in [
        session.list_keys().await.expect_err("ended"),
        session
            .create_key(&wish("laptop", 3))
            .await
            .expect_err("ended"),
        session.delete_key("x").await.expect_err("ended"),
        session.scopes().await.expect_err("ended"),
        session
            .open("survey-o", Some(PASSWORD.into()))
            .await
            .expect_err("ended"),
    ] {
        assert!(matches!(error, PortalError::SignInAgain), "{error}");
    }
    let wrong = SignInRequest {
        proof: Proof::Password {
            user: "jdoe".into(),
            domain: String::new(),
            password: PASSWORD.into(),
            code: None,
        },
        ..request(portal.url(), "")
    };
    assert_eq!(
        sign_in(wrong).await.expect_err("refuses").code(),
        "cannot-do"
    );
}

#[tokio::test]
async fn the_password_is_asked_for_once_more() {
    let portal = portal();
    let session = signed_in(&portal, "jdoe").await;
    for none in [None, Some("".into())] {
        let error = session.open("cedadev-o", none).await.expect_err("asks");
        assert_eq!(error.code(), "password-again", "{error}");
    }
    assert_eq!(portal.serving.count(&Method::POST, ""), 0);

    let wrong = session
        .open("cedadev-o", Some("wrong-password".into()))
        .await
        .expect_err("is wrong");
    assert!(
        matches!(wrong, PortalError::PasswordDoubted { .. }),
        "{wrong}"
    );
    assert_eq!(wrong.code(), "sign-in-refused");
    assert!(
        !words(&wrong).contains("wrong-password"),
        "{}",
        words(&wrong)
    );

    // The store is away, and the portal says the same of the right password. So the words leave it open.
    portal.tokens.out_of_order(Some(503));
    let away = session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect_err("is away");
    assert_eq!(away.to_string(), wrong.to_string());
    assert!(
        away.way_on().contains("does not answer"),
        "{}",
        away.way_on()
    );
    portal.tokens.out_of_order(None);

    session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect("opens");
    // Given once in this session of the portal, it is not needed again.
    session.open("cedadev-o", None).await.expect("opens");
    let elsewhere = session
        .open("nowhere-o", Some(PASSWORD.into()))
        .await
        .expect_err("is unknown");
    assert_eq!(elsewhere.code(), "no-project", "{elsewhere}");
    assert!(elsewhere.to_string().contains("survey-o"), "{elsewhere}");
}

#[tokio::test]
async fn a_tenancy_that_shuts_again_asks_for_the_password() {
    let portal = portal();
    let session = inside(&portal).await;
    let helper = portal.tokens.all()[0].name.clone();
    portal.tokens.expire(&helper).await;
    let error = session.list_keys().await.expect_err("asks");
    assert_eq!(error.code(), "password-again", "{error}");
    assert!(error.to_string().contains("cedadev-o"), "{error}");
    let session = session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect("opens again");
    session.list_keys().await.expect("lists");
}

/// The portal takes the password and then asks for it, for ever.
#[tokio::test]
async fn a_portal_that_goes_in_circles_is_left() {
    let portal = portal();
    let session = signed_in(&portal, "jdoe").await;
    portal.helpers_fail(true);
    let error = session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect_err("goes in circles");
    assert_eq!(error.code(), "portal-fault", "{error}");
    assert!(portal.serving.asked().len() < 10);
    assert_eq!(portal.serving.count(&Method::POST, ""), 1);
}

#[tokio::test]
async fn somebody_without_a_tenancy_is_told() {
    let portal = portal();
    let session = signed_in(&portal, "newcomer").await;
    assert_eq!(session.user(), "newcomer");
    let error = session.scopes().await.expect_err("has none");
    assert_eq!(error.code(), "no-project", "{error}");
    let error = session
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect_err("is not theirs");
    assert_eq!(error.code(), "no-project", "{error}");
}

/// As a person goes through the pages, with a browser's cookie jar but for its strictness about `Secure`.
#[tokio::test]
async fn the_whole_way_through_the_institutions_page() {
    let portal = portal();
    let http = wherry_store::http::client(&HttpSettings::default()).expect("a client");
    let location = |answer: &reqwest::Response| {
        answer.headers()["location"]
            .to_str()
            .expect("text")
            .to_owned()
    };

    let start = http
        .get(format!("{}/object-store", portal.url()))
        .send()
        .await
        .expect("answers");
    assert_eq!(
        (start.status().as_u16(), location(&start).as_str()),
        (303, "/login")
    );
    let begun = http
        .get(format!("{}/login/redirect", portal.url()))
        .send()
        .await
        .expect("answers");
    assert_eq!(begun.status(), 302);
    let set = begun.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        set.contains("; secure") && set.contains("httponly"),
        "{set}"
    );
    let cookie = set.split(';').next().expect("a cookie").to_owned();
    let page = location(&begun);
    assert!(page.starts_with(&portal.institution.url), "{page}");

    let form = |body: &'static str| {
        let request = http
            .post(&page)
            .header("content-type", "application/x-www-form-urlencoded");
        async move { request.body(body).send().await.expect("answers") }
    };
    assert_eq!(form("username=jdoe&password=wrong").await.status(), 200);
    let denied = location(&form("deny=1").await);
    let answer = http
        .get(&denied)
        .header("cookie", &cookie)
        .send()
        .await
        .expect("answers");
    assert!(answer.text().await.expect("a page").contains("Oops"));

    let back = location(&form("username=jdoe&password=jdoe-password").await);
    let stranger = http.get(&back).send().await.expect("answers");
    assert_eq!(
        stranger.status(),
        200,
        "a callback without the cookie is an Oops"
    );
    let back = location(&form("username=jdoe&password=jdoe-password").await);
    let done = http
        .get(&back)
        .header("cookie", &cookie)
        .send()
        .await
        .expect("answers");
    assert_eq!(
        (done.status().as_u16(), location(&done).as_str()),
        (307, "/object-store")
    );

    let session = sign_in(request(portal.url(), &cookie))
        .await
        .expect("signs in");
    assert_eq!(session.user(), "jdoe");
}
