//! What decides everything that is left to chance in one run of the simulation, the moment at which
//! the plug is pulled included. One seed, one course of events.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;
use tokio::time::Instant;
use wherry_transfer::Clock;

pub struct Fate {
    inside: Mutex<Inside>,
    crash: Notify,
    /// What a crash does to what is not part of the simulation.
    last_will: Mutex<Option<Will>>,
    /// Print every step: for looking at one seed.
    aloud: bool,
}

type Will = Box<dyn FnOnce() + Send>;

struct Inside {
    dice: StdRng,
    steps: u64,
    crash_at: Option<u64>,
    /// Who wants to know of a step.
    awaited: Option<(u64, Arc<Notify>)>,
    crashed: bool,
    /// Of all steps and their times: two runs of one seed must come to the same.
    trace: DefaultHasher,
    /// When this life of the process began, by the world's clock and by the runtime's.
    began: (DateTime<Utc>, Option<Instant>),
}

/// When the world begins.
fn beginning() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("a time of this century")
}

impl Fate {
    pub fn new(seed: u64, aloud: bool) -> Self {
        Self {
            inside: Mutex::new(Inside {
                dice: StdRng::seed_from_u64(seed),
                steps: 0,
                crash_at: None,
                awaited: None,
                crashed: false,
                trace: DefaultHasher::new(),
                began: (beginning(), None),
            }),
            crash: Notify::new(),
            last_will: Mutex::default(),
            aloud,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new life of the process, in a runtime of its own, some time after the last one.
    pub fn begin_life(&self, crash_in: Option<u64>, on_crash: Option<Will>) {
        *self
            .last_will
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = on_crash;
        let now = self.now();
        let mut inside = self.lock();
        let away = Duration::from_millis(inside.dice.random_range(1..100_000));
        inside.began = (now + away, Some(Instant::now()));
        inside.crashed = false;
        inside.crash_at = crash_in.map(|steps| inside.steps + steps);
        inside.awaited = None;
    }

    /// To be called in the life's runtime, before that is dropped.
    pub fn end_life(&self) {
        *self
            .last_will
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        let now = self.now();
        let mut inside = self.lock();
        inside.began = (now, None);
        inside.crashed = true;
    }

    /// Something is about to happen, or just has: a moment at which everything may end.
    pub async fn step(&self, what: String) {
        self.note(&what);
        self.live().await;
    }

    /// Nobody does anything after a crash.
    async fn live(&self) {
        if self.crashed() {
            std::future::pending::<()>().await;
        }
    }

    fn tell(&self, what: &str) -> bool {
        let now = self.now();
        let mut inside = self.lock();
        inside.steps += 1;
        let mut line = String::new();
        let _ = write!(line, "{} {what}", now.timestamp_millis());
        line.hash(&mut inside.trace);
        if self.aloud {
            println!("{:>5} {line}", inside.steps);
        }
        if let Some((at, reached)) = &inside.awaited
            && inside.steps >= *at
        {
            reached.notify_one();
        }
        if !inside.crashed && inside.crash_at.is_some_and(|at| inside.steps >= at) {
            inside.crashed = true;
            if self.aloud {
                println!("      --- crash ---");
            }
            return true;
        }
        false
    }

    /// For what is worth seeing and is no moment to crash at.
    pub fn note(&self, what: &str) {
        if self.tell(what) {
            let will = self
                .last_will
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(will) = will {
                will();
            }
            self.crash.notify_one();
        }
    }

    /// Returns when the plug has been pulled.
    pub async fn crash(&self) {
        self.crash.notified().await;
    }

    /// Returns after so many steps, in the middle of whatever is going on then.
    pub async fn steps(&self, count: u64) {
        let reached = Arc::new(Notify::new());
        {
            let mut inside = self.lock();
            inside.awaited = Some((inside.steps + count, Arc::clone(&reached)));
        }
        reached.notified().await;
    }

    /// Nothing that is dropped now may clean up behind itself.
    pub fn crashed(&self) -> bool {
        self.lock().crashed
    }

    pub fn trace(&self) -> u64 {
        self.lock().trace.finish()
    }

    pub fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && self.lock().dice.random_bool(probability)
    }

    pub fn between(&self, from: u64, below: u64) -> u64 {
        self.lock().dice.random_range(from..below.max(from + 1))
    }

    pub fn one_of<T: Copy>(&self, all: &[T]) -> T {
        *all.choose(&mut self.lock().dice).expect("a choice")
    }

    pub async fn wait(&self, most_millis: u64) {
        let millis = self.between(0, most_millis + 1);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        self.live().await;
    }

    /// Content that differs from all other.
    pub fn bytes(&self, length: u64) -> Vec<u8> {
        let mut state: u64 = self.lock().dice.random();
        let mut bytes = Vec::with_capacity(length as usize + 8);
        while (bytes.len() as u64) < length {
            // SplitMix64: there are many bytes, and the dice are slow.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
        }
        bytes.truncate(length as usize);
        bytes
    }
}

impl Clock for Fate {
    fn now(&self) -> DateTime<Utc> {
        let (began, instant) = self.lock().began;
        began + instant.map_or(Duration::ZERO, |i| i.elapsed())
    }

    fn since_start(&self) -> Duration {
        (self.now() - beginning()).to_std().unwrap_or_default()
    }
}
