//! `cargo xtask fuzz`: coverage-guided fuzzing of everything that reads foreign bytes.
//!
//! The readers stand in `tests/src/readers`, where the suites send them blind mutations. Here they are
//! built with the coverage counters of LLVM, which a stable compiler inserts when it is told so, and
//! linked with libFuzzer. What was found to cover more is kept below `target/fuzz` for the next time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{cargo, output, program, run};

/// What to fuzz, and for how long.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// The readers; all of them if none is named.
    readers: Vec<String>,
    /// For how long each.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only list the readers.
    #[arg(long)]
    list: bool,
}

impl Fuzz {
    /// Fuzzes reader after reader, and prints what came of it.
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let fuzzer = build(root)?;
        let all = output(&mut program(root, &fuzzer))?;
        let all: Vec<&str> = all.lines().collect();
        if self.list {
            all.iter().for_each(|name| println!("{name}"));
            return Ok(());
        }
        if let Some(unknown) = self.readers.iter().find(|it| !all.contains(&it.as_str())) {
            bail!(
                "no reader is called {unknown}; there are {}",
                all.join(", ")
            );
        }
        let named = self.readers.iter().map(String::as_str);
        let chosen: Vec<&str> = match self.readers.is_empty() {
            true => all,
            false => named.collect(),
        };
        let mut failed = Vec::new();
        println!("| reader | runs | edges | features | corpus | most memory |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for reader in chosen {
            match Figures::of(&self.fuzz(root, &fuzzer, reader)?) {
                Some(figures) => println!("| {reader} | {figures} |"),
                None => failed.push(reader),
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => bail!("failed: {}; see {}", failed.join(", "), FOLDER),
        }
    }

    /// Fuzzes one reader; what the fuzzer says.
    fn fuzz(&self, root: &Path, fuzzer: &Path, reader: &str) -> Result<String> {
        let folder = root.join(FOLDER).join(reader);
        let corpus = folder.join("corpus");
        fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
        let mut command = program(root, fuzzer);
        command
            .env("LIENTHONG_FUZZ", reader)
            .env("LIENTHONG_FUZZ_CORPUS", &corpus)
            .args(LIMITS)
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-artifact_prefix={}/", folder.display()))
            .arg(&corpus)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let said = command.output().context("the fuzzer does not start")?;
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        fs::write(folder.join("log"), &text)?;
        if !said.status.success() {
            let last: Vec<&str> = text.lines().rev().take(40).collect();
            last.iter().rev().for_each(|line| eprintln!("{line}"));
        }
        Ok(text)
    }
}

/// Builds the fuzzer; where it is.
fn build(root: &Path) -> Result<PathBuf> {
    let rustc = output(program(root, "rustc").arg("-vV"))?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say for what it builds")?;
    // With a target of its own the flags reach neither build scripts nor macros.
    let arguments = [
        "build",
        "-p",
        "tests",
        "--bin",
        "fuzz",
        "--features",
        "libfuzzer",
    ];
    let mut command = cargo(root, &arguments);
    command
        .args([
            "--profile",
            "fuzz",
            "--target",
            host,
            "--target-dir",
            FOLDER,
        ])
        .env("RUSTFLAGS", COUNTERS.join(" "));
    run(&mut command)?;
    Ok(root.join(FOLDER).join(host).join("fuzz/fuzz"))
}

/// What libFuzzer has counted.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    runs: u64,
    edges: u64,
    features: u64,
    corpus: u64,
    memory_mib: u64,
}

impl Figures {
    /// Those of its last line; none if it did not come to its end.
    fn of(said: &str) -> Option<Self> {
        let done = said.lines().rev().find(|line| line.contains("\tDONE "))?;
        let behind = |name: &str| {
            let rest = done.split_once(name)?.1.trim_start();
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        };
        Some(Self {
            runs: behind("#")?,
            edges: behind("cov:")?,
            features: behind("ft:")?,
            corpus: behind("corp:")?,
            memory_mib: behind("rss:")?,
        })
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            runs,
            edges,
            features,
            corpus,
            memory_mib,
        } = self;
        write!(
            f,
            "{runs} | {edges} | {features} | {corpus} | {memory_mib} MiB"
        )
    }
}

/// Where the fuzzer, its corpora and what it found are.
const FOLDER: &str = "target/fuzz";

/// What inserts a counter into every edge, and tells what is compared.
const COUNTERS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Bodies as large as the door takes; a reader that needs ten seconds or half a gigabyte has failed.
const LIMITS: [&str; 4] = [
    "-max_len=65536",
    "-timeout=10",
    "-rss_limit_mb=512",
    "-print_final_stats=1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_last_line() {
        let said = "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 27Mb\n\
                    #2495\tDONE   cov: 13 ft: 14 corp: 4/16b lim: 4096 exec/s: 9 rss: 31Mb\n\
                    Done 2495 runs in 21 second(s)\n";
        let expected = Figures {
            runs: 2_495,
            edges: 13,
            features: 14,
            corpus: 4,
            memory_mib: 31,
        };
        assert_eq!(Figures::of(said), Some(expected));
        assert_eq!(
            Figures::of("#2\tINITED cov: 10\nSUMMARY: libFuzzer: timeout\n"),
            None
        );
    }
}
