//! A key's life: signing in to the portal, making the key, showing it once, renewing it, deleting it.
//!
//! One file per part of it: `sign_in` (and `sessions`, `oidc`, `hosted`, `clouds` for its ways), `birth`,
//! `reveal`, `rotate`, `regions` for places with one key per region, `watch` for keys that run out.

mod birth;
mod clouds;
mod hosted;
mod oidc;
mod reach;
mod regions;
mod reveal;
mod rotate;
mod sessions;
mod sign_in;
mod watch;

use std::fs::File;

use wherry_account::{Account, IssuerKind, IssuerLink};
use wherry_portal::{Ability, Capabilities, Deleted, Expiry, KeyRow};

pub(crate) use clouds::Imports;
pub use hosted::Hosted;
pub(crate) use oidc::OidcSignIns;
pub(crate) use reveal::Reveals;
pub(crate) use sessions::Sessions;
pub(crate) use sign_in::http_of;
pub use watch::ExpiryNotice;

use crate::accounts::kept_words;
use crate::contract::{
    Event, ExpiryRule, KeyDeleted, KeyRef, KeyRules, KeysView, NewKey, OrphanRef, PortalKey,
    Problem, Remedy,
};
use crate::engine::{Engine, host};
use crate::problem::from_portal;

pub(crate) fn ticket() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

impl Engine {
    pub(crate) async fn keys(&self, id: &str) -> Result<KeysView, Problem> {
        let account = self.account(id)?;
        let mut view = KeysView {
            key: self.key_view(&account),
            keys: Vec::new(),
            rules: None,
            cannot_list: None,
            cannot_create: None,
            cannot_delete: None,
            cannot_reset: None,
            cannot_rotate: None,
            kept: kept_words(self.vault_in_use().kind()),
            regions: self.regions(&account)?,
        };
        if self.is_lent(&account) {
            self.lent_keys_view(&account, &mut view)?;
            return Ok(view);
        }
        let session = match issuer(&account) {
            Ok(link) => {
                view.rules = wherry_portal::capabilities(link.kind).as_ref().map(rules);
                self.session_of(&account).await
            }
            Err(typed) => Err(typed),
        };
        let session = match session {
            Ok(session) => session,
            Err(problem) => {
                for cannot in [
                    &mut view.cannot_list,
                    &mut view.cannot_create,
                    &mut view.cannot_delete,
                    &mut view.cannot_reset,
                    &mut view.cannot_rotate,
                ] {
                    *cannot = Some(problem.clone());
                }
                return Ok(view);
            }
        };
        let can = self.abilities(&account, session.capabilities());
        view.rules = Some(rules(&can));
        view.cannot_list = cannot(&can.list, Some(id));
        view.cannot_create = cannot(&can.create, Some(id));
        view.cannot_delete = cannot(&can.delete, Some(id));
        view.cannot_reset = cannot(&can.reset, Some(id));
        view.cannot_rotate = self.cannot_rotate(&account, &session.capabilities());
        if view.cannot_list.is_some() {
            return Ok(view);
        }
        match session.list_keys().await {
            Ok(rows) => {
                let account = self.notice_absence(&account, &rows)?;
                view.key = self.key_view(&account);
                let scope = account.issuer.as_ref().map(|i| i.scope_id.clone());
                view.keys = self.portal_keys(rows, scope.as_deref())?;
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

    /// Of a key that is lent there is nothing to list; nor is its portal asked, as the account lives by
    /// what would be asked with.
    fn lent_keys_view(&self, account: &Account, view: &mut KeysView) -> Result<(), Problem> {
        let id = Some(account.id.as_str());
        if let Some(can) = wherry_portal::capabilities(issuer(account)?.kind) {
            view.rules = Some(rules(&can));
            view.cannot_list = cannot(&can.list, id);
            view.cannot_delete = cannot(&can.delete, id);
            view.cannot_reset = cannot(&can.reset, id);
            view.cannot_rotate = self.cannot_rotate(account, &can);
        }
        view.cannot_create = self.lent_sign_in(&account.id);
        Ok(())
    }

    /// What the place lets one do, which may be less than its portal's protocol would.
    pub(super) fn abilities(&self, account: &Account, can: Capabilities) -> Capabilities {
        if !regions::key_per_region(account) {
            return can;
        }
        Capabilities {
            delete: Ability::No(
                "Here a key is not deleted but reset: the old one then stops working at once."
                    .into(),
            ),
            new_key_revokes_old: true,
            ..can
        }
    }

    /// One change to an account's key at a time, also by another window or the command line.
    pub(super) fn key_turn(&self, account: &Account) -> Result<File, Problem> {
        let path = self.home().data().join("locks").join(account.id.as_str());
        let failed = |error: std::io::Error| {
            Problem::new(
                "keys.lock",
                format!("Wherry cannot write to its own folder: {error}."),
                "Check the folder's permissions and the space on its disk.",
            )
            .context("file", path.display().to_string())
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(Problem::new(
                "keys.busy",
                format!("The key of “{}” is being changed already.", account.name),
                "Another window or program of yours does it. Wait until it is done, and look again.",
            )
            .retryable()),
            Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
        }
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

    /// The keys as the window shows them, those of one scope when it is given.
    pub(super) fn portal_keys(
        &self,
        rows: Vec<KeyRow>,
        scope: Option<&str>,
    ) -> Result<Vec<PortalKey>, Problem> {
        let accounts = self.inner.accounts.list()?;
        let used_by = |id: &str| {
            let user = accounts
                .iter()
                .find(|a| a.key.access_key_id.as_deref() == Some(id));
            user.map(|a| a.name.clone())
        };
        let here = |row: &KeyRow| {
            scope.is_none_or(|scope| row.scope.as_deref().is_none_or(|own| own == scope))
        };
        Ok(rows
            .into_iter()
            .filter(here)
            .map(|row| PortalKey {
                used_by: used_by(&row.access_key_id),
                access_key_id: row.access_key_id,
                description: row.description,
                created: row.created.map(|t| t.timestamp_millis()),
                expires: row.expires.map(|t| t.timestamp_millis()),
                scope_id: row.scope.unwrap_or_default(),
            })
            .collect())
    }

    pub(crate) async fn remove_key(&self, key: &KeyRef) -> Result<KeyDeleted, Problem> {
        let account = self.account(&key.account)?;
        let issuer = issuer(&account)?;
        let portal = host(&issuer.url);
        let session = self.session_of(&account).await?;
        let can = self.abilities(&account, session.capabilities());
        if let Some(problem) = cannot(&can.delete, Some(&key.account)) {
            return Err(problem);
        }
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
        Ok(gone(&key.access_key_id, &portal, deleted, &can))
    }

    /// Deletes a key that was made and that nobody can use.
    pub(crate) async fn remove_orphan(&self, key: &OrphanRef) -> Result<KeyDeleted, Problem> {
        let session = self.inner.sessions.get(&key.session)?.session;
        let deleted = session
            .delete_key(&key.access_key_id)
            .await
            .map_err(|e| from_portal(&e, None))?;
        let portal = host(session.url());
        let can = session.capabilities();
        Ok(gone(&key.access_key_id, &portal, deleted, &can))
    }

    /// A new secret for a key; the account that uses it goes on with the new one.
    pub(crate) async fn reset(&self, key: &KeyRef) -> Result<NewKey, Problem> {
        let account = self.account(&key.account)?;
        issuer(&account)?;
        let _turn = self.key_turn(&account)?;
        let session = self.session_of(&account).await?;
        self.vault_must_work().await?;
        let issued = session
            .reset_key(&key.access_key_id)
            .await
            .map_err(|e| from_portal(&e, Some(&key.account)))?;
        // The old secret is dead from here on. Of all accounts that use the key, the one it was asked
        // for comes first, and one that cannot keep the new secret does not keep the others from it.
        let saved = self.swap(&account, &issued, &session).await?;
        let mut left: Vec<String> = Vec::new();
        for user in self.inner.accounts.list()? {
            if user.id == account.id || user.key.access_key_id.as_ref() != Some(&key.access_key_id)
            {
                continue;
            }
            if let Err(problem) = self.swap(&user, &issued, &session).await {
                left.push(format!("“{}” ({})", user.name, problem.what));
            }
        }
        let mut born = self.born(&saved, &issued, &session);
        if !left.is_empty() {
            let words = format!(
                "Other accounts use this key and could not be given the new secret, so enter it there: {}",
                left.join("; ")
            );
            born.note = Some(match born.note.take() {
                Some(note) => format!("{note} {words}"),
                None => words,
            });
        }
        Ok(born)
    }
}

fn gone(id: &str, portal: &str, deleted: Deleted, can: &Capabilities) -> KeyDeleted {
    let was_already_gone = deleted == Deleted::Before;
    let gone = if was_already_gone {
        format!("The key {id} was already gone from {portal}.")
    } else {
        format!("The key {id} is gone from {portal}.")
    };
    let minutes = can.honoured_after_delete.map(|d| d.as_secs().div_ceil(60));
    let words = match minutes {
        Some(minutes) => format!(
            "{gone} The store may honour it for some minutes yet (usually at most {minutes})."
        ),
        None => gone,
    };
    KeyDeleted {
        words,
        was_already_gone,
    }
}

/// The portal of an account, when its keys came from one.
pub(crate) fn issuer(account: &Account) -> Result<&IssuerLink, Problem> {
    account
        .issuer
        .as_ref()
        .filter(|i| !matches!(i.kind, IssuerKind::None | IssuerKind::Practice))
        .ok_or_else(|| {
            Problem::new(
                "keys.no-portal",
                "This account's key was entered by hand, so Wherry cannot manage it.",
                "Make and delete its keys where you got this one.",
            )
        })
}

/// What the portal of this account can do, for somebody who may do everything there.
pub(crate) fn capabilities(account: &Account) -> Option<Capabilities> {
    wherry_portal::capabilities(account.issuer.as_ref()?.kind)
}

/// What a portal's new keys can be like, for the window.
pub(crate) fn rules(can: &Capabilities) -> KeyRules {
    KeyRules {
        expiry: match can.expiry {
            Expiry::None => ExpiryRule::None,
            Expiry::Optional => ExpiryRule::Optional,
            Expiry::Required => ExpiryRule::Required,
            Expiry::Fixed(_) => ExpiryRule::Fixed,
        },
        lifetime: match can.expiry {
            Expiry::Fixed(life) => Some(life.as_secs()),
            _ => None,
        },
        description_most: can.description.map(|d| d.most),
        description_required: can.description.is_some_and(|d| d.required),
        new_key_revokes_old: can.new_key_revokes_old,
        lent: can.lent,
        takes_effect_within: can.takes_effect_within.map(|d| d.as_secs()),
    }
}

pub(super) fn cannot(ability: &Ability, account: Option<&str>) -> Option<Problem> {
    match ability {
        Ability::Yes => None,
        Ability::No(reason) => {
            let problem = Problem::new("keys.cannot", reason.clone(), "");
            Some(match account {
                // Somebody else, or the same person by password, may be allowed.
                Some(account) if reason.contains("signed in") => problem.remedy(Remedy::SignIn {
                    account: account.to_owned(),
                }),
                _ => problem,
            })
        }
    }
}
