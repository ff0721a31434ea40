//! The room itself: the policy in force, the quotas, and the one way to a permit.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use exchange::{
    AgencyCode, CallContext, Caller, Clock, Identifier, MatchHints, OfficerId, PurposeCode,
    Request, Verification, Violation,
};
use governor::clock::DefaultClock;

use crate::policy::Agreement;
use crate::quota::Quotas;
use crate::scrutiny::Mismatches;
use crate::{
    AgencyName, Duty, Grant, Permit, Policy, Purpose, QuotaState, Refusal, Warrant, catalogue,
    check,
};

/// Decides who may ask what, and how often.
///
/// `clock` tells the day, for the validity of agreements; `Q` measures the time in which quotas
/// fill, so that a test can pass it.
pub struct Admission<Q: governor::clock::Clock = DefaultClock> {
    state: ArcSwap<State<Q>>,
    clock: Arc<dyn Clock>,
    quota_clock: Q,
    mismatches: Mismatches<Q>,
}

/// What a reload swaps as one.
struct State<Q: governor::clock::Clock> {
    policy: Policy,
    quotas: Quotas<Q>,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Another policy is in force.
    Swapped,
    /// It is the policy in force.
    Unchanged,
}

impl Admission {
    /// Puts a policy into force.
    #[must_use]
    pub fn new(policy: Policy, clock: Arc<dyn Clock>) -> Self {
        Self::with_quota_clock(policy, clock, DefaultClock::default())
    }
}

impl<Q: governor::clock::Clock + Clone> Admission<Q> {
    /// Puts a policy into force, with a clock of its own for the quotas.
    #[must_use]
    pub fn with_quota_clock(policy: Policy, clock: Arc<dyn Clock>, quota_clock: Q) -> Self {
        let quotas = Quotas::new(&policy, &quota_clock, None);
        Self {
            state: ArcSwap::from_pointee(State { policy, quotas }),
            clock,
            mismatches: Mismatches::new(quota_clock.clone()),
            quota_clock,
        }
    }

    /// Admits a request, or says why not. Spends one request of the caller's quota.
    ///
    /// # Errors
    /// The first refusal in the order below; of what a request lacks, everything at once.
    pub fn admit(&self, caller: &Caller, request: &Request) -> Result<Permit, Refusal> {
        let state = self.state.load();
        let terms = self.terms(&state, caller, request, None, Some(&request.subject.hints))?;
        let (agreement, purpose, quota) = terms;
        let permit = Permit::new(&state.policy, agreement, purpose, request, quota);
        Ok(permit)
    }

    /// Admits claims about a person, or says why not. Spends one request of the caller's quota.
    ///
    /// # Errors
    /// As [`Admission::admit`], and `CLAIM_NOT_GRANTED` with every claim that the agreement does not
    /// let the caller verify.
    pub fn admit_verification(
        &self,
        caller: &Caller,
        asked: &Verification,
    ) -> Result<Permit, Refusal> {
        let state = self.state.load();
        let terms = self.terms(&state, caller, asked, None, Some(&asked.subject.hints))?;
        let (agreement, purpose, quota) = terms;
        match check::claims(agreement, asked) {
            Ok(()) => Ok(Permit::new(&state.policy, agreement, purpose, asked, quota)
                .verifying(agreement.verifiable(), asked)),
            Err(fault) => Err(Refusal::new(fault, &state.policy, Some(quota))),
        }
    }

    /// Admits a call about the record, or says why not. Spends one request of the caller's quota.
    /// No second factor is asked for: nothing is learnt about a person whom one can guess at.
    ///
    /// # Errors
    /// As [`Admission::admit`], and `DUTY_NOT_GRANTED` if the agreement does not have the duty.
    pub fn admit_duty(
        &self,
        caller: &Caller,
        context: &CallContext,
        duty: Duty,
    ) -> Result<Warrant, Refusal> {
        let state = self.state.load();
        let (agreement, _, quota) = self.terms(&state, caller, context, Some(duty), None)?;
        Ok(Warrant::new(&state.policy, agreement, duty, quota))
    }

    /// Notes that what was claimed about a person did not match. Five times in an hour, and the
    /// person is closed to the officer; to the system, if no officer is named.
    pub fn no_match(&self, caller: &Caller, officer: Option<&OfficerId>, subject: &Identifier) {
        self.mismatches.note(caller, officer, subject);
    }

    /// Sees that the person is open to the officer. To be asked between the permit and the sources;
    /// the refusal is to be recorded as one of [`Admission::admit`].
    ///
    /// # Errors
    /// `ENUMERATION_SUSPECTED` after too many claims that did not match.
    pub fn open_to(
        &self,
        caller: &Caller,
        officer: Option<&OfficerId>,
        subject: &Identifier,
    ) -> Result<(), Refusal> {
        match self.mismatches.locked_for(caller, officer, subject) {
            None => Ok(()),
            Some(_) => {
                let fault = check::locked();
                Err(Refusal::new(fault, &self.state.load().policy, None))
            }
        }
    }

    /// The agreement and the purpose under which a caller asks, and what is left of the quota.
    /// `hints` are the second factor of a question about a person.
    fn terms<'s>(
        &self,
        state: &'s State<Q>,
        caller: &'s Caller,
        context: &CallContext,
        duty: Option<Duty>,
        hints: Option<&MatchHints>,
    ) -> Result<(&'s Agreement, &'s Arc<Purpose>, QuotaState), Refusal> {
        let policy = &state.policy;
        let (party, purpose) = check::standing(policy, caller, context)
            .map_err(|fault| Refusal::new(fault, policy, None))?;
        // Before anything that depends on what was agreed, so that probing costs.
        let quota = state.quotas.spend(caller).map_err(|spent| {
            Refusal::new(check::quota_exceeded(&spent), policy, Some(spent.state))
        })?;
        let agreed =
            check::agreement(party, caller, context, self.clock.now()).and_then(|agreement| {
                check::duty(agreement, context, duty)?;
                check::procedure(agreement, context)?;
                check::completeness(purpose, agreement, context, hints)?;
                Ok(agreement)
            });
        match agreed {
            Ok(agreement) => Ok((agreement, purpose, quota)),
            Err(fault) => Err(Refusal::new(fault, policy, Some(quota))),
        }
    }

    /// Puts another policy into force, whole. Quotas of limits that stay are not refilled.
    pub fn replace(&self, policy: Policy) -> Reload {
        let old = self.state.load();
        if policy.digest() == old.policy.digest() {
            return Reload::Unchanged;
        }
        let quotas = Quotas::new(&policy, &self.quota_clock, Some(&old.quotas));
        self.state.store(Arc::new(State { policy, quotas }));
        Reload::Swapped
    }

    /// SHA-256 of the policy in force.
    #[must_use]
    pub fn policy_digest(&self) -> [u8; 32] {
        *self.state.load().policy.digest()
    }

    /// The catalogue of purposes, in the order of the policy.
    #[must_use]
    pub fn purposes(&self) -> Vec<Arc<Purpose>> {
        self.state.load().policy.purposes().to_vec()
    }

    /// The purpose of that code.
    #[must_use]
    pub fn purpose(&self, code: &PurposeCode) -> Option<Arc<Purpose>> {
        self.state.load().policy.purpose(code).map(Arc::clone)
    }

    /// The first purpose for which the caller has a duty today.
    #[must_use]
    pub fn purpose_of(&self, caller: &Caller, duty: Duty) -> Option<PurposeCode> {
        let (state, now) = (self.state.load(), self.clock.now());
        let mut own = state.policy.agreements(caller);
        let agreement = own.find(|it| it.is_valid_at(now) && it.duties.contains(&duty))?;
        agreement.purposes.first().cloned()
    }

    /// What an agency is called, if the policy names it.
    #[must_use]
    pub fn agency_name(&self, code: &AgencyCode) -> Option<Arc<AgencyName>> {
        self.state.load().policy.agency_name(code).map(Arc::clone)
    }

    /// What is wrong with a purpose that is in no catalogue; asks and spends nothing.
    #[must_use]
    pub fn unknown(&self, purpose: &PurposeCode) -> Option<Violation> {
        check::unknown(&self.state.load().policy, purpose)
    }

    /// True if some agreement, valid or not, is open to the caller.
    #[must_use]
    pub fn knows(&self, caller: &Caller) -> bool {
        let state = self.state.load();
        state.policy.knows(caller.agency(), caller.system())
    }

    /// What the caller's own agreements grant today, in the order of the policy.
    #[must_use]
    pub fn grants(&self, caller: &Caller) -> Vec<Grant> {
        catalogue::grants(&self.state.load().policy, caller, self.clock.now())
    }

    /// The caller's quota as it stands, without spending it; none for a caller that no agreement
    /// names.
    #[must_use]
    pub fn quota(&self, caller: &Caller) -> Option<QuotaState> {
        let state = self.state.load();
        let is_known = state.policy.knows(caller.agency(), caller.system());
        is_known.then(|| state.quotas.peek(caller))
    }
}

impl<Q: governor::clock::Clock> fmt::Debug for Admission<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field(
                "policy_digest",
                &hex::encode(self.state.load().policy.digest()),
            )
            .finish_non_exhaustive()
    }
}
