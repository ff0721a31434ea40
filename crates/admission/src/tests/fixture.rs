//! A policy, callers and requests for the tests; every person in them is synthetic.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use exchange::{
    AgencyCode, AgreementId, CallContext, Caller, CitizenId, Clock, Criticality, DossierNo,
    FieldSet, Identifier, MatchHints, OfficerId, PartialDate, ProcedureCode, PurposeCode, Request,
    RequestId, Source, SourceSet, Subject, SystemId,
};
use governor::clock::FakeRelativeClock;
use jiff::Timestamp;

use crate::{Admission, Policy, Thresholds};

/// Purposes `plain` (asks for nothing) and `strict` (asks for everything); agreements of agency
/// `H55` for its system `desk`, of `G12` for all its systems, and one of `G18` that is over.
pub(super) const POLICY: &str = r#"
[[purpose]]
code = "plain"
title_vi = "Đơn giản"
title_en = "Plain"
legal_basis = "Luật 26/2023/QH15"

[[purpose]]
code = "strict"
title_vi = "Chặt chẽ"
title_en = "Strict"
legal_basis = "Luật 26/2023/QH15"
procedure_required = true
dossier_required = true
officer_required = true

[[agreement]]
id = "A-1"
agency = "H55"
systems = ["desk"]
purposes = ["plain"]
fields = ["tax"]
valid_from = 2026-01-01
valid_to = 2026-12-31
second_factor = false
criticality_cap = "BACK_OFFICE"

[[agreement]]
id = "A-2"
agency = "H55"
systems = ["desk"]
purposes = ["strict"]
procedures = ["2.000815"]
fields = ["tax", "population"]
valid_from = 2026-01-01
valid_to = 2026-12-31

[[agreement]]
id = "B-1"
agency = "G12"
purposes = ["plain"]
fields = ["health"]
valid_from = 2026-01-01
valid_to = 2026-12-31
second_factor = false

[[agreement]]
id = "B-2"
agency = "G12"
purposes = ["plain", "strict"]
fields = ["population"]
valid_from = 2026-01-01
valid_to = 2026-12-31
second_factor = false

[[agreement]]
id = "C-1"
agency = "G18"
purposes = ["plain"]
fields = ["tax"]
valid_from = 2025-01-01
valid_to = 2025-12-31

[quota]
requests_per_minute = 60
burst = 3

[[quota.caller]]
agency = "G12"
system = "busy"
requests_per_minute = 600
burst = 5
"#;

/// Noon of a day on which the agreements of `H55` and `G12` are in force.
pub(super) const NOON: &str = "2026-06-15T12:00:00+07:00";

/// A wall clock that stands where a test sets it.
#[derive(Debug)]
pub(super) struct StoppedClock(AtomicI64);

impl StoppedClock {
    pub(super) fn at(text: &str) -> Arc<Self> {
        let clock = Self(AtomicI64::new(0));
        clock.set(text);
        Arc::new(clock)
    }

    pub(super) fn set(&self, text: &str) {
        let now: Timestamp = text.parse().unwrap();
        self.0.store(now.as_microsecond(), Ordering::Relaxed);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Admission under a policy, with both clocks in the test's hands.
pub(super) struct Room {
    pub(super) admission: Admission<FakeRelativeClock>,
    pub(super) clock: Arc<StoppedClock>,
    quota_clock: FakeRelativeClock,
}

impl Room {
    pub(super) fn new(policy: &str) -> Self {
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        let clock = StoppedClock::at(NOON);
        let quota_clock = FakeRelativeClock::default();
        let wall = Arc::clone(&clock) as Arc<dyn Clock>;
        Self {
            admission: Admission::with_quota_clock(policy, wall, quota_clock.clone()),
            clock,
            quota_clock,
        }
    }

    /// The same room with other numbers of scrutiny.
    pub(super) fn with(self, thresholds: Thresholds) -> Self {
        let admission = self.admission.with_thresholds(thresholds);
        Self { admission, ..self }
    }

    pub(super) fn pass(&self, time: Duration) {
        self.quota_clock.advance(time);
    }
}

pub(crate) fn caller(agency: &str, system: &str) -> Caller {
    let agency = AgencyCode::parse(agency).unwrap();
    Caller::new(agency, SystemId::parse(system).unwrap(), &"0".repeat(64))
}

/// The caller with agreements A-1 and A-2.
pub(crate) fn desk() -> Caller {
    caller("H55", "desk")
}

/// A question for the tax fields with nothing but its purpose.
pub(super) fn request(purpose: &str) -> Request {
    Request {
        context: CallContext {
            id: RequestId::fresh(),
            purpose: PurposeCode::parse(purpose).unwrap(),
            agreement: None,
            procedure: None,
            dossier: None,
            officer: None,
            consent: None,
            criticality: Criticality::BackOffice,
            reason: None,
        },
        subject: Subject {
            identifier: Identifier::Personal(CitizenId::parse("999099000001", 2026).unwrap()),
            hints: MatchHints::default(),
        },
        mask: FieldSet::of(Source::Tax),
        required: SourceSet::EMPTY,
        dry_run: false,
    }
}

/// The same question under a named agreement.
pub(super) fn under(agreement: &str, request: Request) -> Request {
    let context = CallContext {
        agreement: Some(AgreementId::parse(agreement).unwrap()),
        ..request.context
    };
    Request { context, ..request }
}

/// A question with everything that agreement A-2 asks for.
pub(super) fn complete() -> Request {
    let hints = MatchHints {
        full_name: Some("NGUYỄN VĂN THỬ".to_owned()),
        birth_date: PartialDate::parse("1999-01-01"),
    };
    let plain = request("strict");
    let context = CallContext {
        procedure: Some(ProcedureCode::parse("2.000815").unwrap()),
        dossier: Some(DossierNo::parse("HS-1").unwrap()),
        officer: Some(OfficerId::parse("CB-1").unwrap()),
        ..plain.context
    };
    let subject = Subject {
        hints,
        ..plain.subject
    };
    Request {
        context,
        subject,
        ..plain
    }
}
