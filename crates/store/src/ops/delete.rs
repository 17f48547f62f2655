//! Deleting objects, a thousand at a time where the store and the keys allow it.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::StreamExt;

use crate::api::DeleteOutcome;
use crate::error::{ErrorKind, StoreError};
use crate::refusal::About;
use crate::sign::Extras;
use crate::store::{S3Store, send};

const DOING: &str = "delete the object";
/// What `POST ?delete` takes.
const BATCH: usize = 1000;
/// Single deletes under way at once.
const ABREAST: usize = 8;

impl S3Store {
    pub(crate) async fn delete_any_number(
        &self,
        bucket: &str,
        keys: Vec<String>,
    ) -> Vec<DeleteOutcome> {
        let (mut many, mut singly): (Vec<String>, Vec<String>) = keys
            .into_iter()
            .partition(|key| survives_xml(key) && !Self::flag(&self.0.deletes_singly));
        if many.len() == 1 {
            singly.append(&mut many);
        }
        let mut outcomes = Vec::with_capacity(many.len() + singly.len());
        for batch in many.chunks(BATCH) {
            if Self::flag(&self.0.deletes_singly) {
                singly.extend_from_slice(batch);
                continue;
            }
            let (mut done, left) = self.delete_batch(bucket, batch).await;
            outcomes.append(&mut done);
            singly.extend(left);
        }
        outcomes.extend(self.delete_singly(bucket, singly).await);
        outcomes
    }

    /// Outcomes, and the keys that are better deleted one by one.
    async fn delete_batch(
        &self,
        bucket: &str,
        keys: &[String],
    ) -> (Vec<DeleteOutcome>, Vec<String>) {
        let mut answer = match self
            .patiently(|| self.delete_batch_once(bucket, keys))
            .await
        {
            Ok(answer) => answer,
            Err(error) if hopeless(error.kind) => {
                let fail = |key: &String| DeleteOutcome {
                    key: key.clone(),
                    result: Err(error.clone()),
                };
                return (keys.iter().map(fail).collect(), Vec::new());
            }
            Err(error) => {
                // Swarm refuses it when the tenancy is full, gateways because they do not know it.
                tracing::debug!(kind = ?error.kind, "deleting one by one instead");
                if error.kind == ErrorKind::Unsupported {
                    self.0.deletes_singly.store(true, Ordering::Relaxed);
                }
                return (Vec::new(), keys.to_vec());
            }
        };
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for key in keys {
            match answer.remove(key) {
                Some(Err(error)) if error.kind.is_transient() => left.push(key.clone()),
                Some(result) => done.push(DeleteOutcome {
                    key: key.clone(),
                    result,
                }),
                // The store did not say; asking again is harmless.
                None => left.push(key.clone()),
            }
        }
        (done, left)
    }

    async fn delete_batch_once(
        &self,
        bucket: &str,
        keys: &[String],
    ) -> Result<HashMap<String, Result<(), StoreError>>, StoreError> {
        let mut delete = Delete::builder().quiet(false);
        for key in keys {
            let object = ObjectIdentifier::builder().key(key).build();
            delete = delete
                .objects(object.map_err(|error| {
                    StoreError::new(ErrorKind::Other, DOING, error.to_string())
                })?);
        }
        let delete = delete
            .build()
            .map_err(|error| StoreError::new(ErrorKind::Other, DOING, error.to_string()))?;
        let operation = self.client().delete_objects().bucket(bucket).delete(delete);
        let extras = Extras {
            content_md5: true,
            ..Extras::default()
        };
        let answer = send!(self, DOING, About::Bucket, operation, extras)?;
        let refusals = self.refusals(DOING, About::Object);
        let mut outcomes = HashMap::with_capacity(keys.len());
        for deleted in answer.deleted() {
            outcomes.extend(deleted.key().map(|key| (key.to_owned(), Ok(()))));
        }
        for error in answer.errors() {
            let refusal = refusals.code(
                error.code().unwrap_or_default(),
                error.message().unwrap_or_default(),
            );
            let result = if refusal.kind == ErrorKind::NoSuchKey {
                Ok(())
            } else {
                Err(refusal)
            };
            outcomes.extend(error.key().map(|key| (key.to_owned(), result)));
        }
        Ok(outcomes)
    }

    async fn delete_singly(&self, bucket: &str, keys: Vec<String>) -> Vec<DeleteOutcome> {
        let deleting = keys.into_iter().map(|key| async move {
            let result = match self.patiently(|| self.delete_once(bucket, &key)).await {
                // Gone is gone.
                Err(error) if error.kind == ErrorKind::NoSuchKey => Ok(()),
                result => result,
            };
            DeleteOutcome { key, result }
        });
        futures::stream::iter(deleting)
            .buffer_unordered(ABREAST)
            .collect()
            .await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        let operation = self.client().delete_object().bucket(bucket).key(key);
        send!(self, DOING, About::Object, operation).map(|_| ())
    }
}

/// Whether deleting one by one would fail just the same.
fn hopeless(kind: ErrorKind) -> bool {
    use ErrorKind as Kind;
    kind.is_transient()
        || matches!(
            kind,
            Kind::HostUnknown
                | Kind::CertificateUntrusted
                | Kind::Tls
                | Kind::Proxy
                | Kind::Redirect
                | Kind::KeyUnknown
                | Kind::SecretWrong
                | Kind::KeyExpired
                | Kind::ClockSkew
                | Kind::NoSuchBucket
        )
}

/// Whether a key is the same after a trip through XML 1.0. Most control characters cannot be
/// written in it at all, and parsers change line ends; those keys are deleted by their address.
fn survives_xml(key: &str) -> bool {
    !key.chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use super::survives_xml;

    #[test]
    fn keys_that_xml_would_change() {
        for key in ["a\rb", "a\nb", "a\tb", "a\u{1}b", "a\u{85}b", "a\u{ffff}b"] {
            assert!(!survives_xml(key), "{key:?}");
        }
        for key in [
            "a b",
            "<img src=x onerror=alert(1)>",
            "&amp;",
            "ключ",
            "🛶",
            "../../x",
        ] {
            assert!(survives_xml(key), "{key:?}");
        }
    }
}
