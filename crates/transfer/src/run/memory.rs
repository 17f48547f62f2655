//! How many bytes of file contents a job holds at once.

use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A semaphore counts to 2^61, but takes 2^32 at once.
const GRAIN: u64 = 4096;

/// All that there is. Whoever has waited longest gets what is given back.
pub struct Budget {
    free: Arc<Semaphore>,
    grains: u32,
    /// Who waits for some.
    wanted: AtomicUsize,
    lenders: Mutex<Vec<Weak<dyn Lender>>>,
}

/// Has taken more than it needs just now, for as long as nobody else needs it.
pub trait Lender: Send + Sync {
    fn spare(&self) -> Memory;
}

/// A right to hold some bytes; given back when dropped.
#[derive(Default)]
pub struct Memory(Option<OwnedSemaphorePermit>);

impl Budget {
    pub fn new(bytes: u64) -> Self {
        let grains = u32::try_from(bytes / GRAIN).unwrap_or(u32::MAX).max(1);
        Self {
            free: Arc::new(Semaphore::new(grains as usize)),
            grains,
            wanted: AtomicUsize::new(0),
            lenders: Mutex::default(),
        }
    }

    /// Waits until so many bytes may be held. More than there is in all means all there is.
    pub async fn wait(&self, bytes: u64) -> Memory {
        let grains = u32::try_from(bytes.div_ceil(GRAIN))
            .unwrap_or(u32::MAX)
            .clamp(1, self.grains);
        let _waiting = Waiting::new(&self.wanted);
        let free = Arc::clone(&self.free).acquire_many_owned(grains);
        tokio::pin!(free);
        // First in the row, then asking for more: else somebody else takes what is given back.
        let held = tokio::select! {
            biased;
            held = &mut free => held,
            () = ready(()) => {
                self.ask_lenders();
                free.await
            }
        };
        // Never closed.
        Memory(held.ok())
    }

    /// The same, if it can be had at once. Never more than there is in all.
    pub fn now(&self, bytes: u64) -> Option<Memory> {
        let grains = u32::try_from(bytes.div_ceil(GRAIN)).ok()?;
        let held = Arc::clone(&self.free).try_acquire_many_owned(grains);
        held.ok().map(|held| Memory(Some(held)))
    }

    /// Whether somebody waits for memory.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Relaxed) > 0
    }

    /// Is asked when somebody begins to wait, for as long as it lives.
    pub fn lent_to(&self, lender: &Arc<impl Lender + 'static>) {
        let lender = Arc::downgrade(lender);
        let mut lenders = self.lenders();
        lenders.retain(|lender| lender.strong_count() > 0);
        lenders.push(lender);
    }

    fn ask_lenders(&self) {
        let there: Vec<_> = self.lenders().iter().filter_map(Weak::upgrade).collect();
        for lender in there {
            drop(lender.spare());
        }
    }

    fn lenders(&self) -> MutexGuard<'_, Vec<Weak<dyn Lender>>> {
        self.lenders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    pub fn join(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(all), Some(more)) => all.merge(more),
            (none, more) => *none = more,
        }
    }

    /// The right to hold so many of them, as far as there are so many.
    pub fn split(&mut self, bytes: u64) -> Self {
        let Some(all) = &mut self.0 else {
            return Self(None);
        };
        let grains = usize::try_from(bytes / GRAIN).unwrap_or(usize::MAX);
        Self(all.split(grains.min(all.num_permits())))
    }
}

/// Counts somebody as long as they wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(30);
    const ALL: u64 = 64 * GRAIN;

    struct Hoard(Mutex<Memory>);

    impl Lender for Hoard {
        fn spare(&self) -> Memory {
            self.0.lock().unwrap().split(ALL)
        }
    }

    #[tokio::test]
    async fn what_is_lent_comes_back_when_somebody_begins_to_wait() {
        let budget = Budget::new(ALL);
        let hoard = Arc::new(Hoard(Mutex::new(budget.now(ALL).unwrap())));
        budget.lent_to(&hoard);
        let some = timeout(SOON, budget.wait(ALL / 2)).await.unwrap();
        assert!(!budget.is_wanted());
        drop((some, hoard));
        drop(timeout(SOON, budget.wait(ALL * 2)).await.unwrap());
        assert!(budget.now(ALL).is_some());
    }
}
