//! A key is born: made at the portal, kept in the vault, used by an account.
//!
//! Between a key being made and its account being saved nothing may be lost: whichever step fails,
//! either the account works with the key, or the key is deleted again and the user told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use wherry_account::{Account, AccountId, IssuerLink, KeyFacts, Signing, provider};
use wherry_portal::{IssuedKey, KeyWish, PortalError, PortalSession};
use wherry_vault::Secret;

use super::sessions::Signed;
use super::{capabilities, issuer, rules, ticket};
use crate::accounts::{kept_words, parse_endpoint};
use crate::contract::{
    AccountTest, KeyWishForm, NewKey, NewKeyRequest, PortalAccount, Problem, Remedy,
};
use crate::engine::Engine;
use crate::problem::{from_portal, from_status};

impl Engine {
    pub(crate) async fn add_portal_account(
        &self,
        request: PortalAccount,
    ) -> Result<NewKey, Problem> {
        let Signed {
            session,
            http,
            options,
            ..
        } = self.inner.sessions.get(&request.session)?;
        let preset = provider(&request.provider).or_else(|| provider("other"));
        let quirks = preset.map(|p| p.quirks.clone()).unwrap_or_default();
        let name = request.name.trim().to_owned();
        // Everything that can be wrong is found before a key exists.
        Account::check_name(&name)?;
        if self.inner.accounts.by_name(&name).is_ok() {
            return Err(wherry_account::NameProblem::Taken(name).into());
        }
        let typed = Some(request.endpoint.trim()).filter(|e| !e.is_empty());
        let can = session.capabilities();
        let endpoint = match typed {
            // A token service may say where its keys are for, but only with the key.
            None if can.lent => None,
            typed => Some(parse_endpoint(typed.unwrap_or_default())?),
        };
        let wish = wish(&request.wish);
        let ca_file = match request.ca_file.filter(|f| !f.is_empty()) {
            Some(file) => Some(PathBuf::from(file)),
            None => http.ca_file.clone(),
        };
        self.vault_must_work().await?;
        let scope = session
            .scope()
            .filter(|s| s.id == request.scope)
            .ok_or_else(|| Problem::stale("choice of what the key is for"))?;

        let issued = session
            .create_key(&wish)
            .await
            .map_err(|e| not_made(&e, None, Some(request.session.clone())))?;
        let Some(endpoint) = endpoint.or_else(|| issued.endpoint.clone()) else {
            let problem = parse_endpoint("").err();
            let problem = problem.unwrap_or_else(|| Problem::stale("address of the store"));
            return Err(undo(&session, &issued, problem).await);
        };
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
                kind: session.kind(),
                url: session.url().clone(),
                user: session.user().to_owned(),
                domain: session.domain().to_owned(),
                scope_id: scope.id,
                scope_name: scope.name,
                region: request.region.clone(),
                options,
            }),
            opened_buckets: Vec::new(),
            added: self.now(),
        };
        let secret = kept_secret(&session, &issued);
        if let Err(problem) = self.add_with_secret(&account, Some(secret)).await {
            return Err(undo(&session, &issued, problem).await);
        }
        self.inner.sessions.link(&request.session, &account.id);
        Ok(self.born(&account, &issued, &session))
    }

    pub(super) fn facts(&self, issued: &IssuedKey) -> KeyFacts {
        KeyFacts {
            access_key_id: Some(issued.access_key_id.clone()),
            created: Some(self.now()),
            expires: issued.expires,
            ..KeyFacts::default()
        }
    }

    pub(super) fn born(
        &self,
        account: &Account,
        issued: &IssuedKey,
        session: &Arc<dyn PortalSession>,
    ) -> NewKey {
        let note = rules(&session.capabilities())
            .takes_effect_within
            .map(|_| "It can take some minutes until the store knows the new key.".to_owned());
        NewKey {
            account: self.account_view(account),
            access_key_id: issued.access_key_id.clone(),
            reveal: self
                .inner
                .reveals
                .offer(&issued.access_key_id, issued.secret.access_key()),
            kept: kept_words(self.vault_in_use().kind()),
            note,
        }
    }

    /// A key whose secret could not be kept would be lost at once, so that is found out first.
    pub(super) async fn vault_must_work(&self) -> Result<(), Problem> {
        let status = self.vault_in_use().status().await;
        // A locked keychain asks for its password when it is written to.
        if status == wherry_vault::VaultStatus::Locked {
            return from_status(&self.vault_in_use().retry().await).map_or(Ok(()), Err);
        }
        from_status(&status).map_or(Ok(()), Err)
    }

    /// Another key for an account, which uses it from then on. The old one stays at the portal.
    pub(crate) async fn new_key(&self, request: NewKeyRequest) -> Result<NewKey, Problem> {
        let id = &request.account;
        let account = self.account(id)?;
        issuer(&account)?;
        let _turn = self.key_turn(&account)?;
        let session = self.session_of(&account).await?;
        self.vault_must_work().await?;
        let issued = session
            .create_key(&wish(&request.wish))
            .await
            .map_err(|e| not_made(&e, Some(id), self.inner.sessions.ticket_of(&account.id)))?;
        match self.swap(&account, &issued, &session).await {
            Ok(saved) => Ok(self.born(&saved, &issued, &session)),
            Err(problem) => Err(undo(&session, &issued, problem).await),
        }
    }

    /// The account uses this key from now on; when that fails, it goes on with the one it has.
    ///
    /// The new secret gets a place of its own in the vault. What decides is the account file, which
    /// changes in one step: whoever is killed before it has the old key, whoever after it the new one.
    pub(crate) async fn swap(
        &self,
        account: &Account,
        issued: &IssuedKey,
        session: &Arc<dyn PortalSession>,
    ) -> Result<Account, Problem> {
        let vault = self.vault_in_use();
        let old = account.secret_name().clone();
        let mut renewed = account.clone();
        let name = AccountId::from(format!("{}.{}", account.id, ticket()));
        renewed.key = KeyFacts {
            kept_as: Some(name.clone()),
            ..self.facts(issued)
        };
        vault.store(&renewed, &kept_secret(session, issued)).await?;
        let facts = renewed.key.clone();
        match self.inner.accounts.update(&account.id, |a| a.key = facts) {
            Ok(saved) => {
                if let Err(error) = vault.delete(&old).await {
                    tracing::warn!(%error, "the secret of the old key stays in the vault");
                }
                self.forget_store(&saved.id);
                self.key_replaced(&saved, issued);
                Ok(saved)
            }
            Err(error) => {
                let _ = vault.delete(&name).await;
                Err(error.into())
            }
        }
    }

    /// Waits until the store accepts the account's new key, as long as its portal says that may take.
    pub(crate) async fn wait_for_key(&self, id: &str) -> Result<AccountTest, Problem> {
        let account = self.account(id)?;
        let secret = self.vault_in_use().load(account.secret_name()).await?;
        let within = capabilities(&account)
            .and_then(|can| rules(&can).takes_effect_within)
            .map(Duration::from_secs)
            .unwrap_or_default();
        let test = self.prove(&account, secret.as_ref(), within).await;
        if test.ok {
            // Whoever looked meanwhile was refused.
            self.accepted(&account);
        }
        Ok(test)
    }

    /// Tries a key at its store, again and again while it may still be on its way there.
    pub(super) async fn prove(
        &self,
        account: &Account,
        secret: Option<&Secret>,
        within: Duration,
    ) -> AccountTest {
        let began = Instant::now();
        let mut pause = Duration::from_millis(500);
        loop {
            let test = self.try_account(account, secret).await;
            let unknown = test
                .problem
                .as_ref()
                .is_some_and(|p| !test.ok && p.code == "store.key-unknown");
            if !unknown || began.elapsed() + pause > within {
                return test;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

/// The portal's refusal; a key that nobody can use can be deleted with a button.
pub(super) fn not_made(
    error: &PortalError,
    account: Option<&str>,
    session: Option<String>,
) -> Problem {
    let problem = from_portal(error, account);
    match (error, session) {
        (PortalError::Orphan { access_key_id, .. }, Some(session)) => {
            problem.remedy(Remedy::DeleteOrphan {
                session,
                access_key_id: access_key_id.clone(),
            })
        }
        _ => problem,
    }
}

/// What the vault keeps for an issued key: with it, what the portal lets Wherry go on with alone.
pub(super) fn kept_secret(session: &Arc<dyn PortalSession>, issued: &IssuedKey) -> Secret {
    issued.secret.clone().with_renewal(session.lasting())
}

pub(super) fn wish(form: &KeyWishForm) -> KeyWish {
    KeyWish {
        description: form
            .description
            .as_deref()
            .map(str::trim)
            .filter(|d| !d.is_empty())
            .map(str::to_owned),
        expires: form
            .expires
            .and_then(DateTime::<Utc>::from_timestamp_millis),
    }
}

/// Deletes a key that was made a moment ago and cannot be used; the problem says whether it is gone.
pub(super) async fn undo(
    session: &Arc<dyn PortalSession>,
    issued: &IssuedKey,
    problem: Problem,
) -> Problem {
    let mut problem = problem;
    if session.capabilities().lent {
        // It runs out by itself.
        return problem;
    }
    match session.delete_key(&issued.access_key_id).await {
        Ok(_) => problem.context("new key", "deleted again, as it could not be used"),
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
