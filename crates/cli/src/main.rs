//! `wherry-cli`: the same engine without a window, for scripts and for checking from outside.
//!
//! Secrets come by standard input or a prompt, never as arguments, which everybody on the computer
//! can read. Exit codes are in [`outcome`].

mod account;
mod address;
mod copy;
mod keys;
mod list;
mod outcome;
mod print;
mod progress;
mod remove;
mod secrets;
mod session;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;

use session::Session;

#[derive(Parser)]
#[command(name = "wherry-cli", version, about = "Browse and move objects in S3 stores, and look after their keys.", after_help = outcome::HELP)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone)]
pub struct Options {
    /// One JSON object a line on standard output, and no progress.
    #[arg(long, global = true)]
    pub json: bool,
    /// The store of s3:// addresses; their key comes from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
    /// and AWS_SESSION_TOKEN.
    #[arg(long, global = true, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    pub endpoint: Option<String>,
    /// What requests are signed for.
    #[arg(long, global = true, value_name = "NAME")]
    pub region: Option<String>,
    /// How requests are signed.
    #[arg(long, global = true, value_name = "KIND")]
    pub signing: Option<Signing>,
    /// A PEM file with the store's certificate authority, trusted beside the system's own.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// No progress bars.
    #[arg(long, global = true)]
    pub no_progress: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Signing {
    V4,
    V2,
    Anonymous,
}

#[derive(Subcommand)]
enum Command {
    /// Add, list and remove accounts.
    #[command(subcommand)]
    Account(account::Command),
    /// List, make and delete an account's keys at its portal.
    #[command(subcommand)]
    Keys(keys::Command),
    /// List buckets, or what is below an address.
    Ls(list::Ls),
    /// Copy files to a store, from it, or inside it. Replaces what exists.
    Cp(copy::Cp),
    /// Delete objects.
    Rm(remove::Rm),
    /// Make a bucket.
    Mb(Mb),
}

#[derive(Args)]
struct Mb {
    /// ACCOUNT:bucket or s3://bucket
    address: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.options.json;
    match run(cli).await {
        Ok(code) => code,
        Err(problem) => {
            print::problem(&problem, json);
            outcome::of(&problem)
        }
    }
}

async fn run(cli: Cli) -> outcome::Answer<ExitCode> {
    let session = Session::new(cli.options)?;
    match cli.command {
        Command::Account(command) => account::run(&session, command).await?,
        Command::Keys(command) => keys::run(&session, command).await?,
        Command::Ls(ls) => list::run(&session, ls).await?,
        Command::Cp(cp) => return copy::run(&session, cp).await,
        Command::Rm(rm) => return remove::run(&session, rm).await,
        Command::Mb(mb) => make_bucket(&session, &mb.address).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn make_bucket(session: &Session, address: &str) -> outcome::Answer<()> {
    let place = session.remote(address)?;
    let store = session.open(&place).await?;
    if !place.key.is_empty() {
        return Err(outcome::usage(
            "A bucket's address has nothing after its name.",
            address,
        ));
    }
    let made = store.create_bucket(&place.bucket).await;
    made.map_err(|e| session.refused(&place, &e))?;
    if session.options.json {
        print::line(&serde_json::json!({ "bucket": place.bucket, "made": true }));
    }
    Ok(())
}

/// A bare host means https, as in the window.
fn endpoint(text: &str) -> outcome::Answer<Url> {
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    Url::parse(&full)
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some())
        .ok_or_else(|| outcome::usage("That is not the address of a store.", text))
}
