//! Somebody signed in at the portal, and the tenancy they have opened.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wherry_account::IssuerKind;

use super::read::{self, Card, Overview, PasswordPage};
use super::visit::{Arrived, Visitor};
use crate::error::{PortalError, Said};
use crate::session::{PortalSession, S3Endpoint, Scope};
use crate::{tenancy, wire};

const LIST: &str = "list your tenancies";
const OPEN: &str = "open the tenancy";

#[derive(Debug, Clone)]
pub struct JasminSession {
    /// One cookie jar for all tenancies, as the portal has one session for them.
    pub(super) visitor: Arc<Visitor>,
    user: String,
    tenancy: Option<Card>,
}

impl JasminSession {
    /// Goes to the page with the tenancies, which the portal wants to have shown before any other.
    pub(super) async fn enter(visitor: Arc<Visitor>) -> Result<Self, PortalError> {
        let Overview { user, .. } = overview(&visitor).await?;
        Ok(Self {
            visitor,
            user,
            tenancy: None,
        })
    }

    /// The tenancy's name, once it is open.
    pub(super) fn opened(&self) -> Result<&str, PortalError> {
        match &self.tenancy {
            Some(tenancy) => Ok(&tenancy.name),
            None => Err(PortalError::CannotDo {
                reason: "A key is for one tenancy: choose one first.".into(),
            }),
        }
    }

    /// Confirms the password, as the portal asks for each tenancy.
    async fn confirm(&self, tenancy: &str, password: &SecretString) -> Result<(), PortalError> {
        let form = [("password", password.expose_secret())];
        let arrived = self
            .visitor
            .post_again(&["object-store", tenancy], &form, OPEN)
            .await?;
        let page = match arrived {
            Arrived::SentTo(_) => return Ok(()),
            Arrived::Page(page) => page,
        };
        match read::password_page(&page.text()) {
            Some(PasswordPage::Refused) => Err(PortalError::PasswordDoubted {
                said: Box::new(page.said(String::new())),
            }),
            Some(PasswordPage::Asks) => Err(password_again(tenancy)),
            None => Err(page.not_understood(OPEN)),
        }
    }
}

/// The portal's answer to somebody whose password it does not have, or no more.
pub(super) fn password_again(tenancy: &str) -> PortalError {
    PortalError::PasswordAgain {
        scope: tenancy.to_owned(),
    }
}

async fn overview(visitor: &Visitor) -> Result<Overview, PortalError> {
    let page = match visitor.get(&["object-store"], LIST).await? {
        Arrived::Page(page) => page,
        Arrived::SentTo(to) => {
            tracing::warn!(to, "the portal sends on from its overview");
            return Err(PortalError::SignInAgain);
        }
    };
    read::overview(&page.text()).ok_or_else(|| page.not_understood(LIST))
}

#[async_trait]
impl PortalSession for JasminSession {
    fn kind(&self) -> IssuerKind {
        IssuerKind::JasminPortal
    }

    fn url(&self) -> &Url {
        self.visitor.portal()
    }

    fn user(&self) -> &str {
        &self.user
    }

    /// Fourteen days after the sign-in, of which the cookie's value says nothing; the portal tells by
    /// sending to its login page.
    fn is_expired(&self, _: DateTime<Utc>) -> bool {
        false
    }

    async fn scopes(&self) -> Result<Vec<Scope>, PortalError> {
        let Overview { cards, .. } = overview(&self.visitor).await?;
        if cards.is_empty() {
            return Err(PortalError::NoProject {
                wanted: None,
                available: Vec::new(),
            });
        }
        Ok(cards.into_iter().map(Scope::from).collect())
    }

    fn scope(&self) -> Option<Scope> {
        self.tenancy.clone().map(Scope::from)
    }

    /// Without a password only where it was given before, in this session of the portal.
    async fn open(
        &self,
        scope: &str,
        password: Option<SecretString>,
    ) -> Result<Arc<dyn PortalSession>, PortalError> {
        let Overview { cards, .. } = overview(&self.visitor).await?;
        let Some(tenancy) = cards.iter().find(|card| card.name == scope).cloned() else {
            return Err(PortalError::NoProject {
                wanted: Some(scope.to_owned()),
                available: cards.into_iter().map(|card| card.name).collect(),
            });
        };
        // The portal takes an empty field for none.
        let password = password.filter(|password| !password.expose_secret().is_empty());
        if let Some(password) = &password {
            self.confirm(scope, password).await?;
        }
        let path = ["object-store", scope, "access-keys"];
        match self.visitor.get(&path, OPEN).await? {
            Arrived::Page(page) if read::keys(&page.text(), scope).is_some() => {
                Ok(Arc::new(Self {
                    tenancy: Some(tenancy),
                    ..self.clone()
                }))
            }
            Arrived::Page(page) => Err(page.not_understood(OPEN)),
            Arrived::SentTo(_) if password.is_none() => Err(password_again(scope)),
            // The portal found the password right, and yet sends to the page that asks for it. Going there
            // would begin the same round again.
            Arrived::SentTo(_) => {
                let message = "It accepted the password, and asks for it again all the same.";
                Err(PortalError::Fault {
                    said: Box::new(Said {
                        host: wire::host(self.visitor.portal()),
                        status: 307,
                        message: message.to_owned(),
                        request_id: None,
                    }),
                })
            }
        }
    }

    fn endpoints(&self) -> Vec<S3Endpoint> {
        let location = self.tenancy.as_ref().map(|tenancy| &tenancy.location);
        location.map_or_else(Vec::new, |location| tenancy::endpoints(location))
    }

    async fn sign_out(&self) {
        // That there is a redirect to the login page is what is hoped for.
        match self
            .visitor
            .get(&["account", "logout"], "sign you out")
            .await
        {
            Ok(_) | Err(PortalError::SignInAgain) => {}
            Err(error) => tracing::debug!(%error, "the portal's session was not ended"),
        }
    }
}

impl From<Card> for Scope {
    fn from(card: Card) -> Self {
        Self {
            id: card.name.clone(),
            name: card.name,
            description: card.location,
            asks_password: true,
        }
    }
}
