//! What is posted to a token service, to the letter, and what MinIO and others answer.

use chrono::{TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions};
use wherry_portal::oidc::Tokens;
use wherry_portal::{KeyWish, PortalError, Proof, SignInRequest, capabilities, resume, sign_in};
use wherry_store::HttpSettings;
use wherry_vault::Secret;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const PASSWORD: &str = "correct horse+battery & staple";

fn lent(action: &str, id: &str) -> ResponseTemplate {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser><Arn></Arn><AssumeRoleId></AssumeRoleId></AssumedRoleUser><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>secret-of-{id}</SecretAccessKey><Expiration>{}</Expiration><SessionToken>token.of.{id}</SessionToken></Credentials></{action}Result><ResponseMetadata><RequestId>16B1</RequestId></ResponseMetadata></{action}Response>"#,
        (Utc::now() + TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%SZ")
    );
    ResponseTemplate::new(200).set_body_raw(body, "application/xml")
}

fn refused(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type></Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>16B7</RequestId></ErrorResponse>"#
    );
    ResponseTemplate::new(status).set_body_raw(body, "application/xml")
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn request(server: &MockServer, kind: IssuerKind, proof: Proof) -> SignInRequest {
    SignInRequest {
        kind,
        url: server.uri(),
        http: HttpSettings::default(),
        options: IssuerOptions::default(),
        client_secret: None,
        proof,
    }
}

fn password() -> Proof {
    Proof::Password {
        user: "uid=bob,ou=people".into(),
        domain: String::new(),
        password: PASSWORD.into(),
        code: None,
    }
}

fn tokens(access: &str, id: Option<&str>) -> Proof {
    Proof::Tokens(Tokens {
        access: access.into(),
        id: id.map(SecretString::from),
        refresh: None,
        expires: Some(Utc::now() + TimeDelta::minutes(5)),
    })
}

fn access_key() -> Proof {
    Proof::AccessKey {
        access_key_id: "AKIDEXAMPLE".into(),
        secret: Secret::new("wJalrXUtnFEMI".into()),
    }
}

async fn posted(server: &MockServer) -> Vec<Request> {
    let all = server.received_requests().await.expect("is recorded");
    all.into_iter()
        .filter(|request| request.method.as_str() == "POST")
        .collect()
}

fn form(request: &Request) -> String {
    let body = String::from_utf8(request.body.clone()).expect("is text");
    assert!(
        !body.contains('+'),
        "Ceph takes no plus for a space: {body}"
    );
    assert_eq!(
        request.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    body
}

#[tokio::test]
async fn minio_lends_for_an_ldap_password_that_is_forgotten_at_once() {
    let server = answering(lent("AssumeRoleWithLDAPIdentity", "LDAP1")).await;
    let session = sign_in(request(&server, IssuerKind::StsLdap, password()))
        .await
        .expect("signs in");
    assert_eq!(session.user(), "uid=bob,ou=people");
    let key = session
        .create_key(&KeyWish::default())
        .await
        .expect("a key");
    assert_eq!(key.access_key_id, "LDAP1");
    assert_eq!(key.secret.access_key().expose_secret(), "secret-of-LDAP1");
    let token = key.secret.session_token().expect("a token");
    assert_eq!(token.expose_secret(), "token.of.LDAP1");

    // No second key without the password, and nothing that would outlive the process.
    assert!(session.is_expired(Utc::now()));
    assert!(session.lasting().is_none());
    let second = session.create_key(&KeyWish::default()).await;
    assert!(
        matches!(second, Err(PortalError::SignInAgain)),
        "{second:?}"
    );
    let posts = posted(&server).await;
    assert_eq!(posts.len(), 1);
    assert!(!posts[0].headers.contains_key("authorization"));
    assert_eq!(
        form(&posts[0]),
        "Action=AssumeRoleWithLDAPIdentity&Version=2011-06-15&LDAPUsername=uid%3Dbob%2Cou%3Dpeople\
         &LDAPPassword=correct%20horse%2Bbattery%20%26%20staple&DurationSeconds=3600"
    );
}

#[tokio::test]
async fn minio_lends_for_an_identity_token_without_a_role() {
    let server = answering(lent("AssumeRoleWithWebIdentity", "WEB1")).await;
    let proof = tokens(
        "opaque",
        Some("e30.eyJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhbGljZSJ9.s"),
    );
    let session = sign_in(request(&server, IssuerKind::StsWebIdentity, proof))
        .await
        .expect("signs in");
    assert_eq!(session.user(), "alice");
    let posts = posted(&server).await;
    assert!(!posts[0].headers.contains_key("authorization"));
    assert_eq!(
        form(&posts[0]),
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
         &WebIdentityToken=e30.eyJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhbGljZSJ9.s&RoleSessionName=wherry\
         &DurationSeconds=3600"
    );
    // The first key was lent while signing in, and is not asked for again.
    let key = session
        .create_key(&KeyWish::default())
        .await
        .expect("a key");
    assert_eq!(key.access_key_id, "WEB1");
    assert_eq!(posted(&server).await.len(), 1);
    assert!(session.lasting().is_none(), "there was no refresh token");
}

#[tokio::test]
async fn a_store_that_wants_the_access_token_gets_it() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("WebIdentityToken=id.id.id"))
        .respond_with(refused(
            400,
            "InvalidParameterValue",
            "Token audience is not mine",
        ))
        .mount(&server)
        .await;
    Mock::given(body_string_contains("WebIdentityToken=ac.ce.ss"))
        .respond_with(lent("AssumeRoleWithWebIdentity", "WEB2"))
        .mount(&server)
        .await;
    let proof = tokens("ac.ce.ss", Some("id.id.id"));
    let session = sign_in(request(&server, IssuerKind::StsWebIdentity, proof))
        .await
        .expect("signs in");
    let key = session
        .create_key(&KeyWish::default())
        .await
        .expect("a key");
    assert_eq!(key.access_key_id, "WEB2");

    // One that is no JWT is not sent anywhere it was not meant for.
    let proof = tokens("opaque", Some("id.id.id"));
    let error = sign_in(request(&server, IssuerKind::StsWebIdentity, proof))
        .await
        .expect_err("is refused");
    assert!(
        matches!(error, PortalError::SignInRefused { .. }),
        "{error:?}"
    );
    for post in posted(&server).await {
        assert!(!form(&post).contains("opaque"));
    }
}

#[tokio::test]
async fn a_role_is_taken_on_with_a_signature_and_by_the_stores_clock() {
    let server = MockServer::start().await;
    let later = Utc::now() + TimeDelta::hours(3);
    let date = later.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Mock::given(method("POST"))
        .respond_with(refused(403, "RequestTimeTooSkewed", "").insert_header("date", date.as_str()))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(lent("AssumeRole", "ROLE1"))
        .mount(&server)
        .await;
    let mut wanted = request(&server, IssuerKind::StsAssumeRole, access_key());
    wanted.options = IssuerOptions {
        role_arn: Some("arn:aws:iam::1234:role/Käse Reader".into()),
        session_name: Some("my laptop/ü".into()),
        duration: Some(7200),
        ..IssuerOptions::default()
    };
    sign_in(wanted).await.expect("signs in");
    let posts = posted(&server).await;
    assert_eq!(
        form(&posts[1]),
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1234%3Arole%2FK%C3%A4se%20Reader\
         &RoleSessionName=mylaptop&DurationSeconds=7200"
    );
    let signature = posts[1].headers["authorization"].to_str().expect("is text");
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{signature}"
    );
    assert!(
        signature.contains("/us-east-1/sts/aws4_request"),
        "{signature}"
    );
    let signed_at = posts[1].headers["x-amz-date"].to_str().expect("is text");
    assert!(
        signed_at.starts_with(&later.format("%Y%m%dT%H").to_string())
            || signed_at > posts[0].headers["x-amz-date"].to_str().expect("is text")
    );
}

#[tokio::test]
async fn refusals_become_words() {
    use IssuerKind::{StsAssumeRole as Role, StsLdap as Ldap, StsWebIdentity as Web};
    let html = "<!DOCTYPE html><html><body>Welcome to nginx!</body></html>";
    for (kind, answer, code) in [
        (
            Ldap,
            refused(
                400,
                "InvalidParameterValue",
                "LDAP server error: LDAP auth failed for DN",
            ),
            "sign-in-refused",
        ),
        (
            Web,
            refused(400, "InvalidIdentityToken", "bad"),
            "sign-in-refused",
        ),
        (
            Web,
            refused(400, "InvalidParameterValue", "invalid token"),
            "sign-in-refused",
        ),
        (Web, refused(403, "AccessDenied", ""), "sign-in-refused"),
        (
            Web,
            refused(400, "ExpiredToken", "Token expired"),
            "sign-in-again",
        ),
        (
            Web,
            refused(400, "ExpiredTokenException", ""),
            "sign-in-again",
        ),
        (
            Web,
            refused(
                400,
                "ValidationError",
                "DurationSeconds exceeds the MaxSessionDuration",
            ),
            "wish",
        ),
        (
            Web,
            refused(400, "MissingParameter", "RoleArn is required"),
            "wish",
        ),
        (Web, refused(400, "PackedPolicyTooLarge", ""), "cannot-do"),
        (
            Web,
            refused(400, "MalformedPolicyDocument", ""),
            "cannot-do",
        ),
        (
            Web,
            refused(403, "RegionDisabledException", ""),
            "cannot-do",
        ),
        (
            Web,
            refused(501, "NotImplemented", "A header you provided"),
            "not-a-portal",
        ),
        (Web, refused(405, "MethodNotAllowed", ""), "not-a-portal"),
        (Web, refused(500, "InternalError", ""), "portal-fault"),
        (Web, refused(503, "SlowDown", ""), "portal-fault"),
        (
            Web,
            refused(400, "Curious", "what is this"),
            "not-understood",
        ),
        (
            Role,
            refused(403, "InvalidAccessKeyId", ""),
            "sign-in-refused",
        ),
        (
            Role,
            refused(403, "SignatureDoesNotMatch", ""),
            "sign-in-refused",
        ),
        (Role, refused(404, "NoSuchEntity", ""), "wish"),
        (
            Role,
            ResponseTemplate::new(200).set_body_raw(html, "text/html"),
            "not-a-portal",
        ),
        (
            Role,
            ResponseTemplate::new(404).set_body_raw(html, "text/html"),
            "not-a-portal",
        ),
        (
            Role,
            ResponseTemplate::new(502).set_body_raw(html, "text/html"),
            "portal-fault",
        ),
        (
            Role,
            ResponseTemplate::new(307)
                .insert_header("location", "https://elsewhere.example/?token=1"),
            "redirected",
        ),
    ] {
        let server = answering(answer).await;
        let proof = match kind {
            Ldap => password(),
            Role => access_key(),
            _ => tokens("a.b.c", None),
        };
        let error = sign_in(request(&server, kind, proof))
            .await
            .expect_err("is refused");
        assert_eq!(error.code(), code, "{kind:?}: {error:?}");
        let all = format!("{error}{error:?}{}{:?}", error.way_on(), error.context());
        for secret in [PASSWORD, "wJalrXUtnFEMI", "a.b.c", "token=1"] {
            assert!(!all.contains(secret), "{all}");
        }
    }
}

#[tokio::test]
async fn the_wrong_proof_and_nothing_to_go_on_with() {
    let server = answering(lent("AssumeRole", "X")).await;
    for (kind, proof) in [
        (IssuerKind::StsLdap, access_key()),
        (IssuerKind::StsWebIdentity, access_key()),
        (IssuerKind::StsAssumeRole, password()),
    ] {
        let error = sign_in(request(&server, kind, proof))
            .await
            .expect_err("is refused");
        assert!(matches!(error, PortalError::CannotDo { .. }), "{error:?}");
    }
    assert!(posted(&server).await.is_empty());
    for kind in [
        IssuerKind::StsLdap,
        IssuerKind::StsWebIdentity,
        IssuerKind::StsAssumeRole,
    ] {
        assert!(capabilities(kind).is_some_and(|can| can.lent));
        let link = IssuerLink {
            kind,
            url: server.uri().parse().expect("a URL"),
            user: String::new(),
            domain: String::new(),
            scope_id: String::new(),
            scope_name: String::new(),
            region: String::new(),
            options: IssuerOptions::default(),
        };
        let over = resume(&link, "nonsense".into(), &HttpSettings::default()).await;
        assert!(matches!(over, Err(PortalError::SignInAgain)), "{over:?}");
    }
    // Nobody there: said before any password is sent.
    let nowhere = request(&server, IssuerKind::StsLdap, password());
    let nowhere = SignInRequest {
        url: "127.0.0.1:9".into(),
        ..nowhere
    };
    let error = sign_in(nowhere).await.expect_err("cannot be reached");
    assert_eq!(error.code(), "unreachable");
}
