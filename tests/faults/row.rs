//! What every row of the fault matrix asserts beside its own: the gateway lives and has not grown,
//! other callers are answered in time, each question has its one record that says what its answer said,
//! a failure is told with its reason and its id, and no person stands in a log, a metric or a span.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use exchange::{CitizenId, RequestId, Source};
use serde_json::Value;
use sim::World;
use tests::vitals::{Before, recorded};
use tests::{Beside, Receiver, Rest, RestAnswer, Sandbox, everything, question, records};
use toml::Table;

/// A gateway beside a sandbox, from before it is disturbed until after.
pub(crate) struct Row {
    pub(crate) gateway: Beside,
    pub(crate) caller: Caller,
    spans: Receiver,
    before: Before,
}

/// Somebody of whom it is known what they asked.
#[derive(Clone)]
pub(crate) struct Caller {
    rest: Rest,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A question that was admitted, and the state of each source that was told.
struct Asked {
    request: String,
    person: String,
    told: Vec<(String, String)>,
}

impl Row {
    /// Starts a gateway that opens its connections and sessions, and has another caller ask all sources
    /// but those that are to be disturbed.
    pub(crate) async fn begin(
        sandbox: &Sandbox,
        name: &str,
        disturbed: &[Source],
        change: impl FnOnce(&mut Table),
    ) -> Self {
        let spans = Receiver::default();
        let gateway = Beside::traced(sandbox, name, &spans.start().await, change);
        let caller = Caller {
            rest: gateway.caller(sandbox, "commune"),
            asked: Arc::default(),
        };
        caller.ask(KNOWN, 10).await;
        // The gateway of the sandbox is disturbed by nobody, and has the same agencies.
        let (here, quiet) = (caller.rest.anew(), Rest::new(sandbox, "commune"));
        Self {
            before: Before::disturbed(gateway.pid(), here, quiet, disturbed).await,
            gateway,
            caller,
            spans,
        }
    }

    /// Another caller at the same gateway.
    pub(crate) fn other(&self, sandbox: &Sandbox, name: &str) -> Caller {
        Caller {
            rest: self.gateway.caller(sandbox, name),
            asked: Arc::clone(&self.caller.asked),
        }
    }

    /// Asserts all of it.
    pub(crate) async fn ends(self) {
        self.ends_with(0..=0).await;
    }

    /// Asserts all of it, with so many records of questions whose answer nobody was told.
    pub(crate) async fn ends_with(mut self, untold: RangeInclusive<usize>) {
        assert!(self.gateway.runs(), "it has ended");
        let others = self.before.has_survived().await;
        let asked = std::mem::take(&mut *self.caller.asked.lock().unwrap());
        let verified = self.gateway.verify();
        assert_eq!(verified.code, 0, "{}", verified.err);
        let (told, made) = (asked.len() + others, recorded(&verified, "ACCESS"));
        let rest = usize::try_from(made).unwrap().checked_sub(told);
        let is_so = rest.is_some_and(|rest| untold.contains(&rest));
        assert!(is_so, "{made} records of {told} questions");
        are_recorded(&self.gateway, &asked);

        self.spans.wait_for("record", asked.len()).await;
        let metrics = self.gateway.operator().get("/metrics").await.unwrap();
        let persons: BTreeSet<&str> = asked.iter().map(|it| &*it.person).collect();
        shows_nobody("log", &self.gateway.logged(), &persons);
        shows_nobody("metrics", &metrics.text, &persons);
        shows_nobody("spans", &format!("{:?}", self.spans.spans()), &persons);
    }
}

impl Caller {
    /// Asks for everything about a citizen, and waits that many seconds at most.
    pub(crate) async fn ask(&self, id: &str, wait: u32) -> RestAnswer {
        let question = question(id, "ONE_STOP_DESK", &everything());
        self.put(&question, wait).await
    }

    /// Puts a question that is admitted, and waits that many seconds at most.
    pub(crate) async fn put(&self, question: &Value, wait: u32) -> RestAnswer {
        let wait = format!("wait={wait}");
        let headers = [("prefer", wait.as_str())];
        let path = "/v1/citizens:lookup";
        let answer = self.rest.post(path, question.to_string(), &headers).await;
        let answer = answer.unwrap();
        let request = &question["context"]["requestId"];
        let person = &question["subject"]["personalId"];
        self.was_told(request, person, told(answer.status, &answer.json()));
        answer
    }

    /// Has been told that of a question which was put for them.
    pub(crate) fn got(&self, request: &Value, person: &str, answer: &Value) {
        self.was_told(request, &person.into(), told(200, answer));
    }

    fn was_told(&self, request: &Value, person: &Value, told: Vec<(String, String)>) {
        let asked = Asked {
            request: request.as_str().unwrap().to_owned(),
            person: person.as_str().unwrap().to_owned(),
            told,
        };
        self.asked.lock().unwrap().push(asked);
    }
}

/// The state of each source in an answer, as a record spells them. A call that failed says of whom it
/// is, and by which id to ask for it.
fn told(status: u16, answer: &Value) -> Vec<(String, String)> {
    let without = |text: &Value, prefix| text.as_str().unwrap().replacen(prefix, "", 1);
    if status == 200 {
        let sources = answer["sources"].as_array().unwrap().iter();
        let told = sources.map(|it| {
            let source = without(&it["source"], "SOURCE_");
            (source, without(&it["state"], "SOURCE_STATE_"))
        });
        return told.collect();
    }
    assert!(answer["reason"].is_string(), "{answer}");
    assert_eq!(answer["domain"], "lienthong", "{answer}");
    let id = answer["requestId"].as_str().unwrap_or_default();
    assert!(RequestId::parse(id).is_some(), "{answer}");
    let sources = Source::ALL.iter().filter_map(|source| {
        let state = answer["metadata"][source.name()].as_str()?;
        Some((source.name().to_uppercase(), state.to_owned()))
    });
    sources.collect()
}

/// Each question has one record, with the states that were told.
fn are_recorded(gateway: &Beside, asked: &[Asked]) {
    let records = records(gateway.log());
    let mut by_request: HashMap<&str, Vec<&Value>> = HashMap::new();
    for (_, record) in &records {
        let request = record["rid"].as_str().unwrap_or_default();
        by_request.entry(request).or_default().push(record);
    }
    for Asked { request, told, .. } in asked {
        let found = by_request.get(&**request).map_or(&[][..], Vec::as_slice);
        let [record] = found else {
            panic!("{request} has not one record: {found:?}");
        };
        let sources = record["src"].as_array().unwrap();
        for (source, state) in told {
            let mut sources = sources.iter();
            let recorded = sources.find(|it| it["s"] == **source);
            let recorded = recorded.map(|it| &it["st"]);
            assert_eq!(recorded, Some(&Value::from(&**state)), "{record}");
        }
    }
}

/// No person that was asked about stands in a place, by number or by name.
fn shows_nobody(place: &str, shown: &str, persons: &BTreeSet<&str>) {
    assert!(!shown.is_empty(), "no {place}");
    let world = World::new(1);
    for person in persons {
        assert!(!shown.contains(person), "a number stands in the {place}");
        let id = CitizenId::from_agency(person).unwrap();
        if let Some(known) = world.person(&id) {
            let name = known.name.full();
            let is_shown = shown.contains(&name) || shown.contains(&name.to_uppercase());
            assert!(!is_shown, "a name stands in the {place}");
        }
    }
}

/// Whom every agency knows.
pub(crate) const KNOWN: &str = "999099000001";
