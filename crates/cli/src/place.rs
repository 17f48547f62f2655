//! Places as they are typed: `ACCOUNT:bucket/key`, `s3://bucket/key`, or a path.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::failure::Failure;

/// Where a store is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreRef {
    /// An account, by its name.
    Account(String),
    /// The one that the options and the environment describe.
    Environment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub store: StoreRef,
    /// Empty for the store itself.
    pub bucket: String,
    /// As typed: empty for the bucket itself.
    pub key: String,
    /// `bucket/`: the contents of the bucket, where it makes a difference.
    pub bucket_slash: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Remote(Remote),
    Local {
        path: PathBuf,
        /// Typed with a slash at the end.
        slash: bool,
    },
}

impl Place {
    pub fn parse(text: &OsStr) -> Self {
        if let Some(remote) = text.to_str().and_then(Remote::recognise) {
            return Self::Remote(remote);
        }
        let end = text.as_encoded_bytes().last();
        let slash = end == Some(&b'/') || (cfg!(windows) && end == Some(&b'\\'));
        Self::Local {
            path: PathBuf::from(text),
            slash,
        }
    }
}

impl Remote {
    pub fn parse(text: &str) -> Result<Self, Failure> {
        Self::recognise(text).ok_or_else(|| {
            Failure::usage(
                format!("“{text}” names no place in a store."),
                "Write ACCOUNT:bucket/key, or s3://bucket/key with --endpoint.",
            )
        })
    }

    fn recognise(text: &str) -> Option<Self> {
        let (store, rest) = match text.strip_prefix("s3://") {
            Some(rest) => (StoreRef::Environment, rest),
            None => {
                let (name, rest) = text.split_once(':')?;
                // `./a:b` is a file, `C:\x` a path.
                let drive = cfg!(windows) && name.len() == 1;
                if name.is_empty() || name.contains(['/', '\\']) || drive {
                    return None;
                }
                (StoreRef::Account(name.to_owned()), rest)
            }
        };
        let (bucket, key) = rest
            .split_once('/')
            .map_or((rest, None), |(b, k)| (b, Some(k)));
        Some(Self {
            store,
            bucket: bucket.to_owned(),
            key: key.unwrap_or_default().to_owned(),
            bucket_slash: key == Some(""),
        })
    }

    /// As it was typed, more or less; for words.
    pub fn shown(&self) -> String {
        let slash = if self.key.is_empty() && !self.bucket_slash {
            ""
        } else {
            "/"
        };
        match &self.store {
            StoreRef::Account(name) => format!("{name}:{}{slash}{}", self.bucket, self.key),
            StoreRef::Environment => format!("s3://{}{slash}{}", self.bucket, self.key),
        }
    }

    pub fn need_bucket(&self) -> Result<(), Failure> {
        if self.bucket.is_empty() {
            let words = format!("“{}” names no bucket.", self.shown());
            return Err(Failure::usage(
                words,
                "Write ACCOUNT:bucket or ACCOUNT:bucket/key.",
            ));
        }
        Ok(())
    }

    /// The folder that this is as a destination: empty or ending in a slash.
    pub fn as_folder(&self) -> String {
        if self.key.is_empty() || self.key.ends_with('/') {
            self.key.clone()
        } else {
            format!("{}/", self.key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(text: &str) -> Option<(StoreRef, String, String)> {
        match Place::parse(OsStr::new(text)) {
            Place::Remote(r) => Some((r.store, r.bucket, r.key)),
            Place::Local { .. } => None,
        }
    }

    #[test]
    fn places_are_told_apart() {
        let me = || StoreRef::Account("me".into());
        for (text, store, bucket, key) in [
            ("me:", me(), "", ""),
            ("me:b", me(), "b", ""),
            ("me:b/", me(), "b", ""),
            ("me:b/k/l:m", me(), "b", "k/l:m"),
            ("me:b//x", me(), "b", "/x"),
            ("s3://b/k", StoreRef::Environment, "b", "k"),
            (
                "My Group:b/ü",
                StoreRef::Account("My Group".into()),
                "b",
                "ü",
            ),
        ] {
            assert_eq!(
                remote(text),
                Some((store, bucket.into(), key.into())),
                "{text}"
            );
        }
        for text in ["file", "./a:b", "dir/x:y", "/abs", ":x", "."] {
            assert_eq!(remote(text), None, "{text}");
        }
    }

    #[test]
    fn slashes_at_the_end_are_kept_apart() {
        assert_eq!(
            Place::parse(OsStr::new("a/")),
            Place::Local {
                path: "a/".into(),
                slash: true
            }
        );
        assert!(Remote::parse("me:b/").is_ok_and(|r| r.bucket_slash && r.as_folder().is_empty()));
        assert!(Remote::parse("me:b/x").is_ok_and(|r| !r.bucket_slash && r.as_folder() == "x/"));
    }
}
