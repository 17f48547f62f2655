//! The few threads that write a file and hash what they wrote, for all of its ranges.
//!
//! A thread for every range would be woken for every piece that comes, only to wait for the others:
//! systems let one writer into a file at a time. Here work is put down; as many threads as are of
//! use take one thing after the other, and go when nothing is left.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

type Work = Box<dyn FnOnce() + Send>;

/// Half of the processor; the other half receives what they write.
static MOST: LazyLock<usize> = LazyLock::new(|| {
    available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .div_ceil(2)
});

#[derive(Default)]
pub struct Few(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    waiting: VecDeque<Work>,
    /// Threads.
    at_work: usize,
}

impl Few {
    /// `None` when the work panicked.
    pub async fn go<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let work = Box::new(move || {
            // Nobody is told where a transfer was given up.
            let _ = tell.send(work());
        });
        if self.put_down(work) {
            let few = Arc::clone(self);
            spawn_blocking(move || few.work_through());
        }
        told.await.ok()
    }

    /// Whether one more thread is to come.
    fn put_down(&self, work: Work) -> bool {
        let mut desk = self.lock();
        desk.waiting.push_back(work);
        let more = desk.at_work < *MOST;
        desk.at_work += usize::from(more);
        more
    }

    fn work_through(&self) {
        while let Some(work) = self.next() {
            // Who waits for it hears of that; the others' work goes on.
            let _ = catch_unwind(AssertUnwindSafe(work));
        }
    }

    fn next(&self) -> Option<Work> {
        let mut desk = self.lock();
        let next = desk.waiting.pop_front();
        desk.at_work -= usize::from(next.is_none());
        next
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn no_more_threads_than_are_of_use_do_all_of_it() {
        let (few, at_once) = (Arc::new(Few::default()), Arc::new(AtomicUsize::new(0)));
        let works = (0..200).map(|number| {
            let (few, at_once) = (Arc::clone(&few), Arc::clone(&at_once));
            async move {
                let work = move || {
                    let beside = at_once.fetch_add(1, SeqCst);
                    std::thread::yield_now();
                    at_once.fetch_sub(1, SeqCst);
                    (number, beside)
                };
                few.go(work).await.unwrap()
            }
        });
        for (at, (number, beside)) in join_all(works).await.into_iter().enumerate() {
            assert_eq!(at, number);
            assert!(beside < *MOST, "{beside} others");
        }
        assert_eq!(few.go(|| 7).await, Some(7), "it begins again");
    }

    #[tokio::test]
    async fn work_that_panics_stops_nobody_else() {
        let few = Arc::new(Few::default());
        for _ in 0..=*MOST {
            let nothing: Vec<u8> = Vec::new();
            assert_eq!(few.go(move || nothing[0]).await, None);
        }
        assert_eq!(few.go(|| 7).await, Some(7));
    }
}
