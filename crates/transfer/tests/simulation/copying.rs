//! Objects that the store copies by itself, in parts: many requests of which the client sees one.

use std::collections::BTreeMap;
use std::time::Duration;

use wherry_store::*;

use crate::store::{Handle, name};

/// Of a copy that the store makes in parts.
const COPIED_AT_ONCE: u64 = 8192;

impl Handle {
    /// As the real one does it: an upload that nobody is told of, its parts, its end; and should
    /// anything fail, it is aborted again.
    pub async fn copy_in_parts(&self, request: &CopyRequest) -> Result<PutOutcome, StoreError> {
        let (bucket, key) = (&request.to_bucket, &request.to_key);
        let head = self.head(&request.from_bucket, &request.from_key).await?;
        let upload = self
            .create_upload(bucket, key, None, &BTreeMap::new())
            .await?;
        let copied = async {
            let etag = head.etag.as_deref().unwrap_or_default();
            let mut parts = Vec::new();
            for start in (0..head.size).step_by(COPIED_AT_ONCE as usize) {
                let range = start..(start + COPIED_AT_ONCE).min(head.size);
                let number = parts.len() as u32 + 1;
                let mut tries = 0;
                parts.push(loop {
                    let part = self.copy_part(request, &upload, number, etag, range.clone());
                    match part.await {
                        Err(e) if e.kind.is_transient() && tries < 3 => {
                            tries += 1;
                            tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                        }
                        done => break done?,
                    }
                });
            }
            self.complete_upload(bucket, key, &upload, &parts).await
        };
        let copied = copied.await;
        if copied.is_err() {
            for _ in 0..3 {
                match self.abort_upload(bucket, key, &upload).await {
                    Err(e) if e.kind.is_transient() => {}
                    _ => break,
                }
            }
        }
        copied
    }

    async fn copy_part(
        &self,
        request: &CopyRequest,
        upload: &UploadId,
        number: u32,
        etag: &str,
        range: std::ops::Range<u64>,
    ) -> Result<CompletedPart, StoreError> {
        let (name, upload) = (name(&request.to_bucket, &request.to_key), upload.clone());
        let (request, etag) = (request.clone(), etag.to_owned());
        self.0
            .ask("copy part", name, move |shelves, _| {
                shelves.copy_part(&request, &upload, number, &etag, range.clone())
            })
            .await
    }
}
