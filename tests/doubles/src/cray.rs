//! HPE Cray CSM's gateway with the token service behind it (`/apis/sts/`), as both were seen to behave.
//!
//! With a store whose own token service is on, keys are real temporary ones, as in the original; otherwise
//! they are ordinary ones, and the session token is words that such a store ignores.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::s3_keys_manager::random;
use crate::{Backing, Bearers, Serving, Tls};

/// A running gateway.
#[derive(Debug)]
pub struct Cray {
    pub serving: Serving,
    gateway: Arc<Gateway>,
}

#[derive(Debug)]
struct Gateway {
    bearers: Bearers,
    backing: Backing,
    store_has_sts: bool,
    state: Mutex<Keeping>,
}

#[derive(Debug)]
struct Keeping {
    endpoint: Option<String>,
    trouble: Option<Trouble>,
    seems_to_last: TimeDelta,
    lent: Vec<Lent>,
}

/// A key that was lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lent {
    pub access_key_id: String,
    pub to: String,
    pub expires: DateTime<Utc>,
}

/// What may be wrong behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Bad role, bad key, or the store is down.
    Store,
    /// The service's own credential file is missing.
    Setup,
}

impl Cray {
    /// `store_has_sts`: the token service of the store behind is on.
    pub fn start(
        bearers: Bearers,
        backing: Backing,
        store_has_sts: bool,
        tls: Option<&Tls>,
    ) -> Self {
        let gateway = Arc::new(Gateway {
            state: Mutex::new(Keeping {
                endpoint: backing.url().map(str::to_owned),
                trouble: None,
                seems_to_last: TimeDelta::hours(1),
                lent: Vec::new(),
            }),
            bearers,
            backing,
            store_has_sts,
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&gateway));
        Self {
            serving: Serving::start_with(tls, |_| app),
            gateway,
        }
    }

    pub fn url(&self) -> &str {
        &self.serving.url
    }

    /// What `EndpointURL` says: the store's address until told otherwise; may be null.
    pub fn endpoint(&self, endpoint: Option<&str>) {
        self.gateway.lock().endpoint = endpoint.map(str::to_owned);
    }

    pub fn trouble(&self, trouble: Option<Trouble>) {
        self.gateway.lock().trouble = trouble;
    }

    /// What keys are said to last from now on, for tests of what happens before they end. In life it is
    /// one hour, always.
    pub fn seems_to_last(&self, time: TimeDelta) {
        self.gateway.lock().seems_to_last = time;
    }

    pub fn lent(&self) -> Vec<Lent> {
        self.gateway.lock().lent.clone()
    }
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    // The gateway lets nobody through to any of the system's services without a good token.
    let Some(user) = gateway.bearers.who(&headers).await else {
        let words = match headers.contains_key(header::AUTHORIZATION) {
            true => "Jwt verification fails",
            false => "Jwt is missing",
        };
        let asks = [(header::WWW_AUTHENTICATE, "Bearer realm=\"cray\"")];
        return (StatusCode::UNAUTHORIZED, asks, words).into_response();
    };
    match (uri.path(), &method) {
        ("/apis/sts/healthz", &Method::GET) => axum::Json(json!({"Status": "ok"})).into_response(),
        ("/apis/sts/token", &Method::PUT) => gateway.lend(&user).await,
        ("/apis/sts/token", &Method::OPTIONS) => [(header::ALLOW, "OPTIONS, PUT")].into_response(),
        ("/apis/sts/token", _) => {
            let words = "The method is not allowed for the requested URL.";
            let mut refused = problem(StatusCode::METHOD_NOT_ALLOWED, words);
            let allowed = header::HeaderValue::from_static("OPTIONS, PUT");
            refused.headers_mut().insert(header::ALLOW, allowed);
            refused
        }
        _ => problem(
            StatusCode::NOT_FOUND,
            "The requested URL was not found on the server.",
        ),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({
        "detail": detail,
        "status": status.as_u16(),
        "title": status.canonical_reason().unwrap_or_default(),
        "type": "about:blank",
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, body.to_string()).into_response()
}

impl Gateway {
    fn lock(&self) -> MutexGuard<'_, Keeping> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn lend(&self, user: &str) -> Response {
        let (trouble, endpoint, lasts) = {
            let state = self.lock();
            (state.trouble, state.endpoint.clone(), state.seems_to_last)
        };
        match trouble {
            Some(Trouble::Store) => {
                let words = "The server encountered an internal error and was unable to complete your request.";
                return problem(StatusCode::INTERNAL_SERVER_ERROR, words);
            }
            Some(Trouble::Setup) => {
                let kind = [(header::CONTENT_TYPE, "application/json")];
                return (StatusCode::INTERNAL_SERVER_ERROR, kind, "\"Error\"\n").into_response();
            }
            None => {}
        }
        let (access_key_id, secret, token) = if self.store_has_sts {
            self.backing.lend(user).await
        } else {
            let (id, secret) = (random(19), random(39));
            self.backing.open(&id, &secret).await;
            (id, secret, format!("{}+/==", random(360)))
        };
        let expires = Utc::now() + lasts;
        self.lock().lent.push(Lent {
            access_key_id: access_key_id.clone(),
            to: user.to_owned(),
            expires,
        });
        let credentials: Value = json!({
            "AccessKeyId": access_key_id,
            "SecretAccessKey": secret,
            "SessionToken": token,
            // As Python writes it.
            "Expiration": expires.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
            "EndpointURL": endpoint,
        });
        let body = axum::Json(json!({"Credentials": credentials}));
        (StatusCode::CREATED, body).into_response()
    }
}
