//! What a deletion would take away. Running it deletes exactly these keys, and nothing that came
//! after the plan was made, under the same name either.

use std::num::NonZeroU64;
use std::sync::Arc;

use wherry_store::{ErrorKind, ObjectInfo, ObjectStore};

use super::Watch;
use super::listing::Asker;
use crate::error::PlanError;
use crate::verify::md5_of;

#[derive(Debug, Clone, Default)]
pub struct DeletePlan {
    pub bucket: String,
    pub keys: Vec<Box<str>>,
    /// Of each key, what the listing said of it; none where one may delete and not list.
    pub seen: Vec<Option<Seen>>,
    /// Of all of them, as far as the listing said.
    pub bytes: u64,
    /// Keys asked for that are not there.
    pub missing: Vec<String>,
}

/// What a listing says of an object, in eight bytes: another size, time or ETag makes another one.
/// There may be a million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(NonZeroU64);

impl Seen {
    pub(crate) fn of(size: u64, modified: Option<i64>, etag: Option<&str>) -> Self {
        let words = format!("{size} {modified:?} {}", etag.unwrap_or_default());
        let sum = u128::from_be_bytes(md5_of(words.as_bytes()));
        Self(NonZeroU64::new((sum >> 64) as u64).unwrap_or(NonZeroU64::MIN))
    }

    pub(crate) fn listed(object: &ObjectInfo) -> Self {
        let modified = object.modified.map(|m| m.timestamp_millis());
        Self::of(object.size, modified, object.etag.as_deref())
    }

    pub(crate) fn text(self) -> String {
        format!("{:016x}", self.0)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let number = u64::from_str_radix(text, 16).ok()?;
        NonZeroU64::new(number).map(Self)
    }
}

impl DeletePlan {
    /// Takes keys out of the plan: they are not deleted.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        let (keys, seen) = (
            std::mem::take(&mut self.keys),
            std::mem::take(&mut self.seen),
        );
        let both = keys.into_iter().zip(seen);
        (self.keys, self.seen) = both.filter(|(key, _)| wanted(key)).unzip();
    }

    /// Single objects, and all that lies below prefixes.
    pub async fn make(
        store: &Arc<dyn ObjectStore>,
        bucket: &str,
        objects: Vec<String>,
        prefixes: Vec<String>,
        watch: &Watch,
    ) -> Result<Self, PlanError> {
        let mut plan = Self {
            bucket: bucket.to_owned(),
            ..Self::default()
        };
        let mut found: Vec<(Box<str>, Option<Seen>)> = Vec::new();
        let asker = Asker::new(store, bucket, watch);
        for prefix in &prefixes {
            asker
                .each(prefix, |objects| {
                    for object in objects {
                        plan.bytes += object.size;
                        let seen = Seen::listed(&object);
                        found.push((object.key.into_boxed_str(), Some(seen)));
                    }
                    watch.saw(found.len() as u64, plan.bytes);
                })
                .await?;
        }
        let mut objects = objects;
        objects.sort_unstable();
        objects.dedup();
        let mut there = vec![None; objects.len()];
        let mut bytes = 0;
        let looked = asker.find(&objects, |at, object| {
            if there[at].replace(Seen::listed(&object)).is_none() {
                bytes += object.size;
            }
        });
        let unseen = match looked.await {
            Ok(()) => false,
            // One may be allowed to delete what one may not list; deleting nothing is no harm.
            Err(PlanError::Store(e)) if e.kind == ErrorKind::Denied => true,
            Err(e) => return Err(e),
        };
        plan.bytes += bytes;
        for (key, there) in objects.into_iter().zip(there) {
            if unseen || there.is_some() {
                found.push((key.into_boxed_str(), there));
            } else {
                plan.missing.push(key);
            }
        }
        // An object inside a chosen folder that was chosen by itself too.
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.dedup_by(|a, b| a.0 == b.0);
        (plan.keys, plan.seen) = found.into_iter().unzip();
        Ok(plan)
    }
}
