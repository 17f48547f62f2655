//! Memory for file contents, used again and again.
//!
//! Allocating and freeing buffers of megabytes on many threads leaves the allocator holding several
//! times what is in use; these are handed round instead.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Smaller ones are cheap to allocate.
const WORTH_KEEPING: usize = 1 << 20;

#[derive(Default)]
pub struct Buffers(Mutex<Vec<Vec<u8>>>);

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

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
