//! Where each tool keeps its own file: as the tool itself finds it, its environment variables included.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Place;

type Variable = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// This computer, as far as the tools look at it.
pub struct Surroundings {
    home: Option<PathBuf>,
    variable: Box<Variable>,
}

impl Surroundings {
    pub fn from_env() -> Self {
        Self::new(env::home_dir(), |name| env::var_os(name))
    }

    /// For tests: a folder and variables of their own.
    pub fn new(
        home: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        Self {
            home: home.filter(|home| !home.as_os_str().is_empty()),
            variable: Box::new(variable),
        }
    }

    fn path(&self, variable: &str) -> Option<PathBuf> {
        let value = (self.variable)(variable).filter(|value| !value.is_empty())?;
        Some(self.expand(Path::new(&value)))
    }

    /// A path with `~` for the home folder, as people type it and the AWS tools' variables may have it.
    pub fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }

    pub(super) fn find(&self, place: Place) -> Option<PathBuf> {
        let home = |below: &str| self.home.as_ref().map(|home| home.join(below));
        match place {
            Place::AwsCredentials => self
                .path("AWS_SHARED_CREDENTIALS_FILE")
                .or_else(|| home(".aws/credentials")),
            Place::AwsConfig => self.path("AWS_CONFIG_FILE").or_else(|| home(".aws/config")),
            Place::S3cmd => self.path("S3CMD_CONFIG").or_else(|| {
                if cfg!(windows) {
                    Some(self.path("APPDATA")?.join("s3cmd.ini"))
                } else {
                    home(".s3cfg")
                }
            }),
            Place::Mc => self
                .path("MC_CONFIG_DIR")
                .or_else(|| home(if cfg!(windows) { "mc" } else { ".mc" }))
                .map(|folder| folder.join("config.json")),
            Place::Rclone => self.path("RCLONE_CONFIG").or_else(|| self.rclone()),
        }
    }

    /// The first that is there, in rclone's order; else where rclone would make one.
    fn rclone(&self) -> Option<PathBuf> {
        let home = |below: &str| self.home.as_ref().map(|home| home.join(below));
        let all = [
            self.path("APPDATA")
                .filter(|_| cfg!(windows))
                .map(|folder| folder.join("rclone").join("rclone.conf")),
            self.path("XDG_CONFIG_HOME")
                .map(|folder| folder.join("rclone/rclone.conf")),
            home(".config/rclone/rclone.conf"),
            home(".rclone.conf"),
        ];
        let mut all = all.into_iter().flatten();
        let first = all.next()?;
        if first.exists() {
            return Some(first);
        }
        Some(all.find(|path| path.exists()).unwrap_or(first))
    }

    /// As people write a path below their home folder.
    pub fn shown(&self, path: &Path) -> String {
        match self.home.as_ref().map(|home| path.strip_prefix(home)) {
            Some(Ok(rest)) => Path::new("~").join(rest).display().to_string(),
            _ => path.display().to_string(),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn each_tools_own_variables_are_honoured() {
        let bare = Surroundings::new(Some("/home/u".into()), |_| None);
        let set = Surroundings::new(Some("/home/u".into()), |name| match name {
            "AWS_SHARED_CREDENTIALS_FILE" => Some("~/keys".into()),
            "AWS_CONFIG_FILE" => Some("/etc/aws".into()),
            "RCLONE_CONFIG" => Some("/r/rclone.conf".into()),
            "MC_CONFIG_DIR" => Some("/mc".into()),
            "S3CMD_CONFIG" => Some("".into()),
            _ => None,
        });
        for (place, default, with) in [
            (
                Place::AwsCredentials,
                "/home/u/.aws/credentials",
                "/home/u/keys",
            ),
            (Place::AwsConfig, "/home/u/.aws/config", "/etc/aws"),
            (
                Place::Rclone,
                "/home/u/.config/rclone/rclone.conf",
                "/r/rclone.conf",
            ),
            (Place::Mc, "/home/u/.mc/config.json", "/mc/config.json"),
            (Place::S3cmd, "/home/u/.s3cfg", "/home/u/.s3cfg"),
        ] {
            assert_eq!(bare.find(place).as_deref(), Some(Path::new(default)));
            assert_eq!(set.find(place).as_deref(), Some(Path::new(with)));
        }
        assert_eq!(bare.shown(Path::new("/home/u/.s3cfg")), "~/.s3cfg");
        assert_eq!(bare.shown(Path::new("/etc/x")), "/etc/x");
        assert_eq!(Surroundings::new(None, |_| None).find(Place::Mc), None);
    }

    #[test]
    fn rclones_older_file_is_found_where_it_is_the_only_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let here = Surroundings::new(Some(dir.path().into()), |_| None);
        std::fs::write(dir.path().join(".rclone.conf"), "").expect("writes");
        assert_eq!(
            here.find(Place::Rclone),
            Some(dir.path().join(".rclone.conf"))
        );
    }
}
