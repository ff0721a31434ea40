//! A caller over HTTP/1 who keeps a connection while it is open, and sends nothing twice.
//!
//! Not here: a pool that sends again what met a closed connection, as [`crate::Rest`] has.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::Wire;

/// A caller with at most one connection.
#[derive(Debug)]
pub struct Kept {
    wire: Wire,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Kept {
    /// Connects with the first question.
    pub const fn of(wire: Wire) -> Self {
        Self {
            wire,
            connection: None,
        }
    }

    /// Posts a question, and reads the whole answer and its status.
    ///
    /// # Errors
    /// It was not answered, for whatever reason.
    pub async fn post(&mut self, path: &str, question: &Value) -> hyper::Result<(u16, String)> {
        let request = Request::post(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(question.to_string()))
            .unwrap();
        let connection = self.connected().await?;
        let (head, body) = connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok((head.status.as_u16(), text))
    }

    /// The connection, or a new one if the other side has closed it before anything was sent.
    async fn connected(&mut self) -> hyper::Result<&mut SendRequest<Full<Bytes>>> {
        let mut connection = self.connection.take();
        if let Some(kept) = &mut connection
            && kept.ready().await.is_err()
        {
            connection = None;
        }
        let connection = match connection {
            Some(kept) => kept,
            None => {
                let stream = self.wire.connect(&[b"http/1.1"]).await.unwrap();
                let (mut sends, conversation) = handshake(TokioIo::new(stream)).await?;
                tokio::spawn(conversation);
                sends.ready().await?;
                sends
            }
        };
        Ok(self.connection.insert(connection))
    }
}
