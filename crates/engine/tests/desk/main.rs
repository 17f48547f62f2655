//! The engine by its commands, as the window gives them: against real servers, against the practice
//! store, and against listeners that only hear what is sent.
//!
//! One program, as linking costs more than running.

mod bags;
mod bench;
mod damaged;
mod exposure;
mod faults;
mod hand_over;
mod keys;
mod lent;
mod mistakes;
mod proofs;
mod queue;
mod rotation;
mod seat;
mod secrets;
mod semantics;
mod syncs;
mod unfinished;
