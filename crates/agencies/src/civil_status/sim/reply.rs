//! The shape of the simulated register's answers.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::Refused;
use super::tokens::LIFE_S;

/// A token and its life.
pub(super) fn token(token: &str) -> Response<Bytes> {
    json_of(&json!({ "token": token, "expiresIn": LIFE_S }))
}

/// That the session is over, with 401 or inside a 200.
pub(super) fn session_over(status: StatusCode) -> Response<Bytes> {
    let mut response = json_of(&json!({ "maLoi": 100, "moTa": "phiên hết hạn" }));
    *response.status_mut() = status;
    response
}

/// A refusal by number.
pub(super) fn refused(number: Refused) -> Response<Bytes> {
    json_of(&json!({ "maLoi": number, "moTa": words(number) }))
}

/// That nobody of that number is in the register.
pub(super) fn not_found(request_id: &str) -> Response<Bytes> {
    json_of(&json!({ "maLoi": 201, "moTa": words(201), "maYeuCau": request_id }))
}

/// A dossier that was received.
pub(super) fn received(request_id: &str, id: &str) -> Response<Bytes> {
    json_of(&json!({ "maYeuCau": request_id, "maHoSo": id, "trangThai": 1 }))
}

/// How far a dossier is, and when to look again.
pub(super) fn state(id: &str, state: u8, again_ms: Option<u64>) -> Response<Bytes> {
    json_of(&json!({ "maHoSo": id, "trangThai": state, "thuLaiSauMs": again_ms }))
}

/// A dossier that is done, with its rendered result.
pub(super) fn done(
    request_id: Option<&str>,
    id: &str,
    now: Timestamp,
    result: &[u8],
) -> Response<Bytes> {
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let head = json!({
        "maYeuCau": request_id,
        "maHoSo": id,
        "trangThai": 4,
        "thoiDiemDuLieu": now.to_string(),
    });
    // The result is kept as text, so it is put before the closing brace instead of into the value.
    let mut text = head.to_string().into_bytes();
    text.pop();
    text.extend_from_slice(br#","ketQua":"#);
    text.extend_from_slice(result);
    text.push(b'}');
    response(text.into())
}

fn json_of(value: &Value) -> Response<Bytes> {
    response(value.to_string().into())
}

fn response(body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

const fn words(number: Refused) -> &'static str {
    match number {
        106 => "mã đơn vị không hợp lệ",
        200 => "hồ sơ không đầy đủ",
        201 => "không tìm thấy",
        504 => "quá thời gian xử lý",
        302 => "loại không hợp lệ",
        _ => "dữ liệu không đúng",
    }
}
