//! gRPC without a gRPC library: any header, one message out, one message or a status back.

use bytes::{BufMut as _, Bytes, BytesMut};
use exchange::RequestId;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::Wire;

/// A connection over HTTP/2.
#[derive(Clone, Debug)]
pub struct Unary {
    send: SendRequest<Full<Bytes>>,
}

/// What came back.
#[derive(Debug)]
pub struct Told {
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// How the call ended.
    pub status: Status,
    /// The message, without what gRPC puts before it.
    pub message: Bytes,
}

/// Why a call failed: a failure over gRPC says so, of whom it is, and by which id to ask for it.
pub fn fault(status: &Status) -> String {
    let info = status.get_details_error_info();
    let info = info.unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "lienthong", "{status:?}");
    let request = status.get_details_request_info();
    let id = request.map(|it| it.request_id).unwrap_or_default();
    assert!(RequestId::parse(&id).is_some(), "{status:?}");
    info.reason
}

impl Unary {
    /// Connects.
    pub async fn open(wire: &Wire) -> Self {
        let stream = wire.connect(&[b"h2"]).await.unwrap();
        // Else the body waits for the acknowledgement of the head.
        stream.get_ref().0.set_nodelay(true).unwrap();
        let (send, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self { send }
    }

    /// Calls a method, such as `CitizenService/LookupCitizen`, with these headers beside those that
    /// gRPC needs.
    pub async fn call(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        message: &impl Message,
    ) -> Result<Told, hyper::Error> {
        let bytes = message.encode_to_vec();
        let mut body = BytesMut::new();
        body.put_u8(0);
        body.put_u32(u32::try_from(bytes.len()).unwrap());
        body.extend_from_slice(&bytes);
        let uri = format!("https://localhost/lienthong.v1.{method}");
        let mut request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.freeze())).unwrap();
        let response = self.send.clone().send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = Status::from_header_map(&head.headers);
        let status = status.or_else(|| Status::from_header_map(&trailers));
        let whole = body.to_bytes();
        Ok(Told {
            headers: head.headers,
            status: status.unwrap_or_else(|| Status::unknown("no status")),
            message: whole
                .get(5..)
                .map(|it| whole.slice_ref(it))
                .unwrap_or_default(),
        })
    }
}
