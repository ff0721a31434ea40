//! What may be asked, and what the caller may ask.

use std::time::Duration;

use admission::{Duty, QuotaState};
use api::v1;
use exchange::{Caller, FIELDS};
use jiff::Timestamp;

use crate::Gate;
use crate::answer::paths;

impl Gate {
    /// Every field there is.
    #[must_use]
    pub fn list_fields() -> v1::ListFieldsResponse {
        v1::ListFieldsResponse {
            fields: FIELDS.iter().map(Into::into).collect(),
        }
    }

    /// Every purpose there is.
    #[must_use]
    pub fn list_purposes(&self) -> v1::ListPurposesResponse {
        let purposes = self.deps.admission.purposes();
        let purposes = purposes.iter().map(|purpose| v1::Purpose {
            code: purpose.code.to_string(),
            title_vi: purpose.title_vi.clone(),
            title_en: purpose.title_en.clone(),
            legal_basis: purpose.legal_basis.clone(),
            dossier_required: purpose.dossier_required,
            officer_required: purpose.officer_required,
            procedure_required: purpose.procedure_required,
        });
        v1::ListPurposesResponse {
            purposes: purposes.collect(),
        }
    }

    /// What the caller's own agreements grant.
    #[must_use]
    pub fn list_grants(&self, caller: &Caller) -> v1::ListGrantsResponse {
        let grants = self.deps.admission.grants(caller).into_iter();
        let grants = grants.map(|grant| v1::Grant {
            agreement_id: grant.agreement.to_string(),
            purpose_code: grant.purpose.to_string(),
            paths: paths(&grant.fields.minus(&grant.masked)),
            masked_paths: paths(&grant.masked),
            second_factor_required: grant.second_factor,
            valid_to: Some(grant.valid_to.into()),
            duties: grant.duties.into_iter().map(number).collect(),
        });
        v1::ListGrantsResponse {
            grants: grants.collect(),
        }
    }

    /// The quotas that concern the caller, without spending them.
    #[must_use]
    pub fn get_quota(&self, caller: &Caller) -> v1::GetQuotaResponse {
        let now = self.deps.clock.now();
        let quotas = self.deps.admission.quotas(caller);
        v1::GetQuotaResponse {
            quotas: quotas.iter().map(|quota| message(quota, now)).collect(),
        }
    }
}

fn number(duty: Duty) -> i32 {
    let duty = match duty {
        Duty::SearchRecords => v1::Duty::SearchRecords,
        Duty::ListAccesses => v1::Duty::ListAccesses,
        Duty::EraseSubject => v1::Duty::EraseSubject,
    };
    duty.into()
}

fn message(quota: &QuotaState, now: Timestamp) -> v1::Quota {
    let reset = now + Duration::from_secs(quota.reset_after.as_secs());
    v1::Quota {
        policy: quota.policy.to_owned(),
        limit: quota.limit.into(),
        remaining: quota.remaining.into(),
        reset_time: Some(reset.into()),
    }
}
