//! Going through the portal's pages as a browser would, but for following where they lead.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderValue, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::read;
use crate::error::PortalError;
use crate::wire::{self, Answer};

/// Where the portal sends whoever is not signed in.
const LOGIN: &str = "/login";
/// What its session library calls the cookie.
const USUAL_COOKIE: &str = "session";

/// Somebody with a session cookie.
pub struct Visitor {
    http: Client,
    /// Scheme, host and port.
    portal: Url,
    /// `name=value`.
    cookie: Mutex<SecretString>,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor")
            .field("portal", &self.portal.as_str())
            .finish_non_exhaustive()
    }
}

/// What a request led to, refusals apart.
pub enum Arrived {
    Page(Answer),
    /// The path that the portal sends on to, without a slash at its end. Nobody has gone there.
    SentTo(String),
}

/// A form that the portal found incomplete.
#[derive(Deserialize)]
struct Incomplete {
    detail: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    msg: String,
}

impl Visitor {
    /// `cookie` is `name=value`, or the value alone.
    pub fn new(http: Client, portal: Url, cookie: &SecretString) -> Result<Self, PortalError> {
        let text = cookie.expose_secret().trim();
        let cookie = SecretString::from(match text.contains('=') {
            true => text.to_owned(),
            false => format!("{USUAL_COOKIE}={text}"),
        });
        header(&cookie)?;
        Ok(Self {
            http,
            portal,
            cookie: Mutex::new(cookie),
        })
    }

    pub fn portal(&self) -> &Url {
        &self.portal
    }

    pub async fn get(&self, path: &[&str], doing: &'static str) -> Result<Arrived, PortalError> {
        let answer = wire::send_again(self.request(Method::GET, path)?).await?;
        self.arrived(answer, doing)
    }

    /// Sends a form, once.
    pub async fn post(
        &self,
        path: &[&str],
        form: &[(&str, &str)],
        doing: &'static str,
    ) -> Result<Arrived, PortalError> {
        let answer = wire::send(self.form(path, form)?).await?;
        self.arrived(answer, doing)
    }

    /// As [`Visitor::post`], for forms that may be sent twice without harm.
    pub async fn post_again(
        &self,
        path: &[&str],
        form: &[(&str, &str)],
        doing: &'static str,
    ) -> Result<Arrived, PortalError> {
        let answer = wire::send_again(self.form(path, form)?).await?;
        self.arrived(answer, doing)
    }

    fn form(&self, path: &[&str], form: &[(&str, &str)]) -> Result<RequestBuilder, PortalError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        Ok(self
            .request(Method::POST, path)?
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body))
    }

    /// Without a slash at the end, which the portal would answer with a redirect, perhaps to `http://`.
    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, PortalError> {
        let mut url = self.portal.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path);
        }
        let request = self.http.request(method, url);
        Ok(request.header(COOKIE, header(&self.cookie())?))
    }

    /// What an answer is, whatever its status says.
    fn arrived(&self, answer: Answer, doing: &'static str) -> Result<Arrived, PortalError> {
        self.adopt(&answer);
        let status = answer.status;
        if status.is_redirection() {
            return self.sent_on(&answer);
        }
        if read::is_oops(&answer.text()) {
            // What went wrong may stand on the page, with a secret in it.
            let words = "Oops! Something went wrong".to_owned();
            return Err(PortalError::Fault {
                said: Box::new(answer.said(words)),
            });
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(PortalError::Fault {
                said: Box::new(answer.said(answer.excerpt())),
            });
        }
        if status == StatusCode::UNPROCESSABLE_ENTITY
            && let Some(Incomplete { detail }) = answer.try_json()
        {
            let words: Vec<String> = detail.into_iter().map(|detail| detail.msg).collect();
            let said = Box::new(answer.said(words.join("; ")));
            return Err(PortalError::NotUnderstood { doing, said });
        }
        if status == StatusCode::OK {
            Ok(Arrived::Page(answer))
        } else {
            Err(answer.not_understood(doing))
        }
    }

    /// Where a redirect points, if that is one of the portal's own pages.
    fn sent_on(&self, answer: &Answer) -> Result<Arrived, PortalError> {
        let to = answer.location().unwrap_or_default();
        let there = self.portal.join(&to).ok();
        // The same server without encryption is another one.
        let Some(there) = there.filter(|url| url.origin() == self.portal.origin()) else {
            return Err(PortalError::Redirected {
                to,
                said: Box::new(answer.said(String::new())),
            });
        };
        match there.path().trim_end_matches('/') {
            LOGIN => Err(PortalError::SignInAgain),
            path => Ok(Arrived::SentTo(path.to_owned())),
        }
    }

    /// Takes over a new value of the cookie. One that is wiped says that the session is over; the next
    /// request will hear that too.
    fn adopt(&self, answer: &Answer) {
        let mut cookie = self.cookie();
        let Some((name, _)) = cookie.expose_secret().split_once('=') else {
            return;
        };
        let set = answer.headers.get_all(SET_COOKIE).iter();
        let new = set
            .filter_map(|set| set.to_str().ok()?.split(';').next())
            .map(str::trim)
            .find(|set| {
                set.split_once('=')
                    .is_some_and(|(n, value)| n == name && !matches!(value, "" | "null" | "\"\""))
            });
        if let Some(new) = new {
            *cookie = new.to_owned().into();
        }
    }

    fn cookie(&self) -> MutexGuard<'_, SecretString> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A header value that no log shows.
fn header(cookie: &SecretString) -> Result<HeaderValue, PortalError> {
    let text = cookie.expose_secret();
    let plain = text.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b';');
    let value = HeaderValue::from_str(text).ok().filter(|_| plain);
    let mut value = value.ok_or(PortalError::Wish {
        why: "This is not a session cookie: it is one word, such as session=0123….".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use wherry_store::HttpSettings;

    use super::*;

    fn visitor(cookie: &str) -> Result<Visitor, PortalError> {
        let http = wherry_store::http::client(&HttpSettings::default()).unwrap();
        let portal = "https://portal.example.org/".parse().unwrap();
        Visitor::new(http, portal, &cookie.into())
    }

    #[test]
    fn a_cookie_with_or_without_its_name() {
        let cookie = |text| visitor(text).unwrap().cookie().expose_secret().to_owned();
        assert_eq!(cookie("0123abcd"), "session=0123abcd");
        assert_eq!(cookie(" sid=0123abcd \n"), "sid=0123abcd");
        for odd in ["a=b; c=d", "a=b\r\nX: y", "two words", "é"] {
            assert_eq!(visitor(odd).unwrap_err().code(), "wish", "{odd}");
        }
    }

    #[test]
    fn addresses_have_no_slash_at_the_end_and_names_stay_one_segment() {
        let visitor = visitor("x").unwrap();
        let url = |path: &[&str]| {
            let request = visitor.request(Method::GET, path).unwrap();
            request.build().unwrap().url().to_string()
        };
        assert_eq!(
            url(&["object-store", "cedadev-o", "access-keys"]),
            "https://portal.example.org/object-store/cedadev-o/access-keys"
        );
        assert_eq!(
            url(&["object-store", "../x?"]),
            "https://portal.example.org/object-store/..%2Fx%3F"
        );
    }

    #[test]
    fn the_cookie_is_in_no_words() {
        let words = format!("{:?}", visitor("session=0123abcd").unwrap());
        assert!(!words.contains("0123abcd"), "{words}");
    }
}
