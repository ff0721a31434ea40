//! Real logs of any number of records, and the checker that reads them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evidence::{Alarm, Config, Deps, Error, Evidence, Handle, Observer, keys};
use exchange::SystemClock;
use tokio::time::{Instant, sleep};

pub(crate) const ORIGIN: &str = "audit.gw.example/gw-1/2026h2";

/// A log, written in this process.
pub(crate) struct Log {
    /// Removed when the log goes.
    _home: tempfile::TempDir,
    pub(crate) config: Config,
    /// How often something could not be published.
    pub(crate) failed: Arc<Failed>,
}

/// Counts what could not be published.
#[derive(Debug, Default)]
pub(crate) struct Failed(AtomicU64);

impl Failed {
    /// Waits until something more could not be published.
    pub(crate) async fn once_more(&self) {
        let (before, began) = (self.0.load(Ordering::SeqCst), Instant::now());
        while self.0.load(Ordering::SeqCst) == before {
            assert!(began.elapsed() < Duration::from_secs(20), "it is published");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Observer for Failed {
    fn not_published(&self, _: &Error) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A log that is being written.
pub(crate) struct Open {
    evidence: Evidence,
    handle: Handle,
    dir: PathBuf,
    /// How many records it has.
    size: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = Config {
            reserve_bytes: 0,
            reserve_percent: 0,
            segment_bytes: 1 << 20,
            publish_ms: 1,
            ..Config::new(home.path().join("log"), ORIGIN, "gw-1")
        };
        evidence::prepare(&config, &SystemClock).unwrap();
        Self {
            _home: home,
            config,
            failed: Arc::default(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.config.dir
    }

    /// The keys under every checkpoint.
    pub(crate) fn vkeys(&self) -> Vec<String> {
        let keys = keys::PublicKeys::read(self.dir()).unwrap();
        keys.log.iter().map(ToString::to_string).collect()
    }

    /// Opens it, if it opens.
    pub(crate) fn try_open(&self) -> Result<(Evidence, Handle), Error> {
        let deps = Deps {
            keys: keys::create_if_missing(&self.config)?,
            clock: Arc::new(SystemClock),
            observer: Arc::clone(&self.failed) as _,
            witnesses: None,
            version: "0.0.0",
            policy: [7; 32],
            on_fatal: Alarm::new(|error| panic!("{error}")),
        };
        Evidence::start(self.config.clone(), deps)
    }

    /// Opens it; `size` is how many records it has already. If there are any, the last of them names
    /// another policy, so that the start names its own.
    pub(crate) async fn open(&self, size: u64) -> Open {
        let more = if size == 0 { 1 } else { 2 };
        self.open_at(size, more).await
    }

    /// Opens it; `size` is how many records it has already, and `more` how many the start writes.
    pub(crate) async fn open_at(&self, size: u64, more: u64) -> Open {
        let (evidence, handle) = self.try_open().unwrap();
        let open = Open {
            evidence,
            handle,
            dir: self.config.dir.clone(),
            size: size + more,
        };
        open.published().await;
        open
    }
}

impl Open {
    /// Writes records until there are that many, and waits until they are public.
    pub(crate) async fn grow(&mut self, size: u64) {
        self.record(size).await;
        self.published().await;
    }

    /// Waits until so many records are public that it has written by itself.
    pub(crate) async fn wrote(&mut self, more: u64) {
        self.size += more;
        self.published().await;
    }

    /// Writes records until there are that many.
    pub(crate) async fn record(&mut self, size: u64) {
        while self.size < size {
            let more = (size - self.size).min(1_000);
            let records: Vec<_> = (0..more)
                .map(|n| {
                    let mut policy = [0; 32];
                    policy[..8].copy_from_slice(&(self.size + n).to_be_bytes());
                    self.evidence.config_changed(&policy)
                })
                .collect();
            for record in records {
                record.await.unwrap();
            }
            self.size += more;
        }
    }

    async fn published(&self) {
        let began = Instant::now();
        while size_of(&self.dir) < self.size {
            assert!(began.elapsed() < Duration::from_secs(20), "not published");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends it in order.
    pub(crate) async fn close(self) {
        self.handle.close().await.unwrap();
    }

    /// Ends it as a crash would, without a last record.
    pub(crate) fn crash(self) -> u64 {
        drop(self.handle);
        self.size
    }
}

/// Copies a directory over another; a log that is being written may take files away meanwhile.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let Ok(entries) = std::fs::read_dir(from) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &to);
        } else if let Err(error) = std::fs::copy(entry.path(), to) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

/// The size in the checkpoint of a log; 0 if there is none.
pub(crate) fn size_of(dir: &Path) -> u64 {
    let text = std::fs::read_to_string(dir.join("checkpoint")).unwrap_or_default();
    let size = text.lines().nth(1);
    size.map_or(0, |size| size.parse().unwrap())
}

/// What the checker says of a log; none if there is no checker.
pub(crate) fn check(
    dir: impl AsRef<std::ffi::OsStr>,
    vkeys: &[String],
    more: &[(&str, &Path)],
) -> Option<Result<String, String>> {
    let Ok(checker) = std::env::var("LIENTHONG_TEST_CHECKER") else {
        println!("no LIENTHONG_TEST_CHECKER: `cargo xtask test` builds the checker");
        return None;
    };
    let mut command = std::process::Command::new(checker);
    for vkey in vkeys {
        command.args(["-vkey", vkey]);
    }
    for (flag, path) in more {
        command.arg(flag).arg(path);
    }
    let ran = command.arg(dir).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Some(if ran.status.success() {
        Ok(text(ran.stdout))
    } else {
        Err(text(ran.stderr))
    })
}
