//! What can be asked of the store, and what can go wrong with it.

use std::time::Duration;

use super::{ErrorKind, StoreError, error};

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    List,
    Head,
    Get,
    Put,
    Copy,
    CopyPart,
    Delete,
    CreateUpload,
    Part,
    Complete,
    Abort,
    ListParts,
    ListUploads,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub op: Op,
    pub key: String,
    /// Part number, or the first byte of a range.
    pub at: u64,
    /// How many of this operation came before, whatever the key.
    pub before: u64,
    /// How many of exactly this one came before.
    pub again: u64,
}

pub enum Fault {
    Fail(ErrorKind),
    /// Does it, and then says that it failed.
    LoseAnswer(ErrorKind),
    /// Only so many bytes come, and then the connection breaks.
    CutBody(usize),
    /// The body ends early without an error.
    ShortBody(usize),
    LongBody,
    /// One bit of what is sent or stored is turned.
    TurnBit,
    Wait(Duration),
}

pub type Rule = Box<dyn Fn(&Call) -> Option<Fault> + Send + Sync>;

pub fn name(op: Op) -> &'static str {
    match op {
        Op::List => "list",
        Op::Head => "head",
        Op::Get => "get",
        Op::Put => "put",
        Op::Copy => "copy",
        Op::CopyPart => "copy part",
        Op::Delete => "delete",
        Op::CreateUpload => "create",
        Op::Part => "part",
        Op::Complete => "complete",
        Op::Abort => "abort",
        Op::ListParts => "list-parts",
        Op::ListUploads => "list-uploads",
    }
}

pub fn lost(fault: Option<&Fault>) -> Result<(), StoreError> {
    match fault {
        Some(Fault::LoseAnswer(kind)) => Err(error(*kind)),
        _ => Ok(()),
    }
}
