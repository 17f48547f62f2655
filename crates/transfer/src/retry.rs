//! Trying again: what is worth it, how long to wait, and that everybody waits when the store is busy.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::{Instant, sleep, sleep_until};
use wherry_store::{ErrorKind, StoreError};

use crate::error::FileError;
use crate::run::Pace;

/// How often and how patiently.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// In all, the first one included.
    pub attempts: u32,
    /// The first wait; each later one is twice as long, give or take half.
    pub first: Duration,
    pub most: Duration,
}

impl Default for Backoff {
    /// About half a minute in all: a reconnecting Wi-Fi or a restarting gateway is survived, and a
    /// store that is down is reported while somebody is still looking.
    fn default() -> Self {
        Self {
            attempts: 7,
            first: Duration::from_millis(300),
            most: Duration::from_secs(15),
        }
    }
}

/// Errors that can say whether the same request may succeed when simply sent again.
pub trait MayPass {
    fn kind(&self) -> Option<ErrorKind>;
}

impl MayPass for StoreError {
    fn kind(&self) -> Option<ErrorKind> {
        Some(self.kind)
    }
}

impl MayPass for FileError {
    fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Store(e) => Some(e.kind),
            _ => None,
        }
    }
}

/// One per job: a store that asks to slow down is left alone by all its requests.
pub struct Patience {
    backoff: Backoff,
    random: Mutex<StdRng>,
    quiet_until: Mutex<Option<Instant>>,
    /// Something has come through.
    reached: AtomicBool,
    /// Makes fewer requests where the store asks for that.
    pace: Option<Pace>,
}

impl Patience {
    /// The same seed waits the same times.
    pub fn new(backoff: Backoff, seed: Option<u64>) -> Self {
        let random = seed.map_or_else(|| StdRng::from_rng(&mut rand::rng()), StdRng::seed_from_u64);
        Self {
            backoff,
            random: Mutex::new(random),
            quiet_until: Mutex::new(None),
            reached: AtomicBool::new(false),
            pace: None,
        }
    }

    /// Tells a pace when the store asks to slow down.
    pub fn heard_by(self, pace: Pace) -> Self {
        let pace = Some(pace);
        Self { pace, ..self }
    }

    /// With nothing held against the store.
    pub fn renewed(&self) -> Self {
        let seed = self
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random();
        Self {
            pace: self.pace.clone(),
            ..Self::new(self.backoff, Some(seed))
        }
    }

    /// Runs `attempt` until it succeeds, fails for good, or has had its attempts.
    pub async fn with<T, E: MayPass, F: Future<Output = Result<T, E>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, E> {
        let mut tried = 0;
        loop {
            self.quiet().await;
            let error = match attempt().await {
                Ok(value) => {
                    self.reached.store(true, Relaxed);
                    return Ok(value);
                }
                Err(error) => error,
            };
            tried += 1;
            if !error.kind().is_some_and(|kind| self.may_pass(kind))
                || tried >= self.backoff.attempts
            {
                return Err(error);
            }
            let wait = self.wait(tried);
            if error.kind() == Some(ErrorKind::SlowDown) {
                self.hush(wait);
                if let Some(pace) = &self.pace {
                    pace.slow_down();
                }
            }
            tracing::debug!(tried, ?wait, kind = ?error.kind(), "trying again");
            sleep(wait).await;
        }
    }

    /// Whether it is worth another try. A name or a proxy that was good a moment ago has gone with the
    /// network; one that never was is mistyped, and somebody is waiting to hear it.
    fn may_pass(&self, kind: ErrorKind) -> bool {
        kind.is_transient()
            || matches!(kind, ErrorKind::HostUnknown | ErrorKind::Proxy)
                && self.reached.load(Relaxed)
    }

    fn wait(&self, tried: u32) -> Duration {
        let doubled = self
            .backoff
            .first
            .saturating_mul(1 << (tried - 1).min(16))
            .min(self.backoff.most);
        let factor = self
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random_range(0.5..1.5);
        doubled.mul_f64(factor)
    }

    fn hush(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut quiet = self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |q| q.max(until)));
    }

    async fn quiet(&self) {
        let until = *self
            .quiet_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }
}
