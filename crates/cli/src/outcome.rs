//! How a command ends: exit codes that scripts can rely on.

use std::process::ExitCode;

use wherry_engine::contract::Problem;

pub type Answer<T> = Result<T, Problem>;

pub const HELP: &str = "\
Addresses are ACCOUNT:bucket/key, or s3://bucket/key with --endpoint and the usual AWS_* variables.
A slash at the end of a source means what is in it.

Exit codes:
  0  everything was done
  1  something failed; what it was is on standard error
  2  the command line was not understood
  3  there is no such account, bucket, object or file
  4  the store or the portal does not allow it, or the key or password is not accepted
  5  the store or the portal cannot be reached
  6  some files failed and others arrived
  130  interrupted";

pub const PARTIAL: u8 = 6;
pub const INTERRUPTED: u8 = 130;

/// For mistakes in what was typed.
pub fn usage(what: &str, typed: &str) -> Problem {
    Problem::new("cli.usage", what, "See wherry-cli --help.").context("typed", typed)
}

/// The exit code of a problem.
pub fn of(problem: &Problem) -> ExitCode {
    ExitCode::from(code(&problem.code))
}

fn code(code: &str) -> u8 {
    match code {
        "cli.usage" => 2,
        "accounts.unknown" | "store.no-bucket" | "store.no-object" | "local.vanished"
        | "cli.missing" => 3,
        "store.denied"
        | "store.key-unknown"
        | "store.secret-wrong"
        | "store.key-expired"
        | "store.key-deleted"
        | "store.clock"
        | "account.secret-missing"
        | "portal.sign-in-refused"
        | "portal.code-refused"
        | "portal.not-permitted"
        | "portal.restricted-credential"
        | "portal.sign-in" => 4,
        "store.host-unknown"
        | "store.unreachable"
        | "store.certificate"
        | "store.tls"
        | "store.proxy"
        | "store.not-s3"
        | "store.interrupted"
        | "portal.host-unknown"
        | "portal.unreachable"
        | "portal.certificate-untrusted"
        | "portal.tls"
        | "portal.proxy"
        | "portal.not-a-portal" => 5,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_problem() {
        assert_eq!(code("cli.usage"), 2);
        assert_eq!(code("store.no-bucket"), 3);
        assert_eq!(code("store.denied"), 4);
        assert_eq!(code("store.tls"), 5);
        assert_eq!(code("anything.else"), 1);
    }
}
