//! Places with one key per region: all their regions in one table, configured or not.

use wherry_account::{Account, provider};

use super::{cannot, issuer, ticket};
use crate::contract::{KeyWishForm, NewKey, PortalAccount, Problem, RegionKey, RegionRef};
use crate::engine::Engine;

pub(super) fn key_per_region(account: &Account) -> bool {
    provider(&account.provider).is_some_and(|preset| preset.key_per_region)
}

impl Engine {
    /// The place's regions, with the accounts here that have their keys; empty for other places.
    pub(super) fn regions(&self, account: &Account) -> Result<Vec<RegionKey>, Problem> {
        if !key_per_region(account) {
            return Ok(Vec::new());
        }
        let (Some(preset), Ok(link)) = (provider(&account.provider), issuer(account)) else {
            return Ok(Vec::new());
        };
        let accounts = self.inner.accounts.list()?;
        let mine = |region: &str| {
            accounts.iter().find(|other| {
                other.provider == account.provider
                    && other.issuer.as_ref().is_some_and(|o| {
                        o.region.eq_ignore_ascii_case(region)
                            && o.user == link.user
                            && o.scope_name == link.scope_name
                    })
            })
        };
        // The catalog knows regions the preset may not; the preset knows those with another sign-in.
        let session = self.inner.sessions.of_account(&account.id);
        let listed = session
            .map(|session| session.endpoints())
            .unwrap_or_default();
        let mut rows: Vec<(String, String, bool)> = listed
            .into_iter()
            .map(|e| (e.region, e.url.to_string(), false))
            .collect();
        for endpoint in &preset.endpoints {
            if rows
                .iter()
                .any(|(region, ..)| region.eq_ignore_ascii_case(&endpoint.label))
            {
                continue;
            }
            let here = endpoint.issuer_url.as_deref().is_some_and(|url| {
                url.trim_end_matches('/') == link.url.as_str().trim_end_matches('/')
            });
            rows.push((endpoint.label.clone(), endpoint.url.clone(), !here));
        }
        if !rows
            .iter()
            .any(|(region, ..)| region.eq_ignore_ascii_case(&link.region))
        {
            rows.insert(
                0,
                (link.region.clone(), account.endpoint.to_string(), false),
            );
        }
        Ok(rows
            .into_iter()
            .map(|(region, endpoint, other_sign_in)| {
                let user = mine(&region).filter(|a| a.key.deleted.is_none());
                RegionKey {
                    account: user.map(|a| a.id.to_string()),
                    account_name: user.map(|a| a.name.clone()),
                    access_key_id: user.and_then(|a| a.key.access_key_id.clone()),
                    created: user
                        .and_then(|a| a.key.created)
                        .map(|t| t.timestamp_millis()),
                    region,
                    endpoint,
                    other_sign_in,
                }
            })
            .collect())
    }

    /// The first key of a region, and an account for it named after the one that was asked.
    pub(crate) async fn first_region_key(&self, request: RegionRef) -> Result<NewKey, Problem> {
        let account = self.account(&request.account)?;
        let link = issuer(&account)?;
        let session = self.session_of(&account).await?;
        let can = session.capabilities();
        if let Some(problem) = cannot(&can.create, Some(&request.account)) {
            return Err(problem);
        }
        let rows = self.regions(&account)?;
        let row = rows
            .into_iter()
            .find(|row| row.region == request.region)
            .ok_or_else(|| Problem::stale("region"))?;
        if let (Some(_), Some(name)) = (&row.account, &row.account_name) {
            return Err(Problem::new(
                "keys.configured",
                format!(
                    "{} has a key already: the account “{name}” uses it.",
                    row.region
                ),
                "Reset it there if you need a new secret.",
            ));
        }
        if row.other_sign_in {
            return Err(Problem::new(
                "keys.other-sign-in",
                format!("{} has a sign-in of its own.", row.region),
                "Add an account for that region and sign in there.",
            ));
        }
        let id = ticket();
        self.inner.sessions.put(
            &id,
            super::sessions::Signed {
                session,
                http: super::http_of(&account),
                options: link.options.clone(),
                account: None,
                password: None,
            },
        );
        let made = self
            .add_portal_account(PortalAccount {
                session: id.clone(),
                scope: link.scope_id.clone(),
                region: row.region.clone(),
                endpoint: row.endpoint,
                name: self.free_name(&account, &row.region)?,
                provider: account.provider.clone(),
                signing: Some(account.signing.into()),
                ca_file: account.ca_file.as_ref().map(|p| p.display().to_string()),
                wish: KeyWishForm::default(),
            })
            .await;
        if made.is_err() {
            self.inner.sessions.take(&id);
        }
        made
    }

    /// `Glaciers R1` asked about R2 becomes `Glaciers R2`, with a number where that is taken.
    fn free_name(&self, account: &Account, region: &str) -> Result<String, Problem> {
        let own = account
            .issuer
            .as_ref()
            .map_or("", |link| link.region.as_str());
        let stem = account
            .name
            .trim_end_matches(own)
            .trim_end_matches([' ', '–', '-', '·']);
        let stem = if stem.is_empty() { "Store" } else { stem };
        let first = format!("{stem} {region}");
        let taken: Vec<String> = self
            .inner
            .accounts
            .list()?
            .into_iter()
            .map(|a| a.name)
            .collect();
        Ok(std::iter::once(first.clone())
            .chain((2..).map(|n| format!("{first} {n}")))
            .find(|name| !taken.contains(name))
            .unwrap_or(first))
    }
}
