//! Bytes that are nearly right: seeds, changed a little, the same ones in every run.
//!
//! Not here: any search for what changes lead further; a few thousand blind ones take seconds.

/// Makes mutations of its seeds without end.
#[derive(Debug)]
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// Of these seeds, with this number to begin with.
    pub fn new(seeds: Vec<Vec<u8>>, begin: u64) -> Self {
        assert!(!seeds.is_empty(), "nothing to mutate");
        let state = begin.wrapping_mul(2) | 1;
        Self { seeds, state }
    }

    /// A number below another one.
    fn below(&mut self, limit: usize) -> usize {
        // Marsaglia's xorshift; nothing here has to be hard to guess.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % limit.max(1)
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        self.seeds.get(at).cloned().unwrap_or_default()
    }

    /// The range of some bytes of a text.
    fn range(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let from = self.below(text.len() + 1);
        let most = (text.len() - from).min(16);
        from..from + self.below(most + 1)
    }

    fn change(&mut self, text: &mut Vec<u8>) {
        let range = self.range(text);
        match self.below(7) {
            0 => {
                let (bit, at) = (self.below(8), range.start);
                text.iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte ^= 1 << bit);
            }
            1 => drop(text.drain(range)),
            2 => {
                let piece: Vec<u8> = text.drain(range.clone()).collect();
                let times = 1 + self.below(64);
                text.splice(range.start..range.start, piece.repeat(times));
            }
            3 => {
                let word = WORDS
                    .get(self.below(WORDS.len()))
                    .copied()
                    .unwrap_or_default();
                text.splice(range, word.iter().copied());
            }
            4 => text.truncate(range.start),
            5 => {
                let other = self.seed();
                let piece = other.into_iter().skip(range.start).take(64);
                text.splice(range, piece.collect::<Vec<_>>());
            }
            _ => {
                let byte = u8::try_from(self.below(256)).unwrap();
                text.splice(range, [byte]);
            }
        }
        text.truncate(LONGEST);
    }
}

impl Iterator for Mutator {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut text = self.seed();
        for _ in 0..=self.below(4) {
            self.change(&mut text);
        }
        Some(text)
    }
}

/// What readers stumble over.
const WORDS: [&[u8]; 20] = [
    b"null",
    b"\"",
    b"\\ud800",
    b"\\u0000",
    b"{",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"}",
    b",",
    b"1e400",
    b"-0",
    b"9223372036854775808",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80\x08",
    b"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"999099000001",
    b"[[agreement]]\n",
    b"'''",
    b"0000-00-00",
];
/// As large as a body may be.
const LONGEST: usize = 64 << 10;
