//! Swarm's Content Gateway: its tokens (`/.TOKEN/`, in life on port 81) and its S3, here behind one address.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;

use crate::store_front::{Full, StoreFront};
use crate::tokens::{Refused, Tokens};
use crate::{Serving, Tls};

/// A running gateway of one tenancy.
#[derive(Debug)]
pub struct Swarm {
    pub serving: Serving,
    pub tokens: Tokens,
    /// The tenancy's name.
    pub tenancy: String,
    gateway: Arc<Gateway>,
}

#[derive(Debug)]
struct Gateway {
    tokens: Tokens,
    tenancy: String,
    store: StoreFront,
    zone: Mutex<&'static str>,
}

impl Swarm {
    /// The gateway of `tenancy`.
    ///
    /// # Panics
    /// When `tokens` has no such tenancy.
    pub fn start(tokens: Tokens, tenancy: &str, tls: Option<&Tls>) -> Self {
        assert!(tokens.tenancy(tenancy).is_some(), "no tenancy {tenancy}");
        let gateway = Arc::new(Gateway {
            store: StoreFront::new(tokens.backing()),
            tokens: tokens.clone(),
            tenancy: tenancy.to_owned(),
            zone: Mutex::new("GMT"),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&gateway));
        Self {
            serving: Serving::start_with(tls, |_| app),
            tokens,
            tenancy: tenancy.to_owned(),
            gateway,
        }
    }

    pub fn url(&self) -> &str {
        &self.serving.url
    }

    /// The tenancy is over its quota: what would take space is refused, and so is POST `?delete`.
    pub fn full(&self, full: Option<Full>) {
        self.gateway.store.full(full);
    }

    /// Writes times as UTC, as the older gateways do; newer ones write GMT.
    pub fn write_utc(&self) {
        *self
            .gateway
            .zone
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = "UTC";
    }
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match path.strip_prefix("/.TOKEN") {
        Some(token) => {
            let token = token.trim_matches('/').to_owned();
            let (asked, _) = request.into_parts();
            match gateway.token_service(&token, &asked).await {
                Ok(response) => response,
                Err((status, words)) => refuse(status, words),
            }
        }
        None => gateway.store.answer(request).await,
    }
}

impl Gateway {
    async fn token_service(&self, token: &str, request: &Parts) -> Result<Response, Refused> {
        let owner = self.who(&request.headers)?;
        let query: Vec<(String, String)> =
            form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let asked_for = |name: &str, value: &str| {
            query
                .iter()
                .any(|(n, v)| (n.as_str(), v.as_str()) == (name, value))
        };
        match (&request.method, token) {
            (&Method::GET, "") if asked_for("format", "json") => Ok(self.list(&owner)),
            (&Method::GET, "") => Ok("(a listing for people)\n".into_response()),
            (&Method::POST, "") => {
                self.create(&owner, &request.headers, asked_for("setcookie", "false"))
                    .await
            }
            (&Method::DELETE, token) if !token.is_empty() => {
                // What is not there is a bad request, not a 404.
                if self.tokens.delete(&self.tenancy, &owner, token).await {
                    Ok("Token deleted\n".into_response())
                } else {
                    Err((400, "Invalid token\n".to_owned()))
                }
            }
            _ => Err((405, String::new())),
        }
    }

    /// By name and password, or by a token that is not for S3.
    fn who(&self, headers: &HeaderMap) -> Result<String, Refused> {
        let text =
            |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(basic) = text(header::AUTHORIZATION).and_then(|a| a.strip_prefix("Basic ")) {
            let pair = STANDARD.decode(basic).unwrap_or_default();
            let pair = String::from_utf8_lossy(&pair).into_owned();
            let (user, password) = pair.split_once(':').unwrap_or_default();
            return self.tokens.by_password(&self.tenancy, user, password);
        }
        let token = text(header::COOKIE)
            .into_iter()
            .flat_map(|cookies| cookies.split(';'))
            .find_map(|cookie| cookie.trim().strip_prefix("token="));
        self.tokens
            .by_token(&self.tenancy, token.unwrap_or_default())
    }

    fn list(&self, owner: &str) -> Response {
        let zone = *self.zone.lock().unwrap_or_else(PoisonError::into_inner);
        let rows: Vec<Value> = self
            .tokens
            .of(&self.tenancy, owner)
            .iter()
            .map(|token| token.json(&self.location(), zone))
            .collect();
        axum::Json(rows).into_response()
    }

    async fn create(
        &self,
        owner: &str,
        headers: &HeaderMap,
        without_cookie: bool,
    ) -> Result<Response, Refused> {
        // Headers are Latin-1.
        let text = |name: &str| {
            let value = headers.get(name)?.as_bytes();
            Some(
                value
                    .iter()
                    .map(|byte| char::from(*byte))
                    .collect::<String>(),
            )
        };
        let token = self
            .tokens
            .make(
                &self.tenancy,
                owner,
                text("x-custom-meta-source"),
                text("x-user-secret-key-meta"),
                text("x-user-token-expires-meta").as_deref(),
            )
            .await?;
        let words = format!(
            "Token {} issued for {owner} in {}\n",
            token.name,
            self.location()
        );
        let (name, value) = if without_cookie {
            ("gateway-token", token.name)
        } else {
            ("set-cookie", format!("token={}; path=/", token.name))
        };
        Ok((StatusCode::CREATED, [(name, value)], words).into_response())
    }

    fn location(&self) -> String {
        let tenancy = self.tokens.tenancy(&self.tenancy);
        tenancy.map(|tenancy| tenancy.location).unwrap_or_default()
    }
}

fn refuse(status: u16, words: String) -> Response {
    let status = StatusCode::from_u16(status).expect("an HTTP status");
    let mut response = (status, Body::from(words)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let asks = header::HeaderValue::from_static("Basic realm=\"CAStor\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, asks);
    }
    response
}
