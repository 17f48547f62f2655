//! Sign-ins of this process, by the name the window knows them by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use wherry_account::{AccountId, IssuerOptions};
use wherry_portal::PortalSession;
use wherry_store::HttpSettings;

use crate::contract::Problem;
use crate::engine::lock;

#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Signed>>);

#[derive(Clone)]
pub(crate) struct Signed {
    pub session: Arc<dyn PortalSession>,
    pub http: HttpSettings,
    /// As the portal was told, to be remembered with the account.
    pub options: IssuerOptions,
    /// The account whose portal this is, once there is one.
    pub account: Option<AccountId>,
    /// The password, where the portal asks for it once more to open a scope. Gone with the sign-in.
    pub password: Option<SecretString>,
}

impl Sessions {
    pub fn get(&self, id: &str) -> Result<Signed, Problem> {
        lock(&self.0)
            .get(id)
            .cloned()
            .ok_or_else(|| Problem::stale("sign-in"))
    }

    pub fn put(&self, id: &str, signed: Signed) {
        lock(&self.0).insert(id.to_owned(), signed);
    }

    pub fn take(&self, id: &str) -> Option<Signed> {
        lock(&self.0).remove(id)
    }

    /// A sign-in for this account that has not run out.
    pub fn of_account(&self, account: &AccountId) -> Option<Arc<dyn PortalSession>> {
        let now = chrono::Utc::now();
        let all = lock(&self.0);
        let mut fitting = all.values().filter(|s| s.account.as_ref() == Some(account));
        fitting
            .find(|s| !s.session.is_expired(now))
            .map(|s| Arc::clone(&s.session))
    }

    /// The name of this account's sign-in.
    pub fn ticket_of(&self, account: &AccountId) -> Option<String> {
        let all = lock(&self.0);
        let mut mine = all
            .iter()
            .filter(|(_, s)| s.account.as_ref() == Some(account));
        mine.next().map(|(ticket, _)| ticket.clone())
    }

    pub fn forget_account(&self, account: &AccountId) {
        lock(&self.0).retain(|_, s| s.account.as_ref() != Some(account));
    }

    pub fn link(&self, id: &str, account: &AccountId) {
        if let Some(signed) = lock(&self.0).get_mut(id) {
            signed.account = Some(account.clone());
            signed.password = None;
        }
    }
}
