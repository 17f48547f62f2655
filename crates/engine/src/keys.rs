//! A key's life: signing in to the portal, making the key, showing it once, deleting it.
//!
//! The password is used and forgotten; tokens stay in memory and end with the process. Between a
//! key being made and its account being saved nothing may be lost: whichever step fails, either the
//! account works with the key, or the key is deleted again and the user told.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use wherry_account::import::{self, ImportedCloud};
use wherry_account::{Account, AccountId, IssuerKind, IssuerLink, KeyFacts, Signing, provider};
use wherry_portal::keystone::{Keystone, KeystoneSession, SignIn, UserRef};
use wherry_portal::{Ability, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};
use wherry_store::HttpSettings;

use crate::accounts::{kept_words, parse_endpoint};
use crate::contract::{
    AccountSignIn, CatalogEndpoint, CloudView, Event, ImportView, KeyDeleted, KeyRef, KeysView,
    KeystoneAccount, KeystoneRequest, KeystoneSignIn, NewKey, PortalKey, Problem, ProjectPlaces,
    ProjectRequest, ProjectView, Remedy, Revealed, SignedIn, Typed,
};
use crate::engine::{Engine, host, lock};
use crate::problem::{from_portal, from_status};

/// A reveal ticket is good for this long; the key stays in the vault either way.
const REVEAL_WITHIN: Duration = Duration::from_mins(15);

fn ticket() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Sign-ins of this process, by the name the window knows them by.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Signed>>);

#[derive(Clone)]
struct Signed {
    session: KeystoneSession,
    http: HttpSettings,
    /// The account whose portal this is, once there is one.
    account: Option<AccountId>,
}

impl Sessions {
    fn get(&self, id: &str) -> Result<Signed, Problem> {
        lock(&self.0)
            .get(id)
            .cloned()
            .ok_or_else(|| Problem::stale("sign-in"))
    }

    fn put(&self, id: &str, signed: Signed) {
        lock(&self.0).insert(id.to_owned(), signed);
    }

    fn take(&self, id: &str) -> Option<Signed> {
        lock(&self.0).remove(id)
    }

    /// A sign-in for this account that has not run out.
    pub fn of_account(&self, account: &AccountId) -> Option<KeystoneSession> {
        let now = chrono::Utc::now();
        let all = lock(&self.0);
        let mut fitting = all.values().filter(|s| s.account.as_ref() == Some(account));
        fitting
            .find(|s| !s.session.is_expired(now))
            .map(|s| s.session.clone())
    }

    pub fn forget_account(&self, account: &AccountId) {
        lock(&self.0).retain(|_, s| s.account.as_ref() != Some(account));
    }

    fn link(&self, id: &str, account: &AccountId) {
        if let Some(signed) = lock(&self.0).get_mut(id) {
            signed.account = Some(account.clone());
        }
    }
}

/// Clouds read from files, with their secrets, until the window is done with them.
#[derive(Default)]
pub(crate) struct Imports(Mutex<HashMap<String, Vec<ImportedCloud>>>);

/// Secrets that may be looked at once.
#[derive(Default)]
pub(crate) struct Reveals(Mutex<HashMap<String, Reveal>>);

struct Reveal {
    access_key_id: String,
    secret: SecretString,
    until: Instant,
}

impl Reveals {
    fn offer(&self, access_key_id: &str, secret: &SecretString) -> String {
        let id = ticket();
        let mut all = lock(&self.0);
        all.retain(|_, r| r.until > Instant::now());
        let reveal = Reveal {
            access_key_id: access_key_id.to_owned(),
            secret: secret.clone(),
            until: Instant::now() + REVEAL_WITHIN,
        };
        all.insert(id.clone(), reveal);
        id
    }

    pub fn redeem(&self, ticket: &str) -> Result<Revealed, Problem> {
        let reveal = lock(&self.0)
            .remove(ticket)
            .filter(|r| r.until > Instant::now());
        let reveal = reveal.ok_or_else(|| {
            Problem::new(
                "keys.revealed",
                "The secret was shown already, and is not shown twice.",
                "Wherry has it and uses it for you. To give a secret to another program, make a new key.",
            )
        })?;
        Ok(Revealed {
            access_key_id: reveal.access_key_id,
            secret: reveal.secret.expose_secret().to_owned(),
        })
    }
}

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

    fn imported(&self, import: &str, name: &str) -> Result<ImportedCloud, Problem> {
        let imports = lock(&self.inner.imports.0);
        let cloud = imports
            .get(import)
            .and_then(|clouds| clouds.iter().find(|c| c.name == name));
        cloud.cloned().ok_or_else(|| Problem::stale("file"))
    }

    pub(crate) async fn sign_in(&self, request: KeystoneRequest) -> Result<SignedIn, Problem> {
        let mut http = http_settings(request.ca_file.as_deref(), request.proxy.as_deref())?;
        let mut url = request.url;
        let mut wanted = None;
        let sign_in = match request.sign_in {
            KeystoneSignIn::Imported {
                import,
                cloud,
                password,
            } => {
                let cloud = self.imported(&import, &cloud)?;
                url = cloud.auth_url.clone().unwrap_or_default();
                wanted = cloud.project_id.clone().or_else(|| cloud.project.clone());
                if http.ca_file.is_none() {
                    http.ca_file.clone_from(&cloud.ca_file);
                }
                imported_sign_in(&cloud, password)?
            }
            typed => typed_sign_in(typed)?,
        };
        let failed = |e| from_portal(&e, None);
        let keystone = Keystone::discover(&url, &http).await.map_err(failed)?;
        let session = keystone.sign_in(&sign_in).await.map_err(failed)?;
        let projects = session.projects().await.map_err(failed)?;
        if projects.is_empty() {
            let nowhere = wherry_portal::PortalError::NoProject {
                wanted: None,
                available: Vec::new(),
            };
            return Err(failed(nowhere));
        }
        let named = |wanted: &String| {
            projects
                .iter()
                .find(|p| p.id == *wanted || p.name == *wanted)
        };
        let project = wanted
            .as_ref()
            .and_then(named)
            .or_else(|| {
                session
                    .project()
                    .and_then(|own| projects.iter().find(|p| p.id == own.id))
            })
            .or_else(|| (projects.len() == 1).then(|| &projects[0]))
            .map(|p| p.id.clone());
        let user = session.user().name.clone();
        let id = ticket();
        self.inner.sessions.put(
            &id,
            Signed {
                session,
                http,
                account: None,
            },
        );
        Ok(SignedIn {
            session: id,
            user,
            projects: projects
                .into_iter()
                .map(|p| ProjectView {
                    id: p.id,
                    name: p.name,
                    description: p.description,
                })
                .collect(),
            project,
        })
    }

    pub(crate) async fn choose_project(
        &self,
        request: &ProjectRequest,
    ) -> Result<ProjectPlaces, Problem> {
        let mut signed = self.inner.sessions.get(&request.session)?;
        let failed = |e| from_portal(&e, None);
        signed.session = signed
            .session
            .scope(&request.project)
            .await
            .map_err(failed)?;
        let keys = signed.session.list_keys().await.map_err(failed)?;
        let endpoints = signed.session.s3_endpoints();
        let cannot_create = cannot(&signed.session.capabilities().create, None);
        self.inner.sessions.put(&request.session, signed);
        Ok(ProjectPlaces {
            endpoints: endpoints
                .into_iter()
                .map(|e| CatalogEndpoint {
                    region: e.region,
                    url: e.url.to_string(),
                })
                .collect(),
            keys: self.portal_keys(keys, Some(&request.project))?,
            cannot_create,
        })
    }

    /// The keys as the window shows them, those of one project when it is given.
    fn portal_keys(
        &self,
        rows: Vec<KeyRow>,
        project: Option<&str>,
    ) -> Result<Vec<PortalKey>, Problem> {
        let accounts = self.inner.accounts.list()?;
        let used_by = |id: &str| {
            let user = accounts
                .iter()
                .find(|a| a.key.access_key_id.as_deref() == Some(id));
            user.map(|a| a.name.clone())
        };
        let here = |row: &KeyRow| project.is_none() || row.scope.as_deref() == project;
        Ok(rows
            .into_iter()
            .filter(here)
            .map(|row| PortalKey {
                used_by: used_by(&row.access_key_id),
                access_key_id: row.access_key_id,
                description: row.description,
                created: row.created.map(|t| t.timestamp_millis()),
                expires: row.expires.map(|t| t.timestamp_millis()),
                project_id: row.scope.unwrap_or_default(),
            })
            .collect())
    }

    pub(crate) async fn add_keystone_account(
        &self,
        request: KeystoneAccount,
    ) -> Result<NewKey, Problem> {
        let Signed { session, http, .. } = self.inner.sessions.get(&request.session)?;
        let preset = provider(&request.provider).or_else(|| provider("other"));
        let quirks = preset.map(|p| p.quirks.clone()).unwrap_or_default();
        let name = request.name.trim().to_owned();
        // Everything that can be wrong is found before a key exists.
        Account::check_name(&name)?;
        if self.inner.accounts.by_name(&name).is_ok() {
            return Err(wherry_account::NameProblem::Taken(name).into());
        }
        let endpoint = parse_endpoint(request.endpoint.trim())?;
        let ca_file = match request.ca_file.filter(|f| !f.is_empty()) {
            Some(file) => Some(PathBuf::from(file)),
            None => http.ca_file.clone(),
        };
        self.vault_must_work().await?;
        let project = session
            .project()
            .filter(|p| p.id == request.project)
            .cloned();
        let project = project.ok_or_else(|| Problem::stale("choice of a project"))?;

        let failed = |e| from_portal(&e, None);
        let issued = session
            .create_key(&KeyWish::default())
            .await
            .map_err(failed)?;
        let account = Account {
            id: AccountId::random(),
            name,
            provider: preset.map_or_else(|| "other".to_owned(), |p| p.id.clone()),
            endpoint,
            region: region_for_signing(&request.provider, &request.region),
            addressing: quirks.addressing,
            signing: request.signing.map_or(quirks.signing, Signing::from),
            key: self.facts(&issued),
            ca_file,
            proxy: http.proxy.clone(),
            issuer: Some(IssuerLink {
                kind: IssuerKind::Keystone,
                url: session.keystone().url().clone(),
                user: session.user().name.clone(),
                domain: session.domain().name.clone(),
                project_id: project.id,
                project_name: project.name,
                region: request.region.clone(),
            }),
            opened_buckets: Vec::new(),
            added: self.now(),
        };
        if let Err(problem) = self
            .add_with_secret(&account, Some(issued.secret.clone()))
            .await
        {
            return Err(undo(&session, &issued, problem).await);
        }
        self.inner.sessions.link(&request.session, &account.id);
        Ok(self.born(&account, &issued))
    }

    fn facts(&self, issued: &IssuedKey) -> KeyFacts {
        KeyFacts {
            access_key_id: Some(issued.access_key_id.clone()),
            created: Some(self.now()),
            expires: issued.expires,
            deleted: None,
        }
    }

    fn born(&self, account: &Account, issued: &IssuedKey) -> NewKey {
        NewKey {
            account: self.account_view(account),
            access_key_id: issued.access_key_id.clone(),
            reveal: self
                .inner
                .reveals
                .offer(&issued.access_key_id, issued.secret.access_key()),
            kept: kept_words(self.vault_in_use().kind()),
        }
    }

    /// A key whose secret could not be kept would be lost at once, so that is found out first.
    async fn vault_must_work(&self) -> Result<(), Problem> {
        let status = self.vault_in_use().status().await;
        // A locked keychain asks for its password when it is written to.
        if status == wherry_vault::VaultStatus::Locked {
            return from_status(&self.vault_in_use().retry().await).map_or(Ok(()), Err);
        }
        from_status(&status).map_or(Ok(()), Err)
    }

    pub(crate) async fn sign_out(&self, session: &str) {
        if let Some(signed) = self.inner.sessions.take(session) {
            signed.session.sign_out().await;
        }
    }

    pub(crate) async fn sign_in_again(&self, request: AccountSignIn) -> Result<KeysView, Problem> {
        let account = self.account(&request.account)?;
        let issuer = issuer(&account)?;
        let sign_in = match request.sign_in {
            KeystoneSignIn::Imported {
                import,
                cloud,
                password,
            } => imported_sign_in(&self.imported(&import, &cloud)?, password)?,
            typed => typed_sign_in(typed)?,
        };
        let failed = |e| from_portal(&e, Some(&request.account));
        let http = HttpSettings {
            ca_file: account.ca_file.clone(),
            proxy: account.proxy.clone(),
        };
        let keystone = Keystone::at(issuer.url.clone(), &http).map_err(failed)?;
        let session = keystone.sign_in(&sign_in).await.map_err(failed)?;
        let session = session.scope(&issuer.project_id).await.map_err(failed)?;
        self.inner.sessions.forget_account(&account.id);
        let signed = Signed {
            session,
            http,
            account: Some(account.id.clone()),
        };
        self.inner.sessions.put(&ticket(), signed);
        self.inner.events.tell(Event::Accounts {});
        self.keys(&request.account).await
    }

    pub(crate) async fn keys(&self, id: &str) -> Result<KeysView, Problem> {
        let account = self.account(id)?;
        let mut view = KeysView {
            key: self.key_view(&account),
            keys: Vec::new(),
            cannot_list: None,
            cannot_create: None,
            cannot_delete: None,
            kept: kept_words(self.vault_in_use().kind()),
        };
        if let Err(problem) = issuer(&account) {
            view.cannot_list = Some(problem.clone());
            view.cannot_create = Some(problem.clone());
            view.cannot_delete = Some(problem);
            return Ok(view);
        }
        let session = match self.session_of(&account) {
            Ok(session) => session,
            Err(problem) => {
                view.cannot_list = Some(problem.clone());
                view.cannot_create = Some(problem.clone());
                view.cannot_delete = Some(problem);
                return Ok(view);
            }
        };
        let can = session.capabilities();
        view.cannot_create = cannot(&can.create, Some(id));
        view.cannot_delete = cannot(&can.delete, Some(id));
        match session.list_keys().await {
            Ok(rows) => {
                let account = self.notice_absence(&account, &rows)?;
                view.key = self.key_view(&account);
                let project = account.issuer.as_ref().map(|i| i.project_id.clone());
                view.keys = self.portal_keys(rows, project.as_deref())?;
            }
            Err(error) => {
                if matches!(error, wherry_portal::PortalError::SignInAgain) {
                    self.inner.sessions.forget_account(&account.id);
                }
                view.cannot_list = Some(from_portal(&error, Some(id)));
            }
        }
        Ok(view)
    }

    /// A key that its portal no longer lists was deleted elsewhere.
    fn notice_absence(&self, account: &Account, rows: &[KeyRow]) -> Result<Account, Problem> {
        let listed = rows
            .iter()
            .any(|row| Some(&row.access_key_id) == account.key.access_key_id.as_ref());
        if listed || account.key.deleted.is_some() || account.key.access_key_id.is_none() {
            return Ok(account.clone());
        }
        let now = self.now();
        let account = self
            .inner
            .accounts
            .update(&account.id, |a| a.key.deleted = Some(now))?;
        self.inner.events.tell(Event::Accounts {});
        Ok(account)
    }

    fn session_of(&self, account: &Account) -> Result<KeystoneSession, Problem> {
        let portal = account
            .issuer
            .as_ref()
            .map(|i| host(&i.url))
            .unwrap_or_default();
        self.inner.sessions.of_account(&account.id).ok_or_else(|| {
            Problem::new(
                "portal.sign-in",
                format!("You are not signed in to {portal}."),
                "Sign in to see and change your keys there. Wherry does not keep your password.",
            )
            .remedy(Remedy::SignIn {
                account: account.id.to_string(),
            })
        })
    }

    pub(crate) async fn new_key(&self, id: &str) -> Result<NewKey, Problem> {
        let account = self.account(id)?;
        issuer(&account)?;
        let session = self.session_of(&account)?;
        self.vault_must_work().await?;
        let issued = session
            .create_key(&KeyWish::default())
            .await
            .map_err(|e| from_portal(&e, Some(id)))?;
        let kept = self.vault_in_use().load(&account.id).await.ok().flatten();
        let mut renewed = account.clone();
        renewed.key = self.facts(&issued);
        if let Err(problem) = self.keep_secret(&renewed, &issued.secret).await {
            return Err(undo(&session, &issued, problem).await);
        }
        let facts = renewed.key.clone();
        match self.inner.accounts.update(&account.id, |a| a.key = facts) {
            Ok(saved) => {
                self.forget_store(&saved.id);
                Ok(self.born(&saved, &issued))
            }
            Err(error) => {
                // The account goes on with the key it has.
                if let Some(old) = kept {
                    let _ = self.keep_secret(&account, &old).await;
                }
                Err(undo(&session, &issued, error.into()).await)
            }
        }
    }

    pub(crate) async fn remove_key(&self, key: &KeyRef) -> Result<KeyDeleted, Problem> {
        let account = self.account(&key.account)?;
        let issuer = issuer(&account)?;
        let portal = host(&issuer.url);
        let session = self.session_of(&account)?;
        let deleted = session
            .delete_key(&key.access_key_id)
            .await
            .map_err(|e| from_portal(&e, Some(&key.account)))?;
        let now = self.now();
        // It may be in use under several accounts.
        for user in self.inner.accounts.list()? {
            if user.key.access_key_id.as_ref() == Some(&key.access_key_id) {
                self.inner
                    .accounts
                    .update(&user.id, |a| a.key.deleted = Some(now))?;
                self.inner.events.tell(Event::Accounts {});
            }
        }
        let was_already_gone = deleted == Deleted::Before;
        let gone = if was_already_gone {
            format!(
                "The key {} was already gone from {portal}.",
                key.access_key_id
            )
        } else {
            format!("The key {} is gone from {portal}.", key.access_key_id)
        };
        let minutes = session
            .capabilities()
            .honoured_after_delete
            .map(|d| d.as_secs().div_ceil(60));
        let words = match minutes {
            Some(minutes) => format!(
                "{gone} The store may honour it for some minutes yet (usually at most {minutes})."
            ),
            None => gone,
        };
        Ok(KeyDeleted {
            words,
            was_already_gone,
        })
    }
}

/// Deletes a key that was made a moment ago and cannot be used; the problem says whether it is gone.
async fn undo(session: &KeystoneSession, issued: &IssuedKey, problem: Problem) -> Problem {
    let mut problem = problem;
    match session.delete_key(&issued.access_key_id).await {
        Ok(_) => problem.context("new key", "deleted again, as its secret could not be kept"),
        Err(error) => {
            tracing::warn!(%error, key = issued.access_key_id, "a key that could not be kept is left at the portal");
            problem.todo = format!(
                "{} The key {} was made and could not be kept or deleted: delete it at the portal.",
                problem.todo, issued.access_key_id
            );
            problem
        }
    }
}

fn issuer(account: &Account) -> Result<&IssuerLink, Problem> {
    account
        .issuer
        .as_ref()
        .filter(|i| i.kind == IssuerKind::Keystone)
        .ok_or_else(|| {
            Problem::new(
                "keys.no-portal",
                "This account's key was entered by hand, so Wherry cannot manage it.",
                "Make and delete its keys where you got this one.",
            )
        })
}

fn cannot(ability: &Ability, account: Option<&str>) -> Option<Problem> {
    match ability {
        Ability::Yes => None,
        Ability::No(reason) => {
            let problem = Problem::new(
                "keys.cannot",
                reason.clone(),
                "Sign in with your user name and password to do this.",
            );
            Some(match account {
                Some(account) => problem.remedy(Remedy::SignIn {
                    account: account.to_owned(),
                }),
                None => problem,
            })
        }
    }
}

fn http_settings(ca_file: Option<&str>, proxy: Option<&str>) -> Result<HttpSettings, Problem> {
    Ok(HttpSettings {
        ca_file: crate::accounts::ca_file(ca_file)?,
        proxy: crate::accounts::proxy(proxy)?,
    })
}

fn missing(what: &str, field: &str) -> Problem {
    Problem::new(
        "keystone.missing",
        format!("The {what} is missing."),
        "Please fill it in.",
    )
    .context("field", field)
}

fn typed_sign_in(sign_in: KeystoneSignIn) -> Result<SignIn, Problem> {
    match sign_in {
        KeystoneSignIn::Password {
            user,
            domain,
            password,
            totp,
        } => {
            let (user, domain) = (user.trim(), domain.trim());
            if user.is_empty() {
                return Err(missing("user name", "user"));
            }
            if password.is_empty() {
                return Err(missing("password", "password"));
            }
            let domain = if domain.is_empty() { "Default" } else { domain };
            Ok(SignIn::Password {
                user: UserRef::named(user, domain),
                password: password.into_secret(),
                code: totp
                    .map(|c| c.trim().to_owned())
                    .filter(|c| !c.is_empty())
                    .map(Into::into),
            })
        }
        KeystoneSignIn::ApplicationCredential { id, secret } => {
            let id = id.trim();
            if id.is_empty() {
                return Err(missing("application credential's id", "id"));
            }
            if secret.is_empty() {
                return Err(missing("application credential's secret", "secret"));
            }
            Ok(SignIn::ApplicationCredential {
                id: id.to_owned(),
                secret: secret.into_secret(),
            })
        }
        KeystoneSignIn::Imported { .. } => Err(Problem::stale("file")),
    }
}

fn imported_sign_in(cloud: &ImportedCloud, typed: Option<Typed>) -> Result<SignIn, Problem> {
    if let Some(why) = cloud.unusable() {
        return Err(Problem::new("import.unusable", why, "Sign in another way."));
    }
    let typed = typed.filter(|t| !t.is_empty()).map(Typed::into_secret);
    let secret = typed
        .or_else(|| cloud.secret.clone())
        .ok_or_else(|| missing("password", "password"))?;
    SignIn::imported(cloud, secret).ok_or_else(|| {
        Problem::new(
            "import.incomplete",
            "The file does not say who signs in.",
            "Enter the user name and domain by hand.",
        )
    })
}

/// What Signature V4 is made for. OpenStack's region names are the catalog's, not S3's: RGW wants
/// its zone group's or does not look, and `us-east-1` is what every client sends by default.
fn region_for_signing(provider_id: &str, catalog_region: &str) -> String {
    provider(provider_id)
        .and_then(|p| {
            let by_label = p
                .endpoints
                .iter()
                .find(|e| e.label.eq_ignore_ascii_case(catalog_region));
            by_label
                .or_else(|| p.endpoints.first())
                .map(|e| e.region.clone())
        })
        .unwrap_or_else(|| "us-east-1".to_owned())
}
