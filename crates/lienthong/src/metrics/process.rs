//! What the kernel says of this process, read when it is asked for; nothing where there is no `/proc`.

use std::fs;

use opentelemetry::metrics::Meter;

use super::gauge;

/// The unit of times in `/proc`: `USER_HZ`, a hundredth of a second on every platform we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Makes the instruments.
pub(super) fn observe(meter: &Meter) {
    gauge(
        meter,
        "process.resident_memory",
        "By",
        "Resident memory.",
        |gauge| {
            if let Some(bytes) = read("/proc/self/status").as_deref().and_then(resident) {
                gauge.observe(bytes, &[]);
            }
        },
    );
    gauge(
        meter,
        "process.tasks",
        "",
        "Tasks of the runtime that have not ended.",
        |gauge| {
            // Nothing is told to a collector, which looks from outside the runtime.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                gauge.observe(runtime.metrics().num_alive_tasks() as u64, &[]);
            }
        },
    );
    meter
        .f64_observable_counter("process.cpu")
        .with_unit("s")
        .with_description("Processor time, of the program and of the kernel for it.")
        .with_callback(|counter| {
            if let Some(times) = read("/proc/self/stat").as_deref().and_then(times) {
                counter.observe(times.cpu, &[]);
            }
        })
        .build();
    let started = started();
    meter
        .f64_observable_gauge("process.start_time")
        .with_unit("s")
        .with_description("When the process started, in seconds of Unix time.")
        .with_callback(move |gauge| {
            if let Some(started) = started {
                gauge.observe(started, &[]);
            }
        })
        .build();
}

/// Times in seconds.
struct Times {
    cpu: f64,
    started_after_boot: f64,
}

/// Reads `/proc/self/stat`, whose fields count from the state, after the name in brackets.
fn times(stat: &str) -> Option<Times> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let seconds = |place: usize| {
        let ticks: f64 = fields.get(place)?.parse().ok()?;
        Some(ticks / TICKS_PER_SECOND)
    };
    Some(Times {
        cpu: seconds(11)? + seconds(12)?,
        started_after_boot: seconds(19)?,
    })
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

fn started() -> Option<f64> {
    let stat = read("/proc/stat")?;
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    let boot: f64 = boot.trim().parse().ok()?;
    Some(boot + times(&read("/proc/self/stat")?)?.started_after_boot)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 1 2";
        let times = times(stat).unwrap();
        assert!((times.cpu - 3.0).abs() < f64::EPSILON);
        assert!((times.started_after_boot - 123.45).abs() < f64::EPSILON);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t3\n";
        assert_eq!(resident(status), Some(2 * 1024 * 1024));
        assert_eq!(resident("Name:\tx\n"), None);
    }
}
