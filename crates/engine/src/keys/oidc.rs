//! Sign-ins that go on in a browser: begun here, finished there, used once.

use std::collections::HashMap;
use std::sync::Mutex;

use wherry_portal::oidc::Tokens;

use crate::contract::{OidcPrompt, OidcRequest, Problem};
use crate::engine::{Engine, lock};

#[derive(Default)]
pub(crate) struct OidcSignIns(Mutex<HashMap<String, Tokens>>);

impl OidcSignIns {
    /// The tokens of a sign-in that was finished.
    pub fn take(&self, ticket: &str) -> Result<Tokens, Problem> {
        lock(&self.0)
            .remove(ticket)
            .ok_or_else(|| Problem::stale("sign-in"))
    }
}

impl Engine {
    pub(crate) async fn begin_oidc(&self, _: OidcRequest) -> Result<OidcPrompt, Problem> {
        Err(Problem::stale("sign-in"))
    }

    pub(crate) async fn wait_oidc(&self, _: &str) -> Result<(), Problem> {
        Err(Problem::stale("sign-in"))
    }

    pub(crate) fn cancel_oidc(&self, ticket: &str) {
        lock(&self.inner.oidc.0).remove(ticket);
    }
}
