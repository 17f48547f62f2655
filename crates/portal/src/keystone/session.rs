//! Somebody signed in: who they are, which projects they are in, and the token that says so.

use std::fmt;

use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::catalog;
use super::wire::{ProjectsBody, Service, TokenFacts};
use super::{Keystone, refusal};
use crate::error::PortalError;
use crate::session::S3Endpoint;
use crate::wire::{self, Answer};

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Named {
    pub id: String,
    #[serde(default)]
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: String,
    pub name: String,
    pub description: String,
    pub domain_id: String,
}

/// A token and what Keystone said when it gave it out. It lives in memory only.
#[derive(Clone)]
pub struct KeystoneSession {
    keystone: Keystone,
    token: SecretString,
    /// The part of the token's description that is of use.
    user: Named,
    domain: Named,
    expires: DateTime<Utc>,
    project: Option<Project>,
    roles: Vec<String>,
    delegated: Option<Delegated>,
    catalog: Vec<Service>,
}

/// The token stands for an application credential, not for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delegated {
    /// Keystone's word for "may not make further credentials"; `None` when it did not say.
    pub restricted: Option<bool>,
}

impl fmt::Debug for KeystoneSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeystoneSession")
            .field("url", &self.keystone.base.as_str())
            .field("user", &self.user.name)
            .field("project", &self.project.as_ref().map(|p| &p.name))
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl KeystoneSession {
    pub(super) fn new(keystone: Keystone, token: SecretString, facts: TokenFacts) -> Self {
        let delegated = facts
            .methods
            .iter()
            .any(|m| m == "application_credential")
            .then(|| Delegated {
                restricted: facts
                    .application_credential
                    .and_then(|credential| credential.restricted),
            });
        Self {
            keystone,
            token,
            user: Named {
                id: facts.user.id,
                name: facts.user.name,
            },
            domain: facts.user.domain.unwrap_or_default(),
            expires: facts.expires_at,
            project: facts.project.map(Project::from),
            roles: facts.roles.into_iter().map(|role| role.name).collect(),
            delegated,
            catalog: facts.catalog,
        }
    }

    pub fn keystone(&self) -> &Keystone {
        &self.keystone
    }

    pub fn user(&self) -> &Named {
        &self.user
    }

    /// The domain the user is in.
    pub fn domain(&self) -> &Named {
        &self.domain
    }

    pub fn expires(&self) -> DateTime<Utc> {
        self.expires
    }

    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires <= now
    }

    /// The project this session works in, if one is chosen.
    pub fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// The user's roles in that project, by name.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Whether an application credential signed in, which is bound to one project.
    pub fn is_application_credential(&self) -> bool {
        self.delegated.is_some()
    }

    pub(super) fn delegated(&self) -> Option<Delegated> {
        self.delegated
    }

    /// The projects the user can work in, by name. An application credential has just its own.
    pub async fn projects(&self) -> Result<Vec<Project>, PortalError> {
        const DOING: &str = "list your projects";
        if let (Some(_), Some(project)) = (self.delegated, &self.project) {
            return Ok(vec![project.clone()]);
        }
        let answer = self.get(&["auth", "projects"], DOING).await?;
        let ProjectsBody { projects } = answer.json(DOING)?;
        let mut projects: Vec<Project> = projects
            .into_iter()
            .filter(|project| project.enabled != Some(false))
            .map(|project| Project {
                id: project.id,
                name: project.name,
                description: project.description.unwrap_or_default(),
                domain_id: project.domain_id.unwrap_or_default(),
            })
            .collect();
        projects.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(projects)
    }

    /// A session in this project, by its id.
    pub async fn scope(&self, project_id: &str) -> Result<Self, PortalError> {
        if self
            .project
            .as_ref()
            .is_some_and(|project| project.id == project_id)
        {
            return Ok(self.clone());
        }
        let identity = json!({"methods": ["token"], "token": {"id": self.token.expose_secret()}});
        let auth = json!({"identity": identity, "scope": {"project": {"id": project_id}}});
        let answer = self.keystone.authenticate(&auth, None).await?;
        if matches!(
            answer.status,
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND
        ) {
            // One answer for a token that has expired and for a project that is not ours, and another
            // for a token that was revoked; the listing tells them apart.
            let available: Vec<String> = self
                .projects()
                .await?
                .into_iter()
                .map(|project| project.name)
                .collect();
            return Err(PortalError::NoProject {
                wanted: Some(project_id.to_owned()),
                available,
            });
        }
        self.keystone.session(&answer, "open the project")
    }

    /// A session in the project of this name or id, as a file or a command line gives it. Without a
    /// wish: the one this session has, or the only one there is.
    pub async fn scope_by_name(&self, wanted: Option<&str>) -> Result<Self, PortalError> {
        if let Some(project) = &self.project
            && wanted.is_none_or(|wanted| project.id == wanted || project.name == wanted)
        {
            return Ok(self.clone());
        }
        let projects = self.projects().await?;
        let fits = |project: &&Project| wanted.is_none_or(|w| project.id == w || project.name == w);
        let fitting: Vec<&Project> = projects.iter().filter(fits).collect();
        // Of two with one name, in different domains, the one in the user's own is meant.
        let own = || {
            fitting
                .iter()
                .find(|project| project.domain_id == self.domain.id)
        };
        match fitting.as_slice() {
            [one] => self.scope(&one.id).await,
            [_, ..] if wanted.is_some() && own().is_some() => {
                self.scope(&own().map(|project| project.id.clone()).unwrap_or_default())
                    .await
            }
            _ => Err(PortalError::NoProject {
                wanted: wanted.map(str::to_owned),
                available: projects.into_iter().map(|project| project.name).collect(),
            }),
        }
    }

    /// Where the project's objects are, by region; empty when the catalog knows no object store.
    pub fn s3_endpoints(&self) -> Vec<S3Endpoint> {
        catalog::s3_endpoints(&self.catalog)
    }

    /// Ends the session at Keystone. That this fails is of no consequence: tokens run out.
    pub async fn revoke(&self) {
        let Ok(token) = refusal::hidden(&self.token) else {
            return;
        };
        let request = self
            .request(Method::DELETE, &["auth", "tokens"])
            .map(|r| r.header("X-Subject-Token", token));
        if let Ok(request) = request
            && let Err(error) = wire::send(request).await
        {
            tracing::debug!(%error, "the token was not revoked");
        }
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &[&str],
    ) -> Result<RequestBuilder, PortalError> {
        let request = self
            .keystone
            .http
            .request(method, self.keystone.below(path));
        Ok(request.header("X-Auth-Token", refusal::hidden(&self.token)?))
    }

    pub(super) async fn get(
        &self,
        path: &[&str],
        doing: &'static str,
    ) -> Result<Answer, PortalError> {
        let answer = wire::send_again(self.request(Method::GET, path)?).await?;
        if answer.status == StatusCode::OK {
            Ok(answer)
        } else {
            Err(refusal::explain(&answer, doing))
        }
    }
}
