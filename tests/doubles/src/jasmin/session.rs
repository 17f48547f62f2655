//! Who is signed in at the portal, by the value of their cookie.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};

use super::lock;
use crate::tokens::random_hex;

#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    /// Of a sign-in that is under way.
    pub state: Option<String>,
    pub user: Option<String>,
    /// The tenancies that `/object-store` has shown: the other pages know no more.
    pub seen: BTreeSet<String>,
    /// The portal's own token of each tenancy whose password was given.
    pub opened: HashMap<String, String>,
    pub timed_out: bool,
}

#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    /// A session, and the state of its sign-in.
    pub fn begin(&self) -> (String, String) {
        let (cookie, state) = (random_hex(), random_hex());
        let session = Session {
            state: Some(state.clone()),
            ..Session::default()
        };
        self.all().insert(cookie.clone(), session);
        (cookie, state)
    }

    pub fn signed_in(&self, user: &str) -> String {
        let cookie = random_hex();
        let session = Session {
            user: Some(user.to_owned()),
            ..Session::default()
        };
        self.all().insert(cookie.clone(), session);
        cookie
    }

    pub fn get(&self, cookie: &str) -> Option<Session> {
        self.all().get(cookie).cloned()
    }

    pub fn change(&self, cookie: &str, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.all().get_mut(cookie) {
            change(session);
        }
    }

    pub fn forget(&self, cookie: &str) {
        self.all().remove(cookie);
    }

    pub fn clear(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        lock(&self.0)
    }
}
