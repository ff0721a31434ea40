//! Whether what is claimed is what a register holds.
//!
//! Names are one if their `name_key` is: NFC, upper case, single spaces, one kind of apostrophe, tone
//! marks at one place. Without diacritics two names are alike, not one.

use api::{Held, v1};
use exchange::{Given, MatchMode, PartialDate, Verdict, name_hint, name_key};
use jiff::civil::Date;

/// True if a register holds the value.
pub(super) fn equals(held: Held<'_>, given: &Given, mode: MatchMode) -> bool {
    match (held, given) {
        (Held::Text(held), Given::Text(given)) => is_same_text(held, given, mode),
        (Held::Texts(held), Given::Text(given)) => {
            held.iter().any(|held| is_same_text(held, given, mode))
        }
        (Held::Name(held), Given::Name(given)) => is_same_text(&held.full, given, mode),
        (Held::Date(held), Given::Date(given)) => is_same_date(held, *given, mode),
        (Held::Code(held), Given::Code { list, code }) => held.list == *list && held.code == *code,
        (Held::Choice(held), Given::Choice(given)) => held == *given,
        _ => false,
    }
}

fn is_same_text(held: &str, given: &str, mode: MatchMode) -> bool {
    match mode {
        MatchMode::Exact => exchange::normalise(held).is_ok_and(|held| held == given),
        MatchMode::Normalized => name_key(held) == name_key(given),
        MatchMode::NoDiacritics => name_hint(held) == name_hint(given),
    }
}

fn is_same_date(held: v1::PartialDate, given: PartialDate, mode: MatchMode) -> bool {
    date(held).is_some_and(|held| match mode {
        MatchMode::Exact => held == given,
        MatchMode::Normalized | MatchMode::NoDiacritics => held.is_told_by(&given),
    })
}

/// Whether somebody is so many years old. What the register does not know of their birth date leaves
/// it open as long as it matters.
pub(crate) fn is_aged(born: v1::PartialDate, years: u8, today: Date) -> Verdict {
    let Some(born) = date(born) else {
        return Verdict::Unknown;
    };
    let (month, day) = (born.month(), born.day());
    let earliest = (born.year(), month.unwrap_or(1), day.unwrap_or(1));
    let latest = (born.year(), month.unwrap_or(12), day.unwrap_or(31));
    // Who has their birthday on the day has the age.
    let has = |(year, month, day): (i16, u8, u8)| {
        let since = today.month().unsigned_abs() > month
            || (today.month().unsigned_abs() == month && today.day().unsigned_abs() >= day);
        let age = i32::from(today.year()) - i32::from(year) - i32::from(!since);
        age >= i32::from(years)
    };
    match (has(earliest), has(latest)) {
        (true, true) => Verdict::Match,
        (false, _) => Verdict::NoMatch,
        (true, false) => Verdict::Unknown,
    }
}

/// True if a day lies in a period; what is not known of its ends is in favour of it.
pub(super) fn covers(period: v1::Period, day: Date) -> bool {
    let day = (
        day.year(),
        day.month().unsigned_abs(),
        day.day().unsigned_abs(),
    );
    let from = period.from.and_then(date);
    let from = from.map(|it| (it.year(), it.month().unwrap_or(1), it.day().unwrap_or(1)));
    let to = period.to.and_then(date);
    let to = to.map(|it| (it.year(), it.month().unwrap_or(12), it.day().unwrap_or(31)));
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

fn date(date: v1::PartialDate) -> Option<PartialDate> {
    PartialDate::new(date.year, date.month, date.day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    fn named(full: &str) -> v1::PersonName {
        v1::PersonName {
            full: full.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_name_is_compared_as_each_mode_says() {
        use MatchMode::{Exact, NoDiacritics, Normalized};
        let held = named("NGUYỄN THỊ HOÀ");
        let equals =
            |given: &str, mode| equals(Held::Name(&held), &Given::Name(given.to_owned()), mode);
        for (given, modes) in [
            ("NGUYỄN THỊ HOÀ", [true, true, true]),
            ("Nguyễn Thị Hòa", [false, true, true]),
            ("nguyen thi hoa", [false, false, true]),
            ("Nguyễn Thị Hóa", [false, false, true]),
            ("Nguyễn Thị Hoan", [false, false, false]),
        ] {
            let found = [Exact, Normalized, NoDiacritics].map(|mode| equals(given, mode));
            assert_eq!(found, modes, "{given}");
        }
    }

    #[test]
    fn a_date_is_compared_as_each_mode_says() {
        let held = |year, month, day| Held::Date(v1::PartialDate { year, month, day });
        let given = |text| Given::Date(PartialDate::parse(text).unwrap());
        let (exact, normal) = (MatchMode::Exact, MatchMode::Normalized);
        assert!(equals(held(1999, 2, 3), &given("1999-02-03"), exact));
        assert!(!equals(held(1999, 0, 0), &given("1999-02-03"), exact));
        assert!(equals(held(1999, 0, 0), &given("1999-02-03"), normal));
        assert!(
            !equals(held(1999, 2, 3), &given("1999"), normal),
            "the year is no secret"
        );
        assert!(!equals(held(1999, 2, 3), &given("1999-02-04"), normal));
    }

    #[test]
    fn one_of_several_texts_is_enough_and_codes_have_their_list() {
        let texts = ["012345678".to_owned(), "112345678".to_owned()];
        let text = |text: &str| Given::Text(text.to_owned());
        let mode = MatchMode::Normalized;
        assert!(equals(Held::Texts(&texts), &text("112345678"), mode));
        assert!(!equals(Held::Texts(&texts), &text("112345679"), mode));
        let kinh = v1::CodedValue {
            code: "01".to_owned(),
            list: "121-TCTK/PPCD-1979".to_owned(),
        };
        let code = |list: &str| Given::Code {
            list: list.to_owned(),
            code: "01".to_owned(),
        };
        assert!(equals(Held::Code(&kinh), &code("121-TCTK/PPCD-1979"), mode));
        assert!(!equals(Held::Code(&kinh), &code("GSO-2019"), mode));
        assert!(equals(Held::Choice(1), &Given::Choice(1), mode));
        assert!(!equals(Held::Choice(1), &Given::Choice(2), mode));
    }

    #[test]
    fn an_age_is_open_only_as_long_as_what_is_unknown_matters() {
        let born = |year, month, day| v1::PartialDate { year, month, day };
        let aged = |born, today| is_aged(born, 18, today);
        assert_eq!(aged(born(2008, 11, 29), day(2026, 11, 29)), Verdict::Match);
        assert_eq!(
            aged(born(2008, 11, 30), day(2026, 11, 29)),
            Verdict::NoMatch
        );
        assert_eq!(aged(born(2008, 0, 0), day(2026, 11, 29)), Verdict::Unknown);
        assert_eq!(aged(born(2008, 0, 0), day(2026, 12, 31)), Verdict::Match);
        assert_eq!(aged(born(2009, 0, 0), day(2026, 12, 31)), Verdict::NoMatch);
        assert_eq!(aged(born(2008, 11, 0), day(2026, 11, 29)), Verdict::Unknown);
        assert_eq!(aged(born(2008, 10, 0), day(2026, 11, 1)), Verdict::Match);
        assert_eq!(aged(born(2008, 2, 29), day(2026, 2, 28)), Verdict::NoMatch);
        assert_eq!(aged(born(2008, 2, 29), day(2026, 3, 1)), Verdict::Match);
        assert_eq!(aged(born(0, 0, 0), day(2026, 3, 1)), Verdict::Unknown);
    }

    #[test]
    fn a_period_has_both_its_days() {
        let date = |year, month, day| Some(v1::PartialDate { year, month, day });
        let period = v1::Period {
            from: date(2026, 1, 1),
            to: date(2026, 12, 0),
        };
        for (today, lies) in [
            (day(2025, 12, 31), false),
            (day(2026, 1, 1), true),
            (day(2026, 12, 31), true),
            (day(2027, 1, 1), false),
        ] {
            assert_eq!(covers(period, today), lies, "{today}");
        }
        assert!(covers(v1::Period::default(), day(2026, 1, 1)));
    }
}
