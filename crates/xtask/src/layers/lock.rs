//! What other people's crates the lock file may hold: one TLS stack, one of each heavy crate.
//!
//! `.deny.toml` says the same to those who have `cargo-deny`, and more (licences, sources).

use anyhow::{Context, Result};
use toml::{Table, Value};

/// A package of the lock file.
pub(super) struct Package {
    name: String,
    version: String,
    /// The names of what it uses.
    uses: Vec<String>,
}

/// Crates that stay out of the build, and why.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is the one source of cryptography"),
    ("openssl", "rustls is the one TLS stack"),
    ("openssl-sys", "rustls is the one TLS stack"),
    ("native-tls", "rustls is the one TLS stack"),
];

/// A crate that names a banned one without building it: `ring?/alloc` in a feature of
/// `rustls-webpki` puts ring into every lock file; its feature `ring`, which would build it, comes
/// only with the feature `ring` of `rustls`, and then the lock file says that rustls uses ring.
const NAMED_ONLY: &[(&str, &str)] = &[("rustls-webpki", "ring")];

/// Crates of which two versions would meet in one signature.
const SINGLE: &[&str] = &["prost", "tonic", "hyper", "rustls", "tokio"];

/// Reads a lock file.
pub(super) fn packages(lock: &str) -> Result<Vec<Package>> {
    let lock: Table = lock.parse().context("Cargo.lock is no TOML")?;
    let list = |table: &Table, name: &str| -> Vec<Value> {
        let list = table.get(name).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let package = |value: &Value| -> Option<Package> {
        let table = value.as_table()?;
        let text = |name: &str| Some(table.get(name)?.as_str()?.to_owned());
        let uses = list(table, "dependencies");
        Some(Package {
            name: text("name")?,
            version: text("version")?,
            // `name`, or `name version` where there are several.
            uses: uses
                .iter()
                .filter_map(|used| Some(used.as_str()?.split(' ').next()?.to_owned()))
                .collect(),
        })
    };
    let packages = list(&lock, "package");
    let packages: Option<Vec<_>> = packages.iter().map(package).collect();
    packages.context("a package of Cargo.lock has no name or version")
}

/// Everything in the lock file that should not be there.
pub(super) fn violations(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for (banned, reason) in BANNED {
        for package in packages {
            let uses = package.uses.iter().any(|used| used == banned);
            if uses && !NAMED_ONLY.contains(&(&package.name, banned)) {
                found.push(format!(
                    "{} brings {banned}, but {reason} (see `cargo tree --workspace -i {banned}`)",
                    package.name
                ));
            }
        }
    }
    for single in SINGLE {
        let versions = packages.iter().filter(|package| package.name == *single);
        let versions: Vec<_> = versions.map(|package| package.version.as_str()).collect();
        if versions.len() != 1 {
            found.push(format!(
                "there is one version of {single}, and not: {}",
                versions.join(", ")
            ));
        }
    }
    found
}
