//! The store's time, as far as requests to it are concerned.
//!
//! A store refuses requests signed more than fifteen minutes off its own clock. A laptop whose
//! clock is wrong should still work, so the difference is learnt from the `Date` header of such a
//! refusal and applied to every later request of the same store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use chrono::{DateTime, Utc};

/// Differences smaller than this are not worth learning again: the refusal had another reason.
const WORTH_LEARNING: i64 = 30;

/// This computer's clock, corrected by what stores have said.
#[derive(Debug, Clone)]
pub struct StoreClock {
    local: SharedTimeSource,
    /// Store's clock minus this computer's, in seconds.
    offset: Arc<AtomicI64>,
}

impl StoreClock {
    pub fn new(local: SharedTimeSource) -> Self {
        Self {
            local,
            offset: Arc::default(),
        }
    }

    /// Store's clock minus this computer's, in seconds; 0 until a store complained.
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Takes over what a refusal has shown of a request that was made with the offset `used`; says
    /// whether the request is worth another try.
    pub fn learn(&self, offset: i64, used: i64) -> bool {
        self.offset.store(offset, Ordering::Relaxed);
        self.has_moved_since(used)
    }

    /// Whether a request made with the offset `used` was made at another time than now.
    pub fn has_moved_since(&self, used: i64) -> bool {
        (used - self.offset()).abs() >= WORTH_LEARNING
    }

    /// This computer's clock, uncorrected.
    pub fn local(&self) -> DateTime<Utc> {
        self.local.now().into()
    }

    /// Store's clock minus this computer's, by an answer's `Date` header.
    pub fn difference(&self, date: &str) -> Option<i64> {
        let theirs = DateTime::parse_from_rfc2822(date).ok()?.timestamp();
        Some(theirs - self.local().timestamp())
    }
}

impl TimeSource for StoreClock {
    fn now(&self) -> SystemTime {
        let local = self.local.now();
        let seconds = self.offset();
        let by = Duration::from_secs(seconds.unsigned_abs());
        let shifted = if seconds < 0 {
            local.checked_sub(by)
        } else {
            local.checked_add(by)
        };
        shifted.unwrap_or(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct At(u64);
    impl TimeSource for At {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0)
        }
    }

    #[test]
    fn learns_from_a_date_header() {
        let clock = StoreClock::new(SharedTimeSource::new(At(784_111_777 - 1200)));
        let offset = clock.difference("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(offset, 1200);
        assert!(clock.learn(offset, 0));
        assert_eq!(clock.now(), At(784_111_777).now());
        assert_eq!(
            clock.difference("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(1200),
            "measured from the local clock"
        );
        assert!(!clock.learn(offset + 3, offset), "nothing new");
        assert!(clock.learn(-60, offset));
        assert_eq!(clock.now(), At(784_111_777 - 1260).now());
    }

    #[test]
    fn ignores_a_date_that_is_none() {
        let clock = StoreClock::new(SharedTimeSource::new(At(0)));
        assert_eq!(clock.difference("yesterday"), None);
    }
}
