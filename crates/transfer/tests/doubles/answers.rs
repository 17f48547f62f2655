//! What the store answers, if nothing goes wrong.

use async_trait::async_trait;
use futures::StreamExt;

use super::*;

#[async_trait]
impl ObjectStore for Memory {
    async fn list_buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        Ok(Vec::new())
    }
    async fn head_bucket(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
    async fn create_bucket(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
    async fn delete_bucket(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage, StoreError> {
        self.begin(Op::List, &request.prefix, 0).await?;
        assert!(request.delimiter.is_none(), "plans list everything below");
        let start = request.start_after.filter(|_| self.knows_start_after);
        let after = request.continuation.or(start).unwrap_or_default();
        let most = request.max_keys.unwrap_or(1000).min(1000) as usize;
        let inside = self.inside.lock().unwrap();
        let rows = inside
            .objects
            .iter()
            .filter(|(k, _)| k.starts_with(&request.prefix) && **k > after);
        let mut objects: Vec<ObjectInfo> = rows
            .take(most + 1)
            .map(|(key, o)| ObjectInfo {
                key: key.clone(),
                size: o.bytes.len() as u64,
                modified: Some(o.modified),
                etag: Some(o.etag.clone()),
                storage_class: None,
            })
            .collect();
        let more = objects.len() > most;
        objects.truncate(most);
        let next = objects.last().filter(|_| more).map(|o| o.key.clone());
        Ok(ListPage {
            objects,
            prefixes: Vec::new(),
            next,
        })
    }

    async fn head(&self, _: &str, key: &str) -> Result<ObjectHead, StoreError> {
        self.begin(Op::Head, key, 0).await?;
        let inside = self.inside.lock().unwrap();
        let object = inside
            .objects
            .get(key)
            .ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        Ok(head_of(object))
    }

    async fn makeup(&self, bucket: &str, key: &str) -> Result<Makeup, StoreError> {
        self.head(bucket, key).await?;
        let first = self.inside.lock().unwrap().objects[key].first_part;
        Ok(Makeup {
            first_part: first.filter(|_| self.tells_parts),
            encrypted: false,
        })
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse, StoreError> {
        let at = request.range.as_ref().map_or(0, |r| r.start);
        let fault = self.begin(Op::Get, &request.key, at).await?;
        let object = self
            .inside
            .lock()
            .unwrap()
            .objects
            .get(&request.key)
            .cloned();
        let object = object.ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        if request.if_match.is_some_and(|etag| etag != object.etag) {
            return Err(error(ErrorKind::Changed));
        }
        let mut bytes = match request.range {
            Some(range) => object.bytes.slice(range.start as usize..range.end as usize),
            None => object.bytes.clone(),
        };
        let length = bytes.len() as u64;
        let mut end = None;
        match fault {
            Some(Fault::CutBody(at)) => {
                bytes.truncate(at);
                end = Some(Err(error(ErrorKind::Interrupted)));
            }
            Some(Fault::ShortBody(at)) => bytes.truncate(at),
            Some(Fault::LongBody) => end = Some(Ok(Bytes::from_static(b"more"))),
            Some(Fault::TurnBit) => {
                let mut turned = bytes.to_vec();
                turned[0] ^= 1;
                bytes = turned.into();
            }
            _ => {}
        }
        let mut chunks: Vec<Result<Bytes, StoreError>> = Vec::new();
        while !bytes.is_empty() {
            chunks.push(Ok(bytes.split_to(bytes.len().min(64 << 10))));
        }
        chunks.extend(end);
        Ok(GetResponse {
            head: head_of(&object),
            length,
            body: futures::stream::iter(chunks).boxed(),
        })
    }

    async fn put(&self, request: PutRequest) -> Result<PutOutcome, StoreError> {
        let fault = self.begin(Op::Put, &request.key, 0).await?;
        let bytes = self
            .take(&request.body, &request.check, fault.as_ref())
            .await?;
        if request.if_absent && self.get(&request.key).is_some() {
            return Err(error(ErrorKind::Exists));
        }
        self.insert(&request.key, bytes);
        lost(fault.as_ref())?;
        let etag = self.inside.lock().unwrap().objects[&request.key]
            .etag
            .clone();
        Ok(PutOutcome {
            etag: Some(etag),
            version_id: None,
            crc64nvme: self.crc_of(&request.key),
        })
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutOutcome, StoreError> {
        let fault = self.begin(Op::Copy, &request.from_key, 0).await?;
        let mut object = self
            .inside
            .lock()
            .unwrap()
            .objects
            .get(&request.from_key)
            .cloned();
        if let (Some(object), Some(Fault::ShortBody(at))) = (&mut object, &fault) {
            object.bytes.truncate(*at);
        }
        let object = object.ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        let etag = object.etag.clone();
        self.inside
            .lock()
            .unwrap()
            .objects
            .insert(request.to_key, object);
        lost(fault.as_ref())?;
        Ok(PutOutcome {
            etag: Some(etag),
            version_id: None,
            crc64nvme: None,
        })
    }

    fn copies_whole_up_to(&self) -> u64 {
        self.copies_whole_up_to
    }

    fn copy_part_size(&self) -> u64 {
        self.copy_part_size
    }

    async fn create_copy_upload(&self, request: &CopyRequest) -> Result<UploadId, StoreError> {
        self.get(&request.from_key)
            .ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        self.create_upload("", &request.to_key, None, &BTreeMap::new())
            .await
    }

    async fn copy_part(&self, request: CopyPartRequest) -> Result<CompletedPart, StoreError> {
        let (from, to) = (&request.copy.from_key, &request.copy.to_key);
        let fault = self.begin(Op::CopyPart, to, request.number.into()).await?;
        let mut inside = self.inside.lock().unwrap();
        let object = inside.objects.get(from).cloned();
        let object = object.ok_or_else(|| error(ErrorKind::NoSuchKey))?;
        if request.if_match.is_some_and(|etag| etag != object.etag) {
            return Err(error(ErrorKind::Changed));
        }
        let range = request.range.start as usize..request.range.end as usize;
        let mut bytes = object.bytes.slice(range);
        if matches!(fault, Some(Fault::TurnBit)) {
            let mut turned = bytes.to_vec();
            turned[0] ^= 1;
            bytes = turned.into();
        }
        let part = inside.take_part(&request.upload, request.number, bytes)?;
        lost(fault.as_ref())?;
        Ok(part)
    }

    async fn delete(&self, _: &str, keys: Vec<String>) -> Vec<DeleteOutcome> {
        let mut outcomes = Vec::new();
        for key in keys {
            let result = self
                .begin(Op::Delete, &key, 0)
                .await
                .map(|_| self.remove(&key));
            outcomes.push(DeleteOutcome { key, result });
        }
        outcomes
    }

    async fn create_upload(
        &self,
        _: &str,
        key: &str,
        _: Option<&str>,
        _: &BTreeMap<String, String>,
    ) -> Result<UploadId, StoreError> {
        let fault = self.begin(Op::CreateUpload, key, 0).await?;
        let id = self.begin_upload(key, Utc::now());
        lost(fault.as_ref())?;
        Ok(id)
    }

    async fn upload_part(&self, request: UploadPartRequest) -> Result<CompletedPart, StoreError> {
        let fault = self
            .begin(Op::Part, &request.key, request.number.into())
            .await?;
        let bytes = self
            .take(&request.body, &request.check, fault.as_ref())
            .await?;
        let mut inside = self.inside.lock().unwrap();
        let part = inside.take_part(&request.upload, request.number, bytes)?;
        lost(fault.as_ref())?;
        Ok(part)
    }

    async fn complete_upload(
        &self,
        _: &str,
        key: &str,
        upload: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError> {
        let fault = self.begin(Op::Complete, key, 0).await?;
        let stored = {
            let mut inside = self.inside.lock().unwrap();
            inside
                .uploads
                .remove(&upload.0)
                .ok_or_else(|| error(ErrorKind::NoSuchUpload))?
        };
        let (mut bytes, mut sums) = (Vec::new(), Vec::new());
        assert!(parts.is_sorted_by_key(|p| p.number));
        for part in parts {
            let (part_bytes, etag) = &stored[&part.number];
            assert_eq!(*etag, part.etag);
            let at = bytes.len();
            bytes.extend_from_slice(part_bytes);
            if matches!(fault, Some(Fault::TurnBit)) {
                bytes[at] ^= 1;
            }
            sums.extend(Md5::digest(&bytes[at..]));
        }
        let etag = self.etag(format!("{}-{}", hex(&Md5::digest(&sums)), parts.len()));
        let stored = Stored {
            bytes: bytes.into(),
            etag,
            modified: Utc::now(),
            first_part: parts.first().map(|part| part.size),
        };
        self.inside
            .lock()
            .unwrap()
            .objects
            .insert(key.into(), stored);
        lost(fault.as_ref())?;
        // Ceph's answer has no ETag.
        let etag = self.inside.lock().unwrap().etag_of(key);
        Ok(PutOutcome {
            etag: Some(etag).filter(|_| self.has_checksums),
            version_id: None,
            crc64nvme: self.crc_of(key),
        })
    }

    async fn head_with_checksum(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(ObjectHead, Option<String>), StoreError> {
        let head = self.head(bucket, key).await?;
        Ok((head, self.crc_of(key)))
    }

    async fn abort_upload(&self, _: &str, key: &str, upload: &UploadId) -> Result<(), StoreError> {
        self.begin(Op::Abort, key, 0).await?;
        let gone = self.inside.lock().unwrap().uploads.remove(&upload.0);
        gone.map(drop).ok_or_else(|| error(ErrorKind::NoSuchUpload))
    }

    async fn list_parts(
        &self,
        _: &str,
        key: &str,
        upload: &UploadId,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        self.begin(Op::ListParts, key, 0).await?;
        let inside = self.inside.lock().unwrap();
        let parts = inside.uploads.get(&upload.0);
        let parts = parts.ok_or_else(|| error(ErrorKind::NoSuchUpload))?;
        Ok(parts
            .iter()
            .map(|(number, (bytes, etag))| CompletedPart {
                number: *number,
                etag: etag.clone(),
                size: bytes.len() as u64,
            })
            .collect())
    }

    async fn list_uploads(&self, _: &str, prefix: &str) -> Result<Vec<UploadInfo>, StoreError> {
        self.begin(Op::ListUploads, prefix, 0).await?;
        let inside = self.inside.lock().unwrap();
        let open = inside.uploads.keys().filter_map(|id| {
            let (key, at) = &inside.begun[id];
            key.starts_with(prefix).then(|| UploadInfo {
                key: key.clone(),
                upload: UploadId(id.clone()),
                started: Some(*at),
                owner: None,
            })
        });
        Ok(open.collect())
    }

    fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}

fn head_of(object: &Stored) -> ObjectHead {
    ObjectHead {
        size: object.bytes.len() as u64,
        modified: Some(object.modified),
        etag: Some(object.etag.clone()),
        ..ObjectHead::default()
    }
}
