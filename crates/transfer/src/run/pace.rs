//! How many requests may be under way at once: found out while they are.
//!
//! A store next door is busy with eight requests, one behind a long line needs a hundred small ones
//! at once, and one that is overloaded is helped by fewer. So the number grows while more gets
//! through with it, doubling at first, as TCP does; where more brought nothing but longer waits, it
//! goes back to what is certainly enough; and it is halved when the store asks to slow down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Begun with, where the settings allow so many. What it is too many of shows after two round trips;
/// what it is too few of is a round trip each time it doubles.
const FIRST: usize = 64;

/// Enough where no long line has to be filled.
const ENOUGH: usize = 32;

/// However busy a store is.
const LEAST: usize = 2;

/// A window is judged when it is this long and so many requests have ended that it says something.
const WINDOW: Duration = Duration::from_millis(100);

/// While the number doubles, a round trip says enough.
const YOUNG_WINDOW: Duration = Duration::from_millis(20);

/// A request counts as so many bytes: small files are limited by their number.
const REQUEST: u64 = 64 << 10;

/// After the store asked to slow down, nothing grows for so long.
const QUIET: Duration = Duration::from_secs(5);

/// Windows between one try of a little more and the next.
const HOLD: u32 = 8;

/// Gives out the right to make a request. Clones share it.
#[derive(Clone)]
pub struct Pace(Arc<Inner>);

struct Inner {
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

/// A right to make a request; given back when dropped.
pub struct Permit {
    right: Option<OwnedSemaphorePermit>,
    pace: Pace,
    since: Instant,
    /// There was no more to be had.
    last: bool,
}

impl Pace {
    /// `most` at once, at the most.
    pub fn new(most: usize) -> Self {
        let state = State::new(most.max(1), Instant::now());
        Self(Arc::new(Inner {
            permits: Arc::new(Semaphore::new(state.limit)),
            state: Mutex::new(state),
        }))
    }

    pub async fn permit(&self) -> Permit {
        let permits = Arc::clone(&self.0.permits);
        // Never closed.
        let right = permits.acquire_owned().await.ok();
        Permit {
            right,
            pace: self.clone(),
            since: Instant::now(),
            last: self.0.permits.available_permits() == 0,
        }
    }

    /// Files that are worth having under way: a few more than there may be requests now, which open
    /// and finish their files meanwhile.
    pub fn files(&self) -> usize {
        let limit = self.state().limit;
        limit + limit / 4 + 1
    }

    /// Bytes that were moved by requests, on the way or ended.
    pub fn moved(&self, bytes: u64) {
        self.state().window.bytes += bytes;
    }

    /// The store said that it is too much.
    pub fn slow_down(&self) {
        self.state().slow_down(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(right) = self.right.take() else {
            return;
        };
        let now = Instant::now();
        let mut state = self.pace.state();
        state.ended(now - self.since, self.last, now);
        let (limit, out) = (state.limit, &mut state.out);
        if *out > limit {
            *out -= 1;
            right.forget();
        } else if *out < limit {
            self.pace.0.permits.add_permits(limit - *out);
            *out = limit;
        }
    }
}

/// What has happened since the last judgement.
struct Window {
    since: Instant,
    bytes: u64,
    ended: u64,
    took: Duration,
    /// At times there were as many as there may be: more could have been done at once.
    full: bool,
}

impl Window {
    fn new(since: Instant) -> Self {
        Self {
            since,
            bytes: 0,
            ended: 0,
            took: Duration::ZERO,
            full: false,
        }
    }
}

/// The judgement, which knows no clock but the one it is told.
struct State {
    limit: usize,
    most: usize,
    /// Permits in circulation, on their way to `limit`.
    out: usize,
    window: Window,
    /// Doubling still.
    young: bool,
    /// What got through in a second when it was last judged.
    best: f64,
    /// Before the last step, to go back to.
    before: usize,
    hold: u32,
    /// The shortest mean time that requests took.
    quickest: Duration,
    /// The shortest that one took: hardly any of it was spent waiting behind others.
    shortest: Duration,
    quiet_until: Option<Instant>,
}

impl State {
    fn new(most: usize, now: Instant) -> Self {
        let limit = FIRST.min(most);
        Self {
            limit,
            most,
            out: limit,
            window: Window::new(now),
            young: true,
            best: 0.0,
            before: limit,
            hold: 0,
            quickest: Duration::MAX,
            shortest: Duration::MAX,
            quiet_until: None,
        }
    }

    fn ended(&mut self, took: Duration, last: bool, now: Instant) {
        let window = &mut self.window;
        window.ended += 1;
        window.took += took;
        self.shortest = self.shortest.min(took);
        window.full |= last;
        let length = now - window.since;
        let least = if self.young { YOUNG_WINDOW } else { WINDOW };
        if length < least || window.ended < self.limit as u64 {
            return;
        }
        let window = std::mem::replace(&mut self.window, Window::new(now));
        let through = (window.bytes + window.ended * REQUEST) as f64 / length.as_secs_f64();
        let mean = window.took / u32::try_from(window.ended).unwrap_or(u32::MAX);
        // Where there were never so many, the number did not matter.
        if window.full {
            let rate = window.ended as f64 / length.as_secs_f64();
            self.judge(through, rate, mean, now);
        }
    }

    /// Bytes and requests a second, and how long a request took in the mean.
    fn judge(&mut self, through: f64, rate: f64, mean: Duration, now: Instant) {
        self.quickest = self.quickest.min(mean);
        if self.quiet_until.is_some_and(|until| now < until) {
            self.best = through;
            return;
        }
        let grew = self.limit > self.before;
        if self.young {
            if grew && through < self.best * 1.2 {
                // The last doubling brought little.
                self.young = false;
                self.hold = HOLD;
                if mean > self.quickest * 3 / 2 {
                    self.limit = self.enough(rate);
                }
            } else {
                self.grow(self.limit);
            }
            self.best = self.best.max(through);
            return;
        }
        if grew && through < self.best * 1.03 {
            // More at once, and no more got through: it only waited longer.
            self.limit = self.before;
            self.hold = HOLD;
        } else if self.hold > 0 {
            self.hold -= 1;
            if mean > self.quickest * 4 && through < self.best * 0.7 {
                // The line or the store has become worse than it was.
                self.limit = (self.limit * 3 / 4).max(LEAST.min(self.most));
                self.before = self.limit;
                self.quickest = mean;
            }
            self.best = self.best * 0.9 + through * 0.1;
            return;
        } else {
            self.grow(self.limit / 8 + 1);
        }
        self.best = through;
    }

    /// Twice as many as would be under way at this rate if nobody waited behind others.
    fn enough(&self, rate: f64) -> usize {
        let under_way = rate * self.shortest.as_secs_f64();
        ((under_way * 2.0).ceil() as usize).clamp(ENOUGH.min(self.before), self.before)
    }

    fn grow(&mut self, by: usize) {
        self.before = self.limit;
        self.limit = (self.limit + by).min(self.most);
    }

    fn slow_down(&mut self, now: Instant) {
        // One storm of refusals is one request to slow down.
        if self
            .quiet_until
            .is_some_and(|until| now + QUIET < until + QUIET / 2)
        {
            return;
        }
        self.limit = (self.limit / 2).max(LEAST.min(self.most));
        (self.before, self.young, self.hold) = (self.limit, false, HOLD);
        self.quiet_until = Some(now + QUIET);
        self.window = Window::new(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store behind a line: so long there and back, so many bytes a second, and so many requests
    /// that it works on at once; more than `storm` of them and it refuses.
    struct Far {
        latency: Duration,
        width: f64,
        hands: usize,
        storm: usize,
    }

    impl Far {
        /// Files of one size, for some seconds; says how many there may be at once in the end, and how
        /// many bytes got through each second.
        async fn carry(&self, pace: &Pace, size: u64, seconds: u64) -> (usize, f64) {
            let (line, hands) = (Mutex::new(Instant::now()), Semaphore::new(self.hands));
            let (done, under_way) = (Mutex::new(0u64), Mutex::new(0usize));
            let end = Instant::now() + Duration::from_secs(seconds);
            let one = async || {
                while Instant::now() < end {
                    let permit = pace.permit().await;
                    let crowd = {
                        let mut count = under_way.lock().unwrap();
                        *count += 1;
                        *count
                    };
                    let arrives = {
                        let mut free = line.lock().unwrap();
                        let takes = Duration::from_secs_f64(size as f64 / self.width);
                        *free = (*free).max(Instant::now()) + takes;
                        *free
                    };
                    tokio::time::sleep_until(arrives + self.latency).await;
                    let hand = hands.acquire().await.unwrap();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    drop(hand);
                    *under_way.lock().unwrap() -= 1;
                    if crowd > self.storm {
                        pace.slow_down();
                    } else {
                        pace.moved(size);
                        *done.lock().unwrap() += size;
                    }
                    drop(permit);
                }
            };
            futures::future::join_all((0..128).map(|_| one())).await;
            let through = *done.lock().unwrap() as f64 / seconds as f64;
            (pace.state().limit, through)
        }
    }

    fn far(millis: u64, megabits: f64) -> Far {
        Far {
            latency: Duration::from_millis(millis),
            width: megabits * 1e6 / 8.0,
            hands: 1000,
            storm: 1000,
        }
    }

    // Promise: A store gets as many requests at once as bring something: more while more comes through,
    // and half as many when it asks to slow down.
    #[tokio::test(start_paused = true)]
    async fn small_files_over_a_long_line_need_many_at_once() {
        let pace = Pace::new(128);
        let (limit, through) = far(40, 200.0).carry(&pace, 16 << 10, 5).await;
        assert!(limit >= 64, "{limit} at once");
        assert!(through > 0.85 * 25e6, "{through} bytes a second");
    }

    #[tokio::test(start_paused = true)]
    async fn large_parts_on_a_narrow_line_need_few() {
        let pace = Pace::new(128);
        let (limit, through) = far(10, 50.0).carry(&pace, 1 << 20, 60).await;
        assert!(limit <= 48, "{limit} at once");
        assert!(through > 0.9 * 50e6 / 8.0, "{through} bytes a second");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_works_on_few_at_once_is_not_drowned() {
        let pace = Pace::new(128);
        let store = Far {
            hands: 4,
            ..far(1, 10_000.0)
        };
        let (limit, through) = store.carry(&pace, 16 << 10, 20).await;
        assert!(limit <= 48, "{limit} at once");
        assert!(through > 0.8 * 4000.0 * f64::from(16 << 10), "{through}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_refuses_gets_less_and_never_nothing() {
        let pace = Pace::new(128);
        let store = Far {
            storm: 20,
            ..far(20, 10_000.0)
        };
        let (limit, through) = store.carry(&pace, 16 << 10, 60).await;
        assert!((LEAST..=40).contains(&limit), "{limit} at once");
        assert!(through > 1e6, "{through}");

        let nobody = Far { storm: 0, ..store };
        let pace = Pace::new(128);
        let (limit, _) = nobody.carry(&pace, 16 << 10, 60).await;
        assert_eq!(limit, LEAST);
    }

    #[tokio::test(start_paused = true)]
    async fn half_as_many_when_the_store_asks() {
        let pace = Pace::new(128);
        far(40, 200.0).carry(&pace, 16 << 10, 2).await;
        let before = pace.state().limit;
        // A storm of refusals is one request to slow down.
        for _ in 0..before {
            pace.slow_down();
        }
        assert_eq!(pace.state().limit, before / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_allowed_and_all_come_back() {
        let pace = Pace::new(3);
        far(5, 1000.0).carry(&pace, 1 << 10, 5).await;
        assert_eq!(pace.state().limit, 3);
        let all = [
            pace.permit().await,
            pace.permit().await,
            pace.permit().await,
        ];
        assert_eq!(pace.0.permits.available_permits(), 0);
        drop(all);
        assert_eq!(pace.0.permits.available_permits(), 3);
    }
}
