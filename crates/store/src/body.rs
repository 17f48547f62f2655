//! Bodies of requests: bytes in memory, or a range of a file read as the connection takes it.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, Take};
use tokio_util::io::poll_read_buf;

use crate::api::{Body, ContentCheck};
use crate::error::ErrorKind;
use crate::http::explain::Failure;
use crate::pieces::Going;

/// Read from the disk at a time.
const PIECE: usize = 256 << 10;

/// Hashing more than this at once would hold up the other requests.
const WORTH_A_THREAD: usize = 256 << 10;

/// The SDK's form of a body. Made anew for each attempt, so a file is read again from its start.
pub(crate) fn stream(body: &Body) -> ByteStream {
    match body {
        Body::Bytes(bytes) => ByteStream::from(bytes.clone()),
        Body::File {
            path,
            offset,
            length,
        } => ByteStream::new(SdkBody::from_body_1_x(FileBody::new(
            path.clone(),
            *offset,
            *length,
        ))),
        Body::Pieces(pieces) => match pieces.take() {
            Some(held) => {
                let going = Going::new(held, pieces.len());
                ByteStream::new(SdkBody::from_body_1_x(going))
            }
            None => stream(&pieces.in_file()),
        },
    }
}

/// The body's SHA-256, where it must be signed and is not known: plain HTTP. Small ones in memory
/// are left to the SDK, which hashes where it stands.
pub(crate) async fn sha256(body: &Body, check: ContentCheck) -> Result<Option<[u8; 32]>, Failure> {
    let (path, offset, length) = match (body, check.sha256) {
        (_, Some(known)) => return Ok(Some(known)),
        (Body::Bytes(bytes), None) if bytes.len() < WORTH_A_THREAD => return Ok(None),
        (Body::Bytes(bytes), None) => {
            let bytes = bytes.clone();
            let hashed = tokio::task::spawn_blocking(move || Sha256::digest(&bytes).into());
            return Ok(hashed.await.ok());
        }
        (
            Body::File {
                path,
                offset,
                length,
            },
            None,
        ) => (path, *offset, *length),
        (Body::Pieces(pieces), None) => {
            let Some(held) = pieces.look() else {
                return Box::pin(sha256(&pieces.in_file(), check)).await;
            };
            let hash = move || {
                let mut hash = Sha256::new();
                for piece in &held {
                    hash.update(piece);
                }
                hash.finalize().into()
            };
            return Ok(tokio::task::spawn_blocking(hash).await.ok());
        }
    };
    let mut file = open(path, offset).await?.take(length);
    let mut hash = Sha256::new();
    let mut piece = BytesMut::with_capacity(PIECE);
    while file
        .read_buf(&mut piece)
        .await
        .map_err(|error| unreadable(path, &error))?
        > 0
    {
        hash.update(&piece);
        piece.clear();
    }
    Ok(Some(hash.finalize().into()))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorKind::LocalFile,
        format!("{} cannot be read: {error}", path.display()),
    )
}

async fn open(path: &Path, offset: u64) -> Result<File, Failure> {
    let mut file = File::open(path)
        .await
        .map_err(|error| unreadable(path, &error))?;
    file.seek(SeekFrom::Start(offset))
        .await
        .map_err(|error| unreadable(path, &error))?;
    Ok(file)
}

enum State {
    Opening(BoxFuture<'static, Result<File, Failure>>),
    Reading(Take<File>),
    Done,
}

/// A range of a file. It is opened when the connection first asks for bytes.
struct FileBody {
    path: PathBuf,
    left: u64,
    space: BytesMut,
    state: std::sync::Mutex<State>,
}

impl FileBody {
    fn new(path: PathBuf, offset: u64, length: u64) -> Self {
        let file = path.clone();
        let opening = Box::pin(async move { open(&file, offset).await });
        Self {
            path,
            left: length,
            space: BytesMut::new(),
            state: std::sync::Mutex::new(State::Opening(opening)),
        }
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = &mut *self;
        // Never contended: the lock is there because the SDK wants bodies to be `Sync`.
        let Ok(state) = this.state.get_mut() else {
            return Poll::Ready(None);
        };
        loop {
            match state {
                State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(file) => *state = State::Reading(file.take(this.left)),
                    Err(failure) => {
                        *state = State::Done;
                        return Poll::Ready(Some(Err(failure)));
                    }
                },
                State::Reading(_) if this.left == 0 => *state = State::Done,
                State::Reading(file) => {
                    this.space
                        .reserve(usize::try_from(this.left).unwrap_or(PIECE).min(PIECE));
                    let outcome = match ready!(poll_read_buf(Pin::new(file), cx, &mut this.space)) {
                        Err(error) => Err(unreadable(&this.path, &error)),
                        Ok(0) => {
                            let message = format!(
                                "{} became shorter while it was being sent",
                                this.path.display()
                            );
                            Err(Failure::new(ErrorKind::LocalFile, message))
                        }
                        Ok(count) => {
                            this.left -= count as u64;
                            Ok(Frame::data(this.space.split().freeze()))
                        }
                    };
                    if outcome.is_err() {
                        *state = State::Done;
                    }
                    return Poll::Ready(Some(outcome));
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use crate::pieces::Pieces;

    use super::*;

    #[tokio::test]
    async fn streams_a_range_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let data: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &data).unwrap();
        let whole = FileBody::new(path.clone(), 1000, 700_000)
            .collect()
            .await
            .unwrap()
            .to_bytes();
        assert!(whole == data[1000..701_000]);

        let body = Body::File {
            path,
            offset: 5,
            length: 900_000,
        };
        let known = sha256(&body, ContentCheck::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(known, <[u8; 32]>::from(Sha256::digest(&data[5..900_005])));
    }

    #[tokio::test]
    async fn pieces_are_sent_from_memory_and_then_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, b"....in the file").unwrap();
        let held = vec![Bytes::from_static(b"in "), Bytes::from_static(b"memory!!")];
        let pieces = Pieces::new(held, path, 4);
        let body = Body::Pieces(pieces.clone());
        let hash = async || {
            let found = sha256(&body, ContentCheck::default()).await;
            found.unwrap().unwrap()
        };
        let sent = async || stream(&body).collect().await.unwrap().into_bytes();
        assert_eq!(body.len(), 11);
        // To be hashed is not to be sent.
        let hashed = <[u8; 32]>::from(Sha256::digest(b"in memory!!"));
        assert_eq!((hash().await, hash().await), (hashed, hashed));
        assert_eq!(sent().await, "in memory!!");
        assert!(pieces.take().is_none());
        let hashed = <[u8; 32]>::from(Sha256::digest(b"in the file"));
        assert_eq!(hash().await, hashed);
        assert_eq!(
            (sent().await, sent().await),
            ("in the file".into(), "in the file".into())
        );
    }

    #[tokio::test]
    async fn a_file_that_shrank_or_vanished_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, b"short").unwrap();
        let failure = FileBody::new(path, 0, 100).collect().await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::LocalFile);
        let failure = FileBody::new(folder.path().join("gone"), 0, 1)
            .collect()
            .await
            .unwrap_err();
        assert_eq!(failure.kind, ErrorKind::LocalFile);
        assert!(failure.message.contains("gone"));
    }
}
