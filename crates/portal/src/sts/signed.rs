//! Signature Version 4 for a request that is not S3's.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use url::Url;
use wherry_store::ErrorKind;

use super::lend::FORM;
use super::role_key::RoleKey;
use crate::error::PortalError;

/// What stores of their own go by; Amazon's global service does too.
const REGION: &str = "us-east-1";

/// Adds the signature to a form that is posted to `url`.
pub fn signed(
    request: RequestBuilder,
    url: &Url,
    body: &str,
    key: &RoleKey,
    now: SystemTime,
) -> Result<RequestBuilder, PortalError> {
    let secret = &key.secret;
    let token = secret.session_token().map(|t| t.expose_secret().to_owned());
    let identity: Identity = Credentials::new(
        &key.access_key_id,
        secret.access_key().expose_secret(),
        token,
        None,
        "Wherry",
    )
    .into();
    let unusable = |why: String| PortalError::Connection {
        kind: ErrorKind::Other,
        message: format!("the request cannot be signed: {why}"),
    };
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("sts")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    let signable = SignableRequest::new(
        "POST",
        url.as_str(),
        [("content-type", FORM)].into_iter(),
        SignableBody::Bytes(body.as_bytes()),
    )
    .map_err(|error| unusable(error.to_string()))?;
    let (instructions, _) = sign(signable, &parameters.into())
        .map_err(|error| unusable(error.to_string()))?
        .into_parts();
    let mut request = request;
    for (name, value) in instructions.headers() {
        let mut value =
            HeaderValue::from_str(value).map_err(|error| unusable(error.to_string()))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    Ok(request)
}
