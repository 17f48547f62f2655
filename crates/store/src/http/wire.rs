//! Carries the SDK's requests over our own connections, streaming both ways.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::header::{CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::{Connector, Proxies};
use super::explain::Failure;
use super::pace::{self, Outgoing, Received, Sent};
use crate::config::{HttpSettings, Patience};
use crate::error::StoreError;
use crate::throttle::Throttle;

/// Taken from a connection at a time, at the most: it is still in the processor's cache when it is
/// written and hashed, and there are many connections.
const LARGEST_READ: usize = 128 << 10;

/// The S3 side's HTTP client. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Wire {
    client: Client<Connector, Outgoing>,
    proxies: Proxies,
    patience: Patience,
    throttle: Option<Throttle>,
}

impl Wire {
    pub fn new(settings: &HttpSettings, patience: Patience) -> Result<Self, StoreError> {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(super::KEEP_ALIVE)
            .pool_max_idle_per_host(super::IDLE_CONNECTIONS)
            .http1_max_buf_size(LARGEST_READ)
            .build(Connector::new(settings, patience)?);
        Ok(Self {
            client,
            proxies: Proxies::new(settings)?,
            patience,
            throttle: None,
        })
    }

    /// The same connections with limits on what goes over them.
    pub fn throttled(&self, throttle: Throttle) -> Self {
        Self {
            throttle: Some(throttle),
            ..self.clone()
        }
    }

    async fn send(&self, request: Request<SdkBody>) -> Result<http::Response<Incoming>, Failure> {
        let (mut parts, body) = request.into_parts();
        let host = authority(&parts.uri);
        let may_be_silent = answers_late(&parts.method, &parts.uri, &parts.headers);
        if let Some(authorization) = self.proxies.authorization(&parts.uri) {
            parts.headers.insert(PROXY_AUTHORIZATION, authorization);
        }
        // The client writes it from the address, as it was signed; two would be one too many.
        parts.headers.remove(HOST);
        // Stores want to hear of an empty body as well: Ceph refuses to copy a part without this.
        if matches!(parts.method, Method::PUT | Method::POST) && body.content_length() == Some(0) {
            parts
                .headers
                .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let sent = Arc::new(Sent::default());
        let outgoing = Outgoing::new(body, sent.clone(), self.throttle.as_ref());
        let answer = self.client.request(Request::from_parts(parts, outgoing));
        pace::watch(answer, &sent, self.patience, may_be_silent)
            .await?
            .map_err(|error| {
                let (kind, message) = super::explain::chain(&error, Some(&host));
                Failure::new(kind, message)
            })
    }
}

/// Whether the store may work for minutes before it answers: putting parts together, or copying.
fn answers_late(method: &Method, uri: &Uri, headers: &http::HeaderMap) -> bool {
    let completes = method == Method::POST
        && uri
            .query()
            .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("uploadId=")));
    completes || headers.contains_key("x-amz-copy-source")
}

fn authority(uri: &Uri) -> Arc<str> {
    uri.authority()
        .map_or("the server", http::uri::Authority::as_str)
        .into()
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|e| ConnectorError::user(e.into()))?;
            let host = authority(request.uri());
            let mut patience = wire.patience;
            if answers_late(request.method(), request.uri(), request.headers()) {
                // Such a store may send single spaces for minutes to keep the connection open.
                patience.least = 0;
            }
            let answer = wire
                .send(request)
                .await
                .map_err(|failure| ConnectorError::io(failure.into()))?;
            let throttle = wire.throttle.as_ref();
            let answer = answer
                .map(|body| SdkBody::from_body_1_x(Received::new(body, patience, host, throttle)));
            HttpResponse::try_from(answer).map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_completing_and_copying_may_be_silent() {
        let late = |method: Method, uri: &str, copy: bool| {
            let mut headers = http::HeaderMap::new();
            if copy {
                headers.insert("x-amz-copy-source", "b/k".parse().unwrap());
            }
            answers_late(&method, &uri.parse().unwrap(), &headers)
        };
        assert!(late(Method::POST, "http://h/b/k?uploadId=7", false));
        assert!(late(Method::PUT, "http://h/b/k", true));
        assert!(!late(
            Method::PUT,
            "http://h/b/k?partNumber=1&uploadId=7",
            false
        ));
        assert!(!late(Method::POST, "http://h/b?delete", false));
        assert!(!late(Method::GET, "http://h/b?prefix=uploadId=7", false));
    }
}
