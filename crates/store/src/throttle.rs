//! How fast bytes may go, over everything that shares a throttle.
//!
//! A budget per direction that fills at the rate allowed. A body may take its next piece while the
//! budget is not overdrawn, and may overdraw it by that piece: whoever comes next waits until the
//! debt is paid. That keeps the sum at the limit however many bodies there are, and needs no queue.
//! Bodies look at the budget again several times a second, so that a new limit counts at once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Longest sleep before looking at the limit again.
const LOOK: Duration = Duration::from_millis(100);
/// Unused budget is kept for so long: enough to make up for late wake-ups, too little for a burst.
const SAVED: Duration = Duration::from_millis(200);
/// Pieces are at least this large, or small limits would mean a system call for every few bytes.
const LEAST_PIECE: usize = 4 << 10;

/// Limits in bytes per second; none for as fast as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    pub upload: Option<u64>,
    pub download: Option<u64>,
}

/// Clones share their limits. Without limits it costs a lock per piece.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    upload: Budget,
    download: Budget,
}

impl Throttle {
    pub fn new(rates: Rates) -> Self {
        let throttle = Self::default();
        throttle.set(rates);
        throttle
    }

    /// Counts at once, for bodies under way too.
    pub fn set(&self, rates: Rates) {
        self.upload.set(rates.upload);
        self.download.set(rates.download);
    }

    pub fn rates(&self) -> Rates {
        Rates {
            upload: self.upload.lock().rate,
            download: self.download.lock().rate,
        }
    }

    pub(crate) fn upload(&self) -> Gate {
        Gate::new(self.upload.clone())
    }

    pub(crate) fn download(&self) -> Gate {
        Gate::new(self.download.clone())
    }
}

#[derive(Debug, Clone, Default)]
struct Budget(Arc<Mutex<Account>>);

#[derive(Debug, Default)]
struct Account {
    rate: Option<u64>,
    /// Bytes that may go; below zero what is to be waited for.
    balance: f64,
    /// When the balance was right.
    at: Option<Instant>,
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, rate: Option<u64>) {
        let mut account = self.lock();
        account.settle();
        if account.rate != rate {
            account.rate = rate;
            // A debt made under another limit would be paid at the wrong rate.
            account.balance = account.balance.max(0.0);
        }
    }

    /// Zero when a piece may go now.
    fn wait(&self) -> Duration {
        let mut account = self.lock();
        account.settle();
        match account.rate {
            Some(rate) if account.balance < 0.0 => {
                Duration::try_from_secs_f64(-account.balance / rate.max(1) as f64)
                    .unwrap_or(LOOK)
                    .max(Duration::from_millis(1))
            }
            _ => Duration::ZERO,
        }
    }

    fn take(&self, bytes: u64) {
        let mut account = self.lock();
        if account.rate.is_some() {
            account.settle();
            account.balance -= bytes as f64;
        }
    }

    /// About ten pieces a second, so that a bar moves.
    fn piece(&self, most: usize) -> usize {
        match self.lock().rate {
            Some(rate) => usize::try_from(rate / 10)
                .unwrap_or(most)
                .clamp(LEAST_PIECE.min(most), most),
            None => most,
        }
    }
}

impl Account {
    fn settle(&mut self) {
        let now = Instant::now();
        let passed = self.at.map_or(Duration::ZERO, |at| now - at);
        self.at = Some(now);
        match self.rate {
            Some(rate) => {
                let rate = rate as f64;
                self.balance =
                    (self.balance + passed.as_secs_f64() * rate).min(rate * SAVED.as_secs_f64());
            }
            None => self.balance = 0.0,
        }
    }
}

/// One body's way to a budget.
#[derive(Debug)]
pub(crate) struct Gate {
    budget: Budget,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Gate {
    fn new(budget: Budget) -> Self {
        Self {
            budget,
            sleep: None,
        }
    }

    /// Ready when a piece may go; what it was is said with [`Gate::passed`].
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let wait = self.budget.wait();
            if wait.is_zero() {
                return Poll::Ready(());
            }
            let due = Instant::now() + wait.min(LOOK);
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    sleep.as_mut().reset(due);
                    sleep
                }
                None => self.sleep.insert(Box::pin(tokio::time::sleep_until(due))),
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    pub fn passed(&self, bytes: u64) {
        self.budget.take(bytes);
    }

    /// The largest piece to let through at once.
    pub fn piece(&self, most: usize) -> usize {
        self.budget.piece(most)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Bytes that several bodies move in some time.
    async fn moved(throttle: &Throttle, bodies: usize, time: Duration) -> u64 {
        let end = Instant::now() + time;
        let tasks: Vec<_> = (0..bodies)
            .map(|_| {
                let mut gate = throttle.upload();
                tokio::spawn(async move {
                    let mut moved = 0;
                    let all = async {
                        loop {
                            poll_fn(|cx| gate.poll(cx)).await;
                            let piece = gate.piece(128 << 10) as u64;
                            gate.passed(piece);
                            moved += piece;
                            tokio::task::yield_now().await;
                        }
                    };
                    let _: Result<(), _> = tokio::time::timeout_at(end, all).await;
                    moved
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    }

    #[tokio::test(start_paused = true)]
    async fn all_bodies_together_keep_the_limit() {
        for (rate, bodies) in [(1_000_000, 1), (1_000_000, 32), (20_000, 8), (1000, 3)] {
            let throttle = Throttle::new(Rates {
                upload: Some(rate),
                download: None,
            });
            let sum = moved(&throttle, bodies, Duration::from_secs(100)).await as f64;
            let ideal = rate as f64 * 100.0;
            assert!(
                (ideal * 0.95..=ideal * 1.05 + LEAST_PIECE as f64).contains(&sum),
                "{rate} over {bodies}: {sum}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_limit_counts_for_bodies_that_wait() {
        let throttle = Throttle::new(Rates {
            upload: Some(1),
            download: None,
        });
        let mut gate = throttle.upload();
        gate.passed(1 << 20);
        let begin = Instant::now();
        let freed = throttle.clone();
        let ((), ()) = tokio::join!(poll_fn(|cx| gate.poll(cx)), async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            freed.set(Rates::default());
        });
        assert!(begin.elapsed() < Duration::from_millis(2200));
    }
}
