//! Personas: serials 000000 to 000999, whose behaviour is known beforehand whatever their century
//! and year digits say.
//!
//! Serials below 200 are the personas proper; 200 to 999 are their relatives, four each.

use exchange::{CitizenId, Source};

use crate::FaultKind;

/// A synthetic citizen with a known behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persona {
    serial: u32,
}

/// What is special about the data of a persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// Nothing is missing, nothing contradicts, every list has an item.
    Complete,
    /// Dead.
    Deceased,
    /// A minor with a guardian, if young enough to be one.
    Minor,
    /// The number was replaced by another.
    Superseded,
    /// The old nine-digit number names two people.
    AmbiguousLegacy,
    /// Closed to ordinary questions.
    Sealed,
    /// Only the year of birth is known.
    YearOnlyBirth,
    /// The name holds ơ, ư and đ and travels decomposed (NFD).
    DecomposedName,
    /// Population and civil status disagree about the marriage.
    MarriageDiffers,
    /// Adopted: the books of civil status name the parents by birth, population the others.
    Adopted,
    /// Nothing.
    Plain,
}

impl Persona {
    /// The persona of that id; none for ordinary and for real numbers.
    #[must_use]
    pub fn of(id: &CitizenId) -> Option<Self> {
        let serial = id.serial();
        (id.is_synthetic() && serial < Self::COUNT).then_some(Self { serial })
    }

    /// What is special about its data.
    #[must_use]
    pub const fn data_trait(self) -> Trait {
        match self.serial {
            1 => Trait::Complete,
            2 => Trait::Deceased,
            3 => Trait::Minor,
            4 => Trait::Superseded,
            5 => Trait::AmbiguousLegacy,
            6 => Trait::Sealed,
            7 => Trait::YearOnlyBirth,
            8 => Trait::DecomposedName,
            9 => Trait::MarriageDiffers,
            20 => Trait::Adopted,
            _ => Trait::Plain,
        }
    }

    /// How that source misbehaves when asked about this persona.
    #[must_use]
    pub fn fault(self, source: Source) -> Option<FaultKind> {
        let kind = match self.serial / 10 {
            1 => FaultKind::NotFound,
            10 => FaultKind::Hang,
            11 => FaultKind::ServerError,
            12 => FaultKind::ResetMidBody,
            13 => FaultKind::Garbage,
            14 => FaultKind::WrongPerson,
            15 => FaultKind::SessionExpired,
            16 => FaultKind::Slow,
            17 => FaultKind::RateLimited,
            18 => FaultKind::Maintenance,
            _ => return None,
        };
        (self.serial % 10 == u32::from(source as u8)).then_some(kind)
    }

    /// Serials 000000 to 000999.
    pub(crate) const COUNT: u32 = 1000;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persona(text: &str) -> Option<Persona> {
        Persona::of(&CitizenId::from_agency(text).unwrap())
    }

    #[test]
    fn the_last_digit_names_the_source_that_misbehaves() {
        let hangs = persona("999099000103").unwrap();
        assert_eq!(hangs.fault(Source::CivilStatus), Some(FaultKind::Hang));
        assert_eq!(hangs.fault(Source::Tax), None);
        let maintenance = persona("999185000185").unwrap();
        assert_eq!(
            maintenance.fault(Source::SocialSecurity),
            Some(FaultKind::Maintenance)
        );
    }

    #[test]
    fn the_nine_data_personas_have_no_fault() {
        for serial in 0..10 {
            let persona = persona(&format!("9990990000{serial:02}")).unwrap();
            assert!(Source::ALL.iter().all(|s| persona.fault(*s).is_none()));
        }
    }

    #[test]
    fn ordinary_and_real_numbers_are_no_personas() {
        assert_eq!(persona("999099001000"), None);
        assert_eq!(persona("001099000001"), None);
    }
}
