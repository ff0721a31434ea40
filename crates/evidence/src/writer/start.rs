//! How the writer begins: hold the directory, read what is there, repair it, say so in the log.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::log::{self, Log};
use super::outstanding::Outstanding;
use super::pace::Pace;
use super::queue::{Queue, Taken};
use super::{Batch, Writer, now_ms};
use crate::evidence::{Alarm, Deps};
use crate::frame::{self, Kind};
use crate::leaf::{self, Event, Tail};
use crate::recover::Recovered;
use crate::{Config, Error};

impl Writer {
    /// Opens the log and makes its first batch durable.
    pub(super) fn start(
        config: &Config,
        deps: Deps,
        settled: UnboundedSender<Arc<Batch>>,
    ) -> Result<(Self, Alarm), Error> {
        let held = log::hold(&config.dir)?;
        if deps.keys.origin() != config.origin {
            return Err(Error::Setting {
                setting: "origin",
                problem: "is not the name of the keys",
            });
        }
        let recovered = Recovered::read(&config.dir, &config.origin)?;
        let log = Log::open(config, &recovered, held)?;
        let first = first_batch(&recovered, config, &deps);
        let open = recovered.unfinished.len();
        let mut writer = Self {
            queue: Arc::new(Queue::new(config.places.get(), recovered.chain.key)),
            log,
            outstanding: Outstanding::after_crash(recovered.from, open),
            chain: recovered.chain,
            pace: Pace::new(config.gather()),
            origin: Arc::from(deps.keys.origin()),
            keys: deps.keys,
            node: config.node.clone(),
            version: deps.version,
            clock: deps.clock,
            observer: deps.observer,
            settled,
            in_flight: None,
            spare: Vec::new(),
        };
        writer.commit(first)?;
        writer.keep_house()?;
        Ok((writer, deps.on_fatal))
    }
}

/// The leaves a start writes: `RECOVERY` if something was cut, one leaf per unfinished attempt,
/// `START`.
fn first_batch(recovered: &Recovered, config: &Config, deps: &Deps) -> Taken {
    let event = Event {
        v: 1,
        ts: now_ms(&*deps.clock),
        node: &config.node,
        ..Event::default()
    };
    let mut first = Taken::default();
    if recovered.torn > 0 {
        let leaf = Event {
            t: "RECOVERY",
            bytes: Some(recovered.torn),
            last_seq: recovered.chain.seq.checked_sub(1),
            ..event.clone()
        };
        push(&mut first, 0, &leaf.to_leaf());
    }
    for (key, head) in &recovered.unfinished {
        push(&mut first, *key, &unknown(head));
    }
    let leaf = Event {
        t: "START",
        ver: Some(deps.version),
        ..event
    };
    push(&mut first, 0, &leaf.to_leaf());
    first
}

/// The leaf of an attempt whose outcome a crash has taken.
fn unknown(head: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    leaf::write_tail(
        &mut out,
        &Tail::<()> {
            src: None,
            dec: "UNKNOWN",
            why: None,
            flag: &[],
            opened: leaf::ts(head),
        },
    );
    out
}

fn push(batch: &mut Taken, key: u64, leaf: &[u8]) {
    frame::append(&mut batch.bytes, Kind::Leaf, [&key.to_le_bytes(), leaf]);
    batch.leaves += 1;
}
