//! The store that is really somewhere: one account's connection to its S3 server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SharedTimeSource;
use secrecy::ExposeSecret;
use wherry_account::{ChecksumMode, ListVersion, Quirks, Signing};

use crate::address::Address;
use crate::api::{
    BucketInfo, CompletedPart, CopyPartRequest, CopyRequest, DeleteOutcome, GetRequest,
    GetResponse, ListPage, ListRequest, Makeup, ObjectHead, ObjectStore, PutOutcome, PutRequest,
    UploadId, UploadInfo, UploadPartRequest,
};
use crate::clock::StoreClock;
use crate::config::{Credentials, S3Config};
use crate::error::{ErrorKind, StoreError};
use crate::http::wire::Wire;
use crate::key::{KeyInUse, KeyLender, KeySource, is_about_the_key};
use crate::refusal::{About, Refusals};
use crate::retry::patiently;
use crate::sign::{Extras, Finish, Signer};
use crate::throttle::Throttle;

/// An S3 store reached over the network. Cheap to clone; clones share connections and what has
/// been learnt about the server.
#[derive(Clone)]
pub struct S3Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub config: S3Config,
    pub client: Client,
    pub wire: Wire,
    pub signer: Arc<Signer>,
    /// The store has refused `POST ?delete`.
    pub deletes_singly: AtomicBool,
    /// The store does not know the second version of listings.
    pub lists_v1: AtomicBool,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3Store")
            .field(&self.0.config.endpoint.as_str())
            .finish()
    }
}

/// Sends an operation of the SDK with the store's finish, and explains what goes wrong.
macro_rules! send {
    ($store:expr, $doing:expr, $about:expr, $operation:expr) => {
        $crate::store::send!(
            $store,
            $doing,
            $about,
            $operation,
            $crate::sign::Extras::default()
        )
    };
    ($store:expr, $doing:expr, $about:expr, $operation:expr, $extras:expr) => {
        match $store.finish($doing, $extras).await {
            Ok(finish) => {
                let key = finish.key.clone();
                let operation = $operation.customize();
                let operation = match $crate::store::override_key(key.as_ref()) {
                    Some(config) => operation.config_override(config),
                    None => operation,
                };
                operation.interceptor(finish).send().await.map_err(|error| {
                    $store
                        .refusals($doing, $about)
                        .of_key(key.as_ref())
                        .explain(&error)
                })
            }
            Err(error) => Err(error),
        }
    };
}
pub(crate) use send;

impl S3Store {
    /// Connects nothing yet; fails when the configuration cannot work, such as a CA file that cannot be read.
    pub fn new(config: S3Config) -> Result<Self, StoreError> {
        let wire = Wire::new(&config.http, config.patience)?;
        Self::over(config, wire)
    }

    fn over(config: S3Config, wire: Wire) -> Result<Self, StoreError> {
        if !matches!(config.endpoint.scheme(), "http" | "https") || config.endpoint.host().is_none()
        {
            let message = "the address must begin with https:// or http:// and name a host";
            return Err(StoreError::new(ErrorKind::Other, "open the store", message));
        }
        let clock = StoreClock::new(config.time.clone());
        let address = Address::new(&config.endpoint, config.addressing);
        let signing = config.effective_signing();
        let checksums = config.quirks.checksums;
        let mut builder = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .http_client(SharedHttpClient::new(wire.clone()))
            .sleep_impl(TokioSleep::new())
            // Retries and time limits are ours: see `retry` and `http::pace`.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::no_cache())
            .request_checksum_calculation(match checksums {
                ChecksumMode::WhenRequired => RequestChecksumCalculation::WhenRequired,
                ChecksumMode::WhenSupported => RequestChecksumCalculation::WhenSupported,
            })
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // Ours again, see `clock`: the SDK's own is forgotten with each client and knows Version 4 only.
            .disable_clock_skew_correction(true)
            .disable_s3_express_session_auth(true)
            .endpoint_resolver(address.clone());
        builder.set_time_source(Some(SharedTimeSource::new(clock.clone())));
        match (&config.credentials, signing) {
            (Some(KeySource::Fixed(key)), Signing::V4) => {
                builder = builder.credentials_provider(for_sdk(key));
            }
            // A lent key comes with each request, see `override_key`.
            (Some(KeySource::Lent(_)), Signing::V4) => {}
            // Version 2 is signed by `sign::Finish`; the SDK is not to sign at all.
            _ => builder = builder.allow_no_auth(),
        }
        let signer = Signer {
            signing,
            checksums,
            key: config.credentials.clone(),
            address,
            clock,
        };
        Ok(Self(Arc::new(Inner {
            client: Client::from_conf(builder.build()),
            wire,
            signer: Arc::new(signer),
            deletes_singly: AtomicBool::new(
                config.quirks.delete == wherry_account::DeleteMode::Single,
            ),
            lists_v1: AtomicBool::new(config.quirks.list_version == ListVersion::V1),
            config,
        })))
    }

    /// Store's clock minus this computer's, in seconds, as far as a refusal has shown it; else 0.
    pub fn clock_offset(&self) -> i64 {
        self.0.signer.clock.offset()
    }

    /// An object's address, unsigned: works in a browser when the object is public.
    ///
    /// A `String`, because `Url` folds dot segments and a key may have some.
    pub fn object_url(&self, bucket: &str, key: &str) -> String {
        self.0.signer.address.of_object(bucket, key)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// The same store with keys from another lender, over the same connections.
    ///
    /// # Errors
    /// As [`S3Store::new`].
    pub fn lent_by(&self, lender: Arc<dyn KeyLender>) -> Result<Self, StoreError> {
        let config = S3Config {
            credentials: Some(KeySource::Lent(lender)),
            ..self.0.config.clone()
        };
        self.otherwise(config, self.0.wire.clone())
    }

    /// The same store over the same connections, no faster than `throttle` says: for transfers,
    /// beside which looking at a folder should not wait.
    ///
    /// # Errors
    /// As [`S3Store::new`].
    pub fn throttled(&self, throttle: Throttle) -> Result<Self, StoreError> {
        self.otherwise(self.0.config.clone(), self.0.wire.throttled(throttle))
    }

    fn otherwise(&self, config: S3Config, wire: Wire) -> Result<Self, StoreError> {
        let other = Self::over(config, wire)?;
        other.0.signer.clock.learn(self.clock_offset(), 0);
        Ok(other)
    }

    /// What one request is finished with, its key included.
    pub(crate) async fn finish(
        &self,
        doing: &'static str,
        extras: Extras,
    ) -> Result<Finish, StoreError> {
        Ok(Finish {
            signer: self.0.signer.clone(),
            extras,
            key: self.key_now(doing).await?,
        })
    }

    pub(crate) async fn key_now(
        &self,
        doing: &'static str,
    ) -> Result<Option<KeyInUse>, StoreError> {
        match &self.0.signer.key {
            Some(source) => match source.current().await {
                Ok(key) => Ok(Some(key)),
                Err(error) => Err(StoreError { doing, ..error }),
            },
            None => Ok(None),
        }
    }

    pub(crate) fn refusals<'s>(&'s self, doing: &'static str, about: About) -> Refusals<'s> {
        let signer = &self.0.signer;
        Refusals {
            doing,
            about,
            clock: &signer.clock,
            host: signer.address.authority(),
            key: None,
        }
    }

    /// Runs a request; once more when its refusal has taught us the store's time, or that a lent key
    /// is spent.
    pub(crate) async fn once<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let clock = &self.0.signer.clock;
        let used = clock.offset();
        match attempt().await {
            Err(error)
                if error
                    .clock_offset
                    .is_some_and(|offset| clock.learn(offset, used)) =>
            {
                tracing::info!(
                    offset = clock.offset(),
                    "the store's clock differs from this computer's"
                );
                attempt().await
            }
            // Another request has learnt it meanwhile, and a refusal of HEAD does not say why.
            Err(error) if error.kind == ErrorKind::Denied && clock.has_moved_since(used) => {
                attempt().await
            }
            Err(error) if is_about_the_key(error.kind) && self.keys_are_lent() => attempt().await,
            done => done,
        }
    }

    /// As [`S3Store::once`], repeated while the store is busy: for requests that may be repeated.
    pub(crate) async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        patiently(|| self.once(&attempt)).await
    }

    fn keys_are_lent(&self) -> bool {
        self.0.signer.key.as_ref().is_some_and(KeySource::is_lent)
    }

    pub(crate) fn flag(flag: &AtomicBool) -> bool {
        flag.load(Ordering::Relaxed)
    }
}

/// A lent key as the SDK wants it for one request. A fixed one it has already.
pub(crate) fn override_key(key: Option<&KeyInUse>) -> Option<aws_sdk_s3::config::Builder> {
    let key = key.filter(|key| key.is_lent())?;
    Some(aws_sdk_s3::Config::builder().credentials_provider(for_sdk(&key.credentials)))
}

fn for_sdk(key: &Credentials) -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(
        key.access_key_id.clone(),
        key.secret.expose_secret(),
        key.session_token
            .as_ref()
            .map(|token| token.expose_secret().to_owned()),
        None,
        "Wherry",
    )
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn list_buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        self.patiently(|| self.list_buckets_once()).await
    }

    async fn head_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.patiently(|| self.head_bucket_once(bucket)).await
    }

    async fn create_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.once(|| self.create_bucket_once(bucket)).await
    }

    async fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.once(|| self.delete_bucket_once(bucket)).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage, StoreError> {
        self.patiently(|| self.list_once(&request)).await
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<ObjectHead, StoreError> {
        self.patiently(|| self.head_once(bucket, key)).await
    }

    async fn head_with_checksum(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(ObjectHead, Option<String>), StoreError> {
        self.patiently(|| self.head_with_checksum_once(bucket, key))
            .await
    }

    async fn makeup(&self, bucket: &str, key: &str) -> Result<Makeup, StoreError> {
        self.patiently(|| self.makeup_once(bucket, key)).await
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse, StoreError> {
        self.once(|| self.get_once(&request)).await
    }

    async fn put(&self, request: PutRequest) -> Result<PutOutcome, StoreError> {
        self.once(|| self.put_once(&request)).await
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutOutcome, StoreError> {
        self.once(|| self.copy_once(&request)).await
    }

    async fn delete(&self, bucket: &str, keys: Vec<String>) -> Vec<DeleteOutcome> {
        self.delete_any_number(bucket, keys).await
    }

    async fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        content_type: Option<&str>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<UploadId, StoreError> {
        self.once(|| self.create_upload_once(bucket, key, content_type, metadata))
            .await
    }

    async fn upload_part(&self, request: UploadPartRequest) -> Result<CompletedPart, StoreError> {
        self.once(|| self.upload_part_once(&request)).await
    }

    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError> {
        self.once(|| self.complete_upload_once(bucket, key, upload, parts))
            .await
    }

    async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<(), StoreError> {
        self.abort_until_gone(bucket, key, upload).await
    }

    async fn list_parts(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        self.list_all_parts(bucket, key, upload).await
    }

    async fn list_uploads(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<UploadInfo>, StoreError> {
        self.list_all_uploads(bucket, prefix).await
    }

    fn copies_whole_up_to(&self) -> u64 {
        self.0.config.copy_whole_up_to
    }

    fn copy_part_size(&self) -> u64 {
        self.0.config.copy_part_size
    }

    async fn create_copy_upload(&self, request: &CopyRequest) -> Result<UploadId, StoreError> {
        self.begin_copy(request).await
    }

    async fn copy_part(&self, request: CopyPartRequest) -> Result<CompletedPart, StoreError> {
        self.once(|| self.copy_part_once(&request)).await
    }

    fn signs_bodies(&self) -> bool {
        let signer = &self.0.signer;
        signer.signing == Signing::V4 && !signer.address.is_secure()
    }

    fn quirks(&self) -> &Quirks {
        &self.0.config.quirks
    }
}
