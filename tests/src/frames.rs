//! HTTP/2 in frames, as no library would send them: what is written is what leaves.
//!
//! Not here: flow control, header compression that remembers anything, any rule at all.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::Wire;

/// The kinds of frames.
pub mod kind {
    /// DATA.
    pub const DATA: u8 = 0x0;
    /// HEADERS.
    pub const HEADERS: u8 = 0x1;
    /// PRIORITY.
    pub const PRIORITY: u8 = 0x2;
    /// `RST_STREAM`.
    pub const RST_STREAM: u8 = 0x3;
    /// SETTINGS.
    pub const SETTINGS: u8 = 0x4;
    /// PING.
    pub const PING: u8 = 0x6;
    /// GOAWAY.
    pub const GOAWAY: u8 = 0x7;
    /// `WINDOW_UPDATE`.
    pub const WINDOW_UPDATE: u8 = 0x8;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 0x9;
}

/// The flags of frames.
pub mod flag {
    /// None of them.
    pub const NONE: u8 = 0;
    /// The stream ends here; on SETTINGS and PING, an acknowledgement.
    pub const END_STREAM: u8 = 0x1;
    /// The block of headers ends here.
    pub const END_HEADERS: u8 = 0x4;
}

/// The codes of errors.
pub mod code {
    /// A rule is broken.
    pub const PROTOCOL_ERROR: u32 = 0x1;
    /// A stream was not taken up.
    pub const REFUSED_STREAM: u32 = 0x7;
    /// A stream is no longer wanted.
    pub const CANCEL: u32 = 0x8;
    /// Too much.
    pub const ENHANCE_YOUR_CALM: u32 = 0xb;
}

/// A frame that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its kind.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 for the connection.
    pub stream: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code of a `RST_STREAM` or GOAWAY.
    pub fn code(&self) -> Option<u32> {
        let at = match self.kind {
            kind::RST_STREAM => 0,
            kind::GOAWAY => 4,
            _ => return None,
        };
        let code = self.payload.get(at..at + 4)?;
        Some(u32::from_be_bytes(code.try_into().ok()?))
    }

    /// True if it ends its stream.
    pub fn ends(&self) -> bool {
        let carries = matches!(self.kind, kind::DATA | kind::HEADERS);
        self.kind == kind::RST_STREAM || carries && self.flags & flag::END_STREAM != 0
    }
}

/// A frame as it is written.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A `RST_STREAM`.
pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(kind::RST_STREAM, flag::NONE, stream, &code.to_be_bytes())
}

/// A block of headers: literals that are neither compressed nor remembered.
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        text(&mut block, name.as_bytes());
        text(&mut block, value.as_bytes());
    }
    block
}

fn text(block: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        short @ 0..127 => block.push(u8::try_from(short).unwrap()),
        mut long => {
            block.push(127);
            long -= 127;
            while long >= 128 {
                block.push(u8::try_from(long % 128).unwrap() | 128);
                long /= 128;
            }
            block.push(u8::try_from(long).unwrap());
        }
    }
    block.extend(text);
}

/// The headers of a `POST` of JSON.
pub fn post(path: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
        ("content-type", "application/json"),
    ]
}

/// The headers of a `GET`.
pub fn get(path: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
    ]
}

/// One side of a connection over HTTP/2.
#[derive(Debug)]
pub struct Frames {
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
}

impl Frames {
    /// Connects and says hello, with these settings.
    pub async fn open(wire: &Wire, settings: &[(u16, u32)]) -> Self {
        let stream = wire.connect(&[b"h2"]).await.unwrap();
        let (reader, writer) = tokio::io::split(stream);
        let mut frames = Self { reader, writer };
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        let settings = frame(kind::SETTINGS, flag::NONE, 0, &payload);
        let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), settings].concat();
        assert!(frames.send(&hello).await, "no hello");
        frames
    }

    /// Sends bytes; false if the connection has gone.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = async {
            self.writer.write_all(bytes).await?;
            self.writer.flush().await
        };
        timeout(PATIENCE, sent).await.is_ok_and(|sent| sent.is_ok())
    }

    /// Sends the same bytes so many times or until the connection has gone, while what comes is read.
    pub async fn flood(
        &mut self,
        times: usize,
        mut bytes: impl FnMut(usize) -> Vec<u8>,
    ) -> Vec<Frame> {
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        let sending = async {
            for time in 0..times {
                if writer.write_all(&bytes(time)).await.is_err() {
                    break;
                }
            }
            writer.flush().await.ok();
            std::future::pending::<()>().await;
        };
        let reading = async {
            let mut frames = Vec::new();
            while let Some(frame) = read(reader).await {
                let is_last = frame.kind == kind::GOAWAY;
                frames.push(frame);
                if is_last {
                    break;
                }
            }
            frames
        };
        let both = async {
            tokio::select! {
                () = sending => unreachable!(),
                frames = reading => frames,
            }
        };
        timeout(PATIENCE, both).await.expect("the flood has no end")
    }

    /// The next frame; none once the connection has gone.
    pub async fn next(&mut self) -> Option<Frame> {
        let next = timeout(PATIENCE, read(&mut self.reader)).await;
        next.expect("no frame comes")
    }

    /// Reads until a frame that is wanted; none if the connection goes before.
    pub async fn until(&mut self, mut wanted: impl FnMut(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if wanted(&frame) {
                return Some(frame);
            }
        }
    }

    /// What a stream is answered with: the code of its reset, or none once it has ended well.
    pub async fn outcome(&mut self, stream: u32) -> Outcome {
        let mut body = Vec::new();
        loop {
            let Some(frame) = self.next().await else {
                return Outcome::Gone;
            };
            match frame.kind {
                kind::GOAWAY if frame.code() != Some(0) => {
                    return Outcome::Away(frame.code().unwrap());
                }
                kind::RST_STREAM if frame.stream == stream => {
                    return Outcome::Reset(frame.code().unwrap());
                }
                kind::DATA if frame.stream == stream => body.extend(&frame.payload),
                _ => {}
            }
            if frame.stream == stream && frame.ends() {
                return Outcome::Answered(String::from_utf8_lossy(&body).into_owned());
            }
        }
    }
}

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, with that body.
    Answered(String),
    /// It was reset, with that code.
    Reset(u32),
    /// The connection ends, with that code.
    Away(u32),
    /// The connection has gone.
    Gone,
}

async fn read(reader: &mut ReadHalf<TlsStream<TcpStream>>) -> Option<Frame> {
    let mut head = [0; 9];
    reader.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, flags, s1, s2, s3, s4] = head;
    let length = u32::from_be_bytes([0, a, b, c]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    reader.read_exact(&mut payload).await.ok()?;
    Some(Frame {
        kind,
        flags,
        stream: u32::from_be_bytes([s1, s2, s3, s4]),
        payload,
    })
}

/// Longer than anything takes that is not stuck.
const PATIENCE: Duration = Duration::from_secs(30);
