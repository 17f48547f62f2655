//! Links that work without a key, for a while.

use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_s3::presigning::PresigningConfig;
use aws_smithy_async::time::TimeSource;
use secrecy::SecretString;
use wherry_account::Signing;

use crate::address::encode_path;
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::sign_v2::{self, Signable};
use crate::store::{S3Store, override_key};

const DOING: &str = "make a link";
/// Version 4 allows no more.
pub const LONGEST_LINK: Duration = Duration::from_hours(7 * 24);

impl S3Store {
    /// A link to download an object that works for `valid`, at most seven days. Whoever has it has
    /// the object, so it is a secret. Where the key expires sooner, so does the link.
    ///
    /// # Errors
    /// When the account is anonymous (its links are [`S3Store::object_url`]) or `valid` is too long.
    pub async fn presign_get(
        &self,
        bucket: &str,
        object: &str,
        valid: Duration,
    ) -> Result<SecretString, StoreError> {
        if valid.is_zero() || valid > LONGEST_LINK {
            return Err(StoreError::new(
                ErrorKind::Other,
                DOING,
                "a link can be valid for one second to seven days",
            ));
        }
        let signer = &self.0.signer;
        let key = self.key_now(DOING).await?;
        match (&key, signer.signing) {
            (Some(key), Signing::V2) => {
                let now = signer
                    .clock
                    .now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let url = self.object_url(bucket, object);
                let uri: http::Uri = url.parse().map_err(|_| self.unusable())?;
                let authority = uri
                    .authority()
                    .map(http::uri::Authority::as_str)
                    .unwrap_or_default();
                let signable = Signable {
                    method: "GET",
                    headers: Vec::new(),
                    host_bucket: signer.address.bucket_in_host(authority),
                    path: uri.path(),
                    query: "",
                };
                let query =
                    sign_v2::presigned_query(&signable, &key.credentials, (now + valid).as_secs());
                Ok(format!("{url}?{query}").into())
            }
            (Some(key), Signing::V4) => {
                let config = PresigningConfig::builder()
                    .start_time(signer.clock.now())
                    .expires_in(valid)
                    .build();
                let config = config.map_err(|_| self.unusable())?;
                let operation = self.client().get_object().bucket(bucket).key(object);
                let operation = operation.customize();
                let operation = match override_key(Some(key)) {
                    Some(lent) => operation.config_override(lent),
                    None => operation,
                };
                let signed = operation.presigned(config).await;
                let signed =
                    signed.map_err(|error| self.refusals(DOING, About::Object).explain(&error))?;
                Ok(signed.uri().to_owned().into())
            }
            _ => Err(StoreError::new(
                ErrorKind::Other,
                DOING,
                "this account has no key to sign a link with; use the object's plain address",
            )),
        }
    }

    fn unusable(&self) -> StoreError {
        let host = self.0.signer.address.authority();
        StoreError::new(
            ErrorKind::Other,
            DOING,
            format!("no link can be made for this name at {}", encode_path(host)),
        )
    }
}
