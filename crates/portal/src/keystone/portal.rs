//! Keystone as one portal among others.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;
use wherry_account::IssuerKind;

use super::{Federation, Keystone, KeystoneSession, Project, SignIn, UserRef, federation};
use crate::error::PortalError;
use crate::session::{PortalSession, Proof, S3Endpoint, Scope, SignInRequest, wrong_proof};

pub(crate) async fn sign_in(request: SignInRequest) -> Result<Arc<dyn PortalSession>, PortalError> {
    let SignInRequest {
        url,
        http,
        options,
        client_secret,
        proof,
        ..
    } = request;
    let (options, client_secret, proof) = match &proof {
        Proof::Imported { cloud, secret } if cloud.oidc.is_some() => {
            federation::imported(cloud, secret).ok_or_else(wrong_proof)?
        }
        _ => (options, client_secret, proof),
    };
    let keystone = Keystone::discover(&url, &http).await?;
    if let Some(tokens) = federation::tokens(&proof, &options, client_secret, &http).await? {
        let Some(federation) = Federation::from_options(&options) else {
            return Err(PortalError::CannotDo {
                reason: "Keystone must be told the name it has for your institution, its identity provider: the RC \
                         file that your dashboard offers has it as OS_IDENTITY_PROVIDER."
                    .into(),
            });
        };
        let session = keystone.sign_in_federated(&federation, &tokens).await?;
        return Ok(Arc::new(session));
    }
    let way = match proof {
        Proof::Password {
            user,
            domain,
            password,
            code,
        } => SignIn::Password {
            user: UserRef::named(user, domain),
            password,
            code,
        },
        Proof::ApplicationCredential { id, secret } => SignIn::ApplicationCredential { id, secret },
        Proof::Imported { cloud, secret } => {
            SignIn::imported(&cloud, secret).ok_or_else(wrong_proof)?
        }
        _ => return Err(wrong_proof()),
    };
    Ok(Arc::new(keystone.sign_in(&way).await?))
}

#[async_trait]
impl PortalSession for KeystoneSession {
    fn kind(&self) -> IssuerKind {
        IssuerKind::Keystone
    }

    fn url(&self) -> &Url {
        self.keystone().url()
    }

    fn user(&self) -> &str {
        &self.user().name
    }

    fn domain(&self) -> &str {
        &self.domain().name
    }

    fn is_expired(&self, now: DateTime<Utc>) -> bool {
        KeystoneSession::is_expired(self, now)
    }

    async fn scopes(&self) -> Result<Vec<Scope>, PortalError> {
        let projects = self.projects().await?;
        if projects.is_empty() {
            return Err(PortalError::NoProject {
                wanted: None,
                available: Vec::new(),
            });
        }
        Ok(projects.into_iter().map(Scope::from).collect())
    }

    fn scope(&self) -> Option<Scope> {
        self.project().cloned().map(Scope::from)
    }

    async fn open(
        &self,
        scope: &str,
        _: Option<SecretString>,
    ) -> Result<Arc<dyn PortalSession>, PortalError> {
        Ok(Arc::new(KeystoneSession::scope(self, scope).await?))
    }

    fn endpoints(&self) -> Vec<S3Endpoint> {
        self.s3_endpoints()
    }

    async fn sign_out(&self) {
        self.revoke().await;
    }
}

impl From<Project> for Scope {
    fn from(project: Project) -> Self {
        Self {
            id: project.id,
            name: project.name,
            description: project.description,
            asks_password: false,
        }
    }
}
