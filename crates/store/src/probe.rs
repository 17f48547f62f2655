//! Tries an account out before it is saved.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::ConfigBag;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::api::{BucketInfo, ListRequest};
use crate::clock::StoreClock;
use crate::config::{Credentials, S3Config};
use crate::error::{ErrorKind, StoreError};
use crate::key::KeySource;
use crate::refusal::About;
use crate::sign::Extras;
use crate::store::{S3Store, override_key};

/// Whether the store has shown that it accepts the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyVerdict {
    /// The account has no key: public buckets only.
    Anonymous,
    /// The store has answered a request signed with it, or refuses other keys in another way.
    Accepted,
    /// The store refuses this key as it refuses a wrong one. Some, such as Ceph with its token
    /// service on, say "access denied" to both, so the key may be wrong or merely not allowed to
    /// do anything without naming a bucket. Only opening a bucket by name can tell.
    Unconfirmed,
}

/// What trying an account out has shown. Anything that keeps it from working at all is an error instead.
#[derive(Debug, Clone)]
pub struct Probe {
    /// None when the key may not list them: opening a bucket by name may work all the same.
    pub buckets: Option<Vec<BucketInfo>>,
    pub denied_listing: bool,
    pub key: KeyVerdict,
    /// Store's clock minus this computer's, in seconds, as good as a network answer tells it.
    pub clock_offset: i64,
    /// The server's own word for itself, if it has one.
    pub server: Option<String>,
}

const DOING: &str = "list the buckets";

/// What the answer's headers said, whatever came of it.
#[derive(Debug, Default)]
struct Seen {
    server: Option<String>,
    clock_offset: Option<i64>,
}

#[derive(Debug)]
struct Look {
    seen: Arc<Mutex<Seen>>,
    clock: StoreClock,
}

#[dyn_dispatch_hint]
impl Intercept for Look {
    fn name(&self) -> &'static str {
        "Look"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        if let Ok(mut seen) = self.seen.lock() {
            seen.server = headers
                .get("server")
                .map(|name| name.chars().filter(|c| !c.is_control()).take(80).collect());
            seen.clock_offset = headers
                .get("date")
                .and_then(|date| self.clock.difference(date));
        }
        Ok(())
    }
}

impl S3Store {
    /// Lists the buckets, and where that is denied finds out whether the key is at fault.
    ///
    /// # Errors
    /// What keeps the account from working, each with its own [`ErrorKind`]: wrong host, TLS,
    /// http and https mixed up, not an S3 store, wrong key, wrong secret, a redirect.
    pub async fn probe(&self) -> Result<Probe, StoreError> {
        let seen = Arc::default();
        let listed = self.once(|| self.list_buckets_seen(&seen)).await;
        let anonymous = self.0.signer.key.is_none();
        let (buckets, key) = match listed {
            Ok(buckets) => (
                Some(buckets),
                if anonymous {
                    KeyVerdict::Anonymous
                } else {
                    KeyVerdict::Accepted
                },
            ),
            Err(error) if error.kind == ErrorKind::Denied && anonymous => {
                (None, KeyVerdict::Anonymous)
            }
            Err(error) if error.kind == ErrorKind::Denied => {
                (None, self.verdict_of_a_denial().await?)
            }
            Err(error) if error.kind == ErrorKind::Interrupted => {
                return Err(self.unless_it_wants_tls(error).await);
            }
            Err(error) => return Err(error),
        };
        let mut seen = seen
            .lock()
            .map(|mut seen| std::mem::take(&mut *seen))
            .unwrap_or_default();
        Ok(Probe {
            denied_listing: buckets.is_none(),
            buckets,
            key,
            clock_offset: seen.clock_offset.unwrap_or_default(),
            server: seen.server.take(),
        })
    }

    /// A server that wants TLS may just hang up on plain HTTP, as Ceph does. Knocking with TLS tells.
    async fn unless_it_wants_tls(&self, error: StoreError) -> StoreError {
        let mut endpoint = self.0.config.endpoint.clone();
        let port = endpoint.port_or_known_default();
        if endpoint.scheme() != "http"
            || endpoint.set_scheme("https").is_err()
            || endpoint.set_port(port).is_err()
        {
            return error;
        }
        let Ok(secure) = Self::new(S3Config {
            endpoint,
            credentials: None,
            ..self.0.config.clone()
        }) else {
            return error;
        };
        let found = secure
            .list_buckets_once()
            .await
            .err()
            .map(|found| found.kind);
        if let Some(
            ErrorKind::Tls | ErrorKind::Interrupted | ErrorKind::Unreachable | ErrorKind::Proxy,
        ) = found
        {
            return error;
        }
        let host = self.0.signer.address.authority();
        let message =
            format!("{host} does not speak plain HTTP there; try https:// instead of http://");
        StoreError::new(ErrorKind::Tls, error.doing, message)
    }

    async fn list_buckets_seen(
        &self,
        seen: &Arc<Mutex<Seen>>,
    ) -> Result<Vec<BucketInfo>, StoreError> {
        let look = Look {
            seen: seen.clone(),
            clock: self.0.signer.clock.clone(),
        };
        let finish = self.finish(DOING, Extras::default()).await?;
        let key = finish.key.clone();
        let operation = self.client().list_buckets().customize();
        let operation = match override_key(key.as_ref()) {
            Some(lent) => operation.config_override(lent),
            None => operation,
        };
        let sent = operation
            .interceptor(finish)
            .interceptor(look)
            .send()
            .await
            .map_err(|error| {
                self.refusals(DOING, About::Store)
                    .of_key(key.as_ref())
                    .explain(&error)
            });
        match sent {
            Ok(page) if page.continuation_token().is_none() => Ok(page
                .buckets()
                .iter()
                .filter_map(|bucket| {
                    Some(BucketInfo {
                        name: bucket.name()?.to_owned(),
                        created: None,
                    })
                })
                .collect()),
            Ok(_) => self.list_buckets_once().await,
            Err(error) => Err(error),
        }
    }

    /// "Access denied" is what a good key without rights gets, and from some stores a wrong key
    /// too. Asking the same with a wrong secret shows which of the two this store means.
    async fn verdict_of_a_denial(&self) -> Result<KeyVerdict, StoreError> {
        let wrong = self.with_a_wrong_secret().await?;
        match wrong.once(|| wrong.list_buckets_once()).await {
            Err(error) if matches!(error.kind, ErrorKind::SecretWrong | ErrorKind::KeyUnknown) => {
                return Ok(KeyVerdict::Accepted);
            }
            _ => {}
        }
        // A store that denies both may still tell only those it knows that a bucket does not exist.
        let nowhere = ListRequest {
            bucket: format!("wherry-probe-{:016x}", rand::random::<u64>()),
            max_keys: Some(1),
            ..ListRequest::default()
        };
        let missing = |result: Result<_, StoreError>| {
            result.err().map(|error| error.kind) == Some(ErrorKind::NoSuchBucket)
        };
        let ours = missing(self.once(|| self.list_once(&nowhere)).await);
        if ours && !missing(wrong.once(|| wrong.list_once(&nowhere)).await) {
            return Ok(KeyVerdict::Accepted);
        }
        Ok(KeyVerdict::Unconfirmed)
    }

    async fn with_a_wrong_secret(&self) -> Result<Self, StoreError> {
        let key = self.key_now("try the key").await?;
        let credentials = key.map(|key| {
            KeySource::Fixed(Credentials {
                secret: format!("{:032x}", rand::random::<u128>()).into(),
                ..key.credentials
            })
        });
        let other = Self::new(S3Config {
            credentials,
            ..self.0.config.clone()
        })?;
        other.0.signer.clock.learn(self.clock_offset(), 0);
        Ok(other)
    }
}
