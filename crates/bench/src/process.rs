//! What the kernel says of a process: its CPU time and its memory.

use std::time::Duration;

use anyhow::{Context as _, anyhow};

/// The CPU time of a process so far: all its threads, user and kernel mode.
///
/// The kernel counts in ticks, a hundredth of a second each: 0.1 % of a busy window of ten seconds.
///
/// # Errors
/// There is no such process, or the system has no `/proc`.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let ticks = ticks(&text).ok_or_else(|| anyhow!("{path} is not understood"))?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Ok(Duration::from_secs(ticks) / u32::try_from(per_second)?)
}

/// The time of all cores so far, and what of it the hypervisor gave to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoreTime {
    all: u64,
    stolen: u64,
}

impl CoreTime {
    /// As the kernel counts it now.
    ///
    /// # Errors
    /// The system has no `/proc`.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
        Self::read(&text).ok_or_else(|| anyhow!("/proc/stat is not understood"))
    }

    /// The share stolen between an earlier time and this one, 0 to 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "ticks of a machine stay far below 2⁵³"
    )]
    pub(crate) fn stolen_since(&self, earlier: &Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all).max(1);
        self.stolen.saturating_sub(earlier.stolen) as f64 / all as f64
    }

    /// The line of all cores: user, nice, system, idle, iowait, irq, softirq, steal; guests are
    /// counted with the users.
    pub(crate) fn read(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks = line.split_ascii_whitespace().take(8).map(str::parse);
        let ticks: Vec<u64> = ticks.collect::<Result<_, _>>().ok()?;
        let stolen = ticks.get(7).copied()?;
        Some(Self {
            all: ticks.iter().sum(),
            stolen,
        })
    }
}

/// The resident memory of a process, in KiB.
///
/// # Errors
/// There is no such process, or the system has no `/proc`.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    resident(&text).ok_or_else(|| anyhow!("{path} is not understood"))
}

/// The bytes that a process has had written to disks so far.
///
/// # Errors
/// There is no such process, or the system does not account for it.
pub(crate) fn written_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/io");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    let bytes = line.and_then(|bytes| bytes.trim().parse().ok());
    bytes.ok_or_else(|| anyhow!("{path} is not understood"))
}

/// Fields 14 and 15 of `stat`, counted from behind the name, which may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_kernel_time_are_found_behind_an_odd_name() {
        let stat = "77 (a) b (c) S 1 77 77 0 -1 4194304 500 0 0 0 300 20 0 0 20 0 4 0 9 1 2";
        assert_eq!(ticks(stat), Some(320));
        assert_eq!(ticks("77 (a"), None);
    }

    #[test]
    fn resident_memory_is_found_among_the_lines() {
        assert_eq!(resident("Name:\ta\nVmRSS:\t   51200 kB\n"), Some(51_200));
        assert_eq!(resident("Name:\ta\n"), None);
    }

    #[test]
    fn stolen_time_is_a_share_of_all_cores() {
        let earlier = CoreTime::read("cpu  10 0 10 70 0 0 5 5 7 7\ncpu0 1").unwrap();
        let later = CoreTime::read("cpu  50 0 20 100 0 0 5 25 9 9\n").unwrap();
        assert!((later.stolen_since(&earlier) - 0.2).abs() < 1e-9);
        assert_eq!(CoreTime::read("cpu  1 2 3"), None);
    }

    #[test]
    fn the_kernel_knows_this_process() {
        let own = std::process::id();
        assert!(cpu_time(own).unwrap() < Duration::from_secs(3600));
        assert!(resident_kib(own).unwrap() > 0);
        assert!(written_bytes(own).is_ok());
    }
}
