//! Running a statement: the fault to show, the entry in the journal, and the row.

use std::sync::Arc;
use std::time::Duration;

use exchange::CitizenId;
use pgwire::api::{ClientInfo as _, ConnectionHandle};
use sim::{Asked, FaultKind};
use tokio::time::sleep;

use super::misbehave;
use super::session::{Halt, Session};
use super::statement::{Statement, View};

/// Long enough for the first half of a row to leave the socket.
const FLUSH: Duration = Duration::from_millis(5);

impl Session<'_> {
    /// Runs the statement that is bound.
    pub(super) async fn execute(&mut self) -> Result<(), Halt> {
        let Some((statement, parameter)) = self.portal.take() else {
            return Err(super::statement::error("34000", "no such portal").into());
        };
        let subject = match statement.view() {
            View::Person => CitizenId::from_agency(&parameter),
            View::Resolve => self.agency.world.by_insurance_code(&parameter),
        };
        let fault = subject.and_then(|id| self.agency.knobs.decide(&id));
        self.record(&statement, &parameter, subject.as_ref(), fault);
        if let Some(latency) = self.agency.knobs.delay()
            && self.stopped_within(Some(latency)).await
        {
            return Err(misbehave::cancelled().into());
        }
        let Some(id) = subject else {
            return Ok(self.rows(None)?);
        };
        match fault {
            None => self.answer(&statement, &id),
            Some(fault) => self.misbehave(fault, &statement, &id).await,
        }
    }

    fn answer(&mut self, statement: &Statement, id: &CitizenId) -> Result<(), Halt> {
        let row = self.agency.rows(statement, id);
        Ok(self.rows(row.as_ref())?)
    }

    async fn misbehave(
        &mut self,
        fault: FaultKind,
        statement: &Statement,
        id: &CitizenId,
    ) -> Result<(), Halt> {
        if let Some(error) = misbehave::error(fault) {
            return Err(error.into());
        }
        match fault {
            FaultKind::NotFound => Ok(self.rows(None)?),
            FaultKind::WrongPerson => {
                let other = misbehave::somebody_else(id);
                self.answer(statement, &other.unwrap_or(*id))
            }
            FaultKind::Slow if !self.stopped_within(Some(misbehave::SLOW)).await => {
                self.answer(statement, id)
            }
            FaultKind::Hang if !self.stopped_within(None).await => Err(Halt::Silence),
            FaultKind::Garbage => {
                let buffer = self.socket.write_buffer_mut();
                buffer.extend_from_slice(misbehave::GARBAGE);
                self.flush().await?;
                Err(Halt::Silence)
            }
            FaultKind::ResetMidBody => self.reset(statement, id).await,
            FaultKind::Hang
            | FaultKind::Slow
            | FaultKind::ServerError
            | FaultKind::SessionExpired
            | FaultKind::RateLimited
            | FaultKind::Maintenance => Err(misbehave::cancelled().into()),
        }
    }

    /// Half of a row, then a reset.
    async fn reset(&mut self, statement: &Statement, id: &CitizenId) -> Result<(), Halt> {
        let row = self.agency.rows(statement, id).unwrap_or_default();
        let half = row.slice(..row.len() / 2);
        self.socket.write_buffer_mut().extend_from_slice(&half);
        self.flush().await?;
        sleep(FLUSH).await;
        self.socket.get_ref().fuse().blow();
        Err(Halt::Silence)
    }

    /// Runs a statement for a while, or without end; true if it was stopped before, by request or
    /// by its time limit.
    async fn stopped_within(&self, time: Option<Duration>) -> bool {
        let handle = self.socket.session_extensions().get();
        let asked = async {
            let handle: Option<Arc<Arc<ConnectionHandle>>> = handle;
            match handle {
                // A handle that is replaced asks for nothing.
                Some(handle) if handle.start_query().await.await.is_ok() => {}
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = asked => true,
            () = after(self.limit) => true,
            () = after(time) => false,
        }
    }

    fn record(
        &self,
        statement: &Statement,
        parameter: &str,
        subject: Option<&CitizenId>,
        fault: Option<FaultKind>,
    ) {
        let agency = self.agency;
        agency.journal.record(|| {
            let mut asked = Asked::new(agency.clock.now(), statement.view().name(), None);
            asked.subject = Some(parameter.to_owned());
            asked.fields = statement.fields();
            asked.outcome = match (fault, subject) {
                (Some(fault), _) => misbehave::name(fault),
                (None, Some(id)) if agency.person(id).is_some() => "ok",
                (None, _) => "not_found",
            }
            .to_owned();
            asked
        });
    }
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}
