//! When answers are lost, late, or something else than was due.

use super::*;

/// A POST whose answer is lost may have made a key, whose secret nobody has seen.
#[tokio::test]
async fn an_orphan_is_named_so_that_it_can_be_deleted() {
    let portal = portal();
    let session = inside(&portal).await;
    session
        .create_key(&wish("laptop", 8))
        .await
        .expect("makes one of the same name before");
    for fault in [
        Fault::lose_answer(Method::POST, CREATE),
        Fault::instead_of_answer(
            Method::POST,
            CREATE,
            504,
            "text/html",
            "<html>Gateway Time-out",
        ),
        Fault::instead_of_answer(Method::POST, CREATE, 200, "text/html", "<html>Welcome"),
        Fault::instead_of_answer(
            Method::POST,
            CREATE,
            200,
            "text/html",
            "<h1>Oops! Something went wrong</h1>",
        ),
    ] {
        let before = portal.tokens.all().len();
        portal.serving.fault(fault);
        let error = session
            .create_key(&wish("laptop", 8))
            .await
            .expect_err("is lost");
        assert_eq!(portal.tokens.all().len(), before + 1, "one key, not two");
        let PortalError::Orphan { access_key_id } = &error else {
            panic!("{error}")
        };
        assert_eq!(error.code(), "orphan");
        assert_eq!(
            portal.tokens.all().last().map(|t| t.name.as_str()),
            Some(access_key_id.as_str())
        );
        assert_eq!(
            session.delete_key(access_key_id).await.expect("deletes"),
            Deleted::Now
        );
    }
    assert_eq!(portal.serving.count(&Method::POST, CREATE), 5);
    assert_eq!(session.list_keys().await.expect("lists").len(), 1);
}

#[tokio::test]
async fn a_key_that_was_not_made_is_no_orphan() {
    let portal = portal();
    let session = inside(&portal).await;
    portal.serving.fault(Fault::swallow(Method::POST, CREATE));
    let lost = session
        .create_key(&wish("laptop", 8))
        .await
        .expect_err("is lost");
    assert_eq!(lost.code(), "interrupted", "{lost}");

    // The store refuses: a page with status 500.
    let page = "<!DOCTYPE html><h1>Oops! Something went wrong</h1>";
    portal
        .serving
        .fault(Fault::answer(Method::POST, CREATE, 500, "text/html", page));
    let refused = session
        .create_key(&wish("laptop", 8))
        .await
        .expect_err("is refused");
    assert_eq!(
        (refused.code(), refused.is_transient()),
        ("portal-fault", true),
        "{refused}"
    );

    // The portal goes away in the middle of it: nobody can tell.
    portal
        .serving
        .fault(Fault::lose_answer(Method::POST, CREATE));
    portal
        .serving
        .fault(Fault::swallow(Method::GET, KEYS).after(1).forever());
    let unclear = session
        .create_key(&wish("laptop", 8))
        .await
        .expect_err("is lost");
    assert_eq!(unclear.code(), "unclear", "{unclear}");
    portal.serving.clear_faults();
    assert_eq!(portal.serving.count(&Method::POST, CREATE), 3);
    assert_eq!(session.list_keys().await.expect("lists").len(), 1);
}

/// "Oops", with status 200, and in a comment of the page what may not be seen.
#[tokio::test]
async fn the_portals_own_faults_are_understood_and_their_pages_kept_to_themselves() {
    let portal = portal();
    let session = inside(&portal).await;
    // One token that a script made without a name breaks the portal's list.
    portal.tokens.put(token("aaaa", None, in_days(9)));
    let error = session.list_keys().await.expect_err("is broken");
    assert_eq!(
        (error.code(), error.is_transient()),
        ("portal-fault", true),
        "{error}"
    );
    let words = words(&error);
    assert!(
        words.contains("Oops") && !words.contains("(HTTP 200)"),
        "{words}"
    );
    assert!(
        !words.contains("Traceback") && !words.contains("TracebackSecret"),
        "{words}"
    );

    let other = signed_in(&portal, "jdoe").await;
    let error = other
        .open("cedadev-o", Some(PASSWORD.into()))
        .await
        .expect_err("breaks the login too");
    assert_eq!(error.code(), "portal-fault", "{error}");
}

#[tokio::test]
async fn a_page_nobody_knows_becomes_an_excerpt_without_secrets() {
    let portal = portal();
    let session = inside(&portal).await;
    let page = "<!DOCTYPE html><html><head><title>Portal 2</title></head><body><h1>All new</h1>\
        <code>wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY</code></body></html>";
    let json = r#"{"keys":[{"secret":"wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"}]}"#;
    for (kind, body, excerpt) in [
        ("text/html", page, "Portal 2 All new …"),
        ("application/json", json, r#"{"keys":[{"secret":"…"}]}"#),
        ("text/html", "", ""),
    ] {
        portal
            .serving
            .fault(Fault::answer(Method::GET, KEYS, 200, kind, body));
        let error = session.list_keys().await.expect_err("is unknown");
        assert_eq!(error.code(), "not-understood", "{error}");
        assert_eq!(error.said().expect("an answer").message, excerpt);
        assert!(!words(&error).contains("wJalr"), "{}", words(&error));
    }
    for (method, path) in [
        (Method::GET, "/object-store"),
        (Method::POST, "/object-store"),
    ] {
        portal
            .serving
            .fault(Fault::answer(method, path, 200, "text/html", page));
        let error = session
            .open("survey-o", Some(PASSWORD.into()))
            .await
            .expect_err("is unknown");
        assert_eq!(error.code(), "not-understood", "{error}");
    }
    let missing = r#"{"detail":[{"loc":["body","expires"],"msg":"field required","type":"value_error.missing"}]}"#;
    portal.serving.fault(Fault::answer(
        Method::POST,
        CREATE,
        422,
        "application/json",
        missing,
    ));
    let error = session
        .create_key(&wish("laptop", 4))
        .await
        .expect_err("is refused");
    assert_eq!(error.said().expect("an answer").message, "field required");
}

#[tokio::test]
async fn a_slow_portal_can_be_left() {
    let portal = portal();
    let session = inside(&portal).await;
    portal
        .serving
        .fault(Fault::delay(Method::GET, KEYS, Duration::from_mins(10)));
    let begun = Instant::now();
    let left = tokio::time::timeout(Duration::from_millis(200), session.list_keys()).await;
    assert!(left.is_err() && begun.elapsed() < Duration::from_secs(20));
}
