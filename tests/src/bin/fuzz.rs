//! Sends one reader of foreign bytes whatever covers more of it, until it fails or the time is over:
//! libFuzzer, told by `cargo xtask fuzz` what to do.
//!
//! `LIENTHONG_FUZZ` names the reader; its seeds are laid into `LIENTHONG_FUZZ_CORPUS` first. Without a
//! name the readers are listed.
#![no_main]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of tests: what cannot be set up ends it"
)]

use std::path::PathBuf;
use std::sync::OnceLock;

use tests::readers::{Reader, readers};

static READER: OnceLock<Reader> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: begin(), |bytes: &[u8]| {
    (READER.get().unwrap().read)(bytes);
});

fn begin() {
    let name = std::env::var("LIENTHONG_FUZZ").unwrap_or_default();
    let readers = readers();
    let Some(reader) = readers.iter().find(|reader| reader.name == name) else {
        for reader in readers {
            println!("{}", reader.name);
        }
        std::process::exit(0);
    };
    let corpus = PathBuf::from(std::env::var_os("LIENTHONG_FUZZ_CORPUS").unwrap());
    for (number, seed) in reader.seeds().into_iter().enumerate() {
        std::fs::write(corpus.join(format!("seed-{number}")), seed).unwrap();
    }
    READER.set(*reader).unwrap();
}
