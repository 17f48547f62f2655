//! Why a command ended badly, in words and as an exit code.

use std::process::ExitCode;

use wherry_engine::contract::Problem;

/// The exit codes that the help text promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    /// Some of it failed, or an error that has no code of its own.
    Failed = 1,
    /// As clap has it.
    Usage = 2,
    NotThere = 3,
    Refused = 4,
    Unreachable = 5,
    NoRoom = 6,
    Vault = 7,
    ThereAlready = 8,
    /// 128 + SIGINT, as shells have it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug)]
pub struct Failure {
    pub problem: Problem,
    pub exit: Exit,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let exit = exit_of(&problem.code);
        Self { problem, exit }
    }
}

impl Failure {
    pub fn usage(what: impl Into<String>, todo: &str) -> Self {
        Self {
            problem: Problem::new("cli.usage", what, todo),
            exit: Exit::Usage,
        }
    }
}

fn exit_of(code: &str) -> Exit {
    match code {
        "store.no-bucket" | "store.no-object" | "store.no-upload" | "accounts.unknown"
        | "accounts.provider" | "local.vanished" | "local.folder" => Exit::NotThere,
        "store.denied"
        | "store.buckets-denied"
        | "store.key-unknown"
        | "store.key-expired"
        | "store.key-deleted"
        | "store.key-unconfirmed"
        | "store.secret-wrong"
        | "store.clock"
        | "keys.cannot"
        | "keys.no-portal" => Exit::Refused,
        "store.host-unknown" | "store.unreachable" | "store.certificate" | "store.tls"
        | "store.proxy" | "store.not-s3" | "store.redirect" | "store.slow-down" | "store.fault"
        | "store.interrupted" => Exit::Unreachable,
        "store.quota" | "local.disk-full" => Exit::NoRoom,
        "account.secret-missing" => Exit::Vault,
        "store.bucket-taken" | "store.exists" | "local.in-the-way" | "accounts.name"
        | "export.exists" => Exit::ThereAlready,
        "cli.usage" | "store.bucket-name" | "accounts.endpoint" | "accounts.field" => Exit::Usage,
        code if code.starts_with("vault.") => Exit::Vault,
        _ => Exit::Failed,
    }
}
