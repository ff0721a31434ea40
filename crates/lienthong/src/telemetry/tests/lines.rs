//! Events as the lines they become.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use exchange::{CitizenId, OfficerId};
use tracing::subscriber::with_default;
use tracing::{error, info, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::Stopped;
use crate::telemetry::line::Line;
use crate::telemetry::{DEFAULT, LINES, log_filter, log_layer, writer};

#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The lines of what happens in `act`.
fn logged(line: Line, directives: &str, act: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let filter = log_filter(Some(directives)).unwrap();
    let layer = log_layer(line, move || writer.clone(), filter);
    with_default(tracing_subscriber::registry().with(layer), act);
    buffer.text()
}

fn json(act: impl FnOnce()) -> serde_json::Value {
    let text = logged(Line::json(Arc::new(Stopped)), "", act);
    assert_eq!(text.matches('\n').count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

const HOSTILE: &str = "a\r\nb \u{1b}[31m \"q\" \\ \u{202e} \u{9b} ${jndi:x}";

#[test]
fn an_event_is_one_line_of_json_whatever_it_holds() {
    let line = json(|| {
        warn!(agent = HOSTILE, shown = %HOSTILE, count = 3_u64, share = f64::NAN, whole = true, "{HOSTILE}");
    });
    let expected = serde_json::json!({
        "time": "2026-02-03T04:05:06.789Z",
        "level": "WARN",
        "target": module_path!(),
        "message": HOSTILE,
        "agent": HOSTILE,
        "shown": HOSTILE,
        "count": 3,
        "share": "NaN",
        "whole": true,
    });
    assert_eq!(line, expected);
}

#[test]
fn a_field_cannot_pose_as_the_envelope() {
    let line = json(|| info!(level = "ERROR", time = 1, target = "x", "said"));
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["field.level"], "ERROR");
    assert_eq!(line["field.time"], 1);
}

#[test]
fn an_error_is_told_with_what_caused_it() {
    let error = Outer(io::Error::other("the disk is gone"));
    let line = json(|| error!(error = &error as &(dyn Error + 'static), "failed"));
    assert_eq!(line["error"], "cannot write: the disk is gone");
}

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot write")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_line_for_people_holds_no_control_character() {
    let text = logged(Line::for_people(Arc::new(Stopped)), "", || {
        info!(agent = HOSTILE, count = 3, "said {HOSTILE}");
    });
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'));
    assert!(
        line.starts_with(
            "2026-02-03T04:05:06.789Z  INFO lienthong::telemetry::tests::lines: said a"
        )
    );
    assert!(line.ends_with(" count=3"));
}

#[test]
fn people_do_not_show_in_a_line() {
    let id = CitizenId::parse("999099000001", 2026).unwrap();
    let officer = OfficerId::parse("CB-17").unwrap();
    let text = logged(Line::json(Arc::new(Stopped)), "", || {
        info!(?id, ?officer, "asked");
    });
    assert!(!text.contains("999099000001") && !text.contains("CB-17"));
}

#[test]
fn libraries_are_told_of_only_when_something_is_wrong() {
    let text = logged(Line::json(Arc::new(Stopped)), DEFAULT, || {
        info!(target: "h2::codec", "frame");
        warn!(target: "h2::codec", "reset");
        error!(target: "opentelemetry_sdk", "export");
        info!(target: "edge::log", "call");
    });
    let messages: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"].clone())
        .collect();
    assert_eq!(messages, ["reset", "call"]);
}

#[test]
fn a_filter_that_is_none_is_refused() {
    assert!(log_filter(Some("info,=,")).is_err());
    assert!(log_filter(None).is_ok());
}

#[test]
fn lines_that_find_no_room_are_counted() {
    #[derive(Debug)]
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            while self.0.recv().is_ok() {} // until the sender is gone
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (free, stuck) = std::sync::mpsc::channel();
    let (mut writer, guard) = writer(Stuck(stuck));
    for _ in 0..LINES + 10 {
        io::Write::write_all(&mut writer, b"line\n").unwrap();
    }
    // One line may be with the writer already.
    assert!(writer.error_counter().dropped_lines() >= 9);
    drop(free);
    drop(guard);
}
