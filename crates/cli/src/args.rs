//! The command line, as clap understands it.

mod moving;
mod steering;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Parser, Subcommand, ValueEnum};

pub use moving::{CompareArgs, Elsewhere, FilterArgs, Sync, ToolArg};
pub use steering::{Clean, TransfersCommand, Verify};

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
  WHERRY_PASSPHRASE_FD
                       the same, as the number of an open file descriptor

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

    /// Send and fetch no faster: 10M, or 2M:20M for up and down, in bytes a second
    #[arg(long, global = true, value_name = "UP[:DOWN]")]
    pub bwlimit: Option<String>,

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
    /// Write an account down for another tool, or add it to the tool's own file
    Export(Export),
    /// Add the accounts in another tool's file
    Import(Import),
    /// List buckets, or what is in one
    Ls(Ls),
    /// Copy files and folders to, from and within a store
    Cp(Cp),
    /// Make one place like another
    Sync(Box<Sync>),
    /// Write down a copy or a sync for another computer
    Elsewhere(Box<Elsewhere>),
    /// List transfers, go on with them, forget them
    #[command(subcommand)]
    Transfers(TransfersCommand),
    /// Check what a receipt says against the store, or against the files
    Verify(Verify),
    /// Clean up multipart uploads that were begun and never finished
    Clean(Clean),
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

    /// What the key is for, by name or id: the project (Keystone) or tenancy (JASMIN)
    #[arg(long, visible_alias = "tenancy", requires = "issuer")]
    pub project: Option<String>,

    #[command(flatten)]
    pub portal: PortalArgs,

    #[command(flatten)]
    pub wish: WishArgs,

    /// Show the new key's secret, this once
    #[arg(long, requires = "issuer")]
    pub show_secret: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IssuerArg {
    /// OpenStack
    Keystone,
    /// The JASMIN Object Store Portal, with the session cookie of a browser
    JasminPortal,
    /// A Swarm gateway's own tokens
    Swarm,
    /// EODATA and the Copernicus Data Space
    S3KeysManager,
    /// HPE Cray CSM: keys for an hour, renewed by themselves
    CraySts,
    /// AssumeRoleWithWebIdentity at the store
    StsWebIdentity,
    /// AssumeRoleWithLDAPIdentity at a MinIO store
    StsLdap,
    /// AssumeRole at the store, with a key that may
    StsAssumeRole,
}

/// What a portal must be told beside its address.
#[derive(Debug, clap::Args)]
pub struct PortalArgs {
    /// The OpenID Connect issuer where you sign in
    #[arg(long, value_name = "URL", requires = "issuer")]
    pub oidc_issuer: Option<String>,

    /// The OpenID Connect client
    #[arg(long, value_name = "ID", requires = "issuer")]
    pub client_id: Option<String>,

    /// OpenID Connect scopes, separated by spaces
    #[arg(long, value_name = "SCOPES", requires = "issuer")]
    pub oidc_scopes: Option<String>,

    /// Keystone's name for the identity provider of a federated sign-in
    #[arg(long, value_name = "NAME", requires = "issuer")]
    pub identity_provider: Option<String>,

    /// Keystone's name for the protocol of a federated sign-in
    #[arg(long, value_name = "NAME", requires = "issuer")]
    pub protocol: Option<String>,

    /// The role to take on
    #[arg(long, value_name = "ARN", requires = "issuer")]
    pub role_arn: Option<String>,

    /// How the store's log names the session
    #[arg(long, value_name = "NAME", requires = "issuer")]
    pub session_name: Option<String>,

    /// How long a lent key shall last
    #[arg(long, value_name = "SECONDS", requires = "issuer")]
    pub duration: Option<u32>,
}

/// What a new key shall be like, as far as its portal allows.
#[derive(Debug, clap::Args)]
pub struct WishArgs {
    /// What the portal lists the key as
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,

    /// The day the key stops working, as YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
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

    /// The code of an authenticator app, beside the password
    #[arg(long, value_name = "CODE")]
    pub totp: Option<String>,

    /// Sign in with an application credential instead; its secret is asked for as the password is
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    pub application_credential: Option<String>,

    /// Sign in with an S3 key instead (for AssumeRole); its secret is asked for as the password is
    #[arg(long, value_name = "ID", conflicts_with_all = ["user", "application_credential"])]
    pub source_key: Option<String>,

    /// Read the portal's session cookie from standard input (JASMIN); a second line may hold the
    /// password for the tenancy
    #[arg(long, conflicts_with_all = ["secret_stdin", "password_stdin", "user"])]
    pub session_cookie_stdin: bool,

    /// Sign in in a browser on any device, with a code to type there
    #[arg(long, conflicts_with_all = ["password_stdin", "session_cookie_stdin", "application_credential", "source_key"])]
    pub device_code: bool,
}

#[derive(Debug, clap::Args)]
pub struct Export {
    /// The account's name
    pub account: String,

    /// The tool
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(wherry_account::export::TOOLS.iter().map(|tool| tool.id)))]
    pub tool: String,

    /// Put the secret in; whoever can read the text can then use the key
    #[arg(long)]
    pub with_secret: bool,

    /// What to call it there, instead of a name made from the account's
    #[arg(long, value_name = "NAME")]
    pub entry: Option<String>,

    /// Add it to the tool's own file; the file as it was is kept beside it
    #[arg(long)]
    pub merge: bool,

    /// With --merge: replace an entry of the same name
    #[arg(long, requires = "merge")]
    pub replace: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads .s3cfg, ~/.aws/credentials and config, rclone.conf, mc's config.json, the JSON file for s3fs,
passwd-s3fs, a Cyberduck bookmark (.duck) and WinSCP.ini. Nothing in it is executed. A secret that
is not in the file is asked for, or read with --secret-stdin; an address with --endpoint.")]
pub struct Import {
    /// The other tool's file
    pub file: PathBuf,

    /// What to call the account, instead of its name in the file
    #[arg(long = "as", value_name = "NAME")]
    pub rename: Option<String>,

    /// Only this entry of the file
    #[arg(long, value_name = "NAME")]
    pub entry: Option<String>,

    /// Say what is in the file, and add nothing
    #[arg(long)]
    pub dry_run: bool,
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
        #[command(flatten)]
        wish: WishArgs,
        /// Show its secret, this once
        #[arg(long)]
        show_secret: bool,
    },
    /// Give a key a new secret; the old one stops working
    Reset {
        /// The account's name
        account: String,
        /// The key's access key id; the account's own when absent
        access_key_id: Option<String>,
        #[command(flatten)]
        sign_in: SignInArgs,
        /// Show the new secret, this once
        #[arg(long)]
        show_secret: bool,
    },
    /// Make a new key, prove that it works, use it, and only then delete the old one
    Rotate {
        /// The account's name
        account: String,
        #[command(flatten)]
        sign_in: SignInArgs,
        #[command(flatten)]
        wish: WishArgs,
        /// Show the new key's secret, this once
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
What exists is replaced unless --no-clobber is given. Symbolic links inside folders are not followed.
Patterns for --include and --exclude are explained by `wherry-cli sync --help`.")]
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
