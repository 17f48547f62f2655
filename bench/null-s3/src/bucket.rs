//! What the server remembers: names, sizes and ETags, never bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::pattern;
use crate::uploads::Upload;

#[derive(Clone)]
pub struct Object {
    pub size: u64,
    pub etag: Arc<str>,
    pub modified: DateTime<Utc>,
    /// `x-amz-meta-…` as sent: some clients keep a file's time there.
    pub metadata: Arc<[(String, String)]>,
}

#[derive(Default)]
pub struct Bucket {
    pub objects: BTreeMap<String, Object>,
    pub uploads: BTreeMap<String, Upload>,
}

#[derive(Default)]
pub struct Buckets(Mutex<HashMap<String, Arc<Mutex<Bucket>>>>);

impl Buckets {
    pub fn named(&self, name: &str) -> Arc<Mutex<Bucket>> {
        let mut all = lock(&self.0);
        if let Some(bucket) = all.get(name) {
            return Arc::clone(bucket);
        }
        let bucket = Arc::new(Mutex::new(from_the_start(name)));
        all.insert(name.to_owned(), Arc::clone(&bucket));
        bucket
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = lock(&self.0).keys().cloned().collect();
        names.sort_unstable();
        names
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `objects-COUNT-BYTES`: folders of a thousand objects, ten to a folder above.
fn from_the_start(name: &str) -> Bucket {
    let mut bucket = Bucket::default();
    let numbers = name
        .strip_prefix("objects-")
        .and_then(|rest| rest.split_once('-'))
        .and_then(|(count, size)| Some((count.parse::<u64>().ok()?, size.parse::<u64>().ok()?)));
    let Some((count, size)) = numbers else {
        return bucket;
    };
    let object = Object {
        size,
        etag: pattern::etag(size).into(),
        modified: DateTime::UNIX_EPOCH + chrono::Days::new(20_000),
        metadata: Arc::from([]),
    };
    for number in 0..count {
        let (above, folder) = (number / 10_000, number / 1000 % 10);
        let key = format!("run-{above:03}/set-{folder}/file-{number:07}.bin");
        bucket.objects.insert(key, object.clone());
    }
    bucket
}
