//! One room per command.

pub mod account;
pub mod buckets;
pub mod clean;
pub mod copying;
pub mod cp;
pub mod elsewhere;
pub mod export;
pub mod import;
pub mod keys;
pub mod ls;
pub mod rm;
pub mod sign_in;
pub mod sync;
pub mod transfers;
pub mod verify;
