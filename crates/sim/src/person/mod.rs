//! One synthetic citizen: every fact that the five agencies hold, in plain structs.
//!
//! Not here: how the facts are computed (`world`), what one agency holds differently
//! ([`World::view`](crate::World::view)), any wire format.
//!
//! *Invariant:* no struct of this folder shows a value in `Debug`.

mod address;
mod civil;
mod health;
mod identity;
mod relative;
mod residence;
mod social;
mod tax;

pub use address::{Address, NewUnits, OldUnits};
pub use civil::{
    BirthKind, BirthRegistration, CivilStatus, Death, MaritalCertificate, Marriage, MarriageEnd,
    MarriageEndKind, Parentage, ParentageKind, Registration, RegistrationKind,
};
pub use health::{
    Allergy, Condition, Encounter, Health, HivRow, Immunisation, Medication, Observation,
    Procedure, Summary, TbRow,
};
pub use identity::{BloodGroup, Card, IdStatus, MaritalStatus, Name, NameForm, PreviousId};
pub use relative::{Relation, Relative, Representative};
pub use residence::{Household, Member, Residence, TemporaryAbsence, TemporaryResidence};
pub use social::{
    Assistance, Benefit, Disability, HealthCard, Participation, Poverty, SocialSecurity, YearMonth,
};
pub use tax::{Dependant, Obligation, PopulationMatch, Tax, TaxOffice, TaxpayerKind};

use std::borrow::Cow;

use exchange::{CitizenId, PartialDate, Sex};
use unicode_normalization::UnicodeNormalization;

/// Hides the values of a struct: `Debug` prints its name alone.
macro_rules! redacted {
    ($($name:ident),+ $(,)?) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        })+
    };
}
pub(crate) use redacted;

/// A synthetic citizen.
#[derive(Clone, PartialEq)]
pub struct Person {
    /// The number in force; under [`IdStatus::Superseded`] not the one that was asked for.
    pub personal_id: CitizenId,
    /// What the number asked for is today.
    pub status: IdStatus,
    /// Numbers that stood for this person before.
    pub previous_ids: Vec<PreviousId>,
    /// Nine-digit numbers of old identity cards (CMND), first issued first.
    pub legacy_ids: Vec<String>,
    /// Name at birth registration.
    pub name: Name,
    /// Other names, as written by the person.
    pub other_names: Vec<String>,
    /// How this person's texts are encoded on every wire.
    pub name_form: NameForm,
    /// Sex as recorded; may disagree with the number in a known discrepancy.
    pub sex: Sex,
    /// Date of birth, of which day or month may be unknown.
    pub birth_date: PartialDate,
    /// Place of birth.
    pub birth_place: Address,
    /// Place where the birth was registered.
    pub birth_registration_place: Address,
    /// Native place (quê quán), inherited from the father.
    pub native_place: Address,
    /// Ethnic group, a code of the list 121-TCTK/PPCĐ of 1979.
    pub ethnicity: &'static str,
    /// Religion, a code of QCVN 109 annex G.
    pub religion: &'static str,
    /// Nationality, ISO 3166 alpha-2.
    pub nationality: &'static str,
    /// Marital status as the register that is read holds it.
    pub marital_status: MaritalStatus,
    /// Marriages, oldest first.
    pub marriages: Vec<Marriage>,
    /// Blood group.
    pub blood_group: BloodGroup,
    /// Where the person lives, is registered and stays.
    pub residence: Residence,
    /// Father.
    pub father: Option<Relative>,
    /// Mother.
    pub mother: Option<Relative>,
    /// The spouse of a marriage that stands.
    pub spouse: Option<Relative>,
    /// Children, oldest first.
    pub children: Vec<Relative>,
    /// Who acts for a minor.
    pub representative: Option<Representative>,
    /// Household.
    pub household: Household,
    /// Identity card, from the age of 14.
    pub card: Option<Card>,
    /// Mobile number.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Death, if dead.
    pub death: Option<Death>,
    /// True for a person whose records are closed to ordinary questions.
    pub sealed: bool,
    /// What the health book holds.
    pub health: Health,
    /// What the civil-status register holds.
    pub civil: CivilStatus,
    /// What the tax register holds.
    pub tax: Tax,
    /// What social security and social assistance hold.
    pub social: SocialSecurity,
}

impl Person {
    /// Encodes a text of this person as it travels: NFC, or NFD for the persona of that trap.
    #[must_use]
    pub fn wire_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.name_form {
            NameForm::Nfc => Cow::Borrowed(text),
            NameForm::Nfd => Cow::Owned(text.nfd().collect()),
        }
    }
}

redacted!(Person);
