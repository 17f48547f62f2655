//! Time, passed in: rates and ages are computed from here, so tests need not wait.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> DateTime<Utc>;
    /// Grows steadily, whatever happens to the computer's clock.
    fn since_start(&self) -> Duration;
}

/// The computer's own.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn since_start(&self) -> Duration {
        self.0.elapsed()
    }
}
