//! What an argument means: a file here, or something in a store.

use std::path::PathBuf;

/// One end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Local(PathBuf),
    Remote(Remote),
}

/// Something in a store; `key` may be empty, or a prefix ending in `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub whose: Whose,
    pub bucket: String,
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    Account(String),
    /// `s3://`: the store and key of the environment.
    Environment,
}

impl Address {
    /// `ACCOUNT:bucket/key` when there is such an account, `s3://bucket/key`, and everything else a
    /// path. `C:\data` is one too, unless somebody named an account `C`.
    pub fn parse(text: &str, is_account: impl Fn(&str) -> bool) -> Self {
        if let Some(rest) = text.strip_prefix("s3://") {
            return Self::Remote(Remote::of(Whose::Environment, rest));
        }
        match text.split_once(':') {
            Some((name, rest)) if is_account(name) => {
                Self::Remote(Remote::of(Whose::Account(name.to_owned()), rest))
            }
            _ => Self::Local(PathBuf::from(text)),
        }
    }
}

impl Remote {
    fn of(whose: Whose, rest: &str) -> Self {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        Self {
            whose,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        }
    }

    /// Whether it names a place things can be put into, rather than an object.
    pub fn is_folder(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text, |name| name == "lab 2")
    }

    #[test]
    fn accounts_paths_and_urls_are_told_apart() {
        let Address::Remote(remote) = parse("lab 2:thesis/a//b") else {
            panic!("is remote")
        };
        assert_eq!(
            (remote.bucket.as_str(), remote.key.as_str()),
            ("thesis", "a//b")
        );
        assert!(!remote.is_folder());
        let Address::Remote(remote) = parse("s3://thesis") else {
            panic!("is remote")
        };
        assert_eq!(remote.whose, Whose::Environment);
        assert!(remote.is_folder());
        assert_eq!(parse("./a:b"), Address::Local("./a:b".into()));
        assert_eq!(parse(r"C:\data"), Address::Local(r"C:\data".into()));
    }
}
