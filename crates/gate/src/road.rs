//! The road itself.

use std::sync::Arc;

use admission::{Permit, QuotaState};
use api::v1::LookupCitizenResponse;
use evidence::{Asked, Attempt, Open, Refusal};
use exchange::{
    CallContext, Caller, Criticality, Fault, Identifier, PurposeCode, Reason, Request, Violation,
    Visibility,
};
use jiff::civil::Date;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::answer::Draft;
use crate::ask::{Asking, RESERVE};
use crate::once::Mode;
use crate::{Call, Gate, Reply, Synthetic, trace};

impl Gate {
    /// Takes one exchange from a verified caller to a sealed record.
    ///
    /// Every lookup passes through these lines, in this order, once. Dropping the future cancels
    /// the agencies and leaves a record that says so.
    ///
    /// # Errors
    /// Why there is no answer; recorded like one.
    pub async fn lookup(
        &self,
        call: &Call,
        request: &Arc<Request>,
    ) -> Result<Reply<LookupCitizenResponse>, Fault> {
        let permit = self.admit(call, request).await?;
        if request.dry_run {
            return Ok(self.dry(call, request, &permit).unrecorded(&permit));
        }
        let open = self.open(call, request, &permit)?; // the attempt, written but not awaited
        let asking = self.asking(&open, call, request, &permit, Mode::Record);
        let answers = asking.all().await; // every source at once
        let open = self.still_open(open, call, request).await?; // nobody has stopped it meanwhile
        let draft = Draft::new(request, &permit, answers, self.deps.clock.now());
        self.notice(call, request, &draft.outcomes);
        let receipt = self.record(open, &draft).await?; // durable before the answer is returned
        draft.sealed(&receipt, &permit)
    }

    /// Admits a request. A refusal is a record too, if it decides anything.
    pub(crate) async fn admit(&self, call: &Call, request: &Request) -> Result<Permit, Fault> {
        let admission = &self.deps.admission;
        self.admit_by(call, request, || admission.admit(&call.caller, request))
            .await
    }

    /// Has a request admitted by whichever part of admission decides about it.
    pub(crate) async fn admit_by(
        &self,
        call: &Call,
        request: &Request,
        decide: impl FnOnce() -> Result<Permit, admission::Refusal>,
    ) -> Result<Permit, Fault> {
        self.refuse_synthetic(request, Some(&request.subject.identifier))?;
        if self.deps.canaries.has(request.subject.identifier.reveal()) {
            self.deps.observer.canary(&call.caller, &request.id);
        }
        self.unless_stopped(call, request, Asked::Question(request))
            .await?;
        match trace::admission().in_scope(decide) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                let asked = Asked::Question(request);
                Err(self.refused(call, asked, refusal).await)
            }
        }
    }

    /// Records what admission has refused; returns what the caller is told.
    pub(crate) async fn refused(
        &self,
        call: &Call,
        asked: Asked<'_>,
        refusal: admission::Refusal,
    ) -> Fault {
        // A purpose that nobody ever heard of is a slip of the pen, not a decision.
        if refusal.fault().reason == Reason::PurposeUnknown {
            return refusal.into();
        }
        let record = Refusal {
            caller: &call.caller,
            asked: Some(asked),
            reason: refusal.fault().reason,
            policy: refusal.policy_digest(),
        };
        let recorded = self.deps.evidence.refuse(&record);
        match recorded.instrument(trace::record()).await {
            Ok(_) => refusal.into(),
            Err(unrecorded) => unrecorded,
        }
    }

    /// Records a refusal that comes after admission.
    pub(crate) async fn refuse_request(
        &self,
        call: &Call,
        request: &Request,
        permit: &Permit,
        fault: &Fault,
    ) -> Result<(), Fault> {
        let record = Refusal {
            caller: &call.caller,
            asked: Some(Asked::Question(request)),
            reason: fault.reason,
            policy: permit.policy_digest(),
        };
        self.deps.evidence.refuse(&record).await.map(drop)
    }

    /// Records the attempt; without it no agency is asked.
    pub(crate) fn open(
        &self,
        call: &Call,
        request: &Request,
        permit: &Permit,
    ) -> Result<Open, Fault> {
        if Instant::now() + RESERVE >= call.deadline {
            return Err(Fault::new(
                Reason::DeadlineExceeded,
                "no time left to ask and record",
            ));
        }
        let open = self.deps.evidence.open(&Attempt {
            caller: &call.caller,
            request,
            criticality: permit.criticality(),
            visibility: self.visibility(permit),
            flags: permit.flags(),
            agreement: permit.agreement(),
            policy: permit.policy_digest(),
            repeats: call.repeats.as_ref().map(|it| (&*it.log, it.seq)),
        })?;
        if permit.criticality() == Criticality::Emergency {
            self.deps.observer.break_glass(&call.caller, &request.id);
        }
        Ok(open)
    }

    /// From when on the citizen sees the exchange. A delay that no calendar holds never ends.
    fn visibility(&self, permit: &Permit) -> Visibility {
        match permit.visibility() {
            admission::Visibility::Citizen => Visibility::Citizen,
            admission::Visibility::Sealed => Visibility::Sealed,
            admission::Visibility::Delayed { days } => {
                let span = jiff::Span::new().days(days);
                let today = self.deps.clock.today();
                Visibility::Delayed(today.checked_add(span).unwrap_or(Date::MAX))
            }
        }
    }

    /// What the questions of one exchange are put with.
    pub(crate) fn asking<'a>(
        &'a self,
        open: &'a Open,
        call: &'a Call,
        request: &'a Arc<Request>,
        permit: &'a Permit,
        mode: Mode,
    ) -> Asking<'a> {
        Asking {
            gate: self,
            open,
            call,
            request,
            permit,
            mode,
            tag: self.tags.of(mode, &call.caller, request, permit),
        }
    }

    /// Records a refusal that comes from before the gate, such as a header that claims another
    /// identity.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn refuse(&self, call: &Call, reason: Reason) -> Result<(), Fault> {
        let digest = self.deps.admission.policy_digest();
        let record = Refusal {
            caller: &call.caller,
            asked: None,
            reason,
            policy: &digest,
        };
        self.deps.evidence.refuse(&record).await.map(drop)
    }

    /// The caller's quota as it stands, for the headers of a refusal.
    #[must_use]
    pub fn quota(&self, call: &Call) -> Option<QuotaState> {
        self.deps.admission.quota(&call.caller)
    }

    /// Spends one request of the caller's quota for a call that is malformed, of which there is no
    /// record; what is left of it, or none for a caller that no agreement names.
    ///
    /// # Errors
    /// `QUOTA_EXCEEDED`.
    pub fn charge(&self, call: &Call) -> Result<Option<QuotaState>, admission::Refusal> {
        self.deps.admission.charge(&call.caller)
    }

    /// The most urgent class that any agreement of the caller allows.
    #[must_use]
    pub fn most_urgent(&self, caller: &Caller) -> Criticality {
        self.deps.admission.most_urgent(caller)
    }

    /// The current year in Vietnam, for reading ids.
    #[must_use]
    pub fn year(&self) -> i16 {
        let clock: &Arc<dyn exchange::Clock> = &self.deps.clock;
        clock.year()
    }

    /// What is wrong with the purpose and the number of a question, whoever asks it.
    #[must_use]
    pub fn violations(
        &self,
        purpose: Option<&PurposeCode>,
        identifier: Option<&Identifier>,
    ) -> Vec<Violation> {
        let synthetic = identifier.filter(|identifier| self.refuses(identifier));
        let unknown = purpose.and_then(|purpose| self.deps.admission.unknown(purpose));
        synthetic
            .map(|_| synthetic_id())
            .into_iter()
            .chain(unknown)
            .collect()
    }

    /// Refuses a synthetic person anywhere but in a sandbox.
    pub(crate) fn refuse_synthetic(
        &self,
        context: &CallContext,
        about: Option<&Identifier>,
    ) -> Result<(), Fault> {
        if about.is_some_and(|identifier| self.refuses(identifier)) {
            return Err(Fault::invalid(
                self.violations(Some(&context.purpose), about),
            ));
        }
        Ok(())
    }

    /// True for a synthetic person anywhere but in a sandbox.
    fn refuses(&self, identifier: &Identifier) -> bool {
        self.deps.synthetic == Synthetic::Refused
            && matches!(identifier, Identifier::Personal(id) if id.is_synthetic())
    }
}

fn synthetic_id() -> Violation {
    Violation {
        field: "subject.personal_id".into(),
        description: "prefix 999 is synthetic and served in sandboxes alone".into(),
        reason: Reason::SyntheticId,
    }
}
