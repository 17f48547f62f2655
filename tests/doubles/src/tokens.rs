//! DataCore Swarm's tokens: what both the Swarm gateway and the JASMIN portal in front of it make keys of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Backing;

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    pub password: String,
}

/// A group's part of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenancy {
    pub name: String,
    /// The store's host as the portal shows it: `cedadev-o.s3.jc.rl.ac.uk`.
    pub location: String,
    /// The people who may use it.
    pub members: Vec<String>,
}

/// A token, which with a secret is an S3 key, and without one a proof for the token service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub name: String,
    pub owner: String,
    pub tenancy: String,
    /// `X-Custom-Meta-Source`: what it is called. Whoever makes one may leave it out.
    pub source: Option<String>,
    pub secret: Option<String>,
    pub made: DateTime<Utc>,
    pub expires: DateTime<Utc>,
}

impl Token {
    pub fn is_expired(&self) -> bool {
        self.expires <= Utc::now()
    }

    /// `Wed, 03 May 2023 14:39:45 GMT`; the gateway writes GMT or UTC, as its version is.
    pub(crate) fn lifepoint(&self, zone: &str) -> String {
        let until = self.expires.format("%a, %d %b %Y %H:%M:%S");
        format!("[{until} {zone}] reps=2, [] delete")
    }

    pub(crate) fn json(&self, location: &str, zone: &str) -> Value {
        let made = self.made.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let mut row = json!({
            "name": self.name,
            "x_owner_meta": self.owner,
            "x_token_domain_meta": location,
            "last_modified": made,
            "lifepoint": self.lifepoint(zone),
        });
        if let Some(source) = &self.source {
            row["x_custom_meta_source"] = json!(source);
        }
        row
    }
}

/// A refusal of the token service: status and words.
pub(crate) type Refused = (u16, String);

/// Everybody and every token there is. Clones share them, so that a portal and a gateway can stand in front
/// of the same store.
#[derive(Debug, Clone)]
pub struct Tokens(Arc<Store>);

#[derive(Debug)]
struct Store {
    backing: Backing,
    people: Vec<Person>,
    tenancies: Mutex<Vec<Tenancy>>,
    tokens: Mutex<Vec<Token>>,
    /// Everything the token service is asked is refused with this.
    out_of_order: Mutex<Option<u16>>,
}

impl Tokens {
    pub fn new(backing: Backing, people: Vec<Person>, tenancies: Vec<Tenancy>) -> Self {
        Self(Arc::new(Store {
            backing,
            people,
            tenancies: Mutex::new(tenancies),
            tokens: Mutex::default(),
            out_of_order: Mutex::default(),
        }))
    }

    /// Two people, `jdoe` in both of two tenancies, `cedadev-o` and `survey-o`, and `newcomer` in none. Their
    /// passwords are their names and `-password`.
    pub fn of_a_small_site(backing: Backing) -> Self {
        let people = ["jdoe", "newcomer"]
            .map(|name| Person {
                name: name.to_owned(),
                password: format!("{name}-password"),
            })
            .into();
        let tenancies = ["cedadev-o", "survey-o"]
            .map(|name| Tenancy {
                name: name.to_owned(),
                location: format!("{name}.s3.jc.rl.ac.uk"),
                members: vec!["jdoe".to_owned()],
            })
            .into();
        Self::new(backing, people, tenancies)
    }

    /// Every tenancy is at this host from now on.
    pub fn move_to(&self, host: &str) {
        for tenancy in &mut *self.lock_tenancies() {
            host.clone_into(&mut tenancy.location);
        }
    }

    pub fn backing(&self) -> &Backing {
        &self.0.backing
    }

    pub fn people(&self) -> &[Person] {
        &self.0.people
    }

    pub fn tenancies(&self) -> Vec<Tenancy> {
        self.lock_tenancies().clone()
    }

    pub(crate) fn tenancy(&self, name: &str) -> Option<Tenancy> {
        let tenancies = self.lock_tenancies();
        tenancies.iter().find(|t| t.name == name).cloned()
    }

    /// Every token, expired ones too.
    pub fn all(&self) -> Vec<Token> {
        self.lock().clone()
    }

    pub fn find(&self, name: &str) -> Option<Token> {
        self.lock().iter().find(|token| token.name == name).cloned()
    }

    /// The token service refuses everything with this status, until it is told `None`.
    pub fn out_of_order(&self, status: Option<u16>) {
        *self
            .0
            .out_of_order
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = status;
    }

    /// A token made by other means, such as a script of the user's.
    ///
    /// # Panics
    /// When the tenancy is unknown.
    pub fn put(&self, token: Token) {
        assert!(self.tenancy(&token.tenancy).is_some(), "no such tenancy");
        self.lock().push(token);
    }

    /// Lets a token's time be over.
    pub async fn expire(&self, name: &str) {
        for token in self.lock().iter_mut().filter(|token| token.name == name) {
            token.expires = Utc::now() - TimeDelta::hours(1);
        }
        self.0.backing.close(name).await;
    }

    /// Who this is, if they may use the tenancy.
    pub(crate) fn by_password(
        &self,
        tenancy: &str,
        user: &str,
        password: &str,
    ) -> Result<String, Refused> {
        self.check_order()?;
        let known = self
            .0
            .people
            .iter()
            .any(|person| person.name == user && person.password == password);
        if !known {
            return Err((401, "Authentication failed\n".to_owned()));
        }
        self.member(tenancy, user)
    }

    /// Whose token this is. One that has expired, or signs S3 requests, proves nothing here.
    pub(crate) fn by_token(&self, tenancy: &str, name: &str) -> Result<String, Refused> {
        self.check_order()?;
        let owner = self
            .lock()
            .iter()
            .find(|token| {
                token.name == name
                    && token.tenancy == tenancy
                    && token.secret.is_none()
                    && !token.is_expired()
            })
            .map(|token| token.owner.clone());
        match owner {
            Some(owner) => self.member(tenancy, &owner),
            None => Err((401, "Authentication required\n".to_owned())),
        }
    }

    fn member(&self, tenancy: &str, user: &str) -> Result<String, Refused> {
        let allowed = self
            .tenancy(tenancy)
            .is_some_and(|tenancy| tenancy.members.iter().any(|member| member == user));
        if allowed {
            Ok(user.to_owned())
        } else {
            Err((403, format!("{user} is not permitted here\n")))
        }
    }

    pub(crate) fn of(&self, tenancy: &str, owner: &str) -> Vec<Token> {
        self.lock()
            .iter()
            .filter(|token| token.tenancy == tenancy && token.owner == owner)
            .cloned()
            .collect()
    }

    /// Makes a token, which with a secret opens the store behind.
    pub(crate) async fn make(
        &self,
        tenancy: &str,
        owner: &str,
        source: Option<String>,
        secret: Option<String>,
        expires: Option<&str>,
    ) -> Result<Token, Refused> {
        let now = Utc::now();
        let expires = match expires {
            None => now + TimeDelta::hours(24),
            Some(text) => expiry(text, now).ok_or((400, "Bad expiration\n".to_owned()))?,
        };
        let token = Token {
            name: random_hex(),
            owner: owner.to_owned(),
            tenancy: tenancy.to_owned(),
            source,
            secret,
            made: now,
            expires,
        };
        if let (Some(secret), false) = (&token.secret, token.is_expired()) {
            self.0.backing.open(&token.name, secret).await;
        }
        self.lock().push(token.clone());
        Ok(token)
    }

    /// Whether there was such a token of theirs.
    pub(crate) async fn delete(&self, tenancy: &str, owner: &str, name: &str) -> bool {
        let before = self.lock().len();
        self.lock().retain(|token| {
            (
                token.name.as_str(),
                token.tenancy.as_str(),
                token.owner.as_str(),
            ) != (name, tenancy, owner)
        });
        let gone = self.lock().len() < before;
        if gone {
            self.0.backing.close(name).await;
        }
        gone
    }

    /// Deletes a token elsewhere: on another computer, by an operator.
    pub async fn delete_elsewhere(&self, name: &str) {
        self.lock().retain(|token| token.name != name);
        self.0.backing.close(name).await;
    }

    fn check_order(&self) -> Result<(), Refused> {
        let status = *self
            .0
            .out_of_order
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match status {
            Some(status) => Err((status, "The gateway is not ready\n".to_owned())),
            None => Ok(()),
        }
    }

    fn lock_tenancies(&self) -> MutexGuard<'_, Vec<Tenancy>> {
        self.0
            .tenancies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Token>> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn random_hex() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}

/// What `X-User-Token-Expires-Meta` may say: a date, a year, `+days`, or seconds since 1970. A date that is over
/// is taken like any other.
fn expiry(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    if let Some(days) = text.strip_prefix('+') {
        return now.checked_add_days(Days::new(days.parse().ok()?));
    }
    if let Ok(number) = text.parse::<u32>() {
        return match text.len() {
            4 => midnight(NaiveDate::from_ymd_opt(i32::try_from(number).ok()?, 1, 1)?),
            _ => DateTime::from_timestamp(number.into(), 0),
        };
    }
    midnight(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_written_as_the_gateway_takes_them() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let read = |text| expiry(text, now).map(|time| time.to_rfc3339());
        assert_eq!(
            read("2027-01-31").as_deref(),
            Some("2027-01-31T00:00:00+00:00")
        );
        assert_eq!(read("2027").as_deref(), Some("2027-01-01T00:00:00+00:00"));
        assert_eq!(read("+2").as_deref(), Some("2023-11-16T22:13:20+00:00"));
        assert_eq!(
            read("1700000001").as_deref(),
            Some("2023-11-14T22:13:21+00:00")
        );
        assert_eq!(read("soon"), None);
    }
}
