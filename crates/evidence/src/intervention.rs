//! What an operator does to the gateway is a record: what, at what, who and why. Not here: doing it.
//!
//! *Invariant:* the operator, the reason and the id of a consent stand in the record as commitments alone.

use exchange::{AgencyCode, ConsentId, OfficerId, ReasonText, Switch};
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
    /// A suspension is lifted: whose, as far as it may be told.
    Lift(&'a str),
    /// A consent is registered, for that agency.
    Consent(&'a AgencyCode, &'a ConsentId),
    /// A consent is withdrawn.
    Withdraw(&'a ConsentId),
    /// A dossier is moved: how, which by source and its code, and the request that opened it.
    Dossier(&'static str, &'a str, &'a str),
}

impl Deed<'_> {
    /// Its name in the leaf.
    const fn name(self) -> &'static str {
        match self {
            Self::Stop(_) => "STOP",
            Self::Resume(_) => "RESUME",
            Self::Review(..) => REVIEW,
            Self::Lift(_) => "LIFT",
            Self::Consent(..) => "CONSENT",
            Self::Withdraw(_) => "WITHDRAW",
            Self::Dossier(how, ..) => how,
        }
    }

    /// What it is done to, as the leaf has it.
    fn on(self) -> String {
        match self {
            Self::Stop(switch) | Self::Resume(switch) => switch.to_string(),
            Self::Review(review, _) => format!("{}#{}", review.origin, review.seq),
            Self::Lift(of) => of.to_owned(),
            Self::Consent(agency, _) => format!("agency:{agency}"),
            Self::Withdraw(_) => "consent".to_owned(),
            Self::Dossier(_, which, _) => format!("dossier:{which}"),
        }
    }

    /// The request id of the exchange that it is about, by which both records are found.
    fn request(&self) -> Option<&str> {
        match self {
            Self::Dossier(_, _, request) => Some(request),
            Self::Stop(_)
            | Self::Resume(_)
            | Self::Lift(_)
            | Self::Consent(..)
            | Self::Withdraw(_) => None,
            Self::Review(review, _) => review.request.as_deref(),
        }
    }

    /// What is decided.
    const fn verdict(self) -> Option<&'static str> {
        match self {
            Self::Stop(_)
            | Self::Resume(_)
            | Self::Lift(_)
            | Self::Consent(..)
            | Self::Withdraw(_)
            | Self::Dossier(..) => None,
            Self::Review(_, verdict) => Some(verdict.name()),
        }
    }

    /// The consent that it is about.
    const fn consent(&self) -> Option<&ConsentId> {
        match self {
            Self::Stop(_)
            | Self::Resume(_)
            | Self::Lift(_)
            | Self::Review(..)
            | Self::Dossier(..) => None,
            Self::Consent(_, consent) | Self::Withdraw(consent) => Some(consent),
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
        let consent = it.deed.consent().map(ConsentId::reveal);
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
                con: consent.map(|consent| commit(Personal::Consent, "con", consent)),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    con: Option<Commitment>,
    off: Commitment,
    txt: Commitment,
}

/// Three commitments and some names.
const LEAF_BYTES: usize = 384;
