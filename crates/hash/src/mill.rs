//! Where the streams of all threads wait to be hashed side by side.
//!
//! There is no thread for it. What is to be hashed is put down here; when there is enough of nearly
//! all streams, or of as many as there are lanes, whoever came last hashes a stretch of them all.
//! Whoever cannot wait hashes a stretch of their own with as many others as have something there.
//! So the lanes are full as long as there are streams enough, nobody is woken up for a few bytes,
//! and as many threads hash at once as have full lanes.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use bytes::Bytes;

use super::lanes::{LANES, Lanes};
use super::{BLOCK, State, one_by_one};

/// Of a stream with so much, a stretch is worth while.
const RIPE: usize = 128 << 10;

/// More than this of one stream is not kept waiting, as it takes memory.
const FULL: usize = 1 << 20;

/// Hashed of each stream before looking who else is there. Whole blocks.
const STRETCH: usize = 256 << 10;

/// From so many streams on, lanes are quicker than one after the other.
const WORTH_LANES: usize = 2;

/// `None` where the processor has no lanes.
static MILL: LazyLock<Option<Mill>> = LazyLock::new(|| {
    Some(Mill {
        lanes: Lanes::of_this_computer()?,
        yard: Mutex::default(),
    })
});

struct Mill {
    lanes: Lanes,
    yard: Mutex<Yard>,
}

#[derive(Default)]
struct Yard {
    sacks: Vec<Sack>,
    next: u64,
    /// Threads that hash just now.
    at_work: usize,
}

/// What waits of a stream.
struct Sack {
    number: u64,
    state: State,
    /// Whole blocks.
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// A stretch of it is being hashed.
    at_work: bool,
    /// Sleeps until no more than so many bytes wait.
    waiter: Option<(Thread, usize)>,
}

/// A stretch of a stream.
struct Grist {
    number: u64,
    state: State,
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

/// A stream's place among those that wait. When it is dropped, what waits is not hashed any more.
pub struct Place {
    mill: &'static Mill,
    number: u64,
}

impl Place {
    /// `None` where everybody hashes for themselves.
    pub fn new(state: State) -> Option<Self> {
        let mill = MILL.as_ref()?;
        let mut yard = mill.enter();
        yard.next += 1;
        let number = yard.next;
        yard.sacks.push(Sack {
            number,
            state,
            pieces: VecDeque::new(),
            bytes: 0,
            at_work: false,
            waiter: None,
        });
        drop(yard);
        Some(Self { mill, number })
    }

    /// Puts whole blocks down. Blocks only while too much waits, or somebody has to hash.
    pub fn put(&self, pieces: Vec<Bytes>) {
        let mut yard = self.mill.enter();
        if let Some(sack) = yard.sack(self.number) {
            for piece in pieces {
                sack.bytes += piece.len();
                sack.pieces.push_back(piece);
            }
            if sack.bytes > FULL {
                return self.work_down(yard, FULL);
            }
        }
        if let Some(grist) = yard.ripe() {
            self.mill.grind(yard, grist).wake_next();
        }
    }

    /// Blocks until all that was put down is hashed.
    pub fn settle(&self) -> State {
        self.work_down(self.mill.enter(), 0);
        let mut yard = self.mill.enter();
        // There as long as this is.
        yard.sack(self.number)
            .map(|sack| sack.state)
            .unwrap_or_default()
    }

    /// Hashes, or waits for who hashes, until no more than so many bytes of this stream wait.
    fn work_down(&self, mut yard: MutexGuard<'_, Yard>, most: usize) {
        loop {
            let Some(sack) = yard.sack(self.number) else {
                return;
            };
            sack.waiter = None;
            if sack.bytes <= most {
                yard.wake_next();
                return;
            }
            // Beside somebody who hashes nearly all there is, one would hash alone.
            if sack.at_work || yard.is_busy() {
                if let Some(sack) = yard.sack(self.number) {
                    sack.waiter = Some((std::thread::current(), most));
                }
                drop(yard);
                std::thread::park();
                yard = self.mill.enter();
            } else {
                let grist = yard.with(self.number);
                yard = self.mill.grind(yard, grist);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut yard = self.mill.enter();
        let number = self.number;
        if let Some(at) = yard.sacks.iter().position(|sack| sack.number == number) {
            yard.sacks.swap_remove(at);
        }
    }
}

impl Yard {
    fn sack(&mut self, number: u64) -> Option<&mut Sack> {
        self.sacks.iter_mut().find(|sack| sack.number == number)
    }

    /// Somebody hashes, and what they have left would not fill the lanes.
    fn is_busy(&self) -> bool {
        let there = |sack: &&Sack| !sack.at_work && sack.bytes > 0;
        self.at_work > 0 && self.sacks.iter().filter(there).count() < LANES
    }

    /// Stretches for the lanes, if there is enough.
    fn ripe(&mut self) -> Option<Vec<Grist>> {
        let is_ripe = |sack: &&Sack| !sack.at_work && sack.bytes >= RIPE;
        let ripe = self.sacks.iter().filter(is_ripe);
        let enough = (self.sacks.len() * 3).div_ceil(4).min(LANES);
        let (count, least) = ripe.fold((0, usize::MAX), |(count, least), sack| {
            (count + 1, least.min(sack.bytes))
        });
        (count >= enough && !self.is_busy()).then(|| self.stretches(None, least))
    }

    /// A stretch of one stream, and of others beside it.
    fn with(&mut self, number: u64) -> Vec<Grist> {
        let length = self.sack(number).map_or(0, |sack| sack.bytes);
        self.stretches(Some(number), length)
    }

    /// Of as many streams as there are lanes: of this one, and of those that have the most.
    fn stretches(&mut self, first: Option<u64>, length: usize) -> Vec<Grist> {
        let free = |sack: &&mut Sack| !sack.at_work && sack.bytes > 0;
        let mut there: Vec<&mut Sack> = self.sacks.iter_mut().filter(free).collect();
        there.sort_unstable_by_key(|sack| {
            (Some(sack.number) != first, std::cmp::Reverse(sack.bytes))
        });
        let there = there.into_iter().take(LANES);
        there.map(|sack| sack.cut(length.min(STRETCH))).collect()
    }

    /// One of those who sleep though nobody hashes their stream. It will look for the next.
    fn wake_next(&self) {
        let forgotten = |sack: &&Sack| !sack.at_work && sack.waiter.is_some();
        if let Some((thread, _)) = self
            .sacks
            .iter()
            .find(forgotten)
            .and_then(|sack| sack.waiter.as_ref())
        {
            thread.unpark();
        }
    }
}

impl Sack {
    fn cut(&mut self, most: usize) -> Grist {
        let (mut pieces, mut bytes) = (VecDeque::new(), 0);
        while bytes < most
            && let Some(mut piece) = self.pieces.pop_front()
        {
            if piece.len() > most - bytes {
                self.pieces.push_front(piece.split_off(most - bytes));
            }
            bytes += piece.len();
            pieces.push_back(piece);
        }
        self.at_work = true;
        Grist {
            number: self.number,
            state: self.state,
            pieces,
            bytes,
        }
    }
}

impl Mill {
    fn enter(&self) -> MutexGuard<'_, Yard> {
        self.yard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grind<'m>(
        &'m self,
        mut yard: MutexGuard<'m, Yard>,
        mut grist: Vec<Grist>,
    ) -> MutexGuard<'m, Yard> {
        yard.at_work += 1;
        drop(yard);
        hash(self.lanes, &mut grist);
        let mut yard = self.enter();
        yard.at_work -= 1;
        for ground in grist {
            // Gone where a transfer was given up.
            let Some(sack) = yard.sack(ground.number) else {
                continue;
            };
            sack.state = ground.state;
            sack.bytes -= ground.bytes;
            sack.at_work = false;
            if let Some((thread, most)) = &sack.waiter
                && sack.bytes <= *most
            {
                thread.unpark();
            }
        }
        yard
    }
}

/// All of it. Who has less than others leaves their lane empty.
fn hash(lanes: Lanes, grist: &mut [Grist]) {
    loop {
        let mut at_work: Vec<&mut Grist> = grist
            .iter_mut()
            .filter(|grist| !grist.pieces.is_empty())
            .collect();
        let fronts = at_work.iter().filter_map(|grist| grist.pieces.front());
        let Some(length) = fronts.map(Bytes::len).min() else {
            return;
        };
        if at_work.len() < WORTH_LANES {
            for grist in at_work {
                for piece in std::mem::take(&mut grist.pieces) {
                    grist.state = one_by_one(grist.state, &piece);
                }
            }
            return;
        }
        let mut states = [State::default(); LANES];
        let mut taken: [Bytes; LANES] = Default::default();
        for (lane, grist) in at_work.iter_mut().enumerate() {
            states[lane] = grist.state;
            if let Some(piece) = grist.pieces.front_mut() {
                taken[lane] = piece.split_to(length);
                if piece.is_empty() {
                    grist.pieces.pop_front();
                }
            }
        }
        let data: [&[u8]; LANES] = std::array::from_fn(|lane| &*taken[lane]);
        lanes.compress(at_work.len(), &mut states, &data, length / BLOCK);
        for (grist, state) in at_work.into_iter().zip(states) {
            grist.state = state;
        }
    }
}
