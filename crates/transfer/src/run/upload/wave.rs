//! Many parts hashed side by side in the memory of a few.
//!
//! A part is hashed before its first byte is sent, and held meanwhile. Hashing is quickest with many
//! parts at once, see [`wherry_hash`]. So they go like a wave: the first is nearly whole when the
//! last has hardly begun, and together they take about half of what they are. What the connection
//! has taken of a part makes room for those that come.
//!
//! The part that is ahead always finds room: nobody takes the room that it still needs, and what
//! is being sent gives its own back. When others wait for memory, they get what is not needed for
//! the parts under way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::error::FileError;
use crate::run::Shared;
use crate::run::disk::{Hashes, LocalFile};
use crate::run::memory::{Lender, Memory};

/// Read from the disk, and let go of by the connection, at a time.
pub const PIECE: u64 = 256 << 10;

/// Pieces that are worth a turn on another thread.
const STEP: usize = 4;

/// The parts of one file, and the memory they have together.
pub struct Wave {
    shared: Arc<Shared>,
    /// Bytes of a part.
    part: u64,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    memory: Memory,
    /// Pieces there may be in all, and those of them that nobody has.
    total: usize,
    free: usize,
    /// Those that are not wholly read yet, the first ahead.
    hashing: VecDeque<Hashing>,
}

struct Hashing {
    number: u32,
    have: usize,
    need: usize,
}

impl State {
    fn add(&mut self, memory: Memory, pieces: usize) {
        self.memory.join(memory);
        self.total += pieces;
        self.free += pieces;
    }

    /// Parts of so many pieces that may be hashed at once: half of them is held in the mean.
    fn width(&self, whole: usize) -> usize {
        (self.total / whole * 2).saturating_sub(1)
    }

    /// Pieces that a part may have now; enough to be worth it, or none.
    fn take(&mut self, number: u32, whole: usize) -> Option<usize> {
        let width = self.width(whole).max(1);
        let at = self.hashing.iter().position(|part| part.number == number)?;
        let ahead = self.hashing.front().map_or(0, |part| part.need - part.have);
        let part = &mut self.hashing[at];
        let missing = part.need - part.have;
        let most = match at {
            0 => self.free,
            _ => {
                let turn = whole * width.saturating_sub(at) / width;
                let free = self.free.saturating_sub(ahead);
                turn.saturating_sub(part.have).min(free)
            }
        };
        let pieces = most.min(missing);
        if pieces == 0 || pieces < STEP.min(missing) {
            return None;
        }
        part.have += pieces;
        self.free -= pieces;
        Some(pieces)
    }

    /// What the parts under way do not need.
    fn spare(&mut self) -> Memory {
        let needed: usize = self.hashing.iter().map(|part| part.need - part.have).sum();
        let spare = self.free.saturating_sub(needed);
        self.free -= spare;
        self.total -= spare;
        self.memory.split(spare as u64 * PIECE)
    }
}

impl Wave {
    /// Of parts of so many bytes.
    pub fn new(shared: &Arc<Shared>, part: u64) -> Arc<Self> {
        let wave = Arc::new(Self {
            shared: Arc::clone(shared),
            part,
            state: Mutex::default(),
            changed: Notify::new(),
        });
        shared.memory.lent_to(&wave);
        wave
    }

    /// Waits until another part may begin. They begin in the order in which they are asked for.
    pub async fn begin(self: &Arc<Self>, number: u32, length: u64) -> Turn {
        let need = pieces(length);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let room = {
                let mut state = self.state();
                while let Some(more) = self.shared.memory.now(self.bytes()) {
                    state.add(more, self.whole());
                }
                if state.hashing.len() < state.width(self.whole()) {
                    let have = 0;
                    state.hashing.push_back(Hashing { number, have, need });
                    let wave = Arc::clone(self);
                    return Turn {
                        number,
                        length,
                        share: Arc::new(Share { wave, number }),
                    };
                }
                state.total >= self.whole() || !state.hashing.is_empty()
            };
            if room {
                changed.await;
            } else {
                let more = self.shared.memory.wait(self.bytes()).await;
                self.state().add(more, self.whole());
            }
        }
    }

    fn whole(&self) -> usize {
        pieces(self.part)
    }

    /// Of a part, as it is counted here.
    fn bytes(&self) -> u64 {
        self.whole() as u64 * PIECE
    }

    async fn take(&self, number: u32) -> usize {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(pieces) = self.state().take(number, self.whole()) {
                return pieces;
            }
            changed.await;
        }
    }

    /// A piece is with nobody any more.
    fn let_go(&self) {
        let (step, spare) = {
            let mut state = self.state();
            state.free += 1;
            let spare = self.shared.memory.is_wanted().then(|| state.spare());
            (state.free.is_multiple_of(STEP), spare)
        };
        drop(spare);
        if step {
            self.changed.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lender for Wave {
    fn spare(&self) -> Memory {
        self.state().spare()
    }
}

fn pieces(bytes: u64) -> usize {
    bytes.div_ceil(PIECE).max(1) as usize
}

/// A part of the wave, from when it begins until it is there.
pub struct Turn {
    number: u32,
    length: u64,
    share: Arc<Share>,
}

impl Turn {
    /// Reads it as it finds room, with what has to be known of it before it is sent.
    pub async fn read(
        &self,
        source: &dyn LocalFile,
        offset: u64,
        hashes: Hashes,
    ) -> Result<(Vec<Bytes>, Hashes), FileError> {
        let (mut all, mut hashes, mut done) = (Vec::new(), hashes, 0);
        while done < self.length {
            let taken = self.share.wave.take(self.number).await;
            let mut room = Vec::with_capacity(taken);
            let mut to = done;
            for _ in 0..taken {
                let length = (self.length - to).min(PIECE);
                to += length;
                room.push(self.piece(length as usize, all.is_empty() && room.is_empty()));
            }
            let (pieces, so_far) = source.read_on(offset + done, room, hashes).await?;
            (hashes, done) = (so_far, to);
            all.extend(pieces);
        }
        self.share.wave.hashed(self.number);
        Ok((all, hashes))
    }

    fn piece(&self, length: usize, first: bool) -> Piece {
        let share = Arc::clone(&self.share);
        Piece {
            buffer: share.wave.shared.buffers.piece(length),
            first,
            share,
        }
    }
}

impl Wave {
    fn hashed(&self, number: u32) {
        self.state().hashing.retain(|part| part.number != number);
        self.changed.notify_waiters();
    }
}

/// What a part and its pieces have together. The part keeps the right to one piece to its end: it
/// takes as much when it is read again to be sent again.
struct Share {
    wave: Arc<Wave>,
    number: u32,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.wave.state();
        let at = state
            .hashing
            .iter()
            .position(|part| part.number == self.number);
        let given_up = at.and_then(|at| state.hashing.remove(at));
        drop(state);
        // One that was given up before it had read anything has nothing to give back.
        if given_up.is_none_or(|part| part.have > 0) {
            self.wave.let_go();
        }
        self.wave.changed.notify_waiters();
    }
}

/// Room for some of a part, then that of it.
pub struct Piece {
    buffer: Vec<u8>,
    first: bool,
    share: Arc<Share>,
}

impl Piece {
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// The memory goes home when the last clone is dropped.
    pub fn share(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let wave = &self.share.wave;
        wave.shared
            .buffers
            .piece_back(std::mem::take(&mut self.buffer));
        if !self.first {
            wave.let_go();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: usize = 32;

    fn state(parts: usize) -> State {
        let mut state = State::default();
        state.add(Memory::default(), parts * WHOLE);
        state
    }

    fn begin(state: &mut State, number: u32, need: usize) -> bool {
        let may = state.hashing.len() < state.width(WHOLE);
        if may {
            let have = 0;
            state.hashing.push_back(Hashing { number, have, need });
        }
        may
    }

    #[test]
    fn seven_parts_are_hashed_side_by_side_in_the_memory_of_four() {
        let mut state = state(4);
        assert!((0..7).all(|number| begin(&mut state, number, WHOLE)));
        assert!(!begin(&mut state, 7, WHOLE));
        for number in (0..7).rev() {
            while state.take(number, WHOLE).is_some() {}
        }
        let have: Vec<usize> = state.hashing.iter().map(|part| part.have).collect();
        assert_eq!(have, [32, 27, 22, 18, 13, 9, 4]);
    }

    #[test]
    fn what_is_not_needed_is_given_to_others() {
        let mut state = state(4);
        assert!(begin(&mut state, 0, WHOLE) && begin(&mut state, 1, 5));
        assert!(state.take(0, WHOLE).is_some());
        drop(state.spare());
        assert_eq!((state.total, state.free), (WHOLE + 5, 5));
        // And nothing new begins before there is room for all of it.
        assert!(!begin(&mut state, 2, WHOLE));
    }

    proptest! {
        /// Whatever comes when, somebody can go on: without that a transfer would hang.
        #[test]
        fn the_one_ahead_always_finds_room(
            parts in 1usize..6,
            last in 1usize..=WHOLE,
            events in prop::collection::vec((0u8..8, 0usize..8, 1usize..WHOLE), 0..400),
        ) {
            let mut state = state(parts);
            let (mut begun, mut sending) = (0, Vec::new());
            for (what, which, pieces) in events {
                match what {
                    0 | 1 => {
                        let need = if begun % 3 == 2 { last } else { WHOLE };
                        begun += u32::from(begin(&mut state, begun, need));
                    }
                    2..=5 if which < state.hashing.len() => {
                        let number = state.hashing[which].number;
                        state.take(number, WHOLE);
                        let part = &state.hashing[which];
                        if part.have == part.need {
                            sending.push(part.need);
                            state.hashing.remove(which);
                        }
                    }
                    6 if which < sending.len() => {
                        let gone = pieces.min(sending[which]);
                        state.free += gone;
                        sending[which] -= gone;
                    }
                    7 if which == 0 => drop(state.spare()),
                    _ => {}
                }
                let held: usize = state.hashing.iter().map(|part| part.have).sum();
                prop_assert_eq!(held + sending.iter().sum::<usize>() + state.free, state.total);
            }
            // All that was sent has arrived, and the rest goes one after the other.
            state.free += sending.iter().sum::<usize>();
            while let Some(first) = state.hashing.front() {
                let (number, need) = (first.number, first.need);
                if first.have < need {
                    prop_assert!(state.take(number, WHOLE).is_some(), "part {number} hangs");
                } else {
                    state.hashing.pop_front();
                    state.free += need;
                }
            }
        }
    }
}
