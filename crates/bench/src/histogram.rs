//! A histogram of the gateway's own metrics, read before a window and after it: what came between.
//!
//! Buckets are all there is: a quantile lies in one of them, and is taken where it would be if all in
//! that bucket lay evenly.

use anyhow::{Context as _, anyhow, ensure};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// How many were counted up to each bound, in the order of the bounds; the last has none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram(Vec<Bucket>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    /// In seconds.
    bound: f64,
    /// Of all that are not above it.
    count: u64,
}

/// Quantiles in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Waits {
    p50: u32,
    p99: u32,
    p999: u32,
}

impl Histogram {
    /// Reads the histogram of that name where the metrics of a server are.
    ///
    /// # Errors
    /// They cannot be read, or it is not among them.
    pub(crate) async fn read(metrics: &Url, name: &str) -> anyhow::Result<Self> {
        let host = metrics.host_str().context("the metrics have no host")?;
        let port = metrics.port_or_known_default().unwrap_or(80);
        let mut stream = TcpStream::connect((host, port)).await?;
        // Of this version there is neither a connection that stays nor a body in pieces.
        let request = format!("GET {} HTTP/1.0\r\nhost: {host}\r\n\r\n", metrics.path());
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.contains(" 200 "), "{metrics}: {head}");
        Self::parse(body, name).ok_or_else(|| anyhow!("{metrics} has no {name}"))
    }

    /// Reads it as Prometheus writes it.
    fn parse(text: &str, name: &str) -> Option<Self> {
        let of_it = text.lines().filter_map(|line| line.strip_prefix(name));
        let buckets = of_it.filter_map(|line| line.strip_prefix("_bucket{"));
        let buckets = buckets.map(|line| {
            let (labels, count) = line.rsplit_once("} ")?;
            let (_, bound) = labels.split_once("le=\"")?;
            Some(Bucket {
                // `+Inf` is a number too.
                bound: bound.split('"').next()?.parse().ok()?,
                count: count.split(' ').next()?.parse().ok()?,
            })
        });
        let mut buckets: Vec<Bucket> = buckets.collect::<Option<_>>()?;
        buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        let is_whole = buckets.last().is_some_and(|last| last.bound.is_infinite());
        is_whole.then_some(Self(buckets))
    }

    /// What came since an earlier reading.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            let same = earlier
                .0
                .iter()
                .find(|it| it.bound.total_cmp(&bound).is_eq());
            same.map_or(0, |it| it.count)
        };
        let buckets = self.0.iter().map(|bucket| Bucket {
            count: bucket.count.saturating_sub(before(bucket.bound)),
            ..*bucket
        });
        Self(buckets.collect())
    }

    /// The quantiles; none of nothing.
    pub(crate) fn waits(&self) -> Option<Waits> {
        let all = self.0.last()?.count;
        let at = |permille: u64| self.quantile((all * permille).div_ceil(1000));
        (all > 0).then(|| Waits {
            p50: at(500),
            p99: at(990),
            p999: at(999),
        })
    }

    /// Where the one of that rank lies, in microseconds. Beyond the last bound, there.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of one run stay far below 2⁵³, and a wait below an hour"
    )]
    fn quantile(&self, rank: u64) -> u32 {
        let (mut lower, mut below) = (0.0, 0);
        for bucket in &self.0 {
            if bucket.count >= rank {
                let share = (rank - below) as f64 / (bucket.count - below).max(1) as f64;
                let upper = if bucket.bound.is_finite() {
                    bucket.bound
                } else {
                    lower
                };
                return ((lower + (upper - lower) * share) * 1e6).round() as u32;
            }
            (lower, below) = (bucket.bound, bucket.count);
        }
        u32::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# TYPE audit_wait_seconds histogram
audit_wait_seconds_bucket{node=\"n\",le=\"0.001\"} 500
audit_wait_seconds_bucket{node=\"n\",le=\"0.002\"} 980
audit_wait_seconds_bucket{node=\"n\",le=\"0.01\"} 1000
audit_wait_seconds_bucket{node=\"n\",le=\"+Inf\"} 1000
audit_wait_seconds_sum{node=\"n\"} 1.5
audit_waiters 7
";

    fn of(text: &str) -> Histogram {
        Histogram::parse(text, "audit_wait_seconds").unwrap()
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let waits = of(TEXT).waits().unwrap();
        let (p50, p99, p999) = (1_000, 6_000, 9_600);
        assert_eq!(waits, Waits { p50, p99, p999 });
        let beyond = TEXT.replace("le=\"+Inf\"} 1000", "le=\"+Inf\"} 2000");
        assert_eq!(of(&beyond).waits().unwrap().p99, 10_000);
    }

    #[test]
    fn what_came_before_does_not_count() {
        let later = TEXT.replace("} 980", "} 1980");
        let later = later.replace("} 1000", "} 2000");
        let between = of(&later).since(&of(TEXT));
        assert_eq!(between.waits().unwrap().p50, 1_500);
        assert_eq!(of(TEXT).since(&of(TEXT)).waits(), None);
    }

    #[test]
    fn what_is_no_histogram_is_none() {
        assert_eq!(Histogram::parse(TEXT, "audit_waiters"), None);
        assert_eq!(Histogram::parse("", "audit_wait_seconds"), None);
        let cut = TEXT.replace(
            "audit_wait_seconds_bucket{node=\"n\",le=\"+Inf\"} 1000\n",
            "",
        );
        assert_eq!(Histogram::parse(&cut, "audit_wait_seconds"), None);
    }

    #[tokio::test]
    async fn it_is_read_over_http() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let len = stream.read(&mut asked).await.unwrap();
            assert!(asked[..len].starts_with(b"GET /metrics HTTP/1.0\r\n"));
            let answer = format!("HTTP/1.0 200 OK\r\n\r\n{TEXT}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let read = Histogram::read(&url.parse().unwrap(), "audit_wait_seconds").await;
        assert_eq!(read.unwrap(), of(TEXT));
        serving.await.unwrap();
    }
}
