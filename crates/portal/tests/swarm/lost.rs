//! When answers are lost, late, or something else than was due.

use super::*;

/// HTML where JSON was due, in the middle of things.
#[tokio::test]
async fn an_answer_that_makes_no_sense_becomes_an_excerpt_without_secrets() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    let page =
        "<html><body><h1>Maintenance</h1> token=0123456789abcdef0123456789abcdef</body></html>";
    gateway.serving.fault(Fault::answer(
        Method::GET,
        "/.TOKEN",
        200,
        "text/html",
        page,
    ));
    let error = session.list_keys().await.expect_err("makes no sense");
    assert_eq!(error.code(), "not-understood", "{error}");
    let said = error.said().expect("an answer");
    assert_eq!(said.message, "Maintenance …");

    gateway.serving.fault(Fault::answer(
        Method::GET,
        "/.TOKEN",
        503,
        "text/plain",
        "busy",
    ));
    let busy = session.list_keys().await.expect_err("is busy");
    assert_eq!(
        (busy.code(), busy.is_transient()),
        ("portal-fault", true),
        "{busy}"
    );
}

/// The connection breaks while the key is made: it is found, and opens the store, as its secret was ours.
#[tokio::test]
async fn a_key_whose_answer_was_lost_is_found() {
    let rgw = Testbed::rgw();
    let gateway = Swarm::start(
        Tokens::of_a_small_site(Backing::rgw(&rgw)),
        "cedadev-o",
        None,
    );
    let session = jdoe(&gateway).await;
    for fault in [
        Fault::lose_answer(Method::POST, "/.TOKEN"),
        Fault::instead_of_answer(
            Method::POST,
            "/.TOKEN",
            504,
            "text/html",
            "<html>Gateway Time-out",
        ),
        Fault::instead_of_answer(Method::POST, "/.TOKEN", 200, "text/html", "<html>Welcome"),
    ] {
        gateway.serving.fault(fault);
        let before = gateway.tokens.all().len();
        let made = session
            .create_key(&wish("laptop", 8))
            .await
            .expect("is found");
        assert_eq!(gateway.tokens.all().len(), before + 1, "one key, not two");
        opened::at(&session.endpoints()[0].url, &made)
            .await
            .expect("it opens the store");
        session
            .delete_key(&made.access_key_id)
            .await
            .expect("deletes");
    }
    assert_eq!(gateway.serving.count(&Method::POST, "/.TOKEN"), 3);
}

#[tokio::test]
async fn a_key_that_was_not_made_is_not_made_twice() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    gateway
        .serving
        .fault(Fault::swallow(Method::POST, "/.TOKEN"));
    let lost = session
        .create_key(&wish("laptop", 8))
        .await
        .expect_err("is lost");
    assert_eq!(lost.code(), "interrupted", "{lost}");
    assert_eq!(gateway.serving.count(&Method::POST, "/.TOKEN"), 1);
    assert!(gateway.tokens.all().is_empty());

    // The gateway goes away for good: nobody can tell.
    gateway
        .serving
        .fault(Fault::lose_answer(Method::POST, "/.TOKEN"));
    gateway
        .serving
        .fault(Fault::swallow(Method::GET, "/.TOKEN").after(1).forever());
    let unclear = session
        .create_key(&wish("laptop", 8))
        .await
        .expect_err("is lost");
    assert_eq!(unclear.code(), "unclear", "{unclear}");
}

#[tokio::test]
async fn a_refusal_is_not_looked_into() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    let refusal = Fault::answer(
        Method::POST,
        "/.TOKEN",
        403,
        "text/plain",
        "too many tokens",
    );
    gateway.serving.fault(refusal);
    let error = session
        .create_key(&wish("laptop", 8))
        .await
        .expect_err("is refused");
    assert_eq!(error.code(), "not-permitted", "{error}");
    assert_eq!(error.said().expect("an answer").message, "too many tokens");
    assert_eq!(
        gateway.serving.count(&Method::GET, "/.TOKEN"),
        3,
        "to find it, to sign in, and before"
    );
}

#[tokio::test]
async fn a_slow_gateway_can_be_left() {
    let gateway = gateway();
    let session = jdoe(&gateway).await;
    gateway.serving.fault(Fault::delay(
        Method::GET,
        "/.TOKEN",
        Duration::from_mins(10),
    ));
    let begun = Instant::now();
    let left = tokio::time::timeout(Duration::from_millis(200), session.list_keys()).await;
    assert!(left.is_err() && begun.elapsed() < Duration::from_secs(20));
}
