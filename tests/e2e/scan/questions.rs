//! What is asked while the record grows: lookups, also by old numbers and such that are refused; searches,
//! lists and erasures. Each returns what must be nowhere afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tests::{Rest, Sandbox, everything, question};
use tokio::task::JoinSet;

use super::words::Words;

const LOOK_UP: &str = "/v1/citizens:lookup";
const RESOLVE: &str = "/v1/citizens:resolve";
const SEARCH: &str = "/v1/audit/records:search";
const LIST: &str = "/v1/dataSubjects/accesses:list";
const ERASE: &str = "/v1/audit/subjects:erase";
const CALLERS: u32 = 16;
/// One lookup in so many asks every source, and then by every old number that came back.
const WHOLE: u32 = 20;
/// One in so many is followed by one that is refused.
const REFUSED: u32 = 25;

/// What was asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) words: Words,
    /// How many questions were by an old number.
    pub(super) old: u32,
    /// How many were refused.
    pub(super) refused: u32,
}

impl Asked {
    fn extend(&mut self, other: Self) {
        self.words.0.extend(other.words.0);
        self.old += other.old;
        self.refused += other.refused;
    }
}

/// The id of a citizen who is no persona.
fn citizen(number: u32) -> String {
    format!(
        "999{}{:02}{:06}",
        number % 2,
        number % 80 + 10,
        1_000 + number
    )
}

fn officer(number: u32) -> String {
    format!("Nguyễn Văn Cán Bộ {number}")
}

/// Asks so many times, many at a time, while the record is searched so often.
pub(super) async fn ask(sandbox: &Sandbox, lookups: u32, rounds: u32) -> Asked {
    let rest = Rest::new(sandbox, "commune");
    let next = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (rest, next) = (rest.clone(), Arc::clone(&next));
        callers.spawn(async move {
            let mut asked = Asked::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= lookups {
                    return asked;
                }
                asked.extend(look_up(&rest, number).await);
            }
        });
    }
    let readers = Readers {
        auditor: Rest::new(sandbox, "auditor"),
        portal: Rest::new(sandbox, "portal"),
    };
    let mut asked = Asked::default();
    for round in 0..rounds {
        let about = round * lookups / rounds;
        let found = readers.look(round, about, lookups + round).await;
        asked.words.0.extend(found.0);
    }
    while let Some(by_one) = callers.join_next().await {
        asked.extend(by_one.unwrap());
    }
    asked
}

async fn look_up(rest: &Rest, number: u32) -> Asked {
    let id = citizen(number);
    let is_whole = number.is_multiple_of(WHOLE);
    let mask = if is_whole {
        everything()
    } else {
        "tax.taxCode,tax.taxpayerName".to_owned()
    };
    let dossier = format!("H55.{number:06}-261123-{number:04}");
    let mut body = question(&id, "ONE_STOP_DESK", &mask);
    body["context"]["officerId"] = officer(number).into();
    body["context"]["dossierNo"] = dossier.clone().into();
    let answer = post(rest, LOOK_UP, &body, &[200, 404]).await;
    let mut asked = Asked::default();
    asked.words.0.extend([id, officer(number), dossier]);
    asked.words.add(&answer["citizen"], "");
    if is_whole {
        let by_old = by_old_numbers(rest, &body, &answer["citizen"]["population"]).await;
        asked.extend(by_old);
    }
    if number.is_multiple_of(REFUSED) {
        asked.words.0.extend(refused(rest, number).await);
        asked.refused += 1;
    }
    asked
}

/// The same question by every number that the person has had before.
async fn by_old_numbers(rest: &Rest, body: &Value, person: &Value) -> Asked {
    let mut asked = Asked::default();
    for (kind, key) in [("legacyIds", "legacyId"), ("previousIds", "personalId")] {
        for number in person[kind].as_array().into_iter().flatten() {
            for path in [LOOK_UP, RESOLVE] {
                let mut body = body.clone();
                body["context"]["requestId"] = exchange::RequestId::fresh().to_string().into();
                body["subject"] = json!({ key: number });
                match path {
                    LOOK_UP => body["readMask"] = "tax.taxCode,tax.taxpayerName".into(),
                    _ => drop(body.as_object_mut().unwrap().remove("readMask")),
                }
                // Of a number that several have had, nobody is told.
                let answer = post(rest, path, &body, &[200, 404, 409]).await;
                asked.words.add(&answer["citizen"], "");
                asked.words.add(&answer["currentPersonalId"], "");
                asked.old += 1;
            }
        }
    }
    asked
}

/// A question that is refused, in one of four ways; whom it was about, and everything else in it.
async fn refused(rest: &Rest, number: u32) -> Vec<String> {
    let id = citizen(900_000 - number);
    let name = format!("Trần Thị Gợi Ý {number}");
    let (officer, reason) = (
        format!("Lê Văn Bị Từ Chối {number}"),
        format!("Theo đơn của ông Phạm Văn Khước {number}"),
    );
    let mut body = question(&id, "ONE_STOP_DESK", "tax.taxCode");
    body["subject"]["hints"] = json!({"fullName": name, "birthDate": {"year": 1990}});
    body["context"]["officerId"] = officer.clone().into();
    body["context"]["reasonText"] = reason.clone().into();
    let claims = [("x-agency-id", "G12")];
    let (status, headers) = match number / REFUSED % 4 {
        0 => {
            body["context"]["purposeCode"] = "BENEFIT_CLAIM".into();
            (403, &[][..])
        }
        1 => {
            body["readMask"] = "tax.moon".into();
            (400, &[][..])
        }
        2 => {
            body["context"]["agreementId"] = "A-103".into();
            (403, &[][..])
        }
        _ => (403, &claims[..]),
    };
    let answer = rest.post(LOOK_UP, body.to_string(), headers).await.unwrap();
    assert_eq!(answer.status, status, "{answer:?}");
    vec![id, name, officer, reason]
}

async fn post(rest: &Rest, path: &str, body: &Value, expected: &[u16]) -> Value {
    let answer = rest.post(path, body.to_string(), &[]).await.unwrap();
    assert!(expected.contains(&answer.status), "{path} {answer:?}");
    answer.json()
}

/// Who looks into the record while it grows.
struct Readers {
    auditor: Rest,
    portal: Rest,
}

impl Readers {
    /// Searches for somebody who was asked about or not, in every way a person or an officer can be
    /// named, and lists that one's accesses, all at once; now and then has them erased.
    async fn look(&self, round: u32, about: u32, nobody: u32) -> Words {
        let (id, unasked) = (citizen(about), citizen(nobody));
        let inspector = format!("Thanh Tra Viên {round}");
        let reason = format!("Đơn của bà Nguyễn Thị Khiếu Nại {round}");
        let context = |purpose: &str| {
            json!({
                "requestId": exchange::RequestId::fresh().to_string(),
                "purposeCode": purpose,
                "officerId": inspector,
                "reasonText": reason,
            })
        };
        let person = |purpose: &str, id: &str| json!({"context": context(purpose), "subject": {"personalId": id}});
        let (auditor, portal) = (&self.auditor, &self.portal);
        let of_officer = json!({"context": context("INSPECTION"), "officerId": officer(about)});
        let calls = [
            (auditor, SEARCH, person("INSPECTION", &id)),
            (auditor, SEARCH, of_officer),
            (portal, LIST, person("SELF_ACCESS", &id)),
            (portal, LIST, person("SELF_ACCESS", &unasked)),
        ];
        let mut reading = JoinSet::new();
        for (rest, path, body) in calls {
            reading.spawn(read(rest.clone(), path, body));
        }
        while let Some(read) = reading.join_next().await {
            read.unwrap();
        }
        if round.is_multiple_of(3) {
            read(auditor.clone(), ERASE, person("INSPECTION", &id)).await;
        }
        Words(BTreeSet::from([
            id,
            unasked,
            inspector,
            reason,
            officer(about),
        ]))
    }
}

async fn read(rest: Rest, path: &'static str, body: Value) {
    // The cores are busy with the lookups, and what they recorded is filed first.
    let wait = [("prefer", "wait=15")];
    let answer = rest.post(path, body.to_string(), &wait).await.unwrap();
    assert_eq!(answer.status, 200, "{path} {answer:?}");
}
