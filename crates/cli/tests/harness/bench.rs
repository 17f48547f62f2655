//! A user with a bucket in a practice store.

use std::fs;

use secrecy::ExposeSecret;
use wherry_practice::{Practice, PracticeKey};

use super::{Cli, keys};

/// A practice store that lives as long as this value, and a user with its key.
pub struct Bench {
    pub cli: Cli,
    pub here: tempfile::TempDir,
    /// The practice store's address.
    pub endpoint: String,
    /// The practice store's own.
    pub folder: tempfile::TempDir,
    _practice: Practice,
    _runtime: tokio::runtime::Runtime,
}

pub fn bench() -> Bench {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (folder, key) = (tempfile::tempdir().unwrap(), PracticeKey::generate());
    let practice = runtime
        .block_on(Practice::start(folder.path(), &key, None))
        .unwrap();
    let cli = Cli::with_key(
        practice.endpoint().as_str(),
        &key.access_key_id,
        key.secret.expose_secret(),
    );
    cli.ok(["mb", "s3://bkt"]);
    Bench {
        cli,
        here: tempfile::tempdir().unwrap(),
        endpoint: practice.endpoint().to_string(),
        folder,
        _practice: practice,
        _runtime: runtime,
    }
}

impl Bench {
    pub fn file(&self, name: &str, contents: &str) -> String {
        let path = self.here.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path.display().to_string()
    }

    pub fn at(&self, name: &str) -> String {
        self.here.path().join(name).display().to_string()
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.here.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn listed(&self) -> Vec<String> {
        keys(&self.cli.json(["ls", "-r", "s3://bkt"]))
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}
