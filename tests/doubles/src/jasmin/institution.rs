//! The institution's sign-in page, to which the portal sends its visitors: just enough of an OpenID Connect
//! provider for somebody to type a name and a password and be sent back with a code.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use url::Url;

use super::pages::escape;
use super::{lock, redirect};
use crate::tokens::{Person, random_hex};

#[derive(Debug, Clone)]
pub(super) struct Institution(Arc<Known>);

#[derive(Debug)]
struct Known {
    people: Vec<Person>,
    url: Mutex<String>,
    /// Whose each code is; a code works once.
    codes: Mutex<HashMap<String, String>>,
}

type Fields = HashMap<String, String>;

impl Institution {
    pub fn new(people: Vec<Person>) -> Self {
        Self(Arc::new(Known {
            people,
            url: Mutex::default(),
            codes: Mutex::default(),
        }))
    }

    pub fn is_at(&self, url: &str) {
        url.clone_into(&mut lock(&self.0.url));
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/oauth/authorize/", get(ask).post(check))
            .with_state(self.clone())
    }

    /// Where to send somebody to sign in.
    pub fn authorize(&self, back: &str, state: &str) -> String {
        let url = format!("{}/oauth/authorize/", lock(&self.0.url));
        let mut url = Url::parse(&url).expect("the server's address");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", "object-store-portal")
            .append_pair("scope", "openid")
            .append_pair("redirect_uri", back)
            .append_pair("state", state)
            .append_pair("nonce", &random_hex());
        url.into()
    }

    /// Who came back with this code.
    pub fn redeem(&self, code: &str) -> Option<String> {
        lock(&self.0.codes).remove(code)
    }
}

async fn ask(Query(fields): Query<Fields>) -> Response {
    form(&fields, false)
}

async fn check(
    State(institution): State<Institution>,
    Query(query): Query<Fields>,
    Form(form_fields): Form<Fields>,
) -> Response {
    let given = |name: &str| form_fields.get(name).map_or("", String::as_str);
    let asked = |name: &str| query.get(name).map_or("", String::as_str);
    let Ok(mut back) = Url::parse(asked("redirect_uri")) else {
        return form(&query, true);
    };
    if given("deny").is_empty() {
        let known = institution.0.people.iter().find(|person| {
            (person.name.as_str(), person.password.as_str())
                == (given("username"), given("password"))
        });
        let Some(person) = known else {
            return form(&query, true);
        };
        let code = random_hex();
        lock(&institution.0.codes).insert(code.clone(), person.name.clone());
        back.query_pairs_mut().append_pair("code", &code);
    } else {
        back.query_pairs_mut().append_pair("error", "access_denied");
    }
    back.query_pairs_mut().append_pair("state", asked("state"));
    redirect(302, back.as_str())
}

fn form(query: &Fields, refused: bool) -> Response {
    let client = escape(query.get("client_id").map_or("", String::as_str));
    let words = if refused {
        "<p id=\"refused\" role=\"alert\">Your user name and password do not match. Please try again.</p>"
    } else {
        ""
    };
    Html(format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Institution sign-in</title></head>\
         <body><main><h1>Sign in</h1><p>To go on to {client}.</p>{words}<form method=\"post\">\
         <p><label>User name <input id=\"username\" name=\"username\" autocomplete=\"off\"></label></p>\
         <p><label>Password <input id=\"password\" name=\"password\" type=\"password\"></label></p>\
         <p><button id=\"sign-in\">Sign in</button> <button id=\"deny\" name=\"deny\" value=\"1\">Cancel</button></p>\
         </form></main></body></html>"
    ))
    .into_response()
}
