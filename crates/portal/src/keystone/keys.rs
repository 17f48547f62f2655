//! EC2 credentials: what OpenStack calls the keys for S3.

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use serde_json::json;
use wherry_vault::Secret;

use super::session::KeystoneSession;
use super::wire::{Key, KeyBody, KeysBody};
use super::{capabilities, refusal};
use crate::error::PortalError;
use crate::issuer::{Ability, Capabilities, Deleted, IssuedKey, Issuer, KeyRow, KeyWish};
use crate::wire;

const CREATE: &str = "make a key";

#[async_trait]
impl Issuer for KeystoneSession {
    fn capabilities(&self) -> Capabilities {
        let create = if self
            .delegated()
            .is_some_and(|delegated| delegated.restricted == Some(true))
        {
            Ability::No(
                "You signed in with a restricted application credential, which may not make keys."
                    .into(),
            )
        } else if self.project().is_none() {
            Ability::No("A key is for one project: choose one first.".into())
        } else {
            Ability::Yes
        };
        Capabilities {
            create,
            ..capabilities()
        }
    }

    /// The user's keys in all their projects; an application credential sees its own project's.
    async fn list_keys(&self) -> Result<Vec<KeyRow>, PortalError> {
        const DOING: &str = "list your keys";
        let answer = self.get(&self.keys_path(), DOING).await?;
        let KeysBody { credentials } = answer.json(DOING)?;
        let rows = credentials.into_iter().map(|key| KeyRow {
            access_key_id: key.access,
            description: None,
            created: None,
            expires: None,
            scope: key.tenant_id,
        });
        Ok(rows.collect())
    }

    async fn create_key(&self, _: &KeyWish) -> Result<IssuedKey, PortalError> {
        self.capabilities().create.check()?;
        let project = self.project().ok_or(PortalError::NoProject {
            wanted: None,
            available: Vec::new(),
        })?;
        // What there is now tells a key made without an answer from the others.
        let before = self.list_keys().await?;
        let request = self
            .request(Method::POST, &self.keys_path())?
            .json(&json!({"tenant_id": project.id}));
        let lost = match wire::send(request).await {
            Ok(answer) if answer.status == StatusCode::CREATED => {
                match answer.json::<KeyBody>(CREATE) {
                    Ok(KeyBody { credential }) => return Ok(issued(credential)),
                    Err(odd) => odd,
                }
            }
            Ok(answer) => match refusal::explain(&answer, CREATE) {
                // A gateway in front gave up; Keystone behind it may have made the key.
                fault @ PortalError::Fault { .. } => fault,
                refused => return Err(refused),
            },
            Err(broken) => broken,
        };
        self.find_made(&before, lost).await
    }

    /// Newer Keystones want the role “member” in some project for this, so a session without a project
    /// goes into the key's own.
    async fn delete_key(&self, access_key_id: &str) -> Result<Deleted, PortalError> {
        if self.project().is_none() {
            let rows = self.list_keys().await?;
            let Some(row) = rows.iter().find(|row| row.access_key_id == access_key_id) else {
                return Ok(Deleted::Before);
            };
            if let Some(project) = &row.scope {
                return self.scope(project).await?.delete_key(access_key_id).await;
            }
        }
        let path = self.key_path(access_key_id);
        let answer = wire::send_again(self.request(Method::DELETE, &path)?).await?;
        match answer.status {
            StatusCode::NO_CONTENT | StatusCode::OK => Ok(Deleted::Now),
            StatusCode::NOT_FOUND if refusal::words(&answer).is_some() => Ok(Deleted::Before),
            _ => Err(refusal::explain(&answer, "delete a key")),
        }
    }

    async fn reset_key(&self, _: &str) -> Result<IssuedKey, PortalError> {
        self.capabilities().reset.check()?;
        Err(PortalError::CannotDo {
            reason: "OpenStack cannot change a key's secret.".into(),
        })
    }
}

impl KeystoneSession {
    fn keys_path(&self) -> [&str; 4] {
        ["users", &self.user().id, "credentials", "OS-EC2"]
    }

    fn key_path<'a>(&'a self, access_key_id: &'a str) -> [&'a str; 5] {
        [
            "users",
            &self.user().id,
            "credentials",
            "OS-EC2",
            access_key_id,
        ]
    }

    /// After a creation whose answer was lost: the key, if there is exactly one that was not there
    /// before; that failure, if there is none.
    async fn find_made(
        &self,
        before: &[KeyRow],
        lost: PortalError,
    ) -> Result<IssuedKey, PortalError> {
        tracing::warn!(%lost, "no answer to the making of a key; looking whether it was made");
        let unclear = || PortalError::Unclear {
            cause: lost.to_string(),
        };
        let project = self.project().map(|project| project.id.as_str());
        let after = self.list_keys().await.map_err(|_| unclear())?;
        let new: Vec<&KeyRow> = after
            .iter()
            .filter(|row| row.scope.as_deref() == project && !before.contains(row))
            .collect();
        match new.as_slice() {
            [] => Err(lost),
            [row] => {
                let answer = self
                    .get(&self.key_path(&row.access_key_id), CREATE)
                    .await
                    .map_err(|_| unclear())?;
                Ok(issued(answer.json::<KeyBody>(CREATE)?.credential))
            }
            _ => Err(unclear()),
        }
    }
}

fn issued(key: Key) -> IssuedKey {
    IssuedKey {
        access_key_id: key.access,
        secret: Secret::new(key.secret),
        expires: None,
        scope: key.tenant_id,
        endpoint: None,
    }
}
