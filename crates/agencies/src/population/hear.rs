//! What an answer of the agency amounts to: a status, a content type and a body become an answer
//! or a miss.
//!
//! Pure. The end of a session is said in many ways (fault 001 or the words in a 200 or a 500,
//! 401, a page, a redirect), and is one thing here.

use std::time::Duration;

use adapter::{Miss, Response, classify, logged_out};
use exchange::Closed;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::wire::{Collection, Fault, Refused, Said, Trouble};

/// What the agency says, once faults are taken out.
#[derive(Debug)]
pub(super) enum Heard {
    /// Citizens, none, one or several.
    Citizens(Collection),
    /// A session and its life.
    LoggedIn(String, Duration),
    /// The session is over; said of a fresh one, it is this miss.
    SessionOver(Miss),
}

/// Reads an answer.
pub(super) fn hear(response: &Response) -> Result<Heard, Miss> {
    let said = match content_type(response) {
        "text/xml" | "application/xml" | "application/soap+xml" => Said::from_xml(&response.body),
        "application/json" => Said::from_json(&response.body),
        _ => Err(Refused("has another content type")),
    };
    match said {
        Ok(Said::Fault(fault)) if fault.trouble == Trouble::SessionOver => {
            Ok(Heard::SessionOver(Miss::session_refused()))
        }
        Ok(Said::Fault(fault)) => Err(miss(&fault)),
        _ if let Some(over) = logged_out(response) => Ok(Heard::SessionOver(over)),
        _ if !response.status.is_success() => Err(by_status(response)),
        Ok(Said::Citizens(collection)) => Ok(Heard::Citizens(collection)),
        Ok(Said::LoggedIn { session, life }) => Ok(Heard::LoggedIn(session, life)),
        Err(refused) => Err(Miss::invalid("MALFORMED", refused.to_string())),
    }
}

/// The content type without its parameters.
fn content_type(response: &Response) -> &str {
    let value = response.headers.get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    let mime = text.and_then(|text| text.split(';').next());
    mime.unwrap_or_default().trim()
}

/// What a status without a readable fault says.
fn by_status(response: &Response) -> Miss {
    match response.status {
        StatusCode::FORBIDDEN => Miss::unavailable("CREDENTIALS_REFUSED", "status 403"),
        status => classify(response).unwrap_or_else(|| {
            // 404 too: no such service is not "no such person".
            Miss::invalid("STATUS", format!("status {}", status.as_u16()))
        }),
    }
}

/// What a fault amounts to. None of them says that there is no such person.
fn miss(fault: &Fault) -> Miss {
    let failed = |reason, detail: &str| Miss::unavailable(reason, detail);
    let miss = match fault.trouble {
        Trouble::Credentials => failed("CREDENTIALS_REFUSED", "fault 002: account or signature"),
        Trouble::Request => Miss::refused("REQUEST_REFUSED", "fault 003: malformed request"),
        Trouble::Procedure => Miss::refused("PROCEDURE_NOT_LICENSED", "fault 004: procedure"),
        Trouble::Officer => Miss::refused("OFFICER_NOT_AUTHORISED", "fault 005: officer"),
        Trouble::RateLimit => Miss::rate_limited(None),
        Trouble::Maintenance => Miss::maintenance(None),
        Trouble::Server => failed("SERVER_ERROR", "fault 008: error of the agency"),
        Trouble::Timeout => Miss::timeout("fault 009: the record hangs at the agency"),
        // Why stays with the agency.
        Trouble::Sealed => Miss::closed(Closed::Sealed),
        Trouble::SessionOver | Trouble::Other => failed("SERVER_ERROR", "an unknown fault"),
    };
    Miss {
        retry_after: fault.retry_after,
        ..miss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapter::Blame;
    use exchange::SourceState;

    fn response(status: u16, content_type: &str, body: &str) -> Response {
        let mut headers = http::HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.to_owned().into(),
        }
    }

    fn fault(code: &str, text: &str) -> String {
        format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault>\
             <faultcode>s:Server</faultcode><faultstring>{text}</faultstring><detail>\
             <d:LoiDichVu xmlns:d='http://dancuquocgia.bca'><d:MaLoi>{code}</d:MaLoi>\
             <d:ThuLaiSau>90000</d:ThuLaiSau></d:LoiDichVu></detail></s:Fault></s:Body></s:Envelope>"
        )
    }

    #[test]
    fn the_end_of_a_session_is_known_in_all_its_forms() {
        let decomposed = "PHIE\u{302}N HE\u{302}\u{301}T HA\u{323}N";
        let forms = [
            response(200, "text/xml; charset=utf-8", &fault("001", "")),
            response(500, "text/xml", &fault("", decomposed)),
            response(401, "text/plain", ""),
            response(401, "text/xml", "<x/>"),
            response(200, "text/html", "<html><form/></html>"),
            response(302, "text/plain", ""),
            response(301, "text/xml", "<x/>"),
            response(308, "text/html", ""),
            response(
                200,
                "application/json",
                r#"{"error_code": 1, "message": "?"}"#,
            ),
            response(
                200,
                "application/json",
                r#"{"error_code": "0", "message": "Phiên hết hạn"}"#,
            ),
            response(
                200,
                "application/json",
                r#"{"error_code": "77", "message": "Phiên làm việc đã hết hạn"}"#,
            ),
        ];
        for form in forms {
            assert!(matches!(hear(&form), Ok(Heard::SessionOver(_))), "{form:?}");
        }
    }

    /// Row U08: no fault, no number of a vendor and no status is "not found", whatever it says.
    #[test]
    fn no_fault_and_no_status_is_ever_not_found() {
        let faults = (2..=12).flat_map(|code| {
            let body = fault(&format!("{code:03}"), "không tìm thấy");
            [200, 500, 404].map(|status| response(status, "application/xml", &body))
        });
        let statuses = [404, 403, 410, 204, 500, 503].map(|s| response(s, "text/xml", ""));
        for form in faults.chain(statuses) {
            let miss = hear(&form).unwrap_err();
            assert_ne!(miss.state, SourceState::NotFound, "{form:?}");
        }
    }

    #[test]
    fn every_fault_has_its_state_and_reason() {
        let expected = [
            ("002", SourceState::Unavailable, "CREDENTIALS_REFUSED"),
            ("003", SourceState::Unavailable, "REQUEST_REFUSED"),
            ("004", SourceState::Unavailable, "PROCEDURE_NOT_LICENSED"),
            ("005", SourceState::Unavailable, "OFFICER_NOT_AUTHORISED"),
            ("006", SourceState::RateLimited, ""),
            ("007", SourceState::Unavailable, "MAINTENANCE"),
            ("008", SourceState::Unavailable, "SERVER_ERROR"),
            ("009", SourceState::Timeout, ""),
            ("010", SourceState::Withheld, ""),
            ("011", SourceState::Unavailable, "SERVER_ERROR"),
        ];
        for (code, state, reason) in expected {
            let miss = hear(&response(500, "text/xml", &fault(code, ""))).unwrap_err();
            assert_eq!((miss.state, miss.reason), (state, reason), "{code}");
            assert_eq!(miss.retry_after, Some(Duration::from_secs(3_600)), "{code}");
            let of_question = ["003", "004", "005"].contains(&code);
            assert_eq!(miss.blame == Blame::Question, of_question, "{code}");
        }
    }

    #[test]
    fn what_is_no_answer_is_invalid() {
        let citizens = "<CongdanCollection><CongDan/></CongdanCollection>";
        for form in [
            response(200, "text/xml", "<a>"),
            response(200, "text/xml", "<a/>"),
            response(200, "text/plain", citizens),
            response(200, "application/json", citizens),
        ] {
            let miss = hear(&form).unwrap_err();
            assert_eq!(miss.state, SourceState::InvalidAnswer, "{form:?}");
        }
        let miss = hear(&response(500, "text/xml", citizens)).unwrap_err();
        assert_eq!(miss.state, SourceState::Unavailable);
    }
}
