//! An agency whose adapter panics at every question: a defect on purpose, to see that it costs its own
//! part of an answer and nothing else. In a sandbox alone.

use std::sync::Arc;
use std::time::Duration;

use adapter::dossier::{Dossier, Enquiry, Seen};
use adapter::{Agency, Answer, BoxFuture, Context, Miss, Question, Resolution};
use exchange::{FieldSet, Identifier, IdentifierKind, Source};
use tokio::time::Instant;

/// An agency with a defect.
#[derive(Debug)]
pub(super) struct Panicking(pub(super) Arc<dyn Agency>);

impl Agency for Panicking {
    fn source(&self) -> Source {
        self.0.source()
    }

    fn cap(&self) -> Duration {
        self.0.cap()
    }

    fn serves(&self) -> FieldSet {
        self.0.serves()
    }

    fn resolves(&self) -> &'static [IdentifierKind] {
        self.0.resolves()
    }

    #[expect(clippy::panic, reason = "what it is for")]
    fn ask<'a>(&'a self, _question: &'a Question<'a>) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async { panic!("the sandbox asks for it") })
    }

    fn resolve<'a>(
        &'a self,
        identifier: &'a Identifier,
        context: &'a Context<'a>,
    ) -> BoxFuture<'a, Result<Resolution, Miss>> {
        self.0.resolve(identifier, context)
    }

    fn look<'a>(
        &'a self,
        dossier: &'a Dossier,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        self.0.look(dossier, deadline)
    }

    fn resend<'a>(
        &'a self,
        enquiry: &'a Enquiry,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Seen, Miss>> {
        self.0.resend(enquiry, deadline)
    }
}
