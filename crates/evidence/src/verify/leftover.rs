//! The partial forms of files that older checkpoints had. They lie beside what the log needs until the
//! full one is there, and whoever holds such a checkpoint may still read them.
//!
//! Not here: whether they are all there. Each that is gone can be had from the form that followed.

use std::path::Path;

use super::VerifyError;
use super::public::{Directory, Files, fetch, wrong};
use crate::publish::next_entry;
use crate::tree::{Hash, Name, TILE_WIDTH, Tile};

/// Refuses one that is not the beginning of what a log of that size has there, or does not begin
/// with it; how many there are.
pub(super) fn leftovers(files: &mut Directory, size: u64) -> Result<u64, VerifyError> {
    let mut names = Vec::new();
    list(&files.0, "tile", &mut names).map_err(|error| VerifyError::Fetch(error.into()))?;
    let mut count = 0;
    for name in names {
        let place = name.tile.index.checked_mul(TILE_WIDTH);
        let has = place.and_then(|place| Tile::holding(name.tile.level, place, size));
        let Some(has) = has.filter(|has| *has != name.tile) else {
            continue;
        };
        // One that has gone meanwhile is not missing.
        let Some(bytes) = files.get(&name.path()).map_err(VerifyError::Fetch)? else {
            continue;
        };
        let path = |width| {
            let tile = Tile { width, ..has };
            Name { tile, ..name }.path()
        };
        let (other, _) = fetch(files, path, has.width)?;
        if !is_shaped(&name, &bytes) || !begin_alike(&bytes, &other) {
            return Err(wrong(&name.path(), "is not what the log has there"));
        }
        count += 1;
    }
    Ok(count)
}

/// Every partial form below a directory.
fn list(root: &Path, below: &str, names: &mut Vec<Name>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(root.join(below)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{below}/{name}");
        if let Some(name) = Name::parse(&path) {
            if !name.tile.is_full() {
                names.push(name);
            }
        } else if entry.file_type()?.is_dir() {
            list(root, &path, names)?;
        }
    }
    Ok(())
}

/// True if it holds as much as its name says.
fn is_shaped(name: &Name, bytes: &[u8]) -> bool {
    if !name.is_bundle {
        return bytes.len() == usize::from(name.tile.width) * size_of::<Hash>();
    }
    let mut rest = bytes;
    (0..name.tile.width).all(|_| next_entry(&mut rest).is_some()) && rest.is_empty()
}

fn begin_alike(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}
