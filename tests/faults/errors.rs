//! Errors of an agency, and when it says to come again.

use exchange::Source;
use tests::{Beside, Sandbox};

use crate::proxy::{Mode, Proxy};
use crate::scene::{ask, configuration, guard, only_fails, reason, state, status};

/// What the agency says, the state and the reason that are told of it, and after which time to come
/// again. Only once that it is under maintenance: said twice that is believed, and it is not asked.
const SAYS: [(&str, &str, &str, Option<&str>); 7] = [
    (
        "500 Internal Server Error\r\n",
        "UNAVAILABLE",
        "SERVER_ERROR",
        None,
    ),
    (
        "502 Bad Gateway\r\nretry-after: 7\r\n",
        "UNAVAILABLE",
        "SERVER_ERROR",
        None,
    ),
    (
        "503 Service Unavailable\r\nretry-after: 1000000000\r\n",
        "UNAVAILABLE",
        "MAINTENANCE",
        Some("3600s"),
    ),
    (
        "503 Service Unavailable\r\n",
        "UNAVAILABLE",
        "SERVER_ERROR",
        None,
    ),
    (
        "429 Too Many Requests\r\nretry-after: 1\r\n",
        "RATE_LIMITED",
        "",
        Some("1s"),
    ),
    (
        "429 Too Many Requests\r\ndate: Mon, 30 Nov 2026 03:00:00 GMT\r\n\
         retry-after: Mon, 30 Nov 2026 03:00:20 GMT\r\n",
        "RATE_LIMITED",
        "",
        Some("20s"),
    ),
    (
        "429 Too Many Requests\r\nretry-after: soon\r\n",
        "RATE_LIMITED",
        "",
        None,
    ),
];

/// Row U04: an error of the agency is told with the time to come again that it gives, within an hour; none is asked
/// for again at once, the seventh in a row opens the circuit, and from then on the agency is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_with_their_time_and_open_the_circuit() {
    let source = Source::Health;
    let sandbox = Sandbox::start();
    let line = Proxy::before(&configuration(&sandbox), source).await;
    let gateway = Beside::start(&sandbox, "gw-2", |config| line.lead(config, source));
    let caller = gateway.caller(&sandbox, "commune");
    let answer = ask(&caller, "999099000001", 10).await.json();
    assert_eq!(state(&answer, source), "OK", "{answer}");

    for (place, (says, is, told, after)) in SAYS.into_iter().enumerate() {
        let questions = line.questions();
        let whole = format!("HTTP/1.1 {says}content-length: 4\r\nconnection: close\r\n\r\nlate");
        line.mode(Mode::Says(Box::leak(whole.into_boxed_str())));
        let answer = ask(&caller, "999099000001", 10).await.json();
        assert_eq!(state(&answer, source), is, "{says}: {answer}");
        assert_eq!(reason(&answer, source), told, "{says}: {answer}");
        assert_eq!(
            status(&answer, source)["retryAfter"].as_str(),
            after,
            "{says}: {answer}"
        );
        only_fails(&answer, source);
        assert_eq!(line.questions(), questions + 1, "{says}: it is asked again");
        let failed = guard(&gateway, source).await["failuresInARow"].clone();
        assert_eq!(failed, place + 1, "the circuit counts {says}");
    }
    let seen = guard(&gateway, source).await;
    assert_eq!(
        (&seen["circuit"], &seen["opened"]),
        (&"open".into(), &1.into()),
        "{seen}"
    );
    assert!(seen["nextProbe"].is_string(), "{seen}");

    let questions = line.questions();
    let answer = ask(&caller, "999099000001", 10).await.json();
    if line.questions() == questions {
        assert_eq!(state(&answer, source), "CIRCUIT_OPEN", "{answer}");
        assert_eq!(status(&answer, source)["attempts"].as_u64().unwrap_or(0), 0);
        assert!(
            status(&answer, source)["retryAfter"].is_string(),
            "{answer}"
        );
        only_fails(&answer, source);
    } else {
        println!("the first second was over before the question");
    }
    let opened = "the circuit to a source opens";
    assert_eq!(
        gateway.logged().matches(opened).count() as u64,
        seen["opened"].as_u64().unwrap()
    );
    let metrics = gateway.operator().get("/metrics").await.unwrap().text;
    let series = "source_circuit{circuit=\"open\",source=\"health\"}";
    assert!(metrics.contains(series), "{metrics}");
}

/// A fault of the population database.
macro_rules! fault {
    ($code:literal, $words:literal) => {
        concat!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault>",
            "<faultcode>s:Server</faultcode><faultstring>",
            $words,
            "</faultstring><detail><d:LoiDichVu xmlns:d='http://dancuquocgia.bca'><d:MaLoi>",
            $code,
            "</d:MaLoi></d:LoiDichVu></detail></s:Fault></s:Body></s:Envelope>"
        )
    };
}

/// What is said under which status, and the state and reason that are told of it.
const CONTRADICTS: [(&str, &str, &str, &str); 2] = [
    ("200 OK", fault!("009", "timeout"), "TIMEOUT", ""),
    (
        "500 Internal Server Error",
        fault!("012", "khong tim thay cong dan"),
        "UNAVAILABLE",
        "SERVER_ERROR",
    ),
];

/// Row U08: a timeout that is said in a 200, and "not found" that is said with a 500, are failures of the
/// source: nobody is told that there is no such person.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_contradicts_its_status_is_never_not_found() {
    let source = Source::Population;
    let sandbox = Sandbox::start();
    let line = Proxy::before(&configuration(&sandbox), source).await;
    let gateway = Beside::start(&sandbox, "says", |config| line.lead(config, source));
    let caller = gateway.caller(&sandbox, "commune");
    let answer = ask(&caller, "999099000001", 10).await.json();
    assert_eq!(state(&answer, source), "OK", "{answer}");
    for (head, body, is, told) in CONTRADICTS {
        let length = body.len();
        let whole = format!(
            "HTTP/1.1 {head}\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        line.mode(Mode::Says(Box::leak(whole.into_boxed_str())));
        let answer = ask(&caller, "999099000001", 10).await.json();
        assert_eq!(state(&answer, source), is, "{head}: {answer}");
        assert_eq!(reason(&answer, source), told, "{head}: {answer}");
        only_fails(&answer, source);
    }
}
