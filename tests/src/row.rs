//! What every row of the fault matrix asserts beside its own.
//!
//! The gateway lives and has not grown, other callers are answered in time, each question has its one
//! record that says what its answer said, each refusal is on record or counted there, a failure is told
//! with its reason and its id, no person stands in a log, a metric or a span, and the gateway ends well.
#![expect(
    clippy::indexing_slicing,
    reason = "what is not there in an answer ends the test"
)]

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use aho_corasick::AhoCorasick;
use exchange::{CitizenId, RequestId, Source};
use serde_json::Value;
use sim::World;
use toml::Table;

use crate::vitals::{Before, recorded};
use crate::{Beside, Receiver, Rest, RestAnswer, Sandbox, everything, question, records, verify};

/// A gateway beside a sandbox, from before it is disturbed until after.
#[derive(Debug)]
pub struct Row {
    /// It.
    pub gateway: Beside,
    /// Who asks it.
    pub caller: Caller,
    /// Where its spans go, unless the test has another place for them.
    spans: Option<Receiver>,
    before: Before,
}

/// Somebody of whom it is known what they asked.
#[derive(Clone, Debug)]
pub struct Caller {
    rest: Rest,
    asked: Arc<Mutex<Vec<Asked>>>,
    refused: Arc<AtomicUsize>,
}

/// A question that was admitted, and the state of each source that was told.
#[derive(Debug)]
struct Asked {
    request: String,
    person: String,
    told: Vec<(String, String)>,
}

impl Row {
    /// Starts a gateway that opens its connections and sessions, and has another caller ask all sources
    /// but those that are to be disturbed.
    pub async fn begin(
        sandbox: &Sandbox,
        name: &str,
        disturbed: &[Source],
        change: impl FnOnce(&mut Table),
    ) -> Self {
        let spans = Receiver::default();
        let gateway = Beside::traced(sandbox, name, &spans.start().await, change);
        Self::of(sandbox, gateway, Some(spans), disturbed).await
    }

    /// The same with a gateway that is told by these variables where its spans go, which nobody looks at.
    pub async fn told(
        sandbox: &Sandbox,
        name: &str,
        disturbed: &[Source],
        variables: &[(&str, &str)],
    ) -> Self {
        let gateway = Beside::told(sandbox, name, variables, |_| ());
        Self::of(sandbox, gateway, None, disturbed).await
    }

    async fn of(
        sandbox: &Sandbox,
        gateway: Beside,
        spans: Option<Receiver>,
        disturbed: &[Source],
    ) -> Self {
        let caller = Caller::of(gateway.caller(sandbox, "commune"));
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
    pub fn other(&self, sandbox: &Sandbox, name: &str) -> Caller {
        Caller {
            rest: self.gateway.caller(sandbox, name),
            ..self.caller.clone()
        }
    }

    /// Asserts all of it.
    pub async fn ends(self) -> PathBuf {
        self.ends_with(0..=0).await
    }

    /// Asserts all of it, with so many records of questions whose answer nobody was told. The gateway
    /// ends well then; its log is the result.
    pub async fn ends_with(mut self, untold: RangeInclusive<usize>) -> PathBuf {
        assert!(self.gateway.runs(), "it has ended");
        let others = self.before.has_survived().await;
        let asked = std::mem::take(&mut *self.caller.asked.lock().unwrap());
        if let Some(spans) = &self.spans {
            spans.wait_for("record", asked.len()).await;
        }
        let metrics = self.gateway.operator().get("/metrics").await.unwrap();
        // What was refused and only counted is on record at the end.
        let gateway = self.gateway;
        let ended = tokio::task::spawn_blocking(move || gateway.terminates());
        let (logged, log) = ended.await.unwrap();
        let verified = verify(&log, None);
        assert_eq!(verified.code, 0, "{}", verified.err);
        let (told, made) = (asked.len() + others, recorded(&verified, "ACCESS"));
        let rest = usize::try_from(made).unwrap().checked_sub(told);
        let is_so = rest.is_some_and(|rest| untold.contains(&rest));
        assert!(is_so, "{made} records of {told} questions");
        are_recorded(&log, &asked, self.caller.refused.load(Relaxed));

        let persons: BTreeSet<&str> = asked.iter().map(|it| &*it.person).collect();
        shows_nobody("log", &logged, &persons);
        shows_nobody("metrics", &metrics.text, &persons);
        if let Some(spans) = &self.spans {
            shows_nobody("spans", &format!("{:?}", spans.spans()), &persons);
        }
        log
    }
}

impl Caller {
    /// Of another gateway than that of a row.
    pub fn of(rest: Rest) -> Self {
        Self {
            rest,
            asked: Arc::default(),
            refused: Arc::default(),
        }
    }

    /// The same caller, with connections of their own.
    pub fn anew(&self) -> Self {
        Self {
            rest: self.rest.anew(),
            ..self.clone()
        }
    }

    /// Asks for everything about a citizen, and waits that many seconds at most.
    pub async fn ask(&self, id: &str, wait: u32) -> RestAnswer {
        let question = question(id, "ONE_STOP_DESK", &everything());
        self.put(&question, wait).await
    }

    /// Puts a question that is admitted, and waits that many seconds at most.
    pub async fn put(&self, question: &Value, wait: u32) -> RestAnswer {
        let answer = self.try_put(question, wait).await;
        assert_ne!(answer.status, 429, "{}", answer.text);
        answer
    }

    /// Puts a question that a quota may refuse, and waits that many seconds at most.
    pub async fn try_put(&self, question: &Value, wait: u32) -> RestAnswer {
        let wait = format!("wait={wait}");
        self.put_with(question, &[("prefer", &wait)]).await
    }

    /// Puts a question with these headers; a quota may refuse it.
    pub async fn put_with(&self, question: &Value, headers: &[(&str, &str)]) -> RestAnswer {
        let path = "/v1/citizens:lookup";
        let answer = self.rest.post(path, question.to_string(), headers).await;
        let answer = answer.unwrap();
        let told = told(answer.status, &answer.json());
        match answer.status {
            429 => self.was_refused(),
            // Of a dry run there is no record.
            200 if question["dryRun"] == true => {}
            _ => self.was_told(&question["context"]["requestId"], person(question), told),
        }
        answer
    }

    /// Has been told that of a question which was put for them.
    pub fn got(&self, request: &Value, person: &str, answer: &Value) {
        self.was_told(request, person, told(200, answer));
    }

    /// A question that was put for them has been admitted, whatever they were told.
    pub fn was_admitted(&self, question: &Value) {
        self.was_told(
            &question["context"]["requestId"],
            person(question),
            Vec::new(),
        );
    }

    /// Has been refused what was put for them.
    pub fn was_refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    fn was_told(&self, request: &Value, person: &str, told: Vec<(String, String)>) {
        let asked = Asked {
            request: request.as_str().unwrap().to_owned(),
            person: person.to_owned(),
            told,
        };
        self.asked.lock().unwrap().push(asked);
    }
}

/// Whom a question is about.
fn person(question: &Value) -> &str {
    question["subject"]["personalId"].as_str().unwrap()
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

/// Each question has one record, with the states that were told; each refusal has one, or is in the
/// number of one.
fn are_recorded(log: &Path, asked: &[Asked], refused: usize) {
    let records = records(log);
    let denied = records
        .iter()
        .map(|(_, record)| match record["t"].as_str() {
            Some("DENIED") => 1,
            Some("DENIED_SUMMARY") => record["n"].as_u64().unwrap(),
            _ => 0,
        });
    assert_eq!(denied.sum::<u64>(), refused as u64, "refusals on record");
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
pub fn shows_nobody(place: &str, shown: &str, persons: &BTreeSet<&str>) {
    assert!(!shown.is_empty(), "no {place}");
    let world = World::new(1);
    let mut words = Vec::new();
    for person in persons {
        words.push((*person).to_owned());
        if let Some(known) = world.person(&CitizenId::from_agency(person).unwrap()) {
            let name = known.name.full();
            words.extend([name.to_uppercase(), name]);
        }
    }
    let found = AhoCorasick::new(&words).unwrap().find(shown);
    let found = found.map(|it| &words[it.pattern().as_usize()]);
    assert_eq!(found, None, "a person stands in the {place}");
    // Nor somebody else whom an agency has told of.
    let mut numbers = shown.split(|it: char| !it.is_ascii_alphanumeric());
    let stranger = numbers.find(|it| it.starts_with("999") && CitizenId::from_agency(it).is_some());
    assert_eq!(stranger, None, "somebody stands in the {place}");
}

/// Whom every agency knows.
pub const KNOWN: &str = "999099000001";
