//! The proof that a request was admitted, and what stands in its place when it was not.
//!
//! *Invariant:* a [`Permit`] has no public constructor and cannot be cloned; who holds one has
//! been through [`crate::Admission::admit`].

use std::sync::Arc;

use exchange::{Closed, ClosedSet, Criticality, Fault, Field, FieldSet, FlagSet, Request, Source};

use crate::glass;
use crate::policy::Agreement;
use crate::quota::{Limited, LimitedSources};
use crate::{Policy, Purpose, QuotaState, Visibility};

/// Proof that a caller may ask one question, and of what may be answered.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    agreement: Arc<str>,
    purpose: Arc<Purpose>,
    granted: FieldSet,
    masked: FieldSet,
    withheld: FieldSet,
    unconsented: FieldSet,
    not_in_emergency: FieldSet,
    policy_digest: [u8; 32],
    criticality: Criticality,
    visibility: Visibility,
    flags: FlagSet,
    opens: ClosedSet,
    flag_relatives: bool,
    quota: QuotaState,
    limited: LimitedSources,
}

impl Permit {
    /// Puts down what agreement and consent leave of the request.
    pub(crate) fn new(
        policy: &Policy,
        agreement: &Agreement,
        purpose: &Arc<Purpose>,
        request: &Request,
        flags: FlagSet,
        quota: QuotaState,
    ) -> Self {
        let emergency = glass::broken(agreement, request);
        let fields = emergency.unwrap_or(&agreement.fields);
        let agreed = request.mask.and(fields);
        // Until the consent is known: see `Permit::within`.
        let (granted, unconsented) = match agreement.consent_required && emergency.is_none() {
            true => (FieldSet::EMPTY, agreed),
            false => (agreed, FieldSet::EMPTY),
        };
        Self {
            agreement: Arc::clone(&agreement.id),
            purpose: Arc::clone(purpose),
            granted,
            masked: match emergency {
                Some(_) => FieldSet::EMPTY,
                None => granted.and(&agreement.masked),
            },
            withheld: request.mask.minus(&granted),
            unconsented,
            not_in_emergency: match emergency {
                Some(glass) => request.mask.and(&agreement.fields).minus(glass),
                None => FieldSet::EMPTY,
            },
            policy_digest: *policy.digest(),
            // The greater class is the less urgent one.
            criticality: match emergency {
                Some(_) => Criticality::Emergency,
                None => request.criticality.max(agreement.criticality_cap),
            },
            visibility: agreement.visibility,
            flags,
            flag_relatives: agreement.flag_relatives,
            // Beside somebody unconscious nobody asks how old or how high they are.
            opens: match emergency {
                Some(_) => agreement.opens.with(Closed::Minor).with(Closed::Protected),
                None => agreement.opens,
            },
            quota,
            limited: LimitedSources::default(),
        }
    }

    /// The same for claims, which may rest on more fields than may be released.
    pub(crate) fn verifying(mut self, verifiable: FieldSet, asked: &Request) -> Self {
        self.granted = asked.mask.and(&verifiable);
        self.withheld = asked.mask.minus(&verifiable);
        self
    }

    /// The same permit without some sources, for which a quota is spent.
    pub(crate) fn without(self, limited: LimitedSources) -> Self {
        Self { limited, ..self }
    }

    /// The same with the fields that the person's consent covers, where the agreement needs one.
    pub(crate) fn within(mut self, agreement: &Agreement, covered: &FieldSet) -> Self {
        let agreed = self.unconsented;
        let consented = agreed.and(covered);
        self.granted = self.granted.or(&consented);
        self.masked = self.masked.or(&consented.and(&agreement.masked));
        self.withheld = self.withheld.minus(&consented);
        self.unconsented = agreed.minus(&consented);
        self
    }

    /// The id of the agreement that admits the request.
    #[must_use]
    pub const fn agreement(&self) -> &Arc<str> {
        &self.agreement
    }

    /// Why the caller asks.
    #[must_use]
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The fields that may be asked of the agencies and released: those of the mask that the
    /// agreement has, and the person's consent where one is needed. May be empty.
    #[must_use]
    pub const fn granted(&self) -> &FieldSet {
        &self.granted
    }

    /// Those of the granted fields of which only the masked form may be released.
    #[must_use]
    pub const fn masked(&self) -> &FieldSet {
        &self.masked
    }

    /// The granted fields whose value may be released, compared and reasoned about.
    #[must_use]
    pub fn whole(&self) -> FieldSet {
        self.granted.minus(&self.masked)
    }

    /// Those of the withheld fields that the agreement has, and the person's consent has not.
    #[must_use]
    pub const fn unconsented(&self) -> &FieldSet {
        &self.unconsented
    }

    /// Those of the withheld fields that the agreement has, but not in the emergency that this is.
    #[must_use]
    pub const fn not_in_emergency(&self) -> &FieldSet {
        &self.not_in_emergency
    }

    /// The fields of the mask that may not be released.
    #[must_use]
    pub const fn withheld(&self) -> &FieldSet {
        &self.withheld
    }

    /// SHA-256 of the policy that decided, for the record.
    #[must_use]
    pub const fn policy_digest(&self) -> &[u8; 32] {
        &self.policy_digest
    }

    /// How urgent the exchange is: what the caller says, capped by the agreement.
    #[must_use]
    pub const fn criticality(&self) -> Criticality {
        self.criticality
    }

    /// From when on the citizen sees the access.
    #[must_use]
    pub const fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// What is out of the ordinary about it, for the record.
    #[must_use]
    pub const fn flags(&self) -> FlagSet {
        self.flags
    }

    /// True if an officer who asks about a relative is to be found and flagged.
    #[must_use]
    pub const fn flags_relatives(&self) -> bool {
        self.flag_relatives
    }

    /// True if such persons may be told of, who are closed otherwise.
    #[must_use]
    pub const fn opens(&self, closed: Closed) -> bool {
        self.opens.has(closed)
    }

    /// The caller's quota after this request.
    #[must_use]
    pub const fn quota(&self) -> &QuotaState {
        &self.quota
    }

    /// Why a source may not be asked although its fields are granted: a quota for it is spent.
    #[must_use]
    pub fn limited(&self, source: Source) -> Option<Limited> {
        self.limited.of(source)
    }

    /// True if the caller may have a number resolved to the personal id: the request asked for
    /// [`resolution_mask`], and the agreement has it, not masked.
    #[must_use]
    pub fn may_resolve(&self) -> bool {
        self.whole().contains(RESOLVED)
    }
}

/// The mask of a request to resolve a number: `population.personal_id` alone.
#[must_use]
pub fn resolution_mask() -> FieldSet {
    [RESOLVED].into_iter().collect()
}

const RESOLVED: Field = Field::PopulationPersonalId;

/// Why a request is not admitted, and under which policy.
#[derive(Debug)]
pub struct Refusal {
    fault: Fault,
    policy_digest: [u8; 32],
    quota: Option<QuotaState>,
}

impl Refusal {
    pub(crate) fn new(fault: Fault, policy: &Policy, quota: Option<QuotaState>) -> Self {
        Self::under(fault, *policy.digest(), quota)
    }

    pub(crate) const fn under(
        fault: Fault,
        policy_digest: [u8; 32],
        quota: Option<QuotaState>,
    ) -> Self {
        Self {
            fault,
            policy_digest,
            quota,
        }
    }

    /// What leaves the gateway.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// SHA-256 of the policy that decided, for the record.
    #[must_use]
    pub const fn policy_digest(&self) -> &[u8; 32] {
        &self.policy_digest
    }

    /// The caller's quota after this request; none if it was refused before that was looked at.
    #[must_use]
    pub const fn quota(&self) -> Option<&QuotaState> {
        self.quota.as_ref()
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        refusal.fault
    }
}
