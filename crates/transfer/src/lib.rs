//! Moving data so that none is lost: plan → run → verify → receipt.
//!
//! [`plan`] finds out what will happen and what is in the way; it only reads. [`run`] does it, within
//! fixed bounds of memory and requests, and checks every file against what the store says before it
//! counts as arrived. A [`Receipt`] says what arrived and how that is known.
//!
//! ```no_run
//! # async fn example(store: std::sync::Arc<dyn wherry_store::ObjectStore>) -> Result<(), Box<dyn std::error::Error>> {
//! use wherry_transfer::{Choices, Job, OnConflict, Settings, UploadPlan, UploadRequest, Watch};
//! let request = UploadRequest {
//!     bucket: "thesis".into(),
//!     prefix: "data/".into(),
//!     sources: vec![std::path::PathBuf::from("/home/me/results").into()],
//!     with_litter: false,
//!     empty_folders: false,
//!     look_there: true,
//! };
//! let plan = UploadPlan::make(&store, request, &Watch::default()).await?;
//! println!("{} files, {} bytes, {} exist already", plan.items.len(), plan.bytes, plan.conflicts.len());
//! let job = Job::upload(store, plan, &Choices::all(OnConflict::Skip), Settings::default()).await?;
//! println!("{:?}", job.wait().await.state);
//! # Ok(())
//! # }
//! ```

mod clock;
mod crc;
pub mod elsewhere;
mod error;
pub mod journal;
mod litter;
pub mod names;
mod parts;
pub mod plan;
pub mod receipt;
mod retry;
pub mod run;
mod verify;

pub use clock::{Clock, SystemClock};
pub use crc::Crc;
pub use error::{Blocked, FileError, PlanError};
pub use journal::Journal;
pub use litter::{is_litter, is_litter_folder};
pub use parts::{Cut, cut};
pub use plan::{
    Choices, Compare, Conflict, CopyPlan, CopyRequest, DeletePlan, DownloadPlan, DownloadRequest,
    DownloadSource, ErasePlan, Filter, FilterSpec, LeftOut, Moves, Note, NoteKind, OnConflict,
    PatternError, Removals, SyncCounts, SyncEnd, SyncOptions, SyncPlan, UploadPlan, UploadRequest,
    UploadSource, Watch, Withheld,
};
pub use receipt::{End, Proof, Receipt};
pub use retry::Backoff;
pub use run::disk::{Disk, SystemDisk};
pub use run::{
    CopySource, FileRow, FileState, Job, JobSnapshot, JobState, ReceiptSink, ResumeError, Settings,
};
pub use verify::{Md5Sum, Sum};
