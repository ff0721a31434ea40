//! The check that an answer is about the person asked for.

use exchange::CitizenId;

use crate::Miss;

/// That the record is about the person asked for, and whether the number asked for is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The record is held under the number asked for.
    Current,
    /// The record is held under another number, and names the one asked for as superseded.
    Superseded,
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
    if replaced && CitizenId::from_agency(held).is_some() {
        Ok(Confirmed::Superseded)
    } else {
        Err(Miss::wrong_subject())
    }
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
            Confirmed::Superseded
        );
        assert!(confirm(&asked, "999099123456", []).is_err());
        assert!(confirm(&asked, "", previous).is_err());
    }
}
