//! Running a statement: the fault to show, the entry in the journal, and the row.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use exchange::CitizenId;
use pgwire::api::{ClientInfo as _, ConnectionHandle};
use sim::{Asked, FaultKind};
use tokio::time::sleep;

use super::misbehave;
use super::session::{Halt, Session};
use super::statement::{Statement, View};

/// Long enough for the first half of a row to leave the socket.
const FLUSH: Duration = Duration::from_millis(5);

/// What an oversized cell is made of.
const SPACES: &[u8] = &[b' '; 64 << 10];

/// Between two bytes of a drip.
const DRIP: Duration = Duration::from_secs(1);

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
        if let Some(latency) = self.agency.knobs.delay(subject.as_ref())
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

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is left is spoilt below the message"
    )]
    async fn misbehave(
        &mut self,
        fault: FaultKind,
        statement: &Statement,
        id: &CitizenId,
    ) -> Result<(), Halt> {
        if let Some(error) = misbehave::error(fault, self.agency.knobs.again()) {
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
            FaultKind::Hang | FaultKind::Slow => Err(misbehave::cancelled().into()),
            fault => self.spoil(fault, statement, id).await,
        }
    }

    /// The faults below the message: each ends the connection, but for those of letters.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is left is committed before"
    )]
    async fn spoil(
        &mut self,
        fault: FaultKind,
        statement: &Statement,
        id: &CitizenId,
    ) -> Result<(), Halt> {
        let row = self.agency.rows(statement, id).unwrap_or_default();
        match fault {
            FaultKind::Tcvn3 | FaultKind::Vni => {
                let lie = sim::charset(fault).map(|charset| charset.rewrite(&row));
                return Ok(self.rows(lie.map(Bytes::from).as_ref())?);
            }
            FaultKind::TimeoutAsAnswer => {
                let row = misbehave::says_timeout(&row, id);
                return Ok(self.rows(Some(&row.into()))?);
            }
            FaultKind::AnswerAsNotFound => {
                self.put(&row).await?;
                return Err(misbehave::nobody().into());
            }
            FaultKind::Garbage => self.put(misbehave::GARBAGE).await?,
            // What was said before the row is the head of this wire.
            FaultKind::ResetAfterHead => self.reset(&[]).await?,
            FaultKind::ResetMidBody => self.reset(row.get(..row.len() / 2).unwrap_or(&[])).await?,
            FaultKind::ResetAfterBody => self.reset(&row).await?,
            FaultKind::ResetBeforeHead => self.socket.get_ref().fuse().blow(),
            FaultKind::Truncated => {
                // Half a row under the length of a whole one, and an orderly end.
                self.put(row.get(..row.len() / 2).unwrap_or(&[])).await?;
            }
            FaultKind::HangAfterHead => {
                self.flush().await?;
                if !self.stopped_within(None).await {
                    return Err(Halt::Silence);
                }
                return Err(misbehave::cancelled().into());
            }
            FaultKind::Drip => self.drip(&row).await?,
            FaultKind::Oversize => self.oversize().await?,
            _ => return self.answer(statement, id),
        }
        Err(Halt::Silence)
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        self.socket.write_buffer_mut().extend_from_slice(bytes);
        Ok(self.flush().await?)
    }

    /// Some of a row, then a reset.
    async fn reset(&mut self, some: &[u8]) -> Result<(), Halt> {
        self.put(some).await?;
        sleep(FLUSH).await;
        self.socket.get_ref().fuse().blow();
        Ok(())
    }

    /// A byte a second, until somebody has enough of it.
    async fn drip(&mut self, row: &[u8]) -> Result<(), Halt> {
        for byte in row {
            if self.stopped_within(Some(DRIP)).await {
                return Err(misbehave::cancelled().into());
            }
            self.put(&[*byte]).await?;
        }
        Ok(())
    }

    /// A row with one cell that is larger than anybody wants.
    async fn oversize(&mut self) -> Result<(), Halt> {
        let cell = misbehave::OVERSIZE_BYTES;
        let mut head = vec![b'D'];
        head.extend_from_slice(&(cell + 10).to_be_bytes());
        head.extend_from_slice(&1_u16.to_be_bytes());
        head.extend_from_slice(&cell.to_be_bytes());
        self.put(&head).await?;
        for _ in 0..cell as usize / SPACES.len() {
            self.put(SPACES).await?;
        }
        Ok(())
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
                (Some(fault), _) => fault.name(),
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
