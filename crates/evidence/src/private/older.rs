//! Filing what older logs hold that is not filed yet. Not here: the log that is written.

use std::sync::Arc;

use super::databases;
use super::file::Desk;
use super::intake::Intake;
use super::thread::{SLICE, desk};
use crate::publish::{CHECKPOINT_FILE, Reached, Tail, read_checkpoint};
use crate::{Config, Error, writer};

/// An older log that is being filed.
#[derive(Debug)]
pub(super) struct Older {
    desk: Desk,
    tail: Tail,
    end: Reached,
}

/// Whether there is more to be filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

impl Older {
    /// Opens a log that has ended; none if it is filed whole.
    pub(super) fn open(config: &Config, intake: &Arc<Intake>) -> Result<Option<Self>, Error> {
        let desk = desk(config, intake, databases::index(config)?)?;
        let shown = read_checkpoint(&config.dir.join(CHECKPOINT_FILE))?;
        if desk.filed() >= shown.map_or(0, |shown| shown.checkpoint().size) {
            return Ok(None);
        }
        Ok(Some(Self {
            tail: Tail::with_attempts(&config.dir, desk.next())?,
            end: writer::end_of(config)?,
            desk,
        }))
    }

    /// Files some thousand records.
    pub(super) fn file(&mut self) -> Result<More, Error> {
        let desk = &mut self.desk;
        let (end, limit) = (self.end.end, desk.next() + SLICE);
        self.tail.read_to(end, limit, |frame| desk.frame(frame))?;
        desk.flush()?;
        Ok(if desk.filed() < self.end.seq {
            More::Yes
        } else {
            More::No
        })
    }

    /// How many sealed openings could not be opened since this was asked last.
    pub(super) fn take_lost(&mut self) -> u64 {
        self.desk.take_lost()
    }
}
