//! The witnesses of a policy over HTTP. Not here: what they are asked and what they answer (crate
//! `evidence`), and the witness of this program (module `witness`).
//!
//! *Invariant:* an answer is from the witness and from nobody between: https, or this machine.

use std::pin::Pin;

use adapter::is_loopback;
use bytes::Bytes;
use evidence::note::Policy;
use evidence::verify::FetchError;
use evidence::witness::{Answer, SIZE_TYPE};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use url::Url;

use crate::web::{self, Web};

/// The way to the witnesses.
#[derive(Debug)]
pub(crate) struct Cosigners {
    web: Web,
}

impl Cosigners {
    /// The way to the witnesses of a policy.
    ///
    /// # Errors
    /// Everything that is wrong with their addresses.
    pub(crate) fn new(policy: &Policy) -> Result<Self, Vec<String>> {
        let addresses = policy.witnesses.iter().filter_map(|witness| {
            let problem = wrong(witness.url.as_deref()?)?;
            Some(format!("witness {} {problem}", witness.name))
        });
        let problems: Vec<String> = addresses.collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let web = web::client().map_err(|error| vec![format!("{error:#}")])?;
        Ok(Self { web })
    }

    async fn ask(&self, url: &str, request: String) -> Result<Answer, FetchError> {
        let request = Request::post(url).body(Full::new(Bytes::from(request)))?;
        let answer = self.web.request(request).await?;
        let status = answer.status().as_u16();
        let is_size = is_size(answer.headers());
        let body = Limited::new(answer.into_body(), LARGEST).collect().await?;
        Ok(Answer {
            status,
            is_size,
            body: body.to_bytes().to_vec(),
        })
    }
}

impl evidence::Witnesses for Cosigners {
    fn post<'a>(
        &'a self,
        url: &'a str,
        request: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, FetchError>> + Send + 'a>> {
        Box::pin(self.ask(url, request))
    }
}

/// What is wrong with the address of a witness.
fn wrong(url: &str) -> Option<String> {
    let problem = match Url::parse(url) {
        Err(error) => return Some(format!("has no URL: {error}")),
        Ok(url) if !url.has_host() => "is no address of a witness",
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            "has something behind its path"
        }
        Ok(url) if url.scheme() == "https" => return None,
        Ok(url) if url.scheme() != "http" => "is no address of a witness",
        Ok(url) if is_loopback(&url) => return None,
        Ok(_) => "is plain text and not on this machine: use https",
    };
    Some(format!("at {url} {problem}"))
}

fn is_size(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.split(';').next().map(str::trim_end) == Some(SIZE_TYPE))
}

/// Every signature that a checkpoint may carry, the long ones of ML-DSA-44.
const LARGEST: usize = 64 * 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_asked_in_plain_text_on_this_machine_alone() {
        for right in [
            "https://w.example/prefix",
            "https://10.0.0.1:8443",
            "http://localhost:1/",
            "http://127.0.0.1:1",
            "http://[::1]:1/w",
        ] {
            assert_eq!(wrong(right), None, "{right}");
        }
        for (address, problem) in [
            ("http://10.0.0.1:1", "plain text"),
            ("http://localhost.example", "plain text"),
            ("ftp://w.example", "no address"),
            ("mailto:w@w.example", "no address"),
            ("w.example", "no URL"),
            ("https://w.example/?a", "behind its path"),
        ] {
            let said = wrong(address).unwrap_or_default();
            assert!(said.contains(problem), "{address}: {said}");
        }
    }

    #[test]
    fn a_size_has_its_own_type() {
        for (kind, is) in [
            ("text/x.tlog.size", true),
            ("text/x.tlog.size; charset=utf-8", true),
            ("text/plain", false),
            ("text/x.tlog.sizes", false),
        ] {
            let headers = [(CONTENT_TYPE, kind.parse().unwrap())]
                .into_iter()
                .collect();
            assert_eq!(is_size(&headers), is, "{kind}");
        }
        assert!(!is_size(&HeaderMap::new()));
    }
}
