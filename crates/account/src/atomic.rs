//! Files that hold accounts and keys: written whole, readable by their owner only.
//!
//! A new file takes the old one's place in one step, so that a crash leaves the old or the new.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to `path` with mode 0600. The folder must be there.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // tempfile makes its files for the owner only.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Creates a folder only its owner may enter: account files say where somebody works.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
