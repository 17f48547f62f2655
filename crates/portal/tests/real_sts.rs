//! Keys lent by a real Ceph gateway: for a role, and for a token of a real OpenID Connect provider.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use wherry_account::{IssuerKind, IssuerLink, IssuerOptions, Signing};
use wherry_portal::{
    Expiry, IssuedKey, KeyWish, PortalError, PortalSession, Proof, SignInMethod, SignInRequest,
    resume, sign_in,
};
use wherry_store::{Credentials, HttpSettings, ObjectStore, S3Config, S3Store};
use wherry_testbed::{Oidc, Rgw, Testbed, unique_bucket};
use wherry_vault::Secret;

fn assume(rgw: &Rgw, role: &str, secret: &str) -> SignInRequest {
    SignInRequest {
        kind: IssuerKind::StsAssumeRole,
        url: rgw.endpoint.clone(),
        http: HttpSettings::default(),
        options: IssuerOptions {
            role_arn: Some(format!("arn:aws:iam:::role/{role}")),
            duration: Some(900),
            ..IssuerOptions::default()
        },
        client_secret: None,
        proof: Proof::AccessKey {
            access_key_id: rgw.access_key.clone(),
            secret: Secret::new(secret.into()),
        },
    }
}

fn by_password(rgw: &Rgw, oidc: &Oidc, role: &str, password: &str) -> SignInRequest {
    SignInRequest {
        kind: IssuerKind::StsWebIdentity,
        options: IssuerOptions {
            oidc_issuer: Some(oidc.issuer.parse().expect("a URL")),
            client_id: Some(oidc.client.clone()),
            scopes: Some("openid offline_access s3".into()),
            role_arn: Some(format!("arn:aws:iam:::role/{role}")),
            session_name: Some("alice at home".into()),
            duration: Some(900),
            ..IssuerOptions::default()
        },
        proof: Proof::Password {
            user: oidc.alice.name.clone(),
            domain: String::new(),
            password: password.into(),
            code: None,
        },
        ..assume(rgw, role, "")
    }
}

fn link(session: &dyn PortalSession, options: &IssuerOptions) -> IssuerLink {
    IssuerLink {
        kind: session.kind(),
        url: session.url().clone(),
        user: session.user().to_owned(),
        domain: String::new(),
        scope_id: String::new(),
        scope_name: String::new(),
        region: String::new(),
        options: options.clone(),
    }
}

/// The key opens the store, and is what a lent key should be.
async fn opens(rgw: &Rgw, key: &IssuedKey) {
    let left = key.expires.expect("has an end") - Utc::now();
    assert!(
        left > TimeDelta::minutes(13) && left <= TimeDelta::minutes(16),
        "{left}"
    );
    assert!(key.secret.session_token().is_some());
    for signing in [Signing::V4, Signing::V2] {
        let credentials = Credentials {
            access_key_id: key.access_key_id.clone(),
            secret: key.secret.access_key().clone(),
            session_token: key.secret.session_token().cloned(),
        };
        let config = S3Config {
            signing,
            ..S3Config::new(rgw.endpoint.parse().expect("a URL"), Some(credentials))
        };
        let store = S3Store::new(config).expect("opens");
        let bucket = unique_bucket("sts");
        store.create_bucket(&bucket).await.expect("makes a bucket");
        store.delete_bucket(&bucket).await.expect("and deletes it");
    }
}

#[tokio::test]
async fn a_key_for_a_role_is_lent_again_and_again() {
    let rgw = Rgw::start_private_with_role();
    let request = assume(&rgw, "Reader", &rgw.secret_key);
    let options = request.options.clone();
    let session = sign_in(request).await.expect("signs in");
    assert_eq!(session.scopes().await.expect("one").len(), 1);
    let session = session.open("", None).await.expect("opens");
    assert_eq!(session.user(), rgw.access_key);
    assert_eq!(
        session.endpoints()[0].url.as_str(),
        format!("{}/", rgw.endpoint)
    );
    let can = session.capabilities();
    assert!(can.lent && !can.list.is_yes() && !can.delete.is_yes() && !can.reset.is_yes());
    assert_eq!(can.expiry, Expiry::Fixed(Duration::from_mins(15)));
    assert_eq!(can.sign_in, [SignInMethod::AccessKey]);

    let wish = KeyWish::default();
    let first = session.create_key(&wish).await.expect("lends");
    opens(&rgw, &first).await;
    let second = session.create_key(&wish).await.expect("lends another");
    assert_ne!(first.access_key_id, second.access_key_id);
    assert!(matches!(
        session.list_keys().await,
        Err(PortalError::CannotDo { .. })
    ));
    assert!(session.delete_key("x").await.is_err() && session.reset_key("x").await.is_err());

    // In the next process, without the user.
    let kept = session.lasting().expect("something is kept");
    let again = resume(&link(&*session, &options), kept, &HttpSettings::default())
        .await
        .expect("goes on");
    opens(&rgw, &again.create_key(&wish).await.expect("lends")).await;
    assert!(!format!("{session:?}{again:?}").contains(&rgw.secret_key));
}

#[tokio::test]
async fn what_a_gateway_refuses_is_told_apart() {
    let rgw = Rgw::start_private_with_role();
    let refused = async |request| sign_in(request).await.expect_err("is refused");

    let error = refused(assume(&rgw, "Reader", "not-the-secret")).await;
    assert!(
        matches!(
            &error,
            PortalError::SignInRefused {
                with: SignInMethod::AccessKey,
                ..
            }
        ),
        "{error:?}"
    );
    let mut request = assume(&rgw, "Reader", &rgw.other.secret_key);
    request.proof = Proof::AccessKey {
        access_key_id: rgw.other.access_key.clone(),
        secret: Secret::new(rgw.other.secret_key.as_str().into()),
    };
    let error = refused(request).await;
    assert!(
        matches!(
            &error,
            PortalError::SignInRefused {
                with: SignInMethod::AccessKey,
                ..
            }
        ),
        "a user who may not take on the role: {error:?}"
    );
    let error = refused(assume(&rgw, "Nobody", &rgw.secret_key)).await;
    assert!(matches!(&error, PortalError::Wish { .. }), "{error:?}");
    for (seconds, why) in [(60, "15 minutes at least"), (100_000, "the store")] {
        let mut request = assume(&rgw, "Reader", &rgw.secret_key);
        request.options.duration = Some(seconds);
        let error = refused(request).await;
        assert!(
            matches!(&error, PortalError::Wish { .. }) && error.to_string().contains(why),
            "{error:?}"
        );
    }
    let mut request = assume(&rgw, "Reader", &rgw.secret_key);
    request.options.role_arn = None;
    let error = refused(request).await;
    assert!(matches!(&error, PortalError::Wish { .. }), "{error:?}");
}

#[tokio::test]
async fn a_key_for_a_web_identity_is_lent_and_lent_anew() {
    let oidc = Testbed::oidc();
    let rgw = Rgw::start_private_trusting(&oidc);
    for role in ["Web", "Person"] {
        let request = by_password(&rgw, &oidc, role, &oidc.alice.password);
        let options = request.options.clone();
        let session = sign_in(request)
            .await
            .unwrap_or_else(|e| panic!("{role}: {e:?}"));
        assert_eq!(session.user(), oidc.alice.name, "{role}");
        let wish = KeyWish::default();
        let first = session.create_key(&wish).await.expect("lends");
        opens(&rgw, &first).await;
        let kept = session.lasting().expect("a refresh token");
        assert!(!kept.expose_secret().contains(&oidc.alice.password));

        let again = resume(
            &link(&*session, &options),
            kept.clone(),
            &HttpSettings::default(),
        )
        .await
        .expect("goes on");
        let second = again.create_key(&wish).await.expect("lends another");
        assert_ne!(first.access_key_id, second.access_key_id);
        opens(&rgw, &second).await;

        // Ended at the provider: nobody can go on without the user.
        let kept = again.lasting().expect("a refresh token");
        again.sign_out().await;
        let over = resume(&link(&*session, &options), kept, &HttpSettings::default()).await;
        assert!(matches!(over, Err(PortalError::SignInAgain)), "{over:?}");
    }
}

#[tokio::test]
async fn a_web_identity_nobody_trusts_gets_no_key() {
    let oidc = Testbed::oidc();
    let rgw = Rgw::start_private_trusting(&oidc);
    let error = sign_in(by_password(&rgw, &oidc, "Web", "not her password"))
        .await
        .expect_err("is refused");
    assert!(
        matches!(
            &error,
            PortalError::SignInRefused {
                with: SignInMethod::Password,
                ..
            }
        ),
        "by the provider: {error:?}"
    );

    let garbage = |token: &str| wherry_portal::oidc::Tokens {
        access: SecretString::from(token),
        id: None,
        refresh: None,
        expires: None,
    };
    for token in ["not a token at all", "a.b.c"] {
        let request = SignInRequest {
            proof: Proof::Tokens(garbage(token)),
            ..by_password(&rgw, &oidc, "Web", "")
        };
        let error = sign_in(request).await.expect_err("is refused");
        assert!(
            matches!(
                &error,
                PortalError::SignInRefused {
                    with: SignInMethod::Browser,
                    ..
                }
            ),
            "by the gateway: {error:?}"
        );
    }
    let kept = SecretString::from("{\"refresh_token\":\"gone\"}");
    let session = sign_in(by_password(&rgw, &oidc, "Web", &oidc.alice.password))
        .await
        .expect("signs in");
    let options = by_password(&rgw, &oidc, "Web", "").options;
    for lasting in [kept, SecretString::from("something else")] {
        let over = resume(
            &link(&*session, &options),
            lasting,
            &HttpSettings::default(),
        )
        .await;
        assert!(matches!(over, Err(PortalError::SignInAgain)), "{over:?}");
    }
}
