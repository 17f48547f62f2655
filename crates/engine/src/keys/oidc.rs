//! Sign-ins that go on in a browser: begun here, finished there, used once.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use wherry_portal::PortalError;
use wherry_portal::oidc::{Oidc, Tokens};

use super::sign_in::{http_settings, issuer_options};
use super::ticket;
use crate::contract::{OidcPrompt, OidcRequest, OidcWay, Problem, Typed};
use crate::engine::{Engine, lock};
use crate::problem::from_portal;

#[derive(Default)]
pub(crate) struct OidcSignIns(Mutex<HashMap<String, Pending>>);

struct Pending {
    /// Where the browser is to go; only these pages are opened for the window.
    pages: Vec<String>,
    outcome: watch::Receiver<Outcome>,
    waiting: JoinHandle<()>,
}

#[derive(Clone)]
enum Outcome {
    Waiting,
    Done(Tokens),
    Failed(PortalError),
}

impl Drop for Pending {
    /// Nothing goes on asking the issuer, and the loopback port is closed.
    fn drop(&mut self) {
        self.waiting.abort();
    }
}

impl OidcSignIns {
    /// The tokens of a sign-in that was finished, once.
    pub fn take(&self, ticket: &str) -> Result<Tokens, Problem> {
        let pending = lock(&self.0).remove(ticket);
        let outcome = pending.map(|p| p.outcome.borrow().clone());
        match outcome {
            Some(Outcome::Done(tokens)) => Ok(tokens),
            Some(Outcome::Failed(error)) => Err(from_portal(&error, None)),
            Some(Outcome::Waiting) | None => Err(Problem::stale("sign-in")),
        }
    }
}

impl Engine {
    pub(crate) async fn begin_oidc(&self, request: OidcRequest) -> Result<OidcPrompt, Problem> {
        let http = http_settings(request.ca_file.as_deref(), request.proxy.as_deref())?;
        let options = issuer_options(&request.options)?;
        let secret = request
            .client_secret
            .filter(|s| !s.is_empty())
            .map(Typed::into_secret);
        let kind = request.issuer.into();
        let client = wherry_portal::oidc_client(kind, &request.url, &options, secret).ok_or_else(|| {
            Problem::new(
                "portal.oidc-client",
                "Where you sign in is not known.",
                "Enter the address of the sign-in service (the OpenID Connect issuer) and the client id, as your \
                 institution gives them.",
            )
            .context("field", "oidcIssuer")
        })?;
        let failed = |e| from_portal(&e, None);
        let oidc = Oidc::discover(client, &http).await.map_err(failed)?;
        let (tell, outcome) = watch::channel(Outcome::Waiting);
        let told = move |result: Result<Tokens, PortalError>| {
            let _ = tell.send(result.map_or_else(Outcome::Failed, Outcome::Done));
        };
        let id = ticket();
        let (prompt, pages, waiting) = match request.way {
            OidcWay::Browser => {
                let browser = oidc.browser().await.map_err(failed)?;
                let address = browser.address().to_string();
                let prompt = OidcPrompt {
                    ticket: id.clone(),
                    address: address.clone(),
                    code: None,
                    expires: None,
                };
                let waiting = tokio::spawn(async move { told(browser.wait().await) });
                (prompt, vec![address], waiting)
            }
            OidcWay::DeviceCode => {
                let device = oidc.device().await.map_err(failed)?;
                let plain = device.address.to_string();
                let with_code = device.address_with_code.as_ref().map(ToString::to_string);
                let prompt = OidcPrompt {
                    ticket: id.clone(),
                    address: plain.clone(),
                    code: Some(device.code.clone()),
                    expires: Some(device.expires.timestamp_millis()),
                };
                let pages = with_code.into_iter().chain([plain]).collect();
                let waiting = tokio::spawn(async move { told(oidc.await_device(&device).await) });
                (prompt, pages, waiting)
            }
        };
        let pending = Pending {
            pages,
            outcome,
            waiting,
        };
        lock(&self.inner.oidc.0).insert(id, pending);
        Ok(prompt)
    }

    pub(crate) async fn wait_oidc(&self, ticket: &str) -> Result<(), Problem> {
        let outcome = lock(&self.inner.oidc.0)
            .get(ticket)
            .map(|pending| pending.outcome.clone());
        let Some(mut outcome) = outcome else {
            return Err(Problem::stale("sign-in"));
        };
        let ended = outcome
            .wait_for(|outcome| !matches!(outcome, Outcome::Waiting))
            .await
            .map(|outcome| outcome.clone());
        match ended {
            Ok(Outcome::Done(_)) => Ok(()),
            Ok(Outcome::Failed(error)) => {
                self.cancel_oidc(ticket);
                Err(from_portal(&error, None))
            }
            // Cancelled meanwhile.
            Ok(Outcome::Waiting) | Err(_) => Err(Problem::new(
                "portal.cancelled",
                "The sign-in was cancelled.",
                "Begin it again when you like.",
            )),
        }
    }

    pub(crate) fn cancel_oidc(&self, ticket: &str) {
        lock(&self.inner.oidc.0).remove(ticket);
    }

    /// Whether a sign-in that is going on leads to this page.
    pub fn is_sign_in_page(&self, address: &str) -> bool {
        lock(&self.inner.oidc.0)
            .values()
            .any(|pending| pending.pages.iter().any(|page| page == address))
    }
}
