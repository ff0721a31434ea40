//! Claims about a citizen into the words of the house, and verdicts back.
//!
//! *Invariant:* no violation repeats a value.

use std::collections::HashSet;
use std::sync::Arc;

use exchange::{
    Claim, ClaimId, Disclosure, Field, FieldSet, Given, Identifier, MatchMode, OtherName,
    PartialDate, Predicate, Reason, RelationKind, StatusKind, Subject, Verdict, Verification,
    normalise,
};

use super::reader::Reader;
use super::{Malformed, Question};
use crate::v1::claim::Predicate as Said;
use crate::{Form, form, v1};

impl Question for v1::VerifyAttributesRequest {
    type Asked = Verification;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Verification, Malformed> {
        let mut reader = Reader::new(this_year);
        let claims = reader.claims(&self.claims);
        let disclosure = reader.disclosure(self.disclosure);
        let request = reader.request(self.context.as_ref(), self.subject.as_ref());
        let mask: FieldSet = claims.iter().map(|claim| claim.predicate.field()).collect();
        reader.finish(request.map(|request| Verification {
            request: Arc::new(exchange::Request { mask, ..request }),
            claims,
            disclosure,
        }))
    }
}

impl From<Verification> for Malformed {
    fn from(verification: Verification) -> Self {
        Arc::unwrap_or_clone(verification.request).into()
    }
}

impl From<Verdict> for v1::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Match => Self::Match,
            Verdict::NoMatch => Self::NoMatch,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

impl Reader {
    /// The claims that can be read; what is wrong with the others is noted.
    fn claims(&mut self, claims: &[v1::Claim]) -> Vec<Claim> {
        if !(1..=Verification::MAX_CLAIMS).contains(&claims.len()) {
            let what = format!("has one to {} claims", Verification::MAX_CLAIMS);
            self.violation("claims", Reason::InvalidArgument, what);
            return Vec::new();
        }
        let mut seen = HashSet::new();
        let read = claims.iter().enumerate().map(|(place, claim)| {
            let at = format!("claims[{place}]");
            let id = self.claim_id(&at, &claim.claim_id, &mut seen);
            let predicate = self.predicate(&at, claim.predicate.as_ref());
            Some(Claim {
                id: id?,
                predicate: predicate?,
            })
        });
        read.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn claim_id<'a>(
        &mut self,
        at: &str,
        text: &'a str,
        seen: &mut HashSet<&'a str>,
    ) -> Option<ClaimId> {
        let path = format!("{at}.claim_id");
        if !seen.insert(text) {
            self.violation(path, Reason::InvalidArgument, "stands twice");
            return None;
        }
        let id = ClaimId::parse(text);
        id.map_err(|v| self.violation(path, Reason::InvalidArgument, v))
            .ok()
    }

    fn predicate(&mut self, at: &str, said: Option<&Said>) -> Option<Predicate> {
        match said {
            Some(Said::Equals(claim)) => self.equals(at, claim),
            Some(Said::AgeAtLeast(claim)) => self.age(at, claim.years),
            Some(Said::IsAlive(_)) => Some(Predicate::IsAlive),
            Some(Said::Relation(claim)) => self.relation(at, claim),
            Some(Said::Status(claim)) => self.status(at, claim.status),
            None => self.wrong(at, "", "says nothing"),
        }
    }

    fn equals(&mut self, at: &str, claim: &v1::EqualsClaim) -> Option<Predicate> {
        let field = self.field(at, &claim.path);
        let mode = self.mode(at, claim.mode);
        let (field, form) = field?;
        let value = self.given(at, form, &claim.value);
        if mode == Some(MatchMode::NoDiacritics) && !matches!(form, Form::Text | Form::Name) {
            let what = "NO_DIACRITICS is for texts and names";
            return self.wrong(at, ".equals.mode", what);
        }
        Some(Predicate::Equals {
            field,
            value: value?,
            mode: mode?,
        })
    }

    fn field(&mut self, at: &str, path: &str) -> Option<(Field, Form)> {
        let Some(field) = Field::from_path(path) else {
            let what = "is no field of the catalogue; ListFields has them all";
            let path = format!("{at}.equals.path");
            self.violation(path, Reason::UnknownFieldPath, what);
            return None;
        };
        let form = form(field);
        if form.is_none() {
            let what = "holds more than one value, and cannot be compared";
            return self.wrong(at, ".equals.path", what);
        }
        Some((field, form?))
    }

    fn given(&mut self, at: &str, form: Form, text: &str) -> Option<Given> {
        let value = match form {
            Form::Text => normalise(text).map(Given::Text).map_err(|v| v.to_string()),
            Form::Name => normalise(text).map(Given::Name).map_err(|v| v.to_string()),
            Form::Date => PartialDate::parse(text)
                .map(Given::Date)
                .ok_or_else(|| "is no date, such as 1999-01-31, 1999-01 or 1999".to_owned()),
            Form::Code => code(text).ok_or_else(|| "is no code, as list:code".to_owned()),
            Form::Choice(read) => read(text)
                .filter(|number| *number != 0)
                .map(Given::Choice)
                .ok_or_else(|| "is no value of the field's enum".to_owned()),
        };
        value
            .map_err(|what| self.wrong::<()>(at, ".equals.value", &what))
            .ok()
    }

    fn mode(&mut self, at: &str, number: i32) -> Option<MatchMode> {
        match v1::MatchMode::try_from(number) {
            Ok(v1::MatchMode::Unspecified | v1::MatchMode::Normalized) => {
                Some(MatchMode::Normalized)
            }
            Ok(v1::MatchMode::Exact) => Some(MatchMode::Exact),
            Ok(v1::MatchMode::NoDiacritics) => Some(MatchMode::NoDiacritics),
            Err(_) => self.wrong(at, ".equals.mode", "is unknown"),
        }
    }

    fn age(&mut self, at: &str, years: i32) -> Option<Predicate> {
        match u8::try_from(years) {
            Ok(years @ 1..=150) => Some(Predicate::AgeAtLeast(years)),
            _ => self.wrong(at, ".age_at_least.years", "must be 1 to 150"),
        }
    }

    fn relation(&mut self, at: &str, claim: &v1::RelationClaim) -> Option<Predicate> {
        let kind = match v1::RelationKind::try_from(claim.relation) {
            Ok(v1::RelationKind::Father) => Some(RelationKind::Father),
            Ok(v1::RelationKind::Mother) => Some(RelationKind::Mother),
            Ok(v1::RelationKind::Spouse) => Some(RelationKind::Spouse),
            Ok(v1::RelationKind::Representative) => Some(RelationKind::Representative),
            Ok(v1::RelationKind::HouseholdHead) => Some(RelationKind::HouseholdHead),
            Ok(v1::RelationKind::Unspecified) | Err(_) => {
                self.wrong(at, ".relation.relation", "is required, and of the enum")
            }
        };
        let path = format!("{at}.relation.other");
        let Subject { identifier, hints } = self.subject_at(&path, claim.other.as_ref())?;
        if !matches!(identifier, Identifier::Personal(_) | Identifier::Legacy(_)) {
            let what = "is given by personal id or identity-card number";
            return self.wrong(at, ".relation.other", what);
        }
        Some(Predicate::Relation {
            kind: kind?,
            other: identifier,
            name: hints.full_name.map(OtherName),
        })
    }

    fn status(&mut self, at: &str, number: i32) -> Option<Predicate> {
        let status = match v1::StatusKind::try_from(number) {
            Ok(v1::StatusKind::HealthInsured) => StatusKind::HealthInsured,
            Ok(v1::StatusKind::TaxRegistered) => StatusKind::TaxRegistered,
            Ok(v1::StatusKind::Married) => StatusKind::Married,
            Ok(v1::StatusKind::Unspecified) | Err(_) => {
                return self.wrong(at, ".status.status", "is required, and of the enum");
            }
        };
        Some(Predicate::Status(status))
    }

    fn disclosure(&mut self, number: i32) -> Disclosure {
        match v1::DisclosureLevel::try_from(number) {
            Ok(v1::DisclosureLevel::Unspecified | v1::DisclosureLevel::AllOrNothing) => {
                Disclosure::AllOrNothing
            }
            Ok(v1::DisclosureLevel::PerClaim) => Disclosure::PerClaim,
            Err(_) => {
                self.violation("disclosure", Reason::InvalidArgument, "is unknown");
                Disclosure::AllOrNothing
            }
        }
    }

    fn wrong<T>(&mut self, at: &str, below: &str, what: &str) -> Option<T> {
        self.violation(format!("{at}{below}"), Reason::InvalidArgument, what);
        None
    }
}

/// `121-TCTK/PPCD-1979:01`: a code means nothing without its list.
fn code(text: &str) -> Option<Given> {
    let (list, code) = text.rsplit_once(':')?;
    let is_word =
        |text: &str| (1..=64).contains(&text.len()) && !text.chars().any(exchange::forges);
    (is_word(list) && is_word(code)).then(|| Given::Code {
        list: list.to_owned(),
        code: code.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equals(id: &str, path: &str, value: &str, mode: v1::MatchMode) -> v1::Claim {
        claim(
            id,
            Said::Equals(v1::EqualsClaim {
                path: path.into(),
                value: value.into(),
                mode: mode.into(),
            }),
        )
    }

    fn claim(id: &str, said: Said) -> v1::Claim {
        v1::Claim {
            claim_id: id.into(),
            predicate: Some(said),
        }
    }

    fn question(claims: Vec<v1::Claim>) -> v1::VerifyAttributesRequest {
        v1::VerifyAttributesRequest {
            context: Some(v1::CallContext {
                request_id: "0190163d-8694-739b-aea5-966c26f8ad91".into(),
                purpose_code: "P".into(),
                ..Default::default()
            }),
            subject: Some(v1::SubjectRef {
                id: Some(v1::subject_ref::Id::PersonalId("999099000001".into())),
                hints: None,
            }),
            claims,
            disclosure: 0,
        }
    }

    #[test]
    fn the_mask_is_what_the_claims_rest_on() {
        let read = question(vec![
            equals("a", "tax.taxpayer_name", "A", v1::MatchMode::Exact),
            equals(
                "b",
                "population.sex",
                "SEX_MALE",
                v1::MatchMode::Unspecified,
            ),
            claim("c", Said::AgeAtLeast(v1::AgeAtLeastClaim { years: 18 })),
            claim("d", Said::IsAlive(v1::IsAliveClaim {})),
        ]);
        let read = read.read(2026).unwrap();
        let fields = [
            Field::PopulationSex,
            Field::PopulationBirthDate,
            Field::PopulationDeath,
            Field::TaxTaxpayerName,
        ];
        assert_eq!(read.mask, FieldSet::from_iter(fields));
        assert_eq!(read.claims.len(), 4);
        assert_eq!(read.disclosure, Disclosure::AllOrNothing);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_and_no_value_repeated() {
        let mode = v1::MatchMode::Unspecified;
        let none = v1::MatchMode::NoDiacritics;
        let message = v1::VerifyAttributesRequest {
            disclosure: 9,
            ..question(vec![
                equals("a", "population.moon", "secret", mode),
                equals("a", "population.father", "secret", mode),
                equals("b", "population.birth_date", "secret", none),
                equals("c c", "population.sex", "secret", mode),
                equals("d", "population.ethnicity", "secret", mode),
                claim("e", Said::AgeAtLeast(v1::AgeAtLeastClaim { years: 0 })),
                claim("f", Said::Relation(v1::RelationClaim::default())),
                v1::Claim::default(),
            ])
        };
        let wrong = message.read(2026).unwrap_err().violations;
        let paths: Vec<_> = wrong.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(
            paths,
            [
                "claims[0].equals.path",
                "claims[1].claim_id",
                "claims[1].equals.path",
                "claims[2].equals.value",
                "claims[2].equals.mode",
                "claims[3].claim_id",
                "claims[3].equals.value",
                "claims[4].equals.value",
                "claims[5].age_at_least.years",
                "claims[6].relation.relation",
                "claims[6].relation.other",
                "claims[7].claim_id",
                "claims[7]",
                "disclosure",
            ]
        );
        assert!(wrong.iter().all(|v| !v.description.contains("secret")));
    }

    #[test]
    fn there_are_one_to_eight_claims() {
        let alive = |n: usize| claim(&format!("c{n}"), Said::IsAlive(v1::IsAliveClaim {}));
        for (count, fits) in [(0, false), (1, true), (8, true), (9, false)] {
            let read = question((0..count).map(alive).collect()).read(2026);
            assert_eq!(read.is_ok(), fits, "{count}");
        }
    }

    #[test]
    fn a_code_stands_behind_its_list() {
        let value = Given::Code {
            list: "121-TCTK/PPCD-1979".into(),
            code: "01".into(),
        };
        assert_eq!(code("121-TCTK/PPCD-1979:01"), Some(value));
        assert_eq!(code("01"), None);
        assert_eq!(code(":01"), None);
    }
}
