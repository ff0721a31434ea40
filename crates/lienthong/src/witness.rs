//! `lienthong witness`: cosigns the checkpoints of logs as long as they only grow.
//!
//! For an agency, an inspectorate or a university: one command, a directory, a name. Not here: what
//! is checked (crate `evidence`).

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use evidence::witness::{Answer, Refused, SIZE_TYPE, Witness};
use exchange::SystemClock;
use tokio::net::TcpListener;

use crate::cli;
use crate::config::chain;
use crate::exit;
use crate::stop::Stop;

/// Serves until it is told to stop.
pub(crate) fn run(arguments: &cli::Witness) -> anyhow::Result<ExitCode> {
    if arguments.log.is_empty() {
        let what =
            "say with --log which keys of logs are trusted; sandbox.json has that of a sandbox";
        return Err(exit::USAGE.because(what));
    }
    let (dir, name) = (&arguments.dir, &arguments.name);
    let witness = Witness::open(dir, name, arguments.log.clone(), Arc::new(SystemClock))?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(arguments, witness))?;
    Ok(exit::COMPLETE.into())
}

async fn serve(arguments: &cli::Witness, witness: Witness) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener.with_context(|| arguments.listen.to_string())?;
    let url = format!("http://{}", listener.local_addr()?);
    for key in witness.keys() {
        println!("witness {} {key} {url}", arguments.name);
    }
    println!("ready {url}");
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Arc::new(Mutex::new(witness)));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.wait())
        .await?;
    Ok(())
}

/// One request at a time: what was seen before is compared and replaced in one step.
async fn add_checkpoint(State(witness): State<Arc<Mutex<Witness>>>, body: String) -> Response {
    let answer = tokio::task::spawn_blocking(move || {
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        witness.add_checkpoint(&body)
    });
    let Ok(answer) = answer.await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Err(refused @ Refused::State(error)) = &answer {
        eprintln!("lienthong: {refused}: {}", chain(error));
    }
    respond(Answer::from(&answer))
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if answer.is_size {
        SIZE_TYPE
    } else {
        "text/plain; charset=utf-8"
    };
    (status, [(CONTENT_TYPE, kind)], answer.body).into_response()
}

/// A checkpoint with all the signatures it may carry, and a proof.
const LARGEST: usize = 1 << 20;
