//! What a hosted sign-in window brought back, until the sign-in uses it. It never goes through the page.

use std::collections::HashMap;
use std::sync::Mutex;

use secrecy::SecretString;
use wherry_portal::HostedPages;

use super::ticket;
use crate::contract::{HostedRequest, Problem};
use crate::engine::{Engine, lock};
use crate::problem::from_portal;

#[derive(Default)]
pub struct Hosted(Mutex<HashMap<String, SecretString>>);

impl Hosted {
    pub(crate) fn take(&self, ticket: &str) -> Result<SecretString, Problem> {
        lock(&self.0)
            .remove(ticket)
            .ok_or_else(|| Problem::stale("sign-in"))
    }
}

impl Engine {
    /// The pages of a portal that is signed in to on its own pages.
    pub fn hosted_pages(&self, request: &HostedRequest) -> Result<HostedPages, Problem> {
        wherry_portal::hosted_pages(request.issuer.into(), &request.url)
            .map_err(|e| from_portal(&e, None))
    }

    /// Keeps the session cookie (`name=value`) of a portal; the ticket is for `PortalSignIn::Hosted`.
    pub fn keep_hosted(&self, cookie: SecretString) -> String {
        let id = ticket();
        lock(&self.inner.hosted.0).insert(id.clone(), cookie);
        id
    }
}
