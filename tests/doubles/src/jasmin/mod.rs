//! The JASMIN Object Store Portal, as its public source behaves when it is run (cedadev/jasmin-object-store-portal
//! at a06b4e9): HTML forms, a session cookie, status 200 for most of what goes wrong.
//!
//! It stands in front of the same tokens as a [`crate::Swarm`] that shares its [`Tokens`].

mod institution;
mod pages;
mod session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{Days, Utc};
use serde_json::json;
use url::form_urlencoded;

use crate::tokens::{Token, Tokens, random_hex};
use crate::{Serving, Tls};
use institution::Institution;
use session::{Session, Sessions};

/// What the portal calls the tokens it makes for itself.
const HELPER: &str = "JASMIN account auth access key";
const S3_HELPER: &str = "JASMIN account auth access key S3";

#[derive(Debug, Clone, Default)]
pub struct JasminOptions {
    pub tls: Option<Tls>,
    /// The original marks its cookie `Secure` over plain HTTP too, where a browser then does not send it.
    pub cookie_for_plain_http: bool,
}

/// A running portal, and the institution's sign-in page it sends people to.
#[derive(Debug)]
pub struct Jasmin {
    pub serving: Serving,
    pub institution: Serving,
    pub tokens: Tokens,
    portal: Arc<Portal>,
}

#[derive(Debug)]
struct Portal {
    url: String,
    tokens: Tokens,
    sessions: Sessions,
    institution: Institution,
    secure: bool,
    helpers_fail: Mutex<bool>,
}

impl Jasmin {
    pub fn start(tokens: Tokens, options: &JasminOptions) -> Self {
        let institution = Institution::new(tokens.people().to_vec());
        let sign_in = Serving::start_with(options.tls.as_ref(), |_| institution.router());
        institution.is_at(&sign_in.url);
        let mut portal = None;
        let serving = Serving::start_with(options.tls.as_ref(), |url| {
            let made = Arc::new(Portal {
                url: url.to_owned(),
                tokens: tokens.clone(),
                sessions: Sessions::default(),
                institution,
                secure: !options.cookie_for_plain_http,
                helpers_fail: Mutex::default(),
            });
            portal = Some(Arc::clone(&made));
            Router::new().fallback(answer).with_state(made)
        });
        Self {
            serving,
            institution: sign_in,
            tokens,
            portal: portal.expect("the server has asked for it"),
        }
    }

    pub fn url(&self) -> &str {
        &self.serving.url
    }

    /// The cookie of somebody who has just signed in on the pages, as `session=…`.
    pub fn session_of(&self, user: &str) -> String {
        format!("session={}", self.portal.sessions.signed_in(user))
    }

    /// Forgets every session.
    pub fn end_sessions(&self) {
        self.portal.sessions.clear();
    }

    /// The portal says that a password was right, but gets no tokens for itself: its pages send one another
    /// the visitor for ever.
    pub fn helpers_fail(&self, fail: bool) {
        *lock(&self.portal.helpers_fail) = fail;
    }
}

async fn answer(State(portal): State<Arc<Portal>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let cookie = cookie(request.headers());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap_or_default();
    let form = form_urlencoded::parse(&body).into_owned().collect();

    let visit = Visit {
        portal: &portal,
        cookie,
        form,
    };
    if let Some(session) = visit.session().filter(|session| session.user.is_some()) {
        let response = match path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
            // Its framework does not know whether it was asked over TLS.
            Some(bare) => redirect(307, &format!("http://{host}{bare}")),
            None => visit.inside(&method, &path, session).await,
        };
        return visit.with_cookie(response);
    }
    match path.as_str() {
        "/login" => pages::page(None, pages::LOGIN).into_response(),
        "/login/redirect" => visit.begin(),
        "/oauth2/redirect" => visit.come_back(&query),
        _ => redirect(303, "/login"),
    }
}

/// One request, by somebody.
struct Visit<'a> {
    portal: &'a Portal,
    cookie: Option<String>,
    form: Vec<(String, String)>,
}

impl Visit<'_> {
    fn session(&self) -> Option<Session> {
        self.portal.sessions.get(self.cookie.as_deref()?)
    }

    fn change(&self, change: impl FnOnce(&mut Session)) {
        if let Some(cookie) = &self.cookie {
            self.portal.sessions.change(cookie, change);
        }
    }

    /// Starts the sign-in, which the institution's page goes on with.
    fn begin(&self) -> Response {
        let (cookie, state) = self.portal.sessions.begin();
        let back = format!("{}/oauth2/redirect", self.portal.url);
        let to = self.portal.institution.authorize(&back, &state);
        let mut response = redirect(302, &to);
        set_cookie(&mut response, self.portal, &cookie);
        response
    }

    fn come_back(&self, query: &str) -> Response {
        let given = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let session = self.session().unwrap_or_default();
        let fits = session.state.is_some_and(|state| state == given("state"));
        match self.portal.institution.redeem(&given("code")) {
            Some(user) if fits => {
                self.change(|session| {
                    session.state = None;
                    session.user = Some(user);
                });
                self.with_cookie(redirect(307, "/object-store"))
            }
            _ => pages::oops(StatusCode::OK),
        }
    }

    async fn inside(&self, method: &Method, path: &str, session: Session) -> Response {
        let user = session.user.clone().unwrap_or_default();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let get = *method == Method::GET;
        let post = *method == Method::POST;
        match segments.as_slice() {
            [""] if get => pages::page(Some(&user), pages::FRONT).into_response(),
            ["login"] if get => pages::page(Some(&user), pages::LOGIN).into_response(),
            ["login", "redirect"] if get => self.begin(),
            ["account", "logout"] if get => self.log_out(),
            ["object-store"] if get => self.tenancies(&user),
            ["object-store", tenancy] if get => self.ask_password(tenancy, &session),
            ["object-store", tenancy] if post => self.take_password(tenancy, &user, &session).await,
            ["object-store", tenancy, "access-keys"] if get => self.keys(tenancy, &session),
            ["object-store", tenancy, "access-keys"] if post => {
                self.delete(tenancy, &session).await
            }
            ["object-store", tenancy, "create-keys"] if get => match session.opened.get(*tenancy) {
                Some(_) => pages::create(&user, tenancy, None).into_response(),
                None => redirect(307, &format!("/object-store/{tenancy}")),
            },
            ["object-store", tenancy, "create-keys"] if post => {
                self.create(tenancy, &user, &session).await
            }
            ["object-store"]
            | ["object-store", _]
            | ["object-store", _, "access-keys" | "create-keys"] => {
                detail(405, "Method Not Allowed")
            }
            _ => detail(404, "Not Found"),
        }
    }

    fn log_out(&self) -> Response {
        if let Some(cookie) = &self.cookie {
            self.portal.sessions.forget(cookie);
        }
        let mut response = redirect(307, "/login");
        let gone =
            "session=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly; samesite=lax";
        let gone = HeaderValue::from_static(gone);
        response.headers_mut().insert(header::SET_COOKIE, gone);
        response
    }

    /// What is seen here is what the other pages work on.
    fn tenancies(&self, user: &str) -> Response {
        let of_user: Vec<_> = self
            .portal
            .tokens
            .tenancies()
            .into_iter()
            .filter(|tenancy| tenancy.members.iter().any(|member| member == user))
            .collect();
        self.change(|session| {
            session.seen = of_user.iter().map(|tenancy| tenancy.name.clone()).collect();
        });
        pages::tenancies(user, &of_user).into_response()
    }

    fn ask_password(&self, tenancy: &str, session: &Session) -> Response {
        let timed_out = session.timed_out;
        if session.opened.contains_key(tenancy) && !timed_out {
            return redirect(307, &format!("/object-store/{tenancy}/access-keys"));
        }
        self.change(|session| session.timed_out = false);
        let user = session.user.as_deref().unwrap_or_default();
        pages::password(user, tenancy, false, timed_out).into_response()
    }

    async fn take_password(&self, tenancy: &str, user: &str, session: &Session) -> Response {
        let password = match self.field("password") {
            Ok(password) => password,
            Err(missing) => return missing,
        };
        if !session.seen.contains(tenancy) {
            return pages::oops(StatusCode::OK);
        }
        let tokens = &self.portal.tokens;
        // Whatever goes wrong is the password's fault.
        let Ok(owner) = tokens.by_password(tenancy, user, &password) else {
            return pages::password(user, tenancy, true, false).into_response();
        };
        let theirs = tokens.of(tenancy, &owner);
        if theirs.iter().any(|token| token.source.is_none()) {
            return pages::oops(StatusCode::OK);
        }
        let valid = |source: &str| {
            theirs
                .iter()
                .find(|token| token.source.as_deref() == Some(source) && !token.is_expired())
                .map(|token| token.name.clone())
        };
        let helper = match (valid(HELPER), valid(S3_HELPER)) {
            _ if *lock(&self.portal.helpers_fail) => "not-a-token".to_owned(),
            (Some(helper), Some(_)) => helper,
            _ => match self.make_helpers(tenancy, &owner).await {
                Some(helper) => helper,
                None => return pages::oops(StatusCode::OK),
            },
        };
        self.change(|session| {
            session.opened.insert(tenancy.to_owned(), helper);
            session.timed_out = false;
        });
        redirect(303, &format!("/object-store/{tenancy}/access-keys"))
    }

    /// Two tokens of a week: one to ask the gateway with, one for S3.
    async fn make_helpers(&self, tenancy: &str, owner: &str) -> Option<String> {
        let week = Utc::now().date_naive() + Days::new(7);
        let week = week.format("%Y-%m-%d").to_string();
        let tokens = &self.portal.tokens;
        let make = |source: &str, secret| {
            tokens.make(tenancy, owner, Some(source.to_owned()), secret, Some(&week))
        };
        let helper = make(HELPER, None).await.ok()?;
        let secret = format!("{}{}", random_hex(), random_hex());
        make(S3_HELPER, Some(secret)).await.ok()?;
        Some(helper.name)
    }

    /// Who the portal is at the gateway, in this tenancy.
    fn opened<'a>(&self, tenancy: &str, session: &'a Session) -> Result<&'a str, Response> {
        if !session.seen.contains(tenancy) {
            return Err(pages::oops(StatusCode::OK));
        }
        let helper = session.opened.get(tenancy);
        helper
            .map(String::as_str)
            .ok_or_else(|| redirect(307, &format!("/object-store/{tenancy}")))
    }

    fn keys(&self, tenancy: &str, session: &Session) -> Response {
        let helper = match self.opened(tenancy, session) {
            Ok(helper) => helper,
            Err(response) => return response,
        };
        let owner = match self.portal.tokens.by_token(tenancy, helper) {
            Ok(owner) => owner,
            Err((401, _)) => {
                self.change(|session| {
                    session.opened.remove(tenancy);
                });
                return redirect(307, &format!("/object-store/{tenancy}"));
            }
            Err(_) => return pages::oops(StatusCode::OK),
        };
        let theirs = self.portal.tokens.of(tenancy, &owner);
        if theirs.iter().any(|token| token.source.is_none()) {
            return pages::oops(StatusCode::OK);
        }
        let is_helper = |token: &Token| matches!(token.source.as_deref(), Some(HELPER | S3_HELPER));
        let (mut expired, mut rows): (Vec<Token>, Vec<Token>) = theirs
            .into_iter()
            .filter(|token| !is_helper(token))
            .partition(Token::is_expired);
        // Expired ones are shown only when there is no other, and then the latest.
        if rows.is_empty() {
            expired.sort_by_key(|token| token.expires);
            rows.extend(expired.pop());
        }
        pages::keys(session.user.as_deref().unwrap_or_default(), tenancy, &rows).into_response()
    }

    async fn create(&self, tenancy: &str, user: &str, session: &Session) -> Response {
        let missing: Vec<&str> = ["expires", "description"]
            .into_iter()
            .filter(|name| self.field(name).is_err())
            .collect();
        if !missing.is_empty() {
            return required(&missing);
        }
        let (Ok(expires), Ok(description)) = (self.field("expires"), self.field("description"))
        else {
            return required(&missing);
        };
        if !session.seen.contains(tenancy) {
            return pages::oops(StatusCode::OK);
        }
        // They become headers of a request as they are, and Python refuses to send some.
        let sendable = |text: &str| {
            !text.starts_with(char::is_whitespace)
                && !text.contains(['\r', '\n'])
                && text.chars().all(|c| u32::from(c) < 0x100)
        };
        if !sendable(&description) || !sendable(&expires) {
            return pages::oops(StatusCode::OK);
        }
        let helper = session.opened.get(tenancy).map_or("", String::as_str);
        let tokens = &self.portal.tokens;
        let Ok(owner) = tokens.by_token(tenancy, helper) else {
            return pages::oops(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let secret = secret();
        let made = tokens
            .make(
                tenancy,
                &owner,
                Some(description),
                Some(secret.clone()),
                Some(&expires),
            )
            .await;
        match made {
            Ok(token) => pages::create(user, tenancy, Some((&token.name, &secret))).into_response(),
            Err(_) => pages::oops(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    async fn delete(&self, tenancy: &str, session: &Session) -> Response {
        let key = match self.field("delete_access_key") {
            Ok(key) => key,
            Err(missing) => return missing,
        };
        if !session.seen.contains(tenancy) {
            return pages::oops(StatusCode::OK);
        }
        let helper = session.opened.get(tenancy).map_or("", String::as_str);
        match self.portal.tokens.by_token(tenancy, helper) {
            // The gateway's 400 for a key that is gone is as good as its 200.
            Ok(owner) => {
                self.portal.tokens.delete(tenancy, &owner, &key).await;
                redirect(303, &format!("/object-store/{tenancy}/access-keys"))
            }
            Err(_) => pages::oops(StatusCode::OK),
        }
    }

    /// A field of the form; the framework takes an empty one for none.
    fn field(&self, name: &str) -> Result<String, Response> {
        self.form
            .iter()
            .find(|(field, value)| field == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .ok_or_else(|| required(&[name]))
    }

    /// Every answer to somebody signed in repeats their cookie.
    fn with_cookie(&self, mut response: Response) -> Response {
        if let Some(cookie) = &self.cookie
            && !response.headers().contains_key(header::SET_COOKIE)
        {
            set_cookie(&mut response, self.portal, cookie);
        }
        response
    }
}

fn secret() -> String {
    use rand::Rng as _;
    rand::rng()
        .sample_iter(rand::distr::Alphanumeric)
        .take(64)
        .map(char::from)
        .collect()
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("session="))
        .map(str::to_owned)
}

fn set_cookie(response: &mut Response, portal: &Portal, cookie: &str) {
    let secure = if portal.secure { "; secure" } else { "" };
    let value =
        format!("session={cookie}; path=/; max-age=1209599; httponly; samesite=lax{secure}");
    let value = HeaderValue::from_str(&value).expect("hexadecimal digits");
    response.headers_mut().insert(header::SET_COOKIE, value);
}

fn redirect(status: u16, to: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("an HTTP status");
    (status, [(header::LOCATION, to)]).into_response()
}

fn required(fields: &[&str]) -> Response {
    let detail: Vec<_> = fields
        .iter()
        .map(|field| json!({"loc": ["body", field], "msg": "field required", "type": "value_error.missing"}))
        .collect();
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        axum::Json(json!({"detail": detail})),
    )
        .into_response()
}

fn detail(status: u16, words: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("an HTTP status");
    (status, axum::Json(json!({"detail": words}))).into_response()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
