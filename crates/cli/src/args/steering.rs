//! What is said on the command line about transfers that were made.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum TransfersCommand {
    /// List what waits, runs, was cut off, or has ended
    List {
        /// Transfers that have ended, the last ones first
        #[arg(long, default_value_t = 20, value_name = "NUMBER")]
        ended: usize,

        /// Only those with this in their title
        #[arg(long, default_value = "", value_name = "TEXT")]
        search: String,
    },
    /// Go on with what was cut off or paused; or try again what failed of one transfer
    Resume {
        /// The transfer's id, or the beginning of it
        id: Option<String>,
    },
    /// Forget the transfers that have ended, with their receipts
    Clear {
        /// Only this one: its id, or the beginning of it
        id: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --local, the objects are looked at: an ETag that is the hash of the bytes is proof enough, all
else is read. The store is that of the account whose address the receipt names, unless a place says so.
With --local, the files are read, on this computer or where --moved says they are now.")]
pub struct Verify {
    /// A receipt saved as JSON: by `cp --receipt`, or by the window
    pub receipt: PathBuf,

    /// Whose objects: ACCOUNT: for all, ACCOUNT:bucket/folder/ for those; s3:// places too
    pub place: Option<String>,

    /// Fetch the objects and read every byte, whatever the store says of them
    #[arg(long, conflicts_with = "local")]
    pub read: bool,

    /// Check the files on this computer instead of the objects
    #[arg(long)]
    pub local: bool,

    /// The files that were below FROM are below TO now
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], requires = "local")]
    pub moved: Option<Vec<PathBuf>>,
}

#[derive(Debug, clap::Args)]
pub struct Clean {
    /// ACCOUNT:bucket or s3://bucket; with a folder, only uploads below it
    pub place: String,

    /// Leave alone what was begun more recently: 12h, 1d, 2w
    #[arg(long, default_value = "1d", value_name = "AGE")]
    pub older_than: String,

    /// Do not ask, not even on a terminal
    #[arg(long, short)]
    pub yes: bool,

    /// Say what would be cleaned up, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
