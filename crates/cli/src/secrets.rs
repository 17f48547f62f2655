//! Secrets come in by standard input, by a prompt, or by a file descriptor; never as arguments.

use std::io::{self, BufRead, IsTerminal, Read};

use secrecy::SecretString;
use wherry_engine::contract::Problem;

use crate::outcome::{Answer, usage};

fn unreadable(error: &io::Error) -> Problem {
    Problem::new(
        "cli.input",
        format!("Standard input cannot be read: {error}."),
        "Try again.",
    )
}

/// What the user types at a prompt; a line of standard input when that is asked for, or when nobody
/// sits there to type.
pub fn get(by_stdin: bool, prompt: &str) -> Answer<SecretString> {
    if by_stdin || !can_ask() {
        return line();
    }
    ask(prompt)
}

fn line() -> Answer<SecretString> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_line(&mut text)
        .map_err(|e| unreadable(&e))?;
    let secret = text.trim_end_matches(['\r', '\n']).to_owned();
    if secret.is_empty() {
        return Err(usage(
            "A secret is needed, and none came by standard input.",
            "an empty line",
        ));
    }
    Ok(secret.into())
}

/// Whether a person sits there.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

pub fn ask(prompt: &str) -> Answer<SecretString> {
    rpassword::prompt_password(prompt)
        .map(SecretString::from)
        .map_err(|e| unreadable(&e))
}

/// Of the encrypted file: from the file descriptor named by `WHERRY_PASSPHRASE_FD`, or asked for;
/// twice when it is new, as a typing mistake would lock the file for good.
pub fn passphrase(new: bool) -> Answer<SecretString> {
    use secrecy::ExposeSecret;
    if let Ok(number) = std::env::var("WHERRY_PASSPHRASE_FD") {
        return descriptor(&number);
    }
    if !can_ask() {
        return Err(Problem::new(
            "vault.needs-passphrase",
            "The encrypted file wants its passphrase, and there is no terminal to ask at.",
            "Name a file descriptor it can be read from in WHERRY_PASSPHRASE_FD.",
        ));
    }
    let first = ask(if new {
        "New passphrase: "
    } else {
        "Passphrase: "
    })?;
    if new && ask("Once more: ")?.expose_secret() != first.expose_secret() {
        return Err(usage(
            "The two passphrases are not the same.",
            "nothing was changed",
        ));
    }
    Ok(first)
}

fn descriptor(number: &str) -> Answer<SecretString> {
    let wrong = |why: String| {
        usage(
            &format!("WHERRY_PASSPHRASE_FD cannot be read: {why}."),
            number,
        )
    };
    let number: u32 = number
        .trim()
        .parse()
        .map_err(|_| wrong("it is not a number".into()))?;
    let mut text = String::new();
    let mut file =
        std::fs::File::open(format!("/dev/fd/{number}")).map_err(|e| wrong(e.to_string()))?;
    file.read_to_string(&mut text)
        .map_err(|e| wrong(e.to_string()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}
