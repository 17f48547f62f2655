//! Clouds read from `clouds.yaml` and RC files, with their secrets, until the window is done with them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use wherry_account::import::{self, ImportedCloud};

use super::ticket;
use crate::contract::{CloudView, ImportView, Problem};
use crate::engine::{Engine, lock};

#[derive(Default)]
pub(crate) struct Imports(Mutex<HashMap<String, Vec<ImportedCloud>>>);

impl Engine {
    pub(crate) fn read_clouds(&self, path: &str) -> Result<ImportView, Problem> {
        let file = PathBuf::from(path);
        let clouds = import::read(&file).map_err(|e| {
            Problem::new(
                "import.file",
                crate::problem::sentence(&e),
                "Choose a clouds.yaml, or the RC file that the OpenStack dashboard offers under API Access.",
            )
            .context("file", path)
        })?;
        let views = clouds
            .iter()
            .map(|cloud| CloudView {
                name: cloud.name.clone(),
                url: cloud.auth_url.clone().unwrap_or_default(),
                user: cloud.user.clone().unwrap_or_default(),
                domain: cloud.user_domain.clone().unwrap_or_default(),
                project: cloud
                    .project
                    .clone()
                    .or_else(|| cloud.project_id.clone())
                    .unwrap_or_default(),
                region: cloud.region.clone().unwrap_or_default(),
                method: cloud.method.to_string(),
                has_secret: cloud.secret.is_some(),
                notes: cloud.notes.clone(),
                unusable: cloud.unusable(),
            })
            .collect();
        let import = ticket();
        lock(&self.inner.imports.0).insert(import.clone(), clouds);
        Ok(ImportView {
            import,
            file: path.to_owned(),
            clouds: views,
        })
    }

    pub(super) fn imported(&self, import: &str, name: &str) -> Result<ImportedCloud, Problem> {
        let imports = lock(&self.inner.imports.0);
        let cloud = imports
            .get(import)
            .and_then(|clouds| clouds.iter().find(|c| c.name == name));
        cloud.cloned().ok_or_else(|| Problem::stale("file"))
    }
}
