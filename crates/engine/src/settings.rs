//! How the window looks and where the user was: `settings.toml`.
//!
//! Losing it costs little, so a file that cannot be read means the defaults; it is set aside
//! rather than overwritten, in case somebody wrote it by hand.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::contract::Settings;

pub(crate) struct SettingsFile {
    path: PathBuf,
}

impl SettingsFile {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn read(&self) -> Settings {
        let Ok(text) = fs::read_to_string(&self.path) else {
            return Settings::default();
        };
        match toml::from_str(&text) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::warn!(%error, "the settings file cannot be read; it is kept as settings.toml.bad");
                let _ = fs::rename(&self.path, self.path.with_extension("toml.bad"));
                Settings::default()
            }
        }
    }

    pub fn write(&self, settings: &Settings) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let text = toml::to_string_pretty(settings).map_err(std::io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(&self.path).map_err(|e| e.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Place, Theme};

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = SettingsFile::at(dir.path().join("deep/settings.toml"));
        let settings = Settings {
            theme: Theme::Dark,
            text_scale: 1.5,
            place: Some(Place {
                account: "x".into(),
                bucket: Some("b".into()),
                prefix: "p/".into(),
            }),
            ..Settings::default()
        };
        file.write(&settings).expect("writes");
        assert_eq!(file.read(), settings);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_set_aside() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("settings.toml");
        fs::write(&path, "theme = [").expect("writes");
        assert_eq!(SettingsFile::at(path).read(), Settings::default());
        assert!(dir.path().join("settings.toml.bad").exists());
    }
}
