//! The practice store: a real S3 server inside this process, for somebody who has no key yet.
//!
//! Its data is a folder of plain files: `FOLDER/BUCKET/a/b.txt` is the object `a/b.txt`, and a file
//! put there with a file manager is an object too. Everything else it must remember is in
//! `FOLDER/.wherry`. It listens on 127.0.0.1 only and checks every signature.
//!
//! The protocol is s3s's; the shelf behind it is our own. The one that comes with s3s keeps
//! neither the promises that Wherry tests (a bucket with objects is not deleted, a damaged upload
//! replaces nothing, `a` beside `a/b`, keys of 1,024 bytes, keys with `..` that stay inside) nor a
//! list of unfinished uploads.
//!
//! It knows no versions, policies, tags or access lists, and answers `NotImplemented` there.

mod error;
mod key;
mod layout;
mod listing;
mod protocol;
mod receive;
mod server;
mod shelf;
mod uploads;

pub use error::PracticeError;
pub use key::PracticeKey;
pub use server::Practice;
