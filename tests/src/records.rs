//! The records of a log, as whoever reads its files finds them.

use std::path::Path;

use serde_json::Value;

/// Every whole record of a log's write-ahead log, byte for byte and in order.
pub fn records(log: &Path) -> Vec<(String, Value)> {
    let segments = std::fs::read_dir(log.join("wal")).unwrap();
    let mut segments: Vec<_> = segments.map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    let bytes: Vec<u8> = segments
        .iter()
        .filter(|path| path.is_file())
        .flat_map(|path| written(path))
        .collect();
    // Between the records there are bytes that are no text.
    let text = String::from_utf8_lossy(&bytes);
    let starts = text.match_indices(BEGINNING);
    // The head of an attempt is no whole JSON, and no record.
    let read = |(at, _): (usize, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter();
        let value = values.next()?.ok()?;
        Some((text[at..at + values.byte_offset()].to_owned(), value))
    };
    starts.filter_map(read).collect()
}

/// The records of the call with that id.
pub fn records_of(log: &Path, request_id: &str) -> Vec<(String, Value)> {
    let all = records(log).into_iter();
    all.filter(|(_, record)| record["rid"] == request_id)
        .collect()
}

/// What is written of a segment: behind it there are zeros, written ahead.
fn written(segment: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(segment).unwrap();
    while bytes.ends_with(&ZEROS) {
        bytes.truncate(bytes.len() - ZEROS.len());
    }
    bytes
}

/// True if a directory for what is filed holds no more than the register of dossiers, which each node
/// keeps by itself.
pub fn dossiers_alone(index: &Path) -> bool {
    let mut names = std::fs::read_dir(index)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names.all(|name| name.to_str().unwrap().starts_with("dossiers.db"))
}

/// How every record begins.
const BEGINNING: &str = r#"{"v":1,"#;
/// So many are looked at at once.
const ZEROS: [u8; 4096] = [0; 4096];
