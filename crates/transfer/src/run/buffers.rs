//! Memory for file contents, used again and again.
//!
//! Allocating and freeing buffers of megabytes on many threads leaves the allocator holding several
//! times what is in use; these are handed round instead.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Smaller ones are cheap to allocate.
const WORTH_KEEPING: usize = 1 << 20;

#[derive(Default)]
pub struct Buffers {
    large: Mutex<Vec<Vec<u8>>>,
    /// Of parts.
    pieces: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// A buffer of this length. What is in it is left over from before.
    pub fn take(&self, length: usize) -> Vec<u8> {
        let kept = if length < WORTH_KEEPING {
            None
        } else {
            self.lock().pop()
        };
        let mut buffer = kept.unwrap_or_default();
        if buffer.capacity() < length {
            buffer = Vec::with_capacity(length);
        }
        buffer.resize(length, 0);
        buffer
    }

    /// The buffer's contents; it comes back when the last clone is dropped.
    pub fn share(self: &Arc<Self>, buffer: Vec<u8>) -> Bytes {
        if buffer.capacity() < WORTH_KEEPING {
            return buffer.into();
        }
        Bytes::from_owner(Lent {
            buffer,
            home: Arc::clone(self),
        })
    }

    /// A buffer for a piece of a part; all of them are about as large. To be given back.
    pub fn piece(&self, length: usize) -> Vec<u8> {
        let mut buffer = self.pieces().pop().unwrap_or_default();
        buffer.resize(length, 0);
        buffer
    }

    pub fn piece_back(&self, buffer: Vec<u8>) {
        self.pieces().push(buffer);
    }

    fn pieces(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.lock().push(std::mem::take(&mut self.buffer));
    }
}
