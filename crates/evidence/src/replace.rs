//! Replacing a whole file: a crash leaves the old one, the new one, or none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::Error;

/// Replaces a file. Its bytes are durable then; its name is after [`sync_dir`].
pub(crate) fn replace(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let tmp = path.with_added_extension("tmp");
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode);
        let mut file = options.open(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&tmp, path)
    };
    write().map_err(Error::io("write", path))
}

/// Replaces a file, and makes its name durable.
pub(crate) fn replace_durably(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    replace(path, mode, bytes)?;
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(Error::io("sync", dir))
}
