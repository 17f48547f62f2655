//! Uploads in parts, as far as their ETags need it.

use std::collections::BTreeMap;

use crate::pattern;

/// One that was begun.
#[derive(Default)]
pub struct Upload {
    pub key: String,
    pub parts: BTreeMap<u32, Part>,
    pub metadata: Vec<(String, String)>,
}

#[derive(Clone, Copy)]
pub struct Part {
    pub size: u64,
    pub md5: [u8; 16],
}

impl Upload {
    pub fn size(&self) -> u64 {
        self.parts.values().map(|part| part.size).sum()
    }

    pub fn etag(&self) -> String {
        let sums: Vec<[u8; 16]> = self.parts.values().map(|part| part.md5).collect();
        pattern::of_parts(&sums)
    }
}
