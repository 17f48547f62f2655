//! The folders Wherry keeps things in.
//!
//! `WHERRY_HOME` puts all of them below one folder; otherwise each system's own places are used:
//! on Linux the XDG base directories, on macOS `Library`, on Windows `%APPDATA%`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where configuration and data are. Nothing is created until something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    data: PathBuf,
}

impl Home {
    /// Everything below one folder: `WHERRY_HOME`, and tests.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            config: root.clone(),
            data: root,
        }
    }

    /// The folders of this process's user, from the environment.
    pub fn from_env() -> Option<Self> {
        Self::resolve(|name| env::var_os(name).filter(|v| !v.is_empty()))
    }

    fn resolve(var: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        if let Some(root) = var("WHERRY_HOME") {
            let root = PathBuf::from(root);
            return Some(Self::at(std::path::absolute(&root).unwrap_or(root)));
        }
        if cfg!(windows) {
            let roaming = PathBuf::from(var("APPDATA")?);
            let local = var("LOCALAPPDATA").map_or_else(|| roaming.clone(), PathBuf::from);
            return Some(Self {
                config: roaming.join("Wherry"),
                data: local.join("Wherry"),
            });
        }
        let home = PathBuf::from(var("HOME")?);
        if cfg!(target_os = "macos") {
            let support = home.join("Library/Application Support/Wherry");
            return Some(Self {
                config: support.clone(),
                data: support,
            });
        }
        // The specification says to ignore relative values.
        let xdg = |name: &str, fallback: &str| {
            var(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
                .unwrap_or_else(|| home.join(fallback))
        };
        Some(Self {
            config: xdg("XDG_CONFIG_HOME", ".config").join("wherry"),
            data: xdg("XDG_DATA_HOME", ".local/share").join("wherry"),
        })
    }

    pub fn accounts_file(&self) -> PathBuf {
        self.config.join("accounts.toml")
    }

    pub fn settings_file(&self) -> PathBuf {
        self.config.join("settings.toml")
    }

    /// The passphrase-encrypted vault, for computers without a keychain.
    pub fn vault_file(&self) -> PathBuf {
        self.config.join("vault.age")
    }

    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// The practice store's buckets: plain folders the user may look into.
    pub fn practice(&self) -> PathBuf {
        self.data.join("practice")
    }

    /// Objects fetched so that they can be dragged out of the window.
    pub fn staging(&self) -> PathBuf {
        self.data.join("staging")
    }

    pub fn config(&self) -> &Path {
        &self.config
    }

    pub fn data(&self) -> &Path {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_variable_moves_everything() {
        let home =
            Home::resolve(|n| (n == "WHERRY_HOME").then(|| "/tmp/w".into())).expect("resolves");
        assert_eq!(home.accounts_file(), Path::new("/tmp/w/accounts.toml"));
        assert_eq!(home.logs(), Path::new("/tmp/w/logs"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn relative_xdg_values_are_ignored() {
        let home = Home::resolve(|n| match n {
            "HOME" => Some("/home/u".into()),
            "XDG_CONFIG_HOME" => Some("conf".into()),
            "XDG_DATA_HOME" => Some("/data".into()),
            _ => None,
        })
        .expect("resolves");
        assert_eq!(
            home.accounts_file(),
            Path::new("/home/u/.config/wherry/accounts.toml")
        );
        assert_eq!(home.practice(), Path::new("/data/wherry/practice"));
    }
}
