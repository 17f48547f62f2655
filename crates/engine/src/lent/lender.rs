//! One account's lent key: held, renewed in time, and kept for the next start.

use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use wherry_account::{Account, AccountId, IssuerLink};
use wherry_portal::{Expiry, IssuedKey, KeyWish, PortalError, PortalSession};
use wherry_store::{Credentials, ErrorKind, KeyLender, LentKey, StoreError};
use wherry_vault::Secret;

use crate::contract::{Problem, Remedy};
use crate::engine::{Engine, Inner, host, lock};
use crate::keys::{http_of, issuer};
use crate::problem::from_portal;

/// A key is renewed when so much is left, or a tenth of its life where that is less.
const EARLY: TimeDelta = TimeDelta::minutes(5);
/// What an issuer lends for, where neither it nor the account says.
const USUAL: TimeDelta = TimeDelta::hours(1);
/// Until the next attempt, while the key that is to be renewed still works.
const LATER: TimeDelta = TimeDelta::seconds(30);
/// A key this young is not why a store refuses: it may not know it yet.
const YOUNG: TimeDelta = TimeDelta::minutes(1);
/// How long another process of ours may take to renew the same key.
const OTHERS_TURN: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

pub(super) struct Lender {
    engine: Weak<Inner>,
    account: AccountId,
    held: Mutex<Held>,
    /// Held by the one who renews.
    turn: tokio::sync::Mutex<()>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Held {
    key: Option<HeldKey>,
    trouble: Option<Trouble>,
    /// What the issuer lends nothing for any more. It is not asked again for every folder.
    dead: Option<SecretString>,
}

/// Times by this computer's clock, which need not be the issuer's.
struct HeldKey {
    credentials: Credentials,
    expires: Option<DateTime<Utc>>,
    since: DateTime<Utc>,
    renew_at: DateTime<Utc>,
    over_at: DateTime<Utc>,
    spent: bool,
}

/// Why there is no key.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub kind: ErrorKind,
    /// As the store passes it on.
    pub message: String,
    pub problem: Problem,
    /// Only the user can help, by signing in.
    pub sign_in: bool,
}

impl fmt::Debug for Lender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lender({})", self.account)
    }
}

/// For requests somebody waits for: what is the matter is said at once.
#[derive(Debug)]
pub(super) struct AtOnce(pub Arc<Lender>);

#[async_trait]
impl KeyLender for AtOnce {
    async fn current(&self) -> Result<LentKey, StoreError> {
        self.0.ask().await.map_err(StoreError::from)
    }

    fn spent(&self, access_key_id: &str) {
        self.0.spent(access_key_id);
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        Self::new(trouble.kind, "have the key renewed", trouble.message)
    }
}

impl Lender {
    pub fn new(engine: Weak<Inner>, account: AccountId) -> Arc<Self> {
        Arc::new(Self {
            engine,
            account,
            held: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            changed: watch::Sender::new(()),
        })
    }

    /// The key to use now.
    pub async fn ask(self: &Arc<Self>) -> Result<LentKey, Trouble> {
        let now = self.engine()?.now();
        if let Some(key) = self.ready(now) {
            return Ok(key);
        }
        let me = Arc::clone(self);
        // A request may be given up at any moment. A renewal may not: an issuer that gives a new refresh
        // token with each key has forgotten the old one by then.
        match tokio::spawn(async move { me.renewed().await }).await {
            Ok(done) => done,
            Err(error) => Err(Trouble::other(&format!("renewing the key failed: {error}"))),
        }
    }

    /// See [`KeyLender::spent`].
    pub fn spent(&self, access_key_id: &str) {
        let Ok(engine) = self.engine() else { return };
        let now = engine.now();
        let mut held = lock(&self.held);
        if let Some(key) = &mut held.key
            && key.credentials.access_key_id == access_key_id
            && now - key.since >= YOUNG
        {
            tracing::info!(account = %self.account, "the store takes the lent key no longer");
            key.spent = true;
        }
    }

    pub fn trouble(&self) -> Option<Trouble> {
        lock(&self.held).trouble.clone()
    }

    pub fn wake(&self) {
        self.changed.send_replace(());
    }

    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// A key that was lent a moment ago.
    pub fn replace(&self, issued: &IssuedKey, now: DateTime<Utc>) {
        let life = self.usual_life();
        let key = HeldKey::new(
            issued.access_key_id.clone(),
            &issued.secret,
            issued.expires,
            now,
            life,
        );
        *lock(&self.held) = Held {
            key: Some(key),
            ..Held::default()
        };
        self.wake();
    }

    /// Has a key lent by a session the user has just signed in to.
    pub async fn lend_from(&self, session: &Arc<dyn PortalSession>) -> Result<(), Trouble> {
        let _alone = self.turn.lock().await;
        let engine = self.engine()?;
        let account = self.account(&engine)?;
        let _turn = self.turn_of_all(&engine, &account).await?;
        let issued = session
            .create_key(&KeyWish::default())
            .await
            .map_err(|error| self.told(&account, &error))?;
        engine
            .swap(&account, &issued, session)
            .await
            .map(drop)
            .map_err(Trouble::of)
    }

    fn engine(&self) -> Result<Engine, Trouble> {
        match self.engine.upgrade() {
            Some(inner) => Ok(Engine { inner }),
            None => Err(Trouble::other("Wherry is closing")),
        }
    }

    fn account(&self, engine: &Engine) -> Result<Account, Trouble> {
        let found = engine.inner.accounts.get(&self.account);
        found.map_err(|error| Trouble::of(error.into()))
    }

    /// The key, unless it should be renewed.
    fn ready(&self, now: DateTime<Utc>) -> Option<LentKey> {
        let held = lock(&self.held);
        let key = held.key.as_ref()?;
        (!key.spent && now < key.renew_at).then(|| key.lent())
    }

    /// The key for as long as it works, when it cannot be renewed yet.
    fn last_of_it(&self, now: DateTime<Utc>) -> Option<LentKey> {
        let mut held = lock(&self.held);
        let key = held.key.as_mut()?;
        if key.spent || now >= key.over_at {
            return None;
        }
        key.renew_at = now + LATER;
        Some(key.lent())
    }

    async fn renewed(&self) -> Result<LentKey, Trouble> {
        let _alone = self.turn.lock().await;
        let engine = self.engine()?;
        let now = engine.now();
        if let Some(key) = self.ready(now) {
            return Ok(key);
        }
        let done = self.renew(&engine).await;
        match done {
            Ok(()) => {}
            Err(trouble) => {
                tracing::warn!(account = %self.account, message = %trouble.message, "the key is not renewed");
                if let Some(key) = self.last_of_it(now) {
                    return Ok(key);
                }
                let sign_in = trouble.sign_in;
                lock(&self.held).trouble = Some(trouble.clone());
                if sign_in {
                    engine
                        .inner
                        .events
                        .tell(crate::contract::Event::Accounts {});
                }
                return Err(trouble);
            }
        }
        let held = lock(&self.held);
        let key = held.key.as_ref().map(HeldKey::lent);
        key.ok_or_else(|| Trouble::other("there is no key"))
    }

    async fn renew(&self, engine: &Engine) -> Result<(), Trouble> {
        let account = self.account(engine)?;
        self.look(engine, &account).await?;
        if self.ready(engine.now()).is_some() {
            return Ok(());
        }
        let _turn = self.turn_of_all(engine, &account).await?;
        // Whoever had the turn before may have done it.
        let account = self.account(engine)?;
        let secret = self.look(engine, &account).await?;
        if self.ready(engine.now()).is_some() {
            return Ok(());
        }
        let link = issuer(&account).map_err(Trouble::of)?;
        let renewal = secret.as_ref().and_then(|s| s.renewal().cloned());
        let session = self
            .session(engine, &account, link, renewal.as_ref())
            .await?;
        match session.create_key(&KeyWish::default()).await {
            Ok(issued) => {
                if let Err(problem) = engine.swap(&account, &issued, &session).await {
                    tracing::warn!(code = %problem.code, "the renewed key is in memory only");
                    self.replace(&issued, engine.now());
                }
                Ok(())
            }
            Err(error) => {
                self.keep_renewal(engine, &account, secret, &session).await;
                Err(self.refused(&account, &error, session.lasting()))
            }
        }
    }

    /// Takes over the key that the account has, when it is another than the one held here: another window
    /// or the command line has renewed it, or this is the first look. Returns what the vault has.
    async fn look(&self, engine: &Engine, account: &Account) -> Result<Option<Secret>, Trouble> {
        let loaded = engine.vault_in_use().load(account.secret_name()).await;
        let secret = loaded.map_err(|error| Trouble::of(error.into()))?;
        let facts = &account.key;
        if let (Some(id), Some(secret)) = (&facts.access_key_id, &secret) {
            let mut held = lock(&self.held);
            let same = held
                .key
                .as_ref()
                .is_some_and(|key| key.credentials.access_key_id == *id);
            if !same {
                let since = facts.created.unwrap_or(DateTime::UNIX_EPOCH);
                let life = usual_life(account);
                let key = HeldKey::new(id.clone(), secret, facts.expires, since, life);
                held.key = Some(key);
            }
        }
        Ok(secret)
    }

    /// Somebody signed in: by what was kept for that, or in this process.
    async fn session(
        &self,
        engine: &Engine,
        account: &Account,
        link: &IssuerLink,
        renewal: Option<&SecretString>,
    ) -> Result<Arc<dyn PortalSession>, Trouble> {
        let Some(renewal) = renewal else {
            let session = engine.inner.sessions.of_account(&self.account);
            return session.ok_or_else(|| sign_in_again(account));
        };
        let dead = lock(&self.held)
            .dead
            .as_ref()
            .is_some_and(|dead| dead.expose_secret() == renewal.expose_secret());
        if dead {
            return Err(sign_in_again(account));
        }
        wherry_portal::resume(link, renewal.clone(), &http_of(account))
            .await
            .map_err(|error| self.refused(account, &error, Some(renewal.clone())))
    }

    /// A new refresh token that came before the key was refused: the old one is worth nothing now.
    async fn keep_renewal(
        &self,
        engine: &Engine,
        account: &Account,
        secret: Option<Secret>,
        session: &Arc<dyn PortalSession>,
    ) {
        let (Some(secret), Some(new)) = (secret, session.lasting()) else {
            return;
        };
        if secret.renewal().map(ExposeSecret::expose_secret) == Some(new.expose_secret()) {
            return;
        }
        let secret = secret.with_renewal(Some(new));
        if let Err(error) = engine.vault_in_use().store(account, &secret).await {
            tracing::warn!(%error, "what the next key is lent for is not kept");
        }
    }

    /// The words for a refusal; when it is final, what was shown to the issuer is remembered as dead.
    fn refused(
        &self,
        account: &Account,
        error: &PortalError,
        shown: Option<SecretString>,
    ) -> Trouble {
        let trouble = self.told(account, error);
        if trouble.sign_in {
            lock(&self.held).dead = shown;
        }
        trouble
    }

    fn told(&self, account: &Account, error: &PortalError) -> Trouble {
        match error {
            PortalError::SignInAgain
            | PortalError::SignInRefused { .. }
            | PortalError::PasswordExpired { .. }
            | PortalError::NeedsSecondFactor(_) => sign_in_again(account),
            PortalError::Connection { kind, message } => Trouble {
                kind: *kind,
                message: message.clone(),
                problem: from_portal(error, Some(self.account.as_str())),
                sign_in: false,
            },
            other => Trouble {
                kind: if matches!(other, PortalError::Fault { .. }) {
                    ErrorKind::ServerFault
                } else {
                    ErrorKind::KeyExpired
                },
                message: other.to_string(),
                problem: from_portal(other, Some(self.account.as_str())),
                sign_in: false,
            },
        }
    }

    /// One change to an account's key at a time, also by another window or the command line.
    async fn turn_of_all(&self, engine: &Engine, account: &Account) -> Result<File, Trouble> {
        let mut waited = Duration::ZERO;
        loop {
            match engine.key_turn(account) {
                Err(busy) if busy.code == "keys.busy" && waited < OTHERS_TURN => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                    waited += LOOK_AGAIN;
                }
                done => return done.map_err(Trouble::of),
            }
        }
    }

    fn usual_life(&self) -> TimeDelta {
        let account = self.engine().and_then(|engine| self.account(&engine));
        account.map_or(USUAL, |account| usual_life(&account))
    }
}

/// How long this account's keys are lent for.
fn usual_life(account: &Account) -> TimeDelta {
    let link = account.issuer.as_ref();
    let asked = link.and_then(|link| link.options.duration);
    let fixed = link
        .and_then(|link| wherry_portal::capabilities(link.kind))
        .and_then(|can| match can.expiry {
            Expiry::Fixed(life) => TimeDelta::from_std(life).ok(),
            _ => None,
        });
    asked
        .map(|seconds| TimeDelta::seconds(seconds.into()))
        .or(fixed)
        .unwrap_or(USUAL)
}

impl HeldKey {
    /// `since`: when it was lent, by this computer's clock. `life`: what is usual there. Where the end that
    /// the issuer names is further away than that, or past, the clocks differ and the usual is believed.
    fn new(
        access_key_id: String,
        secret: &Secret,
        expires: Option<DateTime<Utc>>,
        since: DateTime<Utc>,
        life: TimeDelta,
    ) -> Self {
        let named = expires.map(|end| end - since);
        let life = named
            .filter(|named| *named > TimeDelta::zero() && *named < life)
            .unwrap_or(life);
        let over_at = since + life;
        Self {
            credentials: Credentials {
                access_key_id,
                secret: secret.access_key().clone(),
                session_token: secret.session_token().cloned(),
            },
            expires,
            since,
            renew_at: over_at - EARLY.min(life / 10),
            over_at,
            spent: false,
        }
    }

    fn lent(&self) -> LentKey {
        LentKey {
            credentials: self.credentials.clone(),
            expires: self.expires,
        }
    }
}

impl Trouble {
    fn other(message: &str) -> Self {
        Self::of(
            Problem::new(
                "keys.renewal",
                crate::problem::sentence(&message),
                "Try again.",
            )
            .retryable(),
        )
    }

    /// Trouble of our own, on this computer.
    fn of(problem: Problem) -> Self {
        Self {
            kind: ErrorKind::Other,
            message: problem.what.clone(),
            problem,
            sign_in: false,
        }
    }
}

fn sign_in_again(account: &Account) -> Trouble {
    let portal = account
        .issuer
        .as_ref()
        .map(|link| host(&link.url))
        .unwrap_or_default();
    let problem = Problem::new(
        "portal.sign-in",
        format!(
            "The key of “{}” cannot be renewed: you are not signed in to {portal} any more.",
            account.name
        ),
        "Sign in again, and Wherry goes on by itself.",
    )
    .remedy(Remedy::SignIn {
        account: account.id.to_string(),
    });
    Trouble {
        kind: ErrorKind::KeyExpired,
        message: format!("you are not signed in to {portal} any more"),
        problem,
        sign_in: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_key_is_renewed_in_time_whatever_the_issuers_clock_says() {
        let held = |expires, life| {
            let secret = Secret::new("s".into());
            let life = TimeDelta::minutes(life);
            let key = HeldKey::new("id".into(), &secret, expires, minutes(0), life);
            let minute = |time: DateTime<Utc>| time.timestamp() as f64 / 60.0;
            (minute(key.renew_at), minute(key.over_at))
        };
        assert_eq!(held(Some(minutes(60)), 60), (55.0, 60.0));
        assert_eq!(
            held(Some(minutes(15)), 60),
            (13.5, 15.0),
            "shorter than usual"
        );
        assert_eq!(held(None, 60), (55.0, 60.0), "no end named");
        assert_eq!(held(Some(minutes(200)), 60), (55.0, 60.0), "a clock ahead");
        assert_eq!(held(Some(minutes(-30)), 60), (55.0, 60.0), "a clock behind");
        assert_eq!(held(Some(minutes(720)), 720), (715.0, 720.0));
    }
}
