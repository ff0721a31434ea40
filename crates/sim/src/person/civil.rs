//! What the civil-status register holds: births, marriages, deaths, parentage.

use exchange::PartialDate;
use jiff::civil::Date;

use super::{Address, MaritalStatus, Relative, redacted};

/// The civil-status record, but for marriages and death, which stand in [`Person`](super::Person).
#[derive(Clone, PartialEq, Eq)]
pub struct CivilStatus {
    /// Birth registration.
    pub birth: BirthRegistration,
    /// Recognitions of parentage, in which this person is a side.
    pub parentage: Vec<Parentage>,
    /// The certificate of marital status that was issued last.
    pub marital_certificate: Option<MaritalCertificate>,
    /// True for an adopted child: the parents in the book are not those of the population database.
    pub adopted: bool,
}

/// An entry of a civil-status book.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// Number (so).
    pub number: String,
    /// Book (quyenSo).
    pub book: String,
    /// Page (trangSo).
    pub page: String,
    /// Registering office (noiDangKy).
    pub office: String,
    /// Day (ngayDangKy).
    pub date: Date,
    /// Kind (loaiDangKy).
    pub kind: RegistrationKind,
    /// Who signed.
    pub signer: String,
    /// The title of who signed.
    pub signer_title: &'static str,
}

/// How an event came into the register, numbered as on the wire (loaiDangKy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RegistrationKind {
    /// On time.
    OnTime = 1,
    /// Again, after the first entry was lost.
    Again = 2,
    /// Recorded from abroad.
    FromAbroad = 3,
    /// Late.
    Late = 4,
}

/// A birth registration.
#[derive(Clone, PartialEq, Eq)]
pub struct BirthRegistration {
    /// The entry.
    pub registration: Registration,
    /// Which parents are known (loaiKhaiSinh).
    pub kind: BirthKind,
}

/// Which parents a birth registration knows, numbered as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BirthKind {
    /// Both.
    BothKnown = 1,
    /// The father alone.
    MotherUnknown = 2,
    /// The mother alone.
    FatherUnknown = 3,
    /// Neither.
    BothUnknown = 4,
    /// An abandoned child.
    Abandoned = 5,
}

/// A death, with its registration.
#[derive(Clone, PartialEq, Eq)]
pub struct Death {
    /// Day of death.
    pub date: PartialDate,
    /// Hour and minute, `HH:mm`.
    pub time: String,
    /// Place.
    pub place: Address,
    /// Cause, an ICD-10 code: sensitive.
    pub cause: &'static str,
    /// Cause in words.
    pub cause_text: &'static str,
    /// Kind of the notice of death (gbtLoai), 1 to 7.
    pub notice_kind: u8,
    /// The entry in the register.
    pub registration: Registration,
}

/// A marriage.
#[derive(Clone, PartialEq, Eq)]
pub struct Marriage {
    /// The other one.
    pub spouse: Relative,
    /// Where the other one lived at registration.
    pub spouse_residence: Address,
    /// The entry in the register, the marriage certificate.
    pub registration: Registration,
    /// How it ended, if it did.
    pub end: Option<MarriageEnd>,
}

/// The end of a marriage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MarriageEnd {
    /// Day.
    pub on: Date,
    /// How.
    pub kind: MarriageEndKind,
}

/// How a marriage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarriageEndKind {
    /// By divorce.
    Divorce,
    /// By death.
    Death,
}

/// A recognition of parentage.
#[derive(Clone, PartialEq, Eq)]
pub struct Parentage {
    /// Who recognised whom.
    pub kind: ParentageKind,
    /// The other side.
    pub other: Relative,
    /// The entry in the register.
    pub registration: Registration,
}

/// Who recognises whom, numbered as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ParentageKind {
    /// A father his child.
    FatherOfChild = 1,
    /// A mother her child.
    MotherOfChild = 2,
    /// A child its father.
    ChildOfFather = 3,
    /// A child its mother.
    ChildOfMother = 4,
}

/// A certificate of marital status.
#[derive(Clone, PartialEq, Eq)]
pub struct MaritalCertificate {
    /// The entry.
    pub registration: Registration,
    /// The status it certifies.
    pub status: MaritalStatus,
    /// What for, 1 to 5 on the wire.
    pub purpose: u8,
    /// First day of the residence it covers.
    pub residence_from: Date,
    /// Last day of the residence it covers.
    pub residence_to: Date,
}

redacted!(
    CivilStatus,
    Registration,
    BirthRegistration,
    Death,
    Marriage,
    MarriageEnd,
    Parentage,
    MaritalCertificate,
);
