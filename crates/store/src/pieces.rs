//! Part of a file that is in memory, and is let go of while it is sent.
//!
//! A part is hashed before its first byte is sent, so it has to be held. What the connection has
//! taken of it need not be held any longer, and makes room for the next. Should it have to be sent
//! again, it is read from the file again.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::api::Body;

/// A range of a file, in memory until it is first sent. Clones are the same.
#[derive(Clone)]
pub struct Pieces(Arc<Range>);

struct Range {
    pieces: Mutex<Option<Vec<Bytes>>>,
    path: PathBuf,
    offset: u64,
    length: u64,
}

impl Pieces {
    /// What is in the file from `offset` on.
    pub fn new(pieces: Vec<Bytes>, path: PathBuf, offset: u64) -> Self {
        let length = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self(Arc::new(Range {
            pieces: Mutex::new(Some(pieces)),
            path,
            offset,
            length,
        }))
    }

    pub fn len(&self) -> u64 {
        self.0.length
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is in memory, to be let go of piece by piece. `None` after the first time.
    pub fn take(&self) -> Option<Vec<Bytes>> {
        self.lock().take()
    }

    /// The same bytes, as long as the file has not changed.
    pub fn in_file(&self) -> Body {
        Body::File {
            path: self.0.path.clone(),
            offset: self.0.offset,
            length: self.0.length,
        }
    }

    /// To be looked at; the memory stays.
    pub(crate) fn look(&self) -> Option<Vec<Bytes>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Bytes>>> {
        self.0.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pieces({} bytes)", self.len())
    }
}

/// The body of a request.
pub(crate) struct Going {
    pieces: std::vec::IntoIter<Bytes>,
    left: u64,
}

impl Going {
    pub fn new(pieces: Vec<Bytes>, length: u64) -> Self {
        Self {
            pieces: pieces.into_iter(),
            left: length,
        }
    }
}

impl http_body::Body for Going {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.next();
        self.left -= next.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
