//! Accounts handed over to other tools, and taken from their files.
//!
//! The words of each tool are in `wherry-account`; here they get the secret from the vault when it is
//! asked for, and what is read goes the way of a key that was typed: the secret to the vault, the rest
//! to the account file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use secrecy::{ExposeSecret, SecretString};
use wherry_account::export::{
    self, Change, Export, Key, MergeError, Merged, PlannedChange, Surroundings, TOOLS, Tool,
};
use wherry_account::import::{self, ImportError, ImportedKey};
use wherry_account::{Account, provider, provider_at};

use crate::accounts::parse_endpoint;
use crate::contract::{
    AccountForm, AccountView, AddImported, ExportRequest, ExportToolView, ExportView,
    ExportedFileView, ImportedKeyView, KeysImportView, MergeChange, MergeChangeView, MergePlanView,
    MergeRequest, MergedView, Problem, SaveExport,
};
use crate::engine::{AccountFacts, Engine, lock};
use crate::keys::ticket;
use crate::problem::from_import;

/// Keys read from files, with their secrets, until the window is done with them.
#[derive(Default)]
pub(crate) struct KeyImports(Mutex<HashMap<String, Vec<ImportedKey>>>);

/// What is exported: the account as it is now, and its key's secret if it was asked for.
struct Wanted {
    account: Account,
    tool: &'static Tool,
    entry: Option<String>,
    secret: Option<(SecretString, Option<SecretString>)>,
    temporary: bool,
}

impl Wanted {
    fn key(&self) -> Key<'_> {
        match &self.secret {
            Some((secret, session_token)) => Key::Given {
                secret,
                session_token: session_token.as_ref(),
            },
            None => Key::Withheld {
                temporary: self.temporary,
            },
        }
    }

    fn export(&self, here: &Surroundings) -> Result<Export, Problem> {
        export::export(
            &self.account,
            self.key(),
            self.tool,
            self.entry.as_deref(),
            here,
        )
        .map_err(|error| MergeError::from(error).into())
    }
}

impl Engine {
    pub(crate) fn tools(&self) -> Vec<ExportToolView> {
        let here = Surroundings::from_env();
        TOOLS
            .iter()
            .map(|tool| ExportToolView {
                id: tool.id.to_owned(),
                name: tool.name.to_owned(),
                about: tool.about.to_owned(),
                merges_into: tool.own_file(&here).map(|file| here.shown(&file)),
            })
            .collect()
    }

    pub(crate) async fn write_for_tool(
        &self,
        request: ExportRequest,
    ) -> Result<ExportView, Problem> {
        let here = Surroundings::from_env();
        let wanted = self.wanted(request).await?;
        let export = wanted.export(&here)?;
        let files = export.files.iter().map(|file| ExportedFileView {
            place: file.place.as_deref().map(|place| here.shown(place)),
            save_as: file.save_as.clone(),
            text: file.text.expose_secret().to_owned(),
        });
        Ok(ExportView {
            tool: export.tool.id.to_owned(),
            entry: export.entry.clone(),
            files: files.collect(),
            notes: export.notes,
            contains_secret: export.contains_secret,
            can_hold_secret: export.can_hold_secret,
        })
    }

    pub(crate) async fn plan_merge(
        &self,
        request: ExportRequest,
    ) -> Result<MergePlanView, Problem> {
        let here = Surroundings::from_env();
        let wanted = self.wanted(request).await?;
        let entry = wanted.entry.as_deref();
        let plan = export::plan(&wanted.account, wanted.key(), wanted.tool, entry, &here)?;
        Ok(MergePlanView {
            replaces: plan.iter().any(|c| c.change == Change::Replaces),
            nothing_to_do: plan.iter().all(|c| c.change == Change::Same),
            changes: plan.iter().map(|c| change_view(c, &here)).collect(),
        })
    }

    pub(crate) async fn merge(&self, request: MergeRequest) -> Result<MergedView, Problem> {
        let here = Surroundings::from_env();
        let wanted = self.wanted(request.export).await?;
        let Merged { changes, backups } = export::merge(
            &wanted.account,
            wanted.key(),
            wanted.tool,
            wanted.entry.as_deref(),
            request.replace,
            &here,
            self.now(),
        )?;
        Ok(MergedView {
            changes: changes.iter().map(|c| change_view(c, &here)).collect(),
            backups: backups.iter().map(|path| here.shown(path)).collect(),
        })
    }

    pub(crate) async fn save_for_tool(&self, request: SaveExport) -> Result<(), Problem> {
        let export = self
            .wanted(request.export)
            .await?
            .export(&Surroundings::from_env())?;
        let file = export
            .files
            .get(request.file)
            .ok_or_else(|| Problem::stale("file"))?;
        let path = PathBuf::from(&request.path);
        export::save(&path, &file.text).map_err(|error| {
            Problem::new(
                "export.write",
                format!("{} cannot be written: {error}.", path.display()),
                "Choose another folder, or make room on the disk.",
            )
            .context("file", path.display())
        })
    }

    async fn wanted(&self, request: ExportRequest) -> Result<Wanted, Problem> {
        let tool = export::tool(&request.tool).ok_or_else(|| {
            let ids: Vec<&str> = TOOLS.iter().map(|tool| tool.id).collect();
            Problem::new(
                "export.tool",
                "Wherry does not know that tool.",
                format!("It knows {}.", ids.join(", ")),
            )
        })?;
        let mut account = self.account(&request.account)?;
        if account.is_practice() {
            account = self.wake_practice(account).await?;
        }
        let secret = if request.with_secret {
            let credentials = self.credentials(&account).await?;
            // What was lent just now may be another key than the file has.
            if let Some(credentials) = &credentials {
                account.key.access_key_id = Some(credentials.access_key_id.clone());
            }
            credentials.map(|c| (c.secret, c.session_token))
        } else {
            None
        };
        let temporary = secret.is_none() && self.is_temporary(&account).await;
        Ok(Wanted {
            account,
            tool,
            entry: request.entry,
            secret,
            temporary,
        })
    }

    /// Whether the key comes with a session token. Only the vault knows for keys that were typed.
    async fn is_temporary(&self, account: &Account) -> bool {
        let kept = self.vault_in_use().load(account.secret_name()).await;
        matches!(kept, Ok(Some(secret)) if secret.session_token().is_some())
    }

    pub(crate) fn read_keys(&self, path: &str) -> Result<KeysImportView, Problem> {
        let file = Surroundings::from_env().expand(Path::new(path));
        let found = import::read_keys(&file).map_err(|e| {
            // Somebody who has such a file wants a key made.
            let cloud = matches!(e, ImportError::NoKeys { .. }) && import::read(&file).is_ok();
            from_import(&e, cloud).context("file", file.display())
        })?;
        let accounts = self.inner.accounts.list()?;
        let view = |key: &ImportedKey| {
            let preset = preset_of(key.endpoint.as_deref(), None);
            ImportedKeyView {
                name: key.name.clone(),
                taken: accounts.iter().any(|a| a.name == key.name),
                endpoint: key.endpoint.clone(),
                region: key.region.clone(),
                provider_name: provider(&preset).map_or_else(String::new, |p| p.name.clone()),
                provider: preset,
                signing: key.signing.map(Into::into),
                addressing: key.addressing.map(Into::into),
                access_key_id: key.access_key_id.clone(),
                has_secret: key.secret.is_some(),
                temporary: key.session_token.is_some(),
                notes: key.notes.clone(),
                unusable: key.unusable.clone(),
            }
        };
        let keys = found.keys.iter().map(view).collect();
        let import = ticket();
        let mut imports = lock(&self.inner.key_imports.0);
        imports.insert(import.clone(), found.keys);
        Ok(KeysImportView {
            import,
            file: file.display().to_string(),
            tool: found.tool.to_owned(),
            keys,
        })
    }

    pub(crate) async fn add_imported_key(&self, add: AddImported) -> Result<AccountView, Problem> {
        let key = {
            let imports = lock(&self.inner.key_imports.0);
            let keys = imports.get(&add.import);
            let key = keys.and_then(|keys| keys.get(add.key)).cloned();
            key.ok_or_else(|| Problem::stale("file"))?
        };
        if let Some(why) = key.unusable {
            return Err(Problem::new(
                "import.unusable",
                why,
                "Choose another entry of the file.",
            ));
        }
        let typed = add.endpoint.filter(|e| !e.trim().is_empty());
        let endpoint = typed.or(key.endpoint).unwrap_or_default();
        let provider = preset_of(Some(&endpoint), add.provider.as_deref());
        let secret = add.secret.filter(|s| !s.is_empty());
        self.save_account(AccountForm {
            name: add.name,
            provider,
            endpoint_index: None,
            fields: std::collections::BTreeMap::new(),
            endpoint: Some(endpoint),
            region: key.region,
            signing: key.signing.map(Into::into),
            addressing: key.addressing.map(Into::into),
            access_key_id: key.access_key_id.unwrap_or_default(),
            secret: secret.or(key.secret.map(Into::into)),
            session_token: key.session_token.map(Into::into),
            ca_file: key.ca_file.map(|p| p.display().to_string()),
            proxy: key.proxy,
            expires: None,
            editing: None,
        })
        .await
    }

    pub(crate) fn forget_keys(&self, import: &str) {
        lock(&self.inner.key_imports.0).remove(import);
    }
}

/// The preset an address belongs to, as its quirks matter.
fn preset_of(endpoint: Option<&str>, chosen: Option<&str>) -> String {
    let known = || {
        let url = parse_endpoint(endpoint?).ok()?;
        provider_at(&url).map(|p| p.id.clone())
    };
    match chosen {
        Some(id) => id.to_owned(),
        None => known().unwrap_or_else(|| "other".to_owned()),
    }
}

fn change_view(change: &PlannedChange, here: &Surroundings) -> MergeChangeView {
    MergeChangeView {
        file: here.shown(&change.file),
        entry: change.entry.clone(),
        change: match change.change {
            Change::Creates => MergeChange::Creates,
            Change::Adds => MergeChange::Adds,
            Change::Replaces => MergeChange::Replaces,
            Change::Same => MergeChange::Same,
        },
        words: change.words.clone(),
    }
}
