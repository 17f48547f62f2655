//! Keys that are lent for a while, and lent anew before they run out.
//!
//! One [`Lender`] per account holds the key that is good now and renews it, once for however many
//! requests ask. Requests of somebody who looks at a folder fail at once when only the user can get the
//! next key; those of a transfer wait until they have signed in, or the transfer is stopped.

mod lender;
mod pause;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use wherry_account::{Account, AccountId};
use wherry_portal::{IssuedKey, PortalSession};
use wherry_store::{KeySource, S3Store, StoreError};

use lender::{AtOnce, Lender};
pub(crate) use pause::Pause;

use crate::contract::{KeyState, Problem};
use crate::engine::{Engine, lock};
use crate::keys::capabilities;

#[derive(Default)]
pub(crate) struct Lenders(Mutex<HashMap<AccountId, Arc<Lender>>>);

impl Lenders {
    fn get(&self, account: &AccountId) -> Option<Arc<Lender>> {
        lock(&self.0).get(account).cloned()
    }

    /// Something about this account has changed: whoever waits for it asks again.
    pub fn wake(&self, account: &AccountId) {
        if let Some(lender) = self.get(account) {
            lender.wake();
        }
    }
}

impl Engine {
    fn lender(&self, account: &AccountId) -> Arc<Lender> {
        let mut all = lock(&self.inner.lenders.0);
        let new = || Lender::new(Arc::downgrade(&self.inner), account.clone());
        Arc::clone(all.entry(account.clone()).or_insert_with(new))
    }

    /// Where the requests of somebody who is waiting for the answer get their key from.
    pub(crate) fn lent_keys(&self, account: &Account) -> KeySource {
        KeySource::Lent(Arc::new(AtOnce(self.lender(&account.id))))
    }

    /// The key that is good now, for whoever hands it on.
    pub(crate) async fn lent_key(
        &self,
        account: &Account,
    ) -> Result<wherry_store::LentKey, Problem> {
        let lender = self.lender(&account.id);
        lender.ask().await.map_err(|trouble| trouble.problem)
    }

    /// The same store for a transfer, which waits where somebody in front of a window would be told.
    pub(crate) fn patient(
        &self,
        account: &Account,
        store: &S3Store,
    ) -> Result<(S3Store, Arc<Pause>), StoreError> {
        let (keys, pause) = pause::patient(self, self.lender(&account.id), account);
        Ok((store.lent_by(keys)?, pause))
    }

    /// A lent account signed in to again: the next key comes with it, and those who waited go on.
    pub(crate) async fn lend_anew(
        &self,
        account: &Account,
        session: &Arc<dyn PortalSession>,
    ) -> Result<(), Problem> {
        let lender = self.lender(&account.id);
        lender.lend_from(session).await.map_err(|t| t.problem)
    }

    /// The account uses this key from now on.
    pub(crate) fn key_replaced(&self, account: &Account, issued: &IssuedKey) {
        if self.is_lent(account) {
            self.lender(&account.id).replace(issued, self.now());
        }
    }

    /// What keeps the account from having its key renewed, when this refusal is because of that.
    pub(crate) fn lent_trouble(&self, account: &AccountId, error: &StoreError) -> Option<Problem> {
        let trouble = self.inner.lenders.get(account)?.trouble()?;
        // The store passes on what the lender said, and adds what was being done.
        (trouble.kind == error.kind && trouble.message == error.message).then_some(trouble.problem)
    }

    /// The request to sign in, when the key can no longer be renewed without that.
    pub(crate) fn lent_sign_in(&self, account: &AccountId) -> Option<Problem> {
        let trouble = self.inner.lenders.get(account)?.trouble()?;
        trouble.sign_in.then_some(trouble.problem)
    }

    /// A lent key's health: that it ends soon is as it should be.
    pub(crate) fn lent_state(&self, account: &Account) -> (KeyState, String) {
        match self.lent_sign_in(&account.id) {
            Some(_) => (KeyState::Expired, "sign in again to have it renewed".into()),
            None if capabilities(account).is_some_and(|can| can.renewed_alone) => {
                (KeyState::Fine, "lent for a while; Wherry renews it".into())
            }
            None => (
                KeyState::Fine,
                "lent for a while; then Wherry asks you to sign in".into(),
            ),
        }
    }
}
