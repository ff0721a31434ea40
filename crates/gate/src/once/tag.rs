//! What makes two questions the same: everything that is said in them, but for what tells one call from
//! another: request id, deadline and trace.
//!
//! More than an agency is told: consent, reason and urgency are those of one question too.
//!
//! *Invariant:* what is said is not kept, only its HMAC-SHA-256 under a key that this process draws.

use std::fmt;

use admission::Permit;
use exchange::{
    CallContext, Caller, CitizenId, Claim, Given, Identifier, IdentifierKind, MatchHints,
    PartialDate, Predicate, Request, Verification,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::Date;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a question is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What the sources hold.
    Record,
    /// Whether claims are so.
    Claims,
    /// Who is behind a number.
    Number,
}

/// Stands for what is said in a question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag([u8; 32]);

impl Tag {
    /// The tag itself.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Bits by which to look for it.
    pub(crate) const fn bits(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
impl From<[u8; 32]> for Tag {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(…)")
    }
}

/// Makes the tags of one process.
pub(crate) struct Tags {
    /// None without randomness: then no two questions are the same.
    key: Option<Hmac<Sha256>>,
}

impl Tags {
    /// Draws the key.
    pub(crate) fn new() -> Self {
        let mut key = Zeroizing::new([0; 64]);
        let drawn = aws_lc_rs::rand::fill(key.as_mut()).ok();
        Self {
            key: drawn.map(|()| Hmac::new((&*key).into())),
        }
    }

    /// The tag of a question that is admitted.
    pub(crate) fn of(
        &self,
        mode: Mode,
        caller: &Caller,
        request: &Request,
        permit: &Permit,
    ) -> Option<Tag> {
        // Whatever is added to these must be told apart as well.
        let Request {
            context,
            subject,
            mask: _,     // what is asked of a source stands in the key
            required: _, // no source is told
            dry_run: _,  // no source is asked
        } = request;
        let CallContext {
            id: _,
            purpose,
            agreement: _, // the permit's is the one that holds
            procedure,
            dossier,
            officer,
            consent,
            criticality: _, // the permit's is the one that holds
            reason,
        } = context;
        let mut said = Said(self.key.clone()?);
        said.put(&[mode as u8, permit.criticality() as u8]);
        said.put(permit.policy_digest());
        said.put(permit.agreement().as_bytes());
        said.put(caller.agency().as_str().as_bytes());
        said.put(caller.system().as_str().as_bytes());
        said.put(purpose.as_str().as_bytes());
        said.put_if(procedure.as_ref().map(|it| it.as_str()));
        said.put_if(dossier.as_ref().map(|it| it.reveal()));
        said.put_if(officer.as_ref().map(|it| it.reveal()));
        said.put_if(consent.as_ref().map(|it| it.reveal()));
        said.put_if(reason.as_ref().map(|it| it.reveal()));
        said.identifier(&subject.identifier);
        let MatchHints {
            full_name,
            birth_date,
        } = &subject.hints;
        said.put_if(full_name.as_deref());
        said.date(*birth_date);
        Some(said.tag())
    }

    /// The tag of claims that are made on a day.
    pub(crate) fn claims(&self, tag: Tag, asked: &Verification, today: Date) -> Option<Tag> {
        let Verification {
            request: _, // what it says stands in the tag
            claims,
            disclosure,
        } = asked;
        let mut said = Said(self.key.clone()?);
        said.put(&tag.0);
        said.put(&[*disclosure as u8]);
        said.put(&today.year().to_le_bytes());
        said.put(&[today.month().unsigned_abs(), today.day().unsigned_abs()]);
        for Claim { id: _, predicate } in claims {
            said.predicate(predicate);
        }
        Some(said.tag())
    }

    /// The tag of a question about somebody else than its number says: whoever is behind that.
    pub(crate) fn about(&self, tag: Tag, subject: &CitizenId) -> Option<Tag> {
        let mut said = Said(self.key.clone()?);
        said.put(&tag.0);
        said.put(subject.reveal().as_bytes());
        Some(said.tag())
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tags(…)")
    }
}

/// What was said so far. Each part has its length before it, so that none runs into the next.
struct Said(Hmac<Sha256>);

impl Said {
    fn put(&mut self, part: &[u8]) {
        self.0.update(&part.len().to_le_bytes());
        self.0.update(part);
    }

    /// What may be left out is not the same as what is empty.
    fn put_if(&mut self, part: Option<&str>) {
        match part {
            Some(part) => self.put(part.as_bytes()),
            None => self.0.update(&usize::MAX.to_le_bytes()),
        }
    }

    fn identifier(&mut self, identifier: &Identifier) {
        let kind: u8 = match identifier.kind() {
            IdentifierKind::Personal => 0,
            IdentifierKind::Legacy => 1,
            IdentifierKind::TaxCode => 2,
            IdentifierKind::InsuranceCode => 3,
        };
        self.put(&[kind]);
        self.put(identifier.reveal().as_bytes());
    }

    fn predicate(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::Equals { field, value, mode } => {
                self.put(&[0, *mode as u8]);
                self.put(field.path().as_bytes());
                self.given(value);
            }
            Predicate::AgeAtLeast(years) => self.put(&[1, *years]),
            Predicate::IsAlive => self.put(&[2]),
            Predicate::Relation { kind, other, name } => {
                self.put(&[3, *kind as u8]);
                self.identifier(other);
                self.put_if(name.as_ref().map(|it| it.0.as_str()));
            }
            Predicate::Status(status) => self.put(&[4, *status as u8]),
        }
    }

    fn given(&mut self, given: &Given) {
        match given {
            Given::Text(text) => self.put_as(0, text),
            Given::Name(name) => self.put_as(1, name),
            Given::Date(date) => {
                self.put(&[2]);
                self.date(Some(*date));
            }
            Given::Code { list, code } => {
                self.put_as(3, list);
                self.put(code.as_bytes());
            }
            Given::Choice(number) => {
                self.put(&[4]);
                self.put(&number.to_le_bytes());
            }
        }
    }

    fn put_as(&mut self, kind: u8, text: &str) {
        self.put(&[kind]);
        self.put(text.as_bytes());
    }

    fn date(&mut self, date: Option<PartialDate>) {
        let Some(date) = date else {
            return self.put_if(None);
        };
        let [high, low] = date.year().to_be_bytes();
        let (month, day) = (date.month().unwrap_or(0), date.day().unwrap_or(0));
        self.put(&[high, low, month, day]);
    }

    fn tag(self) -> Tag {
        Tag(self.0.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use admission::{Admission, Policy};
    use exchange::{
        AgencyCode, ConsentId, Criticality, DossierNo, OfficerId, ProcedureCode, PurposeCode,
        ReasonText, RequestId, SystemClock, SystemId,
    };

    use super::*;
    use crate::tests::{POLICY, named};

    struct Room(Admission, Tags);

    impl Room {
        fn new(policy: &str) -> Self {
            let policy = Policy::parse(policy.as_bytes()).unwrap();
            Self(Admission::new(policy, Arc::new(SystemClock)), Tags::new())
        }

        fn tag(&self, mode: Mode, system: &str, request: &Request) -> Tag {
            let agency = AgencyCode::parse("H55").unwrap();
            let caller = Caller::new(agency, SystemId::parse(system).unwrap(), "ab");
            // No consent is registered here.
            let mut admitted = request.clone();
            admitted.context.consent = None;
            let permit = self.0.admit(&caller, &admitted).unwrap();
            self.1.of(mode, &caller, request, &permit).unwrap()
        }
    }

    fn question() -> Request {
        let asked = named(IdentifierKind::Personal, "999099000001", &["tax.status"]);
        Arc::unwrap_or_clone(asked)
    }

    /// What may differ in a question.
    fn others() -> Vec<Request> {
        let with = |differ: fn(&mut Request)| {
            let mut other = question();
            differ(&mut other);
            other
        };
        vec![
            with(|it| it.context.purpose = PurposeCode::parse("TAX_AUDIT").unwrap()),
            with(|it| it.context.procedure = ProcedureCode::parse("P-1").ok()),
            with(|it| it.context.dossier = DossierNo::parse("P-1").ok()),
            with(|it| it.context.officer = OfficerId::parse("P-1").ok()),
            with(|it| it.context.officer = OfficerId::parse("P-2").ok()),
            with(|it| it.context.consent = ConsentId::parse("P-1").ok()),
            with(|it| it.context.reason = ReasonText::parse("P-1").ok()),
            with(|it| it.context.criticality = Criticality::Bulk),
            with(|it| {
                let other = named(IdentifierKind::Personal, "999099000002", &[]);
                it.subject.identifier = other.subject.identifier.clone();
            }),
            with(|it| {
                let other = named(IdentifierKind::Legacy, "999099000", &[]);
                it.subject.identifier = other.subject.identifier.clone();
            }),
            with(|it| it.subject.hints.full_name = Some("P-1".to_owned())),
            with(|it| it.subject.hints.birth_date = PartialDate::parse("1999")),
            with(|it| it.subject.hints.birth_date = PartialDate::parse("1999-01")),
        ]
    }

    #[test]
    fn a_question_that_is_asked_again_has_the_same_tag() {
        let room = Room::new(POLICY);
        let tag = room.tag(Mode::Record, "desk", &question());
        let again = question();
        assert_ne!(question().context.id, again.context.id);
        assert!(tag == room.tag(Mode::Record, "desk", &again));
        let mut wider = question();
        (wider.context.id, wider.mask) = (RequestId::fresh(), exchange::FieldSet::all());
        assert!(
            tag == room.tag(Mode::Record, "desk", &wider),
            "the key has the fields"
        );
    }

    #[test]
    fn whatever_differs_makes_another_tag() {
        let room = Room::new(POLICY);
        let others = others();
        let mut tags: Vec<_> = others
            .iter()
            .map(|it| room.tag(Mode::Record, "desk", it))
            .collect();
        tags.push(room.tag(Mode::Record, "desk", &question()));
        tags.push(room.tag(Mode::Claims, "desk", &question()));
        tags.push(room.tag(Mode::Number, "desk", &question()));
        tags.push(room.tag(Mode::Record, "kiosk", &question()));
        let policy = format!("{POLICY}\n# another policy");
        let mut other = Room::new(&policy);
        other.1 = room.1;
        tags.push(other.tag(Mode::Record, "desk", &question()));
        let stranger = Room::new(POLICY);
        tags.push(stranger.tag(Mode::Record, "desk", &question()));
        let own = stranger
            .1
            .about(tags[0], &CitizenId::from_agency("999099000001").unwrap());
        tags.extend(own);
        for (place, tag) in tags.iter().enumerate() {
            let same = tags.iter().filter(|it| *it == tag);
            assert_eq!(same.count(), 1, "{place}");
        }
    }
}
