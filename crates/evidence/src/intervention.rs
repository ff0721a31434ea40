//! What an operator does to the gateway is a record: what, at what, who and why. Not here: doing it.
//!
//! *Invariant:* the operator and the reason stand in the record as commitments alone.

use exchange::{OfficerId, ReasonText, Switch};
use serde::Serialize;
use tokio::time::Instant;

use crate::commitment::{Commitment, Personal};
use crate::leaf::{self, Shown};
use crate::private::{Openings, REVIEW};
use crate::{Error, Evidence, Review, Reviews, Sealing, Verdict};

/// Something that an operator does to the gateway, and why.
#[derive(Clone, Copy, Debug)]
pub struct Intervention<'a> {
    /// What is done.
    pub deed: Deed<'a>,
    /// Who does it.
    pub operator: &'a OfficerId,
    /// Why.
    pub reason: &'a ReasonText,
}

/// What an operator does.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'a> {
    /// Something is stopped.
    Stop(&'a Switch),
    /// Something that was stopped goes on.
    Resume(&'a Switch),
    /// The review of an exchange is closed.
    Review(&'a Review, Verdict),
}

impl Deed<'_> {
    /// Its name in the leaf.
    const fn name(self) -> &'static str {
        match self {
            Self::Stop(_) => "STOP",
            Self::Resume(_) => "RESUME",
            Self::Review(..) => REVIEW,
        }
    }

    /// What it is done to, as the leaf has it.
    fn on(self) -> String {
        match self {
            Self::Stop(switch) | Self::Resume(switch) => switch.to_string(),
            Self::Review(review, _) => format!("{}#{}", review.origin, review.seq),
        }
    }

    /// The request id of the exchange that is reviewed, by which both records are found.
    fn request(&self) -> Option<&str> {
        match self {
            Self::Stop(_) | Self::Resume(_) => None,
            Self::Review(review, _) => review.request.as_deref(),
        }
    }

    /// What is decided.
    const fn verdict(self) -> Option<&'static str> {
        match self {
            Self::Stop(_) | Self::Resume(_) => None,
            Self::Review(_, verdict) => Some(verdict.name()),
        }
    }
}

impl Evidence {
    /// The oldest exchanges that wait to be reviewed, as many as that. Waits for what was recorded before
    /// the call, until then.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn reviews(&self, limit: u32, until: Instant) -> Result<Reviews, Error> {
        self.records().reviews(limit, until).await
    }

    /// Records what an operator does; to be awaited before it is done.
    ///
    /// # Errors
    /// `AUDIT_UNAVAILABLE`: the record could not be written.
    pub fn intervene(&self, it: &Intervention<'_>) -> Sealing {
        let (operator, reason) = (it.operator.reveal(), it.reason.reveal());
        let (act, on) = (it.deed.name(), it.deed.on());
        self.single(move |node, ts, salts| {
            let mut openings = Openings::new();
            let mut commit = |personal, name, value: &str| {
                let salt = salts.of(personal);
                openings.push(name, salt, value.as_bytes());
                Commitment::new(salt, name, value.as_bytes())
            };
            let leaf = Leaf {
                v: 1,
                t: "ADMIN",
                ts,
                node,
                rid: it.deed.request(),
                act,
                on: Shown(&on),
                dec: it.deed.verdict(),
                off: commit(Personal::Officer, "off", operator),
                txt: commit(Personal::Reason, "txt", reason),
            };
            let mut out = Vec::with_capacity(LEAF_BYTES);
            leaf::write(&mut out, &leaf);
            (out, openings)
        })
    }
}

/// The `ADMIN` leaf of an operator. `off` is who acts, as in other leaves, so that it is found by it.
#[derive(Debug, Serialize)]
struct Leaf<'a> {
    v: u8,
    t: &'static str,
    ts: u64,
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<&'a str>,
    act: &'static str,
    on: Shown<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dec: Option<&'static str>,
    off: Commitment,
    txt: Commitment,
}

/// Two commitments and some names.
const LEAF_BYTES: usize = 320;
