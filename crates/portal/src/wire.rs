//! One HTTP exchange with a portal: nothing followed, nothing kept, every failure in words.

use std::borrow::Cow;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;
use wherry_store::ErrorKind;
use zeroize::Zeroizing;

use crate::error::{PortalError, Said};
use crate::excerpt::excerpt;

/// Far more than any portal has to say.
const MOST: usize = 16 << 20;

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// May hold secrets: wiped when dropped, never shown but through [`excerpt`].
    body: Zeroizing<Vec<u8>>,
    host: String,
}

/// Sends a request and reads the whole answer, whatever its status.
pub async fn send(request: RequestBuilder) -> Result<Answer, PortalError> {
    let mut response = request.send().await.map_err(|e| explain(&e))?;
    let (status, headers, host) = (
        response.status(),
        response.headers().clone(),
        host(response.url()),
    );
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|e| explain(&e))? {
        if body.len() + chunk.len() > MOST {
            let message = format!("{host} sent an answer without end");
            return Err(PortalError::Connection {
                kind: ErrorKind::Interrupted,
                message,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body,
        host,
    })
}

/// As [`send`], for requests that may be sent twice without harm: once more when the connection broke.
/// A connection kept open may be closed by the server in the moment it is used again.
pub async fn send_again(request: RequestBuilder) -> Result<Answer, PortalError> {
    let again = request.try_clone();
    match (send(request).await, again) {
        (
            Err(PortalError::Connection {
                kind: ErrorKind::Interrupted,
                ..
            }),
            Some(again),
        ) => send(again).await,
        (result, _) => result,
    }
}

impl Answer {
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The body as `T`, or `None` when it is something else.
    pub fn try_json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    pub fn json<T: DeserializeOwned>(&self, doing: &'static str) -> Result<T, PortalError> {
        self.try_json().ok_or_else(|| self.not_understood(doing))
    }

    /// The body as text, for those who take it apart. It may hold a secret.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    pub fn not_understood(&self, doing: &'static str) -> PortalError {
        let said = Box::new(self.said(self.excerpt()));
        tracing::warn!(host = %said.host, status = said.status, answer = %said.message, doing, "not understood");
        PortalError::NotUnderstood { doing, said }
    }

    pub fn excerpt(&self) -> String {
        excerpt(&self.body)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a redirect points, for people; without a query, which may hold a token.
    pub fn location(&self) -> Option<String> {
        let to = self.headers.get(LOCATION)?.to_str().ok()?;
        Some(to.split(['?', '#']).next().unwrap_or_default().to_owned())
    }

    pub fn said(&self, message: String) -> Said {
        let request_id = self
            .header("x-openstack-request-id")
            .or_else(|| self.header("x-request-id"));
        Said {
            host: self.host.clone(),
            status: self.status.as_u16(),
            message,
            request_id: request_id.map(str::to_owned),
        }
    }
}

/// Host and, where it is not the scheme's own, port.
pub fn host(url: &Url) -> String {
    match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    }
}

fn explain(error: &reqwest::Error) -> PortalError {
    let (kind, message) = wherry_store::http::explain(error);
    PortalError::Connection { kind, message }
}
