//! Latencies, all of them kept: a window of seconds holds some hundred thousand.

use std::time::Duration;

use serde::Serialize;

/// Latencies in the order they came, in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<u32>);

/// What is said of latencies, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Quantiles {
    p50: u32,
    pub(crate) p99: u32,
    p999: u32,
    max: u32,
}

impl Latencies {
    /// Adds one.
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0
            .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    /// Adds those of another.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Their quantiles; zeros if there are none.
    pub(crate) fn quantiles(mut self) -> Quantiles {
        self.0.sort_unstable();
        let at = |permille: usize| {
            // The nearest rank: the least that is not below that share of all.
            let rank = (self.0.len() * permille).div_ceil(1000).max(1);
            self.0.get(rank - 1).copied().unwrap_or_default()
        };
        Quantiles {
            p50: at(500),
            p99: at(990),
            p999: at(999),
            max: at(1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u32>) -> Quantiles {
        Latencies(micros.into_iter().collect()).quantiles()
    }

    #[test]
    fn quantiles_are_nearest_ranks_in_any_order() {
        let (p50, p99, p999, max) = (500, 990, 999, 1000);
        assert_eq!(
            of((1..=1000).rev()),
            Quantiles {
                p50,
                p99,
                p999,
                max
            }
        );
    }

    #[test]
    fn one_latency_is_every_quantile_and_none_is_zero() {
        assert_eq!(
            of([7]),
            Quantiles {
                p50: 7,
                p99: 7,
                p999: 7,
                max: 7
            }
        );
        assert_eq!(of([]), Quantiles::default());
    }
}
