//! Bytes on their way in: hashed and written off the async threads, removed again unless kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use md5::{Digest, Md5};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::shelf::hex;

/// Chunks between the connection and the disk.
const IN_FLIGHT: usize = 16;

/// A complete file, waiting to be moved to its place.
pub struct Received {
    path: PathBuf,
    md5: [u8; 16],
}

impl Received {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn etag(&self) -> String {
        hex(&self.md5)
    }

    pub fn at(path: PathBuf) -> Self {
        Self { path, md5: [0; 16] }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // Moved away when all went well; then there is nothing to remove.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes a request's body to `path` and checks it: length and payload hash (the protocol layer's
/// part), then `Content-MD5`. Nothing damaged comes back.
pub async fn receive(
    body: Option<StreamingBlob>,
    path: PathBuf,
    content_md5: Option<&str>,
) -> S3Result<Received> {
    let wanted = match content_md5 {
        Some(text) => Some(
            STANDARD
                .decode(text)
                .map_err(|_| s3_error!(InvalidDigest, "Content-MD5 is no MD5."))?,
        ),
        None => None,
    };
    let mut received = Received::at(path);
    let (chunks, mut incoming) = tokio::sync::mpsc::channel::<bytes::Bytes>(IN_FLIGHT);
    let target = received.path.clone();
    let writer = tokio::task::spawn_blocking(move || -> io::Result<[u8; 16]> {
        let mut file = File::create(target)?;
        let mut hash = Md5::new();
        while let Some(chunk) = incoming.blocking_recv() {
            hash.update(&chunk);
            file.write_all(&chunk)?;
        }
        Ok(hash.finalize().into())
    });
    let mut broken = None;
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            match chunk {
                // Refused when the writer gave up; its own result says why.
                Ok(chunk) => {
                    if chunks.send(chunk).await.is_err() {
                        break;
                    }
                }
                Err(e) => {
                    broken = Some(e);
                    break;
                }
            }
        }
    }
    drop(chunks);
    received.md5 = writer
        .await
        .map_err(S3Error::internal_error)?
        .map_err(crate::protocol::refusal)?;
    if let Some(error) = broken {
        // s3s keeps the type of this error to itself.
        return Err(if error.to_string().contains("Sha256Mismatch") {
            let mut refusal = S3Error::with_message(
                S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
                "The bytes that arrived are not the ones that were signed.",
            );
            refusal.set_status_code(http::StatusCode::BAD_REQUEST);
            refusal
        } else {
            s3_error!(
                IncompleteBody,
                "The connection broke before all bytes had arrived."
            )
        });
    }
    if wanted.is_some_and(|wanted| wanted != received.md5) {
        return Err(s3_error!(
            BadDigest,
            "The bytes that arrived do not have this Content-MD5."
        ));
    }
    Ok(received)
}

/// Copies a range of a file to `path`. Blocks.
pub fn copy_range(from: &Path, range: Range<u64>, path: PathBuf) -> io::Result<Received> {
    let mut received = Received::at(path);
    let mut source = File::open(from)?;
    source.seek(SeekFrom::Start(range.start))?;
    let mut source = source.take(range.end - range.start);
    let mut target = File::create(&received.path)?;
    let mut hash = Md5::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match source.read(&mut buffer)? {
            0 => break,
            n => {
                hash.update(&buffer[..n]);
                target.write_all(&buffer[..n])?;
            }
        }
    }
    received.md5 = hash.finalize().into();
    Ok(received)
}
