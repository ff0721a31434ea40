//! No `Debug` of anything that holds a secret shows it.

use std::fmt::Debug;
use std::fs;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use exchange::Opening;

use super::access;
use super::suite::key;
use crate::Config;
use crate::commitment::{Personal, Salts};
use crate::keys::secret::Secret;
use crate::keys::{self, make_dir};
use crate::private::aead::Key;
use crate::private::databases;
use crate::private::file::Desk;
use crate::private::intake::Intake;
use crate::private::locks::LockTable;
use crate::private::opening::Openings;
use crate::private::promise::Promise;
use crate::private::sealed::Sealed;
use crate::private::tags::{PERSON, TagKeys};
use crate::private::thread::Erasure;

const NUMBER: &str = "999099000001";
const PASSWORD: &str = "s3cret-of-the-database";
const BYTES: [u8; 32] = [0xa7; 32];

/// True if a text holds the beginning of a secret in one of the forms that programs print.
fn tells(text: &str, secret: &[u8]) -> bool {
    let begin = &secret[..6.min(secret.len())];
    let list: Vec<String> = begin.iter().map(u8::to_string).collect();
    let hex: String = begin.iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = std::str::from_utf8(secret).unwrap_or("\u{0}");
    let forms = [
        list.join(", "),
        list.join(",\n    "),
        hex.to_uppercase(),
        hex,
        STANDARD.encode_to_string(begin),
        URL_SAFE_NO_PAD.encode_to_string(begin),
        plain.to_owned(),
    ];
    forms.iter().any(|form| text.contains(form))
}

/// Everything that is shown of things, by their names.
#[derive(Default)]
struct Shown(Vec<(&'static str, String)>);

impl Shown {
    fn add(&mut self, name: &'static str, of: &dyn Debug) {
        self.0.push((name, format!("{of:?}\n{of:#?}")));
    }
}

fn node(dir: &std::path::Path) -> Config {
    let config = Config::new(dir, "audit.gw.example/gw-1/2026h1", "gw-1");
    make_dir(&config.keys_dir()).unwrap();
    config
}

/// The keys in the files of a node, as far as a file is nothing else, and the seeds of those that sign.
fn in_files(config: &Config) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    for entry in fs::read_dir(config.keys_dir()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        match path.extension().and_then(|it| it.to_str()) {
            Some("key") => secrets.push(bytes),
            // Of Ed25519, and of ML-DSA.
            Some("pk8") if bytes.len() == 54 => secrets.push(bytes[22..].to_vec()),
            Some("pk8") => secrets.push(bytes[16..48].to_vec()),
            _ => {}
        }
    }
    secrets
}

/// What a record hides, on its way; the salt of it.
fn of_a_record(shown: &mut Shown) -> (Openings, [u8; 32]) {
    let secret = Secret::new(&BYTES);
    let salts = Salts::draw(&SystemRandom::new()).unwrap();
    let salt = *salts.of(Personal::Subject);
    let mut openings = Openings::new();
    openings.push("sub", &salt, NUMBER.as_bytes());
    shown.add("Secret", &secret);
    shown.add("Key", &Key::new(&secret).unwrap());
    shown.add("RecordKey", &key(1, [1; 16], &secret));
    shown.add("Salts", &salts);
    shown.add("Openings", &openings);
    shown.add(
        "Opening",
        &Opening {
            field: "sub".to_owned(),
            salt,
            value: NUMBER.as_bytes().to_vec(),
        },
    );
    let promise = || Promise::new(PERSON, NUMBER.as_bytes(), 0).unwrap();
    shown.add("Promise", &promise());
    let erasure = Erasure {
        promise: promise(),
        wanted: Vec::new(),
        found: 0,
        done: None,
    };
    shown.add("Erasure", &erasure);
    (openings, salt)
}

#[test]
fn no_debug_of_anything_that_holds_a_secret_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = node(dir.path());
    let mut shown = Shown::default();
    let (openings, salt) = of_a_record(&mut shown);
    let intake = Arc::new(Intake::open(&config.keys_dir()).unwrap());
    let sealed = intake.seal(&openings).unwrap();
    shown.add("Sealed", &Sealed::read(&sealed).unwrap());
    let mut keyring = databases::keyring(&config).unwrap();
    let mut tags = TagKeys::load(&config, &mut keyring).unwrap();
    tags.make("2026h1".parse().unwrap(), &mut keyring).unwrap();
    shown.add("TagKeys", &tags);
    shown.add("Keyring", &keyring);
    shown.add("Intake", &intake);
    let index = databases::index(&config).unwrap();
    let desk = Desk::new(1, intake, keyring, index, tags).unwrap();
    shown.add("Desk", &desk);
    shown.add("Keys", &keys::create_if_missing(&config).unwrap());

    let address = format!("postgres://gateway:{PASSWORD}@127.0.0.1:5432/evidence");
    let config_of_several = super::secret(dir.path(), &address);
    shown.add("Access", &access(&config_of_several));
    shown.add("LockTable", &LockTable::of(&config_of_several).unwrap());

    let mut secrets = in_files(&config);
    assert_eq!(
        secrets.len(),
        6,
        "keyring, tags, intake, and three that sign"
    );
    let others = [&salt[..], &BYTES, NUMBER.as_bytes(), PASSWORD.as_bytes()];
    secrets.extend(others.map(<[u8]>::to_vec));
    for secret in &secrets {
        assert!(
            tells(&format!("{secret:?}"), secret),
            "else nothing is found"
        );
        for (name, text) in &shown.0 {
            assert!(!tells(text, secret), "{name}: {text}");
        }
    }
}
