//! From the number the caller gave to the personal id that the sources are asked by.

use std::sync::Arc;

use adapter::{Agency, Miss, Resolution};
use admission::Permit;
use evidence::Open;
use exchange::{CitizenId, Fault, Identifier, IdentifierKind, Reason, Request};
use tokio::time::timeout_at;
use tracing::Instrument as _;

use crate::ask::{Unknown, context};
use crate::{Call, Gate, resolve, trace};

impl Gate {
    /// The personal id to ask by.
    ///
    /// The outer error is one that the caller gets: the number names nobody, or several people.
    /// The inner one says that it could not be found out.
    pub(crate) async fn subject(
        &self,
        open: &Open,
        call: &Call,
        request: &Request,
        permit: &Permit,
    ) -> Result<Result<CitizenId, Unknown>, Fault> {
        if let Identifier::Personal(id) = &request.subject.identifier {
            return Ok(Ok(*id));
        }
        match self.resolution(open, call, request, permit).await {
            Ok(Resolution::Current(id) | Resolution::Superseded(id)) => Ok(Ok(id)),
            Ok(Resolution::Ambiguous { candidates }) => Err(Fault::new(
                Reason::SubjectAmbiguous,
                "the number names several people",
            )
            .with("candidates", candidates.to_string())),
            Ok(Resolution::NotFound | Resolution::Cancelled) => Err(Fault::new(
                Reason::PersonNotFound,
                "the number names nobody",
            )),
            Err(_) => Ok(Err(Unknown)),
        }
    }

    /// Asks the agency that gives such numbers out who is behind one.
    pub(crate) async fn resolution(
        &self,
        open: &Open,
        call: &Call,
        request: &Request,
        permit: &Permit,
    ) -> Result<Resolution, Miss> {
        let identifier = &request.subject.identifier;
        let Some(agency) = self.resolver(open, identifier.kind()) else {
            return Err(Miss::unavailable(
                "NOT_CONFIGURED",
                "no agency resolves such numbers",
            ));
        };
        let span = trace::source(agency.source());
        let traceparent = trace::traceparent(&span);
        let context = context(&**agency, call, request, permit, traceparent.as_deref());
        let resolved = timeout_at(context.deadline, agency.resolve(identifier, &context));
        let result = match resolved.instrument(span.clone()).await {
            Ok(result) => result,
            Err(_) => Err(Miss::timeout("no answer in the time there was")),
        };
        if let Err(miss) = &result {
            trace::ended(&span, miss.state);
            let source = agency.source();
            tracing::warn!(%source, reason = miss.reason, detail = miss.detail, "a number was not resolved");
        }
        result
    }

    fn resolver(&self, open: &Open, kind: IdentifierKind) -> Option<&Arc<dyn Agency>> {
        self.agency(open, resolve::resolver(kind))
            .filter(|agency| agency.resolves().contains(&kind))
    }
}
