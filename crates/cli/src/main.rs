//! `wherry-cli`: Wherry without a window, for scripts and for people who like it so.
//!
//! The same engine does the work. What is said goes to standard output, one JSON object per line
//! with `--json`; progress and what went wrong go to standard error. Exit codes are in
//! [`failure::Exit`].

mod args;
mod commands;
mod failure;
mod filtering;
mod output;
mod place;
mod progress;
mod receipts;
mod secrets;
mod session;
mod written;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::session::Session;

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.json, args.quiet);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wherry-cli: {error}");
            return Exit::Failed.into();
        }
    };
    let done = runtime.block_on(run(args, &output));
    // Blocking reads of a file on a dead network disk must not keep the process from ending.
    runtime.shutdown_background();
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

async fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    let session = Session::new(&args)?;
    let _log = session.log();
    let done = match args.command {
        Command::Account(command) => commands::account::run(command, &session, output).await,
        Command::Keys(command) => commands::keys::run(command, &session, output).await,
        Command::Export(command) => commands::export::run(command, &session, output).await,
        Command::Import(command) => commands::import::run(command, &session, output).await,
        Command::Ls(command) => commands::ls::run(command, &session, output).await,
        Command::Cp(command) => commands::cp::run(command, &session, output).await,
        Command::Sync(command) => commands::sync::run(*command, &session, output).await,
        Command::Elsewhere(command) => commands::elsewhere::run(&command, &session, output),
        Command::Transfers(command) => commands::transfers::run(command, &session, output).await,
        Command::Verify(command) => commands::verify::run(command, &session, output).await,
        Command::Clean(command) => commands::clean::run(command, &session, output).await,
        Command::Rm(command) => commands::rm::run(command, &session, output).await,
        Command::Mb(command) => commands::buckets::make(command, &session, output).await,
        Command::Rb(command) => commands::buckets::remove(command, &session, output).await,
    };
    session.close().await;
    done
}
