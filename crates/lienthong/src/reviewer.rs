//! Reviews of exchanges in an emergency: what is open, closing one, and saying when one is overdue.
//!
//! A review is no task of its own that could be lost: it is open as long as the record of the exchange is
//! there and no record of a verdict is. Not here: how that is found (crate `evidence`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use edge::{Closure, OpenReview, Reviewed, Undone};
use evidence::{Deed, Evidence, Review, Reviews};
use exchange::Clock;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::config::chain;
use crate::deed;
use crate::metrics::Metrics;

/// Looks after reviews.
#[derive(Clone, Debug)]
pub(crate) struct Reviewer {
    pub(crate) evidence: Evidence,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reviewer {
    /// Counts what is open, and says of each review once that it is overdue.
    pub(crate) fn watch(&self) -> JoinHandle<()> {
        let this = self.clone();
        tokio::spawn(async move {
            let mut looks = interval(EVERY);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut told = HashSet::new();
            loop {
                looks.tick().await;
                match this.open().await {
                    Ok(reviews) => this.tell(&reviews, &mut told),
                    Err(error) => {
                        let error = chain(&error);
                        tracing::warn!(error, "the reviews cannot be read");
                    }
                }
            }
        })
    }

    /// What is open, the oldest first.
    ///
    /// # Errors
    /// The index cannot be read.
    pub(crate) async fn list(&self) -> Result<edge::Reviews, Undone> {
        let reviews = self.open().await.map_err(|error| unavailable(&error))?;
        Ok(edge::Reviews {
            open: reviews.open.iter().map(shown).collect(),
            total: reviews.total,
            complete: reviews.complete,
        })
    }

    /// Closes a review.
    ///
    /// # Errors
    /// There is none such that is open, or the verdict cannot be recorded.
    pub(crate) async fn close(&self, closure: &Closure) -> Result<Reviewed, Undone> {
        let reviews = self.open().await.map_err(|error| unavailable(&error))?;
        let is_it = |review: &&Review| name(review) == closure.review;
        let review = reviews.open.iter().find(is_it).ok_or_else(|| {
            Undone::Refused("review: names none that is open, or shown in the list".to_owned())
        })?;
        let done = Deed::Review(review, closure.verdict);
        let seq = deed::record(&self.evidence, done, &closure.operator, &closure.note).await?;
        let (review, verdict) = (closure.review.as_str(), closure.verdict.name());
        tracing::info!(review, verdict, "a review of an emergency was closed");
        Ok(Reviewed { seq })
    }

    async fn open(&self) -> Result<Reviews, evidence::Error> {
        self.evidence
            .reviews(SHOWN, Instant::now() + PATIENCE)
            .await
    }

    fn tell(&self, reviews: &Reviews, told: &mut HashSet<String>) {
        let now = self.clock.now();
        let overdue = reviews.open.iter().filter(|it| it.due() <= now).count();
        self.metrics.reviews(reviews.total, overdue as u64);
        for review in newly_overdue(reviews, now, told) {
            let (review, agency) = (name(review), review.agency.as_deref());
            tracing::error!(
                review,
                agency,
                "ReviewOverdue: nobody has reviewed an emergency"
            );
        }
    }
}

/// The reviews that are overdue and were not told of before; `told` are those that were.
fn newly_overdue<'r>(
    reviews: &'r Reviews,
    now: Timestamp,
    told: &mut HashSet<String>,
) -> Vec<&'r Review> {
    told.retain(|told| reviews.open.iter().any(|it| name(it) == *told));
    let overdue = reviews.open.iter().filter(|it| it.due() <= now);
    overdue.filter(|it| told.insert(name(it))).collect()
}

/// What an operator calls a review.
fn name(review: &Review) -> String {
    format!("{}#{}", review.origin, review.seq)
}

fn shown(review: &Review) -> OpenReview {
    OpenReview {
        review: name(review),
        at: review.at,
        due: review.due(),
        agency: review.agency.clone(),
        request: review.request.clone(),
    }
}

fn unavailable(error: &evidence::Error) -> Undone {
    Undone::Unavailable(chain(error))
}

/// Of three days, a minute is nothing.
const EVERY: Duration = Duration::from_secs(60);
/// How long is waited for what was recorded last.
const PATIENCE: Duration = Duration::from_secs(10);
/// More open reviews than somebody reads at once.
const SHOWN: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_told_of_once_when_three_days_are_over() {
        let at: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        let review = |seq| Review {
            origin: "log.example/1".to_owned(),
            seq,
            at,
            agency: Some("G24".to_owned()),
            request: None,
        };
        let reviews = |open: &[u64]| Reviews {
            open: open.iter().copied().map(review).collect(),
            total: open.len() as u64,
            complete: true,
        };
        let mut told = HashSet::new();
        let mut newly = |open: &[u64], hours: i64| {
            let now = at + jiff::SignedDuration::from_hours(hours);
            let reviews = reviews(open);
            let newly = newly_overdue(&reviews, now, &mut told);
            newly.iter().map(|it| it.seq).collect::<Vec<_>>()
        };
        assert!(newly(&[7, 8], 71).is_empty());
        assert_eq!(newly(&[7, 8], 72), [7, 8]);
        assert!(newly(&[7, 8], 73).is_empty());
        assert!(newly(&[8], 74).is_empty());
        // Closed by mistake on a node that lags, and open again: told again.
        assert_eq!(newly(&[7, 8], 75), [7]);
    }
}
