//! The line between the gateway and a simulated agency, held in the hand: it passes what is said, or
//! spoils the answers from a moment on.
//!
//! It knows HTTP/1 as far as where a head ends. Other wires can be silenced and broken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::Source;
use tests::set;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::sleep;
use toml::Table;
use url::Url;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It passes.
    Pass,
    /// It waits until it may pass.
    Hold,
    /// Nothing of it.
    Silence,
    /// Its head, then nothing.
    HeadThenSilence,
    /// Its head, then a byte each second.
    Trickle,
    /// Nothing of it, and the connection is reset.
    Reset,
    /// Its head, and the connection is reset.
    ResetAfterHead,
    /// Some of its body too, and the connection is reset.
    ResetInBody,
    /// All of it, and the connection is reset.
    ResetAfterBody,
    /// All of it, and all of it once again after that time.
    Twice(Duration),
    /// This in its place; the agency is not asked.
    Says(&'static str),
    /// The same of one question; then answers pass.
    SaysOnce(&'static str),
    /// The answer to the question before on that connection; the agency is not asked.
    Before,
}

/// A line to a simulated agency.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct State {
    target: String,
    mode: Mutex<Mode>,
    connections: AtomicUsize,
    questions: AtomicUsize,
    /// Questions that met any mode but to pass.
    spoilt: AtomicUsize,
    /// Connections that the gateway closed behind an answer that came twice.
    left: AtomicUsize,
}

impl Proxy {
    /// A line to the agency of that source, as a configuration names it.
    pub(crate) async fn before(config: &Table, source: Source) -> Self {
        let url: Url = url(config, source).parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            target: format!("127.0.0.1:{}", url.port().unwrap()),
            mode: Mutex::new(Mode::Pass),
            connections: AtomicUsize::new(0),
            questions: AtomicUsize::new(0),
            spoilt: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
        });
        let held = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                held.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(carry(socket, Arc::clone(&held)));
            }
        });
        Self {
            port,
            state,
            accepting: accepting.abort_handle(),
        }
    }

    /// Has a configuration reach the source through here.
    pub(crate) fn lead(&self, config: &mut Table, source: Source) {
        let mut led: Url = url(config, source).parse().unwrap();
        led.set_port(Some(self.port)).unwrap();
        set(config, &format!("agency.{source}"), "url", led.as_str());
    }

    /// What becomes of answers from now on.
    pub(crate) fn mode(&self, mode: Mode) {
        *self.state.mode.lock().unwrap() = mode;
    }

    /// How many connections were taken.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// How many connections were closed behind an answer that came twice.
    pub(crate) fn left(&self) -> usize {
        self.state.left.load(Ordering::Relaxed)
    }

    /// How many questions came over HTTP/1.
    pub(crate) fn questions(&self) -> usize {
        self.state.questions.load(Ordering::Relaxed)
    }

    /// How many of them met a fault.
    pub(crate) fn spoilt(&self) -> usize {
        self.state.spoilt.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn url(config: &Table, source: Source) -> &str {
    config["agency"][source.name()]["url"].as_str().unwrap()
}

/// Carries one connection to its end.
async fn carry(mut near: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    let mut far = TcpStream::connect(&state.target).await?;
    let (mut asked, mut told) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut before = Vec::new();
    loop {
        tokio::select! {
            read = near.read(&mut asked) => {
                let text = &asked[..read?];
                if text.is_empty() {
                    return Ok(());
                }
                match state.question(text) {
                    Mode::Says(answer) | Mode::SaysOnce(answer) => return say(near, answer).await,
                    Mode::Reset => return near.set_zero_linger(),
                    Mode::Before => near.write_all(&before).await?,
                    Mode::Pass
                    | Mode::Hold
                    | Mode::Silence
                    | Mode::HeadThenSilence
                    | Mode::Trickle
                    | Mode::ResetAfterHead
                    | Mode::ResetInBody
                    | Mode::ResetAfterBody
                    | Mode::Twice(_) => {
                        before.clear();
                        far.write_all(text).await?;
                    }
                }
            }
            read = far.read(&mut told) => {
                let text = &told[..read?];
                before.extend_from_slice(text);
                while state.now() == Mode::Hold {
                    sleep(LOOK).await;
                }
                if let Mode::Twice(later) = state.now() {
                    repeat(&mut near, text, later).await?;
                    state.left.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                if text.is_empty() || !spoil(&mut near, text, state.now()).await? {
                    return Ok(());
                }
            }
        }
    }
}

impl State {
    fn now(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    /// Counts a question if this is the beginning of one; what becomes of its answer.
    fn question(&self, text: &[u8]) -> Mode {
        let mut mode = self.mode.lock().unwrap();
        let met = *mode;
        if let Mode::SaysOnce(_) = met {
            *mode = Mode::Pass;
        }
        if text.starts_with(b"POST ") || text.starts_with(b"GET ") {
            self.questions.fetch_add(1, Ordering::Relaxed);
            self.spoilt
                .fetch_add((met != Mode::Pass).into(), Ordering::Relaxed);
        }
        met
    }
}

/// Passes as much of an answer as the mode lets; false if the connection is over.
async fn spoil(near: &mut TcpStream, text: &[u8], mode: Mode) -> std::io::Result<bool> {
    let head = text.windows(4).position(|four| four == b"\r\n\r\n");
    let head = head.map_or(text.len(), |at| at + 4);
    match mode {
        Mode::Pass | Mode::Hold | Mode::Twice(_) => near.write_all(text).await?,
        Mode::Silence | Mode::Says(_) | Mode::SaysOnce(_) | Mode::Reset | Mode::Before => {}
        Mode::HeadThenSilence => near.write_all(&text[..head]).await?,
        Mode::Trickle => {
            near.write_all(&text[..head]).await?;
            for byte in &text[head..] {
                near.write_all(&[*byte]).await?;
                sleep(Duration::from_secs(1)).await;
            }
        }
        Mode::ResetAfterHead => return cut(near, &text[..head]).await,
        Mode::ResetInBody => {
            let some = head + (text.len() - head).min(9);
            return cut(near, &text[..some]).await;
        }
        Mode::ResetAfterBody => return cut(near, text).await,
    }
    Ok(true)
}

/// Sends that twice, and waits until the other side closes the connection.
async fn repeat(near: &mut TcpStream, text: &[u8], later: Duration) -> std::io::Result<()> {
    if later.is_zero() {
        near.write_all(&[text, text].concat()).await?;
    } else {
        near.write_all(text).await?;
        sleep(later).await;
        near.write_all(text).await?;
    }
    let mut rest = [0; 1 << 10];
    // However it ends.
    while near.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    Ok(())
}

/// Says that in the place of the agency, and ends the connection.
async fn say(mut near: TcpStream, answer: &str) -> std::io::Result<()> {
    near.write_all(answer.as_bytes()).await?;
    near.shutdown().await?;
    // What is not read would reset the connection before the answer arrives.
    let mut rest = [0; 1 << 10];
    while near.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Sends that, lets it arrive, and resets the connection.
async fn cut(near: &mut TcpStream, last: &[u8]) -> std::io::Result<bool> {
    near.write_all(last).await?;
    // A reset overtakes what is not read yet.
    sleep(Duration::from_millis(100)).await;
    near.set_zero_linger()?;
    Ok(false)
}

/// How often it is looked whether an answer may pass.
const LOOK: Duration = Duration::from_millis(5);
