//! The check that an answer is about the person asked for.

use exchange::CitizenId;

use crate::Miss;

/// That the record is about the person asked for, and whether the number asked for is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The record is held under the number asked for.
    Current,
    /// The record is held under this number, and names the one asked for as superseded.
    Superseded(CitizenId),
}

impl Confirmed {
    /// The number in force, if it is another than the one asked for.
    #[must_use]
    pub const fn in_force(self) -> Option<CitizenId> {
        match self {
            Self::Current => None,
            Self::Superseded(id) => Some(id),
        }
    }
}

/// Confirms that a record held under `held`, which replaces `previous`, is about `asked`.
///
/// # Errors
/// A miss if it is about somebody else, or says about nobody.
pub fn confirm<'a>(
    asked: &CitizenId,
    held: &str,
    previous: impl IntoIterator<Item = &'a str>,
) -> Result<Confirmed, Miss> {
    let held = held.trim();
    if held == asked.reveal() {
        return Ok(Confirmed::Current);
    }
    let replaced = previous.into_iter().any(|id| id.trim() == asked.reveal());
    let in_force = CitizenId::from_agency(held).filter(|_| replaced);
    in_force
        .map(Confirmed::Superseded)
        .ok_or_else(Miss::wrong_subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_person_asked_for_passes() {
        let asked = CitizenId::from_agency("999099000004").unwrap();
        let previous = ["999099000004"];
        assert_eq!(
            confirm(&asked, "999099000004", []).unwrap(),
            Confirmed::Current
        );
        assert_eq!(
            confirm(&asked, "999099123456", previous).unwrap(),
            Confirmed::Superseded(CitizenId::from_agency("999099123456").unwrap())
        );
        assert!(confirm(&asked, "999099123456", []).is_err());
        assert!(confirm(&asked, "", previous).is_err());
    }
}
