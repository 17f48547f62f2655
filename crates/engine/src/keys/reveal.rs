//! The one look at a new secret: a ticket, exchanged once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

use super::ticket;
use crate::contract::{Problem, Revealed};
use crate::engine::lock;

/// A reveal ticket is good for this long; the key stays in the vault either way.
const REVEAL_WITHIN: Duration = Duration::from_mins(15);

/// Secrets that may be looked at once.
#[derive(Default)]
pub(crate) struct Reveals(Mutex<HashMap<String, Reveal>>);

struct Reveal {
    access_key_id: String,
    secret: SecretString,
    until: Instant,
}

impl Reveals {
    pub fn offer(&self, access_key_id: &str, secret: &SecretString) -> String {
        let id = ticket();
        let mut all = lock(&self.0);
        all.retain(|_, r| r.until > Instant::now());
        let reveal = Reveal {
            access_key_id: access_key_id.to_owned(),
            secret: secret.clone(),
            until: Instant::now() + REVEAL_WITHIN,
        };
        all.insert(id.clone(), reveal);
        id
    }

    pub fn redeem(&self, ticket: &str) -> Result<Revealed, Problem> {
        let reveal = lock(&self.0)
            .remove(ticket)
            .filter(|r| r.until > Instant::now());
        let reveal = reveal.ok_or_else(|| {
            Problem::new(
                "keys.revealed",
                "The secret was shown already, and is not shown twice.",
                "Wherry has it and uses it for you. To give a secret to another program, make a new key.",
            )
        })?;
        Ok(Revealed {
            access_key_id: reveal.access_key_id,
            secret: reveal.secret.expose_secret().to_owned(),
        })
    }
}
