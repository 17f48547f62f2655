//! How full a bucket is, where the store says so: Ceph does in the headers of its answer about a
//! bucket, and the quota to its owner only.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use crate::error::StoreError;
use crate::refusal::About;
use crate::sign::Extras;
use crate::store::{S3Store, override_key};

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub used: u64,
    /// None where there is no limit, or the store does not say it.
    pub limit: Option<u64>,
}

impl Usage {
    /// What may still be added.
    pub fn free(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used))
    }
}

impl S3Store {
    /// None where the store does not say it, as most do not.
    ///
    /// # Errors
    /// When the bucket may not be looked at.
    pub async fn usage(&self, bucket: &str) -> Result<Option<Usage>, StoreError> {
        self.patiently(|| self.usage_once(bucket)).await
    }

    async fn usage_once(&self, bucket: &str) -> Result<Option<Usage>, StoreError> {
        const DOING: &str = "open the bucket";
        let finish = self.finish(DOING, Extras::default()).await?;
        let key = finish.key.clone();
        let operation = self.client().head_bucket().bucket(bucket).customize();
        let operation = match override_key(key.as_ref()) {
            Some(config) => operation.config_override(config),
            None => operation,
        };
        let seen = Seen::default();
        operation
            .interceptor(finish)
            .interceptor(seen.clone())
            .send()
            .await
            .map_err(|error| {
                self.refusals(DOING, About::Bucket)
                    .of_key(key.as_ref())
                    .explain(&error)
            })?;
        let usage = *seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(usage)
    }
}

#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Option<Usage>>>);

#[dyn_dispatch_hint]
impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Usage"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        // Minus one stands for no limit.
        let number = |name: &str| headers.get(name)?.trim().parse::<u64>().ok();
        let limit = |name: &str| number(name).filter(|limit| *limit > 0);
        if let Some(used) = number("x-rgw-bytes-used") {
            let limits = [
                limit("x-rgw-quota-bucket-size"),
                limit("x-rgw-quota-user-size"),
            ];
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Usage {
                used,
                limit: limits.into_iter().flatten().min(),
            });
        }
        Ok(())
    }
}
