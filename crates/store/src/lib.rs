//! S3, as real stores speak it.
//!
//! [`ObjectStore`] is what the rest of Wherry sees; [`S3Store`] is the one that talks to a server.
//! Wrappers (limits, faults, dry runs) implement the same trait. Stores differ by the data in
//! [`wherry_account::Quirks`], never by name.

mod address;
mod api;
mod body;
mod clock;
mod config;
mod error;
pub mod flat;
pub mod http;
mod key;
mod ops;
mod pieces;
mod presign;
mod probe;
pub mod progress;
mod refusal;
mod retry;
mod sign;
mod sign_v2;
mod store;
mod throttle;

pub use api::{
    Body, BucketInfo, CompletedPart, ContentCheck, CopyPartRequest, CopyRequest, DeleteOutcome,
    GetRequest, GetResponse, ListPage, ListRequest, Makeup, ObjectHead, ObjectInfo, ObjectStore,
    PutOutcome, PutRequest, UploadId, UploadInfo, UploadPartRequest,
};
pub use config::{Credentials, HttpSettings, Patience, S3Config};
pub use error::{ErrorKind, StoreError};
pub use key::{KeyLender, KeySource, LentKey};
pub use ops::{Usage, check_bucket_name};
pub use pieces::Pieces;
pub use presign::LONGEST_LINK;
pub use probe::{KeyVerdict, Probe};
pub use store::S3Store;
pub use throttle::{Rates, Throttle};
