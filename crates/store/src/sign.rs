//! Puts the last touches to the SDK's requests: how they are signed and what they must not carry.

use std::sync::Arc;

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_sdk_s3::config::ConfigBag;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::error::BoxError;
use aws_sigv4::http_request::SignableBody;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use wherry_account::{ChecksumMode, Signing};

use crate::address::Address;
use crate::clock::StoreClock;
use crate::config::Credentials;
use crate::http::USER_AGENT;
use crate::key::{KeyInUse, KeySource};
use crate::sign_v2::{self, Signable};

/// What one request adds to the store's way of signing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extras {
    /// Send `Content-MD5` of the body in memory, in place of the SDK's own checksum headers.
    pub content_md5: bool,
    /// The body's hash, where the caller knows it.
    pub sha256: Option<[u8; 32]>,
}

/// How a store's requests are signed; shared by all of them.
#[derive(Debug)]
pub(crate) struct Signer {
    pub signing: Signing,
    pub checksums: ChecksumMode,
    pub key: Option<KeySource>,
    pub address: Address,
    pub clock: StoreClock,
}

/// [`Signer`] for one request. Hung on to every operation as it is sent, so that it runs after the
/// SDK's own interceptors and before the SDK's signature.
#[derive(Debug)]
pub(crate) struct Finish {
    pub signer: Arc<Signer>,
    pub extras: Extras,
    pub key: Option<KeyInUse>,
}

#[dyn_dispatch_hint]
impl Intercept for Finish {
    fn name(&self) -> &'static str {
        "Finish"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if self.extras.content_md5 {
            let md5 =
                BASE64_STANDARD.encode(Md5::digest(request.body().bytes().unwrap_or_default()));
            drop_headers(request, |name| {
                name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm"
            });
            request.headers_mut().insert("content-md5", md5);
        }
        request.headers_mut().remove("x-amz-user-agent");
        request.headers_mut().insert("user-agent", USER_AGENT);
        if let Some(payload) = self.payload(request)
            && let Some(mut config) = cfg.load::<SigV4OperationSigningConfig>().cloned()
        {
            config.signing_options.payload_override = Some(payload);
            cfg.interceptor_state().store_put(config);
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        drop_headers(request, |name| name.starts_with("amz-sdk-"));
        if self.signer.signing == Signing::V2
            && let Some(key) = &self.key
        {
            self.sign_v2(request, &key.credentials)?;
        }
        Ok(())
    }
}

impl Finish {
    /// What stands for the body in a Version 4 signature; `None` leaves it to the SDK, which
    /// hashes a body in memory and has its own ways with trailers.
    fn payload(&self, request: &HttpRequest) -> Option<SignableBody<'static>> {
        if self.signer.checksums == ChecksumMode::WhenSupported
            && request.headers().contains_key("x-amz-trailer")
        {
            return None;
        }
        if self.signer.address.is_secure() {
            // TLS guards the bytes already; hashing them as well would cost a pass for nothing.
            return Some(SignableBody::UnsignedPayload);
        }
        self.extras
            .sha256
            .map(|hash| SignableBody::Precomputed(hex(&hash)))
    }

    fn sign_v2(
        &self,
        request: &mut HttpRequest,
        credentials: &Credentials,
    ) -> Result<(), BoxError> {
        let date = http_date(&self.signer.clock);
        drop_headers(request, |name| {
            matches!(
                name,
                "authorization" | "x-amz-content-sha256" | "x-amz-date"
            )
        });
        if let Some(token) = &credentials.session_token {
            request
                .headers_mut()
                .insert("x-amz-security-token", token.expose_secret().to_owned());
        }
        let uri: http::Uri = request.uri().parse()?;
        let authority = uri
            .authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default();
        let signable = Signable {
            method: request.method(),
            headers: request.headers().iter().collect(),
            host_bucket: self.signer.address.bucket_in_host(authority),
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
        };
        let authorization = sign_v2::authorization(&signable, credentials, &date);
        request.headers_mut().insert("date", date);
        request.headers_mut().insert("authorization", authorization);
        Ok(())
    }
}

fn drop_headers(request: &mut HttpRequest, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, _)| name.to_owned())
        .filter(|name| unwanted(name))
        .collect();
    for name in names {
        request.headers_mut().remove(name);
    }
}

fn http_date(clock: &StoreClock) -> String {
    DateTime::<Utc>::from(clock.now())
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibble = |n: u8| char::from(DIGITS[usize::from(n & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [nibble(byte >> 4), nibble(*byte)])
        .collect()
}
