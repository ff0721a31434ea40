//! The register: what is left, found, looked after, moved and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use exchange::{AgencyCode, Caller, Clock, Criticality, RequestId, Source, SystemId};
use jiff::Timestamp;

use super::register::{MOST, SHARE};
use super::*;

const TTL: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(SeqCst)).unwrap()
    }
}

fn taken(code: &str) -> Taken {
    Taken {
        code: code.to_owned(),
        address: "host-1".to_owned(),
    }
}

struct Room {
    clock: Arc<Hand>,
    register: Arc<Register>,
    caller: Caller,
}

impl Room {
    fn closed() -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000)));
        let system = SystemId::parse("desk").unwrap();
        Self {
            register: Arc::new(Register::new(Arc::clone(&clock) as _)),
            clock,
            caller: Caller::new(AgencyCode::parse("H55").unwrap(), system, "00"),
        }
    }

    fn open() -> Self {
        let room = Self::closed();
        room.register.open(&[7; 32], Vec::new());
        room
    }

    /// Asks as another caller from now on.
    fn is_now(&mut self, desk: usize) {
        let system = SystemId::parse(&format!("desk-{desk}")).unwrap();
        self.caller = Caller::new(AgencyCode::parse("H55").unwrap(), system, "00");
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, SeqCst);
    }

    fn tag(&self, question: &str) -> Tag {
        let source = Source::CivilStatus;
        let tag = self.register.tag(source, &self.caller, question.as_bytes());
        tag.unwrap()
    }

    fn hold(&self, question: &str) -> Held {
        self.hold_for(question, Criticality::BackOffice, TTL)
    }

    fn hold_for(&self, question: &str, class: Criticality, ttl: Duration) -> Held {
        self.register.hold(Opened {
            source: Source::CivilStatus,
            taken: taken(&format!("HT-{question}")),
            tag: self.tag(question),
            caller: &self.caller,
            request: RequestId::fresh(),
            class,
            ttl,
            state: State::AwaitingUpstream,
            enquiry: Enquiry::new(question.as_bytes()),
        })
    }

    /// What has changed, which is kept.
    fn changes(&self) -> Vec<(u64, Option<Dossier>)> {
        let changes = self.register.changes();
        let all = changes.all().to_vec();
        changes.kept();
        all
    }

    /// Leaves a dossier under way; its number.
    fn leave(&self, question: &str) -> u64 {
        drop(self.hold(question));
        self.register.all().last().unwrap().number
    }

    fn look(&self, number: u64, how: Result<State, &'static str>) -> Option<Dossier> {
        let seen = how.map(|state| Seen { taken: None, state });
        self.register.looked(number, seen)
    }

    fn state(&self, number: u64) -> State {
        let all = self.register.all();
        all.iter().find(|it| it.number == number).unwrap().state
    }

    fn due(&self) -> Vec<u64> {
        let due = self.register.due(Source::CivilStatus, 100);
        due.iter().map(|it| it.dossier.number).collect()
    }

    /// Leaves a dossier that hangs.
    fn hung(&self, question: &str) -> u64 {
        let number = self.leave(question);
        self.pass(61);
        assert!(self.look(number, Ok(State::AwaitingUpstream)).is_some());
        number
    }
}

#[test]
fn the_same_question_goes_on_with_what_it_has_left() {
    let room = Room::open();
    assert!(room.register.is_empty());
    room.leave("a");
    assert!(!room.register.is_empty());
    assert!(room.register.join(room.tag("b")).is_none());
    let held = room.register.join(room.tag("a")).unwrap();
    assert_eq!(held.dossier().code, "HT-a");
    assert_eq!(
        room.register.address(room.tag("a")).as_deref(),
        Some("host-1")
    );
    assert_eq!(room.register.address(room.tag("b")), None);
    held.finish();
    assert!(room.register.join(room.tag("a")).is_none());
    assert!(room.register.is_empty());
}

#[test]
fn another_system_or_source_stands_for_another_question() {
    let room = Room::open();
    let other = Caller::new(
        AgencyCode::parse("H55").unwrap(),
        SystemId::parse("desk-2").unwrap(),
        "00",
    );
    let tag = |source, caller| room.register.tag(source, caller, b"a").unwrap();
    let tags = [
        tag(Source::CivilStatus, &room.caller),
        tag(Source::CivilStatus, &other),
        tag(Source::Population, &room.caller),
    ];
    assert!(tags[0] != tags[1] && tags[0] != tags[2]);
    let again = Room::closed();
    again.register.open(&[8; 32], Vec::new());
    assert_ne!(tags[0], again.tag("a"), "another key");
}

#[test]
fn nothing_is_kept_before_it_is_opened() {
    let room = Room::closed();
    assert!(
        room.register
            .tag(Source::CivilStatus, &room.caller, b"a")
            .is_none()
    );
    let open = Room::open();
    let held = room.register.hold(Opened {
        source: Source::CivilStatus,
        taken: taken("HT-a"),
        tag: open.tag("a"),
        caller: &room.caller,
        request: RequestId::fresh(),
        class: Criticality::Bulk,
        ttl: TTL,
        state: State::Polling,
        enquiry: Enquiry::new(b"a"),
    });
    drop(held);
    assert!(room.register.is_empty());
}

#[test]
fn what_a_question_holds_is_not_asked_about_beside_it() {
    let room = Room::open();
    let number = room.leave("a");
    assert!(room.due().is_empty(), "it was asked about just now");
    room.pass(2);
    assert_eq!(room.due(), [number]);
    let mut held = room.register.join(room.tag("a")).unwrap();
    assert!(room.due().is_empty());
    held.is_now(State::Polling);
    drop(held);
    assert_eq!(room.state(number), State::Polling);
    room.pass(2);
    assert_eq!(room.due(), [number]);
}

#[test]
fn the_pauses_between_looks_grow_to_a_minute_and_end_with_the_time_of_its_class() {
    let room = Room::open();
    let mut dossier = room.hold("a").dossier().clone();
    dossier.ttl = Duration::from_secs(86_400);
    let now = room.clock.now();
    let mut pauses = Vec::new();
    for asks in [0, 1, 2, 3, 4, 5, 6, 100] {
        dossier.asks = asks;
        pauses.push(dossier.next_look(now).duration_since(now).as_secs_f64());
    }
    for (pause, about) in pauses
        .iter()
        .zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0])
    {
        assert!((about * 0.75..=about * 1.25).contains(pause), "{pauses:?}");
    }
    dossier.ttl = Duration::from_secs(10);
    assert_eq!(dossier.next_look(now).duration_since(now).as_secs(), 10);
}

#[test]
fn what_takes_longer_than_its_class_allows_hangs_and_says_why() {
    let room = Room::open();
    let [slow, unreached] = ["a", "b"].map(|it| room.leave(it));
    room.pass(59);
    assert_eq!(room.look(slow, Ok(State::Polling)), None);
    assert_eq!(room.look(unreached, Err("CIRCUIT_OPEN")), None);
    room.pass(1);
    let hung = room.look(slow, Ok(State::AwaitingUpstream)).unwrap();
    assert_eq!((hung.state, &*hung.reason), (State::Hung, "NOT_DONE"));
    let hung = room.look(unreached, Err("CIRCUIT_OPEN")).unwrap();
    assert_eq!((hung.state, &*hung.reason), (State::Hung, "CIRCUIT_OPEN"));
    assert_eq!(room.look(slow, Ok(State::Completed)), None);
    assert_eq!(
        room.state(slow),
        State::Hung,
        "nobody but an operator moves it"
    );
    room.pass(86_400);
    room.register.tidy();
    assert!(room.due().is_empty());
    assert_eq!(room.register.all().len(), 2, "and nobody forgets it");
}

#[test]
fn each_class_hangs_after_its_own_time() {
    let ttls = [300, 900, 14_400, 86_400];
    for (class, ttl) in Criticality::ALL.into_iter().zip(ttls) {
        let room = Room::open();
        drop(room.hold_for("a", class, Config::default().ttl(class)));
        let number = room.register.all()[0].number;
        room.pass(ttl - 1);
        assert_eq!(room.look(number, Ok(State::Polling)), None, "{class:?}");
        room.pass(1);
        let hung = room.look(number, Ok(State::Polling)).unwrap();
        assert_eq!(hung.state, State::Hung, "{class:?}");
    }
}

#[test]
fn what_hangs_keeps_nobody_from_asking_anew() {
    let room = Room::open();
    let first = room.hung("a");
    assert!(room.register.join(room.tag("a")).is_none());
    assert_eq!(room.register.address(room.tag("a")), None);
    let second = room.leave("a");
    assert_eq!(
        room.register.join(room.tag("a")).unwrap().dossier().number,
        second
    );
    room.register.order(first, Move::Close).unwrap();
    let held = room.register.join(room.tag("a"));
    room.pass(3_601);
    room.register.tidy();
    drop(held);
    assert_eq!(
        room.register.join(room.tag("a")).unwrap().dossier().number,
        second
    );
}

#[test]
fn an_operator_moves_what_hangs_and_nothing_else() {
    let room = Room::open();
    let [asked, sent, closed] = ["a", "b", "c"].map(|it| room.hung(it));
    let waits = room.leave("d");
    for it in [Move::Requery, Move::Resend, Move::Close] {
        let illegal = room.register.order(waits, it).unwrap_err();
        assert_eq!(illegal, Illegal::State(waits, State::AwaitingUpstream));
        assert_eq!(
            room.register.order(99, it).unwrap_err(),
            Illegal::Unknown(99)
        );
    }
    assert_eq!(
        room.register.may(asked, Move::Requery).unwrap().state,
        State::Hung
    );
    room.register.order(asked, Move::Requery).unwrap();
    room.register.order(sent, Move::Resend).unwrap();
    room.register.order(closed, Move::Close).unwrap();
    let due = room.register.due(Source::CivilStatus, 100);
    let due: Vec<_> = due
        .iter()
        .map(|it| (it.dossier.number, it.dossier.state))
        .collect();
    assert_eq!(
        due,
        [(asked, State::AwaitingUpstream), (sent, State::Queued)]
    );
    assert_eq!(room.state(closed), State::Closed);
    room.pass(59);
    assert_eq!(
        room.look(asked, Ok(State::AwaitingUpstream)),
        None,
        "its time begins anew"
    );
    let again = Seen {
        taken: Some(Taken {
            code: "HT-2".to_owned(),
            address: "host-2".to_owned(),
        }),
        state: State::Polling,
    };
    assert_eq!(room.register.looked(sent, Ok(again)), None);
    let all = room.register.all();
    let sent = all.iter().find(|it| it.number == sent).unwrap();
    assert_eq!((sent.state, &*sent.code), (State::Polling, "HT-2"));
    assert_eq!(sent.address, "host-2");
}

#[test]
fn what_is_lost_may_be_sent_again_or_is_forgotten_after_an_hour() {
    let room = Room::open();
    let [lost, also] = ["a", "b"].map(|it| room.leave(it));
    for number in [lost, also] {
        room.look(number, Err(LOST));
        assert_eq!(room.state(number), State::FailedRetryable);
    }
    assert!(room.register.join(room.tag("a")).is_none());
    room.register.order(lost, Move::Resend).unwrap();
    room.pass(3_601);
    room.register.tidy();
    assert_eq!(room.register.all().len(), 1);
    assert_eq!(room.state(lost), State::Hung, "nobody has sent it");
}

#[test]
fn a_result_waits_an_hour_for_the_same_question() {
    let room = Room::open();
    let number = room.leave("a");
    room.look(number, Ok(State::Completed));
    room.pass(3_599);
    room.register.tidy();
    let held = room.register.join(room.tag("a")).unwrap();
    assert_eq!(held.dossier().state, State::Completed);
    room.pass(2);
    room.register.tidy();
    drop(held);
    assert_eq!(
        room.register.all().len(),
        1,
        "nobody forgets what is in hand"
    );
    room.register.tidy();
    assert!(room.register.is_empty());
}

#[test]
fn what_was_kept_goes_on_after_a_restart_but_for_what_was_sent() {
    let room = Room::open();
    let [hangs, lives] = [room.hung("a"), room.leave("b")];
    let kept: Vec<_> = room.changes().into_iter().collect();
    let kept: Vec<_> = kept.into_iter().filter_map(|(_, it)| it).collect();
    assert_eq!(kept, room.register.all());
    let after = Room::open();
    after.register.open(&[7; 32], kept);
    assert_eq!(after.state(hangs), State::Hung);
    assert_eq!(
        after
            .register
            .join(after.tag("b"))
            .unwrap()
            .dossier()
            .number,
        lives
    );
    let refused = after.register.order(hangs, Move::Resend).unwrap_err();
    assert_eq!(refused, Illegal::Forgotten(hangs));
    after.register.order(hangs, Move::Requery).unwrap();
    assert_eq!(after.leave("c"), lives + 1, "no number twice");
}

#[test]
fn every_change_is_told_once_and_again_if_it_was_not_kept() {
    let room = Room::open();
    let number = room.leave("a");
    assert_eq!(room.changes(), [(number, room.register.all().pop())]);
    assert_eq!(room.changes(), []);
    room.register.join(room.tag("a")).unwrap().finish();
    assert_eq!(room.changes(), [(number, None)]);
}

#[test]
fn there_are_never_more_than_a_fixed_number_and_what_is_over_makes_room() {
    let mut room = Room::open();
    for question in 0..MOST {
        room.is_now(question / SHARE);
        drop(room.hold(&question.to_string()));
    }
    room.is_now(MOST);
    drop(room.hold("too many"));
    assert_eq!(
        (room.register.all().len(), room.register.turned_away()),
        (MOST, 1)
    );
    room.look(3, Ok(State::NeedsSupplement));
    let number = room.leave("in its place");
    assert_eq!(number, MOST as u64 + 1);
    let all = room.register.all();
    assert_eq!(all.len(), MOST);
    assert!(all.iter().all(|it| it.number != 3));
}

#[test]
fn nothing_shows_what_was_sent() {
    let enquiry = Enquiry::new(b"999099000003");
    assert!(!format!("{enquiry:?}").contains("999"));
}

#[test]
fn no_caller_fills_the_room_of_others() {
    let mut room = Room::open();
    room.is_now(1);
    for question in 0..=SHARE {
        drop(room.hold(&question.to_string()));
    }
    let left = (room.register.all().len(), room.register.turned_away());
    assert_eq!(left, (SHARE, 1));
    room.is_now(2);
    let other = room.leave("another's");
    room.look(other, Ok(State::NeedsSupplement));
    // What is over of another makes no room for one who has had their share; what is over of their own does.
    room.is_now(1);
    drop(room.hold("too many"));
    assert_eq!(room.register.turned_away(), 2);
    room.look(1, Ok(State::NeedsSupplement));
    drop(room.hold("in its place"));
    assert_eq!(room.register.turned_away(), 2);
    assert!(room.register.all().iter().all(|it| it.number != 1));
}

#[test]
fn what_nobody_looks_at_hangs_by_time_alone() {
    let room = Room::open();
    let (number, held) = (room.leave("a"), room.hold("b"));
    room.pass(64);
    assert_eq!(
        room.register.tidy(),
        [],
        "it may be looked at this very moment"
    );
    room.pass(1);
    let hung = room.register.tidy();
    assert_eq!((hung.len(), hung[0].number), (1, number));
    assert_eq!((hung[0].state, &*hung[0].reason), (State::Hung, "NOT_DONE"));
    assert_eq!(room.register.tidy(), [], "it is told once");
    assert_eq!(room.changes(), [(number, hung.into_iter().next())]);
    // What a question has in its hands is left to it.
    drop(held);
    assert_eq!(room.register.tidy().len(), 1);
}

#[test]
fn changes_that_are_dropped_before_they_are_kept_are_given_back() {
    let room = Room::open();
    let number = room.leave("a");
    let taken = room.register.changes();
    assert_eq!(taken.all().len(), 1);
    // What changes meanwhile is not lost with it.
    let other = room.leave("b");
    drop(taken);
    let numbers: Vec<u64> = room
        .changes()
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [number, other]);
    assert_eq!(room.changes(), []);
}
