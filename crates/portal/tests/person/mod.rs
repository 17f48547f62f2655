//! Somebody at a browser, as far as the test bed's OpenID Connect provider needs one: follows where it is
//! sent, keeps cookies, fills in forms.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::{Client, Method};
use url::Url;
use wherry_store::HttpSettings;
use wherry_testbed::Member;

pub struct Person {
    http: Client,
    name: String,
    password: String,
    /// Says yes where asked whether the program may act for them.
    willing: bool,
    cookies: BTreeMap<String, String>,
}

/// The page where a person ended up.
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub text: String,
}

impl Person {
    pub fn new(who: &Member) -> Self {
        Self {
            http: wherry_store::http::client(&HttpSettings::default()).expect("a client"),
            name: who.name.clone(),
            password: who.password.clone(),
            willing: true,
            cookies: BTreeMap::new(),
        }
    }

    pub fn trusting(self, ca_file: PathBuf) -> Self {
        let settings = HttpSettings {
            ca_file: Some(ca_file),
            proxy: None,
        };
        let http = wherry_store::http::client(&settings).expect("a client");
        Self { http, ..self }
    }

    pub fn unwilling(self) -> Self {
        Self {
            willing: false,
            ..self
        }
    }

    /// Opens a page and does what the pages ask for until one asks for nothing.
    pub async fn open(&mut self, address: &Url) -> Page {
        let mut page = self.go(Method::GET, address.clone(), None).await;
        for _ in 0..20 {
            let Some(form) = page.text.split_once("<form").map(|(_, form)| form) else {
                return page;
            };
            let form = form
                .split("</form>")
                .next()
                .expect("has a start")
                .to_owned();
            // The provider asks for another code: this sign-in is over.
            if form.contains(r#"placeholder="Enter code""#) {
                return page;
            }
            let target = attribute(form.split('>').next().expect("has a start"), "action");
            let target = target.map_or_else(
                || page.url.clone(),
                |action| page.url.join(&action).expect("a URL"),
            );
            let body = self.fill_in(&form);
            page = self.go(Method::POST, target, Some(body)).await;
        }
        panic!("the pages do not end: {}", page.text)
    }

    fn fill_in(&self, form: &str) -> String {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for input in form.split("<input").skip(1) {
            let input = input.split('>').next().expect("has a start");
            let Some(name) = attribute(input, "name") else {
                continue;
            };
            let value = match name.as_str() {
                "username" => self.name.clone(),
                "password" => self.password.clone(),
                _ => attribute(input, "value").unwrap_or_default(),
            };
            body.append_pair(&name, &value);
        }
        if form.contains(r#"value="login""#) {
            body.append_pair("do", "login");
        } else if form.contains(r#"value="allow""#) {
            body.append_pair("do", if self.willing { "allow" } else { "deny" });
        }
        body.finish()
    }

    async fn go(&mut self, method: Method, mut url: Url, mut body: Option<String>) -> Page {
        let mut method = method;
        for _ in 0..20 {
            let mut request = self.http.request(method.clone(), url.clone());
            if !self.cookies.is_empty() {
                let cookies: Vec<String> = self
                    .cookies
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                request = request.header("cookie", cookies.join("; "));
            }
            if let Some(body) = body.take() {
                request = request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(body);
            }
            let answer = request.send().await.expect("is answered");
            for cookie in answer.headers().get_all("set-cookie") {
                let cookie = cookie.to_str().expect("is text");
                let (name, value) = cookie
                    .split(';')
                    .next()
                    .and_then(|pair| pair.split_once('='))
                    .expect("is a cookie");
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            if answer.status().is_redirection() {
                let to = answer.headers()["location"].to_str().expect("is text");
                url = url.join(to).expect("a URL");
                method = Method::GET;
                continue;
            }
            let status = answer.status().as_u16();
            let text = answer.text().await.expect("is text");
            return Page { url, status, text };
        }
        panic!("sent in circles at {url}")
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&amp;", "&"))
}
