//! One room per command.

pub mod account;
pub mod buckets;
pub mod cp;
pub mod keys;
pub mod ls;
pub mod rm;
