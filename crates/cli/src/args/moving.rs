//! What is moved, and what of it: the options of `sync` and `elsewhere`, and filters.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;

const PATTERNS: &str = "\
Patterns:
  *.tmp      at any depth; * and ? stand for no slash
  /raw/*.nc  at the top of the folder
  cache/     a folder, with all that is in it; so does cache, which may be a file too
  a/**/b     ** stands for any number of folders
  *.{jpg,png}, [a-z], [!0-9], and \\ before a character that is meant as it is
What --exclude fits is left out, whatever --include says; with an --include, only what one of them
fits is taken. Sizes are 500, 10k, 1.5M or 2G (of 1024); times are 2024-05-31, 2024-05-31T12:00Z, or how
long ago: 12h, 30d.";

/// Which files are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct FilterArgs {
    /// Take only what a pattern fits
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,

    /// Leave out what a pattern fits
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,

    /// Leave out what is smaller
    #[arg(long, value_name = "SIZE")]
    pub min_size: Option<String>,

    /// Leave out what is larger
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<String>,

    /// Leave out what was changed before
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// Leave out what was changed after
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Makes TO like FROM: what is new or changed is copied, what is the same is left alone, and what is only
at TO stays unless --delete is given. Both mean what is in them, with or without a slash at the end.

What counts as the same: a file and an object of one size, the object stored after the file was last
changed; a file that has its object's size and time; two objects of one size, the copy stored later.
--checksum reads files of equal size and compares them with the object's ETag instead.

Deletions are shown and asked about; a script needs --yes. They begin when everything else has arrived.

{PATTERNS}"))]
pub struct Sync {
    /// A folder, ACCOUNT:bucket/folder or s3://bucket/folder
    pub from: OsString,

    /// What is to become like it
    pub to: OsString,

    /// Delete what is only there
    #[arg(long)]
    pub delete: bool,

    /// Delete even when FROM is empty or could not be read completely
    #[arg(long, requires = "delete")]
    pub insist: bool,

    #[command(flatten)]
    pub compare: CompareArgs,

    /// Take .DS_Store, Thumbs.db, editor swap files and the like too
    #[arg(long)]
    pub with_litter: bool,

    /// Keep empty folders, as folder markers
    #[arg(long)]
    pub empty_folders: bool,

    #[command(flatten)]
    pub filter: FilterArgs,

    /// Save a receipt of what arrived as JSON, for `verify`
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub receipt: Option<PathBuf>,

    /// Receipts are to have the SHA-256 too: what was copied is read once more
    #[arg(long, conflicts_with = "dry_run")]
    pub sha256: bool,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask before deleting
    #[arg(long, short)]
    pub yes: bool,

    /// Understood, and no different: a sync takes all that is below
    #[arg(long, short, hide = true)]
    pub recursive: bool,
}

#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[group(multiple = false)]
pub struct CompareArgs {
    /// Read files of equal size and compare their checksums
    #[arg(long)]
    pub checksum: bool,

    /// Take files of equal size for the same
    #[arg(long)]
    pub size_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ToolArg {
    Rclone,
    S5cmd,
}

#[derive(Debug, clap::Args)]
#[command(after_help = format!("\
Prints a command that does on another computer what `cp -r` or `sync` (with --sync) would do here: with the
same store, the same filters, and no secret in it. What must be there first is said beside it.

{PATTERNS}"))]
pub struct Elsewhere {
    /// A path on the other computer, ACCOUNT:bucket/key or s3://bucket/key
    pub from: OsString,

    /// Where to
    pub to: OsString,

    /// The program that is to do it there
    #[arg(long, value_enum, default_value = "rclone")]
    pub tool: ToolArg,

    /// A batch script for a cluster that runs Slurm
    #[arg(long)]
    pub slurm: bool,

    /// Make TO like FROM, instead of copying
    #[arg(long)]
    pub sync: bool,

    /// With --sync: delete what is only at TO
    #[arg(long, requires = "sync")]
    pub delete: bool,

    #[command(flatten)]
    pub compare: CompareArgs,

    /// Leave alone what exists
    #[arg(long, short, conflicts_with = "sync")]
    pub no_clobber: bool,

    /// Take .DS_Store, Thumbs.db, editor swap files and the like too
    #[arg(long)]
    pub with_litter: bool,

    #[command(flatten)]
    pub filter: FilterArgs,
}
