//! What is odd about the number or the data, without making the answer wrong.

use api::v1::{self, QualityKind, QualitySignal};
use exchange::{CitizenId, IdWarning, Identifier, Request, Sex};

/// The signals of one answer. A record's sex and birth year are compared with what the number
/// encodes: a difference is a signal, not a proof of anything.
pub(crate) fn signals(request: &Request, view: &v1::CitizenView) -> Vec<QualitySignal> {
    let Identifier::Personal(asked) = &request.subject.identifier else {
        return Vec::new();
    };
    let mut signals = Vec::new();
    if asked.warning() == Some(IdWarning::UnknownPrefix) {
        signals.push(signal(QualityKind::UnknownIdPrefix, ""));
    }
    if let Some(record) = &view.population {
        population(*asked, record, &mut signals);
    }
    if let Some(record) = &view.civil_status {
        compare(
            *asked,
            "civil_status",
            record.sex,
            record.birth_date,
            &mut signals,
        );
    }
    if let Some(record) = &view.health {
        compare(
            *asked,
            "health",
            record.sex,
            record.birth_date,
            &mut signals,
        );
    }
    if let Some(record) = &view.social_security {
        compare(
            *asked,
            "social_security",
            record.sex,
            record.birth_date,
            &mut signals,
        );
    }
    signals
}

fn population(asked: CitizenId, record: &v1::PopulationRecord, signals: &mut Vec<QualitySignal>) {
    // A masked number tells nothing of this.
    let in_force = CitizenId::from_agency(&record.personal_id);
    if in_force.is_some_and(|in_force| in_force != asked) {
        signals.push(signal(QualityKind::IdSuperseded, "population.personal_id"));
    }
    let held = in_force.unwrap_or(asked);
    compare(held, "population", record.sex, record.birth_date, signals);
}

fn compare(
    id: CitizenId,
    source: &str,
    sex: i32,
    birth_date: Option<v1::PartialDate>,
    signals: &mut Vec<QualitySignal>,
) {
    let encoded = match id.sex() {
        Sex::Male => v1::Sex::Male,
        Sex::Female => v1::Sex::Female,
    };
    if sex != v1::Sex::Unspecified as i32 && sex != encoded as i32 {
        signals.push(signal(
            QualityKind::SexDiffersFromId,
            &format!("{source}.sex"),
        ));
    }
    if birth_date.is_some_and(|date| date.year != i32::from(id.birth_year())) {
        let path = format!("{source}.birth_date");
        signals.push(signal(QualityKind::BirthYearDiffersFromId, &path));
    }
}

fn signal(kind: QualityKind, path: &str) -> QualitySignal {
    QualitySignal {
        kind: kind.into(),
        path: path.to_owned(),
    }
}
