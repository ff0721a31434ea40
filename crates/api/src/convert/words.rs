//! Small words: dates, times, sources, states.

use exchange::{FieldInfo, Mask, PartialDate, Sensitivity, Source, SourceState};

use crate::v1;

/// A date as the contract carries it.
#[must_use]
pub fn partial_date(date: PartialDate) -> v1::PartialDate {
    v1::PartialDate {
        year: date.year().into(),
        month: date.month().unwrap_or_default().into(),
        day: date.day().unwrap_or_default().into(),
    }
}

impl From<PartialDate> for v1::PartialDate {
    fn from(date: PartialDate) -> Self {
        partial_date(date)
    }
}

impl From<Source> for v1::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::Population => Self::Population,
            Source::Health => Self::Health,
            Source::CivilStatus => Self::CivilStatus,
            Source::Tax => Self::Tax,
            Source::SocialSecurity => Self::SocialSecurity,
        }
    }
}

impl From<SourceState> for v1::SourceState {
    fn from(state: SourceState) -> Self {
        match state {
            SourceState::Ok => Self::Ok,
            SourceState::NotFound => Self::NotFound,
            SourceState::Ambiguous => Self::Ambiguous,
            SourceState::Withheld => Self::Withheld,
            SourceState::Timeout => Self::Timeout,
            SourceState::Unavailable => Self::Unavailable,
            SourceState::CircuitOpen => Self::CircuitOpen,
            SourceState::RateLimited => Self::RateLimited,
            SourceState::InvalidAnswer => Self::InvalidAnswer,
            SourceState::Skipped => Self::Skipped,
        }
    }
}

impl From<Sensitivity> for v1::Sensitivity {
    fn from(sensitivity: Sensitivity) -> Self {
        match sensitivity {
            Sensitivity::Basic => Self::Basic,
            Sensitivity::Sensitive => Self::Sensitive,
            Sensitivity::Sealed => Self::Sealed,
        }
    }
}

impl From<&FieldInfo> for v1::FieldDescription {
    fn from(info: &FieldInfo) -> Self {
        Self {
            path: info.path.to_owned(),
            source: v1::Source::from(info.source).into(),
            sensitivity: v1::Sensitivity::from(info.sensitivity).into(),
            title_vi: info.title_vi.to_owned(),
            title_en: info.title_en.to_owned(),
            r#type: info.kind.to_owned(),
            unconfirmed: info.unconfirmed,
            authority: v1::Source::from(info.authority).into(),
            mask: info.mask.map_or(v1::Mask::Unspecified, Into::into).into(),
        }
    }
}

impl From<Mask> for v1::Mask {
    fn from(mask: Mask) -> Self {
        match mask {
            Mask::LastFour => Self::LastFour,
            Mask::Year => Self::Year,
            Mask::Province => Self::Province,
        }
    }
}
