//! Runs the real program as a process of its own.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "test code; each file uses its own part of it"
)]

pub mod bench;

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// One user of the program: their configuration is a folder of their own.
pub struct Cli {
    pub home: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Cli {
    /// Secrets in the encrypted file, so that the tests need no keychain.
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let passphrase = home.path().join("passphrase");
        std::fs::write(&passphrase, "correct horse battery staple\n").unwrap();
        let environment = vec![
            (
                "WHERRY_HOME".into(),
                home.path().join("wherry").display().to_string(),
            ),
            ("WHERRY_VAULT".into(), "file".into()),
            (
                "WHERRY_VAULT_PASSPHRASE_FILE".into(),
                passphrase.display().to_string(),
            ),
        ];
        Self { home, environment }
    }

    /// With the key in the environment, for `s3://` places.
    pub fn with_key(endpoint: &str, id: &str, secret: &str) -> Self {
        let mut cli = Self::new();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ] {
            cli.environment.push((name.into(), value.into()));
        }
        cli
    }

    /// Address, id and secret of [`Cli::with_key`].
    pub fn key(&self) -> (String, String, String) {
        let value = |name: &str| {
            let found = self.environment.iter().find(|(n, _)| n == name);
            found.unwrap().1.clone()
        };
        (
            value("AWS_ENDPOINT_URL"),
            value("AWS_ACCESS_KEY_ID"),
            value("AWS_SECRET_ACCESS_KEY"),
        )
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(n, _)| n != name);
        self.environment.push((name.into(), value.into()));
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wherry-cli"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(self.environment.iter().map(|(n, v)| (n, v)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        self.run_with("", args)
    }

    /// With this on standard input.
    pub fn run_with(&self, input: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        let mut child = self
            .command()
            .args(args)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Must succeed; returns what it printed.
    pub fn ok(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran.out
    }

    /// Must succeed; every line it printed is an object.
    pub fn json(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Vec<Value> {
        let args: Vec<_> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        self.ok(args.iter().map(AsRef::as_ref).chain([OsStr::new("--json")]))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Ran {
    /// Fails with this code, saying this on standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }
}

/// The files below a folder whose contents hold `needle`.
pub fn files_with(folder: &Path, needle: &str) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(needle) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

pub fn keys(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["key"].as_str()).collect()
}
