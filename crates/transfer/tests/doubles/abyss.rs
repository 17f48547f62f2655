//! A store that takes uploads of any size and keeps nothing of them but how long each part was.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use md5::{Digest, Md5};
use wherry_account::Quirks;
use wherry_store::*;

use super::{error, hex};

pub struct Abyss {
    /// Lengths of the parts by number.
    lengths: Mutex<BTreeMap<u32, u64>>,
    pub begun: AtomicU64,
    pub aborted: AtomicU64,
    /// Parts are never answered.
    pub hold: AtomicBool,
    quirks: Quirks,
}

impl Abyss {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            lengths: Mutex::default(),
            begun: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            hold: AtomicBool::new(false),
            // There bodies come in one buffer, so that a test's disk can know their sums.
            quirks: Quirks {
                checksums: wherry_account::ChecksumMode::WhenSupported,
                ..Quirks::default()
            },
        })
    }

    /// The lengths of the parts that were sent, in their order.
    pub fn parts(&self) -> Vec<u64> {
        self.lengths.lock().unwrap().values().copied().collect()
    }
}

fn never<T>() -> Result<T, StoreError> {
    Err(error(ErrorKind::Unsupported))
}

#[async_trait]
impl ObjectStore for Abyss {
    async fn list_buckets(&self) -> Result<Vec<BucketInfo>, StoreError> {
        never()
    }
    async fn head_bucket(&self, _: &str) -> Result<(), StoreError> {
        never()
    }
    async fn create_bucket(&self, _: &str) -> Result<(), StoreError> {
        never()
    }
    async fn delete_bucket(&self, _: &str) -> Result<(), StoreError> {
        never()
    }

    async fn list(&self, _: ListRequest) -> Result<ListPage, StoreError> {
        Ok(ListPage {
            objects: Vec::new(),
            prefixes: Vec::new(),
            next: None,
        })
    }

    async fn head(&self, _: &str, _: &str) -> Result<ObjectHead, StoreError> {
        Err(error(ErrorKind::NoSuchKey))
    }
    async fn get(&self, _: GetRequest) -> Result<GetResponse, StoreError> {
        Err(error(ErrorKind::NoSuchKey))
    }
    async fn put(&self, _: PutRequest) -> Result<PutOutcome, StoreError> {
        never()
    }
    async fn copy(&self, _: CopyRequest) -> Result<PutOutcome, StoreError> {
        never()
    }
    async fn create_copy_upload(&self, _: &CopyRequest) -> Result<UploadId, StoreError> {
        never()
    }
    async fn copy_part(&self, _: CopyPartRequest) -> Result<CompletedPart, StoreError> {
        never()
    }
    async fn delete(&self, _: &str, _: Vec<String>) -> Vec<DeleteOutcome> {
        Vec::new()
    }

    async fn create_upload(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: &BTreeMap<String, String>,
    ) -> Result<UploadId, StoreError> {
        self.begun.fetch_add(1, SeqCst);
        Ok(UploadId("into the abyss".into()))
    }

    async fn upload_part(&self, request: UploadPartRequest) -> Result<CompletedPart, StoreError> {
        assert!((1..=10_000).contains(&request.number));
        let (number, size) = (request.number, request.body.len());
        let earlier = self.lengths.lock().unwrap().insert(number, size);
        assert!(earlier.is_none(), "nothing here has to be sent again");
        if self.hold.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        let md5 = request.check.md5.expect("every body travels with its hash");
        let etag = hex(&md5);
        Ok(CompletedPart { number, etag, size })
    }

    async fn complete_upload(
        &self,
        _: &str,
        _: &str,
        _: &UploadId,
        parts: &[CompletedPart],
    ) -> Result<PutOutcome, StoreError> {
        let lengths = self.lengths.lock().unwrap();
        let sent: Vec<(u32, u64)> = lengths.iter().map(|(n, length)| (*n, *length)).collect();
        let named: Vec<(u32, u64)> = parts.iter().map(|p| (p.number, p.size)).collect();
        assert!(sent == named, "all parts, in their order");
        let mut sums = Md5::new();
        for part in parts {
            let digits = part.etag.as_bytes().chunks(2);
            for two in digits {
                let two = std::str::from_utf8(two).unwrap();
                sums.update([u8::from_str_radix(two, 16).unwrap()]);
            }
        }
        let etag = format!("{}-{}", hex(&sums.finalize()), parts.len());
        Ok(PutOutcome {
            etag: Some(etag),
            version_id: None,
            crc64nvme: None,
        })
    }

    async fn abort_upload(&self, _: &str, _: &str, _: &UploadId) -> Result<(), StoreError> {
        self.aborted.fetch_add(1, SeqCst);
        Ok(())
    }

    async fn list_parts(
        &self,
        _: &str,
        _: &str,
        _: &UploadId,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        never()
    }

    async fn list_uploads(&self, _: &str, _: &str) -> Result<Vec<UploadInfo>, StoreError> {
        Ok(Vec::new())
    }

    fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}
