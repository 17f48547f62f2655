//! Whether what was read is the original.

use super::Relaying;
use crate::error::FileError;
use crate::run::read_back::{Wanted, etag_by_bytes};
use crate::verify::{EtagForm, form_of};

impl Relaying {
    /// Whether what was read is what the source's ETag speaks of. Where they differ, and nothing is
    /// known of that store's ETags yet, a second reading tells damage from an ETag that is no hash.
    pub(super) async fn check_source<F>(
        &self,
        found: &str,
        again: impl FnOnce() -> F,
    ) -> Result<(), FileError>
    where
        F: Future<Output = Result<String, FileError>>,
    {
        let etag = self.etag.as_deref().unwrap_or_default();
        let habit = &self.source_etags;
        if form_of(etag) != EtagForm::Whole || habit.are_hashes(false) == Some(false) {
            return Ok(());
        }
        if etag == found {
            habit.learn(false, true);
            return Ok(());
        }
        if habit.are_hashes(false).is_none() && again().await? == found {
            habit.learn(false, false);
            return Ok(());
        }
        Err(FileError::Mismatch {
            name: self.from_key.clone(),
            expected: etag.to_owned(),
            found: found.to_owned(),
        })
    }

    pub(super) async fn read_source_again(&self) -> Result<String, FileError> {
        let wanted = Wanted {
            store: &self.from,
            bucket: &self.from_bucket,
            key: &self.from_key,
            size: self.size,
            if_match: self.etag.as_deref(),
        };
        etag_by_bytes(&self.shared, &wanted, None).await
    }
}
