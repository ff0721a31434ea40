//! What strangers send to the doors, read from bytes alone: for tests that send anything.
//!
//! Not here: HTTP, HTTP/2 and TLS, which their libraries read.

use std::net::{Ipv4Addr, SocketAddr};

use api::convert::Question;
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use ipnet::IpNet;
use serde::de::DeserializeOwned;

use crate::administration::{self, NoAdministration};
use crate::listener::proxied;
use crate::rest::json;

/// Reads a body of JSON as a question, as the REST door does: what is wrong with it, and what it asks.
pub fn question<Q: Question + DeserializeOwned>(body: &[u8]) {
    let wrong = |message: &Q| {
        let read = message.read(THIS_YEAR);
        read.map_or_else(|malformed| malformed.violations, |_| Vec::new())
    };
    let Some(head) = head() else {
        return;
    };
    if let Ok(message) = json::read::<Q>(&head, body, wrong) {
        message.read(THIS_YEAR).ok();
    }
}

/// Reads a body as every instruction of an operator: consents and what else there is.
pub async fn instruction(body: &[u8]) {
    for path in administration::INSTRUCTIONS {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        if let Ok(request) = request.body(Bytes::copy_from_slice(body)) {
            administration::page(&NoAdministration, &request).await;
        }
    }
}

/// Reads what a balancer sends before the first byte of TLS.
pub async fn proxy_header(mut bytes: &[u8]) {
    let balancer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let all = [IpNet::from(balancer.ip())];
    proxied::source(&mut bytes, balancer, &all).await.ok();
}

fn head() -> Option<Parts> {
    let request = Request::builder().header(CONTENT_TYPE, "application/json");
    request.body(()).ok().map(|it| it.into_parts().0)
}

const THIS_YEAR: i16 = 2026;
