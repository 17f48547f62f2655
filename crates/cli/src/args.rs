//! The command line, as clap understands it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Parser, Subcommand, ValueEnum};

const AFTER: &str = "\
Places:
  ACCOUNT:bucket/key   in the store of an account (see `wherry-cli account`)
  s3://bucket/key      in the store at --endpoint, with the key in AWS_ACCESS_KEY_ID and
                       AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN, AWS_REGION, AWS_CA_BUNDLE and
                       AWS_ENDPOINT_URL count too); without a key, unsigned
  anything else        a file or folder on this computer (write ./a:b for a file named a:b)

Environment:
  WHERRY_HOME          keep accounts, settings and logs below this folder
  WHERRY_VAULT         where secrets are kept: keychain (the default), file or session
  WHERRY_VAULT_PASSPHRASE_FILE
                       for WHERRY_VAULT=file: a file whose first line is the passphrase

Exit codes:
  0  done
  1  some of it failed, or another error
  2  the command line is wrong
  3  an account, bucket, object or file that is not there
  4  refused: the key is unknown, wrong, expired, or may not do this
  5  the store or portal cannot be reached
  6  no room: the store's quota or this computer's disk is full
  7  the vault cannot be used, or has no secret for the account
  8  something is there already
  130  interrupted";

#[derive(Debug, Parser)]
#[command(name = "wherry-cli", version, about = "Keys, buckets and files in S3 stores", after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,

    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub json: bool,

    /// No progress, no remarks; only results and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// The store's address, for s3:// places and for `account add`
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,

    /// What requests are signed for
    #[arg(long, global = true)]
    pub region: Option<String>,

    /// How requests are signed
    #[arg(long, global = true, value_enum)]
    pub signing: Option<SigningArg>,

    /// How the bucket's name reaches the store
    #[arg(long, global = true, value_enum)]
    pub addressing: Option<AddressingArg>,

    /// A PEM file with the store's certificate authority, trusted beside the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// http://, https:// or socks5:// address of a proxy
    #[arg(long, global = true, value_name = "URL")]
    pub proxy: Option<String>,

    /// Read the account's secret from standard input: when adding it, or when the vault has none
    #[arg(long, global = true)]
    pub secret_stdin: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SigningArg {
    V4,
    V2,
    Anonymous,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AddressingArg {
    Path,
    VirtualHost,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add, list and remove accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// List, make and delete the keys of an account at its portal
    #[command(subcommand)]
    Keys(KeysCommand),
    /// List buckets, or what is in one
    Ls(Ls),
    /// Copy files and folders to, from and within a store
    Cp(Cp),
    /// Delete objects
    Rm(Rm),
    /// Make a bucket
    Mb(BucketArg),
    /// Remove an empty bucket
    Rb(BucketArg),
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Add an account: with a key you have, or with one made for you (--issuer)
    Add(Box<AccountAdd>),
    /// List the accounts
    List,
    /// Forget an account and its secret; the key itself stays where it was made
    Remove {
        /// The account's name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("key").args(["access_key_id", "issuer"]))]
pub struct AccountAdd {
    /// What to call it; places begin with it
    pub name: String,

    /// The kind of store: a preset such as `jasmin`, `wiit` or `other`
    #[arg(long, default_value = "other")]
    pub provider: String,

    /// Which of the provider's addresses, by its label
    #[arg(long, value_name = "LABEL")]
    pub place: Option<String>,

    /// A word the provider's address needs: `--field tenancy=mygroup`
    #[arg(long, value_name = "NAME=VALUE")]
    pub field: Vec<String>,

    /// The access key id of a key you have; its secret is asked for, or read with --secret-stdin
    #[arg(long, value_name = "ID")]
    pub access_key_id: Option<String>,

    /// Save it even when the store refuses it now
    #[arg(long)]
    pub no_test: bool,

    /// The portal that makes the key
    #[arg(long, value_enum)]
    pub issuer: Option<IssuerArg>,

    #[command(flatten)]
    pub sign_in: SignInArgs,

    /// The portal's address
    #[arg(long, value_name = "URL", requires = "issuer")]
    pub url: Option<String>,

    /// The project to make the key in, by name or id
    #[arg(long, requires = "issuer")]
    pub project: Option<String>,

    /// Show the new key's secret, this once
    #[arg(long, requires = "issuer")]
    pub show_secret: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum IssuerArg {
    Keystone,
}

/// How to sign in to a portal. The password is asked for, or read with --password-stdin.
#[derive(Debug, clap::Args)]
pub struct SignInArgs {
    /// Sign in as this user
    #[arg(long)]
    pub user: Option<String>,

    /// The user's domain
    #[arg(long)]
    pub domain: Option<String>,

    /// Read the password from standard input
    #[arg(long, conflicts_with = "secret_stdin")]
    pub password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the keys
    List {
        /// The account's name
        account: String,
        #[command(flatten)]
        sign_in: SignInArgs,
    },
    /// Make a key, which the account uses from then on
    Create {
        /// The account's name
        account: String,
        #[command(flatten)]
        sign_in: SignInArgs,
        /// Show its secret, this once
        #[arg(long)]
        show_secret: bool,
    },
    /// Delete a key
    Delete {
        /// The account's name
        account: String,
        /// The key's access key id
        access_key_id: String,
        #[command(flatten)]
        sign_in: SignInArgs,
    },
}

#[derive(Debug, clap::Args)]
pub struct Ls {
    /// ACCOUNT: for its buckets, ACCOUNT:bucket/folder/ for what is in a folder
    pub place: String,

    /// Everything below, without folders
    #[arg(long, short)]
    pub recursive: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A folder needs -r. With a slash at its end it means its contents, as with rsync:
  cp -r photos  ME:bucket/2024/    makes bucket/2024/photos/…
  cp -r photos/ ME:bucket/2024/    makes bucket/2024/…
What exists is replaced unless --no-clobber is given. Symbolic links inside folders are not followed.")]
pub struct Cp {
    /// What to copy, then where to
    #[arg(required = true, num_args = 2.., value_names = ["FROM", "TO"])]
    pub places: Vec<OsString>,

    /// Copy folders with all that is in them
    #[arg(long, short)]
    pub recursive: bool,

    /// Leave alone what exists
    #[arg(long, short)]
    pub no_clobber: bool,

    /// Take .DS_Store, Thumbs.db, editor swap files and the like too
    #[arg(long)]
    pub with_litter: bool,

    /// Keep empty folders, as folder markers
    #[arg(long)]
    pub empty_folders: bool,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct Rm {
    /// What to delete
    #[arg(required = true)]
    pub places: Vec<String>,

    /// Delete all that is below
    #[arg(long, short)]
    pub recursive: bool,

    /// Do not ask, not even on a terminal
    #[arg(long, short)]
    pub yes: bool,

    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct BucketArg {
    /// ACCOUNT:bucket or s3://bucket
    pub place: String,
}
