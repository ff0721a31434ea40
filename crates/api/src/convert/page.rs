//! Page tokens: a place among the records, as text that says nothing to who carries it.
//!
//! *Invariant:* there is nothing personal in a token, and none gives a right: what is read with it
//! is searched for and admitted anew.

use base64_simd::URL_SAFE_NO_PAD;
use exchange::Position;

/// The token of the page that begins behind a record.
#[must_use]
pub fn page_token(position: Position) -> String {
    let Position { ts, log, seq } = position;
    let parts = [ts.to_be_bytes(), log.to_be_bytes(), seq.to_be_bytes()];
    let parts = [&[VERSION], parts.as_flattened()];
    URL_SAFE_NO_PAD.encode_to_string(parts.concat())
}

/// The record behind which the page of a token begins; none if it is no token.
pub(super) fn position(token: &str) -> Option<Position> {
    let bytes = URL_SAFE_NO_PAD.decode_to_vec(token).ok()?;
    let (&VERSION, parts) = bytes.split_first()? else {
        return None;
    };
    let (&[ts, log, seq], []) = parts.as_chunks() else {
        return None;
    };
    Some(Position {
        ts: u64::from_be_bytes(ts),
        log: i64::from_be_bytes(log),
        seq: u64::from_be_bytes(seq),
    })
}

/// The first byte of a token, so that its form can change.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place_and_a_touched_one_nowhere() {
        let place = Position {
            ts: 1_771_234_567_890,
            log: -3,
            seq: u64::MAX,
        };
        let token = page_token(place);
        assert_eq!(position(&token), Some(place));
        let longer = format!("{token}AAAA");
        let other = token.replacen("AQ", "Ag", 1);
        for wrong in ["", "AQ", "?", &token[1..], &longer, &other] {
            assert_eq!(position(wrong), None, "{wrong}");
        }
    }
}
