//! The control listener of a simulator: its journal and its knobs, over HTTP on loopback.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{FaultKind, Journal, KnobSettings, Knobs};

type Parts = (Arc<Journal>, Arc<Knobs>);

/// `GET` and `DELETE /journal`, `POST /journal:take`, `GET` and `PUT /knobs`, `GET /faults`, `GET /healthz`.
pub fn control_router(journal: Arc<Journal>, knobs: Arc<Knobs>) -> Router {
    Router::new()
        .route("/journal", get(read_journal).delete(clear_journal))
        .route("/journal:take", post(take_journal))
        .route("/knobs", get(read_knobs).put(set_knobs))
        .route("/faults", get(read_faults))
        .route("/healthz", get(|| std::future::ready("ok\n")))
        .with_state((journal, knobs))
}

async fn read_journal(State((journal, _)): State<Parts>) -> Json<Value> {
    Json(json!({"total": journal.total(), "entries": journal.entries()}))
}

/// What was asked since it was last taken: for who looks often, and must miss nothing.
async fn take_journal(State((journal, _)): State<Parts>) -> Json<Value> {
    Json(json!({"total": journal.total(), "entries": journal.take()}))
}

async fn clear_journal(State((journal, _)): State<Parts>) -> StatusCode {
    journal.clear();
    StatusCode::NO_CONTENT
}

async fn read_knobs(State((_, knobs)): State<Parts>) -> Json<KnobSettings> {
    Json(knobs.settings())
}

/// What this wire can do, by the names that knobs take.
async fn read_faults(State((_, knobs)): State<Parts>) -> Json<Vec<FaultKind>> {
    let offered = FaultKind::ALL.into_iter();
    Json(offered.filter(|fault| knobs.offers(*fault)).collect())
}

async fn set_knobs(
    State((_, knobs)): State<Parts>,
    Json(settings): Json<KnobSettings>,
) -> Result<Json<KnobSettings>, (StatusCode, String)> {
    match knobs.set(&settings) {
        Ok(()) => Ok(Json(knobs.settings())),
        Err(wrong) => Err((StatusCode::BAD_REQUEST, wrong)),
    }
}
