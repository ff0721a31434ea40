//! What stands before a service whose session is over: a page to log in, or the way to one. Each time
//! in the form of another platform, since no two services agree on it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::body::Body;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};

/// A page to log in, as a success.
pub(super) fn page() -> Response<Body> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let (kind, page) = next(&PAGES, &TURN).unwrap_or(PAGES[0]);
    let mut response = Response::new(Body::from(page));
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The way to such a page.
pub(super) fn redirect() -> Response<Body> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let (status, way) = next(&WAYS, &TURN).unwrap_or(WAYS[0]);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let way = HeaderValue::from_static(way);
    response.headers_mut().insert(LOCATION, way);
    response
}

/// One form after the other.
fn next<T: Copy>(forms: &[T], turn: &AtomicUsize) -> Option<T> {
    let at = turn.fetch_add(1, Relaxed) % forms.len();
    forms.get(at).copied()
}

const PAGES: [(&str, &str); 4] = [
    (
        "text/html; charset=utf-8",
        "<!DOCTYPE html><html lang=\"vi\"><head><title>Đăng nhập</title></head><body>\
         <p>Phiên làm việc đã hết hạn.</p><form method=\"post\" action=\"/login\">\
         <input name=\"user\"><input type=\"password\" name=\"password\"></form></body></html>",
    ),
    (
        "text/html",
        "<html><body><form action='/Account/Login' method='post'><input name='UserName'>\
         <input type='password' name='Password'></form></body></html>",
    ),
    (
        "Text/HTML;charset=UTF-8",
        "<html><head><title>SSO</title><script src=\"/auth/resources/app.js\"></script></head>\
         <body><div id=\"app\"></div></body></html>",
    ),
    (
        "application/xhtml+xml",
        "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body><input type=password /></body></html>",
    ),
];
const WAYS: [(StatusCode, &str); 6] = [
    (StatusCode::FOUND, "/login?returnUrl=%2F"),
    (StatusCode::FOUND, "/Account/Login?ReturnUrl=%2Fapi"),
    (
        StatusCode::SEE_OTHER,
        "https://sso.lienthong.example/auth/realms/vn/protocol/openid-connect/auth",
    ),
    (StatusCode::TEMPORARY_REDIRECT, "/dang-nhap"),
    (StatusCode::MOVED_PERMANENTLY, "/"),
    (StatusCode::PERMANENT_REDIRECT, "/cas/?service=api"),
];
