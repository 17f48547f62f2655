//! Paths in JSON, which knows only text.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A path as text where it is text; the bytes of the others, as JSON knows only text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathText {
    Text(String),
    Bytes(Vec<u8>),
}

impl From<PathBuf> for PathText {
    fn from(path: PathBuf) -> Self {
        match path.into_os_string().into_string() {
            Ok(text) => Self::Text(text),
            Err(other) => {
                #[cfg(unix)]
                {
                    use std::os::unix::ffi::OsStringExt;
                    Self::Bytes(other.into_vec())
                }
                #[cfg(not(unix))]
                Self::Text(other.to_string_lossy().into_owned())
            }
        }
    }
}

impl From<PathText> for PathBuf {
    fn from(text: PathText) -> Self {
        match text {
            PathText::Text(text) => text.into(),
            #[cfg(unix)]
            PathText::Bytes(bytes) => {
                use std::os::unix::ffi::OsStringExt;
                std::ffi::OsString::from_vec(bytes).into()
            }
            #[cfg(not(unix))]
            PathText::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        }
    }
}
