//! What `[sharing]` says, and the files that it names.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use admission::Sharing;
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Store;
use crate::config::{Problems, chain};

/// Where several nodes keep quotas together.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How many nodes share.
    nodes: NonZeroU32,
    /// The file with the URL of Redis or Valkey.
    redis: PathBuf,
    /// The authorities of its certificate; those of the system if left out.
    redis_ca: Option<PathBuf>,
    /// The file with the secret under which buckets have their names.
    secret: PathBuf,
}

/// Where and among whom quotas are shared.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Among whom.
    pub(crate) sharing: Sharing,
    /// Where.
    pub(crate) store: Store,
}

impl Config {
    /// The same with paths from that folder.
    pub(crate) fn below(self, base: &Path) -> Self {
        Self {
            redis: base.join(self.redis),
            redis_ca: self.redis_ca.map(|file| base.join(file)),
            secret: base.join(self.secret),
            ..self
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong with them; never what they hold.
    pub(crate) fn open(&self) -> Result<Shared, Problems> {
        let mut problems = Problems::default();
        let mut read = |key: &str, file: &Path| {
            let bytes = std::fs::read(file).map(Zeroizing::new);
            let what = |error| format!("{}: {error}", file.display());
            bytes.map_err(|e| problems.add(key, what(e))).ok()
        };
        let url = read("sharing.redis", &self.redis);
        let ca = self
            .redis_ca
            .as_deref()
            .map(|file| read("sharing.redis_ca", file));
        let secret = read("sharing.secret", &self.secret);
        let ca = match ca {
            Some(None) => None,
            Some(Some(pem)) => Some(Some(pem.to_vec())),
            None => Some(None),
        };
        let secret = secret.filter(|secret| {
            let is_long = secret.trim_ascii().len() >= SECRET_BYTES;
            if !is_long {
                problems.add("sharing.secret", "is shorter than 32 bytes");
            }
            is_long
        });
        let store = url.zip(ca).and_then(|(url, ca)| {
            let opened = Store::open(&String::from_utf8_lossy(url.trim_ascii()), ca);
            opened
                .map_err(|e| problems.add("sharing.redis", chain(&e)))
                .ok()
        });
        match (secret, store) {
            (Some(secret), Some(store)) => Ok(Shared {
                sharing: Sharing::new(self.nodes, secret.trim_ascii()),
                store,
            }),
            _ => Err(problems),
        }
    }
}

const SECRET_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with these files, line by line.
    fn problems(url: Option<&str>, secret: &str, more: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        if let Some(url) = url {
            std::fs::write(folder.path().join("url"), url).unwrap();
        }
        std::fs::write(folder.path().join("secret"), secret).unwrap();
        let text = format!("nodes = 3\nredis = 'url'\nsecret = 'secret'\n{more}");
        let config: Config = toml::from_str(&text).unwrap();
        let opened = config.below(folder.path()).open();
        opened.err().map_or_else(String::new, |it| it.to_string())
    }

    const LONG: &str = "synthetic synthetic synthetic 32\n";

    #[test]
    fn everything_that_is_wrong_with_the_files_is_told_and_nothing_that_they_hold() {
        assert_eq!(problems(Some("redis://127.0.0.1:1\n"), LONG, ""), "");
        let both = problems(None, "s3cret", "");
        assert!(both.contains("sharing.redis: "), "{both}");
        assert!(
            both.contains("sharing.secret: is shorter than 32 bytes"),
            "{both}"
        );
        let url = problems(Some("nowhere:s3cret"), LONG, "");
        assert!(
            url.contains("sharing.redis: ") && !url.contains("s3cret"),
            "{url}"
        );
        let ca = problems(Some("rediss://127.0.0.1:1"), LONG, "redis_ca = 'none'");
        assert!(ca.contains("sharing.redis_ca: "), "{ca}");
    }

    #[test]
    fn no_node_is_not_a_number_of_nodes() {
        let text = "nodes = 0\nredis = 'url'\nsecret = 'secret'";
        assert!(toml::from_str::<Config>(text).is_err());
    }
}
