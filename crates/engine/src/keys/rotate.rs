//! Rotation: a new key in the place of the old one, so that the account works at every moment.

use std::sync::Arc;
use std::time::Duration;

use wherry_account::Account;
use wherry_portal::{Capabilities, IssuedKey, PortalSession};

use super::birth::{kept_secret, not_made, undo, wish};
use super::{cannot, issuer};
use crate::contract::{NewKeyRequest, Problem, Rotated};
use crate::engine::{Engine, host};
use crate::problem::from_portal;

impl Engine {
    /// Why this account's key cannot be rotated; `None` when it can.
    pub(super) fn cannot_rotate(&self, account: &Account, can: &Capabilities) -> Option<Problem> {
        let id = account.id.as_str();
        let no = |what: &str, todo: &str| Some(Problem::new("keys.cannot", what, todo));
        if can.lent && can.renewed_alone {
            return no(
                "This key is lent for a while, and Wherry has it renewed by itself.",
                "",
            );
        }
        if can.lent {
            return no(
                "This key is lent for a while, and ends by itself.",
                "Have a new one lent instead.",
            );
        }
        if account.key.access_key_id.is_none() {
            return no("This account has no key.", "Make one.");
        }
        if account.key.deleted.is_some() {
            return no("This account's key is deleted already.", "Make a new one.");
        }
        cannot(&can.create, Some(id)).or_else(|| cannot(&can.delete, Some(id)))
    }

    /// Makes a new key, proves it at the store, swaps it in, and only then deletes the old one.
    /// Whichever step fails, the account works: with the old key up to the swap, with the new one after.
    pub(crate) async fn rotate(&self, request: NewKeyRequest) -> Result<Rotated, Problem> {
        let id = &request.account;
        let account = self.account(id)?;
        let portal = host(&issuer(&account)?.url);
        let _turn = self.key_turn(&account)?;
        // Whoever had the turn before may have changed it.
        let account = self.account(id)?;
        let session = self.session_of(&account).await?;
        let can = session.capabilities();
        if let Some(problem) = self.cannot_rotate(&account, &can) {
            return Err(problem);
        }
        let old = account.key.access_key_id.clone().unwrap_or_default();
        self.vault_must_work().await?;
        let issued = session
            .create_key(&wish(&request.wish))
            .await
            .map_err(|e| {
                let ticket = self.inner.sessions.ticket_of(&account.id);
                still_old(not_made(&e, Some(id), ticket))
            })?;

        let within = can.takes_effect_within.unwrap_or_default();
        let saved = if can.new_key_revokes_old {
            // The old key is dead already: first keep the new one, then look whether it works.
            let saved = self.swap(&account, &issued, &session).await?;
            self.must_work(&saved, &issued, &session, within).await?;
            saved
        } else {
            let mut renewed = account.clone();
            renewed.key = self.facts(&issued);
            if let Err(problem) = self.must_work(&renewed, &issued, &session, within).await {
                return Err(still_old(undo(&session, &issued, problem).await));
            }
            match self.swap(&account, &issued, &session).await {
                Ok(saved) => saved,
                Err(problem) => return Err(still_old(undo(&session, &issued, problem).await)),
            }
        };
        // Other accounts may be using the old key: it is theirs as well.
        let shared: Vec<String> = self
            .inner
            .accounts
            .list()?
            .into_iter()
            .filter(|a| a.id != account.id && a.key.access_key_id.as_ref() == Some(&old))
            .map(|a| a.name)
            .collect();
        let old_key_left = if !shared.is_empty() {
            Some(Problem::new(
                "keys.shared",
                format!(
                    "The old key {old} is left at {portal}, because “{}” uses it too.",
                    shared.join("”, “")
                ),
                "Rotate that account's key as well, then delete the old one.",
            ))
        } else if can.new_key_revokes_old {
            None
        } else {
            match session.delete_key(&old).await {
                Ok(_) => None,
                Err(error) => {
                    let mut problem = from_portal(&error, Some(id));
                    problem.what =
                        format!("The old key {old} could not be deleted. {}", problem.what);
                    problem.todo = format!(
                        "The account works with the new key. Delete the old one in the list of keys. {}",
                        problem.todo
                    );
                    Some(problem)
                }
            }
        };
        let words = match &old_key_left {
            None => format!(
                "“{}” works with the key {} now. The old key {old} is gone from {portal}.",
                saved.name, issued.access_key_id
            ),
            Some(_) => format!(
                "“{}” works with the key {} now. The old key {old} is still at {portal}.",
                saved.name, issued.access_key_id
            ),
        };
        Ok(Rotated {
            new_key: self.born(&saved, &issued, &session),
            old_access_key_id: old,
            old_key_left,
            words,
        })
    }

    async fn must_work(
        &self,
        account: &Account,
        issued: &IssuedKey,
        session: &Arc<dyn PortalSession>,
        within: Duration,
    ) -> Result<(), Problem> {
        let secret = kept_secret(session, issued);
        let test = self.prove(account, Some(&secret), within).await;
        match test.problem {
            Some(problem) if !test.ok => {
                Err(problem.context("new key", issued.access_key_id.clone()))
            }
            _ => Ok(()),
        }
    }
}

fn still_old(mut problem: Problem) -> Problem {
    problem.todo = format!("The account goes on with the key it has. {}", problem.todo);
    problem
}
