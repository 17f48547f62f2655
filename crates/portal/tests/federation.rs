//! A real Keystone that lets in the people of a real OpenID Connect provider: from the institution's sign-in
//! to an EC2 credential that opens a real store.

use std::path::Path;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use wherry_account::{IssuerKind, IssuerOptions, import};
use wherry_portal::oidc::{Oidc, OidcClient};
use wherry_portal::{Deleted, KeyWish, PortalError, PortalSession, Proof, SignInRequest, sign_in};
use wherry_store::{Credentials, HttpSettings, ObjectStore, S3Config, S3Store};
use wherry_testbed::{Keystone, Member, Testbed};

fn options(keystone: &Keystone, oidc: &wherry_testbed::Oidc) -> IssuerOptions {
    IssuerOptions {
        oidc_issuer: Some(oidc.issuer.parse().expect("a URL")),
        client_id: Some(oidc.client.clone()),
        identity_provider: Some(keystone.identity_provider.clone()),
        protocol: Some(keystone.protocol.clone()),
        ..IssuerOptions::default()
    }
}

async fn ask(
    keystone: &Keystone,
    options: IssuerOptions,
    proof: Proof,
) -> Result<Arc<dyn PortalSession>, PortalError> {
    sign_in(SignInRequest {
        kind: IssuerKind::Keystone,
        url: keystone.url.clone(),
        http: HttpSettings::default(),
        options,
        client_secret: None,
        proof,
    })
    .await
}

fn password(who: &Member, code: Option<String>) -> Proof {
    Proof::Password {
        user: who.name.clone(),
        domain: String::new(),
        password: who.password.as_str().into(),
        code: code.map(SecretString::from),
    }
}

async fn tokens(oidc: &wherry_testbed::Oidc, who: &Member) -> Proof {
    let client = OidcClient {
        issuer: oidc.issuer.parse().expect("a URL"),
        client_id: oidc.client.clone(),
        client_secret: None,
        scopes: vec!["openid".into()],
    };
    let issuer = Oidc::discover(client, &HttpSettings::default())
        .await
        .expect("is found");
    let password = SecretString::from(who.password.as_str());
    let tokens = issuer.by_password(&who.name, &password, None).await;
    Proof::Tokens(tokens.expect("signs in"))
}

/// From a session in no project to a key that is made, listed and deleted.
async fn works(session: Arc<dyn PortalSession>) {
    assert_eq!((session.user(), session.domain()), ("alice", "Default"));
    assert!(session.scope().is_none());
    let scopes = session.scopes().await.expect("lists her projects");
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    assert_eq!(names, ["demo", "survey"]);
    let project = session.open(&scopes[0].id, None).await.expect("opens it");
    let key = project
        .create_key(&KeyWish::default())
        .await
        .expect("makes a key");
    assert_eq!(key.scope.as_deref(), Some(scopes[0].id.as_str()));
    let endpoints = project.endpoints();
    let endpoint = endpoints
        .iter()
        .find(|endpoint| endpoint.region == "RegionOne")
        .expect("the catalog has it");
    let credentials = Credentials {
        access_key_id: key.access_key_id.clone(),
        secret: key.secret.access_key().clone(),
        session_token: None,
    };
    let store = S3Store::new(S3Config::new(endpoint.url.clone(), Some(credentials)));
    let buckets = store.expect("a store").list_buckets().await;
    buckets.expect("the key opens the store");
    let rows = project.list_keys().await.expect("lists");
    assert!(
        rows.iter()
            .any(|row| row.access_key_id == key.access_key_id)
    );
    let deleted = project.delete_key(&key.access_key_id).await;
    assert_eq!(deleted.expect("goes"), Deleted::Now);
}

#[tokio::test]
async fn somebody_who_signed_in_at_the_institution_makes_a_key() {
    let (keystone, oidc) = Testbed::federation();
    let proof = tokens(&oidc, &oidc.alice).await;
    let session = ask(&keystone, options(&keystone, &oidc), proof).await;
    works(session.expect("is let in")).await;
}

#[tokio::test]
async fn the_institutions_password_goes_to_the_institution() {
    let (keystone, oidc) = Testbed::federation();
    // `openid`, as nearly everywhere, need not be said.
    let options = IssuerOptions {
        protocol: None,
        ..options(&keystone, &oidc)
    };
    let proof = password(&oidc.alice, None);
    let session = ask(&keystone, options.clone(), proof).await;
    works(session.expect("is let in")).await;

    // Keystone has the same password for her; this one is only wrong at the institution.
    let wrong = Member {
        password: "wrong".into(),
        ..oidc.alice.clone()
    };
    let refused = ask(&keystone, options.clone(), password(&wrong, None))
        .await
        .expect_err("is refused");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
    assert!(
        oidc.issuer
            .ends_with(&refused.said().expect("was said").host)
    );

    // Known at the institution, with password and code, but not to this Keystone.
    let proof = password(&oidc.tom, Some(oidc.code()));
    let unknown = ask(&keystone, options, proof)
        .await
        .expect_err("is not let in");
    assert_eq!(unknown.code(), "sign-in-refused", "{unknown}");
    assert!(
        keystone
            .url
            .contains(&unknown.said().expect("was said").host)
    );
}

#[tokio::test]
async fn what_keystone_does_not_know_is_told() {
    let (keystone, oidc) = Testbed::federation();
    let proof = tokens(&oidc, &oidc.alice).await;
    let nameless = IssuerOptions {
        identity_provider: None,
        ..options(&keystone, &oidc)
    };
    let unsaid = ask(&keystone, nameless, proof.clone())
        .await
        .expect_err("is not enough");
    assert!(
        unsaid.to_string().contains("OS_IDENTITY_PROVIDER"),
        "{unsaid}"
    );
    for (provider, protocol, code) in [
        ("nobody", "openid", "cannot-do"),
        ("institution", "saml2", "sign-in-refused"),
    ] {
        let options = IssuerOptions {
            identity_provider: Some(provider.into()),
            protocol: Some(protocol.into()),
            ..options(&keystone, &oidc)
        };
        let unknown = ask(&keystone, options, proof.clone())
            .await
            .expect_err("is unknown");
        assert_eq!(unknown.code(), code, "{unknown}");
        let said = unknown.said().map(|said| said.message.clone());
        let words = said.unwrap_or_else(|| unknown.to_string());
        assert!(
            words.contains(provider) && words.contains(protocol),
            "{words}"
        );
    }
    let Proof::Tokens(mut forged) = proof else {
        panic!("are tokens")
    };
    forged.access = format!("{}x", forged.access.expose_secret()).into();
    let options = options(&keystone, &oidc);
    let refused = ask(&keystone, options, Proof::Tokens(forged))
        .await
        .expect_err("is refused");
    assert_eq!(refused.code(), "sign-in-refused", "{refused}");
    let words = &refused.said().expect("was said").message;
    assert!(words.starts_with("401 Unauthorized"), "{words}");
}

#[tokio::test]
async fn a_file_of_the_dashboards_leads_to_the_institution() {
    let (keystone, oidc) = Testbed::federation();
    let folder = std::env::temp_dir().join(wherry_testbed::unique_bucket("federation"));
    std::fs::create_dir(&folder).expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("is written");
        import::read(Path::new(&path)).expect("reads").remove(0)
    };
    let common = format!(
        "export OS_AUTH_URL={}\nexport OS_IDENTITY_PROVIDER={}\nexport OS_PROTOCOL={}\n",
        keystone.url, keystone.identity_provider, keystone.protocol
    );
    let (client, secret) = &oidc.confidential;
    let by_password = file(
        "password-openrc.sh",
        &format!(
            "{common}export OS_AUTH_TYPE=v3oidcpassword\nexport OS_USERNAME=alice\nexport OS_CLIENT_ID={client}\n\
             export OS_CLIENT_SECRET={secret}\n\
             export OS_DISCOVERY_ENDPOINT={}/.well-known/openid-configuration\n",
            oidc.issuer
        ),
    );
    let by_token = file(
        "token-openrc.sh",
        &format!("{common}export OS_AUTH_TYPE=v3oidcaccesstoken\n"),
    );
    std::fs::remove_dir_all(&folder).expect("is removed");
    let Proof::Tokens(tokens) = tokens(&oidc, &oidc.alice).await else {
        panic!("are tokens")
    };
    for (cloud, secret) in [
        (by_password, oidc.alice.password.as_str().into()),
        (by_token, tokens.access),
    ] {
        assert_eq!(cloud.unusable(), None);
        let proof = Proof::Imported {
            cloud: Box::new(cloud),
            secret,
        };
        let session = ask(&keystone, IssuerOptions::default(), proof).await;
        works(session.expect("is let in")).await;
    }
}
