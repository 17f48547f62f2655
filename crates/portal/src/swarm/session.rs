//! Somebody who can prove to a gateway who they are, with every request.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use wherry_account::IssuerKind;

use super::{TOKEN_SERVICE, USUAL_PORT, wire};
use crate::error::PortalError;
use crate::issuer::{Issuer as _, SignInMethod};
use crate::session::{PortalSession, S3Endpoint, Scope};
use crate::tenancy;
use crate::wire::{self as exchange, Answer};

pub const LIST: &str = "list your keys";

#[derive(Clone)]
pub struct SwarmSession {
    http: Client,
    /// The gateway of one tenancy, without a slash at the end of its path.
    pub(super) gateway: Url,
    user: String,
    /// Needed with every request; wiped when the last clone of the session is dropped.
    password: SecretString,
}

impl fmt::Debug for SwarmSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwarmSession")
            .field("gateway", &self.gateway.as_str())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl SwarmSession {
    pub(super) fn new(http: Client, gateway: Url, user: String, password: SecretString) -> Self {
        Self {
            http,
            gateway,
            user,
            password,
        }
    }

    /// The first question with the password; what it was answered tells how good the address and the
    /// password are.
    pub(super) async fn prove(&self) -> Result<(), PortalError> {
        match self.list_keys().await {
            Ok(_) => Ok(()),
            Err(PortalError::SignInAgain) => Err(self.refused().await),
            Err(PortalError::NotUnderstood { said, .. }) => Err(PortalError::NotAPortal {
                host: said.host,
                wanted: TOKEN_SERVICE,
                excerpt: said.message,
            }),
            Err(other) => Err(other),
        }
    }

    /// The same once more, for what the gateway said beside its status.
    async fn refused(&self) -> PortalError {
        match self.ask(Method::GET, wire::tokens(&self.gateway)).await {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => PortalError::SignInRefused {
                with: SignInMethod::Password,
                said: Box::new(answer.said(answer.excerpt())),
            },
            Ok(answer) => explain(&answer, LIST),
            Err(error) => error,
        }
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http
            .request(method, url)
            .basic_auth(&self.user, Some(self.password.expose_secret()))
    }

    /// For what may be asked twice without harm.
    pub(super) async fn ask(&self, method: Method, url: Url) -> Result<Answer, PortalError> {
        exchange::send_again(self.request(method, url)).await
    }

    /// The tenancy's name, which is the first part of the gateway's.
    pub(super) fn tenancy(&self) -> &str {
        tenancy::of_host(self.gateway.host_str().unwrap_or_default())
    }
}

/// Why the token service refused. Its words are not known, so only the status decides.
pub(super) fn explain(answer: &Answer, doing: &'static str) -> PortalError {
    let status = answer.status;
    if status.is_redirection() {
        return PortalError::Redirected {
            to: answer.location().unwrap_or_default(),
            said: Box::new(answer.said(String::new())),
        };
    }
    let said = || Box::new(answer.said(answer.excerpt()));
    match status {
        StatusCode::UNAUTHORIZED => PortalError::SignInAgain,
        StatusCode::FORBIDDEN => PortalError::NotPermitted {
            doing,
            said: said(),
        },
        _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            PortalError::Fault { said: said() }
        }
        _ => answer.not_understood(doing),
    }
}

#[async_trait]
impl PortalSession for SwarmSession {
    fn kind(&self) -> IssuerKind {
        IssuerKind::Swarm
    }

    fn url(&self) -> &Url {
        &self.gateway
    }

    fn user(&self) -> &str {
        &self.user
    }

    /// The password does not run out by itself.
    fn is_expired(&self, _: DateTime<Utc>) -> bool {
        false
    }

    async fn scopes(&self) -> Result<Vec<Scope>, PortalError> {
        Ok(self.scope().into_iter().collect())
    }

    fn scope(&self) -> Option<Scope> {
        Some(Scope {
            id: self.tenancy().to_owned(),
            name: self.tenancy().to_owned(),
            description: exchange::host(&self.gateway),
            asks_password: false,
        })
    }

    /// A gateway is one tenancy's.
    async fn open(
        &self,
        scope: &str,
        _: Option<SecretString>,
    ) -> Result<Arc<dyn PortalSession>, PortalError> {
        if scope == self.tenancy() {
            return Ok(Arc::new(self.clone()));
        }
        Err(PortalError::NoProject {
            wanted: Some(scope.to_owned()),
            available: vec![self.tenancy().to_owned()],
        })
    }

    /// S3 is at the same host: on the usual port where the token service is on its own, else beside it.
    fn endpoints(&self) -> Vec<S3Endpoint> {
        let host = self.gateway.host_str().unwrap_or_default();
        let known = tenancy::endpoints(host);
        // JASMIN's hosts have an outer address too.
        if known
            .iter()
            .any(|endpoint| endpoint.url.host_str() != Some(host))
        {
            return known;
        }
        let mut url = self.gateway.clone();
        url.set_path("");
        if url.port() == Some(USUAL_PORT) {
            // Only an address without a host has no port.
            let _ = url.set_port(None);
        }
        vec![S3Endpoint {
            region: String::new(),
            url,
        }]
    }

    /// There is nothing at the gateway to end.
    async fn sign_out(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(gateway: &str) -> SwarmSession {
        let http = wherry_store::http::client(&wherry_store::HttpSettings::default()).unwrap();
        let gateway = gateway.parse().unwrap();
        SwarmSession::new(http, gateway, "jdoe".into(), "a password".into())
    }

    #[test]
    fn the_store_is_at_the_same_host() {
        let places = |gateway: &str| {
            session(gateway)
                .endpoints()
                .iter()
                .map(|e| e.url.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            places("http://cedadev-o.s3.jc.rl.ac.uk:81/"),
            [
                "https://cedadev-o.s3-ext.jc.rl.ac.uk/",
                "http://cedadev-o.s3.jc.rl.ac.uk/"
            ]
        );
        assert_eq!(
            places("http://t.swarm.example.org:81/"),
            ["http://t.swarm.example.org/"]
        );
        assert_eq!(
            places("https://t.swarm.example.org:8443/"),
            ["https://t.swarm.example.org:8443/"]
        );
    }

    #[test]
    fn the_tenancy_is_in_the_name_and_the_password_in_no_words() {
        let session = session("http://cedadev-o.s3.jc.rl.ac.uk:81/");
        assert_eq!(
            session.scope().map(|scope| scope.id).as_deref(),
            Some("cedadev-o")
        );
        let words = format!("{session:?}");
        assert!(
            words.contains("jdoe") && !words.contains("a password"),
            "{words}"
        );
    }
}
