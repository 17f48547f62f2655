//! S3, as real stores speak it.
//!
//! [`ObjectStore`] is what the rest of Wherry sees; [`S3Store`] is the one that talks to a server.
//! Wrappers (limits, faults, dry runs) implement the same trait. Stores differ by the data in
//! [`wherry_account::Quirks`], never by name.

mod api;
mod error;

pub use api::{
    BucketInfo, Body, CompletedPart, ContentCheck, CopyRequest, DeleteOutcome, GetRequest, GetResponse, ListPage,
    ListRequest, ObjectHead, ObjectInfo, ObjectStore, PutOutcome, PutRequest, UploadId, UploadInfo,
    UploadPartRequest,
};
pub use error::{ErrorKind, StoreError};
