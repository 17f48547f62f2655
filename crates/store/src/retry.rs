//! Small repetitions of cheap requests.
//!
//! A listing of a million keys is a thousand requests; one of them meeting a busy store must not
//! spoil it. So requests that change nothing, and deletes, which may be repeated, are tried up to
//! four times here. Whatever carries an object's bytes is not: `wherry-transfer` retries those,
//! and knows what a retry costs. Nor is a host that cannot be reached: a person is waiting to hear it.

use std::time::{Duration, Instant};

use crate::error::{ErrorKind, StoreError};

const TRIES: u32 = 4;
/// A person who has waited this long wants to hear what is wrong.
const TOO_LONG: Duration = Duration::from_secs(45);

/// How long the pauses between tries are.
#[derive(Debug, Clone, Copy)]
struct Rhythm {
    first: Duration,
    longest: Duration,
}

const RHYTHM: Rhythm = Rhythm {
    first: Duration::from_millis(250),
    longest: Duration::from_secs(5),
};

impl Rhythm {
    /// The pause after `failed` tries. `luck` (0 to 1) spreads out those who failed together.
    fn pause(self, failed: u32, luck: f64) -> Duration {
        let most = self
            .first
            .saturating_mul(1 << failed.saturating_sub(1).min(16))
            .min(self.longest);
        most.mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0)
    }
}

fn worth_it(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SlowDown | ErrorKind::ServerFault | ErrorKind::Interrupted
    )
}

/// Runs `attempt` until it succeeds, fails for good, or has failed often enough.
pub(crate) async fn patiently<T, F>(attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    in_rhythm(RHYTHM, attempt).await
}

async fn in_rhythm<T, F>(rhythm: Rhythm, mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut failed = 0;
    let begun = Instant::now();
    loop {
        match attempt().await {
            Err(error)
                if worth_it(error.kind) && failed + 1 < TRIES && begun.elapsed() < TOO_LONG =>
            {
                failed += 1;
                tracing::debug!(doing = error.doing, kind = ?error.kind, failed, "trying again");
                tokio::time::sleep(rhythm.pause(failed, rand::random())).await;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert_eq!(RHYTHM.pause(1, 1.0), RHYTHM.first);
        assert_eq!(RHYTHM.pause(2, 1.0), RHYTHM.first * 2);
        assert_eq!(RHYTHM.pause(1, 0.0), RHYTHM.first / 2);
        assert_eq!(RHYTHM.pause(30, 1.0), RHYTHM.longest);
    }

    #[tokio::test]
    async fn gives_up_in_the_end_and_at_once_where_it_is_hopeless() {
        let quick = Rhythm {
            first: Duration::ZERO,
            longest: Duration::ZERO,
        };
        let tries = Cell::new(0);
        let fail = |kind| {
            tries.set(tries.get() + 1);
            async move { Err::<(), _>(StoreError::new(kind, "list", "")) }
        };
        assert!(
            in_rhythm(quick, || fail(ErrorKind::SlowDown))
                .await
                .is_err()
        );
        assert_eq!(tries.replace(0), TRIES);
        assert!(in_rhythm(quick, || fail(ErrorKind::Denied)).await.is_err());
        assert_eq!(tries.replace(0), 1);
        assert!(
            in_rhythm(quick, || fail(ErrorKind::Unreachable))
                .await
                .is_err()
        );
        assert_eq!(tries.get(), 1);
    }
}
