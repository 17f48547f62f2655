//! What a hosted sign-in window brought back, until the sign-in uses it. It never goes through the page.

use std::collections::HashMap;
use std::sync::Mutex;

use secrecy::SecretString;

use super::ticket;
use crate::contract::Problem;
use crate::engine::{Engine, lock};

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
    /// Keeps the session cookie (`name=value`) of a portal; the ticket is for `PortalSignIn::Hosted`.
    pub fn keep_hosted(&self, cookie: SecretString) -> String {
        let id = ticket();
        lock(&self.inner.hosted.0).insert(id.clone(), cookie);
        id
    }
}
