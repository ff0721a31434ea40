//! What is odd about the number or the data, without making the answer wrong.

use api::v1::{self, QualityKind, QualitySignal};
use exchange::{CitizenId, IdWarning, Identifier, Sex};

/// The signals of one answer. A record's sex and birth year are compared with what the number
/// encodes: a difference is a signal, not a proof of anything. Who asked by an old number is told of the
/// one in force, if the answer shows it.
pub(crate) fn signals(asked: &Identifier, view: &v1::CitizenView) -> Vec<QualitySignal> {
    let shown = || CitizenId::from_agency(&view.population.as_ref()?.personal_id);
    let asked = match asked {
        Identifier::Personal(asked) => Some(*asked),
        Identifier::Legacy(_) | Identifier::TaxCode(_) | Identifier::InsuranceCode(_) => shown(),
    };
    let Some(asked) = asked else {
        return Vec::new();
    };
    let mut signals = Vec::new();
    if asked.warning() == Some(IdWarning::UnknownPrefix) {
        signals.push(signal(QualityKind::UnknownIdPrefix, ""));
    }
    if let Some(record) = &view.population {
        population(asked, record, &mut signals);
    }
    if let Some(record) = &view.civil_status {
        compare(
            asked,
            "civil_status",
            record.sex,
            record.birth_date,
            &mut signals,
        );
    }
    if let Some(record) = &view.health {
        compare(asked, "health", record.sex, record.birth_date, &mut signals);
    }
    if let Some(record) = &view.social_security {
        compare(
            asked,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A woman of 2000 under the number of a man of 1999.
    fn view(personal_id: &str) -> v1::CitizenView {
        let birth_date = Some(v1::PartialDate {
            year: 2000,
            ..Default::default()
        });
        let record = v1::PopulationRecord {
            personal_id: personal_id.to_owned(),
            sex: v1::Sex::Female.into(),
            birth_date,
            ..Default::default()
        };
        v1::CitizenView {
            population: Some(Box::new(record).into()),
            ..Default::default()
        }
    }

    fn kinds(asked: &Identifier, shown: &str) -> Vec<QualityKind> {
        let signals = signals(asked, &view(shown));
        signals.iter().map(QualitySignal::kind).collect()
    }

    #[test]
    fn what_differs_from_the_number_in_force_is_told_by_whichever_number_was_asked() {
        let differs = [
            QualityKind::SexDiffersFromId,
            QualityKind::BirthYearDiffersFromId,
        ];
        let in_force = "999099000001";
        let personal = Identifier::Personal(CitizenId::from_agency(in_force).unwrap());
        assert_eq!(kinds(&personal, in_force), differs);
        assert_eq!(kinds(&personal, "********0001"), differs);
        let old = Identifier::Legacy("961496303".into());
        assert_eq!(kinds(&old, in_force), differs);
        assert_eq!(kinds(&old, "********0001"), [], "of what is not shown");
        let superseded = kinds(&personal, "999099000002");
        assert_eq!(superseded[0], QualityKind::IdSuperseded);
    }
}
