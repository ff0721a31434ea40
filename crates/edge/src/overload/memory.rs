//! How short memory is, in two steps below what the settings allow.

use std::fs;

/// How short memory is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// It is not.
    #[default]
    None,
    /// What nobody waits for at a desk is shed.
    Shed,
    /// Nothing but emergencies is taken up, and no connection.
    Refuse,
}

impl Pressure {
    /// What so much of so much comes to; none without either.
    pub(super) fn of(used: Option<u64>, allowed: Option<u64>) -> Self {
        let Some((used, allowed)) = used.zip(allowed) else {
            return Self::None;
        };
        let percent = u128::from(used) * 100;
        let reaches = |part: u128| percent >= u128::from(allowed) * part;
        if reaches(REFUSE_PERCENT) {
            Self::Refuse
        } else if reaches(SHED_PERCENT) {
            Self::Shed
        } else {
            Self::None
        }
    }
}

/// The resident memory of this process, in bytes; none where there is no `/proc`.
pub(super) fn resident() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    Some(pages * page)
}

/// The rest is what calls in progress may still take.
const SHED_PERCENT: u128 = 85;
const REFUSE_PERCENT: u128 = 95;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_becomes_short_in_two_steps() {
        for (used, pressure) in [
            (0, Pressure::None),
            (849, Pressure::None),
            (850, Pressure::Shed),
            (949, Pressure::Shed),
            (950, Pressure::Refuse),
            (u64::MAX, Pressure::Refuse),
        ] {
            assert_eq!(Pressure::of(Some(used), Some(1_000)), pressure, "{used}");
        }
        assert_eq!(Pressure::of(Some(u64::MAX), None), Pressure::None);
        assert_eq!(Pressure::of(None, Some(1)), Pressure::None);
    }

    #[test]
    fn a_process_takes_some_memory() {
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
    }
}
