//! Which cores there are, and who runs where.

use anyhow::{Context as _, Result};
use rustix::thread::{CpuSet, sched_setaffinity};

/// The core of the server under test, and those of everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    pub(super) server: Vec<usize>,
    pub(super) others: Vec<usize>,
}

impl Cores {
    /// The cores that this process may use: the first for the server, the rest for the others.
    pub(super) fn find() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status");
        let status = status.context("the bench needs Linux: there is no /proc")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let cores = list.and_then(|list| parse(list.trim()));
        Ok(Self::of(
            &cores.context("/proc/self/status names no cores")?,
        ))
    }

    fn of(cores: &[usize]) -> Self {
        let (server, others) = cores.split_at(cores.len().min(1));
        let others = if others.is_empty() { server } else { others };
        Self {
            server: server.to_vec(),
            others: others.to_vec(),
        }
    }

    /// Keeps this process, which reads the logs of all others, off the core of the server.
    pub(super) fn leave_the_server_alone(&self) -> Result<()> {
        let mut others = CpuSet::new();
        self.others.iter().for_each(|&core| others.set(core));
        sched_setaffinity(None, &others).with_context(|| format!("cores {:?}", self.others))
    }

    /// True if the load and the server get in each other's way.
    pub(super) fn shared(&self) -> bool {
        self.server == self.others
    }
}

/// Reads `0-3,8`.
fn parse(list: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    (!cores.is_empty()).then_some(cores)
}

/// `0`, or `1,2,3`.
pub(super) fn list(cores: &[usize]) -> String {
    let cores: Vec<_> = cores.iter().map(ToString::to_string).collect();
    cores.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_single_cores_are_read() {
        assert_eq!(parse("0-2,8"), Some(vec![0, 1, 2, 8]));
        assert_eq!(parse("3"), Some(vec![3]));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_server_has_the_first_core_for_itself_if_there_are_two() {
        let cores = Cores::of(&[4, 5, 6]);
        assert_eq!(
            (&cores.server[..], &cores.others[..]),
            (&[4][..], &[5, 6][..])
        );
        assert!(!cores.shared());
        assert!(Cores::of(&[0]).shared());
    }
}
