//! From the number the caller gave to the personal id that the sources are asked by.
//!
//! *Invariant:* the source that is asked who is behind a number is counted and recorded like any
//! other, whatever it says.

use adapter::guard::Guarded;
use adapter::{Miss, Resolution};
use evidence::SourceOutcome;
use exchange::{
    CitizenId, Closed, Fault, FieldSet, Identifier, IdentifierKind, Reason, SourceState,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::ask::{Answers, Asking};
use crate::switches::SOURCE_SUSPENDED;
use crate::{resolve, trace};

/// Who is asked about.
#[derive(Debug)]
pub(crate) struct Subject {
    id: Result<CitizenId, Miss>,
    /// Why nothing is told of them, if nothing is.
    pub(crate) closed: Option<Closed>,
    /// What the record says of the source that was asked who is behind the number.
    pub(crate) resolver: Option<SourceOutcome>,
}

impl Subject {
    /// The person whom the number in the question turned out to be of.
    pub(crate) fn person(&self) -> Option<CitizenId> {
        self.resolver.and(self.id.as_ref().ok().copied())
    }

    /// A person who was found by another number, for what is done with them by themselves.
    pub(crate) const fn found(id: CitizenId, closed: Option<Closed>) -> Self {
        Self {
            id: Ok(id),
            closed,
            resolver: None,
        }
    }

    /// The personal id to ask a source by, or why it is not asked: nobody could say who is behind
    /// the number. The time at which somebody can is passed on, and so are maintenance and
    /// a stop.
    pub(crate) fn id(&self) -> Result<CitizenId, Miss> {
        self.id.as_ref().copied().map_err(|miss| {
            let reason = match miss.reason {
                MAINTENANCE => MAINTENANCE,
                SOURCE_SUSPENDED => SOURCE_SUSPENDED,
                _ => "SUBJECT_UNRESOLVED",
            };
            let detail = "the personal id could not be found out";
            Miss {
                retry_after: miss.retry_after,
                ..Miss::new(SourceState::Skipped, reason, detail).after(0)
            }
        })
    }
}

impl Asking<'_> {
    /// Who is asked about.
    ///
    /// The error is the whole answer: the number names nobody, or several people.
    pub(crate) async fn subject(self) -> Result<Subject, Answers> {
        let unasked = |id: Result<CitizenId, Miss>| Subject {
            closed: id.as_ref().ok().and_then(|id| self.closed(id)),
            id,
            resolver: None,
        };
        if let Identifier::Personal(id) = &self.request.subject.identifier {
            return Ok(unasked(Ok(*id)));
        }
        if self.permit.granted().is_empty() {
            // Nothing is asked about anybody, so nobody is looked for either.
            return Ok(unasked(Err(Miss::not_served())));
        }
        let resolution = self.resolution().await;
        let resolver = resolve::outcome(self.request, &resolution);
        let resolver = Some(resolver).filter(|it| it.state != SourceState::Skipped);
        let id = match resolution.as_ref().map(person) {
            Ok(Ok(id)) => Ok(id),
            Ok(Err(fault)) => {
                let parts = Err(fault);
                return Err(Answers {
                    parts,
                    resolver,
                    person: None,
                });
            }
            Err(miss) => Err(miss.clone()),
        };
        let closed = id.as_ref().ok().and_then(|id| self.closed(id));
        Ok(Subject {
            id,
            closed,
            resolver,
        })
    }

    /// Asks the agency that gives such numbers out who is behind one.
    pub(crate) async fn resolution(self) -> Result<Resolution, Miss> {
        let identifier = &self.request.subject.identifier;
        let source = identifier.kind().issuer();
        let begun = Instant::now();
        let switches = &self.gate.deps.switches;
        let resolver = self.resolver(identifier.kind());
        let result = match (resolver, switches.asks(source)) {
            (None, _) => {
                let detail = "no agency resolves such numbers";
                Err(Miss::new(SourceState::Skipped, "NOT_CONFIGURED", detail).after(0))
            }
            (Some(_), Err(stopped)) => Err(stopped),
            (Some(guarded), Ok(())) => {
                let span = trace::source(source);
                let trace = trace::traceparent(&span);
                let patience = guarded.guard.patience(self.latest());
                let call = || self.put(guarded, patience, trace.as_deref()).resolve();
                let key = (source, self.key(source, FieldSet::EMPTY, None));
                let once = &self.gate.resolutions;
                let asked = self.once(once, key, patience.deadline, call);
                let (result, _) = asked.instrument(span.clone()).await;
                trace::ended(&span, resolve::state(&result));
                result.and_then(|resolution| switches.asks(source).map(|()| resolution))
            }
        };
        let (state, miss) = (resolve::state(&result), result.as_ref().err());
        self.observe(source, state, miss, begun.elapsed());
        result
    }

    fn resolver(&self, kind: IdentifierKind) -> Option<&Guarded> {
        let agency = self.gate.agency(self.open, kind.issuer());
        agency.filter(|guarded| guarded.agency.resolves().contains(&kind))
    }
}

/// The one person behind a number, or what the caller is told.
fn person(resolution: &Resolution) -> Result<CitizenId, Fault> {
    match *resolution {
        Resolution::Current(id) | Resolution::Superseded(id) => Ok(id),
        Resolution::Ambiguous { candidates } => {
            let detail = "the number names several people";
            let fault = Fault::new(Reason::SubjectAmbiguous, detail);
            Err(fault.with("candidates", candidates.to_string()))
        }
        Resolution::NotFound | Resolution::Cancelled => {
            let detail = "the number names nobody";
            Err(Fault::new(Reason::PersonNotFound, detail))
        }
    }
}

/// A reason of a source that is worth more to the caller than that it was not asked.
const MAINTENANCE: &str = "MAINTENANCE";
