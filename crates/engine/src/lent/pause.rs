//! Transfers wait for somebody to sign in, and go on.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use wherry_account::Account;
use wherry_store::{KeyLender, LentKey, StoreError};

use super::lender::Lender;
use crate::contract::{Event, Problem, Remedy};
use crate::engine::{Engine, host, lock};
use crate::events::Events;

/// Somebody may have signed in elsewhere: by the command line, or in another window.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(15);

/// Whether a transfer waits, seen and ended from outside.
#[derive(Debug)]
pub(crate) struct Pause {
    /// What it waits for.
    words: Problem,
    waiting: Mutex<bool>,
    given_up: watch::Sender<bool>,
}

impl Pause {
    /// What the transfer waits for, while it does.
    pub fn waits_for(&self) -> Option<Problem> {
        lock(&self.waiting).then(|| self.words.clone())
    }

    /// It is stopped: what waits fails.
    pub fn give_up(&self) {
        self.given_up.send_replace(true);
    }

    /// It is begun again.
    pub fn begin_again(&self) {
        self.given_up.send_replace(false);
    }

    fn set(&self, waiting: bool) -> bool {
        std::mem::replace(&mut *lock(&self.waiting), waiting) != waiting
    }
}

struct Patient {
    lender: Arc<Lender>,
    pause: Arc<Pause>,
    account: String,
    events: Events,
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patient({:?})", self.lender)
    }
}

pub(super) fn patient(
    engine: &Engine,
    lender: Arc<Lender>,
    account: &Account,
) -> (Arc<dyn KeyLender>, Arc<Pause>) {
    let portal = account
        .issuer
        .as_ref()
        .map(|link| host(&link.url))
        .unwrap_or_default();
    let words = Problem::new(
        "portal.sign-in",
        format!("Waiting for you to sign in to {portal}."),
        "The transfer goes on by itself once you have signed in.",
    )
    .remedy(Remedy::SignIn {
        account: account.id.to_string(),
    });
    let pause = Arc::new(Pause {
        words,
        waiting: Mutex::default(),
        given_up: watch::Sender::new(false),
    });
    let patient = Patient {
        lender,
        pause: Arc::clone(&pause),
        account: account.id.to_string(),
        events: engine.inner.events.clone(),
    };
    (Arc::new(patient), pause)
}

#[async_trait]
impl KeyLender for Patient {
    async fn current(&self) -> Result<LentKey, StoreError> {
        let mut given_up = self.pause.given_up.subscribe();
        let mut changes = self.lender.changes();
        loop {
            match self.lender.ask().await {
                Err(trouble) if trouble.sign_in && !*given_up.borrow() => {
                    if self.pause.set(true) {
                        let account = self.account.clone();
                        self.events.tell(Event::SignInNeeded { account });
                    }
                    tokio::select! {
                        _ = changes.changed() => {}
                        _ = given_up.wait_for(|given_up| *given_up) => {}
                        () = tokio::time::sleep(LOOK_ELSEWHERE) => {}
                    }
                }
                done => {
                    self.pause.set(false);
                    return done.map_err(StoreError::from);
                }
            }
        }
    }

    fn spent(&self, access_key_id: &str) {
        self.lender.spent(access_key_id);
    }
}
