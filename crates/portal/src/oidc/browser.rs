//! Signing in in the user's own browser, which comes back to a port of this computer: RFC 8252 with a
//! loopback redirect, RFC 7636 (PKCE, S256), and RFC 9207 against an issuer's answer brought by another.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::Rng as _;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;
use wherry_store::ErrorKind;

use super::exchange::Refusal;
use super::{Oidc, Tokens};
use crate::error::{PortalError, Said};
use crate::issuer::SignInMethod;

/// As long as somebody may take to find a password, a telephone and its charger.
const PATIENCE: Duration = Duration::from_mins(10);
/// A browser opens connections that it then does not use.
const REQUEST_WITHIN: Duration = Duration::from_secs(20);
const LONGEST_REQUEST: usize = 32 << 10;

const DONE: &str = "You can close this page and go back to Wherry.";
const NOT_DONE: &str = "You are not signed in. You can close this page and go back to Wherry.";
const STRANGE: &str = "This is not the sign-in that Wherry is waiting for.";

/// A sign-in that goes on in the browser.
pub struct BrowserSignIn {
    oidc: Oidc,
    listener: TcpListener,
    address: Url,
    redirect: String,
    state: String,
    verifier: SecretString,
    patience: Duration,
}

impl fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSignIn")
            .field("oidc", &self.oidc)
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}

impl Oidc {
    /// Begins a sign-in in the browser: opens a port for it to come back to.
    pub async fn browser(&self) -> Result<BrowserSignIn, PortalError> {
        let Some(endpoint) = &self.document.authorization_endpoint else {
            return Err(PortalError::CannotDo {
                reason: "This place has no sign-in in a browser.".into(),
            });
        };
        let no_port = |error: std::io::Error| PortalError::Connection {
            kind: ErrorKind::Other,
            message: format!(
                "no port of this computer is free for the browser to come back to: {error}"
            ),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(no_port)?;
        let port = listener.local_addr().map_err(no_port)?.port();
        let redirect = format!("http://127.0.0.1:{port}/");
        let (state, verifier) = (unguessable(), unguessable());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let mut address = endpoint.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.client_id)
            .append_pair("redirect_uri", &redirect)
            .append_pair("scope", &self.client.scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(BrowserSignIn {
            oidc: self.clone(),
            listener,
            address,
            redirect,
            state,
            verifier: verifier.into(),
            patience: PATIENCE,
        })
    }
}

/// 256 bits, in letters that need no escaping.
fn unguessable() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// What the browser brought.
enum Brought {
    Code(String),
    Refusal {
        error: String,
        description: Option<String>,
    },
    /// Not for this sign-in, or not from this issuer.
    Strange,
}

impl BrowserSignIn {
    /// The page to open in the browser.
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Gives up after this long instead of ten minutes.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Waits for the browser to come back, tells the person there that they can close the page, and gets
    /// the tokens. To give up, drop the future: the port closes.
    pub async fn wait(self) -> Result<Tokens, PortalError> {
        let brought = tokio::time::timeout(self.patience, self.come_back())
            .await
            .map_err(|_| PortalError::SignInTimeout)??;
        let code = match brought {
            Brought::Code(code) => SecretString::from(code),
            Brought::Refusal { error, description } => {
                let said = Said {
                    host: crate::wire::host(&self.address),
                    status: 302,
                    message: String::new(),
                    request_id: None,
                };
                let refusal = Refusal::new(error, description.as_deref(), said);
                return Err(refusal.explain(SignInMethod::Browser, &self.oidc.client.client_id));
            }
            Brought::Strange => return Err(PortalError::SignInTimeout),
        };
        let form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", &self.redirect),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        self.oidc.tokens(form, SignInMethod::Browser).await
    }

    /// Answers everybody who comes until the right one does.
    async fn come_back(&self) -> Result<Brought, PortalError> {
        let mut reading = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    let (stream, _) = accepted.map_err(|error| PortalError::Connection {
                        kind: ErrorKind::Other,
                        message: format!("the port for the browser closed: {error}"),
                    })?;
                    reading.spawn(tokio::time::timeout(REQUEST_WITHIN, request(stream)));
                }
                Some(read) = reading.join_next() => {
                    let Ok(Ok(Some((mut stream, target)))) = read else { continue };
                    let Some(query) = query(&target) else {
                        answer(&mut stream, "404 Not Found", STRANGE).await;
                        continue;
                    };
                    match self.understand(&query) {
                        Brought::Strange => answer(&mut stream, "400 Bad Request", STRANGE).await,
                        brought => {
                            let done = matches!(brought, Brought::Code(_));
                            answer(&mut stream, "200 OK", if done { DONE } else { NOT_DONE }).await;
                            return Ok(brought);
                        }
                    }
                }
            }
        }
    }

    fn understand(&self, query: &[(String, String)]) -> Brought {
        let get = |name: &str| {
            let mut values = query.iter().filter(|(key, _)| key == name);
            // Twice the same parameter: somebody appended one.
            match (values.next(), values.next()) {
                (Some((_, value)), None) => Some(value.clone()),
                _ => None,
            }
        };
        if get("state").as_deref() != Some(&self.state) {
            tracing::warn!("somebody came back from a sign-in that is not this one");
            return Brought::Strange;
        }
        if get("iss").is_some_and(|issuer| issuer != self.oidc.document.issuer) {
            tracing::warn!("another issuer answers for this one");
            return Brought::Strange;
        }
        match (get("code"), get("error")) {
            (Some(code), None) => Brought::Code(code),
            (None, Some(error)) => Brought::Refusal {
                error,
                description: get("error_description"),
            },
            _ => Brought::Strange,
        }
    }
}

/// The request line's target, once the whole head is there; a browser whose question is not read to its
/// end shows an error in place of the answer.
async fn request(mut stream: TcpStream) -> Option<(TcpStream, String)> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > LONGEST_REQUEST || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut line = head.lines().next()?.split(' ');
    (line.next()? == "GET").then_some(())?;
    let target = line.next()?.to_owned();
    Some((stream, target))
}

/// The parameters of `/?…`; `None` for every other path, such as the icon that browsers ask for.
fn query(target: &str) -> Option<Vec<(String, String)>> {
    let query = target.strip_prefix("/?")?;
    Some(
        url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
    )
}

async fn answer(stream: &mut TcpStream, status: &str, words: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Wherry</title>\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <style>body{{font:16px system-ui,sans-serif;margin:20vh auto;max-width:26em;text-align:center}}</style>\
         <h1>Wherry</h1><p>{words}</p></html>"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        page.len()
    );
    // Whether the page is seen does not matter to the sign-in.
    let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
    let _ = stream.shutdown().await;
}
