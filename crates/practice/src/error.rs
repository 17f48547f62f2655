//! Why the practice store could not be started.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    #[error("the practice store's folder {} cannot be used: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("the practice store found no free port on this computer: {0}")]
    Port(io::Error),
}
