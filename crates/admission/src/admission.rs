//! The room itself: the policy in force, the quotas, and the one way to a permit.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use exchange::{
    AgencyCode, CallContext, Caller, Clock, Criticality, IdentifierKind, PurposeCode, Request,
    Subject, SystemId, Verification, Violation,
};
use governor::clock::DefaultClock;

use crate::policy::Agreement;
use crate::quota::{Leases, Maker, Pool, Quotas, Sharing, Spent};
use crate::scrutiny::{Mismatches, Question, Scrutiny};
use crate::{
    AgencyName, Consents, Duty, Grant, Permit, Policy, Purpose, QuotaState, Refusal, Thresholds,
    Warrant, catalogue, check, glass,
};

/// Decides who may ask what, and how often.
///
/// `clock` tells the day, for the validity of agreements; `Q` measures the time in which quotas
/// fill, so that a test can pass it.
pub struct Admission<Q: governor::clock::Clock = DefaultClock> {
    state: ArcSwap<State<Q>>,
    pub(crate) clock: Arc<dyn Clock>,
    maker: Maker<Q>,
    pub(crate) mismatches: Mismatches<Q>,
    pub(crate) scrutiny: Scrutiny<Q>,
    consents: Arc<Consents>,
}

/// What a reload swaps as one.
struct State<Q: governor::clock::Clock> {
    policy: Policy,
    quotas: Quotas<Q>,
}

impl<Q: governor::clock::Clock + Clone> State<Q> {
    /// Takes from the quotas of the sources that a permit lets be asked. Of these, one that is spent
    /// is left out; unless it is required, or all are.
    fn spend_at(
        &self,
        caller: &Caller,
        request: &Request,
        permit: Permit,
    ) -> Result<Permit, Refusal> {
        let granted = permit.granted().sources();
        if request.dry_run || granted.is_empty() {
            return Ok(permit);
        }
        let kind = request.subject.identifier.kind();
        // Without whoever knows whom the number is of, nobody can be asked.
        let (sources, required) = match kind {
            IdentifierKind::Personal => (granted, request.required),
            IdentifierKind::Legacy | IdentifierKind::TaxCode | IdentifierKind::InsuranceCode => {
                let issuer = kind.issuer();
                (granted.with(issuer), request.required.with(issuer))
            }
        };
        let own = self.quotas.of(&self.policy, caller);
        match self.quotas.spend_at(&own, sources, required) {
            Ok(limited) => Ok(permit.without(limited)),
            Err(spent) => Err(self.exceeded(spent)),
        }
    }

    fn exceeded(&self, spent: Spent) -> Refusal {
        let fault = check::quota_exceeded(&spent);
        Refusal::new(fault, &self.policy, Some(spent.state))
    }
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

    /// Puts a policy into force on one of several nodes, which share its quotas.
    #[must_use]
    pub fn shared(policy: Policy, clock: Arc<dyn Clock>, sharing: Sharing) -> Self {
        let pool = Arc::new(Pool::new(sharing));
        let maker = Maker {
            clock: DefaultClock::default(),
            pool: Some(pool),
        };
        Self::assemble(policy, clock, maker)
    }
}

impl<Q: governor::clock::Clock + Clone> Admission<Q> {
    /// Puts a policy into force, with a clock of its own for the quotas.
    #[must_use]
    pub fn with_quota_clock(policy: Policy, clock: Arc<dyn Clock>, quota_clock: Q) -> Self {
        let maker = Maker {
            clock: quota_clock,
            pool: None,
        };
        Self::assemble(policy, clock, maker)
    }

    pub(crate) fn assemble(policy: Policy, clock: Arc<dyn Clock>, maker: Maker<Q>) -> Self {
        let quotas = Quotas::new(&policy, &maker, None);
        Self {
            state: ArcSwap::from_pointee(State { policy, quotas }),
            clock,
            mismatches: Mismatches::new(maker.clock.clone(), &Thresholds::DEFAULT),
            consents: Arc::new(Consents::none()),
            scrutiny: Scrutiny::new(maker.clock.clone(), Thresholds::DEFAULT),
            maker,
        }
    }

    /// The same with a registry of consents; without one no consent holds.
    #[must_use]
    pub fn with_consents(mut self, consents: Arc<Consents>) -> Self {
        self.consents = consents;
        self
    }

    /// The same with other numbers of scrutiny; to be said before anybody asks.
    #[must_use]
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.mismatches = Mismatches::new(self.maker.clock.clone(), &thresholds);
        self.scrutiny = Scrutiny::new(self.maker.clock.clone(), thresholds);
        self
    }

    /// The leases of this node, if it shares its quotas; for the one task that asks for them.
    #[must_use]
    pub fn leases(&self) -> Option<Leases<Q>> {
        let pool = self.maker.pool.as_ref()?;
        Some(Leases::new(Arc::clone(pool)))
    }

    /// Admits a request, or says why not. Spends one request of the caller's quota.
    ///
    /// # Errors
    /// The first refusal in the order below; of what a request lacks, everything at once.
    pub fn admit(&self, caller: &Caller, request: &Request) -> Result<Permit, Refusal> {
        let state = self.state.load();
        let terms = self.terms(&state, caller, request, None, Some(&request.subject))?;
        let (agreement, purpose, quota) = terms;
        let (subject, now) = (Some(&request.subject.identifier), self.clock.now());
        let bounds = check::exceptions(agreement, request, subject, now).and_then(|flags| {
            let consents = &self.consents;
            let covered = check::consent(agreement, consents, caller, request, now)?;
            Ok((covered, flags))
        });
        let (covered, flags) =
            bounds.map_err(|fault| Refusal::new(fault, &state.policy, Some(quota.clone())))?;
        let permit = Permit::new(&state.policy, agreement, purpose, request, flags, quota);
        let permit = permit.within(agreement, &covered);
        check::required(agreement, request, permit.granted())
            .map_err(|fault| Refusal::new(fault, &state.policy, Some(permit.quota().clone())))?;
        state.spend_at(caller, request, permit)
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
        let terms = self.terms(&state, caller, asked, None, Some(&asked.subject))?;
        let (agreement, purpose, quota) = terms;
        let (subject, now) = (Some(&asked.subject.identifier), self.clock.now());
        let bounds = check::claims(agreement, asked).and_then(|()| {
            check::consent_to_claims(agreement, &self.consents, caller, asked, now)?;
            check::exceptions(agreement, asked, subject, now)
        });
        let flags =
            bounds.map_err(|fault| Refusal::new(fault, &state.policy, Some(quota.clone())))?;
        let permit = Permit::new(&state.policy, agreement, purpose, asked, flags, quota);
        let permit = permit.verifying(agreement.verifiable(), asked);
        state.spend_at(caller, asked, permit)
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

    /// Spends one request of the caller's quota for a call that nobody can judge; what is left of it,
    /// or none for a caller that no agreement names.
    ///
    /// # Errors
    /// `QUOTA_EXCEEDED`.
    pub fn charge(&self, caller: &Caller) -> Result<Option<QuotaState>, Refusal> {
        let state = self.state.load();
        if !state.policy.knows(caller.agency(), caller.system()) {
            return Ok(None);
        }
        let own = state.quotas.of(&state.policy, caller);
        let quota = state.quotas.spend(&own, caller.agency(), None);
        quota.map(Some).map_err(|spent| state.exceeded(spent))
    }

    /// The agreement and the purpose under which a caller asks, and what is left of the quota.
    /// `about` is who a question is about, if it is about a person.
    fn terms<'s>(
        &self,
        state: &'s State<Q>,
        caller: &'s Caller,
        context: &CallContext,
        duty: Option<Duty>,
        about: Option<&Subject>,
    ) -> Result<(&'s Agreement, &'s Arc<Purpose>, QuotaState), Refusal> {
        let policy = &state.policy;
        let (party, purpose) = check::standing(policy, caller, context)
            .map_err(|fault| Refusal::new(fault, policy, None))?;
        // Before anything that depends on what was agreed, so that probing costs.
        let own = state.quotas.of(policy, caller);
        // Who breaks the glass is answered at the end of a long night, too.
        let is_emergency = glass::is_claimed(party, caller, context);
        let officer = context.officer.as_ref().filter(|_| !is_emergency);
        let quota = state.quotas.spend(&own, caller.agency(), officer);
        let quota = quota.map_err(|spent| state.exceeded(spent))?;
        if let Some(about) = about {
            let question = Question {
                caller,
                officer,
                about: &about.identifier,
            };
            let held = self.scrutiny.pass(question).map_err(check::held_back);
            held.map_err(|fault| Refusal::new(fault, policy, Some(quota.clone())))?;
        }
        let hints = about.map(|about| &about.hints);
        let agreed =
            check::agreement(party, caller, context, self.clock.now()).and_then(|agreement| {
                check::duty(agreement, context, duty)?;
                if duty.is_none() && glass::broken(agreement, context).is_some() {
                    return glass::completeness(agreement, context).map(|()| agreement);
                }
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
        let quotas = Quotas::new(&policy, &self.maker, Some(&old.quotas));
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

    /// The most urgent class that any agreement of the caller allows today; the least urgent for who
    /// has none.
    #[must_use]
    pub fn most_urgent(&self, caller: &Caller) -> Criticality {
        let (state, now) = (self.state.load(), self.clock.now());
        let own = state.policy.agreements(caller);
        own.filter(|it| it.is_valid_at(now))
            .map(|it| match it.break_glass {
                Some(_) => Criticality::Emergency,
                None => it.criticality_cap,
            })
            .min()
            .unwrap_or(Criticality::Bulk)
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

    /// True if some agreement, valid or not, is one of the agency.
    #[must_use]
    pub fn knows_agency(&self, agency: &AgencyCode) -> bool {
        self.state.load().policy.party(agency).is_some()
    }

    /// True if some agreement, valid or not, is open to the system.
    #[must_use]
    pub fn knows_system(&self, agency: &AgencyCode, system: &SystemId) -> bool {
        self.state.load().policy.knows(agency, system)
    }

    /// What the caller's own agreements grant today, in the order of the policy.
    #[must_use]
    pub fn grants(&self, caller: &Caller) -> Vec<Grant> {
        catalogue::grants(&self.state.load().policy, caller, self.clock.now())
    }

    /// Looks at the caller's own agreements that are in force.
    pub(crate) fn with_agreements<T>(
        &self,
        caller: &Caller,
        look: impl FnOnce(&[&Agreement]) -> T,
    ) -> T {
        let (state, now) = (self.state.load(), self.clock.now());
        let own = state.policy.agreements(caller);
        look(&own.filter(|it| it.is_valid_at(now)).collect::<Vec<_>>())
    }

    /// The caller's own quota as it stands, without spending it; none for a caller that no agreement
    /// names.
    #[must_use]
    pub fn quota(&self, caller: &Caller) -> Option<QuotaState> {
        let state = self.state.load();
        let is_known = state.policy.knows(caller.agency(), caller.system());
        is_known.then(|| Quotas::peek(&state.quotas.of(&state.policy, caller)))
    }

    /// Every quota that concerns the caller as it stands, its own first; none for a caller that no
    /// agreement names.
    #[must_use]
    pub fn quotas(&self, caller: &Caller) -> Vec<QuotaState> {
        let state = self.state.load();
        if !state.policy.knows(caller.agency(), caller.system()) {
            return Vec::new();
        }
        let grants = catalogue::grants(&state.policy, caller, self.clock.now());
        let sources = grants
            .iter()
            .flat_map(|grant| grant.fields.sources().iter());
        let own = state.quotas.of(&state.policy, caller);
        state.quotas.all(&own, sources.collect())
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
