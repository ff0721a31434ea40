//! One exchange as its caller sees it, and what many came to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use api::v1::{LookupCitizenResponse, SourceState};
use prost::Message as _;
use tokio::time::Instant;

use crate::connection::Client;
use crate::latency::Latencies;
use crate::question::Questions;

/// An exchange in which every source answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    /// From the call to the decoded answer.
    latency: Duration,
    /// The same without the time of the slowest source.
    added: Duration,
    /// The size of the answer.
    bytes: usize,
}

#[cfg(test)]
impl Exchange {
    pub(super) const fn new(latency: Duration, added: Duration, bytes: usize) -> Self {
        Self {
            latency,
            added,
            bytes,
        }
    }
}

/// Why an exchange does not count: a code of gRPC, or a state of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What exchanges came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) latencies: Latencies,
    pub(super) added: Latencies,
    pub(super) bytes: usize,
    pub(super) failed: BTreeMap<Failure, usize>,
}

/// Asks one question.
///
/// # Errors
/// Why the exchange does not count.
pub(super) async fn exchange(
    client: &mut Client,
    questions: &Questions,
) -> Result<Exchange, Failure> {
    let question = questions.next();
    let begun = Instant::now();
    let answer = client.lookup_citizen(question).await;
    let latency = begun.elapsed();
    let answer = answer.map_err(|status| Failure(format!("{:?}", status.code())))?;
    judge(answer.get_ref(), latency)
}

fn judge(answer: &LookupCitizenResponse, latency: Duration) -> Result<Exchange, Failure> {
    let mut slowest = Duration::ZERO;
    for source in &answer.sources {
        if source.state() != SourceState::Ok {
            let (source, state) = (source.source().as_str_name(), source.state().as_str_name());
            return Err(Failure(format!("{source} {state}")));
        }
        slowest = slowest.max(source.latency.as_ref().map(took).unwrap_or_default());
    }
    if answer.sources.is_empty() {
        return Err(Failure("no source".to_owned()));
    }
    Ok(Exchange {
        latency,
        added: latency.saturating_sub(slowest),
        bytes: answer.encoded_len(),
    })
}

fn took(duration: &pbjson_types::Duration) -> Duration {
    Duration::try_from(*duration).unwrap_or_default()
}

impl Tally {
    /// Adds an exchange.
    pub(super) fn add(&mut self, outcome: Result<Exchange, Failure>) {
        match outcome {
            Ok(exchange) => {
                self.latencies.add(exchange.latency);
                self.added.add(exchange.added);
                self.bytes += exchange.bytes;
            }
            Err(failure) => *self.failed.entry(failure).or_default() += 1,
        }
    }

    /// Adds those of another tally.
    pub(super) fn merge(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.added.extend(other.added);
        self.bytes += other.bytes;
        for (failure, count) in other.failed {
            *self.failed.entry(failure).or_default() += count;
        }
    }

    /// How many count.
    pub(super) const fn exchanges(&self) -> usize {
        self.latencies.len()
    }

    /// Those that do not, by reason; empty if there are none.
    pub(super) fn failures(&self) -> String {
        let each = self.failed.iter();
        let each = each.map(|(failure, count)| format!("{count} {failure}"));
        each.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::v1::{Source, SourceStatus};

    fn status(source: Source, state: SourceState, millis: i32) -> SourceStatus {
        SourceStatus {
            source: source.into(),
            state: state.into(),
            latency: Some(pbjson_types::Duration {
                seconds: 0,
                nanos: millis * 1_000_000,
            }),
            ..Default::default()
        }
    }

    fn answer(sources: Vec<SourceStatus>) -> LookupCitizenResponse {
        LookupCitizenResponse {
            sources,
            ..Default::default()
        }
    }

    const LATENCY: Duration = Duration::from_millis(20);

    #[test]
    fn what_the_slowest_source_took_is_not_added() {
        let answer = answer(vec![
            status(Source::Tax, SourceState::Ok, 12),
            status(Source::Health, SourceState::Ok, 17),
        ]);
        let exchange = judge(&answer, LATENCY).unwrap();
        assert_eq!(exchange.added, Duration::from_millis(3));
    }

    #[test]
    fn an_answer_without_all_its_sources_does_not_count() {
        let partial = answer(vec![
            status(Source::Tax, SourceState::Ok, 12),
            status(Source::Health, SourceState::Timeout, 17),
        ]);
        let mut tally = Tally::default();
        tally.add(judge(&partial, LATENCY));
        tally.add(judge(&answer(Vec::new()), LATENCY));
        assert_eq!(tally.exchanges(), 0);
        assert_eq!(
            tally.failures(),
            "1 SOURCE_HEALTH SOURCE_STATE_TIMEOUT, 1 no source"
        );
    }
}
