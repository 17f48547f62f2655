//! S3 as a Swarm tenancy serves it: a real gateway behind, and in front of it what Swarm would refuse.
//!
//! Requests are passed on as they came, `Host` included, because their signatures cover it.

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use wherry_store::HttpSettings;

use crate::Backing;

/// How a full tenancy says so. What the original sends is not known, so clients are tested with several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    pub status: u16,
    pub code: &'static str,
}

impl Full {
    pub const FORBIDDEN: Self = Self {
        status: 403,
        code: "AccessDenied",
    };
    pub const INSUFFICIENT_STORAGE: Self = Self {
        status: 507,
        code: "InsufficientStorage",
    };
}

#[derive(Debug)]
pub(crate) struct StoreFront {
    backing: Option<String>,
    full: Mutex<Option<Full>>,
    client: hyper_util::client::legacy::Client<
        hyper_util::client::legacy::connect::HttpConnector,
        Body,
    >,
    /// For the question whether a bucket is there.
    asking: Client,
}

impl StoreFront {
    pub(crate) fn new(backing: &Backing) -> Self {
        let executor = hyper_util::rt::TokioExecutor::new();
        Self {
            backing: backing.url().map(str::to_owned),
            full: Mutex::default(),
            client: hyper_util::client::legacy::Client::builder(executor).build_http(),
            asking: wherry_store::http::client(&HttpSettings::default())
                .expect("a client without options"),
        }
    }

    pub(crate) fn full(&self, full: Option<Full>) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = full;
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let Some(backing) = &self.backing else {
            return refuse(503, "ServiceUnavailable", "There is no store behind");
        };
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default();
        let full = *self.full.lock().unwrap_or_else(PoisonError::into_inner);
        // A tenancy over its quota can be read and cleaned up; only that POST deletes is not seen.
        let takes_space = *request.method() == Method::PUT || *request.method() == Method::POST;
        if let (Some(full), true) = (full, takes_space) {
            return refuse(full.status, full.code, "The tenancy is over its quota");
        }
        if is_streaming(&request) {
            return refuse(501, "NotImplemented", "Transfer-Encoding is not supported");
        }
        let bucket = path.trim_matches('/');
        let makes_bucket =
            *request.method() == Method::PUT && query.is_empty() && !bucket.contains('/');
        // Whoever owns it.
        if makes_bucket && self.exists(backing, bucket).await {
            return refuse(409, "BucketAlreadyExists", "The bucket exists already");
        }
        self.pass_on(backing, request).await
    }

    async fn exists(&self, backing: &str, bucket: &str) -> bool {
        let head = self.asking.head(format!("{backing}/{bucket}")).send().await;
        head.is_ok_and(|answer| answer.status() != reqwest::StatusCode::NOT_FOUND)
    }

    async fn pass_on(&self, backing: &str, mut request: Request) -> Response {
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let Ok(uri) = format!("{backing}{target}").parse::<Uri>() else {
            return refuse(400, "InvalidURI", "");
        };
        *request.uri_mut() = uri;
        // Answered here already.
        request.headers_mut().remove(header::EXPECT);
        match self.client.request(request).await {
            Ok(answer) => answer.into_response(),
            Err(error) => refuse(502, "BadGateway", &error.to_string()),
        }
    }
}

/// The newer SDKs' way of sending a checksum behind the data, which Swarm does not read.
fn is_streaming(request: &Request) -> bool {
    let holds = |name: &str, word: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(word))
    };
    holds("content-encoding", "aws-chunked") || holds("x-amz-content-sha256", "STREAMING-")
}

fn refuse(status: u16, code: &str, words: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("an HTTP status");
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{words}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}
