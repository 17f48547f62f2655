//! Secrets on their way in: from standard input or typed unseen, never from the command line.

use std::io::{self, IsTerminal, Read};

use secrecy::SecretString;
use wherry_engine::contract::Problem;

use crate::failure::{Exit, Failure};

/// More than any secret has.
const LONGEST: u64 = 1 << 16;

/// Everything on standard input, without the line's end.
pub fn from_stdin(what: &str) -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = io::stdin().take(LONGEST).read_to_string(&mut text);
    let secret = SecretString::from(text.trim_end_matches(['\r', '\n']));
    // The copy that was read is overwritten; `SecretString` does that for its own.
    text.replace_range(.., &"\0".repeat(text.len()));
    match read {
        Ok(n) if n > 0 => Ok(secret),
        _ => Err(missing(what)),
    }
}

/// Asks on the terminal, if there is one.
pub fn prompt(what: &str) -> Result<SecretString, Failure> {
    if !io::stdin().is_terminal() {
        return Err(missing(what));
    }
    match rpassword::prompt_password(format!("{what}: ")) {
        Ok(text) if !text.is_empty() => Ok(SecretString::from(text)),
        _ => Err(missing(what)),
    }
}

/// A pipe needs no flag: nobody sits at it who could be asked.
pub fn given(what: &str, stdin: bool) -> Result<SecretString, Failure> {
    if stdin || !io::stdin().is_terminal() {
        from_stdin(what)
    } else {
        prompt(what)
    }
}

fn missing(what: &str) -> Failure {
    let problem = Problem::new(
        "cli.secret",
        format!("{what} was not given."),
        "Type it when asked on a terminal, or send it to standard input with --secret-stdin or --password-stdin.",
    );
    Failure {
        problem,
        exit: Exit::Vault,
    }
}
