//! A store at the end of a bad line: every request may be refused, lost, late, doubled or damaged,
//! and bodies may break, as the seed wants it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use wherry_account::Quirks;
use wherry_store::*;
use wherry_transfer::Clock;

use crate::disk::SimDisk;
use crate::fate::Fate;
use crate::shelves::{Name, Shelves, error, head_of};
use crate::weather::Weather;
use crate::world::LARGEST_PART;

type Deed = Box<dyn FnOnce(&mut Shelves, DateTime<Utc>) + Send>;

pub struct SimStore {
    pub fate: Arc<Fate>,
    disk: Arc<SimDisk>,
    quirks: Quirks,
    inside: Mutex<Inside>,
}

pub struct Inside {
    pub shelves: Shelves,
    pub weather: Weather,
    /// What has arrived at the store and is not done yet, with the time at which it will be and the
    /// number of its request.
    late: Vec<(DateTime<Utc>, u64, Deed)>,
    requests: u64,
    storm_until: Option<DateTime<Utc>>,
    /// From now on, whoever asks has no right to.
    pub locked: bool,
}

/// Faults of one request.
enum Way {
    Through,
    Refused(ErrorKind),
    Lost(ErrorKind),
    Late(ErrorKind),
    Twice,
}

/// A request on its way. When whoever sent it goes away, it may arrive all the same.
///
/// Whether and when is decided when it is sent: in which order requests are dropped is not decided by
/// the seed.
struct UnderWay<'a> {
    store: &'a SimStore,
    deed: Option<Deed>,
    arrives: bool,
    after: TimeDelta,
    number: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(deed) = self.deed.take()
            && self.arrives
        {
            let at = self.store.fate.now() + self.after;
            self.store.lock().late.push((at, self.number, deed));
        }
    }
}

const BROKEN: [ErrorKind; 3] = [
    ErrorKind::Interrupted,
    ErrorKind::ServerFault,
    ErrorKind::Unreachable,
];

impl SimStore {
    pub fn new(fate: Arc<Fate>, disk: Arc<SimDisk>, quirks: Quirks, shelves: Shelves) -> Self {
        let inside = Inside {
            shelves,
            weather: Weather::calm(),
            late: Vec::new(),
            requests: 0,
            storm_until: None,
            locked: false,
        };
        Self {
            fate,
            disk,
            quirks,
            inside: Mutex::new(inside),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under_way(&self, deed: Deed) -> UnderWay<'_> {
        let number = {
            let mut inside = self.lock();
            inside.requests += 1;
            inside.requests
        };
        UnderWay {
            store: self,
            deed: Some(deed),
            arrives: self.fate.chance(0.5),
            after: TimeDelta::milliseconds(self.fate.between(50, 2000) as i64),
            number,
        }
    }

    /// Does what is late and due; all of it when the world has time.
    pub fn catch_up(&self, all: bool) {
        let now = self.fate.now();
        let mut inside = self.lock();
        let (due, waiting) = std::mem::take(&mut inside.late)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _, _)| all || *at <= now);
        inside.late = waiting;
        let mut due = due;
        due.sort_by_key(|(at, number, _)| (*at, *number));
        for (_, _, deed) in due {
            deed(&mut inside.shelves, now);
        }
    }

    async fn way(&self, what: &str, name: &Name) -> Way {
        self.fate
            .step(format!("{what} {}/{}", name.0, name.1))
            .await;
        let (weather, locked) = {
            let inside = self.lock();
            (inside.weather.clone(), inside.locked)
        };
        self.fate.wait(weather.slowest).await;
        self.catch_up(false);
        if locked {
            return Way::Refused(ErrorKind::KeyExpired);
        }
        let now = self.fate.now();
        if weather.storms && self.fate.chance(0.02) {
            let seconds = self.fate.between(1, 10) as i64;
            self.lock().storm_until = Some(now + TimeDelta::seconds(seconds));
        }
        if self.lock().storm_until.is_some_and(|until| now < until) {
            return Way::Refused(ErrorKind::SlowDown);
        }
        if self.fate.chance(weather.refused) {
            return Way::Refused(self.fate.one_of(&BROKEN));
        }
        if self.fate.chance(weather.lost) {
            return Way::Lost(self.fate.one_of(&BROKEN));
        }
        if self.fate.chance(weather.late) {
            return Way::Late(ErrorKind::Interrupted);
        }
        if self.fate.chance(weather.twice) {
            return Way::Twice;
        }
        Way::Through
    }

    /// One request, with all that may come over it on the way.
    pub async fn ask<T: Send + 'static>(
        &self,
        what: &str,
        name: Name,
        deed: impl Fn(&mut Shelves, DateTime<Utc>) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let boxed = || -> Deed {
            let deed = deed.clone();
            Box::new(move |shelves, now| drop(deed(shelves, now)))
        };
        let mut under_way = self.under_way(boxed());
        let way = self.way(what, &name).await;
        let sent = under_way.deed.take();
        let act = || deed(&mut self.lock().shelves, self.fate.now());
        let answer = match way {
            Way::Refused(kind) => Err(error(kind)),
            Way::Late(kind) => {
                (under_way.deed, under_way.arrives) = (sent, true);
                drop(under_way);
                Err(error(kind))
            }
            Way::Lost(kind) => act().and(Err(error(kind))),
            Way::Twice => {
                let _ = act();
                act()
            }
            Way::Through => act(),
        };
        let said = answer.as_ref().map(drop).map_err(|e| e.kind);
        self.fate
            .step(format!("{what} {} answers {said:?}", name.1))
            .await;
        let slowest = self.lock().weather.slowest;
        self.fate.wait(slowest / 4).await;
        answer
    }

    /// What of a body arrives, or why none of it does.
    fn arriving(&self, body: &Body, check: &mut ContentCheck) -> Result<Bytes, StoreError> {
        let in_file = |body: &Body| match body {
            Body::File {
                path,
                offset,
                length,
            } => self
                .disk
                .bytes_of(path, *offset, *length)
                .ok_or_else(|| error(ErrorKind::LocalFile)),
            other => unreachable!("{other:?} is in memory"),
        };
        let mut bytes = match body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::File { .. } => in_file(body)?,
            Body::Pieces(pieces) => match pieces.take() {
                Some(held) => held.concat().into(),
                None => in_file(&pieces.in_file())?,
            },
        };
        let (wire, rot) = {
            let weather = &self.lock().weather;
            (weather.wire, weather.rot)
        };
        if self.fate.chance(wire) {
            bytes = self.turn_a_bit(&bytes);
        }
        if self.fate.chance(rot) {
            // After the store has checked it.
            bytes = self.turn_a_bit(&bytes);
            check.md5 = None;
        }
        Ok(bytes)
    }

    fn turn_a_bit(&self, bytes: &Bytes) -> Bytes {
        let mut bytes = bytes.to_vec();
        if !bytes.is_empty() {
            let at = self.fate.between(0, bytes.len() as u64) as usize;
            bytes[at] ^= 1 << self.fate.between(0, 8);
        }
        bytes.into()
    }

    /// The body of an answer in pieces, with what may happen to it.
    fn stream(
        self: &Arc<Self>,
        bytes: Bytes,
    ) -> futures::stream::BoxStream<'static, Result<Bytes, StoreError>> {
        let weather = self.lock().weather.clone();
        let (mut bytes, mut broken) = (bytes, false);
        if self.fate.chance(weather.turned) {
            bytes = self.turn_a_bit(&bytes);
        }
        if self.fate.chance(weather.cut) {
            bytes.truncate(self.fate.between(0, bytes.len() as u64 + 1) as usize);
            broken = true;
        } else if self.fate.chance(weather.short) {
            bytes.truncate(self.fate.between(0, bytes.len() as u64 + 1) as usize);
        } else if self.fate.chance(weather.long) {
            bytes = [&bytes[..], b"more than was promised"].concat().into();
        }
        let most = self.fate.one_of(&[700, 5000, 1 << 20]);
        let from = (Arc::clone(self), bytes, broken);
        futures::stream::unfold(from, move |(store, mut bytes, broken)| async move {
            if bytes.is_empty() && !broken {
                return None;
            }
            store.fate.step("body".to_owned()).await;
            store.fate.wait(weather.slowest / 10).await;
            if bytes.is_empty() {
                return Some((Err(error(ErrorKind::Interrupted)), (store, bytes, false)));
            }
            let piece = store.fate.between(1, most).min(bytes.len() as u64);
            Some((Ok(bytes.split_to(piece as usize)), (store, bytes, broken)))
        })
        .boxed()
    }
}

/// What a job is given: `get` needs the store to outlive the call.
pub struct Handle(pub Arc<SimStore>);

pub fn name(bucket: &str, key: &str) -> Name {
    (bucket.to_owned(), key.to_owned())
}

#[async_trait]
impl ObjectStore for Handle {
    async fn list_buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        Ok(Vec::new())
    }

    async fn head_bucket(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn create_bucket(&self, _: &str) -> Result<(), StoreError> {
        Err(error(ErrorKind::Unsupported))
    }

    async fn delete_bucket(&self, _: &str) -> Result<(), StoreError> {
        Err(error(ErrorKind::Unsupported))
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage, StoreError> {
        let name = name(&request.bucket, &request.prefix);
        self.0
            .ask("list", name, move |shelves, _| Ok(shelves.list(&request)))
            .await
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<ObjectHead, StoreError> {
        let name = name(bucket, key);
        let of = name.clone();
        self.0
            .ask("head", name, move |shelves, _| shelves.head(&of))
            .await
    }

    async fn makeup(&self, bucket: &str, key: &str) -> Result<Makeup, StoreError> {
        let name = name(bucket, key);
        let of = name.clone();
        self.0
            .ask("makeup", name, move |shelves, _| shelves.makeup(&of))
            .await
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse, StoreError> {
        let name = name(&request.bucket, &request.key);
        let of = name.clone();
        let stored = self
            .0
            .ask("get", name, move |shelves, _| {
                let stored = shelves
                    .objects
                    .get(&of)
                    .ok_or_else(|| error(ErrorKind::NoSuchKey))?;
                let other = request.if_match.as_ref().is_some_and(|e| *e != stored.etag);
                if other && shelves.ways.knows_if_match {
                    return Err(error(ErrorKind::Changed));
                }
                Ok((stored.clone(), request.range.clone()))
            })
            .await;
        let (stored, range) = stored?;
        let size = stored.bytes.len() as u64;
        let range = range.map_or(0..size, |r| r.start.min(size)..r.end.min(size));
        let mut length = range.end - range.start;
        let lies = self.0.lock().weather.lies;
        if self.0.fate.chance(lies) {
            length = self.0.fate.between(0, length * 2 + 2);
        }
        let wanted = stored.bytes.slice(range.start as usize..range.end as usize);
        Ok(GetResponse {
            head: head_of(&stored),
            length,
            body: self.0.stream(wanted),
        })
    }

    async fn put(&self, request: PutRequest) -> Result<PutOutcome, StoreError> {
        let mut request = request;
        let sent = self.0.arriving(&request.body, &mut request.check)?;
        let name = name(&request.bucket, &request.key);
        self.0
            .ask("put", name, move |shelves, now| {
                shelves.put(&request, &sent, now)
            })
            .await
    }

    fn copies_whole_up_to(&self) -> u64 {
        self.0.lock().shelves.ways.copies_whole_up_to
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutOutcome, StoreError> {
        let name = name(&request.to_bucket, &request.to_key);
        self.0
            .ask("copy", name, move |shelves, now| {
                shelves.copy(&request, now)
            })
            .await
    }

    fn copy_part_size(&self) -> u64 {
        LARGEST_PART
    }

    /// As the real one does it: a look at the source first.
    async fn create_copy_upload(&self, request: &CopyRequest) -> Result<UploadId, StoreError> {
        self.head(&request.from_bucket, &request.from_key).await?;
        let (bucket, key) = (&request.to_bucket, &request.to_key);
        self.create_upload(bucket, key, None, &BTreeMap::new())
            .await
    }

    async fn copy_part(&self, request: CopyPartRequest) -> Result<CompletedPart, StoreError> {
        let name = name(&request.copy.to_bucket, &request.copy.to_key);
        let (fate, rot) = (&self.0.fate, self.0.lock().weather.rot);
        let turned = fate.chance(rot).then(|| fate.between(0, u64::MAX));
        self.0
            .ask("copy part", name, move |shelves, _| {
                shelves.copy_part(&request, turned)
            })
            .await
    }

    async fn delete(&self, bucket: &str, keys: Vec<String>) -> Vec<DeleteOutcome> {
        let mut outcomes = Vec::with_capacity(keys.len());
        for key in keys {
            let name = name(bucket, &key);
            let of = name.clone();
            let result = self
                .0
                .ask("delete", name, move |shelves, _| {
                    shelves.delete(of.clone());
                    Ok(())
                })
                .await;
            outcomes.push(DeleteOutcome { key, result });
        }
        outcomes
    }

    async fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        _: Option<&str>,
        _: &BTreeMap<String, String>,
    ) -> Result<UploadId, StoreError> {
        let name = name(bucket, key);
        let of = name.clone();
        self.0
            .ask("begin", name, move |shelves, now| {
                Ok(shelves.begin(of.clone(), now))
            })
            .await
    }

    async fn upload_part(&self, request: UploadPartRequest) -> Result<CompletedPart, StoreError> {
        let mut request = request;
        let sent = self.0.arriving(&request.body, &mut request.check)?;
        let name = name(&request.bucket, &request.key);
        self.0
            .ask("part", name, move |shelves, _| {
                shelves.part(&request, &sent)
            })
            .await
    }

    async fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError> {
        let name = name(bucket, key);
        let (of, upload, parts) = (name.clone(), upload.clone(), parts.to_vec());
        self.0
            .ask("complete", name, move |shelves, now| {
                shelves.complete(&of, &upload, &parts, now)
            })
            .await
    }

    async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<(), StoreError> {
        let name = name(bucket, key);
        let (of, upload) = (name.clone(), upload.clone());
        self.0
            .ask("abort", name, move |shelves, _| shelves.abort(&of, &upload))
            .await
    }

    async fn list_parts(
        &self,
        bucket: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        let name = name(bucket, key);
        let (of, upload) = (name.clone(), upload.clone());
        self.0
            .ask("list parts", name, move |shelves, _| {
                shelves.parts(&of, &upload)
            })
            .await
    }

    async fn list_uploads(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<UploadInfo>, StoreError> {
        let name = name(bucket, prefix);
        let of = name.clone();
        self.0
            .ask("list uploads", name, move |shelves, _| {
                Ok(shelves.unfinished(&of.0, &of.1))
            })
            .await
    }

    fn quirks(&self) -> &Quirks {
        &self.0.quirks
    }
}
