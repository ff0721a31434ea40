//! The bytes of a row of the trail: what was done with request ids in a tenth of a second.
//!
//! ```text
//! claim: 1 ‖ tag (16) ‖ content (16) ‖ when, in milliseconds since 1970 (8)
//! log:   2 ‖ length (1) ‖ name         the log of the ends that follow
//! end:   3 ‖ tag (16) ‖ number of the record (8)
//! ```

use super::keys::{ContentTag, RequestTag};
use super::thread::Round;

/// One thing that was done.
#[derive(Debug)]
pub(super) enum Done<'a> {
    Claim {
        tag: RequestTag,
        content: ContentTag,
        used_ms: u64,
    },
    Log(&'a str),
    End {
        tag: RequestTag,
        seq: u64,
    },
}

/// Reads a row; what a later version has written, and all behind it, is passed over.
#[derive(Debug)]
pub(super) struct Steps<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Steps<'a> {
    type Item = Done<'a>;

    fn next(&mut self) -> Option<Done<'a>> {
        let step = step(self.0);
        let (done, rest) = step.map_or((None, [].as_slice()), |(done, rest)| (Some(done), rest));
        self.0 = rest;
        done
    }
}

fn step(steps: &[u8]) -> Option<(Done<'_>, &[u8])> {
    let (kind, rest) = steps.split_first()?;
    match *kind {
        CLAIM => {
            let (tag, rest) = rest.split_first_chunk()?;
            let (content, rest) = rest.split_first_chunk()?;
            let (used_ms, rest) = rest.split_first_chunk()?;
            let claim = Done::Claim {
                tag: RequestTag(*tag),
                content: ContentTag(*content),
                used_ms: u64::from_le_bytes(*used_ms),
            };
            Some((claim, rest))
        }
        LOG => {
            let (len, rest) = rest.split_first()?;
            let (name, rest) = rest.split_at_checked(usize::from(*len))?;
            Some((Done::Log(std::str::from_utf8(name).ok()?), rest))
        }
        END => {
            let (tag, rest) = rest.split_first_chunk()?;
            let (seq, rest) = rest.split_first_chunk()?;
            let (tag, seq) = (RequestTag(*tag), u64::from_le_bytes(*seq));
            Some((Done::End { tag, seq }, rest))
        }
        _ => None,
    }
}

/// What was done in a round, as it stands in a row. An end without a record changes nothing: at the next
/// start every question is over.
pub(super) fn written(round: &Round, now_ms: u64) -> Vec<u8> {
    let mut steps = Vec::with_capacity(CLAIM_LEN * (round.claims.len() + round.ends.len()));
    for claim in &round.claims {
        let age_ms = u64::try_from(claim.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        steps.push(CLAIM);
        steps.extend_from_slice(&claim.tag.0);
        steps.extend_from_slice(&claim.content.0);
        steps.extend_from_slice(&now_ms.saturating_sub(age_ms).to_le_bytes());
    }
    let mut log: Option<&str> = None;
    for end in &round.ends {
        let Some(record) = &end.record else {
            continue;
        };
        let Ok(len) = u8::try_from(record.log.len()) else {
            continue;
        };
        if log != Some(&*record.log) {
            log = Some(&*record.log);
            steps.extend_from_slice(&[LOG, len]);
            steps.extend_from_slice(record.log.as_bytes());
        }
        steps.push(END);
        steps.extend_from_slice(&end.tag.0);
        steps.extend_from_slice(&record.seq.to_le_bytes());
    }
    steps
}

const CLAIM: u8 = 1;
const LOG: u8 = 2;
const END: u8 = 3;
const CLAIM_LEN: usize = 1 + 16 + 16 + 8;
