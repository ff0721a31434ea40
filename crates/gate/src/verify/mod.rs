//! `VerifyAttributes`: whether claims about a person are so.
//!
//! *Invariants:* no value leaves, nor enters the record in the open; "no such person", "nothing is told
//! of them" and "does not match" are the same bytes, leave after the same time and leave the same
//! record, which shows of every source only whether it answered. Failure is never a no.

mod compare;
mod judge;
mod memory;
mod pace;

use admission::Permit;
use api::v1;
use evidence::{Open, Outcome, SourceOutcome};
use exchange::{
    CitizenId, Closed, Disclosure, Fault, Field, FieldSet, Reason, Source, SourceState, Verdict,
    Verification,
};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use crate::ask::{Asked, Asking};
use crate::once::{By, Mode};
use crate::seal::message;
use crate::{Call, Gate, Reply, trace};

pub(crate) use compare::is_aged;
use judge::{Judgement, together};
pub(crate) use memory::Verdicts;
pub use memory::{VERDICTS_KEPT, VERDICTS_KEPT_MOST};

impl Gate {
    /// Takes one verification from a verified caller to a sealed record.
    ///
    /// # Errors
    /// Why nothing is verified, which never depends on the person; recorded like an answer.
    pub async fn verify(
        &self,
        call: &Call,
        asked: &Verification,
    ) -> Result<Reply<v1::VerifyAttributesResponse>, Fault> {
        let begun = Instant::now();
        let permit = self.admit_claims(call, asked).await?;
        let open = self.open(call, asked, &permit)?;
        let asking = self.asking(&open, call, &asked.request, &permit, Mode::Claims);
        let findings = asking.find(asked).await;
        self.notice_claims(call, asked);
        let locked = self.guessed(call, asked, &findings);
        let failure = locked.as_ref().map(|fault| fault.reason);
        let (step, now) = (self.deps.verification_step, Instant::now());
        // Before the record is made, since its time stands in the log and in the receipt.
        sleep_until(pace::goes_on_at(begun, now, step, call.deadline)).await;
        let sealed = self.record_verdict(open, asked, &findings, &permit, failure);
        let receipt = sealed.await?;
        match locked {
            Some(fault) => Err(fault.with("seq", receipt.seq().to_string())),
            None => Ok(Reply {
                message: v1::VerifyAttributesResponse {
                    receipt: Some(message(&receipt)),
                    as_of: findings.as_of.map(Into::into),
                    ..findings.answer(asked)
                },
                quota: permit.quota().clone(),
            }),
        }
    }

    /// Admits claims, unless the officer has guessed about the person too often.
    async fn admit_claims(&self, call: &Call, asked: &Verification) -> Result<Permit, Fault> {
        let admission = &self.deps.admission;
        let decide = || {
            let permit = admission.admit_verification(&call.caller, asked)?;
            let (officer, subject) = (asked.officer.as_ref(), &asked.subject.identifier);
            admission.open_to(&call.caller, officer, subject)?;
            Ok(permit)
        };
        self.admit_by(call, asked, decide).await
    }

    /// Counts a mismatch. The fault is that of a person who was closed to the officer meanwhile: who
    /// guesses many times at once is told no more than who guesses in turn.
    fn guessed(&self, call: &Call, asked: &Verification, findings: &Findings) -> Option<Fault> {
        let admission = &self.deps.admission;
        let (officer, subject) = (asked.officer.as_ref(), &asked.subject.identifier);
        if let Err(refusal) = admission.open_to(&call.caller, officer, subject) {
            return Some(refusal.into());
        }
        if findings.refutes(asked) {
            admission.no_match(&call.caller, officer, subject);
        }
        None
    }

    /// Waits until the record is durable.
    async fn record_verdict(
        &self,
        open: Open,
        asked: &Verification,
        findings: &Findings,
        permit: &Permit,
        failure: Option<Reason>,
    ) -> Result<evidence::Receipt, Fault> {
        let span = trace::record();
        let sources: Vec<SourceOutcome> = findings.told(permit.granted()).collect();
        let outcome = Outcome {
            sources: &sources,
            failure,
            person: findings.person,
            verdict: Some(&findings.committed(asked)),
        };
        let sealing = self.deps.evidence.seal(open, &outcome);
        let receipt = sealing.instrument(span.clone()).await?;
        span.record("gw.audit.seq", receipt.seq());
        Ok(receipt)
    }
}

/// What the sources said, before it is judged.
#[derive(Debug)]
struct Heard {
    /// One per granted source, in any order; or the verdict on all claims that kept them from being
    /// asked.
    sources: Result<Vec<Asked>, Verdict>,
    /// What became of the question who is behind the number, if it was put.
    resolver: Option<SourceOutcome>,
    person: Option<CitizenId>,
}

impl Asking<'_> {
    /// What is remembered of the claims, or what the sources say.
    async fn find(self, asked: &Verification) -> Findings {
        let place = self.place(asked);
        if let Some(findings) = place.as_ref().and_then(|place| self.recall(place)) {
            return findings;
        }
        let heard = self.hear().await;
        let findings = Findings::new(asked, &heard, self.gate.deps.clock.today());
        if let Some(place) = &place {
            self.remember(place, &findings);
        }
        findings
    }

    /// Asks every source that a claim rests on.
    async fn hear(self) -> Heard {
        let subject = match self.subject().await {
            Ok(subject) => subject,
            // The number names nobody, or several: the claims are confirmed of none.
            Err(none) => {
                return Heard {
                    sources: Err(Verdict::NoMatch),
                    resolver: none.resolver,
                    person: None,
                };
            }
        };
        let sources = self.permit.granted().sources();
        let questions = sources.iter().map(|it| self.asked(it, &subject));
        let questions: FuturesUnordered<_> = questions.collect();
        let heard: Vec<Asked> = questions.collect().await;
        let in_force = heard
            .iter()
            .filter_map(|asked| asked.result.as_ref().ok()?.in_force)
            .next();
        Heard {
            person: in_force.or(subject.id().ok()),
            resolver: subject.resolver,
            sources: Ok(heard),
        }
    }
}

/// What became of the claims.
#[derive(Debug)]
struct Findings {
    verdict: Verdict,
    /// One per claim, in their order.
    each: Vec<Verdict>,
    /// What each source said, in the order of sources.
    said: Vec<Said>,
    person: Option<CitizenId>,
    /// When it was asked, if that was for a verification before this one.
    as_of: Option<Timestamp>,
}

/// What a source said.
#[derive(Clone, Copy, Debug)]
struct Said {
    source: Source,
    /// What it truly came to.
    truth: SourceState,
    /// What is told of it, and recorded in the open.
    told: SourceState,
    /// Whose call it was.
    by: By,
    /// Why it tells nothing of the person, if it does not.
    closed: Option<Closed>,
}

impl Said {
    fn of(asked: &Asked) -> Self {
        let miss = asked.result.as_ref().err();
        let withheld = miss.filter(|miss| miss.state == SourceState::Withheld);
        Self {
            by: asked.by,
            closed: withheld.map(|miss| miss.closed.unwrap_or(Closed::Sealed)),
            ..Self::new(asked.source, state(asked))
        }
    }

    const fn new(source: Source, truth: SourceState) -> Self {
        Self {
            source,
            truth,
            told: told(truth),
            by: By::Itself,
            closed: None,
        }
    }

    /// The same for who is told later.
    fn again(&self) -> Self {
        Self {
            by: By::Itself,
            ..*self
        }
    }

    /// True if the source answered, whatever it said.
    fn is_answer(&self) -> bool {
        self.told == SourceState::Ok
    }

    /// A source that was not asked, since the number names nobody: that must not show.
    const fn unasked(source: Source) -> Self {
        Self {
            source,
            truth: SourceState::Skipped,
            told: SourceState::Ok,
            by: By::Itself,
            closed: None,
        }
    }
}

impl Findings {
    fn new(asked: &Verification, heard: &Heard, today: jiff::civil::Date) -> Self {
        let claims = asked.claims.iter();
        let (each, mut said): (Vec<Judgement>, Vec<_>) = match &heard.sources {
            Ok(sources) => (
                claims
                    .map(|claim| judge::claim(&claim.predicate, sources, today))
                    .collect(),
                sources.iter().map(Said::of).collect(),
            ),
            Err(verdict) => (
                claims.map(|_| Judgement::Settled(*verdict)).collect(),
                asked.mask.sources().iter().map(Said::unasked).collect(),
            ),
        };
        if let Some(resolver) = heard.resolver
            && said.iter().all(|it| it.source != resolver.source)
        {
            said.push(Said::new(resolver.source, resolver.state));
        }
        said.sort_by_key(|it| it.source as u8);
        Self {
            verdict: together(&each),
            each: each.into_iter().map(Judgement::verdict).collect(),
            said,
            person: heard.person,
            as_of: None,
        }
    }

    /// True if it is told that a claim is not so.
    fn refutes(&self, asked: &Verification) -> bool {
        match asked.disclosure {
            Disclosure::AllOrNothing => self.verdict == Verdict::NoMatch,
            Disclosure::PerClaim => self.each.contains(&Verdict::NoMatch),
        }
    }

    /// What is told of each source, and recorded in the open: whether it answered.
    fn told<'a>(&'a self, granted: &'a FieldSet) -> impl Iterator<Item = SourceOutcome> + 'a {
        self.said.iter().map(|it| SourceOutcome {
            source: it.source,
            state: it.told,
            released: granted.and(&FieldSet::of(it.source)),
            masked: FieldSet::EMPTY,
            as_of: self.as_of,
            record: None,
        })
    }

    fn answer(&self, asked: &Verification) -> v1::VerifyAttributesResponse {
        let results = asked.claims.iter().zip(&self.each);
        let results = results.map(|(claim, verdict)| v1::ClaimResult {
            claim_id: claim.id.as_str().to_owned(),
            verdict: v1::Verdict::from(*verdict).into(),
        });
        let sources = self.said.iter().map(|it| v1::VerifiedSource {
            source: v1::Source::from(it.source).into(),
            state: v1::SourceState::from(it.told).into(),
        });
        v1::VerifyAttributesResponse {
            verdict: v1::Verdict::from(self.verdict).into(),
            results: match asked.disclosure {
                Disclosure::PerClaim => results.collect(),
                Disclosure::AllOrNothing => Vec::new(),
            },
            sources: sources.collect(),
            receipt: None,
            as_of: None,
            request_id: asked.id.to_string(),
        }
    }

    /// What the record commits to: the verdict that is told, on each claim if that is told, and what
    /// each source truly said, and to whom. Who is not asked about cannot be joined: shown in the
    /// open, that would tell them from nobody.
    fn committed(&self, asked: &Verification) -> String {
        let mut text = self.verdict.name().to_owned();
        if asked.disclosure == Disclosure::PerClaim {
            for (claim, verdict) in asked.claims.iter().zip(&self.each) {
                text += &format!(" {}={}", field(claim).path(), verdict.name());
            }
        }
        for it in &self.said {
            text += &format!(" {}={}", it.source.name(), it.truth.name());
            if it.by == By::Another {
                text += ",JOINED";
            }
        }
        text
    }
}

const fn field(claim: &exchange::Claim) -> Field {
    claim.predicate.field()
}

fn state(asked: &Asked) -> SourceState {
    asked
        .result
        .as_ref()
        .err()
        .map_or(SourceState::Ok, |miss| miss.state)
}

/// What is told of a state: nothing, beyond that the source answered.
const fn told(state: SourceState) -> SourceState {
    match state {
        SourceState::Ok
        | SourceState::NotFound
        | SourceState::Ambiguous
        | SourceState::Withheld => SourceState::Ok,
        SourceState::Timeout
        | SourceState::Unavailable
        | SourceState::CircuitOpen
        | SourceState::RateLimited
        | SourceState::InvalidAnswer
        | SourceState::Skipped => state,
    }
}
