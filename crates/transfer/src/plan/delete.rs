//! What a deletion would take away. Running it deletes exactly these keys, and nothing that came
//! after the plan was made.

use std::sync::Arc;

use wherry_store::{ErrorKind, ObjectStore};

use super::Watch;
use super::listing::Asker;
use crate::error::PlanError;

#[derive(Debug, Clone)]
pub struct DeletePlan {
    pub bucket: String,
    pub keys: Vec<Box<str>>,
    /// Of all of them, as far as the listing said.
    pub bytes: u64,
    /// Keys asked for that are not there.
    pub missing: Vec<String>,
}

impl DeletePlan {
    /// Takes keys out of the plan: they are not deleted.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        self.keys.retain(|key| wanted(key));
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
            keys: Vec::new(),
            bytes: 0,
            missing: Vec::new(),
        };
        let asker = Asker::new(store, bucket, watch);
        for prefix in &prefixes {
            asker
                .each(prefix, |objects| {
                    for object in objects {
                        plan.bytes += object.size;
                        plan.keys.push(object.key.into_boxed_str());
                    }
                    watch.saw(plan.keys.len() as u64, plan.bytes);
                })
                .await?;
        }
        let mut objects = objects;
        objects.sort_unstable();
        objects.dedup();
        let mut there = vec![false; objects.len()];
        let mut bytes = 0;
        let looked = asker.find(&objects, |at, object| {
            if !std::mem::replace(&mut there[at], true) {
                bytes += object.size;
            }
        });
        match looked.await {
            Ok(()) => {}
            // One may be allowed to delete what one may not list; deleting nothing is no harm.
            Err(PlanError::Store(e)) if e.kind == ErrorKind::Denied => there.fill(true),
            Err(e) => return Err(e),
        }
        plan.bytes += bytes;
        for (key, there) in objects.into_iter().zip(there) {
            if there {
                plan.keys.push(key.into_boxed_str());
            } else {
                plan.missing.push(key);
            }
        }
        // An object inside a chosen folder that was chosen by itself too.
        plan.keys.sort_unstable();
        plan.keys.dedup();
        Ok(plan)
    }
}
