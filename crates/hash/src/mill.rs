//! One thread that hashes for all: it takes what is waiting and works on up to eight streams at
//! once.
//!
//! Whoever has bytes to hash waits for them; meanwhile others come, and the busier a computer is,
//! the more of them there are to work on together. On a processor that cannot do several at once
//! everybody hashes for themselves.

#[cfg(not(target_arch = "x86_64"))]
pub fn grind(state: super::State, pieces: &[bytes::Bytes]) -> super::State {
    pieces
        .iter()
        .fold(state, |state, bytes| super::one_by_one(state, bytes))
}

#[cfg(target_arch = "x86_64")]
pub use x86::grind;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::collections::VecDeque;
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use bytes::Bytes;

    use super::super::lanes::{LANES, Lanes};
    use super::super::{BLOCK, State, one_by_one};

    /// Worked on before looking who else is waiting.
    const STRETCH: usize = 64 << 10;

    /// From so many streams on, eight lanes are quicker than one after the other.
    const WORTH_LANES: usize = 2;

    struct Grist {
        state: State,
        /// Whole blocks.
        pieces: VecDeque<Bytes>,
        reply: SyncSender<State>,
    }

    /// `None` where the processor has no lanes.
    static MILL: LazyLock<Option<Mutex<Sender<Grist>>>> = LazyLock::new(|| {
        let lanes = Lanes::of_this_computer()?;
        let (sender, waiting) = channel();
        let thread = std::thread::Builder::new().name("hashing".to_owned());
        thread.spawn(move || run(lanes, &waiting)).ok()?;
        Some(Mutex::new(sender))
    });

    /// Takes whole blocks into a state. Blocks.
    pub fn grind(state: State, pieces: &[Bytes]) -> State {
        let alone = |pieces: &[Bytes]| {
            pieces
                .iter()
                .fold(state, |state, bytes| one_by_one(state, bytes))
        };
        let Some(mill) = &*MILL else {
            return alone(pieces);
        };
        let (reply, done) = sync_channel(1);
        let grist = Grist {
            state,
            pieces: pieces.iter().cloned().collect(),
            reply,
        };
        let sent = mill
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(grist);
        match sent.ok().and_then(|()| done.recv().ok()) {
            Some(state) => state,
            None => alone(pieces),
        }
    }

    fn run(lanes: Lanes, waiting: &Receiver<Grist>) {
        let mut at_work: Vec<Grist> = Vec::with_capacity(LANES);
        loop {
            if at_work.is_empty() {
                match waiting.recv() {
                    Ok(grist) => at_work.push(grist),
                    Err(_) => return,
                }
            }
            while at_work.len() < LANES
                && let Ok(grist) = waiting.try_recv()
            {
                at_work.push(grist);
            }
            stretch(lanes, &mut at_work);
            at_work.retain_mut(|grist| {
                while grist.pieces.front().is_some_and(Bytes::is_empty) {
                    grist.pieces.pop_front();
                }
                let more = !grist.pieces.is_empty();
                if !more {
                    // Nobody waits for it where a transfer was given up.
                    let _ = grist.reply.send(grist.state);
                }
                more
            });
        }
    }

    /// As much of everybody's first piece as the shortest of them has.
    fn stretch(lanes: Lanes, at_work: &mut [Grist]) {
        let lengths = at_work
            .iter()
            .filter_map(|grist| grist.pieces.front().map(Bytes::len));
        let length = lengths.min().unwrap_or_default().min(STRETCH);
        if at_work.len() < WORTH_LANES {
            for grist in at_work {
                if let Some(piece) = grist.pieces.front_mut() {
                    grist.state = one_by_one(grist.state, &piece.split_to(length));
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
            }
        }
        let data: [&[u8]; LANES] = std::array::from_fn(|lane| &*taken[lane]);
        lanes.compress(&mut states, data, length / BLOCK);
        for (grist, state) in at_work.iter_mut().zip(states) {
            grist.state = state;
        }
    }
}
