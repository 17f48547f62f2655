//! Stand-ins for the portals that make keys, for tests: nobody may call the real ones, and most need an account.
//!
//! Each is built from what its original was seen to do when it was run, oddities included, and refuses what
//! the original refuses: a client that gets on with a double gets on with the original. The S3 store behind
//! a double is real ([`Backing`]), so that a key made at a double opens something.
//!
//! A double listens on a free port of loopback, in a thread of its own, until it is dropped. What it was asked
//! is in [`Serving::asked`], and [`Fault`]s make it break at the point a test is about. The binary of this
//! crate starts one for tests in other languages.

mod backing;
mod bearers;
mod cray;
mod fault;
mod glass;
mod jasmin;
mod minio;
mod s3_keys_manager;
mod serving;
mod store_front;
mod swarm;
mod tokens;
mod weir;

pub use backing::{Backing, Gateway};
pub use bearers::Bearers;
pub use cray::{Cray, Lent, Trouble};
pub use fault::Fault;
pub use glass::magnified;
pub use jasmin::{Jasmin, JasminOptions};
pub use minio::MinioLdap;
pub use s3_keys_manager::{Credential, Propagation, ResetAnswer, S3KeysManager};
pub use serving::{Asked, Serving, Tls};
pub use store_front::Full;
pub use swarm::Swarm;
pub use tokens::{Person, Tenancy, Token, Tokens};
pub use weir::{Fate, Passing, Weir, answer};
