//! The account file: `accounts.toml`, read whole, written whole.
//!
//! Written to a temporary file beside it and renamed, so that a crash leaves the old file or the
//! new one. A file that cannot be understood is never overwritten: the error says so, and the user
//! keeps what is in it. Two Wherrys may share the file: every change reads it again first, under a
//! lock.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountId, NameProblem};
use crate::atomic::{create_private, write_private};

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error("the account file {} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the account file {} is damaged: {source}", path.display())]
    Damaged {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("the account file {} was written by a newer Wherry (format {version})", path.display())]
    Newer { path: PathBuf, version: u32 },
    #[error("the account file {} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Name(#[from] NameProblem),
    #[error("there is no account “{0}”")]
    Unknown(String),
}

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    #[serde(default, rename = "account")]
    accounts: Vec<Account>,
}

/// The accounts of one [`Home`](crate::Home).
#[derive(Debug, Clone)]
pub struct Accounts {
    path: PathBuf,
}

impl Accounts {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// All accounts, in the order they were added. A missing file means none.
    pub fn list(&self) -> Result<Vec<Account>, AccountsError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(AccountsError::Read {
                    path: self.path.clone(),
                    source,
                });
            }
        };
        let damaged = |source| AccountsError::Damaged {
            path: self.path.clone(),
            source: Box::new(source),
        };
        let value: toml::Table = text.parse().map_err(damaged)?;
        let version = value
            .get("format")
            .and_then(toml::Value::as_integer)
            .unwrap_or(0);
        if version > i64::from(FORMAT) {
            let version = u32::try_from(version).unwrap_or(u32::MAX);
            return Err(AccountsError::Newer {
                path: self.path.clone(),
                version,
            });
        }
        Ok(toml::from_str::<Document>(&text).map_err(damaged)?.accounts)
    }

    pub fn get(&self, id: &AccountId) -> Result<Account, AccountsError> {
        self.find(|a| a.id == *id, || id.to_string())
    }

    pub fn by_name(&self, name: &str) -> Result<Account, AccountsError> {
        self.find(|a| a.name == name, || name.to_owned())
    }

    fn find(
        &self,
        is: impl Fn(&Account) -> bool,
        what: impl Fn() -> String,
    ) -> Result<Account, AccountsError> {
        self.list()?
            .into_iter()
            .find(is)
            .ok_or_else(|| AccountsError::Unknown(what()))
    }

    pub fn add(&self, account: Account) -> Result<(), AccountsError> {
        self.change(|accounts| {
            free_name(accounts, &account.name, None)?;
            accounts.push(account);
            Ok(())
        })
    }

    /// Changes one account in place and returns it. The id cannot be changed.
    pub fn update(
        &self,
        id: &AccountId,
        edit: impl FnOnce(&mut Account),
    ) -> Result<Account, AccountsError> {
        self.change(|accounts| {
            let unknown = || AccountsError::Unknown(id.to_string());
            let at = accounts
                .iter()
                .position(|a| a.id == *id)
                .ok_or_else(unknown)?;
            let mut edited = accounts[at].clone();
            edit(&mut edited);
            edited.id = id.clone();
            free_name(accounts, &edited.name, Some(id))?;
            accounts[at] = edited.clone();
            Ok(edited)
        })
    }

    pub fn remove(&self, id: &AccountId) -> Result<Account, AccountsError> {
        self.change(|accounts| {
            let at = accounts.iter().position(|a| a.id == *id);
            Ok(accounts.remove(at.ok_or_else(|| AccountsError::Unknown(id.to_string()))?))
        })
    }

    fn change<T>(
        &self,
        edit: impl FnOnce(&mut Vec<Account>) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        let failed = |source| AccountsError::Write {
            path: self.path.clone(),
            source,
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        create_private(folder).map_err(failed)?;
        let lock = File::create(self.path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut accounts = self.list()?;
        let result = edit(&mut accounts)?;
        let text = toml::to_string_pretty(&Document {
            format: FORMAT,
            accounts,
        })
        .map_err(|e| failed(io::Error::other(e)))?;
        write_private(&self.path, text.as_bytes()).map_err(failed)?;
        Ok(result)
    }
}

fn free_name(
    accounts: &[Account],
    name: &str,
    except: Option<&AccountId>,
) -> Result<(), AccountsError> {
    Account::check_name(name)?;
    let taken = accounts
        .iter()
        .any(|a| a.name == name && Some(&a.id) != except);
    if taken {
        Err(NameProblem::Taken(name.to_owned()).into())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Addressing, Signing};

    fn account(name: &str) -> Account {
        Account {
            id: AccountId::random(),
            name: name.to_owned(),
            provider: "other".to_owned(),
            endpoint: "http://127.0.0.1:9".parse().expect("a URL"),
            region: "us-east-1".to_owned(),
            addressing: Addressing::Path,
            signing: Signing::V4,
            key: crate::KeyFacts::default(),
            ca_file: None,
            proxy: None,
            issuer: None,
            opened_buckets: Vec::new(),
            added: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn fresh() -> (tempfile::TempDir, Accounts) {
        let dir = tempfile::tempdir().expect("a folder");
        let accounts = Accounts::at(dir.path().join("new/accounts.toml"));
        (dir, accounts)
    }

    #[test]
    fn what_is_added_is_there_after_reopening() {
        let (_dir, accounts) = fresh();
        let lab = account("lab");
        accounts.add(lab.clone()).expect("adds");
        assert_eq!(
            Accounts::at(accounts.path.clone()).list().expect("reads"),
            vec![lab]
        );
    }

    #[test]
    fn two_accounts_cannot_share_a_name() {
        let (_dir, accounts) = fresh();
        accounts.add(account("lab")).expect("adds");
        let refused = accounts.add(account("lab")).expect_err("refuses");
        assert_eq!(
            refused.to_string(),
            "there is already an account named “lab”"
        );
        let other = account("home");
        accounts.add(other.clone()).expect("adds");
        assert!(
            accounts
                .update(&other.id, |a| a.name = "lab".into())
                .is_err()
        );
        assert_eq!(
            accounts.by_name("home").expect("is still there").id,
            other.id
        );
    }

    #[test]
    fn a_damaged_file_is_never_overwritten() {
        let (_dir, accounts) = fresh();
        accounts.add(account("lab")).expect("adds");
        fs::write(&accounts.path, "format = 1\n[[account]]\nname = ").expect("writes");
        assert!(matches!(
            accounts.add(account("new")),
            Err(AccountsError::Damaged { .. })
        ));
        assert!(
            fs::read_to_string(&accounts.path)
                .expect("reads")
                .ends_with("name = ")
        );
    }

    #[test]
    fn a_newer_format_is_left_alone() {
        let (_dir, accounts) = fresh();
        accounts.add(account("lab")).expect("adds");
        fs::write(&accounts.path, "format = 7\n").expect("writes");
        assert!(matches!(
            accounts.list(),
            Err(AccountsError::Newer { version: 7, .. })
        ));
    }

    #[test]
    fn names_that_would_confuse_addresses_are_refused() {
        for bad in ["", "  ", "a:b", "a/b", "a\nb"] {
            assert!(Account::check_name(bad).is_err(), "{bad:?}");
        }
        assert!(Account::check_name("Göttingen lab 2").is_ok());
    }
}
