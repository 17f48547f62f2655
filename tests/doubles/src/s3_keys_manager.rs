//! CloudFerro's S3 Keys Manager: a JSON API for somebody with a Keycloak token.
//!
//! Its public client shows the requests and answers. That it checks its input as FastAPI programs do, and how
//! many keys it lists at a time, is assumed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use rand::Rng as _;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Backing, Bearers, Serving, Tls};

const API: &str = "/api/user";
/// However many are asked for.
const MOST_LISTED: usize = 3;

/// A key, as the manager knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub access_id: String,
    pub secret: String,
    pub owner: String,
    pub expires: Option<DateTime<Utc>>,
}

/// What the answer to a reset looks like, which is not publicly known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetAnswer {
    Secret,
    SecretKey,
    Whole,
    Covered,
    BareText,
    /// Done, and nothing said: 204.
    Nothing,
}

/// How long the store takes to know a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    AtOnce,
    After(Duration),
    /// [`S3KeysManager::propagate`].
    WhenTold,
}

/// A running S3 Keys Manager.
#[derive(Debug)]
pub struct S3KeysManager {
    pub serving: Serving,
    manager: Arc<Manager>,
}

#[derive(Debug)]
struct Manager {
    bearers: Bearers,
    backing: Backing,
    state: Mutex<Keeping>,
}

#[derive(Debug)]
struct Keeping {
    credentials: Vec<Credential>,
    waiting: Vec<Credential>,
    most: usize,
    reset: ResetAnswer,
    propagation: Propagation,
}

impl S3KeysManager {
    pub fn start(bearers: Bearers, backing: Backing, tls: Option<&Tls>) -> Self {
        let manager = Arc::new(Manager {
            bearers,
            backing,
            state: Mutex::new(Keeping {
                credentials: Vec::new(),
                waiting: Vec::new(),
                most: 10,
                reset: ResetAnswer::Whole,
                propagation: Propagation::AtOnce,
            }),
        });
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&manager));
        Self {
            serving: Serving::start_with(tls, |_| app),
            manager,
        }
    }

    /// `…/api/user`
    pub fn url(&self) -> String {
        format!("{}{API}", self.serving.url)
    }

    pub fn credentials(&self) -> Vec<Credential> {
        self.manager.lock().credentials.clone()
    }

    /// How many keys a user may have; 10 until told otherwise.
    pub fn most(&self, most: usize) {
        self.manager.lock().most = most;
    }

    pub fn answer_resets_with(&self, answer: ResetAnswer) {
        self.manager.lock().reset = answer;
    }

    pub fn propagate_by(&self, propagation: Propagation) {
        self.manager.lock().propagation = propagation;
    }

    /// The store gets to know the keys it has been waiting for.
    pub async fn propagate(&self) {
        let waiting = std::mem::take(&mut self.manager.lock().waiting);
        for key in waiting {
            self.manager.backing.open(&key.access_id, &key.secret).await;
        }
    }
}

/// A refusal: status and `detail`.
type Refused = (StatusCode, Value);

async fn answer(
    State(manager): State<Arc<Manager>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let done = manager.answer(&method, &uri, &headers, &body).await;
    done.unwrap_or_else(|(status, detail)| {
        let mut response = (status, axum::Json(json!({"detail": detail}))).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let asks = header::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, asks);
        }
        response
    })
}

impl Manager {
    fn lock(&self) -> MutexGuard<'_, Keeping> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response, Refused> {
        let not_found = || (StatusCode::NOT_FOUND, json!("Not Found"));
        let path = uri.path().strip_prefix(API).ok_or_else(not_found)?;
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let allowed: &[Method] = match segments.as_slice() {
            ["credentials"] => &[Method::GET, Method::POST],
            ["credentials", "access_id", id] if !id.is_empty() => &[Method::DELETE],
            ["credentials", "access_id", _, "secret_key"] => &[Method::PATCH],
            _ => return Err(not_found()),
        };
        if !allowed.contains(method) {
            return Err((StatusCode::METHOD_NOT_ALLOWED, json!("Method Not Allowed")));
        }
        let owner = self.bearers.who(headers).await.ok_or((
            StatusCode::UNAUTHORIZED,
            json!("Could not validate credentials"),
        ))?;
        match segments.as_slice() {
            ["credentials"] if method == Method::GET => self.list(&owner, uri),
            ["credentials"] => self.create(&owner, headers, body).await,
            [_, _, id] => self.delete(&owner, id).await,
            [_, _, id, _] => self.reset(&owner, id).await,
            _ => Err(not_found()),
        }
    }

    fn list(&self, owner: &str, uri: &Uri) -> Result<Response, Refused> {
        let query = uri.query().unwrap_or_default();
        let number = |name: &str, otherwise: usize| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            match pairs.find(|(key, _)| key == name) {
                None => Ok(otherwise),
                Some((_, value)) => value
                    .parse()
                    .map_err(|_| invalid("query", name, "value is not a valid integer")),
            }
        };
        let (offset, limit) = (number("offset", 0)?, number("limit", MOST_LISTED)?);
        let limit = limit.min(MOST_LISTED);
        let state = self.lock();
        let own: Vec<&Credential> = state
            .credentials
            .iter()
            .filter(|key| key.owner == owner)
            .collect();
        let rows: Vec<Value> = own
            .iter()
            .skip(offset)
            .take(limit)
            .map(|key| {
                json!({
                    "access_id": key.access_id,
                    "user_name": owner,
                    "organization": "testers",
                    "expiration_date": date(key.expires),
                })
            })
            .collect();
        let list =
            json!({"credentials": rows, "count": own.len(), "offset": offset, "limit": limit});
        Ok(axum::Json(list).into_response())
    }

    async fn create(
        &self,
        owner: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response, Refused> {
        let json_type = headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let wish: Value = serde_json::from_slice(body)
            .ok()
            .filter(|wish: &Value| wish.is_object() && json_type)
            .ok_or_else(|| invalid("body", "", "value is not a valid dict"))?;
        let expires = match &wish["expiration_date"] {
            Value::Null => None,
            Value::String(text) => Some(
                time(text)
                    .ok_or_else(|| invalid("body", "expiration_date", "invalid datetime format"))?,
            ),
            _ => return Err(invalid("body", "expiration_date", "invalid type")),
        };
        if expires.is_some_and(|at| at <= Utc::now()) {
            let why = "expiration date must be in the future";
            return Err(invalid("body", "expiration_date", why));
        }
        let key = {
            let mut state = self.lock();
            let own = state.credentials.iter().filter(|key| key.owner == owner);
            if own.count() >= state.most {
                let why = "Max number of credentials reached.";
                return Err((StatusCode::FORBIDDEN, json!(why)));
            }
            let key = Credential {
                access_id: random(20),
                secret: random(40),
                owner: owner.to_owned(),
                expires,
            };
            state.credentials.push(key.clone());
            key
        };
        self.open(&key).await;
        let made = json!({
            "access_id": key.access_id, "secret": key.secret, "expiration_date": date(expires),
        });
        Ok(axum::Json(made).into_response())
    }

    async fn reset(&self, owner: &str, id: &str) -> Result<Response, Refused> {
        let (key, answer) = {
            let mut state = self.lock();
            let answer = state.reset;
            let key = state
                .credentials
                .iter_mut()
                .find(|key| key.owner == owner && key.access_id == id)
                .ok_or_else(unknown)?;
            key.secret = random(40);
            (key.clone(), answer)
        };
        self.backing.close(id).await;
        self.open(&key).await;
        let whole = json!({
            "access_id": id, "secret": key.secret, "expiration_date": date(key.expires),
        });
        let body = match answer {
            ResetAnswer::Secret => json!({"secret": key.secret}),
            ResetAnswer::SecretKey => json!({"secret_key": key.secret}),
            ResetAnswer::Whole => whole,
            ResetAnswer::Covered => json!({"credential": whole}),
            ResetAnswer::BareText => json!(key.secret),
            ResetAnswer::Nothing => return Ok(StatusCode::NO_CONTENT.into_response()),
        };
        Ok(axum::Json(body).into_response())
    }

    async fn delete(&self, owner: &str, id: &str) -> Result<Response, Refused> {
        {
            let mut state = self.lock();
            let before = state.credentials.len();
            state
                .credentials
                .retain(|key| key.owner != owner || key.access_id != id);
            if state.credentials.len() == before {
                return Err(unknown());
            }
            state.waiting.retain(|key| key.access_id != id);
        }
        self.backing.close(id).await;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    async fn open(&self, key: &Credential) {
        let propagation = self.lock().propagation;
        match propagation {
            Propagation::AtOnce => self.backing.open(&key.access_id, &key.secret).await,
            Propagation::WhenTold => self.lock().waiting.push(key.clone()),
            Propagation::After(time) => {
                let (backing, key) = (self.backing.clone(), key.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    backing.open(&key.access_id, &key.secret).await;
                });
            }
        }
    }
}

fn unknown() -> Refused {
    (StatusCode::NOT_FOUND, json!("Credential not found."))
}

fn invalid(part: &str, name: &str, why: &str) -> Refused {
    let fault = json!([{"loc": [part, name], "msg": why, "type": "value_error"}]);
    (StatusCode::UNPROCESSABLE_ENTITY, fault)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).ok();
    zoned.map(|at| at.to_utc()).or_else(|| {
        let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok()?;
        Some(naive.and_utc())
    })
}

fn date(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| {
        json!(at.to_rfc3339_opts(SecondsFormat::Secs, true))
    })
}

pub(crate) fn random(length: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect()
}
