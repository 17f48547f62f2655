//! The portal's table of keys, its form for a new one, and the buttons that delete them.

use async_trait::async_trait;
use chrono::Utc;
use wherry_vault::Secret;

use super::session::{JasminSession, password_again};
use super::visit::Arrived;
use super::{capabilities, read};
use crate::error::PortalError;
use crate::issuer::{Ability, Capabilities, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};
use crate::tenancy::{self, Wanted};

const LIST: &str = "list your keys";
const CREATE: &str = "make a key";
const DELETE: &str = "delete a key";

#[async_trait]
impl Issuer for JasminSession {
    fn capabilities(&self) -> Capabilities {
        let capabilities = capabilities();
        match self.opened() {
            Ok(_) => capabilities,
            Err(unopened) => {
                let no = Ability::No(unopened.to_string().into());
                Capabilities {
                    list: no.clone(),
                    create: no.clone(),
                    delete: no,
                    ..capabilities
                }
            }
        }
    }

    /// The user's keys in this tenancy. Of those that have ended the portal shows one at most.
    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError> {
        let tenancy = self.opened()?;
        let path = ["object-store", tenancy, "access-keys"];
        match self.visitor.get(&path, LIST).await? {
            Arrived::Page(page) => {
                read::keys(&page.text(), tenancy).ok_or_else(|| page.not_understood(LIST))
            }
            // The portal's own key for the store has ended.
            Arrived::SentTo(_) => Err(password_again(tenancy)),
        }
    }

    async fn create_key(&self, wish: &KeyWish) -> Result<IssuedKey, PortalError> {
        let tenancy = self.opened()?;
        let wanted = Wanted::check(wish, Utc::now())?;
        // What there is now tells a key made without an answer from the others.
        let before = self.list_keys().await?;
        let date = wanted.date();
        let form = [("description", wanted.name.as_str()), ("expires", &date)];
        let path = ["object-store", tenancy, "create-keys"];
        let lost = match self.visitor.post(&path, &form, CREATE).await {
            Ok(Arrived::Page(page)) => match read::created(&page.text()) {
                Some(key) => {
                    return Ok(IssuedKey {
                        access_key_id: key.access_key_id,
                        secret: Secret::new(key.secret),
                        expires: Some(wanted.expires()),
                        scope: Some(tenancy.to_owned()),
                        endpoint: None,
                    });
                }
                None => page.not_understood(CREATE),
            },
            Ok(Arrived::SentTo(_)) => return Err(password_again(tenancy)),
            Err(refused @ (PortalError::SignInAgain | PortalError::Redirected { .. })) => {
                return Err(refused);
            }
            Err(unsure) => unsure,
        };
        Err(self.find_orphan(&before, &wanted, lost).await)
    }

    async fn delete_key(&self, access_key_id: &str) -> Result<Deleted, PortalError> {
        let tenancy = self.opened()?;
        // The portal gives the same answer for a key that it does not have.
        let listed = self
            .list_keys()
            .await?
            .iter()
            .any(|row| row.access_key_id == access_key_id);
        let form = [("delete_access_key", access_key_id)];
        let path = ["object-store", tenancy, "access-keys"];
        match self.visitor.post_again(&path, &form, DELETE).await? {
            Arrived::SentTo(to) if to.ends_with("/access-keys") => Ok(match listed {
                true => Deleted::Now,
                false => Deleted::Before,
            }),
            Arrived::SentTo(_) => Err(password_again(tenancy)),
            Arrived::Page(page) => Err(page.not_understood(DELETE)),
        }
    }

    async fn reset_key(&self, _: &str) -> Result<IssuedKey, PortalError> {
        Err(PortalError::CannotDo {
            reason: tenancy::NO_RESET.into(),
        })
    }
}

impl JasminSession {
    /// After a creation whose answer was lost: a key that was made has a secret that nobody has seen, and
    /// is of no use to anybody; `lost` when there is none.
    async fn find_orphan(
        &self,
        before: &[KeyRow],
        wanted: &Wanted,
        lost: PortalError,
    ) -> PortalError {
        tracing::warn!(%lost, "no answer to the making of a key; looking whether it was made");
        let unclear = || PortalError::Unclear {
            cause: lost.to_string(),
        };
        let Ok(after) = self.list_keys().await else {
            return unclear();
        };
        let known = |row: &KeyRow| before.iter().any(|b| b.access_key_id == row.access_key_id);
        let mut new = after
            .into_iter()
            .filter(|row| !known(row) && wanted.fits(row));
        match (new.next(), new.next()) {
            (None, _) => lost,
            (Some(row), None) => PortalError::Orphan {
                access_key_id: row.access_key_id,
            },
            (Some(_), Some(_)) => unclear(),
        }
    }
}
