//! Tokens of pages, at a time of the tests' own.

use exchange::{AgencyCode, Identifier, IdentifierKind, OfficerId, RequestId, SystemId};
use jiff::Timestamp;

use super::*;

const NOW: u64 = 1_771_234_567_890;
const DAY_S: u32 = 24 * 3600;
const PLACE: Position = Position {
    ts: NOW - 5,
    log: -3,
    seq: u64::MAX,
};

fn key(byte: u8) -> PageKey {
    PageKey::of(&Secret::new(&[byte; 32]), DAY_S).unwrap()
}

fn caller(agency: &str, system: &str, fingerprint: &str) -> Caller {
    let agency = AgencyCode::parse(agency).unwrap();
    Caller::new(agency, SystemId::parse(system).unwrap(), fingerprint)
}

fn subject(number: &str) -> Option<Identifier> {
    Identifier::parse(IdentifierKind::Personal, number, 2026).ok()
}

/// Every condition is given.
fn query() -> Query {
    Query {
        subject: subject("999099000001"),
        agency: AgencyCode::parse("H55"),
        officer: OfficerId::parse("CB-17").ok(),
        request: RequestId::parse("0190163d-8694-739b-aea5-966c26f8ad91"),
        from: Timestamp::from_second(1).ok(),
        until: Timestamp::from_second(2).ok(),
        after: None,
        skip: 0,
        limit: 50,
    }
}

fn page<'a>(caller: &'a Caller, query: &'a Query) -> Page<'a> {
    let list = "SEARCH";
    Page {
        caller,
        list,
        query,
    }
}

#[test]
fn a_token_leads_back_to_its_place_for_the_same_page_under_another_certificate_and_length() {
    let (query, shorter) = (query(), query());
    let shorter = Query {
        limit: 2,
        after: Some(PLACE),
        ..shorter
    };
    let (before, renewed) = (caller("G1", "s", "aa"), caller("G1", "s", "bb"));
    let token = key(1).seal(&page(&before, &query), PLACE, NOW).unwrap();
    let opened = key(1).open(&page(&renewed, &shorter), &token, NOW + 1);
    assert_eq!(opened, Some(PLACE), "another node has the same key");
    let again = key(1).seal(&page(&before, &query), PLACE, NOW).unwrap();
    assert_ne!(again, token, "two tokens of one place are not told to be");
}

#[test]
fn a_token_opens_for_no_other_caller_condition_or_kind_of_list_and_under_no_other_key() {
    let (own, query) = (caller("G1", "s", "aa"), query());
    let token = key(1).seal(&page(&own, &query), PLACE, NOW).unwrap();
    let opens = |key: &PageKey, page: &Page<'_>| key.open(page, &token, NOW).is_some();
    for other in [caller("G2", "s", "aa"), caller("G1", "t", "aa")] {
        assert!(!opens(&key(1), &page(&other, &query)), "{other:?}");
    }
    let list = Page {
        list: "ACCESS_LIST",
        ..page(&own, &query)
    };
    assert!(!opens(&key(1), &list));
    assert!(!opens(&key(2), &page(&own, &query)));
    let others = [
        Query {
            subject: None,
            ..query.clone()
        },
        Query {
            subject: subject("999099000002"),
            ..query.clone()
        },
        Query {
            agency: AgencyCode::parse("H56"),
            ..query.clone()
        },
        Query {
            officer: OfficerId::parse("CB-18").ok(),
            ..query.clone()
        },
        Query {
            request: None,
            ..query.clone()
        },
        Query {
            from: None,
            ..query.clone()
        },
        Query {
            from: None,
            until: query.from,
            ..query.clone()
        },
        Query {
            until: Timestamp::from_nanosecond(2_000_000_001).ok(),
            ..query.clone()
        },
    ];
    for other in others {
        assert!(!opens(&key(1), &page(&own, &other)), "{other:?}");
    }
    assert!(opens(&key(1), &page(&own, &query)));
}

#[test]
fn no_part_of_a_label_passes_for_another() {
    let own = caller("G1", "s", "aa");
    let agency = Query {
        agency: AgencyCode::parse("H55"),
        ..Query::default()
    };
    let officer = Query {
        officer: OfficerId::parse("H55").ok(),
        ..Query::default()
    };
    let label = |query: &Query| page(&own, query).label().to_vec();
    assert_ne!(label(&agency), label(&officer));
}

#[test]
fn a_token_is_good_for_its_day() {
    let (own, query) = (caller("G1", "s", "aa"), query());
    let token = key(1).seal(&page(&own, &query), PLACE, NOW).unwrap();
    let open = |now| key(1).open(&page(&own, &query), &token, now);
    let day = u64::from(DAY_S) * 1_000;
    assert_eq!(open(NOW + day - 1), Some(PLACE));
    assert_eq!(open(NOW + day), None);
    assert_eq!(
        open(NOW - 100),
        Some(PLACE),
        "made by a clock a little ahead"
    );
}

#[test]
fn a_token_that_was_changed_anywhere_does_not_open() {
    let (own, query) = (caller("G1", "s", "aa"), query());
    let token = key(1).seal(&page(&own, &query), PLACE, NOW).unwrap();
    for at in 0..PageToken::LEN {
        let mut changed = *token.bytes();
        changed[at] ^= 1;
        let opened = key(1).open(&page(&own, &query), &PageToken::new(changed), NOW);
        assert_eq!(opened, None, "byte {at}");
    }
}
