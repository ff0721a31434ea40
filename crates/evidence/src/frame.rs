//! Frames, the units of the log: `len | crc32c | kind | seq | payload`, numbers little-endian.
//!
//! `len` counts the payload; the checksum covers everything but itself. Kinds: SEGMENT (the head
//! of a file), OPEN (an attempt; no seq), LEAF, BATCH (the trailer that makes a batch whole),
//! OPENING (what the commitments of a leaf hide, sealed; no seq).
//! The payload of OPEN, LEAF and OPENING begins with the key of the exchange: an OPEN is finished by
//! the LEAF with its key; a leaf that finishes nothing has key 0. An OPENING belongs to the LEAF
//! with its key; with key 0, to the next leaf that has key 0. Not here: what a payload means.
//!
//! *Invariant:* a kind that a later version adds has no seq, begins with a key and is hashed as an OPEN
//! is, so that whoever does not know it can check what stands around it.

/// The bytes before the payload.
pub(crate) const HEAD_LEN: usize = 4 + 4 + 1 + 8;
/// The bytes of the key of an exchange.
pub(crate) const KEY_LEN: usize = 8;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The head of a segment.
    Segment = 1,
    /// An attempt, written before the agencies are asked.
    Open = 2,
    /// A record.
    Leaf = 3,
    /// The trailer of a batch.
    Batch = 4,
    /// Sealed openings of a record.
    Opening = 5,
    /// What a later version has added. Never written.
    Newer = 255,
}

impl Kind {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Segment),
            2 => Some(Self::Open),
            3 => Some(Self::Leaf),
            4 => Some(Self::Batch),
            5 => Some(Self::Opening),
            0 => None,
            _ => Some(Self::Newer),
        }
    }
}

/// One frame of the log, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// The number of its kind.
    pub(crate) byte: u8,
    /// The sequence number of a leaf; of a trailer or head, that of the next leaf.
    pub(crate) seq: u64,
    /// What it holds.
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the frame at the front of the bytes.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (head, rest) = bytes
            .split_first_chunk::<HEAD_LEN>()
            .ok_or("the file ends within a frame")?;
        let [l0, l1, l2, l3, c0, c1, c2, c3, kind, seq @ ..] = *head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let payload = rest.get(..len).ok_or("the file ends within a frame")?;
        let crc = u32::from_le_bytes([c0, c1, c2, c3]);
        if checksum(head, payload) != crc {
            return Err("the checksum of a frame does not fit");
        }
        let byte = kind;
        let kind = Kind::from_byte(byte).ok_or("a frame is of no kind")?;
        let seq = u64::from_le_bytes(seq);
        Ok(Self {
            kind,
            byte,
            seq,
            payload,
        })
    }

    /// The bytes that the whole frame takes.
    pub(crate) const fn len(&self) -> usize {
        HEAD_LEN + self.payload.len()
    }

    /// The JSON of a leaf; none of any other frame.
    pub(crate) fn leaf(&self) -> Option<&'a [u8]> {
        let (_, json) = self.body().ok()?;
        (self.kind == Kind::Leaf).then_some(json)
    }

    /// The key of the exchange and what follows it: the JSON of an OPEN or LEAF, or sealed openings.
    pub(crate) fn body(&self) -> Result<(u64, &'a [u8]), &'static str> {
        self.payload
            .split_first_chunk::<KEY_LEN>()
            .map(|(key, json)| (u64::from_le_bytes(*key), json))
            .ok_or("a frame is too short for its key")
    }
}

/// Appends a frame whose sequence number and checksum are still to be set by [`finish`].
pub(crate) fn append(out: &mut Vec<u8>, kind: Kind, parts: [&[u8]; 2]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(HEAD_LEN + len);
    // A payload is far below 4 GiB: requests are capped at 64 KiB.
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(kind as u8);
    out.extend_from_slice(&[0; 8]);
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// Sets the sequence number and the checksum of a frame made by [`append`].
pub(crate) fn finish(frame: &mut [u8], seq: u64) {
    let Some((head, payload)) = frame.split_first_chunk_mut::<HEAD_LEN>() else {
        return;
    };
    let [_, _, _, _, _, _, _, _, _, tail @ ..] = head;
    *tail = seq.to_le_bytes();
    let crc = checksum(head, payload).to_le_bytes();
    let [_, _, _, _, c0, c1, c2, c3, ..] = head;
    [*c0, *c1, *c2, *c3] = crc;
}

/// A finished frame of its own.
pub(crate) fn whole(kind: Kind, seq: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append(&mut out, kind, [payload, &[]]);
    finish(&mut out, seq);
    out
}

/// The mutable frames of a batch under construction: kind and whole frame.
pub(crate) fn split_first_mut(bytes: &mut [u8]) -> Option<(Kind, &mut [u8], &mut [u8])> {
    let head = bytes.first_chunk::<HEAD_LEN>()?;
    let [l0, l1, l2, l3, _, _, _, _, kind, ..] = *head;
    let len = HEAD_LEN + u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let (frame, rest) = bytes.split_at_mut_checked(len)?;
    Some((Kind::from_byte(kind)?, frame, rest))
}

fn checksum(head: &[u8; HEAD_LEN], payload: &[u8]) -> u32 {
    let [l0, l1, l2, l3, _, _, _, _, rest @ ..] = head;
    let crc = crc32c::crc32c(&[*l0, *l1, *l2, *l3]);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, rest), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_no_bit_of_it_can_change() {
        let frame = whole(Kind::Leaf, 7, b"12345678{}");
        let read = Frame::read(&frame).unwrap();
        assert_eq!(
            (read.kind, read.seq, read.len()),
            (Kind::Leaf, 7, frame.len())
        );
        assert_eq!(read.body().unwrap().1, b"{}");
        for at in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(Frame::read(&flipped).is_err(), "bit {at}");
        }
        for end in 0..frame.len() {
            assert!(Frame::read(&frame[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn zeros_are_no_frame() {
        assert!(Frame::read(&[0; 64]).is_err());
    }
}
