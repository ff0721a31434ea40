//! What an operator stops and resumes, and how it is spelt: in instructions, records and answers.
//!
//! Not here: what is stopped at a time (crate `gate`), and where that is kept (crate `evidence`).

use std::fmt;

use crate::{AgencyCode, PurposeCode, Source, SystemId};

/// Something that an operator can stop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Switch {
    /// An agency with all its systems, as a caller: `agency:H55`.
    Agency(AgencyCode),
    /// One system of an agency, as a caller: `system:H55/one-stop-desk`.
    System(AgencyCode, SystemId),
    /// A source, which is asked nothing: `source:tax`.
    Source(Source),
    /// A purpose, for which nobody asks: `purpose:ONE_STOP_DESK`.
    Purpose(PurposeCode),
}

impl Switch {
    /// Reads what [`Switch`] shows as; none for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        match kind {
            AGENCY => AgencyCode::parse(name).map(Self::Agency),
            SYSTEM => {
                let (agency, system) = name.split_once('/')?;
                let agency = AgencyCode::parse(agency)?;
                Some(Self::System(agency, SystemId::parse(system)?))
            }
            SOURCE => Source::from_name(name).map(Self::Source),
            PURPOSE => PurposeCode::parse(name).ok().map(Self::Purpose),
            _ => None,
        }
    }

    /// What kind of thing it is, for metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Agency(_) => AGENCY,
            Self::System(..) => SYSTEM,
            Self::Source(_) => SOURCE,
            Self::Purpose(_) => PURPOSE,
        }
    }

    /// Every kind.
    pub const KINDS: [&'static str; 4] = [AGENCY, SYSTEM, SOURCE, PURPOSE];
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind())?;
        match self {
            Self::Agency(agency) => agency.fmt(f),
            Self::System(agency, system) => write!(f, "{agency}/{system}"),
            Self::Source(source) => source.fmt(f),
            Self::Purpose(purpose) => purpose.fmt(f),
        }
    }
}

const AGENCY: &str = "agency";
const SYSTEM: &str = "system";
const SOURCE: &str = "source";
const PURPOSE: &str = "purpose";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_reads_back_as_it_is_shown() {
        let all = [
            "agency:H55",
            "system:H55/one-stop-desk",
            "source:civil_status",
            "purpose:ONE_STOP_DESK",
            "purpose:a:b/c",
        ];
        for text in all {
            assert_eq!(Switch::parse(text).unwrap().to_string(), text);
        }
        let kinds = all.map(|text| Switch::parse(text).unwrap().kind());
        assert_eq!(kinds[..4], Switch::KINDS);
    }

    #[test]
    fn what_names_nothing_that_can_be_stopped_is_none() {
        for text in [
            "",
            "H55",
            "agency:",
            "agency:a b",
            "agency:a/b",
            "system:H55",
            "system:H55/",
            "source:land",
            "source:TAX",
            "purpose:",
            "purpose:a b",
            "officer:CB-1",
            "Agency:H55",
        ] {
            assert_eq!(Switch::parse(text), None, "{text}");
        }
    }
}
