//! A MinIO server whose directory vouches for people: its token service for LDAP passwords, and its store.
//!
//! Both are at one address, as in the original (min.io/docs, “AssumeRoleWithLDAPIdentity”). The keys are real
//! temporary ones of the gateway behind.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{SecondsFormat, TimeDelta, Utc};
use url::form_urlencoded;

use crate::store_front::StoreFront;
use crate::{Backing, Person, Serving, Tls};

/// A running server.
#[derive(Debug)]
pub struct MinioLdap {
    pub serving: Serving,
    pub people: Vec<Person>,
}

#[derive(Debug)]
struct Server {
    people: Vec<Person>,
    backing: Backing,
    store: StoreFront,
}

impl MinioLdap {
    /// `backing` must be a gateway whose token service is on.
    pub fn start(backing: Backing, tls: Option<&Tls>) -> Self {
        let people = vec![Person {
            name: "bob".to_owned(),
            password: "bob-password".to_owned(),
        }];
        let server = Arc::new(Server {
            people: people.clone(),
            store: StoreFront::new(&backing),
            backing,
        });
        let app = Router::new().fallback(answer).with_state(server);
        Self {
            serving: Serving::start_with(tls, |_| app),
            people,
        }
    }

    pub fn url(&self) -> &str {
        &self.serving.url
    }
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| {
            kind.as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        });
    let for_tokens = *request.method() == Method::POST && request.uri().path() == "/" && is_form;
    if !for_tokens {
        return server.store.answer(request).await;
    }
    let signed = request.headers().contains_key(header::AUTHORIZATION);
    let body = to_bytes(request.into_body(), 1 << 16)
        .await
        .unwrap_or_default();
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let said = |name: &str| {
        let found = form.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if said("Version") != "2011-06-15" || signed {
        return refuse("InvalidParameterValue", "the request is not understood");
    }
    if said("Action") != "AssumeRoleWithLDAPIdentity" {
        return refuse("InvalidParameterValue", "Unsupported action");
    }
    let (user, password) = (said("LDAPUsername"), said("LDAPPassword"));
    if user.is_empty() || password.is_empty() {
        return refuse(
            "MissingParameter",
            "LDAPUsername and LDAPPassword cannot be empty",
        );
    }
    let known = server
        .people
        .iter()
        .any(|person| person.name == user && person.password == password);
    if !known {
        return refuse(
            "InvalidParameterValue",
            &format!("LDAP server error: LDAP auth failed for DN uid={user}"),
        );
    }
    let (id, secret, token) = server.backing.lend(user).await;
    let expires = (Utc::now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <AssumeRoleWithLDAPIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithLDAPIdentityResult><Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>\
         <Expiration>{expires}</Expiration></Credentials></AssumeRoleWithLDAPIdentityResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleWithLDAPIdentityResponse>"
    );
    ([(header::CONTENT_TYPE, "application/xml")], Body::from(xml)).into_response()
}

fn refuse(code: &str, message: &str) -> Response {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type></Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    let kind = [(header::CONTENT_TYPE, "application/xml")];
    (StatusCode::BAD_REQUEST, kind, xml).into_response()
}
